// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-rdma: a region that the provider in the kernel reads by RDMA.
 */
#include <unistd.h>

#include "attach.h"
#include "region.h"
#include "umem_row.h"

static int attach(const struct row *row, struct umem_why *why)
{
	const struct umem_row *umem = row->priv;
	const uint32_t depth = row->bench->opt.depth;
	const struct umem_attach_limits limits = {
		.reads_inflight = depth ? depth : UMEM_READS_INFLIGHT,
		.connect_timeout_ms = UMEM_CONNECT_TIMEOUT_MS,
		.ack_timeout_ms = UMEM_ACK_TIMEOUT_MS,
	};
	int channel = umem_region_channel(umem->region, 0);
	int err;

	if (channel < 0)
		return umem_because(why, channel, "%s",
				    umem_explain(UMEM_DO_CHANNEL, channel));
	err = umem_kernel_attach(channel, &row->bench->source, &limits, why);
	/* The region holds the channel now. */
	close(channel);
	return err;
}

static int rdma_prepare(struct row *row, struct umem_why *why)
{
	int err = umem_row_make(row, why);

	if (err)
		return err;
	err = attach(row, why);
	if (err)
		umem_row_drop(row);
	return err;
}

const struct row_ops row_umem_rdma = {
	.name = "umem-rdma",
	.what = "umem, read by the RDMA provider in the kernel",
	.source = UMEM_SOURCE_RDMA,
	.open = umem_row_open,
	.prepare = rdma_prepare,
	.finish = umem_row_drop,
	.close = umem_row_close,
};
