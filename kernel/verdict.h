/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Verdicts: errors that a sleeping fault could not return.
 *
 * A fault that let go of the lock of the mm may only say VM_FAULT_RETRY. When
 * its wait ended by FAIL or by a timeout, it leaves a verdict for its task;
 * the retried fault finds it and returns SIGBUS. A verdict that nobody comes
 * back for (a signal, an unmap) is forgotten after a second; then the touch
 * just asks the provider again.
 */
#ifndef UMEM_VERDICT_H
#define UMEM_VERDICT_H

#include <linux/hashtable.h>
#include <linux/spinlock.h>

#define UMEM_VERDICT_BITS	6

/**
 * struct umem_verdicts - verdicts of a region
 * @lock: protects @tasks; taken in process context only, without others.
 * @count: number of verdicts; written under @lock, read without as a hint.
 * @tasks: by task.
 */
struct umem_verdicts {
	spinlock_t lock;
	unsigned int count;
	DECLARE_HASHTABLE(tasks, UMEM_VERDICT_BITS);
};

void umem_verdicts_init(struct umem_verdicts *verdicts);
void umem_verdicts_destroy(struct umem_verdicts *verdicts);
void umem_verdict_leave(struct umem_verdicts *verdicts, unsigned long granule);
bool umem_verdict_take(struct umem_verdicts *verdicts, unsigned long granule);

#endif /* UMEM_VERDICT_H */
