/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States of a request, as pure logic: this file and request_state.c compile in
 * userspace too, where a unit test walks the whole table.
 */
#ifndef UMEM_REQUEST_STATE_H
#define UMEM_REQUEST_STATE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

/**
 * enum umem_request_state - who owns the granule of a request
 * @UMEM_REQUEST_FREE: no request; the slot can be taken.
 * @UMEM_REQUEST_QUEUED: the core; waits for a provider.
 * @UMEM_REQUEST_ISSUED: the provider that took it; its bytes may land any time. Or
 *	a write() that has all of its bytes.
 * @UMEM_REQUEST_DONE: nobody; the granule is provided.
 * @UMEM_REQUEST_FAILED: nobody; the granule is missing, waiters get the error.
 * @UMEM_REQUEST_STATES: number of states.
 */
enum umem_request_state {
	UMEM_REQUEST_FREE,
	UMEM_REQUEST_QUEUED,
	UMEM_REQUEST_ISSUED,
	UMEM_REQUEST_DONE,
	UMEM_REQUEST_FAILED,
	UMEM_REQUEST_STATES,
};

/* Of each state: bits of the states that may follow. */
extern const unsigned char umem_request_moves[UMEM_REQUEST_STATES];

/**
 * umem_request_may_move - whether a request may go from one state to another
 * @from: present state.
 * @to: next state.
 *
 * Any context. False for values outside the enumeration.
 */
static inline bool umem_request_may_move(enum umem_request_state from,
					 enum umem_request_state to)
{
	if ((unsigned int)from >= UMEM_REQUEST_STATES ||
	    (unsigned int)to >= UMEM_REQUEST_STATES)
		return false;
	return umem_request_moves[from] >> to & 1;
}

const char *umem_request_state_name(enum umem_request_state state);

#endif /* UMEM_REQUEST_STATE_H */
