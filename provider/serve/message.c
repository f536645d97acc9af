// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Control messages of a client. What comes in may be anything.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/umem.h>

#include "client.h"

/* ---- What comes in ------------------------------------------------------- */

static void leave_with(struct serve_client *cl, enum umem_rdma_status status,
		       const char *why)
{
	struct umem_rdma_msg msg;

	umem_wire_make_error(&msg, status);
	serve_client_leave(cl, &msg, why);
}

static void send_export(struct serve_client *cl)
{
	struct umem_wire_export exp = {
		.base = (uintptr_t)cl->exp->addr,
		.size = cl->exp->size,
		.rkey = cl->export_mr->rkey,
		.granule = UMEM_GRANULE_SIZE,
	};
	struct umem_rdma_msg msg;

	memcpy(exp.content_id, cl->exp->content_id, sizeof(exp.content_id));
	umem_wire_make_export(&msg, &exp);
	if (umem_msg_send(&cl->slots, cl->id->qp, &msg))
		serve_client_leave(cl, NULL, "EXPORT cannot be sent");
	else
		serve_client_live(cl);
}

static void got_auth(struct serve_client *cl, const void *data, size_t len)
{
	static const __u8 no_mac[UMEM_RDMA_MAC];
	__u8 mac[UMEM_RDMA_MAC];
	struct umem_why why;

	if (cl->state != CLIENT_ACCEPTED ||
	    umem_wire_check_auth(data, len, mac) != UMEM_RDMA_STATUS_OK) {
		leave_with(cl, UMEM_RDMA_STATUS_MALFORMED, "AUTH out of turn");
		return;
	}
	if (memcmp(mac, no_mac, sizeof(mac))) {
		leave_with(cl, UMEM_RDMA_STATUS_AUTH,
			   "sent a proof, but there is no pre-shared key");
		return;
	}
	if (serve_export_register(cl->exp, cl->pd, &cl->export_mr, &why))
		leave_with(cl, UMEM_RDMA_STATUS_IO, why.text);
	else
		send_export(cl);
}

static void got_message(struct serve_client *cl, const void *data, size_t len)
{
	if (++cl->messages > CLIENT_MAX_MESSAGES) {
		leave_with(cl, UMEM_RDMA_STATUS_MALFORMED, "a flood of messages");
		return;
	}
	switch (umem_wire_msg_type(data, len)) {
	case UMEM_RDMA_MSG_AUTH:
		got_auth(cl, data, len);
		break;
	case UMEM_RDMA_MSG_KEEPALIVE:
		break;
	case UMEM_RDMA_MSG_BYE:
		serve_client_leave(cl, NULL, "it said BYE");
		break;
	default:
		leave_with(cl, UMEM_RDMA_STATUS_MALFORMED,
			   "sent something that is no message for a server");
	}
}

/* ---- Completions --------------------------------------------------------- */

static void broke(struct serve_client *cl, enum ibv_wc_status status)
{
	struct umem_why why;

	switch (status) {
	case IBV_WC_RETRY_EXC_ERR:
	case IBV_WC_RNR_RETRY_EXC_ERR:
		umem_because(&why, 0, "it does not answer any more");
		break;
	case IBV_WC_LOC_LEN_ERR:
	case IBV_WC_LOC_QP_OP_ERR:	/* what rxe says instead */
		umem_because(&why, 0, "sent a message that is too long");
		break;
	case IBV_WC_WR_FLUSH_ERR:
		umem_because(&why, 0, "its connection broke, perhaps by a forbidden access");
		break;
	default:
		umem_because(&why, 0, "its connection broke: %s",
			     ibv_wc_status_str(status));
	}
	serve_client_leave(cl, NULL, why.text);
}

static void received(struct serve_client *cl, const struct umem_rdma_msg *msg,
		     size_t len)
{
	if (cl->state != CLIENT_ACCEPTED && cl->state != CLIENT_LIVE)
		return;
	got_message(cl, msg, len);
	if (umem_msg_done(&cl->slots, cl->id->qp, msg))
		serve_client_leave(cl, NULL, "no RECV can be posted");
}

static void completed(struct serve_client *cl, const struct ibv_wc *wc)
{
	const struct umem_rdma_msg *msg = umem_msg_completed(&cl->slots, wc);

	if (!msg && cl->state == CLIENT_LEAVING &&
	    !umem_msg_sending(&cl->slots))
		rdma_disconnect(cl->id);
	if (wc->status != IBV_WC_SUCCESS)
		broke(cl, wc->status);
	else if (msg)
		received(cl, msg, wc->byte_len);
}

/*
 * One batch, as large as the queue was when it was armed: what comes later
 * wakes us again, and a client that floods us does not keep us here.
 */
void serve_client_ready(struct serve_source *source)
{
	struct serve_client *cl = (struct serve_client *)
		((char *)source - offsetof(struct serve_client, source));
	struct ibv_wc wc[UMEM_MSG_RX + UMEM_MSG_TX];
	struct ibv_cq *cq;
	void *context;
	int i, n;

	if (cl->state == CLIENT_GONE)
		return;
	while (!ibv_get_cq_event(cl->comp, &cq, &context))
		ibv_ack_cq_events(cq, 1);
	ibv_req_notify_cq(cl->cq, 0);
	n = ibv_poll_cq(cl->cq, UMEM_MSG_RX + UMEM_MSG_TX, wc);
	for (i = 0; i < n && cl->state != CLIENT_GONE; i++)
		completed(cl, &wc[i]);
	if (n < 0)
		serve_client_gone(cl, "its completion queue is broken");
}
