// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A connection to a memory server over RDMA: READs and their completions.
 *
 * One completion queue for all: a completion that belongs to a READ goes to
 * the caller, the others (messages both ways) go to rdma_client_msg.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "rdma_client_priv.h"

#define BATCH		16

/* A busy poller looks at the connection manager once in so many empty polls. */
#define CM_LOOK_EVERY	1024

/* ---- READs --------------------------------------------------------------- */

int rdma_client_register(struct rdma_client *cl, void *addr, size_t length,
			 uint32_t *lkey)
{
	struct ibv_mr *mr;

	if (cl->mr_count == CLIENT_MRS)
		return -ENOSPC;
	mr = ibv_reg_mr(cl->pd, addr, length, IBV_ACCESS_LOCAL_WRITE);
	if (!mr)
		return -errno;
	cl->mr[cl->mr_count++] = mr;
	*lkey = mr->lkey;
	return 0;
}

static int check_read(const struct rdma_client *cl, uint64_t cookie,
		      uint64_t offset, uint32_t length)
{
	if (cl->lost)
		return -ECONNRESET;
	if (!length || cookie & UMEM_MSG_WR)
		return -EINVAL;
	if (length > cl->export.size || offset > cl->export.size - length)
		return -ERANGE;
	if ((offset | length) & (cl->export.granule - 1))
		return -EINVAL;
	return cl->open < cl->depth ? 0 : -ENOBUFS;
}

int rdma_client_read(struct rdma_client *cl, uint64_t cookie, uint64_t offset,
		     void *addr, uint32_t lkey, uint32_t length)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)addr,
		.length = length,
		.lkey = lkey,
	};
	struct ibv_send_wr wr = {
		.wr_id = cookie,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_READ,
		.wr.rdma.remote_addr = cl->export.base + offset,
		.wr.rdma.rkey = cl->export.rkey,
	};
	struct ibv_send_wr *bad;
	int err;

	err = check_read(cl, cookie, offset, length);
	if (err)
		return err;
	err = ibv_post_send(cl->id->qp, &wr, &bad);
	if (err)
		return rdma_client_lose(cl, -ECONNRESET, "%s takes no READ (%s)",
					cl->device, strerror(err));
	cl->open++;
	return 0;
}

/* ---- Completions --------------------------------------------------------- */

/* True when @wc was a READ's and @done is filled. */
static bool take(struct rdma_client *cl, const struct ibv_wc *wc,
		 struct rdma_client_done *done)
{
	if (wc->wr_id & UMEM_MSG_WR) {
		rdma_client_own_completion(cl, wc);
		return false;
	}
	cl->open--;
	done->cookie = wc->wr_id;
	done->status = 0;
	if (wc->status != IBV_WC_SUCCESS) {
		rdma_client_lose_by(cl, wc->status);
		done->status = -ECONNRESET;
	}
	return true;
}

static unsigned int take_stash(struct rdma_client *cl,
			       struct rdma_client_done *done, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && cl->stash_next < cl->stash_count)
		n += take(cl, &cl->stash[cl->stash_next++], &done[n]);
	return n;
}

static unsigned int take_all(struct rdma_client *cl,
			     struct rdma_client_done *done, unsigned int max)
{
	struct ibv_wc wc[BATCH];
	unsigned int n = take_stash(cl, done, max);
	int i, got = 1;

	while (n < max && got > 0) {
		got = ibv_poll_cq(cl->cq, max - n < BATCH ? max - n : BATCH, wc);
		for (i = 0; i < got; i++)
			n += take(cl, &wc[i], &done[n]);
	}
	if (got < 0)
		rdma_client_lose(cl, -ECONNRESET, "%s: polling failed", cl->device);
	return n;
}

void rdma_client_take_messages(struct rdma_client *cl)
{
	struct rdma_client_done none;

	take_all(cl, &none, 1);
}

int rdma_client_poll(struct rdma_client *cl, struct rdma_client_done *done,
		     unsigned int max)
{
	unsigned int n = take_all(cl, done, max);

	if (n)
		return n;
	if (++cl->empty_polls >= CM_LOOK_EVERY)
		rdma_client_look_at_cm(cl);
	return cl->lost && !cl->open ? -ECONNRESET : 0;
}

int rdma_client_arm(struct rdma_client *cl)
{
	int got;

	if (cl->stash_next < cl->stash_count)
		return 1;
	ibv_req_notify_cq(cl->cq, 0);
	/* What came before the request notifies nobody. */
	got = ibv_poll_cq(cl->cq, CLIENT_STASH, cl->stash);
	cl->stash_next = 0;
	cl->stash_count = got > 0 ? got : 0;
	return cl->stash_count > 0;
}

int rdma_client_fd(const struct rdma_client *cl)
{
	return cl->epoll_fd;
}

static void look_at_comp(struct rdma_client *cl)
{
	struct ibv_cq *cq;
	void *context;

	while (!ibv_get_cq_event(cl->comp, &cq, &context))
		ibv_ack_cq_events(cq, 1);
}

/* Sleeps at most @timeout_ms; the number of sources that woke us. */
static int sleep_on(struct rdma_client *cl, int timeout_ms)
{
	struct epoll_event ev[2];
	int i, n;

	n = epoll_wait(cl->epoll_fd, ev, 2, timeout_ms);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == cl->cm->fd)
			rdma_client_look_at_cm(cl);
		else
			look_at_comp(cl);
	}
	return n;
}

int rdma_client_wake(struct rdma_client *cl)
{
	int n = sleep_on(cl, 0);

	return n < 0 ? n : 0;
}

int rdma_client_wait(struct rdma_client *cl, int timeout_ms)
{
	int n;

	if (rdma_client_arm(cl))
		return 1;
	n = sleep_on(cl, timeout_ms);
	return n < 0 ? n : n > 0;
}

/* ---- What it is ---------------------------------------------------------- */

const struct umem_wire_export *rdma_client_export(const struct rdma_client *cl)
{
	return &cl->export;
}

const char *rdma_client_name(const struct rdma_client *cl)
{
	return cl->name;
}

const char *rdma_client_device(const struct rdma_client *cl)
{
	return cl->device;
}

unsigned int rdma_client_depth(const struct rdma_client *cl)
{
	return cl->depth;
}

bool rdma_client_lost(const struct rdma_client *cl)
{
	return cl->lost;
}

const struct umem_why *rdma_client_why(const struct rdma_client *cl)
{
	return &cl->why;
}
