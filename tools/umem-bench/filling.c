// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A region that is being filled.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "filling.h"
#include "guard.h"
#include "region.h"

#define SHORTEST_NAP_NS 20000ULL
#define LONGEST_NAP_NS 100000000ULL

static const struct umem_row *umem_of(const struct row *row)
{
	return row->priv;
}

void filling_exact_timers(void)
{
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

uint32_t filling_window(const struct row *row)
{
	return umem_of(row)->create.max_inflight / 2;
}

static int fill(const struct row *row, struct umem_why *why)
{
	int err = umem_region_fill(umem_of(row)->region, filling_window(row));

	return err ? umem_because(why, err, "%s",
				  umem_explain(UMEM_DO_FILL, err)) : 0;
}

uint64_t filling_missing(const struct row *row, uint64_t page)
{
	off_t at = lseek(umem_of(row)->region, (off_t)(page * BENCH_PAGE),
			 SEEK_HOLE);

	if (at < 0)
		guard_die(errno, NULL, "looking for what is missing");
	return (uint64_t)at / BENCH_PAGE;
}

int filling_provided(const struct row *row, uint64_t *pages, struct umem_why *why)
{
	struct umem_region_status status;
	int err = umem_region_status(umem_of(row)->region, &status);

	if (err)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_STATUS, err));
	*pages = status.granules_provided;
	return 0;
}

static void nap(uint64_t ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	nanosleep(&time, NULL);
}

/*
 * Half of what is left, if it goes on as before: few looks, which take time from
 * whoever fills where there is one CPU, and the last ones close to the end.
 */
static uint64_t nap_length(uint64_t passed, uint64_t done, uint64_t pages)
{
	uint64_t ns = done ? passed / done * (pages - done) / 2 : passed;

	if (ns < SHORTEST_NAP_NS)
		return SHORTEST_NAP_NS;
	return ns > LONGEST_NAP_NS ? LONGEST_NAP_NS : ns;
}

int filling_begin(const struct row *row, uint64_t *there, struct umem_why *why)
{
	uint64_t enough = *there + filling_window(row);
	int err = fill(row, why);

	if (enough > row->bench->pages)
		enough = row->bench->pages;
	while (!err && *there < enough) {
		uint64_t seen = *there;

		nap(SHORTEST_NAP_NS);
		err = filling_provided(row, there, why);
		/* The watch ends a run that stands still. */
		if (*there != seen)
			guard_at(row->ops->name, *there);
	}
	return err;
}

/* @start: when it began. */
static void wait_until_full(const struct row *row, uint64_t start)
{
	enum bench_clock clock = row->bench->opt.clock;
	uint64_t pages = row->bench->pages;
	uint64_t done, seen = 0;

	while ((done = filling_missing(row, 0)) < pages) {
		if (done != seen)
			guard_at(row->ops->name, done);
		seen = done;
		nap(nap_length(clock_ns(clock) - start, done, pages));
	}
}

int filling_run(const struct row *row, uint64_t *ns, struct umem_why *why)
{
	enum bench_clock clock = row->bench->opt.clock;
	uint64_t start = clock_ns(clock);
	int err = fill(row, why);

	if (err)
		return err;
	wait_until_full(row, start);
	*ns += clock_ns(clock) - start;
	return 0;
}
