// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers that a userspace provider writes to its channel.
 *
 * The payload of DATA goes into a bounce page first: the copy from the user
 * may fault, even on the very granule, so nothing is locked meanwhile. Only
 * then, under the channel's io lock and the folio lock, the granule is looked
 * at again and written. CACHED is in channel_map.c.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "channel.h"
#include "region.h"
#include "wait.h"

/* Caller holds channel->io for reading and pins the backing file. */
static int put_granule(struct umem_channel *channel, enum umem_op op,
		       unsigned long granule, struct page *bytes)
{
	if (op == UMEM_OP_CACHED)
		return umem_channel_map_publish(channel, granule);
	return umem_granule_put(channel->region, granule, bytes, channel);
}

static void count_granule(struct umem_region *region, enum umem_op op)
{
	if (op == UMEM_OP_DATA)
		umem_stat_add(region, UMEM_STAT_BYTES_COPIED, PAGE_SIZE);
	else if (op == UMEM_OP_CACHED)
		umem_stat_add(region, UMEM_STAT_BYTES_MAPPED, PAGE_SIZE);
}

/*
 * An answer for a granule that is provided changes nothing. One that may not
 * write is the last word on its request; not so CACHED for a missing granule
 * into which nothing was written.
 */
static int answer_granule(struct umem_channel *channel, enum umem_op op,
			  unsigned long granule, struct page *bytes)
{
	int put = put_granule(channel, op, granule, bytes);

	if (put < 0)
		return put;
	if (put) {
		count_granule(channel->region, op);
		return 0;
	}
	if (op != UMEM_OP_CACHED ||
	    umem_granule_provided(channel->region, granule))
		umem_channel_settle(channel, granule);
	umem_stat_inc(channel->region, UMEM_STAT_STALE);
	return 0;
}

/* Puts one granule while the channel is ours and the region is there. */
static int put_granule_checked(struct umem_channel *channel, enum umem_op op,
			       unsigned long granule, struct page *bytes)
{
	struct file *pin;
	int err;

	pin = umem_region_pin(channel->region);
	if (!pin)
		return -EPIPE;
	down_read(&channel->io);
	err = umem_channel_usable(channel);
	if (!err)
		err = answer_granule(channel, op, granule, bytes);
	up_read(&channel->io);
	fput(pin);
	return err;
}

/* The channel's own bounce page, or another while a second thread writes. */
struct page *umem_channel_bounce_get(struct umem_channel *channel)
{
	struct page *page;

	if (mutex_trylock(&channel->bounce_lock))
		return channel->bounce;
	page = alloc_page(GFP_KERNEL);
	if (page)
		return page;
	if (mutex_lock_killable(&channel->bounce_lock))
		return NULL;
	return channel->bounce;
}

void umem_channel_bounce_put(struct umem_channel *channel, struct page *page)
{
	if (page == channel->bounce)
		mutex_unlock(&channel->bounce_lock);
	else
		__free_page(page);
}

static int put_data(struct umem_channel *channel,
		    const struct umem_answer *answer, struct iov_iter *from)
{
	u32 size = channel->region->geometry.granule;
	unsigned long granule = answer->offset / size;
	struct page *bounce = umem_channel_bounce_get(channel);
	u32 done;
	int err = 0;

	if (!bounce)
		return -EINTR;
	for (done = 0; !err && done < answer->length; done += size, granule++) {
		if (copy_page_from_iter(bounce, 0, size, from) != size)
			err = -EFAULT;
		else
			err = put_granule_checked(channel, UMEM_OP_DATA,
						  granule, bounce);
		cond_resched();
	}
	umem_channel_bounce_put(channel, bounce);
	return err;
}

/* ZERO and CACHED: no payload. */
static int put_plain(struct umem_channel *channel,
		     const struct umem_answer *answer)
{
	u32 size = channel->region->geometry.granule;
	unsigned long granule = answer->offset / size;
	u32 done;
	int err = 0;

	for (done = 0; !err && done < answer->length; done += size, granule++) {
		err = put_granule_checked(channel, answer->op, granule, NULL);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return err;
}

/* Caller holds channel->io for reading. */
static void fail_granule(struct umem_channel *channel, unsigned long granule)
{
	struct umem_region *region = channel->region;

	/* A verdict on what nobody waits for changes nothing. */
	if (!umem_request_fail(region, granule, channel, -EIO) &&
	    !umem_channel_map_fail(channel, granule, -EIO) &&
	    umem_granule_provided(region, granule))
		umem_stat_inc(region, UMEM_STAT_STALE);
}

static int put_fail(struct umem_channel *channel,
		    const struct umem_answer *answer)
{
	u32 size = channel->region->geometry.granule;
	unsigned long granule = answer->offset / size;
	u32 done;
	int err = 0;

	for (done = 0; !err && done < answer->length; done += size, granule++) {
		down_read(&channel->io);
		err = umem_channel_usable(channel);
		if (!err)
			fail_granule(channel, granule);
		up_read(&channel->io);
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return err;
}

/*
 * One record and its payload. Returns the bytes consumed, 0 for an incomplete
 * tail, or an error.
 */
static ssize_t put_record(struct umem_channel *channel, struct iov_iter *from)
{
	struct umem_record record;
	struct umem_answer answer;
	int err;

	if (iov_iter_count(from) < sizeof(record))
		return 0;
	if (!copy_from_iter_full(&record, sizeof(record), from))
		return -EFAULT;
	err = umem_record_check_answer(&record, &channel->region->geometry,
				       &answer);
	if (err)
		return err;
	if (iov_iter_count(from) < answer.payload)
		return 0;

	switch (answer.op) {
	case UMEM_OP_DATA:
		err = channel->region->granule_order ?
		      umem_huge_put_data(channel, &answer, from) :
		      put_data(channel, &answer, from);
		break;
	case UMEM_OP_ZERO:
		err = channel->region->granule_order ?
		      umem_huge_put_zero(channel, &answer) :
		      put_plain(channel, &answer);
		break;
	case UMEM_OP_CACHED:
		err = put_plain(channel, &answer);
		break;
	case UMEM_OP_FAIL:
		err = put_fail(channel, &answer);
		break;
	}
	return err ?: sizeof(record) + answer.payload;
}

/*
 * Consumes whole valid records; an error only when the first one is bad, a
 * short count when a later one is bad or incomplete.
 */
ssize_t umem_channel_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct umem_channel *channel = iocb->ki_filp->private_data;
	ssize_t done = 0;
	ssize_t used;
	int err;

	err = umem_channel_usable(channel);
	if (err)
		return err;
	while (iov_iter_count(from)) {
		used = put_record(channel, from);
		if (used < 0)
			return done ?: umem_no_restart(iocb, used);
		if (!used)
			return done ?: -EINVAL;
		done += used;
		if (signal_pending(current))
			break;
	}
	return done;
}
