// SPDX-License-Identifier: GPL-2.0-only
/*
 * The legal moves of a request, drawn in docs/architecture.md.
 */
#include "request_state.h"

#define TO(state)	(1U << UMEM_REQUEST_##state)

const unsigned char umem_request_moves[UMEM_REQUEST_STATES] = {
	[UMEM_REQUEST_FREE] =
		TO(QUEUED) |
		/* Submitted to a provider in the context that made it; or a write(). */
		TO(ISSUED),
	[UMEM_REQUEST_QUEUED] =
		TO(ISSUED) |
		/* A push that came before the request was read. */
		TO(DONE) |
		/* A verdict pushed, or nobody can ever provide it. */
		TO(FAILED),
	[UMEM_REQUEST_ISSUED] =
		/* Its provider left, and nothing of it can land any more. */
		TO(QUEUED) | TO(DONE) | TO(FAILED),
	[UMEM_REQUEST_DONE] =
		TO(FREE),
	[UMEM_REQUEST_FAILED] =
		TO(FREE),
};

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
