// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A connection to a memory server over RDMA: what it is made of, its begin
 * and its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "rdma_client_priv.h"

/* What rdma_cm may carry in a byte, below RDMA_MAX_INIT_DEPTH. */
#define DEPTH_MAX	254

/* How long an orderly end may take. */
#define CLOSE_MS	500
#define CLOSE_STEP_MS	10

int rdma_client_add_fd(struct rdma_client *cl, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return epoll_ctl(cl->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* ---- Queues -------------------------------------------------------------- */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static int make_qp(struct rdma_client *cl, struct umem_why *why)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cl->cq,
		.recv_cq = cl->cq,
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = cl->depth + UMEM_MSG_TX,
			.max_recv_wr = UMEM_MSG_RX,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};

	if (rdma_create_qp(cl->id, cl->pd, &attr))
		return umem_because(why, -errno, "%s gives no queue pair for %u reads",
				    cl->device, cl->depth);
	return 0;
}

int rdma_client_make_queues(struct rdma_client *cl,
			    unsigned int reads_inflight, struct umem_why *why)
{
	struct ibv_context *verbs = cl->id->verbs;
	struct ibv_device_attr attr;
	int err;

	snprintf(cl->device, sizeof(cl->device), "%s port %u",
		 ibv_get_device_name(verbs->device), cl->id->port_num);
	err = ibv_query_device(verbs, &attr);
	if (err)
		return umem_because(why, -err, "%s cannot be queried", cl->device);
	if (attr.max_qp_init_rd_atom < 1)
		return umem_because(why, -ENODEV, "%s cannot do RDMA READ", cl->device);
	cl->depth = min3(reads_inflight, attr.max_qp_init_rd_atom, DEPTH_MAX);

	cl->pd = ibv_alloc_pd(verbs);
	cl->comp = cl->pd ? ibv_create_comp_channel(verbs) : NULL;
	cl->cq = cl->comp ? ibv_create_cq(verbs,
					  cl->depth + UMEM_MSG_TX + UMEM_MSG_RX,
					  NULL, cl->comp, 0) : NULL;
	if (!cl->cq)
		return umem_because(why, -errno, "%s gives no completion queue",
				    cl->device);
	err = rdma_client_add_fd(cl, cl->comp->fd);
	if (err)
		return umem_because(why, err, "epoll");
	err = make_qp(cl, why);
	if (err)
		return err;

	err = umem_msg_register(&cl->slots, cl->pd);
	if (err)
		return umem_because(why, err,
			"%s cannot register memory; raise the limit of locked memory (ulimit -l)",
			cl->device);
	err = umem_msg_listen(&cl->slots, cl->id->qp);
	return err ? umem_because(why, err, "%s takes no RECV", cl->device) : 0;
}

/* ---- Begin and end ------------------------------------------------------- */

static int check_options(const struct rdma_client_options *opt,
			 struct umem_why *why)
{
	if (opt->dst.ss_family != AF_INET && opt->dst.ss_family != AF_INET6)
		return umem_because(why, -EAFNOSUPPORT,
				    "the address is neither IPv4 nor IPv6");
	if (!opt->reads_inflight || !opt->timeout_ms || !opt->ack_timeout_ms)
		return umem_because(why, -EINVAL,
				    "reads in flight and timeouts must be at least 1");
	return 0;
}

static void set_name(struct rdma_client *cl,
		     const struct rdma_client_options *opt)
{
	bool v6 = opt->dst.ss_family == AF_INET6;
	char host[48] = "?", port[8] = "?";

	getnameinfo((const struct sockaddr *)&opt->dst, sizeof(opt->dst),
		    host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(cl->name, sizeof(cl->name), "rdma://%s%s%s:%s/%llu",
		 v6 ? "[" : "", host, v6 ? "]" : "", port,
		 (unsigned long long)opt->export_id);
}

int rdma_client_open(struct rdma_client **clp,
		     const struct rdma_client_options *opt, struct umem_why *why)
{
	struct rdma_client *cl;
	int err = check_options(opt, why);

	*clp = NULL;
	if (err)
		return err;
	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return umem_because(why, -ENOMEM, "no memory");
	cl->epoll_fd = -1;
	cl->export_id = opt->export_id;
	set_name(cl, opt);
	err = rdma_client_connect(cl, opt, why);
	if (err) {
		rdma_client_close(cl);
		return err;
	}
	*clp = cl;
	return 0;
}

/*
 * The queues must be empty before they are destroyed: some transports let a
 * late retransmission race with that.
 */
static void drain(struct rdma_client *cl, bool reads)
{
	struct rdma_client_done done[16];
	int waits = CLOSE_MS / CLOSE_STEP_MS;

	while (waits-- > 0) {
		while (rdma_client_poll(cl, done, 16) > 0)
			;
		if (!umem_msg_sending(&cl->slots) && (!reads || !cl->open))
			return;
		rdma_client_wait(cl, CLOSE_STEP_MS);
	}
}

static void disconnect(struct rdma_client *cl)
{
	struct umem_rdma_msg msg;

	if (!cl->lost) {
		umem_wire_make_plain(&msg, UMEM_RDMA_MSG_BYE);
		if (!umem_msg_send(&cl->slots, cl->id->qp, &msg))
			drain(cl, false);
	}
	rdma_client_lose(cl, -ECONNRESET, "closed");
	drain(cl, true);
}

void rdma_client_close(struct rdma_client *cl)
{
	if (!cl)
		return;
	if (cl->connected)
		disconnect(cl);
	if (cl->id && cl->id->qp)
		rdma_destroy_qp(cl->id);
	umem_msg_unregister(&cl->slots);
	while (cl->mr_count)
		ibv_dereg_mr(cl->mr[--cl->mr_count]);
	if (cl->cq)
		ibv_destroy_cq(cl->cq);
	if (cl->comp)
		ibv_destroy_comp_channel(cl->comp);
	if (cl->pd)
		ibv_dealloc_pd(cl->pd);
	if (cl->id)
		rdma_destroy_id(cl->id);
	if (cl->cm)
		rdma_destroy_event_channel(cl->cm);
	if (cl->epoll_fd >= 0)
		close(cl->epoll_fd);
	free(cl);
}
