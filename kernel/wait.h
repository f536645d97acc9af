/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UMEM_WAIT_H
#define UMEM_WAIT_H

#include <linux/types.h>

struct umem_region;
struct umem_request;

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
int umem_wait_provided(struct umem_region *region, unsigned long granule,
		       struct umem_request *req, struct umem_wait *wait);
int umem_request_result(const struct umem_request *req);

#endif /* UMEM_WAIT_H */
