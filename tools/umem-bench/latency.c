// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The measurement: rounds of interleaved batches of timed touches.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "guard.h"
#include "latency.h"
#include "verify.h"

/* One batch: the pages and what each touch took. */
struct batch {
	uint64_t *page;
	uint64_t *ns;
	size_t count;
};

/* How a row is touched; a constant in each of the loops that time it. */
enum touch_kind {
	TOUCH_READ,
	TOUCH_WRITE,
	TOUCH_CALL,		/* by the row's own function */
};

static inline __attribute__((always_inline)) void
time_touches(struct row *row, struct batch *batch, enum touch_kind kind,
	     enum bench_clock clock)
{
	for (size_t i = 0; i < batch->count; i++) {
		uint64_t page = batch->page[i];
		volatile uint64_t *word =
			(uint64_t *)(row->map + page * BENCH_PAGE);
		uint64_t mark = verify_mark(page);
		uint64_t start;

		guard_at(row->ops->name, page);
		if (row->ops->aim)
			row->ops->aim(row, page);
		start = clock_ns(clock);
		if (kind == TOUCH_READ)
			(void)*word;
		else if (kind == TOUCH_WRITE)
			*word = mark;
		else
			row->ops->read(row, page, i);
		batch->ns[i] = clock_ns(clock) - start;
	}
}

/* Page faults of this thread so far. */
static uint64_t faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

static void time_batch(struct row *row, struct batch *batch)
{
	bool tsc = row->bench->opt.clock == BENCH_CLOCK_TSC;
	bool write = row->bench->opt.write;
	uint64_t before = faults();
	uint64_t start = clock_ns(row->bench->opt.clock);

	if (!row->map)
		time_touches(row, batch, TOUCH_CALL, row->bench->opt.clock);
	else if (write && tsc)
		time_touches(row, batch, TOUCH_WRITE, BENCH_CLOCK_TSC);
	else if (write)
		time_touches(row, batch, TOUCH_WRITE, BENCH_CLOCK_MONOTONIC);
	else if (tsc)
		time_touches(row, batch, TOUCH_READ, BENCH_CLOCK_TSC);
	else
		time_touches(row, batch, TOUCH_READ, BENCH_CLOCK_MONOTONIC);
	row->total_ns += clock_ns(row->bench->opt.clock) - start;
	row->faults += faults() - before;
}

/* Only touches whose page proved right count. */
static int account(struct row *row, const struct batch *batch)
{
	uint64_t floor = row->bench->floor_ns;

	for (size_t i = 0; i < batch->count; i++) {
		uint64_t ns = batch->ns[i];
		int err = verify_page(row, batch->page[i], i);

		if (err)
			return err;
		hist_add(row->hist, ns > floor ? ns - floor : 0);
		row->touches++;
	}
	return 0;
}

static int run_batch(struct row *row, struct batch *batch)
{
	if (row->ops->start)
		row->ops->start(row);
	time_batch(row, batch);
	if (row->ops->stop)
		row->ops->stop(row);
	return account(row, batch);
}

static int prepare(struct row *row)
{
	struct umem_why why = { "" };
	int err;

	guard_at(row->ops->name, 0);
	err = row->ops->prepare(row, &why);
	if (err)
		umem_say_failed(err, &why, "row %s: preparing a round",
				row->ops->name);
	return err;
}

/* All rows have this batch before any has the next; who is first changes. */
static int run_batches(struct bench *bench, struct batch *batch)
{
	uint64_t touches = bench->opt.touches;
	size_t first = 0;

	for (uint64_t done = 0; done < touches; done += batch->count) {
		batch->count = touches - done < bench->opt.batch ?
			       touches - done : bench->opt.batch;
		for (size_t i = 0; i < batch->count; i++)
			batch->page[i] = bench_page(bench, done + i);
		for (size_t i = 0; i < bench->row_count; i++) {
			size_t at = (first + i) % bench->row_count;
			struct row *row = &bench->rows[at];
			int err = row->skipped ? 0 : run_batch(row, batch);

			if (err)
				return err;
		}
		first++;
	}
	return 0;
}

static int run_round(struct bench *bench, struct batch *batch)
{
	size_t ready = 0;
	int err = 0;

	for (; ready < bench->row_count && !err; ready++)
		if (!bench->rows[ready].skipped)
			err = prepare(&bench->rows[ready]);
	if (err)
		ready--;
	else
		err = run_batches(bench, batch);
	while (ready--)
		if (!bench->rows[ready].skipped)
			bench->rows[ready].ops->finish(&bench->rows[ready]);
	return err;
}

/* For who watches; not on the machine's time, and not in a log. */
static void show_progress(const struct bench *bench, uint64_t round)
{
	if (isatty(STDERR_FILENO))
		umem_say("round %" PRIu64 " of %" PRIu64, round + 1,
			 bench->opt.rounds);
}

int latency_run(struct bench *bench)
{
	struct batch batch = {
		.page = calloc(bench->opt.batch, sizeof(uint64_t)),
		.ns = calloc(bench->opt.batch, sizeof(uint64_t)),
	};
	int err = batch.page && batch.ns ? guard_start() : -ENOMEM;

	if (err)
		umem_say_failed(err, NULL, "preparing the measurement");
	/* Present from here on: faults that are counted are the rows'. */
	for (size_t i = 0; !err && i < bench->opt.batch; i++)
		batch.page[i] = batch.ns[i] = 1;
	for (uint64_t round = 0; round < bench->opt.rounds && !err; round++) {
		show_progress(bench, round);
		perm_init(&bench->perm, bench->pages,
			  bench->opt.seed + round);
		err = run_round(bench, &batch);
	}
	free(batch.page);
	free(batch.ns);
	return err;
}
