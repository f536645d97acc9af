/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A client of the memory server: one connection, one session.
 *
 *	ACCEPTED   we said yes; waits for AUTH, with a deadline
 *	LIVE       AUTH came, EXPORT went out; the client reads
 *	LEAVING    a last message or the disconnect is on its way, with a deadline
 *	GONE       nothing more comes; freed at the end of the loop's round
 *
 * Each client has a protection domain of its own and registers the export
 * anew: its key is good for no other connection, and for none after it.
 */
#ifndef UMEM_SERVE_CLIENT_H
#define UMEM_SERVE_CLIENT_H

#include "../lib/msg_slots.h"
#include "../wire.h"
#include "server.h"

/* A client may send one message a tick, and so many more; else it is a flood. */
#define CLIENT_MAX_MESSAGES	20

/* KEEPALIVEs that were due while the last one was not through. */
#define CLIENT_MAX_MISSED	4

/* How long a client may take to leave. */
#define CLIENT_LEAVE_MS		2000

enum serve_client_state {
	CLIENT_ACCEPTED = 0,
	CLIENT_LIVE,
	CLIENT_LEAVING,
	CLIENT_GONE,
	CLIENT_STATES
};

struct serve_client {
	struct serve_source source;	/* of the completion channel */
	struct server *srv;
	struct serve_export *exp;
	enum serve_client_state state;
	int64_t since;			/* when it became LIVE */
	int64_t deadline;		/* in ACCEPTED and LEAVING */
	int64_t keepalive;		/* when the next one is due */
	unsigned int missed;		/* see CLIENT_MAX_MISSED */
	unsigned int messages;		/* received, less one for each tick */
	char peer[64];

	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_comp_channel *comp;
	struct ibv_cq *cq;
	struct ibv_mr *export_mr;
	struct umem_msg_slots slots;
};

/* client.c */
int serve_client_new(struct server *srv, struct rdma_cm_id *id,
		     struct serve_export *exp, const char *peer,
		     unsigned int reads_wanted, struct umem_why *why);
/* Begins to leave, after @last if given; says @why in the log. */
void serve_client_leave(struct serve_client *cl,
			const struct umem_rdma_msg *last, const char *why);
void serve_client_live(struct serve_client *cl);
void serve_client_gone(struct serve_client *cl, const char *why);
void serve_client_tick(struct serve_client *cl, int64_t now);
void serve_clients_reap(struct server *srv);

/* message.c */
void serve_client_ready(struct serve_source *source);

#endif /* UMEM_SERVE_CLIENT_H */
