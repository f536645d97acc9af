// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of an attachment: a provider in the kernel on a claimed channel.
 *
 * It ends once, by work on a queue of our own, for whatever reason: the
 * region's last user left, UMEM_IOC_DETACH, another channel replaced it, or
 * the provider lost its source. The phases and why they come in this order:
 *
 *  1. unpublish, so that no new submit or kick starts, and synchronize_rcu(),
 *     so that those under way are over; only then has the region another
 *     channel,
 *  2. ops->detach(), after which no byte can land in a page,
 *  3. requeue what is left; only now may another provider have it.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "attach.h"
#include "channel.h"
#include "granule.h"
#include "region.h"
#include "trace.h"

/* So often what a fault may poll the slowest answers count. */
#define LATE	8

static struct workqueue_struct *detach_queue;

int umem_attach_init(void)
{
	detach_queue = alloc_workqueue("umem-detach", WQ_UNBOUND, 0);
	return detach_queue ? 0 : -ENOMEM;
}

void umem_attach_exit(void)
{
	destroy_workqueue(detach_queue);
}

static struct umem_region *region_of(const struct umem_attachment *att)
{
	return att->channel->region;
}

/*
 * The only place where an attachment changes its state; a full barrier. Whoever
 * makes it ENDING queues its detaching, and so does nobody else. @att may be gone
 * after that.
 *
 * COMMIT and END come under region->channel_lock, which detaching takes first;
 * ABORT and DETACHED from the only one who still has @att; GONE from any
 * context, but not after these two.
 */
static void attachment_move(struct umem_attachment *att,
			    enum umem_attachment_event event)
{
	enum umem_attachment_state next, state = READ_ONCE(att->state);

	do {
		next = umem_attachment_next(state, event);
		if (WARN_ONCE(next == UMEM_ATTACHMENT_STATES,
			      "umem: no %s of an attachment that is %s\n",
			      umem_attachment_event_name(event),
			      umem_attachment_state_name(state)))
			return;
	} while (!try_cmpxchg(&att->state, &state, next));
	if (next == UMEM_ATTACHMENT_ENDING && state != UMEM_ATTACHMENT_ENDING)
		queue_work(detach_queue, &att->detach);
}

static void detach_work(struct work_struct *work)
{
	struct umem_attachment *att =
		container_of(work, struct umem_attachment, detach);
	struct umem_channel *channel = att->channel;
	struct umem_region *region = channel->region;

	/* Else it was the channel's end that brought us here. */
	umem_channel_end_if_present(channel);
	att->ops->detach(att->priv);
	attachment_move(att, UMEM_ATTACHMENT_DETACHED);
	WARN_ONCE(umem_requests_requeue(region, att),
		  "umem: provider %s left requests behind\n", att->ops->name);
	umem_region_drop_if_gone(region);
	module_put(att->ops->owner);
	if (atomic_dec_and_test(&region->draining))
		wake_up_all(&region->drained);
	umem_channel_put(channel);
	kfree(att);
}

/**
 * umem_attach_begin - claim a channel for a provider in the kernel
 * @channel_fd: an open channel fd of the current process.
 * @info: out: what the provider must know of the region.
 *
 * Until umem_attach_commit() or umem_attach_abort() the fd answers EBUSY.
 * Process context, sleeps.
 *
 * Return: the attachment, or ERR_PTR: -EBADF no open fd, -ENOTTY no channel,
 * -EBUSY claimed already, -EPIPE ended, -ENOMEM.
 */
struct umem_attachment *umem_attach_begin(int channel_fd,
					  struct umem_attach_info *info)
{
	struct umem_attachment *att;
	struct umem_channel *channel;
	struct file *file;
	int err;

	file = fget(channel_fd);
	if (!file)
		return ERR_PTR(-EBADF);
	channel = umem_channel_from_file(file);
	if (!channel) {
		err = -ENOTTY;
		goto put_file;
	}
	att = kzalloc(sizeof(*att), GFP_KERNEL_ACCOUNT);
	if (!att) {
		err = -ENOMEM;
		goto put_file;
	}
	err = umem_channel_claim(channel);
	if (err)
		goto free_att;
	fput(file);

	INIT_WORK(&att->detach, detach_work);
	att->state = UMEM_ATTACHMENT_BEGUN;
	att->channel = channel;
	info->size = channel->region->geometry.size;
	info->granule = channel->region->geometry.granule;
	info->max_inflight = channel->region->requests.depth;
	return att;

free_att:
	kfree(att);
put_file:
	fput(file);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(umem_attach_begin);

/**
 * umem_attach_abort - give a claimed channel back to its fd
 * @att: from umem_attach_begin(), not committed; not to be used afterwards.
 *
 * Process context, sleeps.
 */
void umem_attach_abort(struct umem_attachment *att)
{
	attachment_move(att, UMEM_ATTACHMENT_ABORT);
	umem_channel_unclaim(att->channel);
	kfree(att);
}
EXPORT_SYMBOL_GPL(umem_attach_abort);

/**
 * umem_attach_commit - go live
 * @att: from umem_attach_begin().
 * @ops: the provider.
 * @priv: passed to every operation.
 *
 * From here on @ops->submit and @ops->kick are called, and @ops->detach may be
 * called any time, even before this returns: the caller touches neither @att
 * nor @priv after success. Process context, sleeps.
 *
 * Return: 0; -EPIPE when the channel was ended meanwhile, -ENODEV when the
 * provider's module is being unloaded: then the caller still has to call
 * umem_attach_abort().
 */
int umem_attach_commit(struct umem_attachment *att,
		       const struct umem_provider_ops *ops, void *priv)
{
	struct umem_channel *channel = att->channel;
	struct umem_region *region = channel->region;
	int err = 0;

	/* Keeps the region's memory once @att may be gone. */
	kref_get(&region->ref);
	mutex_lock(&region->channel_lock);
	if (region->channel != channel) {
		err = -EPIPE;
	} else if (!try_module_get(ops->owner)) {
		err = -ENODEV;
	} else {
		att->ops = ops;
		att->priv = priv;
		att->spin_ns = ops->poll ? region->spin_ns : 0;
		channel->attachment = att;
		rcu_assign_pointer(region->attachment, att);
		trace_provider_state(region->ino, umem_provider_kind(region));
		/* Last: from here on umem_provider_gone() may begin its end. */
		attachment_move(att, UMEM_ATTACHMENT_COMMIT);
	}
	mutex_unlock(&region->channel_lock);
	if (!err)
		umem_queue_notify(region);
	umem_region_put(region);
	return err;
}
EXPORT_SYMBOL_GPL(umem_attach_commit);

/*
 * No submit or kick runs after this returns. Caller holds region->channel_lock,
 * sleeps.
 */
void umem_attachment_unpublish(struct umem_attachment *att)
{
	struct umem_region *region = region_of(att);

	lockdep_assert_held(&region->channel_lock);
	/* Until detach_work() is through. */
	atomic_inc(&region->draining);
	RCU_INIT_POINTER(region->attachment, NULL);
	synchronize_rcu();
}

/* Starts the end, if that is still to do. Caller holds region->channel_lock. */
void umem_attachment_end(struct umem_attachment *att)
{
	lockdep_assert_held(&region_of(att)->channel_lock);
	attachment_move(att, UMEM_ATTACHMENT_END);
}

/**
 * umem_attachments_drained - wait until all that were ended are gone
 * @region: the region.
 *
 * Return: 0, or -EINTR for a fatal signal.
 */
int umem_attachments_drained(struct umem_region *region)
{
	if (wait_event_killable(region->drained,
				!atomic_read(&region->draining)))
		return -EINTR;
	return 0;
}

/**
 * umem_provider_gone - the provider lost its source and wants to be detached
 * @att: its attachment, not aborted; @ops->detach has not returned yet.
 *
 * Any context. @ops->detach follows from a workqueue; before
 * umem_attach_commit(), as soon as that has succeeded.
 */
void umem_provider_gone(struct umem_attachment *att)
{
	attachment_move(att, UMEM_ATTACHMENT_GONE);
}
EXPORT_SYMBOL_GPL(umem_provider_gone);

/**
 * umem_provider_pull - take the next queued request
 * @att: the attachment.
 * @prefetches: also one that nobody waits for, if no other is queued.
 *
 * Any context but hard interrupt.
 *
 * Return: a request that now belongs to the provider, or NULL when none is
 * queued or the provider is being detached.
 */
struct umem_request *umem_provider_pull(struct umem_attachment *att,
					bool prefetches)
{
	struct umem_region *region = region_of(att);
	struct umem_request *req = NULL;

	rcu_read_lock();
	if (rcu_access_pointer(region->attachment) == att)
		req = umem_queue_pop(region, att, prefetches);
	rcu_read_unlock();
	/* It stays open, and so allocated, until the provider ends it. */
	if (req)
		umem_request_put(req);
	return req;
}
EXPORT_SYMBOL_GPL(umem_provider_pull);

/**
 * umem_request_is_prefetch - whether nobody waits for a request yet
 * @req: a request that belongs to the provider.
 *
 * Any context. As a hint: somebody may from now on. One that is queued then is
 * pulled as one that is waited for, and the provider kicked for it.
 */
bool umem_request_is_prefetch(const struct umem_request *req)
{
	return READ_ONCE(req->prefetch);
}
EXPORT_SYMBOL_GPL(umem_request_is_prefetch);

/* The provider would not have @req now. */
void umem_attachment_refused(struct umem_attachment *att,
			     struct umem_request *req)
{
	WRITE_ONCE(req->polled, false);
	umem_request_requeue_owned(req, att);
	/* Whoever provides by now: it may be another. */
	umem_queue_notify(region_of(att));
}

/* The provider took @ns for a request. What is late counts as LATE times the limit. */
void umem_attachment_learn(struct umem_attachment *att, u64 ns)
{
	u32 old = READ_ONCE(att->latency_ns);
	/* Clocks of two CPUs may differ: less than nothing is very much. */
	u32 sample = clamp_t(u64, ns, 1, (u64)att->spin_ns * LATE);

	WRITE_ONCE(att->latency_ns, old ? old - old / 8 + sample / 8 : sample);
}

void umem_attachment_kick(struct umem_attachment *att)
{
	att->ops->kick(att->priv);
}

void umem_attachment_describe(struct umem_attachment *att, char *buf,
			      size_t size)
{
	att->ops->describe(att->priv, buf, size);
}

/**
 * umem_request_requeue - give a request back without an answer
 * @req: a request that belongs to the provider and into whose pages nothing
 *	can land any more; not to be used afterwards.
 *
 * Any context but hard interrupt; does not sleep. May call @ops->kick.
 */
void umem_request_requeue(struct umem_request *req)
{
	struct umem_region *region = req->region;

	umem_stat_inc(region, UMEM_STAT_REQUEUED);
	umem_request_requeue_owned(req, req->owner);
	umem_queue_notify(region);
}
EXPORT_SYMBOL_GPL(umem_request_requeue);

/**
 * umem_request_segment - a part of a request's memory that is contiguous
 * @req: a request that belongs to the caller.
 * @offset: where it begins, in bytes from the start of the granule; a multiple
 *	of the page, less than the granule.
 * @length: out: its length in bytes, a multiple of the page.
 *
 * The next one begins at @offset + *@length. Any context.
 *
 * Return: the page at @offset; what follows it is contiguous in physical
 * memory, though not always in one folio.
 */
struct page *umem_request_segment(const struct umem_request *req, u32 offset,
				  u32 *length)
{
	unsigned int first = offset >> PAGE_SHIFT;
	unsigned int run = 1;

	if (req->pages)
		run = umem_granule_run(req->pages + first,
				       umem_granule_pages(req->region) - first);
	*length = run << PAGE_SHIFT;
	return req->pages ? req->pages[first] : req->data.page;
}
EXPORT_SYMBOL_GPL(umem_request_segment);
