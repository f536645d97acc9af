/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interface between the core and providers in the kernel.
 *
 * Life of an attachment:
 *
 *	umem_attach_begin(channel fd)	the channel is claimed: its fd answers EBUSY
 *	  ... the provider connects ...
 *	umem_attach_commit(ops, priv)	live: submit() and kick() may be called
 *	  or umem_attach_abort()	the channel's fd works as before
 *	  ...
 *	ops->detach(priv)		called once, by the core, from a workqueue
 *
 * A provider that lost its source calls umem_provider_gone(); the core then
 * detaches it in the same way as when the region goes away.
 *
 * Whoever gives a request back is kicked for it: before that a provider must have
 * made sure that kick() does not take it again, or each goes deeper than the last.
 *
 * Ownership of a request: from submit() returning 0, or umem_provider_pull()
 * returning it, until umem_request_done() or umem_request_requeue(), it belongs
 * to the provider: its pages are pinned, only the provider writes there, and
 * nobody else ends it. It ends as a whole: a granule of many pages is done when
 * the last byte is there, and given back when nothing can land in any of them.
 */
#ifndef UMEM_PROVIDER_H
#define UMEM_PROVIDER_H

#include <linux/types.h>
#include <linux/umem.h>

struct module;
struct page;
struct umem_attachment;
struct umem_request;

/**
 * struct umem_provider_ops - what a provider in the kernel offers
 * @owner: pinned from umem_attach_commit() until @detach has returned.
 * @name: short name for logs.
 * @submit: take @req and start to fill its page. Returns 0 when taken, or
 *	-EAGAIN when full or not ready: the core then queues the request and
 *	calls @kick. Called with bottom halves off, in process context or
 *	softirq; must not sleep. May call umem_request_done() itself. With
 *	@polled, which only those with @poll see, the caller polls @req from now
 *	on, so that the provider need not end it by itself before @arm.
 * @kick: the queue is not empty: pull while there is room. Called under
 *	rcu_read_lock(), in the same contexts. May come when nothing is left to pull.
 * @poll: optional, with @arm: end @req if its bytes are there. Called over and
 *	over by a fault that spins for @req; it has a reference, but @req may
 *	have ended meanwhile, or have been queued again. By several at once;
 *	under rcu_read_lock(), process context.
 * @arm: somebody sleeps until @req ends, or polls no more: end it without being
 *	polled, though others may still do that. Any number of times, also while
 *	@submit has not returned or when @req has ended. Process context under
 *	rcu_read_lock(), or as @submit.
 * @detach: stop, and return only when no byte can land in a page any more and
 *	every request taken was ended by umem_request_done() or
 *	umem_request_requeue(). No operation above runs any more or will. Process
 *	context, may sleep; frees @priv.
 * @describe: write a NUL-terminated description of the source, such as
 *	rdma://10.0.0.1:7471/7, into @buf of @size bytes. May not sleep.
 */
struct umem_provider_ops {
	struct module *owner;
	const char *name;
	int (*submit)(void *priv, struct umem_request *req, bool polled);
	void (*kick)(void *priv);
	void (*poll)(void *priv, struct umem_request *req);
	void (*arm)(void *priv, struct umem_request *req);
	void (*detach)(void *priv);
	void (*describe)(void *priv, char *buf, size_t size);
};

/**
 * struct umem_attach_info - what a provider must know of its region
 * @size: bytes.
 * @granule: bytes of one granule, the length of every request.
 * @max_inflight: requests that can be open at once; tags are below it.
 */
struct umem_attach_info {
	u64 size;
	u32 granule;
	u32 max_inflight;
};

/**
 * struct umem_request_data - what is to be filled: how a request begins
 * @offset: its first byte, from the start of the region.
 * @page: the first page to fill, from its first byte on; with granules of a page
 *	all there is to fill.
 * @tag: index below max_inflight, unique among open requests. It stays that of
 *	this &struct umem_request when another request is made of it.
 *
 * Constant while the request belongs to the provider.
 */
struct umem_request_data {
	u64 offset;
	struct page *page;
	unsigned int tag;
};

static inline const struct umem_request_data *
umem_request_data(const struct umem_request *req)
{
	return (const struct umem_request_data *)req;
}

struct umem_attachment *umem_attach_begin(int channel_fd,
					  struct umem_attach_info *info);
void umem_attach_abort(struct umem_attachment *att);
int umem_attach_commit(struct umem_attachment *att,
		       const struct umem_provider_ops *ops, void *priv);

struct umem_request *umem_provider_pull(struct umem_attachment *att,
					bool prefetches);
bool umem_request_is_prefetch(const struct umem_request *req);
void umem_provider_gone(struct umem_attachment *att);

void umem_request_done(struct umem_request *req, enum umem_status status);
void umem_request_done_bh(struct umem_request *req, enum umem_status status);
void umem_request_requeue(struct umem_request *req);

struct page *umem_request_segment(const struct umem_request *req, u32 offset,
				  u32 *length);

#endif /* UMEM_PROVIDER_H */
