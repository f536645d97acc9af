// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read-ahead of a region, see streams.h.
 *
 * Touches of granules that are there are seen by faults only, and by those that
 * fault-around resolves not at all. So fault-around ends before the part of a
 * window in which a touch pushes it on.
 */
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "readahead.h"
#include "region.h"
#include "spin.h"

/* So many for each CPU, that tasks seldom share one. */
#define SLOTS_PER_CPU	4U
#define SLOTS_MAX	1024U

/**
 * struct umem_stream - what is known of the tasks that hash alike
 * @lock: protects @ra; never waited for in a fault that has nothing to tell.
 * @ra: their runs. The zones of runs are read without @lock, as a hint.
 */
struct umem_stream {
	spinlock_t lock; /* see above */
	struct umem_readahead ra;
} ____cacheline_aligned_in_smp;

/**
 * umem_streams_init - prepare read-ahead
 * @region: the region; its requests are prepared.
 * @bytes: how far to read ahead; 0: not at all.
 *
 * May sleep. Memory is charged to the caller's memory cgroup.
 */
int umem_streams_init(struct umem_region *region, u32 bytes)
{
	struct umem_streams *streams = &region->streams;
	unsigned int count, i;

	if (!bytes)
		return 0;
	count = roundup_pow_of_two(min(SLOTS_PER_CPU * num_possible_cpus(),
				       SLOTS_MAX));
	streams->slots = kvcalloc(count, sizeof(*streams->slots),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!streams->slots)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		spin_lock_init(&streams->slots[i].lock);
		umem_readahead_init(&streams->slots[i].ra);
	}
	streams->bits = ilog2(count);
	/* More than prefetches may have of the slots is never ahead. */
	streams->most = min(bytes / region->geometry.granule,
			    umem_requests_background(&region->requests));
	return 0;
}

void umem_streams_destroy(struct umem_region *region)
{
	kvfree(region->streams.slots);
}

static unsigned int slot_count(const struct umem_streams *streams)
{
	return streams->slots ? 1U << streams->bits : 0;
}

/* Bytes that read-ahead costs. */
size_t umem_streams_memory(const struct umem_region *region)
{
	return slot_count(&region->streams) * sizeof(*region->streams.slots);
}

/* Sums up, while the region works. */
void umem_streams_status(const struct umem_region *region,
			 struct umem_region_status *status)
{
	const struct umem_streams *streams = &region->streams;
	unsigned int i;

	status->readahead = (u64)streams->most * region->geometry.granule;
	for (i = 0; i < slot_count(streams); i++) {
		const struct umem_readahead *ra = &streams->slots[i].ra;

		status->readahead_asked += READ_ONCE(ra->asked);
		status->readahead_hits += READ_ONCE(ra->hits);
		status->readahead_late += READ_ONCE(ra->late);
		status->readahead_wasted += READ_ONCE(ra->wasted);
	}
}

static struct umem_stream *stream_of_current(const struct umem_streams *streams)
{
	return &streams->slots[hash_ptr(current, streams->bits)];
}

static struct umem_readahead_limits limits_of(const struct umem_region *region)
{
	return (struct umem_readahead_limits){
		.granules = region->granules,
		.most = region->streams.most,
	};
}

/*
 * Ask for what was planned, but not longer than @demand, if any, is under way:
 * the rest is asked for when the first of it is touched. Sleeps.
 */
static void carry_out(struct umem_region *region, struct umem_stream *stream,
		      const struct umem_readahead_plan *plan,
		      struct umem_request *demand)
{
	unsigned int batch = demand ? 1 : UMEM_PREFETCH_BATCH;
	unsigned int count, done, tried = 0, asked = 0;

	do {
		if ((demand && umem_request_look(demand) != -EINPROGRESS) ||
		    fatal_signal_pending(current))
			break;
		count = min(plan->count - tried, batch);
		done = umem_requests_prefetch(region, plan->first +
					      (s64)tried * plan->stride,
					      plan->stride, count, &asked);
		tried += done;
		cond_resched();
	} while (done == count && tried < plan->count);
	spin_lock(&stream->lock);
	umem_readahead_asked(&stream->ra, plan, tried, asked);
	spin_unlock(&stream->lock);
}

/**
 * umem_streams_missed - the current task touched a granule that is missing
 * @region: the region, with read-ahead; the caller pins its backing file.
 * @granule: its index.
 * @req: its request.
 *
 * Sleeps.
 */
void umem_streams_missed(struct umem_region *region, unsigned long granule,
			 struct umem_request *req)
{
	struct umem_readahead_limits limits = limits_of(region);
	struct umem_stream *stream = stream_of_current(&region->streams);
	struct umem_readahead_plan plan;

	/* Another that hashes alike: this miss is not worth a wait. */
	if (!spin_trylock(&stream->lock))
		return;
	umem_readahead_miss(&stream->ra, &limits, granule, &plan);
	spin_unlock(&stream->lock);
	if (plan.count)
		carry_out(region, stream, &plan, req);
}

/* Whether @run asked for @granule, or will next; without a lock, as a hint. */
static bool is_on(const struct umem_run *run, s64 granule)
{
	s64 last = READ_ONCE(run->last);
	s64 next = READ_ONCE(run->next);

	return READ_ONCE(run->stride) && granule >= min(last, next) &&
	       granule <= max(last, next);
}

/**
 * umem_streams_follow - whether the current task touches pages in an order
 * @region: the region, with read-ahead.
 * @granule: that is touched.
 *
 * Any context.
 */
bool umem_streams_follow(const struct umem_region *region,
			 unsigned long granule)
{
	const struct umem_readahead *ra =
		&stream_of_current(&region->streams)->ra;
	unsigned int i;

	for (i = 0; i < UMEM_READAHEAD_RUNS; i++)
		if (is_on(&ra->runs[i], granule))
			return true;
	return false;
}

/* Whether a touch of @granule pushes a window on. */
static bool pushes(const struct umem_readahead *ra, s64 granule)
{
	unsigned int i;

	for (i = 0; i < UMEM_READAHEAD_RUNS; i++)
		if (granule >= READ_ONCE(ra->runs[i].low) &&
		    granule <= READ_ONCE(ra->runs[i].high))
			return true;
	return false;
}

/**
 * umem_streams_touched - the current task touched a granule that is there
 * @region: the region, with read-ahead; the caller pins its backing file.
 * @granule: its index.
 *
 * Sleeps if the touch pushes a window on.
 *
 * Return: whether it did.
 */
bool umem_streams_touched(struct umem_region *region, unsigned long granule)
{
	struct umem_stream *stream = stream_of_current(&region->streams);
	struct umem_readahead_limits limits;
	struct umem_readahead_plan plan;

	if (likely(!pushes(&stream->ra, granule)) ||
	    !umem_region_servable(region) || !spin_trylock(&stream->lock))
		return false;
	limits = limits_of(region);
	umem_readahead_touch(&stream->ra, &limits, granule, &plan);
	spin_unlock(&stream->lock);
	if (plan.count)
		carry_out(region, stream, &plan, NULL);
	return true;
}

/**
 * umem_streams_narrow - keep fault-around from what pushes a window on
 * @region: the region, with read-ahead.
 * @index: the page that is touched.
 * @start: first page to be mapped; may grow up to @index.
 * @end: last page to be mapped; may shrink down to @index.
 *
 * Does not sleep.
 *
 * Return: false when @index itself does: then nothing may be mapped around.
 */
bool umem_streams_narrow(const struct umem_region *region, pgoff_t index,
			 pgoff_t *start, pgoff_t *end)
{
	const struct umem_readahead *ra =
		&stream_of_current(&region->streams)->ra;
	s64 granule = umem_granule_of(region, index);
	unsigned int i;

	for (i = 0; i < UMEM_READAHEAD_RUNS; i++) {
		s64 low = READ_ONCE(ra->runs[i].low);
		s64 high = READ_ONCE(ra->runs[i].high);

		if (low > high)
			continue;
		if (granule < low)
			*end = min_t(u64, *end,
				     umem_granule_index(region, low) - 1);
		else if (granule > high)
			*start = max_t(u64, *start,
				       umem_granule_index(region, high + 1));
		else
			return false;
	}
	return true;
}
