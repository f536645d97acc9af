// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>

#include "msg_slots.h"

#define WR_RX	(UMEM_MSG_WR | 0x100)
#define INDEX	0xff

int umem_msg_register(struct umem_msg_slots *slots, struct ibv_pd *pd)
{
	/* rx and tx are neighbours: one registration for both. */
	slots->mr = ibv_reg_mr(pd, slots->rx,
			       sizeof(slots->rx) + sizeof(slots->tx),
			       IBV_ACCESS_LOCAL_WRITE);
	return slots->mr ? 0 : -errno;
}

void umem_msg_unregister(struct umem_msg_slots *slots)
{
	if (slots->mr)
		ibv_dereg_mr(slots->mr);
	slots->mr = NULL;
}

int umem_msg_done(struct umem_msg_slots *slots, struct ibv_qp *qp,
		  const struct umem_rdma_msg *msg)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)msg,
		.length = sizeof(*msg),
		.lkey = slots->mr->lkey,
	};
	struct ibv_recv_wr wr = {
		.wr_id = WR_RX | (uint64_t)(msg - slots->rx),
		.sg_list = &sge,
		.num_sge = 1,
	};
	struct ibv_recv_wr *bad;

	return -ibv_post_recv(qp, &wr, &bad);
}

int umem_msg_listen(struct umem_msg_slots *slots, struct ibv_qp *qp)
{
	int err = 0;

	for (unsigned int i = 0; i < UMEM_MSG_RX && !err; i++)
		err = umem_msg_done(slots, qp, &slots->rx[i]);
	return err;
}

int umem_msg_send(struct umem_msg_slots *slots, struct ibv_qp *qp,
		  const struct umem_rdma_msg *msg)
{
	struct ibv_sge sge = {
		.length = sizeof(*msg),
		.lkey = slots->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
	};
	struct ibv_send_wr *bad;
	unsigned int i = 0;
	int err;

	while (i < UMEM_MSG_TX && slots->tx_busy[i])
		i++;
	if (i == UMEM_MSG_TX)
		return -ENOBUFS;
	slots->tx[i] = *msg;
	sge.addr = (uintptr_t)&slots->tx[i];
	wr.wr_id = UMEM_MSG_WR | i;
	err = ibv_post_send(qp, &wr, &bad);
	if (err)
		return -err;
	slots->tx_busy[i] = true;
	return 0;
}

bool umem_msg_sending(const struct umem_msg_slots *slots)
{
	for (unsigned int i = 0; i < UMEM_MSG_TX; i++)
		if (slots->tx_busy[i])
			return true;
	return false;
}

const struct umem_rdma_msg *umem_msg_completed(struct umem_msg_slots *slots,
					       const struct ibv_wc *wc)
{
	unsigned int index = wc->wr_id & INDEX;

	if ((wc->wr_id & WR_RX) == WR_RX)
		return &slots->rx[index];
	slots->tx_busy[index] = false;
	return NULL;
}
