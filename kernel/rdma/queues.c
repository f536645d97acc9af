// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protection domain, completion queue and queue pair of a session. There are no
 * memory regions: the pages are addressed by pd->local_dma_lkey, and the server
 * gets no key to anything here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "session.h"

/* One more of each, so that ib_drain_qp() finds room for its markers. */
#define EXTRA_SENDS	(UMEM_RDMA_NR_SENDS + 1)
#define EXTRA_RECVS	(UMEM_RDMA_RECVS + 1)

/* The longest READ of the device and the longest mapping for it. */
static int umem_rdma_read_bytes(struct umem_rdma_session *s)
{
	struct ib_device *dev = s->id->device;
	struct ib_port_attr port;
	size_t most;
	int err;

	err = ib_query_port(dev, s->id->port_num, &port);
	if (err)
		return err;
	most = min(port.max_msg_sz, s->info.granule);
	if (!ib_uses_virt_dma(dev))
		most = min(most, dma_max_mapping_size(dev->dma_device));
	if (most < PAGE_SIZE)
		return -ENODEV;
	s->read_bytes = rounddown_pow_of_two(most);
	return 0;
}

/*
 * How the READs of a request are cut: at worst none of its pages are neighbours,
 * and each READ takes as many as the device has room for.
 */
static int umem_rdma_shape(struct umem_rdma_session *s)
{
	const struct ib_device_attr *attrs = &s->id->device->attrs;
	u32 pages = s->info.granule >> PAGE_SHIFT;
	u32 sges = min_t(u32, attrs->max_send_sge, attrs->max_sge_rd);

	s->read_sge = clamp(sges, 1U, pages);
	if (umem_rdma_read_bytes(s))
		return -ENODEV;
	s->request_wrs = DIV_ROUND_UP(pages, s->read_sge) +
			 s->info.granule / s->read_bytes - 1;
	return 0;
}

/*
 * How many READs may be posted before requests are turned away; the last one
 * that is not may need request_wrs. The device itself keeps no more of them on
 * the wire than the responder's resources allow; the rest waits in its queue.
 */
static u32 umem_rdma_depth(const struct umem_rdma_session *s,
			   const struct ib_device_attr *attrs)
{
	u32 depth = min(s->reads_inflight, s->info.max_inflight);
	int wr = min(attrs->max_qp_wr, attrs->max_cqe - EXTRA_RECVS) -
		 EXTRA_SENDS - (int)(s->request_wrs - 1);

	return wr > 0 ? min_t(u32, depth, wr) : 0;
}

static u32 umem_rdma_max_reads(const struct umem_rdma_session *s)
{
	return s->depth + s->request_wrs - 1;
}

static int umem_rdma_create_qp(struct umem_rdma_session *s)
{
	struct ib_qp_init_attr attr = {
		.send_cq = s->cq,
		.recv_cq = s->cq,
		.cap = {
			.max_send_wr = umem_rdma_max_reads(s) + EXTRA_SENDS,
			.max_recv_wr = EXTRA_RECVS,
			.max_send_sge = s->read_sge,
			.max_recv_sge = 1,
		},
		.sq_sig_type = IB_SIGNAL_REQ_WR,
		.qp_type = IB_QPT_RC,
	};

	return rdma_create_qp(s->id, s->pd, &attr);
}

/**
 * umem_rdma_queues_create - all that the connection needs of the device
 * @s: the session; its address is resolved.
 *
 * Returns 0, or negative errno with nothing created.
 */
int umem_rdma_queues_create(struct umem_rdma_session *s)
{
	struct ib_device *dev = s->id->device;
	int err;

	/* iWARP wants a registered, remotely writable sink for each READ. */
	if (rdma_protocol_iwarp(dev, s->id->port_num))
		return -ENODEV;
	err = umem_rdma_shape(s);
	if (err)
		return err;
	s->depth = umem_rdma_depth(s, &dev->attrs);
	if (!s->depth || dev->attrs.max_qp_init_rd_atom <= 0)
		return -ENODEV;
	s->wrs = kcalloc(s->request_wrs, sizeof(*s->wrs), GFP_KERNEL);
	if (!s->wrs)
		return -ENOMEM;

	s->pd = ib_alloc_pd(dev, 0);
	if (IS_ERR(s->pd)) {
		err = PTR_ERR(s->pd);
		goto clear_pd;
	}

	err = umem_rdma_ctrl_create(s);
	if (err)
		goto free_pd;

	/* Room for every completion at once: an overflow would lose some. */
	s->cq = ib_alloc_cq_any(dev, s, umem_rdma_max_reads(s) + EXTRA_SENDS +
				EXTRA_RECVS, IB_POLL_SOFTIRQ);
	if (IS_ERR(s->cq)) {
		err = PTR_ERR(s->cq);
		goto destroy_ctrl;
	}

	/* Devices need more of a work request than max_qp_wr accounts for. */
	while ((err = umem_rdma_create_qp(s)) == -ENOMEM && s->depth > 1)
		s->depth /= 2;
	if (err)
		goto free_cq;
	/* A quarter is for those who wait, unless there is but one. */
	s->bulk_depth = s->depth > 1 ? s->depth - max(s->depth / 4, 1U) : 1;
	err = umem_rdma_ctrl_listen(s);
	if (err)
		goto destroy_qp;
	return 0;

destroy_qp:
	ib_drain_qp(s->id->qp);
	rdma_destroy_qp(s->id);
free_cq:
	ib_free_cq(s->cq);
destroy_ctrl:
	umem_rdma_ctrl_destroy(s);
free_pd:
	ib_dealloc_pd(s->pd);
clear_pd:
	s->cq = NULL;
	s->pd = NULL;
	kfree(s->wrs);
	s->wrs = NULL;
	return err;
}

/**
 * umem_rdma_queues_destroy - the opposite of umem_rdma_queues_create()
 * @s: the session, CLOSING.
 *
 * Sleeps. Every request that was taken has ended when this returns.
 */
void umem_rdma_queues_destroy(struct umem_rdma_session *s)
{
	/*
	 * First let every completion come, in which the requests end. Soft-RoCE
	 * of 6.1 also needs it: its retransmit timer may otherwise find a queue
	 * pair that is being destroyed.
	 */
	ib_drain_qp(s->id->qp);
	rdma_destroy_qp(s->id);
	ib_free_cq(s->cq);
	/* There is no queue pair: what did not complete cannot land any more. */
	umem_rdma_reads_end(s);
	umem_rdma_ctrl_destroy(s);
	ib_dealloc_pd(s->pd);
	s->cq = NULL;
	s->pd = NULL;
	kfree(s->wrs);
	s->wrs = NULL;
}
