// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Life of a client: its resources and its states.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client.h"

/* Finite: a client that posts no RECV is dropped, not waited for. */
#define RNR_RETRY_COUNT	6

/* ---- States -------------------------------------------------------------- */

static const bool client_moves[CLIENT_STATES][CLIENT_STATES] = {
	[CLIENT_ACCEPTED] = { [CLIENT_LIVE] = true, [CLIENT_LEAVING] = true,
			      [CLIENT_GONE] = true },
	[CLIENT_LIVE] = { [CLIENT_LEAVING] = true, [CLIENT_GONE] = true },
	[CLIENT_LEAVING] = { [CLIENT_GONE] = true },
};

/* The only place that writes the state. False when the move is not legal. */
static bool client_move(struct serve_client *cl, enum serve_client_state to)
{
	if (!client_moves[cl->state][to])
		return false;
	cl->state = to;
	return true;
}

static void say_end(const struct serve_client *cl, bool was_live,
		    const char *why)
{
	if (was_live)
		umem_say("%s: export %llu: ends after %.1f s: %s", cl->peer,
			 (unsigned long long)cl->exp->id,
			 (serve_now() - cl->since) / 1000.0, why);
	else
		umem_say("%s: export %llu: dropped: %s", cl->peer,
			 (unsigned long long)cl->exp->id, why);
}

void serve_client_live(struct serve_client *cl)
{
	if (!client_move(cl, CLIENT_LIVE))
		return;
	cl->since = serve_now();
	cl->keepalive = cl->since + cl->srv->opt->keepalive_ms;
	umem_say("%s: export %llu: live, unauthenticated (no pre-shared key)",
		 cl->peer, (unsigned long long)cl->exp->id);
}

void serve_client_leave(struct serve_client *cl,
			const struct umem_rdma_msg *last, const char *why)
{
	bool was_live = cl->state == CLIENT_LIVE;

	if (!client_move(cl, CLIENT_LEAVING))
		return;
	cl->deadline = serve_now() + CLIENT_LEAVE_MS;
	say_end(cl, was_live, why);
	/* When @last is out, message.c disconnects. */
	if (!last || umem_msg_send(&cl->slots, cl->id->qp, last))
		rdma_disconnect(cl->id);
}

void serve_client_gone(struct serve_client *cl, const char *why)
{
	enum serve_client_state was = cl->state;

	if (!client_move(cl, CLIENT_GONE))
		return;
	if (was != CLIENT_LEAVING)
		say_end(cl, was == CLIENT_LIVE, why);
	/* The queue pair is in the error state before it is destroyed. */
	rdma_disconnect(cl->id);
}

static void send_keepalive(struct serve_client *cl, int64_t now)
{
	struct umem_rdma_msg msg;

	cl->keepalive = now + cl->srv->opt->keepalive_ms;
	/* The client chose how often the transport tries: we have a limit too. */
	if (umem_msg_sending(&cl->slots)) {
		if (++cl->missed == CLIENT_MAX_MISSED)
			serve_client_leave(cl, NULL, "it does not answer any more");
		return;
	}
	cl->missed = 0;
	umem_wire_make_plain(&msg, UMEM_RDMA_MSG_KEEPALIVE);
	umem_msg_send(&cl->slots, cl->id->qp, &msg);
}

void serve_client_tick(struct serve_client *cl, int64_t now)
{
	if (cl->messages)
		cl->messages--;
	switch (cl->state) {
	case CLIENT_ACCEPTED:
		if (now >= cl->deadline)
			serve_client_leave(cl, NULL, "no AUTH in time");
		break;
	case CLIENT_LIVE:
		if (now >= cl->keepalive)
			send_keepalive(cl, now);
		break;
	case CLIENT_LEAVING:
		if (now >= cl->deadline)
			serve_client_gone(cl, "did not leave in time");
		break;
	default:
		break;
	}
}

/* ---- Resources ----------------------------------------------------------- */

static void client_free(struct serve_client *cl)
{
	if (cl->id->qp)
		rdma_destroy_qp(cl->id);
	if (cl->export_mr)
		ibv_dereg_mr(cl->export_mr);
	umem_msg_unregister(&cl->slots);
	if (cl->cq)
		ibv_destroy_cq(cl->cq);
	if (cl->comp)
		ibv_destroy_comp_channel(cl->comp);
	if (cl->pd)
		ibv_dealloc_pd(cl->pd);
	free(cl);
}

void serve_clients_reap(struct server *srv)
{
	unsigned int i, kept = 0;

	for (i = 0; i < srv->client_count; i++) {
		struct serve_client *cl = srv->clients[i];
		struct rdma_cm_id *id = cl->id;

		if (cl->state != CLIENT_GONE) {
			srv->clients[kept++] = cl;
			continue;
		}
		client_free(cl);
		rdma_destroy_id(id);
	}
	srv->client_count = kept;
}

static int make_qp(struct serve_client *cl)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cl->cq,
		.recv_cq = cl->cq,
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = UMEM_MSG_TX,
			.max_recv_wr = UMEM_MSG_RX,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};

	return rdma_create_qp(cl->id, cl->pd, &attr) ? -errno : 0;
}

static int make_queues(struct serve_client *cl)
{
	struct ibv_context *verbs = cl->id->verbs;
	int err;

	cl->pd = ibv_alloc_pd(verbs);
	cl->comp = cl->pd ? ibv_create_comp_channel(verbs) : NULL;
	cl->cq = cl->comp ? ibv_create_cq(verbs, UMEM_MSG_RX + UMEM_MSG_TX,
					  NULL, cl->comp, 0) : NULL;
	if (!cl->cq)
		return -errno;
	err = make_qp(cl);
	if (err)
		return err;
	err = umem_msg_register(&cl->slots, cl->pd);
	if (!err)
		err = umem_msg_listen(&cl->slots, cl->id->qp);
	if (err)
		return err;
	if (fcntl(cl->comp->fd, F_SETFL, O_NONBLOCK) ||
	    ibv_req_notify_cq(cl->cq, 0))
		return -errno;
	return serve_watch(cl->srv, cl->comp->fd, &cl->source);
}

static int accept_it(struct serve_client *cl, unsigned int reads_wanted)
{
	struct umem_rdma_cm_rep rep;
	struct rdma_conn_param param = {
		.private_data = &rep,
		.private_data_len = sizeof(rep),
		.rnr_retry_count = RNR_RETRY_COUNT,
	};
	__u8 nonce[UMEM_RDMA_NONCE];
	struct ibv_device_attr attr;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce) ||
	    ibv_query_device(cl->id->verbs, &attr))
		return -errno;
	umem_wire_make_rep(&rep, UMEM_RDMA_STATUS_OK, 0, nonce, NULL);
	param.responder_resources = reads_wanted ? reads_wanted : 1;
	if (param.responder_resources > attr.max_qp_rd_atom)
		param.responder_resources = attr.max_qp_rd_atom;
	return rdma_accept(cl->id, &param) ? -errno : 0;
}

/* On failure the id is as before: the caller's, to reject and destroy. */
int serve_client_new(struct server *srv, struct rdma_cm_id *id,
		     struct serve_export *exp, const char *peer,
		     unsigned int reads_wanted, struct umem_why *why)
{
	struct serve_client *cl = calloc(1, sizeof(*cl));
	int err;

	if (!cl)
		return umem_because(why, -ENOMEM, "no memory");
	cl->source.ready = serve_client_ready;
	cl->srv = srv;
	cl->exp = exp;
	cl->id = id;
	cl->deadline = serve_now() + srv->opt->handshake_ms;
	snprintf(cl->peer, sizeof(cl->peer), "%s", peer);
	err = make_queues(cl);
	if (err) {
		umem_because(why, err, "no queues for it (%s)", strerror(-err));
	} else {
		err = accept_it(cl, reads_wanted);
		if (err)
			umem_because(why, err, "accepting failed (%s)",
				     strerror(-err));
	}
	if (err) {
		client_free(cl);
		return err;
	}
	id->context = cl;
	srv->clients[srv->client_count++] = cl;
	return 0;
}
