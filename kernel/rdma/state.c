// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of legal moves, drawn in docs/architecture.md, and the only function
 * that makes one.
 */
#include "state.h"

#ifdef __KERNEL__
#include <linux/compiler.h>
#else
#define WRITE_ONCE(var, val) ((var) = (val))
#endif

#define TO(name)	(1U << UMEM_RDMA_##name)

/*
 * A server that is lost is not connected to again: a later version draws the
 * arrow from FAILED to RESOLVING_ADDR.
 */
static const unsigned int legal_moves[UMEM_RDMA_NR_STATES] = {
	[UMEM_RDMA_IDLE] = TO(RESOLVING_ADDR) | TO(CLOSING),
	[UMEM_RDMA_RESOLVING_ADDR] =
		TO(RESOLVING_ROUTE) | TO(FAILED) | TO(CLOSING),
	[UMEM_RDMA_RESOLVING_ROUTE] =
		TO(CONNECTING) | TO(FAILED) | TO(CLOSING),
	[UMEM_RDMA_CONNECTING] = TO(HANDSHAKE) | TO(FAILED) | TO(CLOSING),
	[UMEM_RDMA_HANDSHAKE] = TO(LIVE) | TO(FAILED) | TO(CLOSING),
	[UMEM_RDMA_LIVE] = TO(FAILED) | TO(CLOSING),
	[UMEM_RDMA_FAILED] = TO(CLOSING),
	[UMEM_RDMA_CLOSING] = 0,
};

static const char * const names[UMEM_RDMA_NR_STATES] = {
	[UMEM_RDMA_IDLE] = "idle",
	[UMEM_RDMA_RESOLVING_ADDR] = "resolving the address",
	[UMEM_RDMA_RESOLVING_ROUTE] = "resolving the route",
	[UMEM_RDMA_CONNECTING] = "connecting",
	[UMEM_RDMA_HANDSHAKE] = "in the handshake",
	[UMEM_RDMA_LIVE] = "live",
	[UMEM_RDMA_FAILED] = "failed",
	[UMEM_RDMA_CLOSING] = "closing",
};

/**
 * umem_rdma_state_legal - may a connection go from one state to another?
 * @from: the present state.
 * @to: the state that is asked for.
 *
 * No state follows itself, so a move that is legal happens once.
 */
bool umem_rdma_state_legal(enum umem_rdma_state from, enum umem_rdma_state to)
{
	if ((unsigned int)from >= UMEM_RDMA_NR_STATES ||
	    (unsigned int)to >= UMEM_RDMA_NR_STATES)
		return false;
	return legal_moves[from] & (1U << to);
}

/**
 * umem_rdma_state_move - make a move, if it is legal
 * @state: the state; the caller holds the lock that guards it.
 * @to: the state that is asked for.
 *
 * Returns whether the move was made.
 */
bool umem_rdma_state_move(enum umem_rdma_state *state, enum umem_rdma_state to)
{
	if (!umem_rdma_state_legal(*state, to))
		return false;
	/* Waiters look without the lock. */
	WRITE_ONCE(*state, to);
	return true;
}

/**
 * umem_rdma_state_name - a state in words, for logs
 * @state: the state.
 */
const char *umem_rdma_state_name(enum umem_rdma_state state)
{
	if ((unsigned int)state >= UMEM_RDMA_NR_STATES)
		return "?";
	return names[state];
}
