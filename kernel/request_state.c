// SPDX-License-Identifier: GPL-2.0-only
/*
 * The legal moves of a request, drawn in docs/architecture.md.
 */
#include "request_state.h"

static const bool may_move[UMEM_REQUEST_STATES][UMEM_REQUEST_STATES] = {
	[UMEM_REQUEST_FREE] = {
		[UMEM_REQUEST_QUEUED] = true,
		/* Submitted to a provider in the context that made it. */
		[UMEM_REQUEST_ISSUED] = true,
	},
	[UMEM_REQUEST_QUEUED] = {
		[UMEM_REQUEST_ISSUED] = true,
		/* A push that came before the request was read. */
		[UMEM_REQUEST_DONE] = true,
		/* A verdict pushed, or nobody can ever provide it. */
		[UMEM_REQUEST_FAILED] = true,
	},
	[UMEM_REQUEST_ISSUED] = {
		/* Its provider left, and nothing of it can land any more. */
		[UMEM_REQUEST_QUEUED] = true,
		[UMEM_REQUEST_DONE] = true,
		[UMEM_REQUEST_FAILED] = true,
	},
	[UMEM_REQUEST_DONE] = {
		[UMEM_REQUEST_FREE] = true,
	},
	[UMEM_REQUEST_FAILED] = {
		[UMEM_REQUEST_FREE] = true,
	},
};

/**
 * umem_request_may_move - whether a request may go from one state to another
 * @from: present state.
 * @to: next state.
 *
 * Any context. False for values outside the enumeration.
 */
bool umem_request_may_move(enum umem_request_state from,
			   enum umem_request_state to)
{
	if ((unsigned int)from >= UMEM_REQUEST_STATES ||
	    (unsigned int)to >= UMEM_REQUEST_STATES)
		return false;
	return may_move[from][to];
}

/**
 * umem_request_state_name - name of a state, for logs and tests
 * @state: the state.
 */
const char *umem_request_state_name(enum umem_request_state state)
{
	static const char * const names[UMEM_REQUEST_STATES] = {
		[UMEM_REQUEST_FREE] = "free",
		[UMEM_REQUEST_QUEUED] = "queued",
		[UMEM_REQUEST_ISSUED] = "issued",
		[UMEM_REQUEST_DONE] = "done",
		[UMEM_REQUEST_FAILED] = "failed",
	};

	if ((unsigned int)state >= UMEM_REQUEST_STATES)
		return "invalid";
	return names[state];
}
