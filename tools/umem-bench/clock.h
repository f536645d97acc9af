/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wall clock of the measurements.
 */
#ifndef UMEM_BENCH_CLOCK_H
#define UMEM_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/*
 * What two calls in a row measure: the median of many, in nanoseconds. It is
 * subtracted from every touch.
 */
uint64_t clock_floor_ns(void);

#endif /* UMEM_BENCH_CLOCK_H */
