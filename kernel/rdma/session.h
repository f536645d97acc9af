/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: one region provided by one memory server over one connection.
 *
 * Contexts. The thread in UMEM_RDMA_IOC_ATTACH makes the session, drives it up
 * to LIVE and hands it to the core. From then on the core's calls, completions
 * (softirq), events of rdma_cm (process context, one at a time) and the tick
 * use it side by side; detach, which the core calls last, ends them one after
 * the other and frees it. There is no reference count: who may still look at a
 * session is known at every step of umem_rdma_session_close().
 *
 * Locking. &umem_rdma_session.lock is taken with bottom halves off, since
 * completions come in softirq; that also lets Soft-RoCE's softirqs run as soon
 * as a READ was posted instead of by a wake-up of their thread. Inside it are
 * only the locks of ib_post_send(), ib_post_recv() and mod_delayed_work():
 * nothing of the core is called under it.
 */
#ifndef UMEM_RDMA_SESSION_H
#define UMEM_RDMA_SESSION_H

#include <linux/completion.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <rdma/ib_verbs.h>
#include <rdma/rdma_cm.h>

#include "provider.h"
#include "provider/wire.h"
#include "state.h"

/* RECVs kept posted: a server has no reason to send more than one at a time. */
#define UMEM_RDMA_RECVS		8

/* How long a BYE may take; it is a courtesy, not a part of the teardown. */
#define UMEM_RDMA_BYE_MS	100

/* Pages that could not be mapped for the device are tried again after this. */
#define UMEM_RDMA_RETRY_MS	10

/**
 * enum umem_rdma_send_kind - the messages that a client sends
 * @UMEM_RDMA_SEND_AUTH: its proof.
 * @UMEM_RDMA_SEND_KEEPALIVE: is the server there?
 * @UMEM_RDMA_SEND_BYE: the disconnect that follows is meant.
 * @UMEM_RDMA_NR_SENDS: how many there are; each has a place in the send queue.
 */
enum umem_rdma_send_kind {
	UMEM_RDMA_SEND_AUTH,
	UMEM_RDMA_SEND_KEEPALIVE,
	UMEM_RDMA_SEND_BYE,
	UMEM_RDMA_NR_SENDS,
};

/**
 * struct umem_rdma_send - a control message to the server
 * @cqe: its completion.
 * @busy: posted and not completed; &umem_rdma_session.lock.
 */
struct umem_rdma_send {
	struct ib_cqe cqe;
	bool busy;
};

/**
 * struct umem_rdma_recv - room for a control message from the server
 * @cqe: its completion.
 */
struct umem_rdma_recv {
	struct ib_cqe cqe;
};

/**
 * struct umem_rdma_read - the READs of a request, indexed by the request's tag
 * @cqe: their completion.
 * @req: the request, while a READ can still land in its pages. Like the rest
 *	it belongs to whoever owns the request.
 * @sge: fixed: its pages as the device sees them, room for all.
 * @nr_sge: how many of @sge are mapped.
 * @nr_wr: how many READs they make.
 * @pending: READs that have not ended; at 0 the request ends. Not counted down
 *	by the completion of one that is alone.
 * @status: of the first READ that failed.
 * @start_ns: when they were posted; 0 if nobody traces.
 * @one: what @sge points to where granules have one page.
 */
struct umem_rdma_read {
	struct ib_cqe cqe;
	struct umem_request *req;
	struct ib_sge *sge;
	u32 nr_sge;
	u32 nr_wr;
	atomic_t pending;
	enum ib_wc_status status;
	u64 start_ns;
	struct ib_sge one;
};

/**
 * struct umem_rdma_session - a region's connection to a memory server
 * @att: the region's side; constant.
 * @info: what the core told of the region; constant.
 * @dst: the server; constant.
 * @export_id: the export on that server; constant.
 * @connect_timeout: jiffies for each step of the connection; constant.
 * @tick_period: jiffies between two looks at an idle server; constant.
 * @ack_timeout: as the transport counts it, 4.096 us * 2^n; constant.
 * @reads_inflight: what the caller asked for; constant.
 * @id: the connection's identity; pins the device from the resolved address
 *	to rdma_destroy_id(). Set and cleared while no event can come.
 * @pd: protection domain. This and what follows, up to @rx_dma, is set after
 *	the address is resolved and before the first message can come, and
 *	cleared once the queue pair is drained.
 * @cq: completion queue of both directions, polled in softirq.
 * @tx_msgs: messages to the server, written once before they are mapped.
 * @rx_msgs: messages from the server.
 * @tx_dma: @tx_msgs as the device sees them.
 * @rx_dma: @rx_msgs as the device sees them.
 * @depth: READs that may be posted at once before a request is turned away;
 *	constant after the queue pair, as what follows.
 * @bulk_depth: READs that may be posted before a prefetch is turned away.
 * @read_sge: parts of memory that one READ may fill.
 * @read_bytes: bytes that one READ may ask for, a power of two. No READ crosses
 *	a multiple of it in its granule.
 * @request_wrs: READs that a request may need.
 * @lock: guards what follows. READs, sends and receives are posted under it,
 *	so that none is posted once @state says FAILED or CLOSING.
 * @state: where the connection stands. Waiters on @wait read it without @lock.
 * @error: why @state became FAILED, negative errno.
 * @verdict: what the server said in an ERROR message, negative errno. It counts
 *	more than @error, which may be the disconnect that came with it.
 * @export: what the server provides; constant once @state was LIVE.
 * @auth_sent: the server may answer with its EXPORT.
 * @inflight: READs posted or about to be; less than @depth + @request_wrs.
 * @again: somebody was turned away because @inflight was at @depth.
 * @bulk_again: a prefetch was, or would have been, because it was at @bulk_depth.
 * @parked: a request whose page could not be mapped; it keeps its place in
 *	@inflight and lets none pass until the tick has posted it.
 * @wrs: @request_wrs of them, to post a request's READs from.
 * @heard: something came from the server since the last tick; racy by nature,
 *	no lock.
 * @wait: for changes of @state and of &umem_rdma_send.busy.
 * @published: the attaching thread is done with the session.
 * @tick: looks after an idle connection.
 * @tx: sends, by enum umem_rdma_send_kind.
 * @rx: receives.
 * @reads: READs by tag, @info.max_inflight of them.
 * @sges: what @reads[].sge point into where granules have many pages.
 */
struct umem_rdma_session {
	struct umem_attachment *att;
	struct umem_attach_info info;
	struct sockaddr_storage dst;
	u64 export_id;
	unsigned long connect_timeout;
	unsigned long tick_period;
	u8 ack_timeout;
	u32 reads_inflight;

	struct rdma_cm_id *id;
	struct ib_pd *pd;
	struct ib_cq *cq;
	struct umem_rdma_msg *tx_msgs;
	struct umem_rdma_msg *rx_msgs;
	u64 tx_dma;
	u64 rx_dma;
	u32 depth;
	u32 bulk_depth;
	u32 read_sge;
	u32 read_bytes;
	u32 request_wrs;

	spinlock_t lock; /* see above */
	enum umem_rdma_state state;
	int error;
	int verdict;
	struct umem_wire_export export;
	bool auth_sent;
	u32 inflight;
	bool again;
	bool bulk_again;
	struct umem_request *parked;
	struct ib_rdma_wr *wrs;

	bool heard;
	wait_queue_head_t wait;
	struct completion published;
	struct delayed_work tick;
	struct umem_rdma_send tx[UMEM_RDMA_NR_SENDS];
	struct umem_rdma_recv rx[UMEM_RDMA_RECVS];
	struct umem_rdma_read *reads;
	struct ib_sge *sges;
};

extern struct workqueue_struct *umem_rdma_wq;

/* session.c */
struct umem_rdma_session *
umem_rdma_session_new(struct umem_attachment *att,
		      const struct umem_attach_info *info,
		      const struct umem_rdma_attach *arg,
		      const struct sockaddr_storage *dst);
void umem_rdma_session_close(struct umem_rdma_session *s);
void umem_rdma_session_free(struct umem_rdma_session *s);
bool umem_rdma_move(struct umem_rdma_session *s, enum umem_rdma_state to);
void umem_rdma_fail(struct umem_rdma_session *s, int error, const char *why);
void umem_rdma_fail_wc(struct umem_rdma_session *s, const struct ib_wc *wc);

/* queues.c */
int umem_rdma_queues_create(struct umem_rdma_session *s);
void umem_rdma_queues_destroy(struct umem_rdma_session *s);

/* conn.c */
int umem_rdma_connect(struct umem_rdma_session *s);

/* ctrl.c */
int umem_rdma_ctrl_create(struct umem_rdma_session *s);
void umem_rdma_ctrl_destroy(struct umem_rdma_session *s);
int umem_rdma_ctrl_listen(struct umem_rdma_session *s);
int umem_rdma_ctrl_send(struct umem_rdma_session *s,
			enum umem_rdma_send_kind kind);
void umem_rdma_ctrl_bye(struct umem_rdma_session *s);

/* read.c */
int umem_rdma_reads_alloc(struct umem_rdma_session *s);
void umem_rdma_reads_free(struct umem_rdma_session *s);
void umem_rdma_reads_end(struct umem_rdma_session *s);
void umem_rdma_reads_retry(struct umem_rdma_session *s);
int umem_rdma_submit(void *priv, struct umem_request *req, bool polled);
void umem_rdma_kick(void *priv);

/* attach.c */
int umem_rdma_attach(const struct umem_rdma_attach *arg,
		     const struct sockaddr_storage *dst);

/* ioctl.c */
long umem_rdma_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* UMEM_RDMA_SESSION_H */
