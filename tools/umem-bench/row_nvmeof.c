// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * nvmeof: the stock kernel's own way to page over RDMA, mmap of an NVMe over
 * Fabrics namespace. Any block device or file will do.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "guard.h"
#include "memory.h"
#include "row.h"

struct nvmeof {
	int fd;
	uint64_t bytes;
	uint64_t touched;	/* pages of this round */
};

static int check_size(const struct row *row, const struct nvmeof *nvmeof,
		      struct umem_why *why)
{
	off_t end = lseek(nvmeof->fd, 0, SEEK_END);

	if (end >= 0 && (uint64_t)end >= nvmeof->bytes)
		return 0;
	return umem_because(why, -ERANGE,
			    "%s is smaller than the %" PRIu64 " bytes of --size",
			    row->bench->opt.nvmeof, nvmeof->bytes);
}

static int nvmeof_open(struct row *row, struct umem_why *why)
{
	const char *path = row->bench->opt.nvmeof;
	struct nvmeof *nvmeof;
	int err;

	if (!path)
		return umem_because(why, -ENOENT, "it needs --nvmeof DEVICE");
	nvmeof = calloc(1, sizeof(*nvmeof));
	if (!nvmeof)
		return umem_because(why, -ENOMEM, "no memory");
	nvmeof->bytes = row->bench->pages * BENCH_PAGE;
	nvmeof->fd = open(path, O_RDWR | O_CLOEXEC);
	if (nvmeof->fd < 0) {
		err = umem_because(why, -errno, "%s cannot be opened", path);
		goto free;
	}
	err = check_size(row, nvmeof, why);
	if (err)
		goto close;
	row->priv = nvmeof;
	return 0;
close:
	close(nvmeof->fd);
free:
	free(nvmeof);
	return err;
}

/* What is cached here would not be fetched. */
static int drop_cache(const struct nvmeof *nvmeof, struct umem_why *why)
{
	struct stat st;
	int err;

	if (fsync(nvmeof->fd) || fstat(nvmeof->fd, &st))
		return umem_because(why, -errno, "no fsync");
	if (S_ISBLK(st.st_mode) && ioctl(nvmeof->fd, BLKFLSBUF, 0))
		return umem_because(why, -errno, "no BLKFLSBUF");
	err = posix_fadvise(nvmeof->fd, 0, 0, POSIX_FADV_DONTNEED);
	if (err)
		return umem_because(why, -err, "no POSIX_FADV_DONTNEED");
	return 0;
}

static void unmap(struct row *row)
{
	const struct nvmeof *nvmeof = row->priv;

	munmap(row->map, nvmeof->bytes);
	row->map = NULL;
}

static int nvmeof_prepare(struct row *row, struct umem_why *why)
{
	struct nvmeof *nvmeof = row->priv;
	int err = drop_cache(nvmeof, why);

	if (err)
		return err;
	nvmeof->touched = 0;
	row->map = memory_map(nvmeof->fd, nvmeof->bytes, &err, why);
	if (!row->map)
		return err;
	/* Else a fault reads what is around as well. */
	if (!madvise(row->map, nvmeof->bytes, MADV_RANDOM))
		return 0;
	err = umem_because(why, -errno, "no MADV_RANDOM");
	unmap(row);
	return err;
}

static void nvmeof_aim(struct row *row, uint64_t page)
{
	struct nvmeof *nvmeof = row->priv;

	(void)page;
	nvmeof->touched++;
}

/* The next round has to find what the export holds. */
static void restore(const struct row *row)
{
	const struct nvmeof *nvmeof = row->priv;
	char bytes[BENCH_PAGE];

	for (uint64_t i = 0; i < nvmeof->touched; i++) {
		uint64_t page = bench_page(row->bench, i);

		if (expect_page(row->bench->expect, page, bytes))
			guard_die(EIO, NULL, "restoring page %" PRIu64 " of %s",
				  page, row->bench->opt.nvmeof);
		memcpy(row->map + page * BENCH_PAGE, bytes, sizeof(uint64_t));
	}
	if (msync(row->map, nvmeof->bytes, MS_SYNC))
		guard_die(errno, NULL, "restoring %s", row->bench->opt.nvmeof);
}

static void nvmeof_finish(struct row *row)
{
	if (row->bench->opt.write)
		restore(row);
	unmap(row);
}

static void nvmeof_close(struct row *row)
{
	struct nvmeof *nvmeof = row->priv;

	close(nvmeof->fd);
	free(nvmeof);
}

const struct row_ops row_nvmeof = {
	.name = "nvmeof",
	.what = "mmap of the block device that --nvmeof names, such as one by NVMe/RDMA",
	.when = ROW_NAMED,
	.open = nvmeof_open,
	.prepare = nvmeof_prepare,
	.aim = nvmeof_aim,
	.finish = nvmeof_finish,
	.close = nvmeof_close,
};
