/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control messages of a connection over RDMA, either end's: places that they
 * are received in and sent from.
 */
#ifndef UMEM_LIB_MSG_SLOTS_H
#define UMEM_LIB_MSG_SLOTS_H

#include <stdbool.h>
#include <infiniband/verbs.h>

#include <linux/umem_rdma.h>

/*
 * RECVs kept posted: the other end has no reason to send more at a time. SENDs
 * that may be open: a message, and a last one.
 */
#define UMEM_MSG_RX	4
#define UMEM_MSG_TX	2

/* Work requests of messages have this in their wr_id, no others may. */
#define UMEM_MSG_WR	(1ULL << 63)

/**
 * struct umem_msg_slots - the messages of a queue pair
 * @mr: all of @rx and @tx; NULL: not registered.
 * @rx: received; each is posted but while it is looked at.
 * @tx: sent.
 * @tx_busy: which of @tx have not completed.
 */
struct umem_msg_slots {
	struct ibv_mr *mr;
	struct umem_rdma_msg rx[UMEM_MSG_RX];
	struct umem_rdma_msg tx[UMEM_MSG_TX];
	bool tx_busy[UMEM_MSG_TX];
};

/* 0 or a negative errno; @slots is all zero before. */
int umem_msg_register(struct umem_msg_slots *slots, struct ibv_pd *pd);
/* After the queue pair. May be called for what was never registered. */
void umem_msg_unregister(struct umem_msg_slots *slots);

/* Posts every RECV; 0 or a negative errno. */
int umem_msg_listen(struct umem_msg_slots *slots, struct ibv_qp *qp);

/* Sends a copy. 0 or a negative errno: -ENOBUFS, too many are open. */
int umem_msg_send(struct umem_msg_slots *slots, struct ibv_qp *qp,
		  const struct umem_rdma_msg *msg);
bool umem_msg_sending(const struct umem_msg_slots *slots);

/*
 * The message that was received; NULL when it was one of ours that was sent.
 * Whether that went well, @wc tells.
 */
const struct umem_rdma_msg *umem_msg_completed(struct umem_msg_slots *slots,
					       const struct ibv_wc *wc);
/* The received message was looked at: its RECV is posted again. */
int umem_msg_done(struct umem_msg_slots *slots, struct ibv_qp *qp,
		  const struct umem_rdma_msg *msg);

#endif /* UMEM_LIB_MSG_SLOTS_H */
