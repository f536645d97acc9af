// SPDX-License-Identifier: GPL-2.0-only
/*
 * The request table: slots, buckets, and how a request comes into being.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "attach.h"
#include "backing.h"
#include "granule.h"
#include "region.h"
#include "request_move.h"
#include "trace.h"

void umem_request_bad_move(const struct umem_request *req,
			   enum umem_request_state to)
{
	WARN_ONCE(1, "umem: request may not go from %s to %s\n",
		  umem_request_state_name(req->state),
		  umem_request_state_name(to));
}

/* Called where the tracepoint is on. */
noinline void umem_request_trace_move(const struct umem_request *req,
				      enum umem_request_state to)
{
	trace_request_state(req, to);
}

/* With huge granules each slot has room for a list of pages. */
static int slot_lists_init(struct umem_region *region)
{
	struct umem_request_table *table = &region->requests;
	unsigned int i, pages = umem_granule_pages(region);

	if (pages == 1)
		return 0;
	table->pages = kvcalloc(table->depth, pages * sizeof(*table->pages),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!table->pages)
		return -ENOMEM;
	for (i = 0; i < table->depth; i++)
		table->slots[i].pages = table->pages + (size_t)i * pages;
	return 0;
}

/**
 * umem_requests_init - make the table of a region
 * @region: the region.
 * @depth: number of requests that can be open at once.
 *
 * May sleep. Memory is charged to the caller's memory cgroup.
 */
int umem_requests_init(struct umem_region *region, unsigned int depth)
{
	struct umem_request_table *table = &region->requests;
	unsigned int nr_buckets = roundup_pow_of_two(depth);
	/* What the caller may not have is nothing for the kernel's log. */
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	unsigned int i;

	init_waitqueue_head(&table->slot_wait);
	init_waitqueue_head(&table->queue_wait);
	spin_lock_init(&table->queue_lock);
	for (i = 0; i < UMEM_QUEUES; i++)
		INIT_LIST_HEAD(&table->queues[i]);
	table->depth = depth;
	/* hash_long() wants at least one bit. */
	table->bucket_bits = max(1, ilog2(nr_buckets));

	table->slots = kvcalloc(depth, sizeof(*table->slots), gfp);
	if (!table->slots)
		return -ENOMEM;
	if (slot_lists_init(region))
		goto free_slots;
	table->buckets = kvcalloc(1U << table->bucket_bits,
				  sizeof(*table->buckets), gfp);
	if (!table->buckets)
		goto free_lists;
	if (umem_slots_init(table))
		goto free_buckets;

	for (i = 0; i < depth; i++) {
		table->slots[i].region = region;
		table->slots[i].bucket = table->buckets;
		table->slots[i].data.tag = i;
		init_waitqueue_head(&table->slots[i].wait);
		INIT_LIST_HEAD(&table->slots[i].queued);
	}
	for (i = 0; i < 1U << table->bucket_bits; i++) {
		spin_lock_init(&table->buckets[i].lock);
		mutex_init(&table->buckets[i].answer);
	}
	return 0;

free_buckets:
	kvfree(table->buckets);
free_lists:
	kvfree(table->pages);
free_slots:
	kvfree(table->slots);
	return -ENOMEM;
}

/**
 * umem_requests_destroy - free the table
 * @region: the region; no request is open.
 */
void umem_requests_destroy(struct umem_region *region)
{
	struct umem_request_table *table = &region->requests;

	umem_slots_destroy(table);
	kvfree(table->buckets);
	kvfree(table->pages);
	kvfree(table->slots);
}

/* Bytes that the table costs. */
size_t umem_requests_memory(const struct umem_region *region)
{
	const struct umem_request_table *table = &region->requests;
	size_t lists = table->pages ? umem_granule_pages(region) *
				      sizeof(*table->pages) : 0;

	return table->depth * (sizeof(*table->slots) + lists) +
	       (sizeof(*table->buckets) << table->bucket_bits) +
	       umem_slots_memory(table);
}

/*
 * Where memory may be short, pages that are got in the background are zeroed by
 * tmpfs unless they are uptodate (umem_backing_get_page_background()), and must
 * not be while a provider writes them. So it is done where no request is open,
 * and announced: who opens one meanwhile makes the page uptodate first, see
 * request_insert(). Caller holds the bucket lock.
 */
static void zeroing_begin_locked(struct umem_bucket *bucket)
{
	lockdep_assert_held(&bucket->lock);
	atomic_inc(&bucket->zeroers);
}

static void zeroing_end(struct umem_bucket *bucket)
{
	/* Pairs with request_insert(): zeroes come before what it lets in. */
	smp_mb__before_atomic();
	atomic_dec(&bucket->zeroers);
}

static struct page *get_page_zeroed(struct umem_region *region,
				    unsigned long granule)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct page *page = NULL;
	struct umem_request *req;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && umem_page_is_current(region, req->data.page)) {
		page = req->data.page;
		get_page(page);
	} else {
		zeroing_begin_locked(bucket);
	}
	spin_unlock_bh(&bucket->lock);
	if (page)
		return page;
	page = umem_backing_get_page_background(region, granule);
	zeroing_end(bucket);
	return page;
}

/**
 * umem_request_page_background - get a page of a missing granule, to write it
 * @region: the region, of granules of one page; its backing file is pinned.
 * @granule: its index.
 *
 * As umem_backing_get_page(), but charged to the creator of the region, and
 * nobody is killed to make room for it. Whoever writes it has a request, or
 * holds the folio lock. Sleeps.
 *
 * Return: the page with a reference, or ERR_PTR.
 */
struct page *umem_request_page_background(struct umem_region *region,
					  unsigned long granule)
{
	if (likely(umem_region_has_room(region)))
		return umem_backing_get_page_charged(region, granule);
	return get_page_zeroed(region, granule);
}

/* Of a huge granule. */
static noinline int get_many_pages(struct umem_request *req)
{
	int err;

	err = umem_granule_get_pages(req->region, req->granule, req->pages,
				     req->prefetch);
	if (!err)
		req->data.page = req->pages[0];
	return err;
}

/*
 * Pins the pages of req->granule, which it allocates if need be. *@locked: NULL, or
 * the folio that is locked. Sleeps.
 */
static __always_inline int request_get_pages(struct umem_request *req,
					     struct folio **locked)
{
	*locked = NULL;
	if (unlikely(req->pages))
		return get_many_pages(req);
	if (likely(!req->prefetch))
		req->data.page = umem_backing_get_page_locked(req->region,
							      req->granule,
							      locked);
	else
		req->data.page = umem_request_page_background(req->region,
							      req->granule);
	return PTR_ERR_OR_ZERO(req->data.page);
}

static void request_put_pages(struct umem_request *req)
{
	if (likely(!req->pages))
		put_page(req->data.page);
	else
		umem_granule_put_pages(req->pages,
				       umem_granule_pages(req->region));
}

/* The last reference is gone. */
void umem_request_free(struct umem_request *req)
{
	request_put_pages(req);
	umem_request_free_slot(&req->region->requests, req);
}

/*
 * Somebody waits for @req from now on. Caller holds the bucket lock. Returns whether a
 * provider that has no room for prefetches has to look at the queue again.
 */
static bool request_demand_locked(struct umem_request *req)
{
	if (likely(!req->prefetch))
		return false;
	WRITE_ONCE(req->prefetch, false);
	atomic_dec(&req->region->requests.prefetching);
	/* Of one that is ISSUED a channel may have to be told CANCEL. */
	if (req->state != UMEM_REQUEST_QUEUED)
		return false;
	umem_queue_promote(req);
	return true;
}

/* As a hint: whoever inserts a request looks again, under the lock. */
static bool nothing_open(const struct umem_bucket *bucket)
{
	return likely(hlist_empty(&bucket->requests));
}

/* The open request of a granule with a reference, for one who waits; or NULL. */
static __always_inline struct umem_request *
request_find(struct umem_bucket *bucket, unsigned long granule)
{
	struct umem_request *req;
	bool promoted = false;

	if (nothing_open(bucket))
		return NULL;
	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req) {
		refcount_inc(&req->ref);
		promoted = request_demand_locked(req);
	}
	spin_unlock_bh(&bucket->lock);
	if (unlikely(promoted))
		umem_queue_notify(req->region);
	return req;
}

/* A slot in *@mine, with its pages; as request_get_pages(). */
static __always_inline int
slot_get(struct umem_region *region, struct umem_bucket *bucket,
	 unsigned long granule, bool prefetch, struct umem_request **mine,
	 struct folio **locked)
{
	struct umem_request_table *table = &region->requests;
	struct umem_request *req = umem_slot_get(table);
	int err;

	if (unlikely(!req))
		return -EAGAIN;
	WRITE_ONCE(req->granule, granule);
	WRITE_ONCE(req->bucket, bucket);
	req->data.offset = umem_granule_offset(region, granule);
	req->prefetch = prefetch;
	err = request_get_pages(req, locked);
	if (unlikely(err)) {
		umem_slot_free(table, req);
		return err;
	}
	req->mapped = false;
	req->submitted = 0;
	req->error = 0;
	*mine = req;
	return 0;
}

static void slot_undo(struct umem_request *req)
{
	struct umem_request_table *table = &req->region->requests;

	if (req->prefetch)
		atomic_dec(&table->prefetching);
	request_put_pages(req);
	umem_slot_free(table, req);
}

/* Whether somebody may zero the page after this. Caller holds the bucket lock. */
static bool may_be_zeroed(struct umem_bucket *bucket, struct page *page)
{
	/* Pairs with zeroing_end(). */
	return unlikely(atomic_read_acquire(&bucket->zeroers)) &&
	       !folio_test_uptodate(page_folio(page));
}

/*
 * Put @req into its bucket, unless the granule was provided or requested since,
 * is being punched (-EBUSY), its page was dropped with an earlier request of
 * it (-EAGAIN), or has to be made uptodate before (-EUCLEAN). On success the
 * caller has a reference beside the one for being open. Bottom halves are off.
 * @owner: who has it from now on; NULL queues it. @kept: the folio has been locked
 * since the page was got; or @locked, later.
 */
static __always_inline struct umem_request *
request_insert(struct umem_region *region, struct umem_bucket *bucket,
	       struct umem_request *req, const void *owner,
	       bool kept, bool locked)
{
	struct umem_request *other = NULL;

	spin_lock(&bucket->lock);
	/* In this order, see umem_granule_punching(). */
	if (umem_granule_punching(region, req->granule)) {
		other = ERR_PTR(-EBUSY);
		goto unlock;
	}
	/* Without this second look a fetch could land on a live page. */
	if (umem_granule_provided(region, req->granule))
		goto unlock;
	other = umem_bucket_find(bucket, req->granule);
	if (other) {
		refcount_inc(&other->ref);
		if (!req->prefetch)
			request_demand_locked(other);
		goto unlock;
	}
	if (!kept && !umem_page_is_current(region, req->data.page)) {
		other = ERR_PTR(-EAGAIN);
		goto unlock;
	}
	if (may_be_zeroed(bucket, req->data.page)) {
		other = ERR_PTR(-EUCLEAN);
		if (!kept && !locked)
			goto unlock;
		/*
		 * The folio lock keeps those off who would zero it, the bucket lock
		 * those who would have it written.
		 */
		umem_page_zero_unwritten(req->data.page);
	}
	refcount_set(&req->ref, 2);
	hlist_add_head(&req->hash, &bucket->requests);
	req->owner = owner;
	if (likely(owner)) {
		umem_request_move(bucket, req, UMEM_REQUEST_ISSUED);
	} else {
		umem_request_move(bucket, req, UMEM_REQUEST_QUEUED);
		umem_queue_add(req, umem_queue_of(req));
	}
	other = req;
unlock:
	spin_unlock(&bucket->lock);
	return other;
}

/*
 * As request_insert(); @mine is the provider's, unless it is *@queued. Softirqs
 * that the provider raises to get the bytes run at once when it has returned.
 */
static __always_inline struct umem_request *
request_submit(struct umem_region *region, struct umem_bucket *bucket,
	       struct umem_request *mine, bool may_poll, bool kept,
	       bool locked, bool *queued)
{
	struct umem_attachment *att;
	struct umem_request *req;
	bool polled;

	rcu_read_lock_bh();
	att = rcu_dereference_bh(region->attachment);
	polled = att && may_poll && umem_attachment_is_fast(att);
	WRITE_ONCE(mine->polled, polled);
	req = request_insert(region, bucket, mine, att, kept, locked);
	if (likely(req == mine && att))
		umem_attachment_submit(att, req, polled);
	rcu_read_unlock_bh();
	*queued = !att;
	return req;
}

/* tmpfs may be about to zero the page: we do it, before the provider writes it. */
static noinline struct umem_request *
request_submit_zeroed(struct umem_region *region, struct umem_bucket *bucket,
		      struct umem_request *mine, bool may_poll, bool *queued)
{
	struct page *page = mine->data.page;
	struct umem_request *req;

	lock_page(page);
	req = request_submit(region, bucket, mine, may_poll, false, true,
			     queued);
	/* Pinned by @mine, to which the caller has a reference whatever came of it. */
	unlock_page(page);
	return req;
}

/*
 * Open @mine, hand it to the provider. As umem_request_get(); when it returns another
 * than @mine, that is still the caller's. @kept: the folio if it has been locked since
 * it was got; else, or when it was unlocked, NULL.
 */
static __always_inline struct umem_request *
request_open(struct umem_region *region, struct umem_bucket *bucket,
	     struct umem_request *mine, bool may_poll, struct folio **kept)
{
	struct umem_request *req;
	bool queued;

	req = request_submit(region, bucket, mine, may_poll, *kept, false,
			     &queued);
	if (unlikely(req == ERR_PTR(-EUCLEAN)))
		req = request_submit_zeroed(region, bucket, mine, may_poll,
					    &queued);
	if (unlikely(req != mine))
		return req;
	umem_stat_inc(region, UMEM_STAT_REQUESTS);
	if (unlikely(queued)) {
		/* Who is told may want it, to write. */
		if (*kept)
			folio_unlock(*kept);
		*kept = NULL;
		umem_queue_notify(region);
	}
	return req;
}

/* As umem_request_get_locked(), in @asked. */
static __always_inline struct umem_asked
request_get(struct umem_region *region, unsigned long granule, bool may_poll,
	    bool keep)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_asked asked = { .req = request_find(bucket, granule) };
	struct umem_request *mine;
	struct folio *locked;
	int err;

	if (unlikely(asked.req) || umem_granule_provided(region, granule))
		return asked;
	umem_fill_demand(&region->fill, granule);
	err = slot_get(region, bucket, granule, false, &mine, &locked);
	if (unlikely(err)) {
		asked.req = ERR_PTR(err);
		return asked;
	}
	if (!keep && locked) {
		folio_unlock(locked);
		locked = NULL;
	}
	asked.req = request_open(region, bucket, mine, may_poll, &locked);
	if (likely(asked.req == mine)) {
		asked.locked = locked;
		return asked;
	}
	if (locked)
		folio_unlock(locked);
	slot_undo(mine);
	return asked;
}

/**
 * umem_request_get - find or make the request of a missing granule
 * @region: the region; the caller pins its backing file.
 * @granule: its index.
 *
 * A new request is handed to the provider before this returns, so that it may
 * even be over by then. May sleep (allocates the page, charged to the current
 * task), takes no lock of the mm.
 *
 * Return: the request with a reference; NULL when the granule is provided;
 * ERR_PTR(-EAGAIN) when all slots are in use, or to try again, ERR_PTR(-EBUSY)
 * while a hole is being made there; another error from the allocation of the page.
 */
struct umem_request *umem_request_get(struct umem_region *region,
				      unsigned long granule)
{
	return request_get(region, granule, false, false).req;
}

/**
 * umem_request_get_locked - the same for one who will map the page if it can
 * @region: the region; the caller pins its backing file.
 * @granule: its index.
 * @may_poll: the caller polls it by umem_request_spin() if @polled is set.
 * @keep: the folio of a new request's page may be locked. Whoever makes a hole
 *	waits for that lock and cannot be killed: it is not held while sleeping.
 *
 * Return: as umem_request_get(), and the folio if it is locked.
 */
struct umem_asked umem_request_get_locked(struct umem_region *region,
					  unsigned long granule, bool may_poll,
					  bool keep)
{
	return request_get(region, granule, may_poll, keep);
}

static bool is_open(struct umem_bucket *bucket, unsigned long granule)
{
	bool open;

	if (nothing_open(bucket))
		return false;
	spin_lock_bh(&bucket->lock);
	open = umem_bucket_find(bucket, granule);
	spin_unlock_bh(&bucket->lock);
	return open;
}

/* As umem_request_seize(), where there is a request. */
static struct umem_request *seize_open(struct umem_bucket *bucket,
				       unsigned long granule, bool *mine)
{
	struct umem_request *req;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	*mine = req && umem_request_issue_locked(bucket, req, req);
	if (*mine)
		umem_queue_remove(req);
	else if (req && req->owner != req)
		req = NULL;
	if (req)
		refcount_inc(&req->ref);
	spin_unlock_bh(&bucket->lock);
	return req;
}

/**
 * umem_request_seize - get the right to write a granule for one who has its bytes
 * @region: the region; the caller pins its backing file.
 * @granule: its index.
 * @mine: out: whether what is returned is the caller's; else it is another
 *	write()'s, which will end without waiting for anybody.
 *
 * No provider is asked, and none that is asked from then on gets the granule. The
 * request is its own owner: umem_request_written() ends it, or
 * umem_request_settle(). May sleep (allocates the page, charged to the current
 * task).
 *
 * Return: the request with a reference; NULL when the granule is provided, or its
 * provider has it; or an error as of umem_request_get().
 */
struct umem_request *umem_request_seize(struct umem_region *region,
					unsigned long granule, bool *mine)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req, *new;
	struct folio *locked;
	int err;

	if (umem_granule_provided(region, granule))
		return NULL;
	if (is_open(bucket, granule))
		return seize_open(bucket, granule, mine);
	err = slot_get(region, bucket, granule, false, &new, &locked);
	if (err)
		return ERR_PTR(err);
	if (locked)
		folio_unlock(locked);
	WRITE_ONCE(new->polled, false);
	local_bh_disable();
	req = request_insert(region, bucket, new, new, false, false);
	local_bh_enable();
	*mine = req == new;
	if (*mine)
		return new;
	slot_undo(new);
	if (IS_ERR_OR_NULL(req))
		return req;
	/* Somebody asked for it meanwhile. */
	umem_request_put(req);
	return ERR_PTR(-EAGAIN);
}

/**
 * umem_requests_background - how many prefetches may be open at once
 * @table: requests of a region.
 *
 * Any context.
 *
 * Return: half of the slots, the others are for those who wait; at least 1.
 */
unsigned int umem_requests_background(const struct umem_request_table *table)
{
	return max(table->depth / 2, 1U);
}

/*
 * A slot and a page for @granule, not open yet; NULL when it is not to be asked
 * for.
 */
static struct umem_request *prefetch_prepare(struct umem_region *region,
					     unsigned long granule)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request_table *table = &region->requests;
	struct umem_request *req;
	struct folio *locked;
	int err = -EAGAIN;

	if (umem_granule_provided(region, granule) ||
	    is_open(bucket, granule))
		return NULL;
	if (atomic_inc_return(&table->prefetching) <=
	    umem_requests_background(table))
		err = slot_get(region, bucket, granule, true, &req, &locked);
	if (!err)
		return req;
	atomic_dec(&table->prefetching);
	return ERR_PTR(err);
}

/* Returns 1 when it was asked for, 0 when it need not be, or an errno. */
static noinline int prefetch_open(struct umem_request *mine)
{
	struct umem_region *region = mine->region;
	struct folio *unlocked = NULL;
	struct umem_request *req = request_open(region, mine->bucket, mine,
						false, &unlocked);

	if (req == mine) {
		umem_stat_inc(region, UMEM_STAT_PREFETCHES);
		umem_request_put(req);
		return 1;
	}
	slot_undo(mine);
	if (IS_ERR(req))
		return req == ERR_PTR(-EBUSY) ? 0 : PTR_ERR(req);
	if (req)
		umem_request_put(req);
	return 0;
}

/**
 * umem_request_prefetch - ask for a granule that nobody waits for yet
 * @region: the region; the caller pins its backing file.
 * @granule: its index.
 *
 * May sleep. Its page is charged to the creator's memory cgroup.
 *
 * Return: 1 when it was asked for, 0 when it need not be, -EAGAIN when there is
 * no room for it, or another error from the allocation of the page.
 */
int umem_request_prefetch(struct umem_region *region, unsigned long granule)
{
	struct umem_request *req = prefetch_prepare(region, granule);

	return IS_ERR_OR_NULL(req) ? PTR_ERR_OR_ZERO(req) : prefetch_open(req);
}

/**
 * umem_requests_prefetch - the same for several
 * @region: the region; the caller pins its backing file.
 * @first: index of the first one.
 * @stride: distance to the next one.
 * @count: how many; UMEM_PREFETCH_BATCH at most.
 * @asked: counts those that had to be asked for.
 *
 * Pages first, then requests one after the other, so that their answers come
 * together. May sleep.
 *
 * Return: how many, from the first one on, were asked for or need not be. Less
 * than @count when there is no room or no page for the next one.
 */
unsigned int umem_requests_prefetch(struct umem_region *region,
				    unsigned long first, long stride,
				    unsigned int count, unsigned int *asked)
{
	struct umem_request *reqs[UMEM_PREFETCH_BATCH];
	unsigned int at[UMEM_PREFETCH_BATCH];
	unsigned int i, done, prepared = 0;
	struct umem_request *req;
	int ret;

	for (done = 0; done < count; done++) {
		req = prefetch_prepare(region, first + done * stride);
		if (IS_ERR(req))
			break;
		if (!req)
			continue;
		at[prepared] = done;
		reqs[prepared++] = req;
	}
	for (i = 0; i < prepared; i++) {
		ret = prefetch_open(reqs[i]);
		if (ret < 0)
			done = min(done, at[i]);
		else
			*asked += ret;
	}
	return done;
}

/**
 * umem_requests_count - count open requests, for status
 * @region: the region.
 * @queued: out: requests that no provider has.
 * @issued: out: requests that a provider has.
 */
void umem_requests_count(struct umem_region *region, u64 *queued, u64 *issued)
{
	struct umem_request_table *table = &region->requests;
	struct umem_request *req;
	unsigned int i;

	*queued = 0;
	*issued = 0;
	for (i = 0; i < 1U << table->bucket_bits; i++) {
		struct umem_bucket *bucket = &table->buckets[i];

		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry(req, &bucket->requests, hash) {
			if (req->state == UMEM_REQUEST_ISSUED)
				++*issued;
			else
				++*queued;
		}
		spin_unlock_bh(&bucket->lock);
	}
}
