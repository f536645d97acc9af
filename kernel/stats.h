/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a region: per CPU, so that the fault path shares no cache line.
 */
#ifndef UMEM_STATS_H
#define UMEM_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

enum umem_stat {
	UMEM_STAT_FAULTS,
	UMEM_STAT_READS,
	UMEM_STAT_REQUESTS,
	UMEM_STAT_REQUEUED,
	UMEM_STAT_PROVIDED,
	UMEM_STAT_DIRECT,
	UMEM_STAT_FAILED,
	UMEM_STAT_STALE,
	UMEM_STAT_BYTES_COPIED,
	UMEM_STAT_TIMEOUTS,
	UMEM_STAT_PUNCHED,
	UMEM_STAT_WRITTEN,
	UMEM_STAT_PREFETCHES,
	UMEM_STAT_PREFETCHES_DROPPED,
	UMEM_STAT_CANCELS,
	UMEM_STAT_BYTES_MAPPED,
	UMEM_STAT_FILLS,
	UMEM_STATS,
};

struct umem_stats {
	u64 count[UMEM_STATS];
};

#define umem_stat_add(region, stat, n) \
	this_cpu_add((region)->stats->count[stat], n)
#define umem_stat_inc(region, stat) umem_stat_add(region, stat, 1)

static inline u64 umem_stat_sum(struct umem_stats __percpu *stats,
				enum umem_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(stats, cpu)->count[stat];
	return sum;
}

#endif /* UMEM_STATS_H */
