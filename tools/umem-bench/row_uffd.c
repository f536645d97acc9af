// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uffd-verbs: what is used today without umem. userfaultfd on shared memory
 * and a thread that READs and copies; one row for each way in which the thread
 * can wait for faults, since which is best depends on the machine.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "row.h"
#include "uffd.h"

struct uffd_row {
	struct reader reader;
	struct uffd_pager pager;
	int memory;
};

static int uffd_row_open(struct row *row, struct umem_why *why)
{
	struct uffd_row *uffd;
	int err = uffd_check(false, why);

	if (err)
		return err;
	uffd = calloc(1, sizeof(*uffd));
	if (!uffd)
		return umem_because(why, -ENOMEM, "no memory");
	err = reader_open(&uffd->reader, row->bench, NULL, 1, why);
	if (err) {
		free(uffd);
		return err;
	}
	uffd->pager.wait = row->ops->data;
	uffd->pager.bench = row->bench;
	uffd->pager.reader = &uffd->reader;
	uffd->pager.bytes = row->bench->pages * BENCH_PAGE;
	row->priv = uffd;
	return 0;
}

static void unmap(struct row *row)
{
	struct uffd_row *uffd = row->priv;

	munmap(row->map, uffd->pager.bytes + BENCH_PAGE);
	close(uffd->memory);
	row->map = NULL;
}

static int uffd_row_prepare(struct row *row, struct umem_why *why)
{
	struct uffd_row *uffd = row->priv;
	int err;

	uffd->memory = memory_new(uffd->pager.bytes + BENCH_PAGE, &row->map,
				  why);
	if (uffd->memory < 0)
		return uffd->memory;
	uffd->pager.map = row->map;
	err = uffd_start(&uffd->pager, why);
	if (err)
		unmap(row);
	return err;
}

static void uffd_row_start(struct row *row)
{
	struct uffd_row *uffd = row->priv;

	uffd_wake(&uffd->pager);
}

static void uffd_row_stop(struct row *row)
{
	struct uffd_row *uffd = row->priv;

	uffd_rest(&uffd->pager);
}

static void uffd_row_finish(struct row *row)
{
	struct uffd_row *uffd = row->priv;

	uffd_stop(&uffd->pager);
	unmap(row);
}

static void uffd_row_close(struct row *row)
{
	struct uffd_row *uffd = row->priv;

	reader_close(&uffd->reader);
	free(uffd);
}

#define UFFD_OPS \
	.group = "uffd-verbs", \
	.remote = true, \
	.open = uffd_row_open, \
	.prepare = uffd_row_prepare, \
	.start = uffd_row_start, \
	.stop = uffd_row_stop, \
	.finish = uffd_row_finish, \
	.close = uffd_row_close

const struct row_ops row_uffd_block = {
	UFFD_OPS,
	.name = "uffd-verbs-block",
	.what = "userfaultfd (shmem, MISSING, COPY) and verbs; the handler sleeps in read()",
	.data = UFFD_BLOCK,
};

const struct row_ops row_uffd_yield = {
	UFFD_OPS,
	.name = "uffd-verbs-yield",
	.what = "the same; the handler polls and yields",
	.data = UFFD_YIELD,
};

const struct row_ops row_uffd_spin = {
	UFFD_OPS,
	.name = "uffd-verbs-spin",
	.what = "the same; the handler polls and keeps its CPU to itself",
	.when = ROW_SPARE_CPUS,
	.data = UFFD_SPIN,
};
