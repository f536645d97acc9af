/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holes: ranges that are zero and never fetched again.
 */
#ifndef UMEM_PUNCH_H
#define UMEM_PUNCH_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

struct umem_region;
struct umem_wait;

/**
 * struct umem_punch - the hole that is being made
 * @lock: one hole at a time; outside of the inode's lock and of bucket locks.
 * @first: first granule; written under @lock, read under bucket locks.
 * @end: granule behind the last one, 0 when no hole is being made; likewise.
 * @wait: those who wait until the hole is made.
 */
struct umem_punch {
	struct mutex lock;
	unsigned long first;
	unsigned long end;
	wait_queue_head_t wait;
};

void umem_punch_init(struct umem_punch *punch);
int umem_punch_hole(struct umem_region *region, loff_t offset, loff_t length);
int umem_punch_wait(struct umem_region *region, unsigned long granule,
		    struct umem_wait *wait);

#endif /* UMEM_PUNCH_H */
