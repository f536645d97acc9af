// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a session: its memory, its state, its end.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "session.h"

/* The transport's clock: a timeout of n lasts 4.096 us * 2^n; 0 is for ever. */
#define ACK_TICK_NS	4096ULL
#define ACK_MAX		31

static u8 umem_rdma_ack_timeout(u32 ms)
{
	u64 ticks = DIV_ROUND_UP_ULL((u64)ms * NSEC_PER_MSEC, ACK_TICK_NS);

	return clamp_t(unsigned int, order_base_2(ticks), 1, ACK_MAX);
}

/*
 * Looks after an idle server. READs find out by themselves that it is dead; so
 * that it is noticed without any, a message is sent when nothing came lately.
 */
static void umem_rdma_tick(struct work_struct *work)
{
	struct umem_rdma_session *s =
		container_of(work, struct umem_rdma_session, tick.work);

	if (READ_ONCE(s->state) != UMEM_RDMA_LIVE)
		return;
	/* One that is still on its way is as good as another. */
	if (!READ_ONCE(s->heard))
		umem_rdma_ctrl_send(s, UMEM_RDMA_SEND_KEEPALIVE);
	WRITE_ONCE(s->heard, false);
	umem_rdma_reads_retry(s);
	queue_delayed_work(umem_rdma_wq, &s->tick, s->tick_period);
}

/**
 * umem_rdma_session_new - make a session that has not begun to connect
 * @att: the region's side.
 * @info: what the core told of the region.
 * @arg: what the caller wants, validated.
 * @dst: the server, validated.
 *
 * Returns the session or an ERR_PTR.
 */
struct umem_rdma_session *
umem_rdma_session_new(struct umem_attachment *att,
		      const struct umem_attach_info *info,
		      const struct umem_rdma_attach *arg,
		      const struct sockaddr_storage *dst)
{
	struct umem_rdma_session *s;
	u32 detect_ms;

	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->att = att;
	s->info = *info;
	if (umem_rdma_reads_alloc(s)) {
		kfree(s);
		return ERR_PTR(-ENOMEM);
	}
	s->dst = *dst;
	s->export_id = arg->export_id;
	s->reads_inflight = arg->reads_inflight;
	s->connect_timeout = max(msecs_to_jiffies(arg->connect_timeout_ms), 1UL);
	s->ack_timeout = umem_rdma_ack_timeout(arg->ack_timeout_ms);
	/* As patient with an idle server as with one that reads. */
	detect_ms = min_t(u64, 8ULL * arg->ack_timeout_ms, 60 * MSEC_PER_SEC);
	s->tick_period = msecs_to_jiffies(max_t(u32, detect_ms, MSEC_PER_SEC));

	spin_lock_init(&s->lock);
	init_waitqueue_head(&s->wait);
	init_completion(&s->published);
	INIT_DELAYED_WORK(&s->tick, umem_rdma_tick);
	return s;
}

/**
 * umem_rdma_session_free - the opposite of umem_rdma_session_new()
 * @s: the session; closed.
 */
void umem_rdma_session_free(struct umem_rdma_session *s)
{
	umem_rdma_reads_free(s);
	kfree(s);
}

/**
 * umem_rdma_move - go to another state, if that is legal, and tell waiters
 * @s: the session.
 * @to: the new state; not FAILED, see umem_rdma_fail().
 *
 * Returns whether it was legal. Any context.
 */
bool umem_rdma_move(struct umem_rdma_session *s, enum umem_rdma_state to)
{
	bool moved;

	spin_lock_bh(&s->lock);
	moved = umem_rdma_state_move(&s->state, to);
	spin_unlock_bh(&s->lock);
	if (moved)
		wake_up_all(&s->wait);
	return moved;
}

/**
 * umem_rdma_fail - the server is lost
 * @s: the session.
 * @error: negative errno, for a thread that is still attaching.
 * @why: in words, for the log.
 *
 * The first call counts and tells the core, once; later ones, and those that
 * come while the session is being closed, do nothing. Any context.
 */
void umem_rdma_fail(struct umem_rdma_session *s, int error, const char *why)
{
	enum umem_rdma_state was;
	bool failed;

	spin_lock_bh(&s->lock);
	was = s->state;
	failed = umem_rdma_state_move(&s->state, UMEM_RDMA_FAILED);
	if (failed)
		s->error = error;
	spin_unlock_bh(&s->lock);
	if (!failed)
		return;

	wake_up_all(&s->wait);
	if (was == UMEM_RDMA_LIVE) {
		pr_warn_ratelimited("rdma://%pISpc/%llu: server lost: %s\n",
				    &s->dst, s->export_id, why);
		/* If not committed yet, the core detaches when that is done. */
		umem_provider_gone(s->att);
	} else {
		pr_debug("rdma://%pISpc/%llu: failed %s: %s (%d)\n", &s->dst,
			 s->export_id, umem_rdma_state_name(was), why, error);
	}
}

/**
 * umem_rdma_fail_wc - the server is lost, says a completion
 * @s: the session.
 * @wc: the completion, not successful.
 *
 * A flush tells only that somebody moved the queue pair to its error state. As
 * long as the connection is being made that somebody says why: rdma_cm does it
 * just before it delivers a reject, which must not come second.
 */
void umem_rdma_fail_wc(struct umem_rdma_session *s, const struct ib_wc *wc)
{
	if (wc->status == IB_WC_WR_FLUSH_ERR &&
	    READ_ONCE(s->state) < UMEM_RDMA_LIVE)
		return;
	umem_rdma_fail(s, wc->status == IB_WC_RETRY_EXC_ERR ?
		       -ETIMEDOUT : -EPROTO, ib_wc_status_msg(wc->status));
}

/**
 * umem_rdma_session_close - end the connection; nothing can land in a page after
 * @s: the session, in any state; the core calls neither submit nor kick, and
 *	no thread attaches it any more.
 *
 * Process context, sleeps. Each step ends one kind of context that uses the
 * session, and none of the later ones can start an earlier one again.
 */
void umem_rdma_session_close(struct umem_rdma_session *s)
{
	/* While the state still allows a message. */
	umem_rdma_ctrl_bye(s);

	/* From here on nothing is posted. */
	umem_rdma_move(s, UMEM_RDMA_CLOSING);
	cancel_delayed_work_sync(&s->tick);

	if (!s->id)
		return;
	/* No completion any more: the queue pair is drained and destroyed. */
	if (s->pd) {
		rdma_disconnect(s->id);
		umem_rdma_queues_destroy(s);
	}
	/* No event any more. Until here the device could not go away. */
	rdma_destroy_id(s->id);
	s->id = NULL;
}
