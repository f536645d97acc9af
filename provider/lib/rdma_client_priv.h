/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of rdma_client share.
 */
#ifndef UMEM_RDMA_CLIENT_PRIV_H
#define UMEM_RDMA_CLIENT_PRIV_H

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include "msg_slots.h"
#include "rdma_client.h"

#define CLIENT_STASH	16
#define CLIENT_MRS	8

struct rdma_client {
	struct rdma_event_channel *cm;
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_comp_channel *comp;
	struct ibv_cq *cq;
	struct ibv_mr *mr[CLIENT_MRS];	/* the caller's buffers */
	unsigned int mr_count;
	int epoll_fd;

	struct umem_msg_slots slots;

	/* Completions taken by rdma_client_arm() for rdma_client_poll(). */
	struct ibv_wc stash[CLIENT_STASH];
	unsigned int stash_next, stash_count;

	uint64_t export_id;
	struct umem_wire_export export;
	bool export_known;
	unsigned int depth;		/* READs that may be open */
	unsigned int open;		/* READs that are open */
	unsigned int empty_polls;	/* since the last look at cm events */

	bool connected;			/* rdma_cm said ESTABLISHED */
	bool lost;
	int lost_errno;
	struct umem_why why;
	char name[96];
	char device[96];
};

/* rdma_client_connect.c */
int rdma_client_connect(struct rdma_client *cl,
			const struct rdma_client_options *opt,
			struct umem_why *why);

/*
 * The clause for what the server answered, by errno; @version is the server's
 * where @err is -EPROTONOSUPPORT. Returns @err.
 */
int rdma_client_refused(int err, unsigned int version,
			const struct rdma_client *cl, struct umem_why *why);

/* rdma_client_open.c */
int rdma_client_add_fd(struct rdma_client *cl, int fd);
int rdma_client_make_queues(struct rdma_client *cl,
			    unsigned int reads_inflight, struct umem_why *why);

/* rdma_client_msg.c */
int rdma_client_lose(struct rdma_client *cl, int err, const char *fmt, ...)
	UMEM_PRINTF(3, 4);
/* A completion with an error ends a reliable connection. */
void rdma_client_lose_by(struct rdma_client *cl, enum ibv_wc_status status);
void rdma_client_look_at_cm(struct rdma_client *cl);
void rdma_client_own_completion(struct rdma_client *cl,
				const struct ibv_wc *wc);

/* rdma_client.c: for as long as no READ is open */
void rdma_client_take_messages(struct rdma_client *cl);

#endif /* UMEM_RDMA_CLIENT_PRIV_H */
