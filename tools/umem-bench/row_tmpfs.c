// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rows without any provider: what a memfd costs.
 *
 * tmpfs-first		touch of a hole: the kernel makes a page of zeroes
 * present		touch of a page that is in the page cache and not mapped
 * present-mapped	touch of a page that is mapped: no fault
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "present.h"

enum tmpfs_kind {
	TMPFS_FIRST,
	TMPFS_PRESENT,
	TMPFS_MAPPED,
};

struct tmpfs {
	int fd;
	uint64_t bytes;
};

static int tmpfs_open(struct row *row, struct umem_why *why)
{
	struct tmpfs *tmpfs = calloc(1, sizeof(*tmpfs));

	if (!tmpfs)
		return umem_because(why, -ENOMEM, "no memory");
	tmpfs->bytes = row->bench->pages * BENCH_PAGE;
	row->priv = tmpfs;
	return 0;
}

/* Maps this round's pages as a touch of the run's kind would. */
static void map_all(const struct row *row)
{
	for (uint64_t i = 0; i < row->bench->opt.touches; i++) {
		volatile char *byte = row->map +
			bench_page(row->bench, i) * BENCH_PAGE;

		if (row->bench->opt.write)
			*byte = *byte;
		else
			(void)*byte;
	}
}

static void tmpfs_finish(struct row *row)
{
	struct tmpfs *tmpfs = row->priv;

	munmap(row->map, tmpfs->bytes);
	close(tmpfs->fd);
	row->map = NULL;
}

static int tmpfs_prepare(struct row *row, struct umem_why *why)
{
	struct tmpfs *tmpfs = row->priv;
	int err;

	tmpfs->fd = memory_new(tmpfs->bytes, &row->map, why);
	if (tmpfs->fd < 0)
		return tmpfs->fd;
	if (row->ops->data == TMPFS_FIRST)
		return 0;
	err = present_fill(row, tmpfs->fd, false, why);
	if (err) {
		tmpfs_finish(row);
		return err;
	}
	if (row->ops->data == TMPFS_MAPPED)
		map_all(row);
	return 0;
}

static void tmpfs_close(struct row *row)
{
	free(row->priv);
}

const struct row_ops row_tmpfs_first = {
	.name = "tmpfs-first",
	.what = "first touch of a hole of a memfd: a page of zeroes, no provider",
	.zeroes = true,
	.data = TMPFS_FIRST,
	.open = tmpfs_open,
	.prepare = tmpfs_prepare,
	.finish = tmpfs_finish,
	.close = tmpfs_close,
};

const struct row_ops row_present = {
	.name = "present",
	.what = "a page of a memfd that is in the page cache and not mapped: a minor fault",
	.data = TMPFS_PRESENT,
	.open = tmpfs_open,
	.prepare = tmpfs_prepare,
	.aim = present_unmap_around,
	.finish = tmpfs_finish,
	.close = tmpfs_close,
};

const struct row_ops row_present_mapped = {
	.name = "present-mapped",
	.what = "a page of a memfd that is mapped: no fault at all",
	.data = TMPFS_MAPPED,
	.open = tmpfs_open,
	.prepare = tmpfs_prepare,
	.finish = tmpfs_finish,
	.close = tmpfs_close,
};
