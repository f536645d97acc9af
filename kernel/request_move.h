/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where a request changes its state, but for the move to FREE, which
 * is made with the last reference: umem_request_free_slot(). For request*.c only.
 */
#ifndef UMEM_REQUEST_MOVE_H
#define UMEM_REQUEST_MOVE_H

#include <linux/lockdep.h>

#include "request.h"

static inline void umem_request_move(struct umem_bucket *bucket,
				     struct umem_request *req,
				     enum umem_request_state to)
{
	lockdep_assert_held(&bucket->lock);
	umem_request_check_move(req, to);
	/* Waiters read the error after they saw the end. */
	smp_store_release(&req->state, to);
}

#endif /* UMEM_REQUEST_MOVE_H */
