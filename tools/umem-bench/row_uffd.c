// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uffd-verbs, uffd-sim: what is used today without umem. userfaultfd on shared
 * memory and a thread that fetches and copies; one row for each way in which the
 * thread can wait for faults, since which is best depends on the machine.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fabric.h"
#include "memory.h"
#include "row.h"
#include "uffd.h"

struct uffd_row {
	struct reader reader;
	struct uffd_pager pager;
	int memory;
};

static const char *fetch_verbs(struct uffd_pager *pager, uint64_t page)
{
	reader_get(pager->reader, page, 0);
	return pager->reader->buffer;
}

/* The bytes move once: from where they lie to the page. */
static const char *fetch_fabric(struct uffd_pager *pager, uint64_t page)
{
	fabric_wait(pager->bench->fabric);
	return fabric_page(pager->bench->fabric, page);
}

static int open_source(struct row *row, struct uffd_row *uffd,
		       struct umem_why *why)
{
	if (row->ops->source == UMEM_SOURCE_SIM) {
		uffd->pager.fetch = fetch_fabric;
		return 0;
	}
	uffd->pager.fetch = fetch_verbs;
	uffd->pager.reader = &uffd->reader;
	return reader_open(&uffd->reader, row->bench, NULL, 1, why);
}

static int uffd_row_open(struct row *row, struct umem_why *why)
{
	struct uffd_row *uffd = calloc(1, sizeof(*uffd));
	int err;

	if (!uffd)
		return umem_because(why, -ENOMEM, "no memory");
	uffd->pager.wait = row->ops->data;
	uffd->pager.bench = row->bench;
	uffd->pager.bytes = row->bench->pages * BENCH_PAGE;
	err = uffd_check(&uffd->pager, why);
	if (!err)
		err = open_source(row, uffd, why);
	if (err)
		free(uffd);
	else
		row->priv = uffd;
	return err;
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

	if (uffd->pager.reader)
		reader_close(&uffd->reader);
	free(uffd);
}

/* ---- SIGBUS: who faults fetches ------------------------------------------ */

static struct uffd_pager *faulting;
static struct sigaction others;

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	uint64_t offset = (uintptr_t)info->si_addr - (uintptr_t)faulting->map;

	(void)context;
	if (offset >= faulting->bytes) {
		/* Not ours: the touch is repeated, and met as usual. */
		sigaction(signal, &others, NULL);
		return;
	}
	uffd_resolve(faulting, offset & ~(uint64_t)(BENCH_PAGE - 1));
}

static void sigbus_start(struct row *row)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};
	struct uffd_row *uffd = row->priv;

	faulting = &uffd->pager;
	sigaction(SIGBUS, &action, &others);
}

static void sigbus_stop(struct row *row)
{
	(void)row;
	sigaction(SIGBUS, &others, NULL);
}

/* ---- Rows ---------------------------------------------------------------- */

#define UFFD_OPS \
	.open = uffd_row_open, \
	.prepare = uffd_row_prepare, \
	.finish = uffd_row_finish, \
	.close = uffd_row_close

#define VERBS_OPS \
	UFFD_OPS, \
	.group = "uffd-verbs", \
	.source = UMEM_SOURCE_RDMA, \
	.start = uffd_row_start, \
	.stop = uffd_row_stop

#define SIM_OPS \
	UFFD_OPS, \
	.group = "uffd-sim", \
	.source = UMEM_SOURCE_SIM, \
	.start = uffd_row_start, \
	.stop = uffd_row_stop

const struct row_ops row_uffd_block = {
	VERBS_OPS,
	.name = "uffd-verbs-block",
	.what = "userfaultfd (shmem, MISSING, COPY) and verbs; the handler sleeps in read()",
	.data = UFFD_BLOCK,
};

const struct row_ops row_uffd_poll = {
	VERBS_OPS,
	.name = "uffd-verbs-poll",
	.what = "the same; the handler sleeps in poll() before read()",
	.data = UFFD_POLL,
};

const struct row_ops row_uffd_yield = {
	VERBS_OPS,
	.name = "uffd-verbs-yield",
	.what = "the same; the handler polls and yields",
	.data = UFFD_YIELD,
};

const struct row_ops row_uffd_spin = {
	VERBS_OPS,
	.name = "uffd-verbs-spin",
	.what = "the same; the handler polls and keeps its CPU to itself",
	.when = ROW_SPARE_CPUS,
	.data = UFFD_SPIN,
};

const struct row_ops row_uffd_sim_block = {
	SIM_OPS,
	.name = "uffd-sim-block",
	.what = "userfaultfd (shmem, MISSING, COPY), simulated; the handler sleeps in read()",
	.data = UFFD_BLOCK,
};

const struct row_ops row_uffd_sim_poll = {
	SIM_OPS,
	.name = "uffd-sim-poll",
	.what = "the same; the handler sleeps in poll() before read()",
	.data = UFFD_POLL,
};

const struct row_ops row_uffd_sim_yield = {
	SIM_OPS,
	.name = "uffd-sim-yield",
	.what = "the same; the handler polls and yields",
	.data = UFFD_YIELD,
};

const struct row_ops row_uffd_sim_spin = {
	SIM_OPS,
	.name = "uffd-sim-spin",
	.what = "the same; the handler polls and keeps its CPU to itself",
	.when = ROW_SPARE_CPUS,
	.data = UFFD_SPIN,
};

const struct row_ops row_uffd_sim_sigbus = {
	UFFD_OPS,
	.name = "uffd-sim-sigbus",
	.what = "the same by SIGBUS, without a handler: no system call or KVM can touch such memory",
	.source = UMEM_SOURCE_SIM,
	.start = sigbus_start,
	.stop = sigbus_stop,
	.data = UFFD_SIGBUS,
};
