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

#include <linux/build_bug.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/sbitmap.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "provider.h"
#include "request_state.h"

struct folio;
struct page;
struct umem_bucket;
struct umem_region;

/**
 * enum umem_queue - lists on which an open request may be; one at a time
 * @UMEM_QUEUE_DEMAND: QUEUED, somebody waits.
 * @UMEM_QUEUE_PREFETCH: QUEUED, nobody waits yet.
 * @UMEM_QUEUE_CANCEL: ISSUED to a channel, to be told that no answer is needed.
 * @UMEM_QUEUES: number of lists.
 */
enum umem_queue {
	UMEM_QUEUE_DEMAND,
	UMEM_QUEUE_PREFETCH,
	UMEM_QUEUE_CANCEL,
	UMEM_QUEUES,
};

/**
 * struct umem_request - the right to write one granule
 * @data: what the provider sees, see provider.h; first of all. @data.tag, fixed, is
 *	the index of the slot; @data.page is pinned; constant while @ref is held.
 * @region: fixed: the region.
 * @granule: constant while @ref is held; of a free slot, what it was last.
 * @bucket: that of @granule, likewise.
 * @pages: fixed: NULL, or for a huge granule room for the list of its pages;
 *	its content is constant while @ref is held.
 * @ref: one for being open (QUEUED or ISSUED), one for each waiter or user. Who has
 *	none takes one under the lock of the bucket in which it found the request.
 * @hash: bucket list; bucket lock.
 * @queued: in one of the lists of enum umem_queue, or in none; queue lock.
 * @prefetch: nobody has waited for it so far; bucket lock.
 * @state: enum umem_request_state; written under the bucket lock.
 * @owner: channel or attachment that has it while ISSUED, or, for a write() that
 *	puts all of the granule, the request itself; bucket lock.
 * @mapped: a mapping of the channel that has it may show @data.page: only who holds
 *	the folio lock may end it or give it back, see channel_map.c. Bucket
 *	lock; set under the folio lock as well.
 * @polled: its provider may wait for umem_attachment_arm(); set before it is
 *	submitted, cleared by whoever is about to call that, or takes it away.
 * @submitted: local_clock() when its provider had taken it, 0 where that is not
 *	measured.
 * @error: negative errno for waiters; written before @state becomes FAILED.
 * @wait: those who wait for this granule.
 */
struct umem_request {
	struct umem_request_data data;
	struct umem_region *region;

	unsigned long granule;
	struct umem_bucket *bucket;
	struct page **pages;
	refcount_t ref;

	struct hlist_node hash;
	struct list_head queued;
	bool prefetch;
	enum umem_request_state state;
	const void *owner;
	bool mapped;
	bool polled;
	u64 submitted;
	int error;
	wait_queue_head_t wait;
};

static_assert(!offsetof(struct umem_request, data));

/**
 * struct umem_bucket - requests whose granules hash alike
 * @lock: taken with bottom halves off; inside it only the queue lock.
 * @zeroers: those who are getting a page of a granule without a request, which
 *	tmpfs may zero; grows under @lock.
 * @requests: open requests.
 * @answer: held by an answer for a huge granule while it writes: the lock of one
 *	folio does not keep another writer off the others. A write() waits for it
 *	once. Inside it @lock and folio locks; no page of a user's is waited for.
 */
struct umem_bucket {
	spinlock_t lock;
	atomic_t zeroers;
	struct hlist_head requests;
	struct mutex answer;
} ____cacheline_aligned_in_smp;

/**
 * struct umem_request_table - all requests of a region
 * @slots: fixed: array of @depth requests.
 * @depth: fixed: number of slots, max_inflight.
 * @spare: of each CPU: a free slot that it keeps, or NULL; changed by atomic
 *	operations, by any CPU.
 * @pages: fixed: NULL, or what @slots[].pages point into.
 * @tags: which slots are in use or kept by a CPU.
 * @slot_wait: those who wait for a free slot.
 * @buckets: fixed: array of 1 << @bucket_bits.
 * @bucket_bits: fixed.
 * @queue_lock: taken with bottom halves off; innermost.
 * @queues: requests to be taken by a provider or to be cancelled, oldest first.
 * @queue_wait: readers and pollers of the channel.
 * @prefetching: slots taken by requests with @prefetch set.
 */
struct umem_request_table {
	struct umem_request *slots;
	unsigned int depth;
	struct umem_request * __percpu *spare;
	struct page **pages;
	struct sbitmap tags;
	wait_queue_head_t slot_wait;

	struct umem_bucket *buckets;
	unsigned int bucket_bits;

	spinlock_t queue_lock;
	struct list_head queues[UMEM_QUEUES];
	wait_queue_head_t queue_wait;
	atomic_t prefetching;
};

/**
 * struct umem_asked - what one who faults gets
 * @req: as umem_request_get() returns it.
 * @locked: the folio of @req->data.page, which then is small, if the caller has it
 *	locked; else NULL. By value, so that it stays in registers.
 */
struct umem_asked {
	struct umem_request *req;
	struct folio *locked;
};

/* How many prefetches are prepared before they are submitted. */
#define UMEM_PREFETCH_BATCH	16U

/* request.c: the table */
int umem_requests_init(struct umem_region *region, unsigned int depth);
void umem_requests_destroy(struct umem_region *region);
struct umem_request *umem_request_get(struct umem_region *region,
				      unsigned long granule);
struct umem_asked umem_request_get_locked(struct umem_region *region,
					  unsigned long granule, bool may_poll,
					  bool keep);
struct umem_request *umem_request_seize(struct umem_region *region,
					unsigned long granule, bool *mine);
int umem_request_prefetch(struct umem_region *region, unsigned long granule);
unsigned int umem_requests_background(const struct umem_request_table *table);
unsigned int umem_requests_prefetch(struct umem_region *region,
				    unsigned long first, long stride,
				    unsigned int count, unsigned int *asked);
void umem_request_free(struct umem_request *req);
struct page *umem_request_page_background(struct umem_region *region,
					  unsigned long granule);
size_t umem_requests_memory(const struct umem_region *region);
void umem_requests_count(struct umem_region *region, u64 *queued, u64 *issued);

/* slot.c: which slots are free */
int umem_slots_init(struct umem_request_table *table);
void umem_slots_destroy(struct umem_request_table *table);
size_t umem_slots_memory(const struct umem_request_table *table);
bool umem_slots_full(const struct umem_request_table *table);
struct umem_request *umem_slot_find(struct umem_request_table *table);
void umem_slot_release(struct umem_request_table *table,
		       struct umem_request *req);

/**
 * umem_slot_get - take a free slot
 * @table: the table.
 *
 * Any context. Return: a request that is FREE, or NULL when all are in use.
 */
static inline struct umem_request *
umem_slot_get(struct umem_request_table *table)
{
	/* Others take it from us, so that no operation on our own CPU will do. */
	struct umem_request *kept = xchg(raw_cpu_ptr(table->spare), NULL);

	return likely(kept) ? kept : umem_slot_find(table);
}

/**
 * umem_slot_free - give a slot back
 * @table: the table.
 * @req: from umem_slot_get().
 *
 * Any context but hard interrupt.
 */
static inline void umem_slot_free(struct umem_request_table *table,
				  struct umem_request *req)
{
	struct umem_request **spare = raw_cpu_ptr(table->spare);

	if (READ_ONCE(*spare) || cmpxchg(spare, NULL, req))
		umem_slot_release(table, req);
	/* wq_has_sleeper() orders the freed slot before the look at waiters. */
	if (wq_has_sleeper(&table->slot_wait))
		wake_up(&table->slot_wait);
}

/* request_end.c: how requests end */
bool umem_request_may_write(struct umem_region *region, unsigned long granule,
			    const void *owner);
bool umem_request_publish(struct umem_region *region, unsigned long granule,
			  const void *owner);
bool umem_request_written(struct umem_request *req);
void umem_request_settle(struct umem_region *region, unsigned long granule,
			 const void *owner);
void umem_request_forsake(struct umem_request *req);
bool umem_request_cancel(struct umem_request *req, const void *owner);
bool umem_request_fail(struct umem_region *region, unsigned long granule,
		       const void *owner, int error);
unsigned int umem_requests_requeue(struct umem_region *region,
				   const void *owner);
bool umem_request_end_mapped(struct umem_request *req, const void *owner,
			     int error);
void umem_requests_fail_queued(struct umem_region *region, int error);
void umem_requests_end_range(struct umem_region *region, unsigned long first,
			     unsigned long end);
void umem_requests_wake_all(struct umem_region *region);

/* request_map.c: what a mapping of a channel may show */
struct umem_request *umem_request_find_owned(struct umem_region *region,
					     unsigned long granule,
					     const void *owner);
bool umem_request_set_mapped(struct umem_request *req, const void *owner);
void umem_request_clear_mapped(struct umem_request *req);
bool umem_request_mapped_by(struct umem_request *req, const void *owner);
struct umem_request *umem_request_next_mapped(struct umem_region *region,
					      const void *owner,
					      unsigned int *tag);

/* queue.c: requests that wait for a provider */
void umem_queue_add(struct umem_request *req, enum umem_queue queue);
void umem_queue_promote(struct umem_request *req);
void umem_queue_remove(struct umem_request *req);
bool umem_queue_empty(struct umem_region *region);
void umem_queue_notify(struct umem_region *region);
struct umem_request *umem_queue_pop(struct umem_region *region,
				    const void *owner, bool prefetches);
struct umem_request *umem_queue_pop_cancel(struct umem_region *region);

/**
 * umem_request_put - drop a reference
 * @req: the request; not to be used afterwards.
 *
 * Any context but hard interrupt.
 */
static inline void umem_request_put(struct umem_request *req)
{
	if (refcount_dec_and_test(&req->ref))
		umem_request_free(req);
}

/* trace.h needs this header. */
DECLARE_TRACEPOINT(request_state);
void umem_request_trace_move(const struct umem_request *req,
			     enum umem_request_state to);
void umem_request_bad_move(const struct umem_request *req,
			   enum umem_request_state to);

/* What comes before every change of the state. */
static __always_inline void
umem_request_check_move(const struct umem_request *req,
			enum umem_request_state to)
{
	if (unlikely(!umem_request_may_move(req->state, to)))
		umem_request_bad_move(req, to);
	if (unlikely(tracepoint_enabled(request_state)))
		umem_request_trace_move(req, to);
}

/*
 * The last reference to @req is gone, and its pages are somebody else's: no lock,
 * for nobody else finds it.
 */
static inline void umem_request_free_slot(struct umem_request_table *table,
					  struct umem_request *req)
{
	umem_request_check_move(req, UMEM_REQUEST_FREE);
	req->state = UMEM_REQUEST_FREE;
	umem_slot_free(table, req);
}

/**
 * umem_request_put_last - drop a reference if it is the only one, and keep its page
 * @table: the table.
 * @req: a request with a granule of one page.
 *
 * Any context but hard interrupt.
 *
 * Return: true when it was the only one: @req had ended and is not to be used
 * afterwards, and its reference to the page is the caller's. False: nothing was done.
 */
static __always_inline bool
umem_request_put_last(struct umem_request_table *table,
		      struct umem_request *req)
{
	if (unlikely(refcount_read(&req->ref) != 1))
		return false;
	/*
	 * In no bucket another one is found. Pairs with the release of those that
	 * were dropped.
	 */
	smp_acquire__after_ctrl_dep();
	refcount_set(&req->ref, 0);
	umem_request_free_slot(table, req);
	return true;
}

/* Shared by the files above; not for others. */
static inline enum umem_queue umem_queue_of(const struct umem_request *req)
{
	return req->prefetch ? UMEM_QUEUE_PREFETCH : UMEM_QUEUE_DEMAND;
}

static inline struct umem_bucket *
umem_table_bucket(const struct umem_request_table *table, unsigned long granule)
{
	return &table->buckets[hash_long(granule, table->bucket_bits)];
}

static inline struct umem_request *umem_bucket_find(struct umem_bucket *bucket,
						    unsigned long granule)
{
	struct umem_request *req;
	struct hlist_node *node;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each(node, &bucket->requests) {
		req = hlist_entry(node, struct umem_request, hash);
		if (req->granule == granule)
			return req;
	}
	return NULL;
}

bool umem_request_issue_locked(struct umem_bucket *bucket,
			       struct umem_request *req, const void *owner);
bool umem_request_requeue_owned(struct umem_request *req, const void *owner);

#endif /* UMEM_REQUEST_H */
