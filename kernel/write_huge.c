// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write() of a whole missing granule that has many pages.
 *
 * It takes the right to write the granule as a provider does, by a request of
 * which no provider is told: no bytes of another's land among its own, and nobody
 * sees a page before the last byte is there. A copy that needs a page fault is not
 * waited for: it might be a fault on this very granule. Instead the request is
 * given up, with the granule as missing as before, the source is faulted in, and
 * the copy begins again.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "granule.h"
#include "region.h"
#include "wait.h"

/*
 * How often the source may be gone again before the granule is fetched after all:
 * where memory is too short for both at once, a page after the other will do.
 */
#define WRITE_TRIES	16
/* Slots that others who write do not free so soon take a provider. */
#define WRITE_PATIENCE	(10 * HZ)

/* Waits until another write() of the granule is over; it waits for nobody. */
static int wait_for_write(struct umem_request *req)
{
	int err = wait_event_killable(req->wait, READ_ONCE(req->state) !=
				      UMEM_REQUEST_ISSUED);

	umem_request_put(req);
	return err;
}

/* The request; NULL when the granule is a provider's or there, or an error. */
static struct umem_request *seize(struct umem_region *region,
				  unsigned long granule)
{
	unsigned long end = jiffies + WRITE_PATIENCE;
	struct umem_request *req;
	struct umem_wait wait;
	int err = 0;
	bool mine;

	umem_wait_init(&wait, region, TASK_INTERRUPTIBLE);
	while (!err) {
		if (time_after(jiffies, end) && !umem_region_servable(region))
			return ERR_PTR(-EIO);
		req = umem_request_seize(region, granule, &mine);
		if (req == ERR_PTR(-EAGAIN))
			err = umem_wait_slot(region, granule, &wait, false);
		else if (req == ERR_PTR(-EBUSY))
			err = umem_punch_wait(region, granule, &wait);
		else if (!IS_ERR_OR_NULL(req) && !mine)
			err = wait_for_write(req);
		else
			return req;
	}
	return ERR_PTR(umem_wait_error(err));
}

/*
 * 1 when all of it was written, 0 when a hole was made meanwhile, -EAGAIN when the
 * source must be faulted in.
 */
static int write_all(struct umem_request *req, struct iov_iter *from)
{
	struct umem_region *region = req->region;
	size_t done;
	int ret = -EAGAIN;

	/*
	 * An answer that had the right to write before us has written after this,
	 * and is told that it comes too late.
	 */
	mutex_lock(&req->bucket->answer);
	mutex_unlock(&req->bucket->answer);
	done = umem_granule_copy(req->pages, umem_granule_pages(region), from);
	if (done == region->geometry.granule)
		ret = umem_request_written(req);
	else
		umem_request_settle(region, req->granule, req);
	if (ret != 1)
		iov_iter_revert(from, done);
	return ret;
}

/**
 * umem_granule_write - write a missing granule of many pages, and provide it
 * @region: the region; the caller pins its backing file.
 * @granule: its index.
 * @from: all of its bytes, and perhaps more; consumed when it was written.
 *
 * Sleeps. New pages are charged to the current task.
 *
 * Return: 1 when it was written; 0 when it is provided already, somebody else has
 * the right to write it, a hole is made there, or not all bytes can be had at once;
 * or a negative errno.
 */
int umem_granule_write(struct umem_region *region, unsigned long granule,
		       struct iov_iter *from)
{
	struct umem_request *req;
	unsigned int i;
	int ret;

	for (i = 0; i < WRITE_TRIES; i++) {
		if (fault_in_iov_iter_readable(from, region->geometry.granule))
			return 0;
		req = seize(region, granule);
		if (IS_ERR_OR_NULL(req))
			return PTR_ERR_OR_ZERO(req);
		ret = write_all(req, from);
		umem_request_put(req);
		if (ret != -EAGAIN)
			return ret;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
	return 0;
}
