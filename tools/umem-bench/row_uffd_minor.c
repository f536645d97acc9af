// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uffd-minor-verbs: userfaultfd without a copy. All memory of the region is
 * allocated and registered with the RDMA device before the first touch, by a
 * second mapping; the handler READs into the page itself and has it mapped by
 * UFFDIO_CONTINUE. Quicker than a copy, at the price of what paging is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "row.h"
#include "uffd.h"

struct minor_row {
	struct reader reader;
	struct uffd_pager pager;
	int memory;
	char *second;		/* the mapping that the device writes to */
};

static uint64_t map_bytes(const struct minor_row *minor)
{
	return minor->pager.bytes + BENCH_PAGE;
}

static int minor_open(struct row *row, struct umem_why *why)
{
	struct minor_row *minor;
	int err = uffd_check(true, why);

	if (err)
		return err;
	minor = calloc(1, sizeof(*minor));
	if (!minor)
		return umem_because(why, -ENOMEM, "no memory");
	minor->pager.wait = row->ops->data;
	minor->pager.minor = true;
	minor->pager.bench = row->bench;
	minor->pager.reader = &minor->reader;
	minor->pager.bytes = row->bench->pages * BENCH_PAGE;
	row->priv = minor;
	return 0;
}

static void drop_memory(struct row *row)
{
	struct minor_row *minor = row->priv;

	if (minor->second)
		munmap(minor->second, map_bytes(minor));
	munmap(row->map, map_bytes(minor));
	close(minor->memory);
	row->map = NULL;
}

static int make_memory(struct row *row, struct umem_why *why)
{
	struct minor_row *minor = row->priv;
	int err = 0;

	minor->memory = memory_new(map_bytes(minor), &row->map, why);
	if (minor->memory < 0)
		return minor->memory;
	if (fallocate(minor->memory, 0, 0, (off_t)map_bytes(minor)))
		err = umem_because(why, -errno,
				   "no memory for the whole region");
	minor->second = err ? NULL : memory_map(minor->memory, map_bytes(minor),
						&err, why);
	if (err)
		drop_memory(row);
	return err;
}

static int minor_prepare(struct row *row, struct umem_why *why)
{
	struct minor_row *minor = row->priv;
	int err = make_memory(row, why);

	if (err)
		return err;
	err = reader_open(&minor->reader, row->bench, minor->second,
			  row->bench->pages, why);
	if (err)
		goto memory;
	minor->pager.map = row->map;
	err = uffd_start(&minor->pager, why);
	if (err)
		goto reader;
	return 0;
reader:
	reader_close(&minor->reader);
memory:
	drop_memory(row);
	return err;
}

static void minor_start(struct row *row)
{
	struct minor_row *minor = row->priv;

	uffd_wake(&minor->pager);
}

static void minor_stop(struct row *row)
{
	struct minor_row *minor = row->priv;

	uffd_rest(&minor->pager);
}

static void minor_finish(struct row *row)
{
	struct minor_row *minor = row->priv;

	uffd_stop(&minor->pager);
	reader_close(&minor->reader);
	drop_memory(row);
}

static void minor_close(struct row *row)
{
	free(row->priv);
}

const struct row_ops row_uffd_minor = {
	.name = "uffd-minor-verbs",
	.what = "userfaultfd (shmem, MINOR, CONTINUE) and verbs: no copy, all memory pinned before",
	.when = ROW_NAMED,
	.remote = true,
	.data = UFFD_YIELD,
	.open = minor_open,
	.prepare = minor_prepare,
	.start = minor_start,
	.stop = minor_stop,
	.finish = minor_finish,
	.close = minor_close,
};
