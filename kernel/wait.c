// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting until a granule is provided, under the region's waiting policy.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "region.h"
#include "wait.h"

/**
 * umem_wait_init - start to count the time that the policy allows
 * @wait: out.
 * @region: the region.
 * @state: task state to sleep in.
 */
void umem_wait_init(struct umem_wait *wait, const struct umem_region *region,
		    unsigned int state)
{
	wait->state = state;
	wait->limited = false;
	wait->remaining = MAX_SCHEDULE_TIMEOUT;
	if (region->wait_policy == UMEM_WAIT_TIMEOUT)
		wait->remaining = max(msecs_to_jiffies(region->timeout_ms), 1UL);
}

/**
 * umem_wait_limit - wait no longer than the caller can
 * @wait: from umem_wait_init().
 * @limit: what the caller has, in jiffies.
 */
void umem_wait_limit(struct umem_wait *wait, long limit)
{
	if (limit < wait->remaining) {
		wait->remaining = limit;
		wait->limited = true;
	}
}

static bool request_is_over(const struct umem_request *req)
{
	/* Pairs with umem_request_move(): the error is read after this. */
	return smp_load_acquire(&req->state) >= UMEM_REQUEST_DONE;
}

/* One sleep on @wq that was prepared; the condition was found false. */
static int sleep_prepared(struct umem_wait *wait)
{
	if (!wait->remaining)
		return -ETIMEDOUT;
	wait->remaining = schedule_timeout(wait->remaining);
	return 0;
}

static int wait_for_request(struct umem_region *region,
			    struct umem_request *req, struct umem_wait *wait)
{
	DEFINE_WAIT(entry);
	int err;

	for (;;) {
		err = prepare_to_wait_event(&req->wait, &entry, wait->state);
		if (request_is_over(req)) {
			err = req->state == UMEM_REQUEST_FAILED ? req->error : 0;
			break;
		}
		if (err)
			break;
		if (!umem_region_servable(region)) {
			err = -ENXIO;
			break;
		}
		err = sleep_prepared(wait);
		if (err)
			break;
	}
	finish_wait(&req->wait, &entry);
	return err;
}

/*
 * Waits until a slot may be free, or the granule was provided by somebody
 * else's request.
 */
static int wait_for_slot(struct umem_region *region, unsigned long granule,
			 struct umem_wait *wait)
{
	wait_queue_head_t *wq = &region->requests.slot_wait;
	struct wait_queue_entry entry;
	int err;

	init_wait_entry(&entry, WQ_FLAG_EXCLUSIVE);
	for (;;) {
		err = prepare_to_wait_event(wq, &entry, wait->state);
		if (!umem_requests_full(region) ||
		    umem_granule_provided(region, granule)) {
			err = 0;
			break;
		}
		if (err)
			break;
		if (!umem_region_servable(region)) {
			err = -ENXIO;
			break;
		}
		err = sleep_prepared(wait);
		if (err)
			break;
	}
	finish_wait(wq, &entry);
	/* We may leave without taking the slot that we were woken for. */
	if (wq_has_sleeper(wq) && !umem_requests_full(region))
		wake_up(wq);
	return err;
}

/**
 * umem_wait_provided - ask for a granule and wait until it is there
 * @region: the region; the caller pins its backing file and holds no lock of
 *	the mm.
 * @granule: its index.
 * @wait: how; @wait->remaining counts down.
 *
 * Sleeps.
 *
 * Return: 0 when provided, -EIO after a FAIL, -ETIMEDOUT, -ENXIO when nobody
 * can provide under this policy, -ERESTARTSYS for a signal, or an error from
 * the allocation of the page.
 */
int umem_wait_provided(struct umem_region *region, unsigned long granule,
		       struct umem_wait *wait)
{
	struct umem_request *req;
	int err;

	while (!umem_granule_provided(region, granule)) {
		if (!umem_region_servable(region))
			return -ENXIO;
		req = umem_request_get(region, granule);
		if (!req)
			return 0;
		if (req == ERR_PTR(-EAGAIN))
			err = wait_for_slot(region, granule, wait);
		else if (IS_ERR(req))
			err = PTR_ERR(req);
		else
			err = wait_for_request(region, req, wait);
		if (!IS_ERR(req))
			umem_request_put(req);
		if (err == -ETIMEDOUT && !wait->limited)
			umem_stat_inc(region, UMEM_STAT_TIMEOUTS);
		if (err)
			return err;
	}
	return 0;
}
