// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control messages, 64 bytes each, by SEND and RECV. What comes in is believed
 * only as far as provider/wire.c and the state allow; anything else ends the
 * connection.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "session.h"

#define TX_BYTES	(UMEM_RDMA_NR_SENDS * sizeof(struct umem_rdma_msg))
#define RX_BYTES	(UMEM_RDMA_RECVS * sizeof(struct umem_rdma_msg))

/* ---- Sending ------------------------------------------------------------- */

static void umem_rdma_send_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct umem_rdma_send *tx =
		container_of(wc->wr_cqe, struct umem_rdma_send, cqe);
	struct umem_rdma_session *s = cq->cq_context;

	spin_lock_bh(&s->lock);
	WRITE_ONCE(tx->busy, false);
	spin_unlock_bh(&s->lock);

	if (wc->status == IB_WC_SUCCESS)
		WRITE_ONCE(s->heard, true);
	else
		umem_rdma_fail_wc(s, wc);
	wake_up_all(&s->wait);
}

/**
 * umem_rdma_ctrl_send - send a message
 * @s: the session.
 * @kind: which.
 *
 * Returns 0, -EBUSY when the last one of this kind is still on its way, or
 * another negative errno when the connection is not up. Any context.
 */
int umem_rdma_ctrl_send(struct umem_rdma_session *s,
			enum umem_rdma_send_kind kind)
{
	struct umem_rdma_send *tx = &s->tx[kind];
	struct ib_sge sge = {
		.addr = s->tx_dma + kind * sizeof(struct umem_rdma_msg),
		.length = sizeof(struct umem_rdma_msg),
	};
	struct ib_send_wr wr = {
		.wr_cqe = &tx->cqe,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IB_WR_SEND,
		.send_flags = IB_SEND_SIGNALED,
	};
	int err;

	spin_lock_bh(&s->lock);
	if (s->state != UMEM_RDMA_HANDSHAKE && s->state != UMEM_RDMA_LIVE) {
		err = -ENOTCONN;
	} else if (tx->busy) {
		err = -EBUSY;
	} else {
		sge.lkey = s->pd->local_dma_lkey;
		/* Before the server can answer. */
		if (kind == UMEM_RDMA_SEND_AUTH)
			s->auth_sent = true;
		tx->busy = true;
		err = ib_post_send(s->id->qp, &wr, NULL);
		if (err)
			tx->busy = false;
	}
	spin_unlock_bh(&s->lock);
	return err;
}

/**
 * umem_rdma_ctrl_bye - tell a server that is there that we leave
 * @s: the session.
 *
 * Sleeps, for a moment: the disconnect would overtake the message.
 */
void umem_rdma_ctrl_bye(struct umem_rdma_session *s)
{
	struct umem_rdma_send *tx = &s->tx[UMEM_RDMA_SEND_BYE];

	if (umem_rdma_ctrl_send(s, UMEM_RDMA_SEND_BYE))
		return;
	wait_event_timeout(s->wait, !READ_ONCE(tx->busy),
			   msecs_to_jiffies(UMEM_RDMA_BYE_MS));
}

/* ---- Receiving ----------------------------------------------------------- */

static u64 umem_rdma_rx_dma(const struct umem_rdma_session *s,
			    const struct umem_rdma_recv *rx)
{
	return s->rx_dma + (rx - s->rx) * sizeof(struct umem_rdma_msg);
}

/* Nothing is received any more once the session has failed or is closing. */
static int umem_rdma_post_recv(struct umem_rdma_session *s,
			       struct umem_rdma_recv *rx)
{
	struct ib_sge sge = {
		.addr = umem_rdma_rx_dma(s, rx),
		.length = sizeof(struct umem_rdma_msg),
		.lkey = s->pd->local_dma_lkey,
	};
	struct ib_recv_wr wr = {
		.wr_cqe = &rx->cqe,
		.sg_list = &sge,
		.num_sge = 1,
	};
	int err = 0;

	spin_lock_bh(&s->lock);
	if (s->state < UMEM_RDMA_FAILED)
		err = ib_post_recv(s->id->qp, &wr, NULL);
	spin_unlock_bh(&s->lock);
	return err;
}

/* The one EXPORT of a connection: after our AUTH, and never another. */
static int umem_rdma_take_export(struct umem_rdma_session *s,
				 const struct umem_rdma_msg *msg, u32 len)
{
	struct umem_wire_export exp;
	int err;

	err = umem_wire_check_export(msg, len, &exp);
	if (err)
		return err;

	spin_lock_bh(&s->lock);
	if (s->auth_sent && umem_rdma_state_move(&s->state, UMEM_RDMA_LIVE))
		s->export = exp;
	else
		err = -EPROTO;
	spin_unlock_bh(&s->lock);
	wake_up_all(&s->wait);
	return err;
}

/* The server's last word; the disconnect may have been noticed before it. */
static int umem_rdma_take_error(struct umem_rdma_session *s,
				const struct umem_rdma_msg *msg, u32 len)
{
	struct umem_wire_export none;
	int err = umem_wire_check_export(msg, len, &none);

	spin_lock_bh(&s->lock);
	if (!s->verdict)
		s->verdict = err;
	spin_unlock_bh(&s->lock);
	return err;
}

/* Returns 0, or negative errno when the connection must end; *why says why. */
static int umem_rdma_receive(struct umem_rdma_session *s,
			     const struct umem_rdma_msg *msg, u32 len,
			     const char **why)
{
	*why = "broken or unexpected message";
	switch (umem_wire_msg_type(msg, len)) {
	case UMEM_RDMA_MSG_EXPORT:
		return umem_rdma_take_export(s, msg, len);
	case UMEM_RDMA_MSG_ERROR:
		*why = "refused by the server";
		return umem_rdma_take_error(s, msg, len);
	case UMEM_RDMA_MSG_KEEPALIVE:
		return 0;
	case UMEM_RDMA_MSG_BYE:
		*why = "the server said good-bye";
		return -EPROTO;
	default:
		return -EPROTO;
	}
}

static void umem_rdma_recv_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct umem_rdma_recv *rx =
		container_of(wc->wr_cqe, struct umem_rdma_recv, cqe);
	struct umem_rdma_session *s = cq->cq_context;
	u64 dma = umem_rdma_rx_dma(s, rx);
	const char *why;
	int err;

	if (wc->status != IB_WC_SUCCESS) {
		/* A message that is too long, or the end of the connection. */
		umem_rdma_fail_wc(s, wc);
		return;
	}

	WRITE_ONCE(s->heard, true);
	ib_dma_sync_single_for_cpu(s->id->device, dma,
				   sizeof(struct umem_rdma_msg),
				   DMA_FROM_DEVICE);
	err = umem_rdma_receive(s, &s->rx_msgs[rx - s->rx], wc->byte_len, &why);
	ib_dma_sync_single_for_device(s->id->device, dma,
				      sizeof(struct umem_rdma_msg),
				      DMA_FROM_DEVICE);
	if (!err) {
		why = "cannot post a receive";
		err = umem_rdma_post_recv(s, rx);
	}
	if (err)
		umem_rdma_fail(s, err, why);
}

/**
 * umem_rdma_ctrl_listen - post the receives
 * @s: the session; its queue pair was created.
 *
 * Returns 0 or negative errno; the queue pair must then be drained.
 */
int umem_rdma_ctrl_listen(struct umem_rdma_session *s)
{
	int i, err;

	for (i = 0; i < UMEM_RDMA_RECVS; i++) {
		err = umem_rdma_post_recv(s, &s->rx[i]);
		if (err)
			return err;
	}
	return 0;
}

/* ---- Buffers ------------------------------------------------------------- */

/* None of them says anything that is not known from the start. */
static void umem_rdma_write_msgs(struct umem_rdma_msg *msgs)
{
	umem_wire_make_auth(&msgs[UMEM_RDMA_SEND_AUTH], NULL);
	umem_wire_make_plain(&msgs[UMEM_RDMA_SEND_KEEPALIVE],
			     UMEM_RDMA_MSG_KEEPALIVE);
	umem_wire_make_plain(&msgs[UMEM_RDMA_SEND_BYE], UMEM_RDMA_MSG_BYE);
}

/**
 * umem_rdma_ctrl_create - buffers of the messages, mapped for the device
 * @s: the session; its device is known.
 *
 * Returns 0, or negative errno with nothing created.
 */
int umem_rdma_ctrl_create(struct umem_rdma_session *s)
{
	struct ib_device *dev = s->id->device;
	int i;

	s->tx_msgs = kzalloc(TX_BYTES, GFP_KERNEL);
	if (!s->tx_msgs)
		return -ENOMEM;
	s->rx_msgs = kzalloc(RX_BYTES, GFP_KERNEL);
	if (!s->rx_msgs)
		goto free_tx;

	umem_rdma_write_msgs(s->tx_msgs);
	s->tx_dma = ib_dma_map_single(dev, s->tx_msgs, TX_BYTES, DMA_TO_DEVICE);
	if (ib_dma_mapping_error(dev, s->tx_dma))
		goto free_rx;
	s->rx_dma = ib_dma_map_single(dev, s->rx_msgs, RX_BYTES,
				      DMA_FROM_DEVICE);
	if (ib_dma_mapping_error(dev, s->rx_dma))
		goto unmap_tx;

	for (i = 0; i < UMEM_RDMA_NR_SENDS; i++)
		s->tx[i].cqe.done = umem_rdma_send_done;
	for (i = 0; i < UMEM_RDMA_RECVS; i++)
		s->rx[i].cqe.done = umem_rdma_recv_done;
	return 0;

unmap_tx:
	ib_dma_unmap_single(dev, s->tx_dma, TX_BYTES, DMA_TO_DEVICE);
free_rx:
	kfree(s->rx_msgs);
free_tx:
	kfree(s->tx_msgs);
	return -ENOMEM;
}

/**
 * umem_rdma_ctrl_destroy - the opposite of umem_rdma_ctrl_create()
 * @s: the session; its queue pair is gone.
 */
void umem_rdma_ctrl_destroy(struct umem_rdma_session *s)
{
	struct ib_device *dev = s->id->device;

	ib_dma_unmap_single(dev, s->rx_dma, RX_BYTES, DMA_FROM_DEVICE);
	ib_dma_unmap_single(dev, s->tx_dma, TX_BYTES, DMA_TO_DEVICE);
	kfree(s->rx_msgs);
	kfree(s->tx_msgs);
}
