/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-ahead: guessing which granules will be touched next. Pure logic: this
 * file and readahead.c compile in userspace too, for a unit test. streams.c
 * feeds it with what happens to a region and asks for what it says.
 */
#ifndef UMEM_READAHEAD_H
#define UMEM_READAHEAD_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

/* Runs that are followed at once, and steps of each that are remembered. */
#define UMEM_READAHEAD_RUNS	4
#define UMEM_READAHEAD_STEPS	8

/**
 * struct umem_run - touches that may follow a trend
 * @last: the last granule known to be touched.
 * @next: with a @stride the first granule not asked for yet.
 * @low: touches from here to @high push the window on; @low > @high: none do.
 * @high: see @low.
 * @stride: the trend, in granules; 0: there is none.
 * @window: how many granules to be ahead.
 * @ahead: how many lie between @last and @next.
 * @asked: requests made for those, as far as known.
 * @hits: granules of this run that were asked for and then touched.
 * @used: when it was touched; 0: never.
 * @count: valid entries of @steps.
 * @newest: index of the last one.
 * @steps: distances between misses, a ring.
 */
struct umem_run {
	__s64 last;
	__s64 next;
	__s64 low;
	__s64 high;
	__s32 stride;
	__u32 window;
	__u32 ahead;
	__u32 asked;
	__u32 hits;
	__u32 used;
	__u32 count;
	__u32 newest;
	__s32 steps[UMEM_READAHEAD_STEPS];
};

/**
 * struct umem_readahead - what is known of one toucher
 * @runs: its runs, in no order.
 * @clock: counts misses, for @used.
 * @start: window of a new trend; shrinks when such windows prove vain.
 * @asked: requests made.
 * @hits: of @asked, those touched: found by a miss, or passed by the window.
 * @late: of @hits, those that were still under way when they were touched.
 * @wasted: of @asked, those whose run turned elsewhere or was given up.
 */
struct umem_readahead {
	struct umem_run runs[UMEM_READAHEAD_RUNS];
	__u32 clock;
	__u32 start;
	__u64 asked;
	__u64 hits;
	__u64 late;
	__u64 wasted;
};

/**
 * struct umem_readahead_limits - how far to go
 * @granules: of the region.
 * @most: granules that a run may be ahead.
 */
struct umem_readahead_limits {
	__s64 granules;
	__u32 most;
};

/**
 * struct umem_readahead_plan - what to ask for
 * @first: the first granule.
 * @stride: distance to the next one.
 * @count: how many; 0: nothing is to be done.
 * @run: whose it is.
 */
struct umem_readahead_plan {
	__s64 first;
	__s32 stride;
	__u32 count;
	struct umem_run *run;
};

void umem_readahead_init(struct umem_readahead *ra);
void umem_readahead_miss(struct umem_readahead *ra,
			 const struct umem_readahead_limits *limits,
			 __s64 granule, struct umem_readahead_plan *plan);
void umem_readahead_touch(struct umem_readahead *ra,
			  const struct umem_readahead_limits *limits,
			  __s64 granule, struct umem_readahead_plan *plan);
void umem_readahead_asked(struct umem_readahead *ra,
			  const struct umem_readahead_plan *plan,
			  __u32 tried, __u32 asked);

#endif /* UMEM_READAHEAD_H */
