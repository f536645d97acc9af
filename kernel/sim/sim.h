/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * umem_sim: a provider without a source, the one to read first.
 *
 * Ownership of a request: while its entry's life is odd the entry has it, and
 * whoever makes the life even by cmpxchg ends it: the entry's timer (softirq),
 * a waiter that polls, UMEM_SIM_IOC_RELEASE, or detach. Nothing else is locked
 * on the path of a request.
 */
#ifndef UMEM_SIM_H
#define UMEM_SIM_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/umem_sim.h>

#include "provider.h"

struct file;
struct umem_sim;

/**
 * struct umem_sim_entry - a request under way, indexed by the request's tag
 * @sim: constant: the provider.
 * @timer: ends it at @deadline, unless all who wait poll.
 * @life: odd while there is a request; grows with each beginning and end.
 * @req: the request. This and what follows up to @error belongs to whoever
 *	has the request; those who read @deadline without having it find out by
 *	@life.
 * @deadline: when it is due; KTIME_MAX: it hangs.
 * @error: it is answered by an error.
 * @taken: counts requests. This and the other counts are written by whoever
 *	has the request of this tag, and read by UMEM_SIM_IOC_STATS.
 * @done: counts answers with bytes.
 * @failed: counts answers by an error.
 * @returned: counts requests given back.
 * @polled: counts answers found by polling.
 */
struct umem_sim_entry {
	struct umem_sim *sim;
	struct hrtimer timer;
	unsigned int life;

	struct umem_request *req;
	ktime_t deadline;
	bool error;

	unsigned long taken;
	unsigned long done;
	unsigned long failed;
	unsigned long returned;
	unsigned long polled;
} ____cacheline_aligned_in_smp;

/**
 * struct umem_sim - a provider
 * @ref: one for the attachment, one for the open device that attached it.
 * @att: constant: the region's side.
 * @info: constant: what the core told of the region.
 * @arg: constant: what was asked for, validated.
 * @chancy: constant: requests differ in what befalls them, or some are refused.
 * @source: bytes of @info.size with UMEM_SIM_COPY; freed by detach.
 * @entries: constant: @info.max_inflight of them.
 * @numbers: requests taken so far, if @chancy.
 * @submissions: submissions so far, if any are refused.
 * @refused: submissions turned away.
 * @gone: @arg.gone_after was reached; only ever set.
 * @transfer_ns: constant: how long a granule takes over the link; 0: not limited.
 * @link_free: when the link has carried what was given to it, as ktime_get().
 * @lock: held to release what hangs; nothing of ours inside.
 * @detached: detach has begun; @lock.
 */
struct umem_sim {
	struct kref ref;
	struct umem_attachment *att;
	struct umem_attach_info info;
	struct umem_sim_attach arg;
	bool chancy;
	void *source;
	struct umem_sim_entry *entries;

	atomic64_t numbers;
	atomic64_t submissions;
	atomic64_t refused;
	bool gone;

	u64 transfer_ns;
	atomic64_t link_free;

	struct mutex lock; /* see above */
	bool detached;
};

/* attach.c */
struct umem_sim *umem_sim_attach(const struct umem_sim_attach *arg);
void umem_sim_put(struct umem_sim *sim);

/* serve.c */
void umem_sim_entry_init(struct umem_sim *sim, struct umem_sim_entry *entry);
int umem_sim_submit(void *priv, struct umem_request *req, bool polled);
void umem_sim_kick(void *priv);
void umem_sim_poll(void *priv, struct umem_request *req);
void umem_sim_arm(void *priv, struct umem_request *req);
bool umem_sim_release(struct umem_sim_entry *entry);
void umem_sim_return(struct umem_sim_entry *entry);
bool umem_sim_hangs(const struct umem_sim_entry *entry);

/* content.c */
int umem_sim_content_load(struct umem_sim *sim);
void umem_sim_content_make(const struct umem_sim *sim,
			   const struct umem_request *req);

/* ioctl.c */
int umem_sim_open(struct inode *inode, struct file *file);
int umem_sim_close(struct inode *inode, struct file *file);
long umem_sim_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* UMEM_SIM_H */
