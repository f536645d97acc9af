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
#include "spin.h"
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
		wait->remaining = region->timeout;
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

/**
 * umem_wait_error - what a system call that waited tells
 * @err: from umem_wait_provided().
 */
int umem_wait_error(int err)
{
	switch (err) {
	case 0:
	case -ERESTARTSYS:
	case -ENOMEM:
		return err;
	default:
		return -EIO;
	}
}

/**
 * umem_wait_sleep - one sleep that was prepared, the condition found false
 * @wait: how; counts down.
 * @longest: jiffies to sleep at most.
 *
 * Return: 0, or -ETIMEDOUT when no time was left.
 */
int umem_wait_sleep(struct umem_wait *wait, long longest)
{
	long slice = min(wait->remaining, longest);
	long left;

	if (!slice)
		return -ETIMEDOUT;
	left = schedule_timeout(slice);
	if (wait->remaining != MAX_SCHEDULE_TIMEOUT)
		wait->remaining -= slice - left;
	return 0;
}

static int wait_for_request(struct umem_region *region,
			    struct umem_request *req, struct umem_wait *wait)
{
	DEFINE_WAIT(entry);
	int err, result;

	umem_request_arm(req);
	for (;;) {
		err = prepare_to_wait_event(&req->wait, &entry, wait->state);
		result = umem_request_result(req);
		if (result != -EINPROGRESS)
			err = result;
		if (err || !result)
			break;
		if (!umem_region_servable(region)) {
			err = -ENXIO;
			break;
		}
		err = umem_wait_sleep(wait, MAX_SCHEDULE_TIMEOUT);
		if (err)
			break;
		/* As a rule whoever wakes us has ended it: no more to prepare. */
		result = umem_request_result(req);
		if (result != -EINPROGRESS) {
			err = result;
			break;
		}
	}
	finish_wait(&req->wait, &entry);
	return err;
}

/**
 * umem_wait_slot - wait until a slot may be free
 * @region: the region; the caller pins its backing file.
 * @granule: what it is wanted for: nothing to wait for when it is provided.
 * @wait: how; @wait->remaining counts down.
 * @asks: for a request to a provider: vain when there is none. Else one who has
 *	the bytes: waits for a second at most, then has to look again.
 *
 * Return: 0, -ETIMEDOUT, -ENXIO or -ERESTARTSYS.
 */
int umem_wait_slot(struct umem_region *region, unsigned long granule,
		   struct umem_wait *wait, bool asks)
{
	wait_queue_head_t *wq = &region->requests.slot_wait;
	struct wait_queue_entry entry;
	int err;

	init_wait_entry(&entry, WQ_FLAG_EXCLUSIVE);
	for (;;) {
		err = prepare_to_wait_event(wq, &entry, wait->state);
		if (!umem_slots_full(&region->requests) ||
		    umem_granule_provided(region, granule)) {
			err = 0;
			break;
		}
		if (err)
			break;
		if (asks && !umem_region_servable(region)) {
			err = -ENXIO;
			break;
		}
		/*
		 * Whoever was woken with us may have taken the slot, for the
		 * granule we want: look again, so that none is waited for in
		 * vain.
		 */
		err = umem_wait_sleep(wait, HZ);
		/* One who has the bytes may get the granule's request by now. */
		if (err || !asks)
			break;
	}
	finish_wait(wq, &entry);
	/* We may leave without taking the slot that we were woken for. */
	if (wq_has_sleeper(wq) && !umem_slots_full(&region->requests))
		wake_up(wq);
	return err;
}

/* Whether a wait that ended so is not taken up again soon. */
static bool gave_up(int err, const struct umem_wait *wait)
{
	if (err == -ETIMEDOUT)
		return !wait->limited;
	return err == -ERESTARTSYS && fatal_signal_pending(current);
}

/*
 * Waits for @req, of which the reference is dropped, for a slot, or for the
 * end of a hole's making.
 */
static int wait_for(struct umem_region *region, unsigned long granule,
		    struct umem_request *req, struct umem_wait *wait)
{
	int err;

	if (req == ERR_PTR(-EAGAIN))
		return umem_wait_slot(region, granule, wait, true);
	if (req == ERR_PTR(-EBUSY))
		return umem_punch_wait(region, granule, wait);
	if (IS_ERR(req))
		return PTR_ERR(req);
	err = wait_for_request(region, req, wait);
	if (gave_up(err, wait))
		umem_request_forsake(req);
	else
		umem_request_put(req);
	return err;
}

/**
 * umem_wait_provided - wait until a granule is there
 * @region: the region; the caller pins its backing file and holds no lock of
 *	the mm that others may want.
 * @granule: its index.
 * @req: what umem_request_get() returned for it; a reference is taken over.
 *	NULL: not asked for yet.
 * @wait: how; @wait->remaining counts down.
 *
 * Asks (again) when that is needed. Sleeps.
 *
 * Return: 0 when provided, -EIO after a FAIL, -ETIMEDOUT, -ENXIO when nobody
 * can provide under this policy, -ERESTARTSYS for a signal, or an error from
 * the allocation of the page.
 */
int umem_wait_provided(struct umem_region *region, unsigned long granule,
		       struct umem_request *req, struct umem_wait *wait)
{
	int err = 0;

	for (;;) {
		if (req)
			err = wait_for(region, granule, req, wait);
		if (err || umem_granule_provided(region, granule))
			break;
		if (!umem_region_servable(region))
			return -ENXIO;
		req = umem_request_get(region, granule);
	}
	if (err == -ETIMEDOUT && !wait->limited)
		umem_stat_inc(region, UMEM_STAT_TIMEOUTS);
	return err;
}
