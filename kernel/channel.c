// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a channel: open, claimed by a provider in the kernel, ended.
 *
 * region->channel_lock orders these changes; what a channel had taken goes
 * back to the queue when it ends or is claimed.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "attach.h"
#include "channel.h"
#include "region.h"

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
	channel->file_open = true;
	return channel;
}

static void channel_set_state(struct umem_channel *channel,
			      enum umem_channel_state state)
{
	lockdep_assert_held(&channel->region->channel_lock);
	down_write(&channel->io);
	WRITE_ONCE(channel->state, state);
	up_write(&channel->io);
	/* Readers and pollers look again. */
	wake_up_all(&channel->region->requests.queue_wait);
}

/*
 * Take the present channel off the region. Returns its attachment, to be ended
 * by umem_attachment_end() after channel_lock was dropped.
 */
static struct umem_attachment *channel_end_locked(struct umem_region *region)
{
	struct umem_channel *channel = region->channel;
	struct umem_attachment *att;

	lockdep_assert_held(&region->channel_lock);
	if (!channel)
		return NULL;
	channel_set_state(channel, UMEM_CHANNEL_ENDED);
	WRITE_ONCE(region->channel, NULL);
	att = channel->attachment;
	if (att) {
		umem_attachment_unpublish(att);
	} else {
		/* Nothing of it can land any more: answers are synchronous. */
		umem_requests_requeue(region, channel);
	}
	umem_region_update_orphan(region);
	/* Under fail-fast, or when orphaned, waiters give up. */
	umem_requests_wake_all(region);
	return att;
}

/**
 * umem_channel_end - end the present channel or provider of a region
 * @region: the region.
 *
 * Sleeps. Context: process.
 *
 * Return: ERR_PTR(-ENOENT) when there was none; NULL when it is gone; or the
 * attachment of a provider that is being detached, with a reference.
 */
struct umem_attachment *umem_channel_end(struct umem_region *region)
{
	struct umem_attachment *att = ERR_PTR(-ENOENT);

	mutex_lock(&region->channel_lock);
	if (region->channel)
		att = channel_end_locked(region);
	if (!IS_ERR_OR_NULL(att))
		umem_attachment_get(att);
	mutex_unlock(&region->channel_lock);

	if (!IS_ERR_OR_NULL(att))
		umem_attachment_end(att);
	return att;
}

/* As umem_channel_end(), for the detaching of @channel's own attachment. */
void umem_channel_end_if_present(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;

	mutex_lock(&region->channel_lock);
	if (region->channel == channel)
		channel_end_locked(region);
	mutex_unlock(&region->channel_lock);
}

/* Makes @channel the region's, perhaps in place of the present one. */
static int channel_install(struct umem_channel *channel, bool replace)
{
	struct umem_region *region = channel->region;
	struct umem_attachment *att = NULL;
	int err = 0;

	mutex_lock(&region->channel_lock);
	if (region->channel && !replace) {
		err = -EBUSY;
	} else {
		att = channel_end_locked(region);
		if (att)
			umem_attachment_get(att);
		WRITE_ONCE(region->channel, channel);
	}
	mutex_unlock(&region->channel_lock);

	if (att) {
		umem_attachment_end(att);
		umem_attachment_put(att);
	}
	return err;
}

/* Undoes channel_install() for a channel that nobody saw. */
static void channel_uninstall(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;

	mutex_lock(&region->channel_lock);
	channel->file_open = false;
	if (region->channel == channel)
		channel_end_locked(region);
	mutex_unlock(&region->channel_lock);
}

/**
 * umem_channel_open - make a channel fd
 * @region: the region; the caller has checked its rights.
 * @args: checked arguments of UMEM_IOC_CHANNEL.
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
	fd = get_unused_fd_flags(fd_flags);
	if (fd < 0) {
		err = fd;
		goto put_channel;
	}
	err = channel_install(channel, args->flags & UMEM_CHANNEL_REPLACE);
	if (err)
		goto put_fd;
	file = anon_inode_getfile("[umem-channel]", &umem_channel_fops, channel,
				  O_RDWR | flags);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto uninstall_channel;
	}
	fd_install(fd, file);
	return fd;

uninstall_channel:
	channel_uninstall(channel);
put_fd:
	put_unused_fd(fd);
put_channel:
	umem_channel_put(channel);
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
		channel_set_state(channel, UMEM_CHANNEL_CLAIMED);
		kref_get(&channel->ref);
		umem_requests_requeue(region, channel);
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
	if (region->channel == channel) {
		if (channel->file_open)
			channel_set_state(channel, UMEM_CHANNEL_OPEN);
		else
			channel_end_locked(region);
	}
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
	channel->file_open = false;
	/* A claimed channel belongs to its provider. */
	if (region->channel == channel &&
	    channel->state == UMEM_CHANNEL_OPEN)
		channel_end_locked(region);
	mutex_unlock(&region->channel_lock);
	umem_channel_put(channel);
	return 0;
}
