/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Polling in the fault.
 */
#ifndef UMEM_SPIN_H
#define UMEM_SPIN_H

#include <linux/compiler.h>

#include "request.h"
#include "wait.h"

int umem_request_spin(struct umem_request *req);
int umem_request_poll_once(struct umem_request *req);
void umem_request_end_polling(struct umem_request *req);

/* Before sleeping until @req ends: its provider may count on being polled. */
static inline void umem_request_arm(struct umem_request *req)
{
	if (unlikely(READ_ONCE(req->polled)))
		umem_request_end_polling(req);
}

/*
 * Before a poller, or who found a request that is polled for, leaves it: there may be
 * no other, and it has to end even if nobody wants its granule any more.
 */
static inline void umem_request_arm_open(struct umem_request *req)
{
	if (umem_request_state_result(req) == -EINPROGRESS)
		umem_request_arm(req);
}

/* umem_request_result() now, by one who does something else meanwhile. */
static inline int umem_request_look(struct umem_request *req)
{
	return READ_ONCE(req->polled) ? umem_request_poll_once(req) :
					umem_request_result(req);
}

#endif /* UMEM_SPIN_H */
