/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Polling in the fault.
 */
#ifndef UMEM_SPIN_H
#define UMEM_SPIN_H

#include <linux/compiler.h>

#include "request.h"

int umem_request_spin(struct umem_request *req);
void umem_request_end_polling(struct umem_request *req);

/* Before sleeping until @req ends: its provider may count on being polled. */
static inline void umem_request_arm(struct umem_request *req)
{
	if (unlikely(READ_ONCE(req->polled)))
		umem_request_end_polling(req);
}

#endif /* UMEM_SPIN_H */
