// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEEK_DATA and SEEK_HOLE: data is what is provided.
 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "region.h"
#include "seek.h"

/* Bits looked at before somebody else may have the CPU: 2 MiB of bitmap. */
#define SEEK_STRIDE	BIT(24)

/* The first granule from @at on that is provided, or missing; or an error. */
static long find_granule(const struct umem_region *region, unsigned long at,
			 bool provided)
{
	unsigned long end, found;

	while (at < region->granules) {
		end = min(at + SEEK_STRIDE, region->granules);
		found = provided ? find_next_bit(region->provided, end, at) :
				   find_next_zero_bit(region->provided, end, at);
		if (found < end)
			return found;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		at = end;
	}
	return region->granules;
}

/**
 * umem_seek - lseek() with SEEK_DATA or SEEK_HOLE
 * @file: the region fd's file.
 * @region: its region.
 * @offset: where to begin, bytes.
 * @whence: SEEK_DATA or SEEK_HOLE.
 *
 * May sleep.
 *
 * Return: the new position; there is a hole at the end. -ENXIO beyond the end,
 * or when no data follows.
 */
loff_t umem_seek(struct file *file, const struct umem_region *region,
		 loff_t offset, int whence)
{
	loff_t size = region->geometry.size;
	long granule;
	loff_t found;

	if (offset < 0 || offset >= size)
		return -ENXIO;
	granule = find_granule(region, offset / region->geometry.granule,
			       whence == SEEK_DATA);
	if (granule < 0)
		return granule;
	if (whence == SEEK_DATA && granule == region->granules)
		return -ENXIO;
	found = umem_granule_offset(region, granule);
	return vfs_setpos(file, max(found, offset), size);
}
