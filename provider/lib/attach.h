/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaching a provider in the kernel: UMEM_RDMA_IOC_ATTACH, or for a source
 * that is simulated UMEM_SIM_IOC_ATTACH.
 */
#ifndef UMEM_LIB_ATTACH_H
#define UMEM_LIB_ATTACH_H

#include <stdint.h>

#include <linux/umem_rdma.h>

#include "say.h"
#include "source.h"

#define UMEM_RDMA_DEVICE "/dev/umem-rdma"

/* Limits that the kernel wants from userspace; there is no default in it. */
struct umem_attach_limits {
	uint32_t reads_inflight;
	uint32_t connect_timeout_ms;
	uint32_t ack_timeout_ms;
};

/* What the tools choose when the user does not. */
#define UMEM_READS_INFLIGHT	16
#define UMEM_CONNECT_TIMEOUT_MS	5000
#define UMEM_ACK_TIMEOUT_MS	500

/*
 * Opens the device, resolves @source, attaches @channel. 0 or a negative errno;
 * on success @channel answers EBUSY and can be closed. @limits are for RDMA.
 */
int umem_kernel_attach(int channel, const struct umem_source *source,
		       const struct umem_attach_limits *limits,
		       struct umem_why *why);

/*
 * The clause for each errno that struct umem_rdma_attach documents. The
 * provider in userspace gives the same errnos, so it can use it as well.
 */
const char *umem_attach_explain(int err);

#endif /* UMEM_LIB_ATTACH_H */
