// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of a fault: a request becomes one RDMA READ from the server into the
 * request's page, or with huge granules a few of them into its pages. No copy, no
 * allocation, no sleep.
 *
 * READs need places in the queue, of which there are &umem_rdma_session.depth.
 * Faults come by submit and are turned away when all are taken; the core then
 * queues the request and kicks. Whoever frees a place pulls from that queue. How
 * many READs a request needs is known when its pages are: it reserves as many as
 * there may be, and gives back the rest when it is posted.
 *
 * Prefetches leave some places, so that a fault neither waits for one of their
 * READs to end nor has more than &umem_rdma_session.bulk_depth of them before its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>

#include "session.h"
#include "trace.h"

/* ---- Places in the queue -------------------------------------------------- */

/* @bulk: out: whether a prefetch may have the places as well. */
static bool umem_rdma_slot_get(struct umem_rdma_session *s, bool *bulk)
{
	bool got;

	spin_lock_bh(&s->lock);
	got = s->state == UMEM_RDMA_LIVE && !s->parked &&
	      s->inflight < s->depth;
	*bulk = s->inflight < s->bulk_depth;
	if (got)
		s->inflight += s->request_wrs;
	else
		s->again = true;
	if (!*bulk)
		s->bulk_again = true;
	spin_unlock_bh(&s->lock);
	return got;
}

/*
 * Returns whether somebody was turned away since the last places came back, who
 * would not be now. The caller must then look at the core's queue once more: it may
 * have looked before a request was put there whose kick found no place.
 */
static bool umem_rdma_slot_put(struct umem_rdma_session *s, u32 count)
{
	bool again;

	spin_lock_bh(&s->lock);
	s->inflight -= count;
	again = s->again;
	s->again = false;
	if (s->bulk_again && s->inflight < s->bulk_depth) {
		s->bulk_again = false;
		again = true;
	}
	spin_unlock_bh(&s->lock);
	return again;
}

/* ---- A request's memory --------------------------------------------------- */

static void umem_rdma_unmap(struct umem_rdma_session *s,
			    struct umem_rdma_read *r)
{
	u32 i;

	for (i = 0; i < r->nr_sge; i++)
		ib_dma_unmap_page(s->id->device, r->sge[i].addr,
				  r->sge[i].length, DMA_FROM_DEVICE);
	r->nr_sge = 0;
	r->req = NULL;
}

/* Neighbours in memory become one entry, that crosses no limit of a READ. */
static int umem_rdma_map(struct umem_rdma_session *s, struct umem_rdma_read *r,
			 struct umem_request *req)
{
	struct ib_device *dev = s->id->device;
	u32 offset, length;
	struct page *page;
	u64 dma;

	r->nr_sge = 0;
	for (offset = 0; offset < s->info.granule; offset += length) {
		page = umem_request_segment(req, offset, &length);
		length = min(length, s->read_bytes -
				     (offset & (s->read_bytes - 1)));
		dma = ib_dma_map_page(dev, page, 0, length, DMA_FROM_DEVICE);
		if (ib_dma_mapping_error(dev, dma)) {
			umem_rdma_unmap(s, r);
			return -ENOMEM;
		}
		r->sge[r->nr_sge++] = (struct ib_sge) {
			.addr = dma,
			.length = length,
			.lkey = s->pd->local_dma_lkey,
		};
	}
	r->req = req;
	return 0;
}

/* ---- The READs of a request ----------------------------------------------- */

static u64 umem_rdma_trace_clock(void)
{
	return trace_read_done_enabled() ? ktime_get_ns() : 0;
}

/* None of the request's READs can land any more. */
static void umem_rdma_read_end(struct umem_rdma_session *s,
			       struct umem_rdma_read *r)
{
	struct umem_request *req = r->req;
	u32 nr_wr = r->nr_wr;
	bool good = r->status == IB_WC_SUCCESS;

	if (trace_read_done_enabled())
		trace_read_done(umem_request_data(req)->offset,
				page_to_pfn(umem_request_data(req)->page),
				r->start_ns ? ktime_get_ns() - r->start_ns : 0,
				r->status);
	umem_rdma_unmap(s, r);
	/* From here on another request may have the tag. */
	if (likely(good))
		umem_request_done(req, UMEM_STATUS_OK);
	else
		umem_request_requeue(req);
	umem_rdma_slot_put(s, nr_wr);
	umem_rdma_kick(s);
}

static void umem_rdma_read_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct umem_rdma_read *r =
		container_of(wc->wr_cqe, struct umem_rdma_read, cqe);
	struct umem_rdma_session *s = cq->cq_context;

	if (likely(wc->status == IB_WC_SUCCESS)) {
		WRITE_ONCE(s->heard, true);
	} else {
		/*
		 * Says nothing about the data, only that this server is lost.
		 * Fail first: else the request could come straight back.
		 */
		umem_rdma_fail_wc(s, wc);
		if (r->status == IB_WC_SUCCESS)
			r->status = wc->status;
	}
	/* The others may still land, even when this one failed. */
	if (r->nr_wr > 1 && !atomic_dec_and_test(&r->pending))
		return;
	umem_rdma_read_end(s, r);
}

/* Makes READs of r->sge in s->wrs; caller holds s->lock. */
static void umem_rdma_make_wrs(struct umem_rdma_session *s,
			       struct umem_rdma_read *r)
{
	u64 remote = s->export.base + umem_request_data(r->req)->offset;
	struct ib_send_wr *last = NULL;
	u32 first, i = 0, done = 0;
	struct ib_rdma_wr *wr;

	r->nr_wr = 0;
	while (i < r->nr_sge) {
		wr = &s->wrs[r->nr_wr++];
		*wr = (struct ib_rdma_wr) {
			.wr = {
				.wr_cqe = &r->cqe,
				.sg_list = &r->sge[i],
				.opcode = IB_WR_RDMA_READ,
				.send_flags = IB_SEND_SIGNALED,
			},
			.remote_addr = remote + done,
			.rkey = s->export.rkey,
		};
		first = i;
		do {
			done += r->sge[i++].length;
		} while (i < r->nr_sge && i - first < s->read_sge &&
			 (done & (s->read_bytes - 1)));
		wr->wr.num_sge = i - first;
		if (last)
			last->next = &wr->wr;
		last = &wr->wr;
	}
}

/* How many of the READs in s->wrs come before @bad. */
static u32 umem_rdma_posted(const struct umem_rdma_session *s,
			    const struct umem_rdma_read *r,
			    const struct ib_send_wr *bad)
{
	u32 count = 0;

	while (count < r->nr_wr && &s->wrs[count].wr != bad)
		count++;
	return count;
}

/*
 * Post all READs of @r, whose request has its places, and give back those that
 * it does not need. Returns how many could not be posted: when none could, no
 * place was given back. When all are posted @r may be another request's already.
 */
static u32 umem_rdma_post_wrs(struct umem_rdma_session *s,
			      struct umem_rdma_read *r)
{
	const struct ib_send_wr *bad;
	u32 nr_wr, posted = 0;

	spin_lock_bh(&s->lock);
	umem_rdma_make_wrs(s, r);
	nr_wr = r->nr_wr;
	/* Before any of them can end. */
	atomic_set(&r->pending, nr_wr);
	if (likely(s->state == UMEM_RDMA_LIVE)) {
		posted = nr_wr;
		if (ib_post_send(s->id->qp, &s->wrs[0].wr, &bad))
			posted = umem_rdma_posted(s, r, bad);
		if (posted)
			s->inflight -= s->request_wrs - nr_wr;
	}
	spin_unlock_bh(&s->lock);
	return nr_wr - posted;
}

/* 0 when those that were posted, if any, have to end first. */
static int umem_rdma_post_failed(struct umem_rdma_session *s,
				 struct umem_rdma_read *r, u32 missing)
{
	if (missing == r->nr_wr) {
		umem_rdma_unmap(s, r);
		return -ENOTCONN;
	}
	r->status = IB_WC_GENERAL_ERR;
	if (atomic_sub_and_test(missing, &r->pending))
		umem_rdma_read_end(s, r);
	return 0;
}

/*
 * Post the READs of @req, which has its places. On success @req may have ended
 * already when this returns; on failure it is the caller's, with its places.
 */
static int umem_rdma_post_read(struct umem_rdma_session *s,
			       struct umem_request *req)
{
	struct umem_rdma_read *r = &s->reads[umem_request_data(req)->tag];
	u32 missing;

	if (umem_rdma_map(s, r, req))
		return -ENOMEM;
	r->status = IB_WC_SUCCESS;
	r->start_ns = umem_rdma_trace_clock();
	trace_read_post(umem_request_data(req)->offset,
			page_to_pfn(umem_request_data(req)->page));
	missing = umem_rdma_post_wrs(s, r);
	if (likely(!missing))
		return 0;

	/* The queue has room, so the queue pair itself is broken. */
	umem_rdma_fail(s, -EIO, "cannot post a READ");
	return umem_rdma_post_failed(s, r, missing);
}

static bool umem_rdma_in_range(const struct umem_rdma_session *s,
			       const struct umem_request *req)
{
	u64 offset = umem_request_data(req)->offset;

	return offset <= s->export.size &&
	       s->export.size - offset >= s->info.granule;
}

/* ---- From the core's queue ----------------------------------------------- */

/* A shortage that passes: keep @req and its places, and try again soon. */
static void umem_rdma_park(struct umem_rdma_session *s,
			   struct umem_request *req)
{
	bool parked;

	spin_lock_bh(&s->lock);
	/* Two may run out at once; the second goes back to the queue. */
	parked = s->state == UMEM_RDMA_LIVE && !s->parked;
	if (parked) {
		s->parked = req;
		/* Under the lock: not after CLOSING, when it was cancelled. */
		mod_delayed_work(umem_rdma_wq, &s->tick,
				 msecs_to_jiffies(UMEM_RDMA_RETRY_MS));
	}
	spin_unlock_bh(&s->lock);
	if (parked)
		return;

	umem_request_requeue(req);
	umem_rdma_slot_put(s, s->request_wrs);
}

/* Start what was pulled; takes over @req and its places. */
static void umem_rdma_start(struct umem_rdma_session *s,
			    struct umem_request *req)
{
	int err = -ERANGE;

	if (likely(umem_rdma_in_range(s, req)))
		err = umem_rdma_post_read(s, req);
	if (likely(!err))
		return;
	if (err == -ENOMEM) {
		umem_rdma_park(s, req);
		return;
	}
	if (err == -ERANGE)
		umem_request_done(req, UMEM_STATUS_RANGE);
	else
		umem_request_requeue(req);
	umem_rdma_slot_put(s, s->request_wrs);
}

/**
 * umem_rdma_kick - pull requests while there are places
 * @priv: the session.
 *
 * Any context.
 */
void umem_rdma_kick(void *priv)
{
	struct umem_rdma_session *s = priv;
	struct umem_request *req;
	bool bulk;

	if (!umem_rdma_slot_get(s, &bulk))
		return;
	do {
		while ((req = umem_provider_pull(s->att, bulk))) {
			umem_rdma_start(s, req);
			if (!umem_rdma_slot_get(s, &bulk))
				return;
		}
	} while (umem_rdma_slot_put(s, s->request_wrs) &&
		 umem_rdma_slot_get(s, &bulk));
}

/**
 * umem_rdma_submit - post a READ from the context that faults
 * @priv: the session.
 * @req: the request.
 * @polled: never set: there is no poll operation.
 *
 * Returns 0 when @req was taken, -EAGAIN when it must be queued.
 */
int umem_rdma_submit(void *priv, struct umem_request *req, bool polled)
{
	struct umem_rdma_session *s = priv;
	bool bulk;

	if (unlikely(!umem_rdma_in_range(s, req))) {
		umem_request_done(req, UMEM_STATUS_RANGE);
		return 0;
	}
	if (!umem_rdma_slot_get(s, &bulk))
		return -EAGAIN;
	if (unlikely((!bulk && umem_request_is_prefetch(req)) ||
		     umem_rdma_post_read(s, req))) {
		/* The core queues it and kicks: that is for the others too. */
		umem_rdma_slot_put(s, s->request_wrs);
		return -EAGAIN;
	}
	/* Somebody may have been turned away for places that came back. */
	if (s->request_wrs > 1 &&
	    (READ_ONCE(s->again) || READ_ONCE(s->bulk_again)))
		umem_rdma_kick(s);
	return 0;
}

/* ---- Beginning and end --------------------------------------------------- */

static struct umem_request *umem_rdma_unpark(struct umem_rdma_session *s)
{
	struct umem_request *req;

	spin_lock_bh(&s->lock);
	req = s->parked;
	s->parked = NULL;
	spin_unlock_bh(&s->lock);
	return req;
}

/**
 * umem_rdma_reads_retry - try again what could not be mapped
 * @s: the session.
 *
 * Process context.
 */
void umem_rdma_reads_retry(struct umem_rdma_session *s)
{
	struct umem_request *req = umem_rdma_unpark(s);

	if (!req)
		return;
	umem_rdma_start(s, req);
	umem_rdma_kick(s);
}

/**
 * umem_rdma_reads_alloc - make room for the READs
 * @s: the session, new.
 *
 * Return: 0 or -ENOMEM.
 */
int umem_rdma_reads_alloc(struct umem_rdma_session *s)
{
	u32 count = s->info.max_inflight;
	u32 pages = s->info.granule >> PAGE_SHIFT;
	u32 i;

	s->reads = kvcalloc(count, sizeof(*s->reads),
			    GFP_KERNEL | __GFP_NOWARN);
	if (!s->reads)
		return -ENOMEM;
	if (pages > 1) {
		s->sges = kvcalloc(count, pages * sizeof(*s->sges),
				   GFP_KERNEL | __GFP_NOWARN);
		if (!s->sges) {
			kvfree(s->reads);
			return -ENOMEM;
		}
	}
	for (i = 0; i < count; i++) {
		s->reads[i].cqe.done = umem_rdma_read_done;
		s->reads[i].sge = pages > 1 ? s->sges + (size_t)i * pages :
					      &s->reads[i].one;
	}
	return 0;
}

/**
 * umem_rdma_reads_free - the opposite of umem_rdma_reads_alloc()
 * @s: the session, closed.
 */
void umem_rdma_reads_free(struct umem_rdma_session *s)
{
	kvfree(s->sges);
	kvfree(s->reads);
}

/**
 * umem_rdma_reads_end - give back every request that is still ours
 * @s: the session; its queue pair is destroyed, its device still there.
 *
 * Besides the one that is parked there are none, unless the device could not be
 * drained.
 */
void umem_rdma_reads_end(struct umem_rdma_session *s)
{
	struct umem_request *req = umem_rdma_unpark(s);
	u32 i;

	if (req)
		umem_request_requeue(req);
	for (i = 0; i < s->info.max_inflight; i++) {
		req = s->reads[i].req;
		if (!req)
			continue;
		umem_rdma_unmap(s, &s->reads[i]);
		umem_request_requeue(req);
	}
}
