// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A connection to a memory server over RDMA: its loss, and the messages.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "rdma_client_priv.h"

/* ---- Loss ---------------------------------------------------------------- */

/*
 * The end of the connection, whoever noticed it first. The queue pair goes to
 * the error state, so that every READ which is open comes back.
 */
int rdma_client_lose(struct rdma_client *cl, int err, const char *fmt, ...)
{
	va_list ap;

	if (cl->lost)
		return err;
	cl->lost = true;
	cl->lost_errno = err;
	va_start(ap, fmt);
	vsnprintf(cl->why.text, sizeof(cl->why.text), fmt, ap);
	va_end(ap);
	rdma_disconnect(cl->id);
	return err;
}

void rdma_client_lose_by(struct rdma_client *cl, enum ibv_wc_status status)
{
	switch (status) {
	case IBV_WC_RETRY_EXC_ERR:
		rdma_client_lose(cl, -ECONNRESET, "the server does not answer any more");
		break;
	case IBV_WC_REM_ACCESS_ERR:
		rdma_client_lose(cl, -ECONNRESET, "the server took its export back");
		break;
	case IBV_WC_WR_FLUSH_ERR:
		rdma_client_lose(cl, -ECONNRESET, "the connection was closed");
		break;
	default:
		rdma_client_lose(cl, -ECONNRESET, "the connection broke (%s)",
				 ibv_wc_status_str(status));
	}
}

static void disconnected(struct rdma_client *cl)
{
	/* The server's ERROR, which says more, came by another way before. */
	if (!cl->export_known)
		rdma_client_take_messages(cl);
	rdma_client_lose(cl, -ECONNRESET, "the server closed the connection");
}

void rdma_client_look_at_cm(struct rdma_client *cl)
{
	struct rdma_cm_event *ev;

	cl->empty_polls = 0;
	while (!rdma_get_cm_event(cl->cm, &ev)) {
		if (ev->event == RDMA_CM_EVENT_DISCONNECTED)
			disconnected(cl);
		else if (ev->event == RDMA_CM_EVENT_DEVICE_REMOVAL)
			rdma_client_lose(cl, -ENODEV, "%s was removed", cl->device);
		rdma_ack_cm_event(ev);
	}
}

/* ---- Messages ------------------------------------------------------------ */

int rdma_client_keepalive(struct rdma_client *cl)
{
	struct umem_rdma_msg msg;

	if (cl->lost)
		return -ECONNRESET;
	umem_wire_make_plain(&msg, UMEM_RDMA_MSG_KEEPALIVE);
	return umem_msg_send(&cl->slots, cl->id->qp, &msg);
}

/* EXPORT, or ERROR in its place. */
static void got_export(struct rdma_client *cl, const void *data, size_t len)
{
	struct umem_wire_export export;
	struct umem_why why;
	int err = umem_wire_check_export(data, len, &export);

	if (err) {
		rdma_client_refused(err, 0, cl, &why);
		rdma_client_lose(cl, err, "%s", why.text);
		return;
	}
	cl->export = export;
	cl->export_known = true;
}

static void got_message(struct rdma_client *cl, const void *data, size_t len)
{
	int type = umem_wire_msg_type(data, len);

	if (type == UMEM_RDMA_MSG_KEEPALIVE)
		return;
	if (type == UMEM_RDMA_MSG_BYE)
		rdma_client_lose(cl, -ECONNRESET, "the server said BYE");
	else if ((type == UMEM_RDMA_MSG_EXPORT || type == UMEM_RDMA_MSG_ERROR) &&
		 !cl->export_known)
		got_export(cl, data, len);
	else if (type > 0)
		rdma_client_lose(cl, -EPROTO,
				 "the server broke the protocol: a message of type %d out of turn",
				 type);
	else
		rdma_client_lose(cl, -EPROTO,
				 "the server broke the protocol: %zu bytes that are no message",
				 len);
}

void rdma_client_own_completion(struct rdma_client *cl, const struct ibv_wc *wc)
{
	const struct umem_rdma_msg *msg = umem_msg_completed(&cl->slots, wc);

	if (wc->status != IBV_WC_SUCCESS) {
		rdma_client_lose_by(cl, wc->status);
		return;
	}
	if (!msg)
		return;
	got_message(cl, msg, wc->byte_len);
	if (!cl->lost && umem_msg_done(&cl->slots, cl->id->qp, msg))
		rdma_client_lose(cl, -ECONNRESET, "%s takes no RECV", cl->device);
}
