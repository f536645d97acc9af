// SPDX-License-Identifier: GPL-2.0-only
/*
 * How requests are issued, requeued and ended.
 *
 * Order of publication: bytes, dirty page, bit (with a full barrier), state.
 * The bit is set and the request is unhashed under one hold of the bucket
 * lock, so that whoever inserts a request sees either.
 */
#include <linux/bottom_half.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "attach.h"
#include "channel.h"
#include "granule.h"
#include "region.h"
#include "request_move.h"

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

/* The part of request_end_locked() that a provider in the kernel needs. */
static __always_inline void request_close_locked(struct umem_bucket *bucket,
						 struct umem_request *req,
						 enum umem_request_state to)
{
	hlist_del_init(&req->hash);
	if (req->prefetch)
		atomic_dec(&req->region->requests.prefetching);
	req->owner = NULL;
	umem_request_move(bucket, req, to);
}

/* Caller wakes the waiters and drops the reference for being open. */
static void request_end_locked(struct umem_bucket *bucket,
			       struct umem_request *req,
			       enum umem_request_state to, int error)
{
	/* Whoever knows that nothing shows the page any more says so before. */
	WARN_ON_ONCE(req->mapped);
	/* Onto a list it comes under the bucket lock. */
	if (unlikely(!list_empty_careful(&req->queued)))
		umem_queue_remove(req);
	req->error = error;
	request_close_locked(bucket, req, to);
}

static __always_inline void request_end_finish(struct umem_request *req)
{
	struct umem_region *region = req->region;

	/* Orders the end before the look at waiters. */
	if (wq_has_sleeper(&req->wait))
		wake_up_all(&req->wait);
	umem_request_put(req);
	if (unlikely(READ_ONCE(region->fill.window)))
		umem_fill_wake(region);
}

/* An ISSUED request may be ended only by its owner. */
static bool may_end(const struct umem_request *req, const void *owner)
{
	return req->state == UMEM_REQUEST_QUEUED || req->owner == owner;
}

/* The same, after what the owner's mappings show was taken from them. */
static bool may_end_now(const struct umem_request *req, const void *owner)
{
	return may_end(req, owner) && !req->mapped;
}

/* Whether it is a provider's own, and no mapping of it shows the page. */
static bool is_owned(const struct umem_request *req, const void *owner)
{
	return req->state == UMEM_REQUEST_ISSUED && req->owner == owner &&
	       !req->mapped;
}

/**
 * umem_request_may_write - whether an answer may write a granule
 * @region: the region.
 * @granule: its index.
 * @owner: channel or attachment that answers.
 *
 * Any context but hard interrupt.
 *
 * Return: false when it is provided already or is being punched, or another
 * provider has the right to write it.
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
	may = !umem_granule_punching(region, granule) &&
	      (!req || may_end(req, owner));
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
 * @owner: channel or attachment that provides; NULL for a write().
 *
 * Any context but hard interrupt.
 *
 * Return: true when this call provided it; false when it was provided already,
 * another provider has the right to write it, or a mapping of the channel still
 * shows it.
 */
bool umem_request_publish(struct umem_region *region, unsigned long granule,
			  const void *owner)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;
	bool published = false;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && !may_end_now(req, owner)) {
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
	if (published && owner)
		umem_stat_inc(region, UMEM_STAT_PROVIDED);
	else if (published)
		umem_stat_inc(region, UMEM_STAT_WRITTEN);
	return published;
}

/**
 * umem_request_settle - an answer came that may not write
 * @region: the region.
 * @granule: its index.
 * @owner: channel that answers; or, of umem_request_seize(), the request.
 *
 * Its request, if it is @owner's, is over: there will be no other answer.
 * Whoever waits looks at the granule again. Not one that a mapping of @owner
 * may show: umem_channel_settle(). Any context but hard interrupt.
 */
void umem_request_settle(struct umem_region *region, unsigned long granule,
			 const void *owner)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && is_owned(req, owner))
		request_end_locked(bucket, req, UMEM_REQUEST_DONE, 0);
	else
		req = NULL;
	spin_unlock_bh(&bucket->lock);
	if (req)
		request_end_finish(req);
}

/* Whether nobody waits; @others: references that the caller knows of. */
static bool is_forsaken(const struct umem_request *req, const void *owner,
			unsigned int others)
{
	return is_owned(req, owner) && refcount_read(&req->ref) == 1 + others;
}

/**
 * umem_request_forsake - drop the reference of one who waits no more
 * @req: the request; not to be used afterwards.
 *
 * When a channel has it and nobody else waits, the channel is told. Any context
 * but hard interrupt.
 */
void umem_request_forsake(struct umem_request *req)
{
	struct umem_region *region = req->region;
	struct umem_bucket *bucket = req->bucket;
	const void *channel = READ_ONCE(region->channel);
	bool cancel;

	spin_lock_bh(&bucket->lock);
	cancel = is_forsaken(req, channel, 1);
	if (cancel)
		umem_queue_add(req, UMEM_QUEUE_CANCEL);
	spin_unlock_bh(&bucket->lock);
	umem_request_put(req);
	if (cancel)
		umem_queue_notify(region);
}

/**
 * umem_request_cancel - end a request that needs no answer
 * @req: a request with a reference, from umem_queue_pop_cancel().
 * @owner: the channel that will be told.
 *
 * Any context but hard interrupt.
 *
 * Return: false when it has ended, has another owner, somebody waits again, or a
 * mapping of @owner may show it: then its answer will come.
 */
bool umem_request_cancel(struct umem_request *req, const void *owner)
{
	struct umem_region *region = req->region;
	struct umem_bucket *bucket = req->bucket;
	bool provided = umem_granule_provided(region, req->granule);
	bool cancel;

	spin_lock_bh(&bucket->lock);
	cancel = provided ? is_owned(req, owner) :
			    is_forsaken(req, owner, 1);
	if (cancel)
		request_end_locked(bucket, req, provided ? UMEM_REQUEST_DONE :
				   UMEM_REQUEST_FAILED, -ECANCELED);
	spin_unlock_bh(&bucket->lock);
	if (cancel) {
		umem_stat_inc(region, UMEM_STAT_CANCELS);
		request_end_finish(req);
	}
	return cancel;
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
 * Return: true when there was a request to fail; not one that a mapping of the
 * channel may show, see umem_channel_map_fail().
 */
bool umem_request_fail(struct umem_region *region, unsigned long granule,
		       const void *owner, int error)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && may_end_now(req, owner))
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

/*
 * As umem_request_publish(), by the provider in the kernel that has @req: it is on
 * no list, and no mapping shows it. Bottom halves are off.
 */
static __always_inline bool publish_owned(struct umem_request *req)
{
	struct umem_bucket *bucket = req->bucket;
	bool published;

	spin_lock(&bucket->lock);
	published = !test_and_set_bit(req->granule, req->region->provided);
	request_close_locked(bucket, req, UMEM_REQUEST_DONE);
	spin_unlock(&bucket->lock);
	request_end_finish(req);
	return published;
}

/* A clean page of tmpfs may be dropped: dirty before provided. */
static __always_inline void dirty_pages(struct umem_request *req)
{
	struct folio *folio = page_folio(req->data.page);

	if (likely(!req->pages)) {
		umem_folio_written(folio);
		/* What tmpfs's a_ops have, without a look at the mapping. */
		if (!folio_test_dirty(folio))
			folio_set_dirty(folio);
		return;
	}
	/* If the region is gone, RCU keeps the mapping. */
	rcu_read_lock();
	umem_granule_dirty_pages(req->pages, umem_granule_pages(req->region));
	rcu_read_unlock();
}

/**
 * umem_request_written - a write() has put all bytes of a granule
 * @req: from umem_request_seize(); the caller's reference stays.
 *
 * Process context.
 *
 * Return: false when a hole was made there meanwhile.
 */
bool umem_request_written(struct umem_request *req)
{
	struct umem_region *region = req->region;
	bool published;

	local_bh_disable();
	dirty_pages(req);
	published = publish_owned(req);
	local_bh_enable();
	if (published)
		umem_stat_inc(region, UMEM_STAT_WRITTEN);
	return published;
}

/**
 * umem_request_done_bh - umem_request_done() where bottom halves are off
 * @req: as there.
 * @status: as there.
 *
 * Softirq, or process context with bottom halves off, as in @submit of
 * &struct umem_provider_ops.
 */
void umem_request_done_bh(struct umem_request *req, enum umem_status status)
{
	struct umem_region *region = req->region;
	u64 submitted;

	if (unlikely(status != UMEM_STATUS_OK)) {
		umem_request_fail(region, req->granule, req->owner, -EIO);
		return;
	}
	/* A poller measures by itself. */
	submitted = READ_ONCE(req->submitted);
	if (submitted && !READ_ONCE(req->polled))
		umem_attachment_learn((void *)req->owner,
				      local_clock() - submitted);
	dirty_pages(req);
	if (publish_owned(req))
		umem_stat_inc(region, UMEM_STAT_DIRECT);
}
EXPORT_SYMBOL_GPL(umem_request_done_bh);

/**
 * umem_request_done - end a request with its bytes in the page, or a verdict
 * @req: a request that belongs to the provider; not to be used afterwards.
 * @status: UMEM_STATUS_OK when the whole granule is in the page, visible to
 *	the CPU (after ib_dma_unmap_page() or the like); else a verdict on the
 *	data, by which those who wait get SIGBUS or EIO.
 *
 * Any context but hard interrupt; does not sleep.
 */
void umem_request_done(struct umem_request *req, enum umem_status status)
{
	local_bh_disable();
	umem_request_done_bh(req, status);
	local_bh_enable();
}
EXPORT_SYMBOL_GPL(umem_request_done);

/**
 * umem_request_end_mapped - end a request whose page no mapping shows any more
 * @req: a request with a reference; its folio is locked.
 * @owner: the channel whose mapping could show it.
 * @error: negative errno for the waiters; 0 lets them look again.
 *
 * Return: false when it was not @owner's any more.
 */
bool umem_request_end_mapped(struct umem_request *req, const void *owner,
			     int error)
{
	struct umem_bucket *bucket = req->bucket;
	bool ended;

	spin_lock_bh(&bucket->lock);
	req->mapped = false;
	ended = is_owned(req, owner);
	if (ended)
		request_end_locked(bucket, req, error ? UMEM_REQUEST_FAILED :
				   UMEM_REQUEST_DONE, error);
	spin_unlock_bh(&bucket->lock);
	if (ended)
		request_end_finish(req);
	return ended;
}

/* What ended under a bucket lock; finished after it. */
static void finish_all(struct hlist_head *ended)
{
	struct umem_request *req;
	struct hlist_node *next;

	hlist_for_each_entry_safe(req, next, ended, hash) {
		hlist_del_init(&req->hash);
		request_end_finish(req);
	}
}

static void end_to_list(struct umem_bucket *bucket, struct umem_request *req,
			enum umem_request_state to, int error,
			struct hlist_head *ended)
{
	request_end_locked(bucket, req, to, error);
	hlist_add_head(&req->hash, ended);
}

/*
 * Back to the queue, or the end of it where a hole was made or is being made:
 * who waits looks again. Returns whether @req was @owner's.
 */
static bool requeue_locked(struct umem_bucket *bucket,
			   struct umem_request *req, const void *owner,
			   struct hlist_head *ended)
{
	if (!is_owned(req, owner))
		return false;
	if (umem_granule_punching(req->region, req->granule) ||
	    umem_granule_provided(req->region, req->granule)) {
		end_to_list(bucket, req, UMEM_REQUEST_DONE, 0, ended);
		return true;
	}
	req->owner = NULL;
	/* Whoever has it next took less time for it. */
	WRITE_ONCE(req->submitted, 0);
	WRITE_ONCE(req->polled, false);
	umem_request_move(bucket, req, UMEM_REQUEST_QUEUED);
	umem_queue_add(req, umem_queue_of(req));
	return true;
}

/**
 * umem_request_requeue_owned - give one request back to the queue
 * @req: a request that the caller knows to stay allocated.
 * @owner: who has it; no effect when somebody else does.
 *
 * Nothing is notified: the caller calls umem_queue_notify(). Any context but
 * hard interrupt.
 *
 * Return: false when it was not, or a mapping of the channel may show it.
 */
bool umem_request_requeue_owned(struct umem_request *req, const void *owner)
{
	struct umem_bucket *bucket = req->bucket;
	HLIST_HEAD(ended);
	bool requeued;

	spin_lock_bh(&bucket->lock);
	requeued = requeue_locked(bucket, req, owner, &ended);
	spin_unlock_bh(&bucket->lock);
	finish_all(&ended);
	return requeued;
}

/**
 * umem_requests_requeue - give back everything that a provider has
 * @region: the region.
 * @owner: channel or attachment; nothing of it can land any more.
 *
 * What a mapping of a channel may show stays with it: umem_channel_requeue().
 *
 * Return: how many there were. Notifies when there were any.
 */
unsigned int umem_requests_requeue(struct umem_region *region,
				   const void *owner)
{
	struct umem_request_table *table = &region->requests;
	unsigned int i, count = 0;
	struct umem_request *req;
	struct hlist_node *next;

	for (i = 0; i < 1U << table->bucket_bits; i++) {
		struct umem_bucket *bucket = &table->buckets[i];
		HLIST_HEAD(ended);

		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry_safe(req, next, &bucket->requests, hash)
			count += requeue_locked(bucket, req, owner, &ended);
		spin_unlock_bh(&bucket->lock);
		finish_all(&ended);
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
		hlist_for_each_entry_safe(req, next, &bucket->requests, hash)
			if (req->state == UMEM_REQUEST_QUEUED)
				end_to_list(bucket, req, UMEM_REQUEST_FAILED,
					    error, &ended);
		spin_unlock_bh(&bucket->lock);
		finish_all(&ended);
	}
}

/* Caller holds the bucket lock. Returns whether a channel is to be told. */
static bool end_punched_locked(struct umem_bucket *bucket,
			       struct umem_request *req, const void *channel,
			       struct hlist_head *ended)
{
	if (req->state == UMEM_REQUEST_QUEUED) {
		end_to_list(bucket, req, UMEM_REQUEST_DONE, 0, ended);
		return false;
	}
	if (req->owner != channel)
		return false;
	umem_queue_add(req, UMEM_QUEUE_CANCEL);
	return true;
}

/**
 * umem_requests_end_range - end the requests where a hole is made
 * @region: the region.
 * @first: first granule; it and those that follow are being punched, or
 *	provided since.
 * @end: granule behind the last one.
 *
 * What a provider has stays open until it answers, as bytes may still land in
 * the page. Those who wait look again. Sleeps not.
 */
void umem_requests_end_range(struct umem_region *region, unsigned long first,
			     unsigned long end)
{
	struct umem_request_table *table = &region->requests;
	const void *channel = READ_ONCE(region->channel);
	struct umem_request *req;
	struct hlist_node *next;
	bool cancel = false;
	unsigned int i;

	for (i = 0; i < 1U << table->bucket_bits; i++) {
		struct umem_bucket *bucket = &table->buckets[i];
		HLIST_HEAD(ended);

		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry_safe(req, next, &bucket->requests, hash)
			if (req->granule >= first && req->granule < end)
				cancel |= end_punched_locked(bucket, req,
							     channel, &ended);
		spin_unlock_bh(&bucket->lock);
		finish_all(&ended);
	}
	if (cancel)
		umem_queue_notify(region);
	umem_requests_wake_all(region);
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
