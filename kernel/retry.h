/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fault remembers over its retry.
 *
 * A fault that let go of the lock of the mm may only say VM_FAULT_RETRY. When
 * its wait failed, or was interrupted while a time limit runs, it leaves a note
 * for its task; the retried fault takes it, and returns SIGBUS or goes on with
 * the time that is left.
 *
 * A task has one note at most, and a region a limited number: of too many the
 * oldest goes. One that nobody comes back for (a signal handler that jumps, an
 * unmap) is forgotten soon after it lost its meaning; until then it counts for a
 * touch of the same granule.
 */
#ifndef UMEM_RETRY_H
#define UMEM_RETRY_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#define UMEM_RETRY_BITS	6

/**
 * struct umem_retry_bucket - notes of tasks that hash alike
 * @lock: protects @notes; taken in process context only, without others.
 * @notes: the notes; a task looks without the lock whether there are any, as
 *	its own was left by itself.
 */
struct umem_retry_bucket {
	spinlock_t lock;
	struct hlist_head notes;
};

/**
 * struct umem_retries - notes of a region
 * @count: how many there are, so that there is nothing to look for as a rule.
 * @buckets: by task.
 */
struct umem_retries {
	atomic_t count;
	struct umem_retry_bucket buckets[1 << UMEM_RETRY_BITS];
};

/**
 * struct umem_retry - what is noted
 * @failed: the wait failed; SIGBUS.
 * @waits: it was interrupted: @deadline holds.
 * @deadline: when the policy's time limit is over, jiffies.
 */
struct umem_retry {
	bool failed;
	bool waits;
	unsigned long deadline;
};

void umem_retries_init(struct umem_retries *retries);
void umem_retries_destroy(struct umem_retries *retries);
void umem_retry_leave(struct umem_retries *retries, unsigned long granule,
		      const struct umem_retry *retry);
struct umem_retry umem_retry_find(struct umem_retries *retries,
				  unsigned long granule);

/**
 * umem_retry_take - the note that the current task's last fault left
 * @retries: of the region.
 * @granule: what it touches now.
 *
 * Each note is taken once. Process context, does not sleep.
 *
 * Return: what was noted for @granule; neither failed nor waiting, if nothing was. By
 * value, so that it stays in registers.
 */
static inline struct umem_retry umem_retry_take(struct umem_retries *retries,
						unsigned long granule)
{
	/* A task's own note was counted by itself. */
	if (unlikely(atomic_read(&retries->count)))
		return umem_retry_find(retries, granule);
	return (struct umem_retry){};
}

#endif /* UMEM_RETRY_H */
