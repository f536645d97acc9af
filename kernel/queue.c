// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues: requests that no provider has taken yet, demand before prefetch,
 * and those that a channel is to be told to forget. The bucket lock is taken
 * before the queue lock.
 */
#include <linux/poll.h>
#include <linux/rcupdate.h>

#include "attach.h"
#include "region.h"

/* Caller holds the bucket lock; takes @req off the list it is on. */
void umem_queue_add(struct umem_request *req, enum umem_queue queue)
{
	struct umem_request_table *table = &req->region->requests;

	spin_lock_bh(&table->queue_lock);
	list_move_tail(&req->queued, &table->queues[queue]);
	spin_unlock_bh(&table->queue_lock);
}

/*
 * Somebody waits for what was a prefetch, and is QUEUED. Caller holds the bucket
 * lock; no effect when it was popped already.
 */
void umem_queue_promote(struct umem_request *req)
{
	struct umem_request_table *table = &req->region->requests;

	spin_lock_bh(&table->queue_lock);
	if (!list_empty(&req->queued))
		list_move_tail(&req->queued,
			       &table->queues[UMEM_QUEUE_DEMAND]);
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
	const struct umem_request_table *table = &region->requests;
	unsigned int i;

	for (i = 0; i < UMEM_QUEUES; i++)
		if (!list_empty_careful(&table->queues[i]))
			return false;
	return true;
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

/* The first of a list, off it and with a reference, or NULL. */
static struct umem_request *pop_locked(struct list_head *queue)
{
	struct umem_request *req;

	req = list_first_entry_or_null(queue, struct umem_request, queued);
	if (req) {
		/*
		 * Open requests leave the queue before they end. Who ends it
		 * looks without our lock whether it is on a list: the reference
		 * comes before it is on none.
		 */
		refcount_inc(&req->ref);
		list_del_init_careful(&req->queued);
	}
	return req;
}

/**
 * umem_queue_pop_cancel - take the next request that needs no answer
 * @region: the region.
 *
 * Any context but hard interrupt.
 *
 * Return: a request with a reference for the caller, which tries
 * umem_request_cancel(), or NULL.
 */
struct umem_request *umem_queue_pop_cancel(struct umem_region *region)
{
	struct umem_request_table *table = &region->requests;
	struct umem_request *req;

	spin_lock_bh(&table->queue_lock);
	req = pop_locked(&table->queues[UMEM_QUEUE_CANCEL]);
	spin_unlock_bh(&table->queue_lock);
	return req;
}

/**
 * umem_queue_pop - take the next request, demand before prefetch
 * @region: the region.
 * @owner: channel or attachment that takes it.
 * @prefetches: also a prefetch.
 *
 * Any context but hard interrupt.
 *
 * Return: a request that is ISSUED to @owner, with a reference for the caller;
 * NULL when none is left.
 */
struct umem_request *umem_queue_pop(struct umem_region *region,
				    const void *owner, bool prefetches)
{
	struct umem_request_table *table = &region->requests;
	struct umem_bucket *bucket;
	struct umem_request *req;
	bool issued;

	for (;;) {
		spin_lock_bh(&table->queue_lock);
		req = pop_locked(&table->queues[UMEM_QUEUE_DEMAND]);
		if (!req && prefetches)
			req = pop_locked(&table->queues[UMEM_QUEUE_PREFETCH]);
		spin_unlock_bh(&table->queue_lock);
		if (!req)
			return NULL;

		bucket = req->bucket;
		spin_lock_bh(&bucket->lock);
		issued = umem_request_issue_locked(bucket, req, owner);
		spin_unlock_bh(&bucket->lock);
		if (issued)
			return req;
		/* A push was faster. */
		umem_request_put(req);
	}
}
