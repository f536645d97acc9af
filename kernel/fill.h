/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filling: what is missing is asked for until all of it is there.
 */
#ifndef UMEM_FILL_H
#define UMEM_FILL_H

#include <linux/compiler.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

struct task_struct;
struct umem_region;

/**
 * struct umem_fill - the filling of a region
 * @lock: starting and stopping; outermost.
 * @task: the thread that fills, counted, or NULL; it may have ended. @lock.
 * @window: prefetches that it may keep open, 0: none is to be made. Written under
 *	@lock, read without.
 * @hint: granule behind the last one that somebody had to wait for, or
 *	UMEM_FILL_NO_HINT; racy, and good enough.
 * @wait: the thread, for room in its window.
 */
struct umem_fill {
	struct mutex lock;
	struct task_struct *task;
	unsigned int window;
	unsigned long hint;
	wait_queue_head_t wait;
};

#define UMEM_FILL_NO_HINT	ULONG_MAX

void umem_fill_init(struct umem_fill *fill);
int umem_fill_set(struct umem_region *region, unsigned int window);
void umem_fill_stop(struct umem_region *region);
void umem_fill_wake(struct umem_region *region);

/* Somebody has to wait for @granule: what lies behind it may be wanted next. */
static inline void umem_fill_demand(struct umem_fill *fill,
				    unsigned long granule)
{
	if (unlikely(READ_ONCE(fill->window)))
		WRITE_ONCE(fill->hint, granule + 1);
}

#endif /* UMEM_FILL_H */
