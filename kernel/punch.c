// SPDX-License-Identifier: GPL-2.0-only
/*
 * FALLOC_FL_PUNCH_HOLE and MADV_REMOVE: the range reads as zeroes, and what was
 * missing of it is never fetched.
 *
 * A fetch may be under way. Its page must never become the granule's again, and
 * nobody may see the page while bytes land in it. So the bits are set last:
 *
 *  1. granules of which only a part goes are fetched;
 *  2. the range is announced, and every bucket lock is passed once: from then on
 *     no request is made in it and no answer written;
 *  3. requests in a large folio that stays, since only a part of it goes, are
 *     waited for: tmpfs clears that part in place;
 *  4. tmpfs removes the pages; a READ that is under way lands in one that is
 *     nobody's any more;
 *  5. the bits are set, requests ended, waiters woken.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "punch.h"
#include "region.h"
#include "spin.h"
#include "wait.h"

void umem_punch_init(struct umem_punch *punch)
{
	mutex_init(&punch->lock);
	init_waitqueue_head(&punch->wait);
}

/* Every section under a bucket lock that began before is over. */
static void pass_bucket_locks(struct umem_region *region)
{
	struct umem_request_table *table = &region->requests;
	unsigned int i;

	for (i = 0; i < 1U << table->bucket_bits; i++) {
		spin_lock_bh(&table->buckets[i].lock);
		spin_unlock_bh(&table->buckets[i].lock);
	}
}

static void announce(struct umem_region *region, unsigned long first,
		     unsigned long end)
{
	WRITE_ONCE(region->punch.first, first);
	WRITE_ONCE(region->punch.end, end);
	pass_bucket_locks(region);
}

static void denounce(struct umem_region *region)
{
	/* Whoever sees no hole any more sees its bits. */
	smp_store_release(&region->punch.end, 0);
	wake_up_all(&region->punch.wait);
}

/* Makes a granule provided of which only a part goes. */
static int fetch_granule(struct umem_region *region, unsigned long granule)
{
	struct umem_wait wait;
	int err;

	umem_wait_init(&wait, region, TASK_INTERRUPTIBLE);
	err = umem_wait_provided(region, granule, NULL, &wait);
	return umem_no_restart_of_worker(umem_wait_error(err));
}

static int fetch_ends(struct umem_region *region, u64 start, u64 end)
{
	u32 size = region->geometry.granule;
	int err = 0;

	if (start % size)
		err = fetch_granule(region, start / size);
	if (!err && end % size)
		err = fetch_granule(region, end / size);
	return err;
}

/* Whether tmpfs would clear a part of the folio in place. */
static bool stays(const struct umem_request *req, u64 start, u64 end)
{
	struct folio *folio = page_folio(req->data.page);
	u64 at = folio_pos(folio);

	return folio_test_large(folio) &&
	       (at < start || at + folio_size(folio) > end);
}

/* A request of the range whose folio stays, with a reference, or NULL. */
static struct umem_request *find_staying(struct umem_region *region, u64 start,
					 u64 end)
{
	struct umem_request_table *table = &region->requests;
	struct umem_request *req;
	unsigned int i;

	for (i = 0; i < 1U << table->bucket_bits; i++) {
		struct umem_bucket *bucket = &table->buckets[i];

		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry(req, &bucket->requests, hash) {
			u64 at = req->data.offset;

			if (at >= start && at < end &&
			    req->state == UMEM_REQUEST_ISSUED &&
			    stays(req, start, end)) {
				refcount_inc(&req->ref);
				spin_unlock_bh(&bucket->lock);
				return req;
			}
		}
		spin_unlock_bh(&bucket->lock);
	}
	return NULL;
}

/* Waits until no provider can write to a folio that stays. */
static int wait_for_staying(struct umem_region *region, u64 start, u64 end)
{
	struct umem_request *req;
	int err = 0;

	while (!err && (req = find_staying(region, start, end))) {
		umem_request_arm(req);
		err = wait_event_killable(req->wait, READ_ONCE(req->state) !=
					  UMEM_REQUEST_ISSUED);
		umem_request_put(req);
	}
	return err;
}

/* Returns how many of the range were missing. */
static unsigned long provide_range(struct umem_region *region,
				   unsigned long first, unsigned long end)
{
	unsigned long *word, mask, old, count = 0;
	unsigned long at = first;

	while (at < end) {
		word = region->provided + BIT_WORD(at);
		mask = BITMAP_FIRST_WORD_MASK(at);
		if (end - round_down(at, BITS_PER_LONG) < BITS_PER_LONG)
			mask &= BITMAP_LAST_WORD_MASK(end);
		old = READ_ONCE(*word);
		while (!try_cmpxchg(word, &old, old | mask))
			;
		count += hweight_long(mask & ~old);
		at = round_down(at, BITS_PER_LONG) + BITS_PER_LONG;
		if (!(at % (BITS_PER_LONG << 10)))
			cond_resched();
	}
	return count;
}

/* Caller holds punch->lock. */
static int punch_locked(struct umem_region *region, u64 start, u64 end)
{
	u32 size = region->geometry.granule;
	unsigned long first = DIV_ROUND_UP_ULL(start, size);
	unsigned long last = div_u64(end, size);
	int err = 0;

	if (first < last) {
		announce(region, first, last);
		/* From here on what is queued, or requeued, is ended. */
		umem_requests_end_range(region, first, last);
		err = wait_for_staying(region, start, end);
	}
	if (!err)
		err = umem_backing_punch(region, start, end - start);
	if (first >= last)
		return err;
	if (!err) {
		umem_stat_add(region, UMEM_STAT_PUNCHED,
			      provide_range(region, first, last));
		umem_requests_end_range(region, first, last);
	}
	denounce(region);
	return err;
}

/**
 * umem_punch_hole - make a range zero, for ever
 * @region: the region; the caller pins its backing file and holds no lock of
 *	the mm.
 * @offset: first byte.
 * @length: bytes; what is beyond the end of the region does not matter.
 *
 * Sleeps; waits for the provider where only a part of a granule goes.
 *
 * Return: 0, -EIO when such a part could not be fetched, -ERESTARTSYS or -EINTR
 * for a signal: then nothing has changed.
 */
int umem_punch_hole(struct umem_region *region, loff_t offset, loff_t length)
{
	u64 start = offset, end = min_t(u64, region->geometry.size,
					(u64)offset + length);
	int err;

	if (start >= end)
		return 0;
	err = fetch_ends(region, start, end);
	if (err)
		return err;
	if (mutex_lock_killable(&region->punch.lock))
		return -EINTR;
	err = punch_locked(region, start, end);
	mutex_unlock(&region->punch.lock);
	return err;
}

/**
 * umem_punch_wait - wait until a hole is made
 * @region: the region.
 * @granule: what the caller wants of it.
 * @wait: how.
 *
 * Return: 0, -ETIMEDOUT or -ERESTARTSYS.
 */
int umem_punch_wait(struct umem_region *region, unsigned long granule,
		    struct umem_wait *wait)
{
	DEFINE_WAIT(entry);
	int err;

	for (;;) {
		err = prepare_to_wait_event(&region->punch.wait, &entry,
					    wait->state);
		if (!umem_granule_punching(region, granule)) {
			err = 0;
			break;
		}
		if (!err)
			err = umem_wait_sleep(wait, MAX_SCHEDULE_TIMEOUT);
		if (err)
			break;
	}
	finish_wait(&region->punch.wait, &entry);
	return err;
}
