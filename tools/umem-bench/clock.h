/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The clock of the measurements: CLOCK_MONOTONIC, or the CPU's time stamp
 * counter where that counts nanoseconds, as under QEMU's -icount: there a
 * nanosecond is an instruction.
 */
#ifndef UMEM_BENCH_CLOCK_H
#define UMEM_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "bench.h"

static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* Only after clock_check(). */
static inline uint64_t clock_tsc_ns(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	return clock_monotonic_ns();
#endif
}

/* @clock is a constant where time matters. */
static inline uint64_t clock_ns(enum bench_clock clock)
{
	return clock == BENCH_CLOCK_TSC ? clock_tsc_ns() : clock_monotonic_ns();
}

/* 0, or -ENOTSUP when @clock does not count nanoseconds here. */
int clock_check(enum bench_clock clock);

/*
 * What two calls in a row measure: the median of many, in nanoseconds. It is
 * subtracted from every touch.
 */
uint64_t clock_floor_ns(enum bench_clock clock);

#endif /* UMEM_BENCH_CLOCK_H */
