// SPDX-License-Identifier: GPL-2.0-only
/*
 * DATA and ZERO for granules of many pages.
 *
 * The payload goes straight into the granule's pages, which nobody sees before
 * the last byte is there. A copy that needs a page fault is not waited for: it
 * might be a fault on this very granule. Instead everything is let go, the
 * source is faulted in, and the copy begins again. So two threads that answer
 * one granule wait for each other only as long as a copy takes, and never mix
 * their bytes.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "channel.h"
#include "granule.h"
#include "region.h"

/**
 * struct huge_answer - what a granule is answered with
 * @channel: who answers.
 * @granule: its index.
 * @from: its bytes, NULL for zeroes.
 * @pages: room for the list of its pages; unused for zeroes.
 */
struct huge_answer {
	struct umem_channel *channel;
	unsigned long granule;
	struct iov_iter *from;
	struct page **pages;
};

static bool may_write(const struct huge_answer *answer)
{
	return umem_request_may_write(answer->channel->region, answer->granule,
				      answer->channel);
}

/* Fills all of the granule. 0, -EAGAIN when the source must be faulted in. */
static int fill(const struct huge_answer *answer)
{
	struct umem_region *region = answer->channel->region;
	unsigned int count = umem_granule_pages(region);
	size_t done;

	if (!answer->from)
		return umem_granule_clear(region, answer->granule,
					  answer->channel);
	done = umem_granule_copy(answer->pages, count, answer->from);
	if (done != region->geometry.granule) {
		iov_iter_revert(answer->from, done);
		return -EAGAIN;
	}
	umem_granule_dirty_pages(answer->pages, count);
	return 0;
}

/* 1 when it was provided by this, 0 when it was stale, or an error. */
static int fill_and_publish(const struct huge_answer *answer)
{
	struct umem_region *region = answer->channel->region;
	struct umem_bucket *bucket = umem_bucket_of(region, answer->granule);
	int err = 0;

	/* Writers of one granule meet here. */
	mutex_lock(&bucket->answer);
	if (may_write(answer)) {
		err = fill(answer);
		if (!err)
			err = umem_request_publish(region, answer->granule,
						   answer->channel);
	} else if (answer->from) {
		iov_iter_advance(answer->from, region->geometry.granule);
	}
	mutex_unlock(&bucket->answer);
	return err;
}

/* As fill_and_publish(), with the pages pinned until it is seen. */
static int put_bytes(const struct huge_answer *answer)
{
	struct umem_region *region = answer->channel->region;
	int ret;

	ret = umem_granule_get_pages(region, answer->granule, answer->pages,
				     true);
	if (ret)
		return ret;
	ret = fill_and_publish(answer);
	umem_granule_put_pages(answer->pages, umem_granule_pages(region));
	return ret;
}

/* Caller holds channel->io for reading and pins the backing file. */
static int put_granule(const struct huge_answer *answer)
{
	struct umem_region *region = answer->channel->region;
	u32 size = region->geometry.granule;
	int ret = 0;

	if (!answer->from)
		ret = fill_and_publish(answer);
	else if (may_write(answer))
		ret = put_bytes(answer);
	else
		iov_iter_advance(answer->from, size);
	if (ret < 0)
		return ret;
	if (!ret) {
		umem_channel_settle(answer->channel, answer->granule);
		umem_stat_inc(region, UMEM_STAT_STALE);
	} else if (answer->from) {
		umem_stat_add(region, UMEM_STAT_BYTES_COPIED, size);
	}
	return 0;
}

/* One try, while the channel is ours and the region is there. */
static int put_granule_checked(const struct huge_answer *answer)
{
	struct umem_channel *channel = answer->channel;
	struct file *pin;
	int err;

	pin = umem_region_pin(channel->region);
	if (!pin)
		return -EPIPE;
	down_read(&channel->io);
	err = umem_channel_usable(channel);
	if (!err)
		err = put_granule(answer);
	up_read(&channel->io);
	fput(pin);
	return err;
}

/* Tries until all of the source was there at once. */
static int put_granule_faulting(const struct huge_answer *answer)
{
	size_t size = answer->channel->region->geometry.granule;
	int err;

	for (;;) {
		err = put_granule_checked(answer);
		if (err != -EAGAIN)
			return err;
		if (fault_in_iov_iter_readable(answer->from, size))
			return -EFAULT;
		/* The record is not consumed. */
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static int put_granules(struct huge_answer *granule,
			const struct umem_answer *answer)
{
	u32 size = granule->channel->region->geometry.granule;
	u32 done;
	int err = 0;

	granule->granule = answer->offset / size;
	for (done = 0; !err && done < answer->length; done += size) {
		err = put_granule_faulting(granule);
		granule->granule++;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return err;
}

int umem_huge_put_data(struct umem_channel *channel,
		       const struct umem_answer *answer, struct iov_iter *from)
{
	struct huge_answer granule = {
		.channel = channel,
		.from = from,
	};
	struct page *list = umem_channel_bounce_get(channel);
	int err;

	BUILD_BUG_ON(UMEM_BLOCK_PAGES * sizeof(*granule.pages) > PAGE_SIZE);

	if (!list)
		return -EINTR;
	granule.pages = page_address(list);
	err = put_granules(&granule, answer);
	umem_channel_bounce_put(channel, list);
	return err;
}

int umem_huge_put_zero(struct umem_channel *channel,
		       const struct umem_answer *answer)
{
	struct huge_answer granule = {
		.channel = channel,
	};

	return put_granules(&granule, answer);
}
