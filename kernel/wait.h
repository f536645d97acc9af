/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UMEM_WAIT_H
#define UMEM_WAIT_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "region.h"

/**
 * struct umem_wait - how to wait for a granule
 * @state: TASK_INTERRUPTIBLE, TASK_KILLABLE or TASK_UNINTERRUPTIBLE.
 * @remaining: jiffies left, MAX_SCHEDULE_TIMEOUT for no limit; counts down.
 * @limited: the caller has less patience than the policy.
 */
struct umem_wait {
	unsigned int state;
	long remaining;
	bool limited;
};

void umem_wait_init(struct umem_wait *wait, const struct umem_region *region,
		    unsigned int state);
void umem_wait_limit(struct umem_wait *wait, long limit);
int umem_wait_sleep(struct umem_wait *wait, long longest);
int umem_wait_error(int err);
int umem_wait_slot(struct umem_region *region, unsigned long granule,
		   struct umem_wait *wait, bool asks);
int umem_wait_provided(struct umem_region *region, unsigned long granule,
		       struct umem_request *req, struct umem_wait *wait);

/* umem_request_result() where the granule is missing. */
static inline int umem_request_state_result(const struct umem_request *req)
{
	/* Pairs with umem_request_move(): the error is read after this. */
	switch (smp_load_acquire(&req->state)) {
	case UMEM_REQUEST_DONE:
		return 0;
	case UMEM_REQUEST_FAILED:
		return req->error;
	default:
		return -EINPROGRESS;
	}
}

/**
 * umem_request_result - how a request ended
 * @req: a request with a reference.
 *
 * Any context.
 *
 * Return: 0 when its granule is provided or to be looked at again, -EIO after a
 * FAIL or another negative errno, -EINPROGRESS when it is still open.
 */
static inline int umem_request_result(const struct umem_request *req)
{
	/* Whatever became of it: a hole may have been made. */
	if (umem_granule_provided(req->region, req->granule))
		return 0;
	return umem_request_state_result(req);
}

/*
 * An asynchronous call cannot be restarted. Some versions of io_uring would
 * hand the errno that says so to userspace.
 */
static inline ssize_t umem_no_restart(struct kiocb *iocb, ssize_t ret)
{
	return ret == -ERESTARTSYS && !is_sync_kiocb(iocb) ? -EINTR : ret;
}

/* The same for a call that has no kiocb, by its worker thread. */
static inline int umem_no_restart_of_worker(int ret)
{
	return ret == -ERESTARTSYS && (current->flags & PF_IO_WORKER) ?
		-EINTR : ret;
}

#endif /* UMEM_WAIT_H */
