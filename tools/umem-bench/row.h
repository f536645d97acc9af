/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A row: one way to get at a page.
 *
 * Life of a row: open once; for each round prepare, then {start, touches,
 * stop} for each batch, finish; close once. Only open may find that the row
 * cannot run on this machine; from prepare on, a failure ends the run.
 */
#ifndef UMEM_BENCH_ROW_H
#define UMEM_BENCH_ROW_H

#include "bench.h"
#include "hist.h"

enum row_when {
	ROW_ALWAYS = 0,
	ROW_SPARE_CPUS,		/* it wants a CPU to itself */
	ROW_NAMED,		/* never */
};

/**
 * struct row_ops - what a kind of row does
 * @name: as in the table and for --rows.
 * @group: a name for --rows that stands for all rows of the group; the best of
 *	them is reported under it. NULL: none.
 * @what: one line for people.
 * @source: what kind of --source it reads from; 0: none.
 * @zeroes: its pages hold zeroes, not the source's bytes.
 * @when: when it runs without being named.
 * @data: for the ops' own use: what distinguishes rows that share them.
 * @open: get what lives through all rounds.
 * @prepare: a fresh mapping of @bench->pages in @row->map, no page of it
 *	touched yet. A row without a mapping sets @row->buffer instead.
 * @start: a batch follows.
 * @aim: @page is touched next; not timed.
 * @read: in place of a touch of @row->map: get @page into the @slot-th page of
 *	@row->buffer.
 * @stop: the batch is over: be quiet while others are measured.
 * @finish: drop the mapping.
 * @close: undo open.
 *
 * All but name, what, open, prepare, finish and close may be NULL.
 */
struct row_ops {
	const char *name;
	const char *group;
	const char *what;
	enum umem_source_kind source;
	bool zeroes;
	enum row_when when;
	int data;

	int (*open)(struct row *row, struct umem_why *why);
	int (*prepare)(struct row *row, struct umem_why *why);
	void (*start)(struct row *row);
	void (*aim)(struct row *row, uint64_t page);
	void (*read)(struct row *row, uint64_t page, size_t slot);
	void (*stop)(struct row *row);
	void (*finish)(struct row *row);
	void (*close)(struct row *row);
};

/* What umem itself says of the rounds, summed up. */
struct row_umem {
	bool valid;
	uint64_t faults;
	uint64_t granules_provided;
	uint64_t bytes_copied;
	uint64_t bytes_direct;
	uint64_t readahead_asked;
	uint64_t readahead_hits;
	uint64_t readahead_late;
	uint64_t readahead_wasted;
	uint64_t polled;	/* answers of the simulated provider that a fault polled */
};

struct row {
	const struct row_ops *ops;
	const struct bench *bench;
	void *priv;		/* the ops' own */
	char *map;
	char *buffer;

	const char *skipped;	/* why it does not run; NULL: it does */
	const char *name;	/* @ops->name, or the group's if it is the best */
	struct hist *hist;
	uint64_t touches;
	uint64_t total_ns;	/* from the first of a batch to the last */
	uint64_t faults;	/* page faults the kernel counted during them */
	uint64_t verified;	/* pages compared; equals @touches */
	struct row_umem umem;
};

/* rows.c */
extern const struct row_ops *const row_kinds[];
extern const size_t row_kind_count;

/*
 * The rows of @bench for --rows (NULL: all) with @cpus usable CPUs. 0 or
 * -EINVAL (a name that is none), -ENOMEM.
 */
int rows_select(struct bench *bench, unsigned int cpus, struct umem_why *why);
void rows_free(struct bench *bench);

/* Gives the best row of each group (lowest median) the group's name. */
void rows_name_best(struct bench *bench);

/* Where @page of the touch in @slot can be looked at. */
static inline char *row_view(const struct row *row, uint64_t page, size_t slot)
{
	return row->map ? row->map + page * BENCH_PAGE :
			  row->buffer + slot * BENCH_PAGE;
}

/* The kinds, row_*.c. */
extern const struct row_ops row_raw_verbs;
extern const struct row_ops row_umem_rdma;
extern const struct row_ops row_umem_provider;
extern const struct row_ops row_umem_provider_poll;
extern const struct row_ops row_uffd_block;
extern const struct row_ops row_uffd_poll;
extern const struct row_ops row_uffd_yield;
extern const struct row_ops row_uffd_spin;
extern const struct row_ops row_uffd_minor;
extern const struct row_ops row_umem_sim;
extern const struct row_ops row_umem_holed;
extern const struct row_ops row_uffd_sim_block;
extern const struct row_ops row_uffd_sim_poll;
extern const struct row_ops row_uffd_sim_yield;
extern const struct row_ops row_uffd_sim_spin;
extern const struct row_ops row_uffd_sim_minor;
extern const struct row_ops row_uffd_sim_sigbus;
extern const struct row_ops row_tmpfs_first;
extern const struct row_ops row_present;
extern const struct row_ops row_present_mapped;
extern const struct row_ops row_umem_provided;
extern const struct row_ops row_umem_finalized;
extern const struct row_ops row_nvmeof;

#endif /* UMEM_BENCH_ROW_H */
