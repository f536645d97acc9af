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
	struct list_head entry;
	const struct task_struct *task;
	u64 task_start;
	unsigned long granule;
	unsigned long expires;
};

void umem_verdicts_init(struct umem_verdicts *verdicts)
{
	spin_lock_init(&verdicts->lock);
	INIT_LIST_HEAD(&verdicts->list);
}

void umem_verdicts_destroy(struct umem_verdicts *verdicts)
{
	struct umem_verdict *verdict, *next;

	list_for_each_entry_safe(verdict, next, &verdicts->list, entry)
		kfree(verdict);
}

static bool is_mine(const struct umem_verdict *verdict, unsigned long granule)
{
	return verdict->granule == granule && verdict->task == current &&
	       verdict->task_start == current->start_boottime;
}

/* Moves what is out of date or mine for @granule to @out. */
static bool collect(struct umem_verdicts *verdicts, unsigned long granule,
		    struct list_head *out)
{
	struct umem_verdict *verdict, *next;
	bool found = false;

	list_for_each_entry_safe(verdict, next, &verdicts->list, entry) {
		bool expired = time_after(jiffies, verdict->expires);

		if (!expired && is_mine(verdict, granule))
			found = true;
		else if (!expired)
			continue;
		list_move(&verdict->entry, out);
	}
	return found;
}

static void free_all(struct list_head *list)
{
	struct umem_verdict *verdict, *next;

	list_for_each_entry_safe(verdict, next, list, entry)
		kfree(verdict);
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
	LIST_HEAD(old);

	if (!verdict)
		return;
	verdict->task = current;
	verdict->task_start = current->start_boottime;
	verdict->granule = granule;
	verdict->expires = jiffies + VERDICT_LIFETIME;

	spin_lock(&verdicts->lock);
	collect(verdicts, granule, &old);
	list_add(&verdict->entry, &verdicts->list);
	spin_unlock(&verdicts->lock);
	free_all(&old);
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
	LIST_HEAD(old);
	bool found;

	if (list_empty_careful(&verdicts->list))
		return false;
	spin_lock(&verdicts->lock);
	found = collect(verdicts, granule, &old);
	spin_unlock(&verdicts->lock);
	free_all(&old);
	return found;
}
