// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uffd-minor-verbs, uffd-sim-minor: userfaultfd without its copy. All memory of
 * the region is allocated (and registered with the RDMA device) before the first
 * touch, by a second mapping; the handler fetches into the page itself and has it
 * mapped by UFFDIO_CONTINUE. Quicker, at the price of what paging is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fabric.h"
#include "memory.h"
#include "row.h"
#include "uffd.h"

struct minor_row {
	struct reader reader;
	struct uffd_pager pager;
	int memory;
};

static uint64_t map_bytes(const struct minor_row *minor)
{
	return minor->pager.bytes + BENCH_PAGE;
}

static const char *fetch_verbs(struct uffd_pager *pager, uint64_t page)
{
	reader_get(pager->reader, page, page);
	return NULL;
}

static const char *fetch_fabric(struct uffd_pager *pager, uint64_t page)
{
	fabric_wait(pager->bench->fabric);
	fabric_copy(pager->bench->fabric, page,
		    pager->second + page * BENCH_PAGE);
	return NULL;
}

static bool is_simulated(const struct row *row)
{
	return row->ops->source == UMEM_SOURCE_SIM;
}

static int minor_open(struct row *row, struct umem_why *why)
{
	struct minor_row *minor = calloc(1, sizeof(*minor));
	int err;

	if (!minor)
		return umem_because(why, -ENOMEM, "no memory");
	minor->pager.wait = row->ops->data;
	minor->pager.minor = true;
	minor->pager.bench = row->bench;
	minor->pager.reader = &minor->reader;
	minor->pager.fetch = is_simulated(row) ? fetch_fabric : fetch_verbs;
	minor->pager.bytes = row->bench->pages * BENCH_PAGE;
	err = uffd_check(&minor->pager, why);
	if (err)
		free(minor);
	else
		row->priv = minor;
	return err;
}

static void drop_memory(struct row *row)
{
	struct minor_row *minor = row->priv;

	if (minor->pager.second)
		munmap(minor->pager.second, map_bytes(minor));
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
	minor->pager.second = err ? NULL :
			      memory_map(minor->memory, map_bytes(minor), &err,
					 why);
	/* A device's mapping takes no faults, so the handler's takes none. */
	if (!err && is_simulated(row))
		memory_touch(minor->pager.second, map_bytes(minor));
	if (err)
		drop_memory(row);
	return err;
}

static int open_reader(struct row *row, struct umem_why *why)
{
	struct minor_row *minor = row->priv;

	if (is_simulated(row))
		return 0;
	return reader_open(&minor->reader, row->bench, minor->pager.second,
			   row->bench->pages, why);
}

static void close_reader(struct row *row)
{
	struct minor_row *minor = row->priv;

	if (!is_simulated(row))
		reader_close(&minor->reader);
}

static int minor_prepare(struct row *row, struct umem_why *why)
{
	struct minor_row *minor = row->priv;
	int err = make_memory(row, why);

	if (err)
		return err;
	err = open_reader(row, why);
	if (err)
		goto memory;
	minor->pager.map = row->map;
	err = uffd_start(&minor->pager, why);
	if (err)
		goto reader;
	return 0;
reader:
	close_reader(row);
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
	close_reader(row);
	drop_memory(row);
}

static void minor_close(struct row *row)
{
	free(row->priv);
}

#define MINOR_OPS \
	.open = minor_open, \
	.prepare = minor_prepare, \
	.start = minor_start, \
	.stop = minor_stop, \
	.finish = minor_finish, \
	.close = minor_close

const struct row_ops row_uffd_minor = {
	MINOR_OPS,
	.name = "uffd-minor-verbs",
	.what = "userfaultfd (shmem, MINOR, CONTINUE) and verbs: no copy, all memory pinned before",
	.when = ROW_NAMED,
	.source = UMEM_SOURCE_RDMA,
	.data = UFFD_YIELD,
};

const struct row_ops row_uffd_sim_minor = {
	MINOR_OPS,
	.name = "uffd-sim-minor",
	.what = "userfaultfd (shmem, MINOR, CONTINUE), simulated: all memory taken before",
	.source = UMEM_SOURCE_SIM,
	.data = UFFD_BLOCK,
};
