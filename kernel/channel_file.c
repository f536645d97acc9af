// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel fd: read() takes requests, poll() tells when there are any,
 * write() is in channel_answer.c.
 */
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "channel.h"
#include "ioctl.h"
#include "region.h"
#include "wait.h"

/* The next request for this fd, NULL when none, or an error. */
static struct umem_request *take_request(struct umem_channel *channel)
{
	struct umem_request *req;
	int err;

	down_read(&channel->io);
	err = umem_channel_usable(channel);
	req = err ? ERR_PTR(err) : umem_queue_pop(channel->region, channel,
						  true);
	up_read(&channel->io);
	return req;
}

static int copy_request(const struct umem_request *req, enum umem_op op,
			struct iov_iter *to)
{
	struct umem_record record;

	umem_record_make_request(&record, op, req->data.offset,
				 req->region->geometry.granule);
	return copy_to_iter(&record, sizeof(record), to) == sizeof(record) ?
		0 : -EFAULT;
}

/* Not copied out, so not issued; unless the channel has ended meanwhile. */
static void untake_request(struct umem_channel *channel,
			   struct umem_request *req)
{
	down_read(&channel->io);
	if (!umem_channel_usable(channel))
		umem_channel_requeue_one(channel, req);
	up_read(&channel->io);
}

/*
 * Tells one request: 1 when one was copied out, 0 when there is none, or an
 * error.
 */
static int read_request(struct umem_channel *channel, struct iov_iter *to)
{
	struct umem_request *req = take_request(channel);
	int err;

	if (IS_ERR_OR_NULL(req))
		return PTR_ERR_OR_ZERO(req);
	/* It may be promoted meanwhile: what counts is when it was taken. */
	err = copy_request(req, READ_ONCE(req->prefetch) ? UMEM_OP_PREFETCH :
			   UMEM_OP_FETCH, to);
	if (err)
		untake_request(channel, req);
	umem_request_put(req);
	return err ?: 1;
}

/*
 * The next request to be cancelled; it is over for us, and only kept to be
 * told. NULL when there is none, or an error.
 */
static struct umem_request *take_cancel(struct umem_channel *channel)
{
	struct umem_request *req;
	int err;

	down_read(&channel->io);
	err = umem_channel_usable(channel);
	if (err) {
		req = ERR_PTR(err);
		goto unlock;
	}
	while ((req = umem_queue_pop_cancel(channel->region)) &&
	       !umem_channel_cancel(channel, req))
		umem_request_put(req);
unlock:
	up_read(&channel->io);
	return req;
}

/* As read_request(). One that cannot be told is forgotten: it is advice. */
static int read_cancel(struct umem_channel *channel, struct iov_iter *to)
{
	struct umem_request *req = take_cancel(channel);
	int err;

	if (IS_ERR_OR_NULL(req))
		return PTR_ERR_OR_ZERO(req);
	err = copy_request(req, UMEM_OP_CANCEL, to);
	umem_request_put(req);
	return err ?: 1;
}

/* Copies out what there is; 0 when there is nothing. */
static ssize_t read_available(struct umem_channel *channel,
			      struct iov_iter *to)
{
	ssize_t done = 0;
	int got;

	while (iov_iter_count(to) >= sizeof(struct umem_record)) {
		got = read_cancel(channel, to);
		if (!got)
			got = read_request(channel, to);
		if (got <= 0)
			return done ?: got;
		done += sizeof(struct umem_record);
	}
	return done;
}

static int wait_for_request(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;

	return wait_event_interruptible_exclusive(region->requests.queue_wait,
			!umem_queue_empty(region) ||
			umem_channel_usable(channel));
}

static ssize_t channel_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct umem_channel *channel = iocb->ki_filp->private_data;
	bool nonblock = (iocb->ki_filp->f_flags & O_NONBLOCK) ||
			(iocb->ki_flags & IOCB_NOWAIT);
	ssize_t done;
	int err;

	if (iov_iter_count(to) < sizeof(struct umem_record))
		return -EINVAL;
	for (;;) {
		done = read_available(channel, to);
		if (done)
			break;
		if (nonblock)
			return -EAGAIN;
		err = wait_for_request(channel);
		if (err)
			return umem_no_restart(iocb, err);
	}
	/* Another reader may sleep while there is more than we took. */
	if (!umem_queue_empty(channel->region))
		umem_queue_notify(channel->region);
	/* The end of the channel is the end of the file. */
	return done == -EPIPE ? 0 : done;
}

static __poll_t channel_poll(struct file *file, poll_table *wait)
{
	struct umem_channel *channel = file->private_data;
	struct umem_region *region = channel->region;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &region->requests.queue_wait, wait);
	switch (umem_channel_usable(channel)) {
	case 0:
		if (!umem_queue_empty(region))
			events |= EPOLLIN | EPOLLRDNORM;
		return events;
	case -EBUSY:
		return EPOLLERR;
	default:
		return EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDNORM;
	}
}

static long channel_requeue(struct umem_channel *channel)
{
	int err;

	down_read(&channel->io);
	err = umem_channel_usable(channel);
	if (!err)
		umem_channel_requeue(channel);
	up_read(&channel->io);
	return err;
}

static long channel_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct umem_channel *channel = file->private_data;

	if (umem_ioctl_is(cmd, UMEM_IOC_STATUS))
		return umem_ioctl_status(channel->region, cmd, arg);
	if (cmd == UMEM_CHANNEL_IOC_REQUEUE)
		return channel_requeue(channel);
	return -ENOTTY;
}

static void channel_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct umem_channel *channel = file->private_data;

	umem_region_fdinfo(seq, channel->region);
}

const struct file_operations umem_channel_fops = {
	.owner = THIS_MODULE,
	.release = umem_channel_release,
	.read_iter = channel_read_iter,
	.write_iter = umem_channel_write_iter,
	.poll = channel_poll,
	.mmap = umem_channel_mmap,
	.show_fdinfo = channel_show_fdinfo,
	.unlocked_ioctl = channel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
