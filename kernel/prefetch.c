// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is asked for before somebody waits for it.
 */
#include <linux/fadvise.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "prefetch.h"
#include "region.h"

/* Bits looked at before somebody else may have the CPU: 2 MiB of bitmap. */
#define SCAN_STRIDE	BIT(24)

/**
 * umem_next_missing - the first missing granule of a range
 * @region: the region.
 * @from: where to begin.
 * @end: where to end.
 *
 * Leaves the CPU to others, and ends early for a fatal signal. May sleep.
 *
 * Return: its index, or @end.
 */
unsigned long umem_next_missing(struct umem_region *region, unsigned long from,
				unsigned long end)
{
	unsigned long stop;

	while (from < end && !fatal_signal_pending(current)) {
		stop = min(from + SCAN_STRIDE, end);
		from = find_next_zero_bit(region->provided, stop, from);
		if (from < stop)
			return from;
		cond_resched();
	}
	return end;
}

/* Returns how many granules of the range found no room. */
static unsigned long prefetch_range(struct umem_region *region,
				    unsigned long first, unsigned long end)
{
	for (;;) {
		first = umem_next_missing(region, first, end);
		if (first >= end)
			return 0;
		if (umem_request_prefetch(region, first) < 0)
			return end - first;
		first++;
		cond_resched();
	}
}

/**
 * umem_prefetch_advise - posix_fadvise() on a region
 * @region: the region; its backing file is pinned.
 * @offset: first byte.
 * @length: bytes, 0 for all that follows.
 * @advice: POSIX_FADV_*.
 *
 * WILLNEED asks for what is missing, as far as there is room; nothing is waited
 * for. All other advice has no effect: what is provided is nowhere else. Sleeps.
 *
 * Return: 0, or -EINVAL for what is no advice or no range.
 */
int umem_prefetch_advise(struct umem_region *region, loff_t offset,
			 loff_t length, int advice)
{
	u64 size = region->geometry.size;
	u64 end = size;
	unsigned long dropped;

	switch (advice) {
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_RANDOM:
	case POSIX_FADV_SEQUENTIAL:
	case POSIX_FADV_DONTNEED:
	case POSIX_FADV_NOREUSE:
	case POSIX_FADV_WILLNEED:
		break;
	default:
		return -EINVAL;
	}
	if (length < 0 || offset < 0)
		return -EINVAL;
	if (length && (u64)offset + length < size)
		end = (u64)offset + length;
	if (advice != POSIX_FADV_WILLNEED || offset >= end ||
	    !umem_region_servable(region))
		return 0;
	dropped = prefetch_range(region, offset / region->geometry.granule,
				 DIV_ROUND_UP_ULL(end,
						  region->geometry.granule));
	umem_stat_add(region, UMEM_STAT_PREFETCHES_DROPPED, dropped);
	return 0;
}
