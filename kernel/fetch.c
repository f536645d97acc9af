// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a read() or write() needs is asked for at once, and waited for one
 * granule after the other.
 *
 * A request that is over is let go at once, though its turn has not come: its
 * slot is wanted by others, and the one that is waited for may take long. What
 * is kept is the verdict, so that a FAIL is not lost.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "fetch.h"
#include "region.h"
#include "spin.h"
#include "wait.h"

/**
 * struct asked - one granule of the range
 * @entry: on the wait queue of @req until that is over.
 * @req: NULL when it was not asked for; a reference is held until it is over.
 *	Afterwards only its wait queue is used, which is there as long as the
 *	region.
 * @verdict: how it ended.
 */
struct asked {
	struct wait_queue_entry entry;
	struct umem_request *req;
	int verdict;
};

/* Caller holds the lock of the wait queue. Returns whether it is over. */
static bool take_verdict(struct asked *asked)
{
	asked->verdict = umem_request_result(asked->req);
	if (asked->verdict == -EINPROGRESS)
		return false;
	list_del_init(&asked->entry.entry);
	return true;
}

static int asked_woken(struct wait_queue_entry *entry, unsigned int mode,
		       int sync, void *key)
{
	struct asked *asked = container_of(entry, struct asked, entry);

	/* May be the last reference: nothing that frees a request minds the lock. */
	if (take_verdict(asked))
		umem_request_put(asked->req);
	return 0;
}

/* Takes over the reference of @req. */
static void asked_begin(struct asked *asked, struct umem_request *req)
{
	wait_queue_head_t *wq = &req->wait;
	bool over;

	asked->req = req;
	umem_request_arm(req);
	init_waitqueue_func_entry(&asked->entry, asked_woken);
	spin_lock_irq(&wq->lock);
	__add_wait_queue(wq, &asked->entry);
	/*
	 * It may have ended before it could wake us. The barrier is for who looks
	 * for sleepers without the lock.
	 */
	smp_mb();
	over = take_verdict(asked);
	spin_unlock_irq(&wq->lock);
	if (over)
		umem_request_put(req);
}

/*
 * Returns the request with its reference, or NULL when it is over or there is
 * none. Once the lock is held, asked_woken() is through.
 */
static struct umem_request *asked_end(struct asked *asked)
{
	struct umem_request *req = asked->req;
	bool open;

	if (!req)
		return NULL;
	spin_lock_irq(&req->wait.lock);
	open = !list_empty(&asked->entry.entry);
	list_del_init(&asked->entry.entry);
	spin_unlock_irq(&req->wait.lock);
	asked->req = NULL;
	return open ? req : NULL;
}

/* Asks for what is missing, as far as there is room. */
static void ask(struct umem_region *region, unsigned long first,
		struct asked *asked, unsigned int count)
{
	struct umem_request *req;
	unsigned int i;

	if (!umem_region_servable(region))
		return;
	for (i = 0; i < count; i++) {
		if (umem_granule_provided(region, first + i))
			continue;
		req = umem_request_get(region, first + i);
		if (IS_ERR(req))
			return;
		if (req)
			asked_begin(&asked[i], req);
	}
}

/* Lets go of what is left; nobody waits for it when @give_up. */
static void forget(struct asked *asked, unsigned int count, bool give_up)
{
	struct umem_request *req;

	while (count--) {
		req = asked_end(&asked[count]);
		if (req && give_up)
			umem_request_forsake(req);
		else if (req)
			umem_request_put(req);
	}
}

static int wait_for_all(struct umem_region *region, unsigned long first,
			struct asked *asked, unsigned int count)
{
	struct umem_request *req;
	struct umem_wait wait;
	unsigned int i;
	int err;

	umem_wait_init(&wait, region, TASK_INTERRUPTIBLE);
	for (i = 0; i < count; i++) {
		req = asked_end(&asked[i]);
		err = req || umem_granule_provided(region, first + i) ?
			0 : asked[i].verdict;
		if (!err)
			err = umem_wait_provided(region, first + i, req, &wait);
		if (err)
			return err;
	}
	return 0;
}

static bool all_provided(const struct umem_region *region, unsigned long first,
			 unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!umem_granule_provided(region, first + i))
			return false;
	return true;
}

/* With @asked for @count granules, all zero. */
static int fetch(struct umem_region *region, unsigned long first,
		 struct asked *asked, unsigned int count, bool nowait)
{
	bool give_up;
	int err;

	ask(region, first, asked, count);
	if (nowait)
		err = all_provided(region, first, count) ? 0 : -EAGAIN;
	else
		err = wait_for_all(region, first, asked, count);
	give_up = err == -ETIMEDOUT || (err && fatal_signal_pending(current));
	forget(asked, count, give_up);
	return nowait ? err : umem_wait_error(err);
}

/* Memory is short: one after the other. */
static int fetch_singly(struct umem_region *region, unsigned long first,
			unsigned int count, bool nowait)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < count; i++) {
		struct asked asked = {};

		err = fetch(region, first + i, &asked, 1, nowait);
	}
	return err;
}

/**
 * umem_fetch_window - how much may be fetched at a time
 * @region: the region.
 *
 * Return: bytes, a power of two: a granule at least.
 */
size_t umem_fetch_window(const struct umem_region *region)
{
	return max_t(size_t, UMEM_FETCH_GRANULES * UMEM_GRANULE_SIZE,
		     region->geometry.granule);
}

/**
 * umem_fetch - make a range provided
 * @region: the region; its backing file is pinned.
 * @pos: first byte.
 * @length: bytes, not 0; within one window.
 * @nowait: ask, but do not wait.
 * @counted: whether the call that needs it was counted as one that found something
 *	missing; set when it is.
 *
 * Sleeps.
 *
 * Return: 0, -EAGAIN with @nowait, -EIO, -ENOMEM, or -ERESTARTSYS.
 */
int umem_fetch(struct umem_region *region, u64 pos, size_t length, bool nowait,
	       bool *counted)
{
	unsigned long first = pos / region->geometry.granule;
	unsigned long last = (pos + length - 1) / region->geometry.granule;
	unsigned int count = last - first + 1;
	struct asked *asked;
	int err;

	if (all_provided(region, first, count))
		return 0;
	if (!*counted)
		umem_stat_inc(region, UMEM_STAT_READS);
	*counted = true;
	if (count == 1)
		return fetch_singly(region, first, 1, nowait);
	asked = kcalloc(count, sizeof(*asked),
			GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!asked)
		return fetch_singly(region, first, count, nowait);
	err = fetch(region, first, asked, count, nowait);
	kfree(asked);
	return err;
}
