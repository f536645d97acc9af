/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States of a connection to a memory server. Pure logic: also compiled into a
 * unit test.
 *
 *	IDLE -> RESOLVING_ADDR -> RESOLVING_ROUTE -> CONNECTING -> HANDSHAKE -> LIVE
 *	 |            |                  |               |            |         |
 *	 |            +------------------+-------+-------+------------+---------+
 *	 |                                       |       |
 *	 |                                       v       |
 *	 |                                    FAILED     |
 *	 |                                       |       v
 *	 +---------------------------------------+--> CLOSING
 *
 * Each arrow to the right is drawn by the event that ends the state on its left:
 * the address is known, the route is known, the server accepted, the server sent
 * its EXPORT. Every state between IDLE and FAILED may become FAILED, every state
 * CLOSING, which is the last.
 */
#ifndef UMEM_RDMA_STATE_H
#define UMEM_RDMA_STATE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

/**
 * enum umem_rdma_state - where a connection stands
 * @UMEM_RDMA_IDLE: made, nothing sent.
 * @UMEM_RDMA_RESOLVING_ADDR: asking for the device and the peer's address.
 * @UMEM_RDMA_RESOLVING_ROUTE: the device is known; asking for the path.
 * @UMEM_RDMA_CONNECTING: the path is known; asking the server.
 * @UMEM_RDMA_HANDSHAKE: connected; proving who we are, waiting for EXPORT.
 * @UMEM_RDMA_LIVE: READs may be posted.
 * @UMEM_RDMA_FAILED: the server is lost; nothing more is posted.
 * @UMEM_RDMA_CLOSING: being torn down on our side; nothing more is posted.
 * @UMEM_RDMA_NR_STATES: how many there are.
 */
enum umem_rdma_state {
	UMEM_RDMA_IDLE,
	UMEM_RDMA_RESOLVING_ADDR,
	UMEM_RDMA_RESOLVING_ROUTE,
	UMEM_RDMA_CONNECTING,
	UMEM_RDMA_HANDSHAKE,
	UMEM_RDMA_LIVE,
	UMEM_RDMA_FAILED,
	UMEM_RDMA_CLOSING,
	UMEM_RDMA_NR_STATES,
};

bool umem_rdma_state_legal(enum umem_rdma_state from, enum umem_rdma_state to);
bool umem_rdma_state_move(enum umem_rdma_state *state, enum umem_rdma_state to);
const char *umem_rdma_state_name(enum umem_rdma_state state);

#endif /* UMEM_RDMA_STATE_H */
