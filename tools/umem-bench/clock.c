// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The timer's own cost, and whether it counts what it must.
 */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"

#define PAIRS 4095
#define CHECK_NS 10000000ULL

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static inline uint64_t pair_median(enum bench_clock clock)
{
	static uint64_t pair[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		uint64_t before = clock_ns(clock);

		pair[i] = clock_ns(clock) - before;
	}
	qsort(pair, PAIRS, sizeof(pair[0]), compare);
	return pair[PAIRS / 2];
}

/* Twice, so that the clock is a constant in each: as where touches are timed. */
uint64_t clock_floor_ns(enum bench_clock clock)
{
	if (clock == BENCH_CLOCK_TSC)
		return pair_median(BENCH_CLOCK_TSC);
	return pair_median(BENCH_CLOCK_MONOTONIC);
}

int clock_check(enum bench_clock clock)
{
#if defined(__x86_64__) || defined(__i386__)
	uint64_t start = clock_monotonic_ns();
	uint64_t from = clock_tsc_ns();
	uint64_t ns, ticks;

	if (clock == BENCH_CLOCK_MONOTONIC)
		return 0;
	do {
		ns = clock_monotonic_ns() - start;
		ticks = clock_tsc_ns() - from;
	} while (ns < CHECK_NS);
	return ticks > ns - ns / 50 && ticks < ns + ns / 50 ? 0 : -ENOTSUP;
#else
	return clock == BENCH_CLOCK_MONOTONIC ? 0 : -ENOTSUP;
#endif
}
