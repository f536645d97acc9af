/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fault remembers over its retry.
 *
 * A fault that let go of the lock of the mm may only say VM_FAULT_RETRY. When
 * its wait failed, or was interrupted while a time limit runs, it leaves a note
 * for its task; the retried fault takes it, and returns SIGBUS or goes on with
 * the time that is left. A note that nobody comes back for (a signal handler
 * that jumps, an unmap) is forgotten a second after it lost its meaning.
 */
#ifndef UMEM_RETRY_H
#define UMEM_RETRY_H

#include <linux/hashtable.h>
#include <linux/spinlock.h>

#define UMEM_RETRY_BITS	6

/**
 * struct umem_retries - notes of a region
 * @lock: protects @tasks; taken in process context only, without others.
 * @count: number of notes; written under @lock, read without as a hint.
 * @tasks: by task.
 */
struct umem_retries {
	spinlock_t lock;
	unsigned int count;
	DECLARE_HASHTABLE(tasks, UMEM_RETRY_BITS);
};

/**
 * struct umem_retry - what is noted
 * @failed: the wait failed; SIGBUS.
 * @deadline: else: when the policy's time limit is over, jiffies.
 */
struct umem_retry {
	bool failed;
	unsigned long deadline;
};

void umem_retries_init(struct umem_retries *retries);
void umem_retries_destroy(struct umem_retries *retries);
void umem_retry_leave(struct umem_retries *retries, unsigned long granule,
		      const struct umem_retry *retry);
bool umem_retry_take(struct umem_retries *retries, unsigned long granule,
		     struct umem_retry *retry);

#endif /* UMEM_RETRY_H */
