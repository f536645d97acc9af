// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection, by rdma_cm. The attaching thread starts each step and waits,
 * killably and for a limited time, for the event that ends it; the handler of
 * events only moves the state, it starts nothing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/nsproxy.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <rdma/ib_cm.h>

#include "session.h"

/*
 * Both are one less than what stands for "for ever". For RNR, a receive that is
 * not posted, the specification says so; for acknowledgements Soft-RoCE does.
 * A server whose machine is dead, or that does not take our messages, would
 * hold up every READ and never be noticed.
 */
#define RETRY_COUNT	6
#define RNR_RETRY_COUNT	6

/* Why a connection was refused, as errno. */
static int umem_rdma_reject_errno(struct rdma_cm_id *id,
				  struct rdma_cm_event *event)
{
	struct umem_rdma_cm_rep rep;
	const void *data;
	u8 len = 0;

	/* Only what the server's program itself refused has a message of ours. */
	data = rdma_consumer_reject_data(id, event, &len);
	if (data)
		return umem_wire_check_rep(data, len, 1, &rep);
	/* Nobody listens, or an old connection is in the way, or the like. */
	return event->status == IB_CM_REJ_TIMEOUT ? -ETIMEDOUT : -ECONNREFUSED;
}

static int umem_rdma_check_accept(const struct rdma_conn_param *conn)
{
	struct umem_rdma_cm_rep rep;
	int err;

	err = umem_wire_check_rep(conn->private_data, conn->private_data_len,
				  0, &rep);
	if (err)
		return err;
	/* We have no key, so we cannot prove that we know the server's. */
	if (le32_to_cpu(rep.flags) & UMEM_RDMA_F_PSK)
		return -EKEYREJECTED;
	/* READs would be queued and never start. */
	if (!conn->initiator_depth)
		return -EPROTO;
	return 0;
}

static void umem_rdma_established(struct umem_rdma_session *s,
				  const struct rdma_cm_event *event)
{
	int err = umem_rdma_check_accept(&event->param.conn);

	if (err)
		umem_rdma_fail(s, err, "bad answer");
	else if (!umem_rdma_move(s, UMEM_RDMA_HANDSHAKE))
		umem_rdma_fail(s, -EPROTO, "unexpected answer");
}

/* The status of an event that says what went wrong, or @otherwise. */
static int umem_rdma_event_errno(const struct rdma_cm_event *event,
				 int otherwise)
{
	return event->status < 0 && event->status >= -MAX_ERRNO ?
		event->status : otherwise;
}

/*
 * Always returns 0: the alternative, to have rdma_cm destroy the id, would free
 * it under the thread that attaches or detaches. So the id has one place where
 * it ends, umem_rdma_session_close(). When the device goes away, rdma_cm waits
 * for it there, and the core detaches since the session has failed.
 */
static int umem_rdma_cm_event(struct rdma_cm_id *id,
			      struct rdma_cm_event *event)
{
	struct umem_rdma_session *s = id->context;

	switch (event->event) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		umem_rdma_move(s, UMEM_RDMA_RESOLVING_ROUTE);
		break;
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		umem_rdma_move(s, UMEM_RDMA_CONNECTING);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		umem_rdma_established(s, event);
		break;
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
		umem_rdma_fail(s, umem_rdma_event_errno(event, -EHOSTUNREACH),
			       rdma_event_msg(event->event));
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
		/* The queue pair cannot be what the answer wants it to be. */
		umem_rdma_fail(s, event->status == -ENOMEM ? -ENOMEM : -EPROTO,
			       rdma_event_msg(event->event));
		break;
	case RDMA_CM_EVENT_REJECTED:
		umem_rdma_fail(s, umem_rdma_reject_errno(id, event),
			       rdma_event_msg(event->event));
		break;
	case RDMA_CM_EVENT_UNREACHABLE:
		/*
		 * Also comes when the peer's link address changes. If that
		 * matters to a live connection its READs will tell.
		 */
		if (READ_ONCE(s->state) < UMEM_RDMA_LIVE)
			umem_rdma_fail(s, -ETIMEDOUT,
				       rdma_event_msg(event->event));
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		umem_rdma_fail(s, -EPROTO, rdma_event_msg(event->event));
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		umem_rdma_fail(s, -ENODEV, rdma_event_msg(event->event));
		break;
	default:
		break;
	}
	return 0;
}

/*
 * Wait until the connection has left @from. @started is what starting the step
 * returned. 0 when it went on as it should.
 */
static int umem_rdma_step(struct umem_rdma_session *s,
			  enum umem_rdma_state from, int started)
{
	long left = 0;
	int err;

	if (!started)
		left = wait_event_killable_timeout(s->wait,
						   READ_ONCE(s->state) != from,
						   s->connect_timeout);
	spin_lock_bh(&s->lock);
	if (s->state == UMEM_RDMA_FAILED)
		err = s->error;
	else if (started)
		err = started;
	else if (s->state != from)
		err = 0;
	else
		err = left < 0 ? -EINTR : -ETIMEDOUT;
	spin_unlock_bh(&s->lock);
	return err;
}

static int umem_rdma_resolve_addr(struct umem_rdma_session *s)
{
	int err;

	umem_rdma_move(s, UMEM_RDMA_RESOLVING_ADDR);
	err = rdma_resolve_addr(s->id, NULL, (struct sockaddr *)&s->dst,
				jiffies_to_msecs(s->connect_timeout));
	/* So the network says that there is no memory for a route. */
	return err == -ENOBUFS ? -ENOMEM : err;
}

static int umem_rdma_send_request(struct umem_rdma_session *s)
{
	struct umem_rdma_cm_req req;
	struct rdma_conn_param param = {
		.private_data = &req,
		.private_data_len = sizeof(req),
		/* Nobody may READ from us. */
		.responder_resources = 0,
		/* READs on the wire at once; 0 would hold them back for ever. */
		.initiator_depth = min3(s->reads_inflight, U8_MAX + 0U,
			(u32)s->id->device->attrs.max_qp_init_rd_atom),
		.flow_control = 1,
		.retry_count = RETRY_COUNT,
		.rnr_retry_count = RNR_RETRY_COUNT,
	};
	u8 nonce[UMEM_RDMA_NONCE];

	get_random_bytes(nonce, sizeof(nonce));
	umem_wire_make_req(&req, s->export_id, 0, nonce);
	return rdma_connect(s->id, &param);
}

/**
 * umem_rdma_connect - from IDLE to LIVE
 * @s: the session.
 *
 * Returns 0, or one of the errors that struct umem_rdma_attach documents; the
 * caller then closes the session in whatever state it is.
 */
int umem_rdma_connect(struct umem_rdma_session *s)
{
	struct rdma_cm_id *id;
	int err;

	id = rdma_create_id(current->nsproxy->net_ns, umem_rdma_cm_event, s,
			    RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return PTR_ERR(id);
	s->id = id;
	rdma_set_ack_timeout(id, s->ack_timeout);

	err = umem_rdma_step(s, UMEM_RDMA_RESOLVING_ADDR,
			     umem_rdma_resolve_addr(s));
	if (err)
		return err;
	err = umem_rdma_queues_create(s);
	if (err)
		return err;
	err = umem_rdma_step(s, UMEM_RDMA_RESOLVING_ROUTE,
			     rdma_resolve_route(id, jiffies_to_msecs(s->connect_timeout)));
	if (err)
		return err;
	err = umem_rdma_step(s, UMEM_RDMA_CONNECTING,
			     umem_rdma_send_request(s));
	if (err)
		return err;
	return umem_rdma_step(s, UMEM_RDMA_HANDSHAKE,
			      umem_rdma_ctrl_send(s, UMEM_RDMA_SEND_AUTH));
}
