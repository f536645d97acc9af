// SPDX-License-Identifier: GPL-2.0-only
/*
 * How requests are issued, requeued and ended.
 *
 * Order of publication: bytes, dirty page, bit (with a full barrier), state.
 * The bit is set and the request is unhashed under one hold of the bucket
 * lock, so that whoever inserts a request sees either.
 */
#include <linux/mm.h>

#include "region.h"

/* Returns false when @req has ended meanwhile. */
bool umem_request_issue_locked(struct umem_bucket *bucket,
			       struct umem_request *req, const void *owner)
{
	if (req->state != UMEM_REQUEST_QUEUED)
		return false;
	req->owner = owner;
	umem_request_move(bucket, req, UMEM_REQUEST_ISSUED);
	return true;
}

/* Caller wakes the waiters and drops the reference for being open. */
static void request_end_locked(struct umem_bucket *bucket,
			       struct umem_request *req,
			       enum umem_request_state to, int error)
{
	umem_queue_remove(req);
	hlist_del_init(&req->hash);
	req->owner = NULL;
	req->error = error;
	umem_request_move(bucket, req, to);
}

static void request_end_finish(struct umem_request *req)
{
	wake_up_all(&req->wait);
	umem_request_put(req);
}

/* An ISSUED request may be ended only by its owner. */
static bool may_end(const struct umem_request *req, const void *owner)
{
	return req->state == UMEM_REQUEST_QUEUED || req->owner == owner;
}

/**
 * umem_request_may_write - whether an answer may write a granule
 * @region: the region.
 * @granule: its index.
 * @owner: channel or attachment that answers.
 *
 * Any context but hard interrupt.
 *
 * Return: false when it is provided already, or another provider has the right
 * to write it.
 */
bool umem_request_may_write(struct umem_region *region, unsigned long granule,
			    const void *owner)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;
	bool may;

	if (umem_granule_provided(region, granule))
		return false;
	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	may = !req || may_end(req, owner);
	spin_unlock_bh(&bucket->lock);
	return may;
}

/*
 * After a push: no request ended, so no slot was freed, but somebody may wait
 * for a slot to ask for this very granule.
 */
static void wake_slot_waiters(struct umem_region *region)
{
	wait_queue_head_t *wq = &region->requests.slot_wait;

	if (wq_has_sleeper(wq))
		wake_up_all(wq);
}

/**
 * umem_request_publish - make a granule provided, end its request if any
 * @region: the region.
 * @granule: its index; its page holds the bytes and is dirty.
 * @owner: channel or attachment that provides.
 *
 * Any context but hard interrupt.
 *
 * Return: true when this call provided it; false when it was provided already
 * or another provider has the right to write it.
 */
bool umem_request_publish(struct umem_region *region, unsigned long granule,
			  const void *owner)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;
	bool published = false;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && !may_end(req, owner)) {
		req = NULL;
	} else {
		published = !test_and_set_bit(granule, region->provided);
		if (req)
			request_end_locked(bucket, req, UMEM_REQUEST_DONE, 0);
	}
	spin_unlock_bh(&bucket->lock);

	if (req)
		request_end_finish(req);
	else if (published)
		wake_slot_waiters(region);
	if (published)
		umem_stat_inc(region, UMEM_STAT_PROVIDED);
	return published;
}

/**
 * umem_request_fail - give those who wait for a granule an error
 * @region: the region.
 * @granule: its index.
 * @owner: channel or attachment that says so.
 * @error: negative errno for the waiters.
 *
 * The granule stays missing; a later touch asks again. Any context but hard
 * interrupt.
 *
 * Return: true when there was a request to fail.
 */
bool umem_request_fail(struct umem_region *region, unsigned long granule,
		       const void *owner, int error)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && may_end(req, owner))
		request_end_locked(bucket, req, UMEM_REQUEST_FAILED, error);
	else
		req = NULL;
	spin_unlock_bh(&bucket->lock);

	if (!req)
		return false;
	request_end_finish(req);
	umem_stat_inc(region, UMEM_STAT_FAILED);
	return true;
}

static bool requeue_locked(struct umem_bucket *bucket,
			   struct umem_request *req, const void *owner)
{
	if (req->state != UMEM_REQUEST_ISSUED || req->owner != owner)
		return false;
	req->owner = NULL;
	umem_request_move(bucket, req, UMEM_REQUEST_QUEUED);
	umem_queue_add(req);
	return true;
}

/**
 * umem_request_requeue_owned - give one request back to the queue
 * @req: a request that the caller knows to stay allocated.
 * @owner: who has it; no effect when somebody else does.
 *
 * Nothing is notified: the caller calls umem_queue_notify(). Any context but
 * hard interrupt.
 */
void umem_request_requeue_owned(struct umem_request *req, const void *owner)
{
	struct umem_bucket *bucket = umem_bucket_of(req->region, req->granule);

	spin_lock_bh(&bucket->lock);
	requeue_locked(bucket, req, owner);
	spin_unlock_bh(&bucket->lock);
}

/**
 * umem_requests_requeue - give back everything that a provider has
 * @region: the region.
 * @owner: channel or attachment; nothing of it can land any more.
 *
 * Return: how many there were. Notifies when there were any.
 */
unsigned int umem_requests_requeue(struct umem_region *region,
				   const void *owner)
{
	struct umem_request_table *table = &region->requests;
	unsigned int i, count = 0;
	struct umem_request *req;

	for (i = 0; i < 1U << table->bucket_bits; i++) {
		struct umem_bucket *bucket = &table->buckets[i];

		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry(req, &bucket->requests, hash)
			count += requeue_locked(bucket, req, owner);
		spin_unlock_bh(&bucket->lock);
	}
	umem_stat_add(region, UMEM_STAT_REQUEUED, count);
	if (count)
		umem_queue_notify(region);
	return count;
}

/**
 * umem_requests_fail_queued - end every request that no provider has
 * @region: the region.
 * @error: negative errno for the waiters.
 */
void umem_requests_fail_queued(struct umem_region *region, int error)
{
	struct umem_request_table *table = &region->requests;
	struct umem_request *req;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < 1U << table->bucket_bits; i++) {
		struct umem_bucket *bucket = &table->buckets[i];
		HLIST_HEAD(ended);

		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry_safe(req, next, &bucket->requests, hash) {
			if (req->state != UMEM_REQUEST_QUEUED)
				continue;
			request_end_locked(bucket, req, UMEM_REQUEST_FAILED,
					   error);
			hlist_add_head(&req->hash, &ended);
		}
		spin_unlock_bh(&bucket->lock);

		hlist_for_each_entry_safe(req, next, &ended, hash) {
			hlist_del_init(&req->hash);
			request_end_finish(req);
		}
	}
}

/**
 * umem_requests_wake_all - let every waiter look again whether it should wait
 * @region: the region; something that umem_region_servable() reads changed.
 */
void umem_requests_wake_all(struct umem_region *region)
{
	struct umem_request_table *table = &region->requests;
	unsigned int i;

	for (i = 0; i < table->depth; i++)
		wake_up_all(&table->slots[i].wait);
	wake_up_all(&table->slot_wait);
}
