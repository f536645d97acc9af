// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of a fault: a request becomes one RDMA READ from the server into the
 * request's page. No copy, no allocation, no sleep.
 *
 * A READ needs a slot, of which there are &umem_rdma_session.depth. Faults come
 * by submit and are turned away when there is none; the core then queues the
 * request and kicks. Whoever frees a slot pulls from that queue.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>

#include "session.h"
#include "trace.h"

/* ---- Slots --------------------------------------------------------------- */

static bool umem_rdma_slot_get(struct umem_rdma_session *s)
{
	bool got;

	spin_lock_bh(&s->lock);
	got = s->state == UMEM_RDMA_LIVE && !s->parked &&
	      s->inflight < s->depth;
	if (got)
		s->inflight++;
	else
		s->again = true;
	spin_unlock_bh(&s->lock);
	return got;
}

/*
 * Returns whether somebody was turned away since the last slot came back. The
 * caller must then look at the core's queue once more: it may have looked
 * before a request was put there whose kick found no slot.
 */
static bool umem_rdma_slot_put(struct umem_rdma_session *s)
{
	bool again;

	spin_lock_bh(&s->lock);
	s->inflight--;
	again = s->again;
	s->again = false;
	spin_unlock_bh(&s->lock);
	return again;
}

/* ---- One READ ------------------------------------------------------------ */

static u64 umem_rdma_trace_clock(void)
{
	return trace_read_done_enabled() ? ktime_get_ns() : 0;
}

static void umem_rdma_unmap(struct umem_rdma_session *s,
			    struct umem_rdma_read *r)
{
	ib_dma_unmap_page(s->id->device, r->dma, s->info.granule,
			  DMA_FROM_DEVICE);
	r->req = NULL;
}

static void umem_rdma_read_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct umem_rdma_read *r =
		container_of(wc->wr_cqe, struct umem_rdma_read, cqe);
	struct umem_rdma_session *s = cq->cq_context;
	struct umem_request *req = r->req;

	if (trace_read_done_enabled())
		trace_read_done(umem_request_offset(req),
				page_to_pfn(umem_request_page(req)),
				r->start_ns ? ktime_get_ns() - r->start_ns : 0,
				wc->status);
	umem_rdma_unmap(s, r);

	if (likely(wc->status == IB_WC_SUCCESS)) {
		WRITE_ONCE(s->heard, true);
		umem_request_done(req, UMEM_STATUS_OK);
	} else {
		/*
		 * Says nothing about the data, only that this server is lost.
		 * Fail first: else the request could come straight back.
		 */
		umem_rdma_fail_wc(s, wc);
		umem_request_requeue(req);
	}
	umem_rdma_slot_put(s);
	umem_rdma_kick(s);
}

/*
 * Post the READ of @req, which has a slot. On success @req may have ended
 * already when this returns; on failure it is the caller's, with its slot.
 */
static int umem_rdma_post_read(struct umem_rdma_session *s,
			       struct umem_request *req)
{
	struct umem_rdma_read *r = &s->reads[umem_request_tag(req)];
	struct ib_device *dev = s->id->device;
	u64 offset = umem_request_offset(req);
	struct page *page = umem_request_page(req);
	struct ib_sge sge = {
		.length = s->info.granule,
		.lkey = s->pd->local_dma_lkey,
	};
	struct ib_rdma_wr wr = {
		.wr = {
			.wr_cqe = &r->cqe,
			.sg_list = &sge,
			.num_sge = 1,
			.opcode = IB_WR_RDMA_READ,
			.send_flags = IB_SEND_SIGNALED,
		},
		.remote_addr = s->export.base + offset,
		.rkey = s->export.rkey,
	};
	int err;

	r->dma = ib_dma_map_page(dev, page, 0, s->info.granule,
				 DMA_FROM_DEVICE);
	if (ib_dma_mapping_error(dev, r->dma))
		return -ENOMEM;
	sge.addr = r->dma;
	r->req = req;
	r->start_ns = umem_rdma_trace_clock();
	trace_read_post(offset, page_to_pfn(page));

	spin_lock_bh(&s->lock);
	err = -ENOTCONN;
	if (likely(s->state == UMEM_RDMA_LIVE))
		err = ib_post_send(s->id->qp, &wr.wr, NULL);
	spin_unlock_bh(&s->lock);
	if (likely(!err))
		return 0;

	umem_rdma_unmap(s, r);
	/* The queue has room, so the queue pair itself is broken. */
	umem_rdma_fail(s, -EIO, "cannot post a READ");
	return -ENOTCONN;
}

static bool umem_rdma_in_range(const struct umem_rdma_session *s,
			       const struct umem_request *req)
{
	u64 offset = umem_request_offset(req);

	return offset <= s->export.size &&
	       s->export.size - offset >= s->info.granule;
}

/* ---- From the core's queue ----------------------------------------------- */

/* A shortage that passes: keep @req and its slot, and try again soon. */
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
	umem_rdma_slot_put(s);
}

/* Start what was pulled; takes over @req and its slot. */
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
	umem_rdma_slot_put(s);
}

/**
 * umem_rdma_kick - pull requests while there are slots
 * @priv: the session.
 *
 * Any context.
 */
void umem_rdma_kick(void *priv)
{
	struct umem_rdma_session *s = priv;
	struct umem_request *req;

	if (!umem_rdma_slot_get(s))
		return;
	do {
		while ((req = umem_provider_pull(s->att))) {
			umem_rdma_start(s, req);
			if (!umem_rdma_slot_get(s))
				return;
		}
	} while (umem_rdma_slot_put(s) && umem_rdma_slot_get(s));
}

/**
 * umem_rdma_submit - post a READ from the context that faults
 * @priv: the session.
 * @req: the request.
 *
 * Returns 0 when @req was taken, -EAGAIN when it must be queued.
 */
int umem_rdma_submit(void *priv, struct umem_request *req)
{
	struct umem_rdma_session *s = priv;

	if (unlikely(!umem_rdma_in_range(s, req))) {
		umem_request_done(req, UMEM_STATUS_RANGE);
		return 0;
	}
	if (!umem_rdma_slot_get(s))
		return -EAGAIN;
	if (likely(!umem_rdma_post_read(s, req)))
		return 0;
	/* The core queues @req and kicks, which looks after the others too. */
	umem_rdma_slot_put(s);
	return -EAGAIN;
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
 * umem_rdma_reads_init - prepare the READs
 * @s: the session, new.
 */
void umem_rdma_reads_init(struct umem_rdma_session *s)
{
	u32 i;

	for (i = 0; i < s->info.max_inflight; i++)
		s->reads[i].cqe.done = umem_rdma_read_done;
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
