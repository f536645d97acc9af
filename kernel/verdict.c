// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts: see verdict.h.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "verdict.h"

#define VERDICT_LIFETIME	HZ

/*
 * The task is not pinned: its start time tells a recycled structure from the
 * one that was meant.
 */
struct umem_verdict {
	struct hlist_node entry;
	const struct task_struct *task;
	u64 task_start;
	unsigned long granule;
	unsigned long expires;
};

void umem_verdicts_init(struct umem_verdicts *verdicts)
{
	spin_lock_init(&verdicts->lock);
	hash_init(verdicts->tasks);
}

void umem_verdicts_destroy(struct umem_verdicts *verdicts)
{
	struct umem_verdict *verdict;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(verdicts->tasks, bucket, next, verdict, entry)
		kfree(verdict);
}

static bool is_mine(const struct umem_verdict *verdict, unsigned long granule)
{
	return verdict->granule == granule && verdict->task == current &&
	       verdict->task_start == current->start_boottime;
}

/*
 * Frees what is mine for @granule, and what is out of date beside it. Returns
 * whether there was one of mine.
 */
static bool collect(struct umem_verdicts *verdicts, unsigned long granule)
{
	struct umem_verdict *verdict;
	struct hlist_node *next;
	bool found = false;

	hash_for_each_possible_safe(verdicts->tasks, verdict, next, entry,
				    (unsigned long)current) {
		bool expired = time_after(jiffies, verdict->expires);

		if (!expired && is_mine(verdict, granule))
			found = true;
		else if (!expired)
			continue;
		hash_del(&verdict->entry);
		WRITE_ONCE(verdicts->count, verdicts->count - 1);
		kfree(verdict);
	}
	return found;
}

/**
 * umem_verdict_leave - note that the current task's wait failed
 * @verdicts: of the region.
 * @granule: what it waited for.
 *
 * May sleep. When memory is short nothing is noted: the retried fault then
 * asks once more.
 */
void umem_verdict_leave(struct umem_verdicts *verdicts, unsigned long granule)
{
	struct umem_verdict *verdict = kmalloc(sizeof(*verdict), GFP_KERNEL);

	if (!verdict)
		return;
	verdict->task = current;
	verdict->task_start = current->start_boottime;
	verdict->granule = granule;
	verdict->expires = jiffies + VERDICT_LIFETIME;

	spin_lock(&verdicts->lock);
	collect(verdicts, granule);
	hash_add(verdicts->tasks, &verdict->entry, (unsigned long)current);
	WRITE_ONCE(verdicts->count, verdicts->count + 1);
	spin_unlock(&verdicts->lock);
}

/**
 * umem_verdict_take - whether the current task's last wait failed
 * @verdicts: of the region.
 * @granule: what it touches now.
 *
 * Each verdict is taken once. Process context, does not sleep.
 */
bool umem_verdict_take(struct umem_verdicts *verdicts, unsigned long granule)
{
	bool found;

	if (!READ_ONCE(verdicts->count))
		return false;
	spin_lock(&verdicts->lock);
	found = collect(verdicts, granule);
	spin_unlock(&verdicts->lock);
	return found;
}
