/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attachments: the core's side of provider.h.
 */
#ifndef UMEM_ATTACH_H
#define UMEM_ATTACH_H

#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/sched/clock.h>
#include <linux/workqueue.h>

#include "attach_state.h"
#include "provider.h"
#include "request.h"

struct umem_channel;

/**
 * struct umem_attachment - a provider in the kernel
 * @channel: fixed: the claimed channel, counted.
 * @ops: fixed at commit.
 * @priv: fixed at commit: the provider's own.
 * @spin_ns: fixed at commit: how long a fault may poll; 0 without @ops->poll.
 * @latency_ns: how long the provider takes as a rule; 0: not known yet. Who
 *	changes it at the same time as another is lost.
 * @state: enum umem_attachment_state; changed by cmpxchg, as the provider may
 *	say in any context that it is gone.
 * @detach: ends and frees it.
 */
struct umem_attachment {
	struct umem_channel *channel;
	const struct umem_provider_ops *ops;
	void *priv;
	u32 spin_ns;
	u32 latency_ns;
	enum umem_attachment_state state;
	struct work_struct detach;
};

int umem_attach_init(void);
void umem_attach_exit(void);

/* One granule of 1 << LEARN_BITS tells how long the provider takes. */
#define UMEM_LEARN_BITS	3

void umem_attachment_unpublish(struct umem_attachment *att);
void umem_attachment_end(struct umem_attachment *att);
int umem_attachments_drained(struct umem_region *region);

/* Under RCU, with an attachment read from region->attachment. */
void umem_attachment_refused(struct umem_attachment *att,
			     struct umem_request *req);

/* Another may have been attached since @req was submitted. */
static inline void umem_attachment_poll(struct umem_attachment *att,
					struct umem_request *req)
{
	if (likely(att->spin_ns))
		att->ops->poll(att->priv, req);
}

static inline void umem_attachment_arm(struct umem_attachment *att,
				       struct umem_request *req)
{
	if (att->spin_ns)
		att->ops->arm(att->priv, req);
}

/*
 * Whether the time of @req is taken. By its granule, so that what is early and what
 * is late counts alike.
 */
static inline bool umem_attachment_measures(const struct umem_attachment *att,
					    const struct umem_request *req)
{
	return !hash_long(req->granule, UMEM_LEARN_BITS) ||
	       !READ_ONCE(att->latency_ns);
}

/* @polled: req->polled, which whoever found @req may have cleared since. */
static inline void umem_attachment_submit(struct umem_attachment *att,
					  struct umem_request *req, bool polled)
{
	if (unlikely(att->ops->submit(att->priv, req, polled))) {
		umem_attachment_refused(att, req);
		return;
	}
	/*
	 * What ended at once is nothing that anybody would poll for; prefetches
	 * come in crowds, and tell how long a crowd takes.
	 */
	if (READ_ONCE(req->state) != UMEM_REQUEST_ISSUED || !att->spin_ns ||
	    READ_ONCE(req->prefetch))
		return;
	if (umem_attachment_measures(att, req))
		WRITE_ONCE(req->submitted, local_clock());
	/*
	 * Who found the request and sleeps may have called @arm before @submit
	 * knew it. Pairs with umem_request_end_polling(): it sees the request
	 * submitted, or we see that it sleeps.
	 */
	smp_mb();
	if (polled && unlikely(!READ_ONCE(req->polled)))
		umem_attachment_arm(att, req);
}

/* Whether the provider as a rule answers while a fault may poll. */
static inline bool umem_attachment_is_fast(const struct umem_attachment *att)
{
	u32 latency = READ_ONCE(att->latency_ns);

	return latency && latency <= att->spin_ns;
}

void umem_attachment_learn(struct umem_attachment *att, u64 ns);
void umem_attachment_kick(struct umem_attachment *att);
void umem_attachment_describe(struct umem_attachment *att, char *buf,
			      size_t size);

#endif /* UMEM_ATTACH_H */
