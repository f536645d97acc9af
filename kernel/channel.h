/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The channel: the right to provide a region's granules. It begins as a file
 * descriptor; a provider in the kernel may claim it.
 */
#ifndef UMEM_CHANNEL_H
#define UMEM_CHANNEL_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/umem.h>

#include "channel_state.h"

struct iov_iter;
struct umem_answer;
struct umem_attachment;
struct umem_channel_open;
struct umem_region;
struct umem_request;

/**
 * struct umem_channel - one channel
 * @ref: the file, and the attachment that claimed it.
 * @region: fixed; counted.
 * @io: held for reading while the fd takes a request or publishes an answer,
 *	for writing to change @state: a change waits for none that sleeps in
 *	a copy from or to the user. Inside it: folio lock, bucket lock.
 * @state: enum umem_channel_state; written under region->channel_lock and @io,
 *	by channel_move().
 * @attachment: the committed attachment; region->channel_lock.
 * @map: the file that mappings of the channel refer to, made by the first one;
 *	counted until the fd is closed.
 * @bounce: a page for answers, so that they need no memory: for bytes on their
 *	way, or with huge granules for the list of a granule's pages.
 * @bounce_lock: who uses @bounce.
 */
struct umem_channel {
	struct kref ref;
	struct umem_region *region;
	struct rw_semaphore io;
	enum umem_channel_state state;
	struct umem_attachment *attachment;
	struct file *map;
	struct page *bounce;
	struct mutex bounce_lock;
};

/* channel.c: life of a channel */
int umem_channel_open(struct umem_region *region,
		      const struct umem_channel_open *args);
int umem_channel_release(struct inode *inode, struct file *file);
struct umem_channel *umem_channel_from_file(struct file *file);
void umem_channel_put(struct umem_channel *channel);
int umem_channel_claim(struct umem_channel *channel);
void umem_channel_unclaim(struct umem_channel *channel);
int umem_channel_end(struct umem_region *region);
void umem_channel_end_if_present(struct umem_channel *channel);

enum umem_provider_kind umem_provider_kind(const struct umem_region *region);

/* channel_file.c: what the fd can do */
extern const struct file_operations umem_channel_fops;

/* channel_answer.c: what a provider wrote */
ssize_t umem_channel_write_iter(struct kiocb *iocb, struct iov_iter *from);
struct page *umem_channel_bounce_get(struct umem_channel *channel);
void umem_channel_bounce_put(struct umem_channel *channel, struct page *page);

/* channel_huge.c: the same for granules of many pages */
int umem_huge_put_data(struct umem_channel *channel,
		       const struct umem_answer *answer, struct iov_iter *from);
int umem_huge_put_zero(struct umem_channel *channel,
		       const struct umem_answer *answer);

/* channel_map.c: mappings of the fd */
int umem_channel_mmap(struct file *file, struct vm_area_struct *vma);
void umem_channel_map_release(struct umem_channel *channel);
void umem_channel_map_zap(struct umem_region *region, unsigned long granule,
			  const void *owner);
bool umem_channel_map_publish(struct umem_channel *channel,
			      unsigned long granule);
bool umem_channel_map_fail(struct umem_channel *channel, unsigned long granule,
			   int error);
void umem_channel_settle(struct umem_channel *channel, unsigned long granule);
bool umem_channel_cancel(struct umem_channel *channel,
			 struct umem_request *req);
void umem_channel_requeue(struct umem_channel *channel);
void umem_channel_requeue_one(struct umem_channel *channel,
			      struct umem_request *req);

static inline int umem_channel_usable(const struct umem_channel *channel)
{
	switch (READ_ONCE(channel->state)) {
	case UMEM_CHANNEL_OPEN:
		return 0;
	case UMEM_CHANNEL_CLAIMED:
	case UMEM_CHANNEL_LEFT:
		return -EBUSY;
	default:
		return -EPIPE;
	}
}

#endif /* UMEM_CHANNEL_H */
