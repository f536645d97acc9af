/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests: one writer per granule.
 *
 * A request is the exclusive right to write its granule. Requests live in
 * slots made with the region; a slot's index is its tag. Open requests are
 * found by granule in hashed buckets; those that no provider has taken are on
 * the queue as well.
 */
#ifndef UMEM_REQUEST_H
#define UMEM_REQUEST_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sbitmap.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "request_state.h"

struct page;
struct umem_region;

/**
 * struct umem_request - the right to write one granule
 * @region: fixed: the region.
 * @tag: fixed: index of the slot.
 * @granule: constant while @ref is held.
 * @page: the granule's page, pinned; constant while @ref is held.
 * @ref: one for being open (QUEUED or ISSUED), one for each waiter or user.
 * @hash: bucket list; bucket lock.
 * @queued: queue list while QUEUED and not yet popped; queue lock.
 * @state: enum umem_request_state; written under the bucket lock.
 * @owner: channel or attachment that has it while ISSUED; bucket lock.
 * @error: negative errno for waiters; written before @state becomes FAILED.
 * @wait: those who wait for this granule.
 */
struct umem_request {
	struct umem_region *region;
	unsigned int tag;

	unsigned long granule;
	struct page *page;
	refcount_t ref;

	struct hlist_node hash;
	struct list_head queued;
	enum umem_request_state state;
	const void *owner;
	int error;
	wait_queue_head_t wait;
};

/**
 * struct umem_bucket - requests whose granules hash alike
 * @lock: taken with bottom halves off; inside it only the queue lock.
 * @requests: open requests.
 */
struct umem_bucket {
	spinlock_t lock;
	struct hlist_head requests;
} ____cacheline_aligned_in_smp;

/**
 * struct umem_request_table - all requests of a region
 * @slots: fixed: array of @depth requests.
 * @depth: fixed: number of slots, max_inflight.
 * @tags: which slots are in use.
 * @slot_wait: those who wait for a free slot.
 * @buckets: fixed: array of 1 << @bucket_bits.
 * @bucket_bits: fixed.
 * @queue_lock: taken with bottom halves off; innermost.
 * @queue: requests that no provider has taken, oldest first.
 * @queue_wait: readers and pollers of the channel.
 */
struct umem_request_table {
	struct umem_request *slots;
	unsigned int depth;
	struct sbitmap tags;
	wait_queue_head_t slot_wait;

	struct umem_bucket *buckets;
	unsigned int bucket_bits;

	spinlock_t queue_lock;
	struct list_head queue;
	wait_queue_head_t queue_wait;
};

/* request.c: the table */
int umem_requests_init(struct umem_region *region, unsigned int depth);
void umem_requests_destroy(struct umem_region *region);
struct umem_request *umem_request_get(struct umem_region *region,
				      unsigned long granule);
void umem_request_put(struct umem_request *req);
bool umem_requests_full(struct umem_region *region);
void umem_requests_count(struct umem_region *region, u64 *queued, u64 *issued);

/* request_end.c: how requests end */
bool umem_request_may_write(struct umem_region *region, unsigned long granule,
			    const void *owner);
bool umem_request_publish(struct umem_region *region, unsigned long granule,
			  const void *owner);
bool umem_request_fail(struct umem_region *region, unsigned long granule,
		       const void *owner, int error);
unsigned int umem_requests_requeue(struct umem_region *region,
				   const void *owner);
void umem_requests_fail_queued(struct umem_region *region, int error);
void umem_requests_wake_all(struct umem_region *region);

/* queue.c: requests that wait for a provider */
void umem_queue_add(struct umem_request *req);
void umem_queue_remove(struct umem_request *req);
bool umem_queue_empty(struct umem_region *region);
void umem_queue_notify(struct umem_region *region);
struct umem_request *umem_queue_pop(struct umem_region *region,
				    const void *owner);

/* Shared by the files above; not for others. */
struct umem_bucket *umem_bucket_of(struct umem_region *region,
				   unsigned long granule);
struct umem_request *umem_bucket_find(struct umem_bucket *bucket,
				      unsigned long granule);
void umem_request_move(struct umem_bucket *bucket, struct umem_request *req,
		       enum umem_request_state to);
bool umem_request_issue_locked(struct umem_bucket *bucket,
			       struct umem_request *req, const void *owner);
void umem_request_requeue_owned(struct umem_request *req, const void *owner);

#endif /* UMEM_REQUEST_H */
