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

#include <linux/list.h>
#include <linux/spinlock.h>

/**
 * struct umem_verdicts - verdicts of a region
 * @lock: protects @list; taken in process context only, without others.
 * @list: newest first.
 */
struct umem_verdicts {
	spinlock_t lock;
	struct list_head list;
};

void umem_verdicts_init(struct umem_verdicts *verdicts);
void umem_verdicts_destroy(struct umem_verdicts *verdicts);
void umem_verdict_leave(struct umem_verdicts *verdicts, unsigned long granule);
bool umem_verdict_take(struct umem_verdicts *verdicts, unsigned long granule);

#endif /* UMEM_VERDICT_H */
