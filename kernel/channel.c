// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a channel: open, claimed by a provider in the kernel, ended.
 *
 * region->channel_lock orders these changes, channel_state.c has the table; what a
 * channel had taken goes back to the queue when it ends or is claimed.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "attach.h"
#include "channel.h"
#include "region.h"
#include "trace.h"

static void channel_free(struct kref *ref)
{
	struct umem_channel *channel =
		container_of(ref, struct umem_channel, ref);

	umem_region_put(channel->region);
	__free_page(channel->bounce);
	kfree(channel);
}

void umem_channel_put(struct umem_channel *channel)
{
	kref_put(&channel->ref, channel_free);
}

static struct umem_channel *channel_alloc(struct umem_region *region)
{
	struct umem_channel *channel;

	channel = kzalloc(sizeof(*channel), GFP_KERNEL_ACCOUNT);
	if (!channel)
		return NULL;
	channel->bounce = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!channel->bounce) {
		kfree(channel);
		return NULL;
	}
	kref_init(&channel->ref);
	init_rwsem(&channel->io);
	mutex_init(&channel->bounce_lock);
	kref_get(&region->ref);
	channel->region = region;
	channel->state = UMEM_CHANNEL_NEW;
	return channel;
}

/* Who provides. Caller holds region->channel_lock. */
enum umem_provider_kind umem_provider_kind(const struct umem_region *region)
{
	const struct umem_channel *channel = region->channel;

	lockdep_assert_held(&region->channel_lock);
	if (!channel)
		return UMEM_PROVIDER_NONE;
	if (channel->state == UMEM_CHANNEL_OPEN)
		return UMEM_PROVIDER_USER;
	return channel->attachment ? UMEM_PROVIDER_KERNEL :
				     UMEM_PROVIDER_ATTACHING;
}

/* The only place where a channel changes its state. Returns the new one. */
static enum umem_channel_state channel_move(struct umem_channel *channel,
					    enum umem_channel_event event)
{
	enum umem_channel_state next = umem_channel_next(channel->state, event);

	lockdep_assert_held(&channel->region->channel_lock);
	if (WARN_ONCE(next == UMEM_CHANNEL_STATES,
		      "umem: no %s of a channel that is %s\n",
		      umem_channel_event_name(event),
		      umem_channel_state_name(channel->state)) ||
	    next == channel->state)
		return channel->state;
	down_write(&channel->io);
	WRITE_ONCE(channel->state, next);
	up_write(&channel->io);
	/* Readers and pollers look again. */
	wake_up_all(&channel->region->requests.queue_wait);
	return next;
}

/*
 * The present channel of @region is ENDED: take it off and put @successor, or
 * nobody, in its place at once: under fail-fast nobody must see the gap between
 * two providers.
 */
static void channel_take_off(struct umem_region *region,
			     struct umem_channel *successor)
{
	struct umem_channel *channel = region->channel;
	struct umem_attachment *att = channel->attachment;

	channel->attachment = NULL;
	/* Before the successor can act: no granule gets two writers. */
	if (att)
		umem_attachment_unpublish(att);
	WRITE_ONCE(region->channel, successor);
	if (att)
		umem_attachment_end(att);
	else /* Nothing of it can land any more: answers are synchronous. */
		umem_channel_requeue(channel);
	trace_provider_state(region->ino, umem_provider_kind(region));
	umem_region_update_orphan(region);
	/* Under fail-fast, or when orphaned, waiters give up. */
	umem_requests_wake_all(region);
}

/* @event, and what follows where it ends the present channel of a region. */
static void channel_event(struct umem_channel *channel,
			  enum umem_channel_event event,
			  struct umem_channel *successor)
{
	struct umem_region *region = channel->region;

	if (channel_move(channel, event) == UMEM_CHANNEL_ENDED &&
	    region->channel == channel)
		channel_take_off(region, successor);
}

/**
 * umem_channel_end - end the present channel or provider of a region
 * @region: the region.
 *
 * A provider in the kernel is detached from a workqueue, see
 * umem_attachments_drained(). Process context, sleeps.
 *
 * Return: 0, or -ENOENT when there was none.
 */
int umem_channel_end(struct umem_region *region)
{
	int err = -ENOENT;

	mutex_lock(&region->channel_lock);
	if (region->channel) {
		channel_event(region->channel, UMEM_CHANNEL_END, NULL);
		err = 0;
	}
	mutex_unlock(&region->channel_lock);
	return err;
}

/* As umem_channel_end(), for the detaching of @channel's own attachment. */
void umem_channel_end_if_present(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;

	mutex_lock(&region->channel_lock);
	if (region->channel == channel)
		channel_event(channel, UMEM_CHANNEL_END, NULL);
	mutex_unlock(&region->channel_lock);
}

/* Makes @channel the region's, perhaps in place of the present one. */
static int channel_install(struct umem_channel *channel, bool replace)
{
	struct umem_region *region = channel->region;
	struct umem_channel *present;
	int err = 0;

	mutex_lock(&region->channel_lock);
	present = region->channel;
	if (present && !replace) {
		err = -EBUSY;
		goto unlock;
	}
	channel_move(channel, UMEM_CHANNEL_INSTALL);
	if (present) {
		channel_event(present, UMEM_CHANNEL_END, channel);
	} else {
		WRITE_ONCE(region->channel, channel);
		trace_provider_state(region->ino, umem_provider_kind(region));
	}
unlock:
	mutex_unlock(&region->channel_lock);
	return err;
}

/**
 * umem_channel_open - make a channel fd
 * @region: the region; the caller has checked its rights.
 * @args: checked arguments of UMEM_IOC_CHANNEL.
 *
 * The present provider is replaced last, when nothing can fail any more.
 *
 * Return: the fd, -EBUSY, -EMFILE, -ENFILE or -ENOMEM.
 */
int umem_channel_open(struct umem_region *region,
		      const struct umem_channel_open *args)
{
	int fd_flags = args->flags & UMEM_CHANNEL_CLOEXEC ? O_CLOEXEC : 0;
	int flags = args->flags & UMEM_CHANNEL_NONBLOCK ? O_NONBLOCK : 0;
	struct umem_channel *channel;
	struct file *file;
	int fd, err;

	channel = channel_alloc(region);
	if (!channel)
		return -ENOMEM;
	file = anon_inode_getfile("[umem-channel]", &umem_channel_fops, channel,
				  O_RDWR | flags);
	if (IS_ERR(file)) {
		umem_channel_put(channel);
		return PTR_ERR(file);
	}
	fd = get_unused_fd_flags(fd_flags);
	if (fd < 0) {
		err = fd;
		goto put_file;
	}
	err = channel_install(channel, args->flags & UMEM_CHANNEL_REPLACE);
	if (err)
		goto put_fd;
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
put_file:
	/* Its release puts the channel. */
	fput(file);
	return err;
}

/**
 * umem_channel_from_file - the channel behind a file
 * @file: any open file.
 *
 * Return: the channel, valid as long as @file is, or NULL.
 */
struct umem_channel *umem_channel_from_file(struct file *file)
{
	return file->f_op == &umem_channel_fops ? file->private_data : NULL;
}

/**
 * umem_channel_claim - take a channel away from its fd
 * @channel: the channel; its file is pinned by the caller.
 *
 * What the fd had taken goes back to the queue. Sleeps.
 *
 * Return: 0 with a reference for the claimer, -EBUSY or -EPIPE.
 */
int umem_channel_claim(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;
	int err;

	mutex_lock(&region->channel_lock);
	err = umem_channel_usable(channel);
	if (!err) {
		channel_move(channel, UMEM_CHANNEL_CLAIM);
		kref_get(&channel->ref);
		umem_channel_requeue(channel);
		trace_provider_state(region->ino, umem_provider_kind(region));
	}
	mutex_unlock(&region->channel_lock);
	return err;
}

/**
 * umem_channel_unclaim - undo umem_channel_claim()
 * @channel: a claimed channel; the claimer's reference is dropped.
 *
 * The fd works again if it is still open. Sleeps.
 */
void umem_channel_unclaim(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;

	mutex_lock(&region->channel_lock);
	channel_event(channel, UMEM_CHANNEL_UNCLAIM, NULL);
	if (region->channel == channel)
		trace_provider_state(region->ino, umem_provider_kind(region));
	mutex_unlock(&region->channel_lock);
	/* Requests that came meanwhile have a reader again. */
	umem_queue_notify(region);
	umem_channel_put(channel);
}

int umem_channel_release(struct inode *inode, struct file *file)
{
	struct umem_channel *channel = file->private_data;
	struct umem_region *region = channel->region;

	mutex_lock(&region->channel_lock);
	channel_event(channel, UMEM_CHANNEL_CLOSE, NULL);
	mutex_unlock(&region->channel_lock);
	umem_channel_map_release(channel);
	umem_channel_put(channel);
	return 0;
}
