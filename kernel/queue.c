// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue: requests that no provider has taken yet. A request is on it only
 * while it is QUEUED; the bucket lock is taken before the queue lock.
 */
#include <linux/poll.h>
#include <linux/rcupdate.h>

#include "attach.h"
#include "region.h"

/* Caller holds the bucket lock and has just moved @req to QUEUED. */
void umem_queue_add(struct umem_request *req)
{
	struct umem_request_table *table = &req->region->requests;

	spin_lock_bh(&table->queue_lock);
	list_add_tail(&req->queued, &table->queue);
	spin_unlock_bh(&table->queue_lock);
}

/* Caller holds the bucket lock; no effect when it was popped already. */
void umem_queue_remove(struct umem_request *req)
{
	struct umem_request_table *table = &req->region->requests;

	spin_lock_bh(&table->queue_lock);
	list_del_init(&req->queued);
	spin_unlock_bh(&table->queue_lock);
}

bool umem_queue_empty(struct umem_region *region)
{
	return list_empty_careful(&region->requests.queue);
}

/**
 * umem_queue_notify - tell whoever provides that the queue is not empty
 * @region: the region.
 *
 * Called without locks after a request was queued. Any context but hard
 * interrupt.
 */
void umem_queue_notify(struct umem_region *region)
{
	struct umem_request_table *table = &region->requests;
	struct umem_attachment *att;

	/*
	 * The request is on the queue before we look for a reader or, after
	 * the same barrier in wq_has_sleeper(), for a provider. They become
	 * visible before they look at the queue.
	 */
	if (wq_has_sleeper(&table->queue_wait))
		wake_up_interruptible_poll(&table->queue_wait,
					   EPOLLIN | EPOLLRDNORM);
	rcu_read_lock();
	att = rcu_dereference(region->attachment);
	if (att)
		umem_attachment_kick(att);
	rcu_read_unlock();
}

/**
 * umem_queue_pop - take the next request
 * @region: the region.
 * @owner: channel or attachment that takes it.
 *
 * Any context but hard interrupt.
 *
 * Return: a request that is ISSUED to @owner, with a reference for the caller;
 * NULL when none is left.
 */
struct umem_request *umem_queue_pop(struct umem_region *region,
				    const void *owner)
{
	struct umem_request_table *table = &region->requests;
	struct umem_bucket *bucket;
	struct umem_request *req;
	bool issued;

	for (;;) {
		spin_lock_bh(&table->queue_lock);
		req = list_first_entry_or_null(&table->queue,
					       struct umem_request, queued);
		if (req) {
			list_del_init(&req->queued);
			/* Open requests leave the queue before they end. */
			refcount_inc(&req->ref);
		}
		spin_unlock_bh(&table->queue_lock);
		if (!req)
			return NULL;

		bucket = umem_bucket_of(region, req->granule);
		spin_lock_bh(&bucket->lock);
		issued = umem_request_issue_locked(bucket, req, owner);
		spin_unlock_bh(&bucket->lock);
		if (issued)
			return req;
		/* A push was faster. */
		umem_request_put(req);
	}
}
