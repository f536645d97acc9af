// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling: a thread that prefetches what is missing, by no more than a window at a
 * time, until all of it is there. It goes on behind the last granule that
 * somebody had to wait for, and comes round to the rest.
 *
 * It yields: nothing is asked for while a demand request waits for a provider,
 * those have their own half of the slots, and the thread has the lowest priority.
 */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "prefetch.h"
#include "region.h"

/* Between two passes that met the same granules: the provider fails them. */
#define FILL_PAUSE	HZ
/* Looks for itself that often, should nobody wake it. */
#define FILL_LOOK	(HZ / 10)

void umem_fill_init(struct umem_fill *fill)
{
	mutex_init(&fill->lock);
	init_waitqueue_head(&fill->wait);
	fill->hint = UMEM_FILL_NO_HINT;
}

static bool is_ending(struct umem_region *region)
{
	return kthread_should_stop() || READ_ONCE(region->orphan);
}

static bool somebody_waits(struct umem_region *region)
{
	return !list_empty_careful(&region->requests.queues[UMEM_QUEUE_DEMAND]);
}

/* Whether @open prefetches leave room, for one or for @part of the window. */
static bool has_room(struct umem_region *region, unsigned int part)
{
	unsigned int window = READ_ONCE(region->fill.window);

	return atomic_read(&region->requests.prefetching) <
	       DIV_ROUND_UP(window, part);
}

static bool may_ask(struct umem_region *region)
{
	return umem_region_servable(region) && !somebody_waits(region);
}

/*
 * Once the window was full, half of it has to be free: else each answer would
 * wake the thread.
 */
static void await_room(struct umem_region *region)
{
	/* Not 0 once it is so. */
	while (!wait_event_idle_timeout(region->fill.wait, is_ending(region) ||
					(has_room(region, 2) &&
					 may_ask(region)), FILL_LOOK))
		;
}

static void pause_filling(struct umem_region *region)
{
	wait_event_idle_timeout(region->fill.wait, is_ending(region),
				FILL_PAUSE);
}

/* Its page may not be had: later. */
static void fill_granule(struct umem_region *region, unsigned long granule)
{
	int ret = umem_request_prefetch(region, granule);

	if (ret > 0)
		umem_stat_inc(region, UMEM_STAT_FILLS);
	else if (ret < 0)
		pause_filling(region);
	cond_resched();
}

/* The granule to go on with, where @next would be next. */
static unsigned long heed_hint(struct umem_region *region, unsigned long next)
{
	unsigned long hint = READ_ONCE(region->fill.hint);

	if (likely(hint == UMEM_FILL_NO_HINT))
		return next;
	WRITE_ONCE(region->fill.hint, UMEM_FILL_NO_HINT);
	return hint;
}

/* Once over the region, but for leaps; returns how many granules were missing. */
static unsigned long fill_pass(struct umem_region *region)
{
	unsigned long missing = 0, granule = 0;

	for (;;) {
		if (!has_room(region, 1) || !may_ask(region))
			await_room(region);
		if (is_ending(region))
			break;
		granule = umem_next_missing(region, heed_hint(region, granule),
					    region->granules);
		if (granule >= region->granules)
			break;
		missing++;
		fill_granule(region, granule++);
	}
	return missing;
}

static int fill_thread(void *data)
{
	struct umem_region *region = data;
	unsigned long missing = 0, before;

	set_user_nice(current, MAX_NICE);
	do {
		before = missing;
		missing = fill_pass(region);
		if (missing && missing == before)
			pause_filling(region);
	} while (missing && !is_ending(region));
	return 0;
}

/* Caller holds fill->lock. */
static int start_locked(struct umem_region *region)
{
	struct task_struct *task;

	task = kthread_create(fill_thread, region, "umem-fill/%lu",
			      region->ino);
	if (IS_ERR(task))
		return PTR_ERR(task);
	/* It may end by itself, and is stopped later nevertheless. */
	region->fill.task = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/* Caller holds fill->lock. */
static void stop_locked(struct umem_region *region)
{
	struct umem_fill *fill = &region->fill;

	WRITE_ONCE(fill->window, 0);
	if (!fill->task)
		return;
	kthread_stop(fill->task);
	put_task_struct(fill->task);
	fill->task = NULL;
}

/**
 * umem_fill_set - start to fill a region, change how, or stop
 * @region: the region; its backing file is pinned.
 * @window: prefetches that may be open at once; 0 stops.
 *
 * Sleeps. What was asked for is not taken back.
 *
 * Return: 0, -EINVAL for more than half of the slots, -EINTR, -ENOMEM.
 */
int umem_fill_set(struct umem_region *region, unsigned int window)
{
	struct umem_fill *fill = &region->fill;
	int err = 0;

	if (window > umem_requests_background(&region->requests))
		return -EINVAL;
	if (mutex_lock_interruptible(&fill->lock))
		return -EINTR;
	if (!window) {
		stop_locked(region);
	} else {
		WRITE_ONCE(fill->window, window);
		if (!fill->task)
			err = start_locked(region);
		if (err)
			WRITE_ONCE(fill->window, 0);
		wake_up(&fill->wait);
	}
	mutex_unlock(&fill->lock);
	return err;
}

/* The region goes. Sleeps; returns when the thread has ended. */
void umem_fill_stop(struct umem_region *region)
{
	mutex_lock(&region->fill.lock);
	stop_locked(region);
	mutex_unlock(&region->fill.lock);
}

/* A request has ended. Any context but hard interrupt. */
void umem_fill_wake(struct umem_region *region)
{
	if (has_room(region, 2) && wq_has_sleeper(&region->fill.wait))
		wake_up(&region->fill.wait);
}
