/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A connection to a memory server over RDMA: connect, shake hands, READ.
 *
 * Belongs to one thread. Nothing here prints: what went wrong is a negative
 * errno, the ones that struct umem_rdma_attach documents, and a clause in a
 * struct umem_why.
 *
 *	err = rdma_client_open(&cl, &opt, &why);
 *	err = rdma_client_register(cl, buf, len, &lkey);
 *	err = rdma_client_read(cl, cookie, offset, buf, lkey, 4096);
 *	n = rdma_client_poll(cl, done, 16);
 *	rdma_client_close(cl);
 */
#ifndef UMEM_RDMA_CLIENT_H
#define UMEM_RDMA_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../wire.h"
#include "say.h"

/* A cookie is any value of 63 bits; the highest is the client's own. */
#define RDMA_CLIENT_COOKIE_MASK	(~(1ULL << 63))

struct rdma_client;

/**
 * struct rdma_client_options - where to connect, and how
 * @dst: sockaddr_in or sockaddr_in6 of the server.
 * @export_id: the export on that server.
 * @reads_inflight: READs that rdma_client_read() accepts at once, at least 1;
 *	capped by the device, see rdma_client_depth().
 * @timeout_ms: limit for each step of the connection (address, route, connect,
 *	handshake), at least 1.
 * @ack_timeout_ms: about how long the transport waits for an acknowledgement
 *	before it retries, at least 1; a dead server is noticed after about 8
 *	of these.
 */
struct rdma_client_options {
	struct sockaddr_storage dst;
	uint64_t export_id;
	unsigned int reads_inflight;
	unsigned int timeout_ms;
	unsigned int ack_timeout_ms;
};

/* A READ that ended; @status is 0 or the negative errno of a lost server. */
struct rdma_client_done {
	uint64_t cookie;
	int status;
};

/*
 * Connects and shakes hands. 0 and *@clp, or a negative errno and what
 * the server or the transport said in @why.
 */
int rdma_client_open(struct rdma_client **clp,
		     const struct rdma_client_options *opt,
		     struct umem_why *why);

/* Says BYE when the server is still there; frees. NULL is fine. */
void rdma_client_close(struct rdma_client *cl);

const struct umem_wire_export *
rdma_client_export(const struct rdma_client *cl);

/* "rdma://10.0.0.1:7471/7" */
const char *rdma_client_name(const struct rdma_client *cl);

/* What the device and the connection are: for logs and reports. */
const char *rdma_client_device(const struct rdma_client *cl);

/* READs that may be posted at once. */
unsigned int rdma_client_depth(const struct rdma_client *cl);

/*
 * Lets READs write into a buffer, which stays valid and in place until
 * rdma_client_close(). -ENOSPC after a handful of buffers; -ENOMEM is mostly
 * the limit of locked memory.
 */
int rdma_client_register(struct rdma_client *cl, void *addr, size_t length,
			 uint32_t *lkey);

/*
 * Starts a READ of @length bytes at @offset of the export into @addr. The
 * buffer is the device's until rdma_client_poll() returns @cookie.
 * -ERANGE: not within the export; -ENOBUFS: rdma_client_depth() are open;
 * -ECONNRESET: the server is lost; -EINVAL: a cookie or length that is bad.
 */
int rdma_client_read(struct rdma_client *cl, uint64_t cookie, uint64_t offset,
		     void *addr, uint32_t lkey, uint32_t length);

/*
 * Takes what has ended, at most @max; never waits. The count, or -ECONNRESET
 * when the server is lost and nothing is left to take: every READ that was
 * open has then been returned with a status.
 */
int rdma_client_poll(struct rdma_client *cl, struct rdma_client_done *done,
		     unsigned int max);

/*
 * To sleep instead: arm, poll once more, and if there is still nothing wait
 * for rdma_client_fd() to become readable (any epoll), then call
 * rdma_client_wake() and poll. rdma_client_wait() does all of it: 1 when
 * there may be something to poll, 0 at the timeout (-1: none), or a negative
 * errno as from rdma_client_poll(); -EINTR at a signal.
 */
int rdma_client_arm(struct rdma_client *cl);
int rdma_client_fd(const struct rdma_client *cl);
int rdma_client_wake(struct rdma_client *cl);
int rdma_client_wait(struct rdma_client *cl, int timeout_ms);

/* Tells the server that we are here. */
int rdma_client_keepalive(struct rdma_client *cl);

bool rdma_client_lost(const struct rdma_client *cl);

/* Why the server is lost; an empty text while it is not. */
const struct umem_why *rdma_client_why(const struct rdma_client *cl);

#endif /* UMEM_RDMA_CLIENT_H */
