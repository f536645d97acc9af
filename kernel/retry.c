// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notes of faults for their retry: see retry.h.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "retry.h"

#define NOTE_LIFETIME	HZ

/*
 * The task is not pinned: its start time tells a recycled structure from the
 * one that was meant.
 */
struct note {
	struct hlist_node entry;
	const struct task_struct *task;
	u64 task_start;
	unsigned long granule;
	unsigned long expires;
	struct umem_retry retry;
};

void umem_retries_init(struct umem_retries *retries)
{
	spin_lock_init(&retries->lock);
	hash_init(retries->tasks);
}

void umem_retries_destroy(struct umem_retries *retries)
{
	struct hlist_node *next;
	struct note *note;
	int bucket;

	hash_for_each_safe(retries->tasks, bucket, next, note, entry)
		kfree(note);
}

static bool is_mine(const struct note *note, unsigned long granule)
{
	return note->granule == granule && note->task == current &&
	       note->task_start == current->start_boottime;
}

/*
 * Frees what is mine for @granule, and what is out of date beside it. Returns
 * whether there was one of mine, then in @retry.
 */
static bool collect(struct umem_retries *retries, unsigned long granule,
		    struct umem_retry *retry)
{
	struct hlist_node *next;
	struct note *note;
	bool found = false;

	hash_for_each_possible_safe(retries->tasks, note, next, entry,
				    (unsigned long)current) {
		bool expired = time_after(jiffies, note->expires);

		if (!expired && !is_mine(note, granule))
			continue;
		if (!expired) {
			*retry = note->retry;
			found = true;
		}
		hash_del(&note->entry);
		WRITE_ONCE(retries->count, retries->count - 1);
		kfree(note);
	}
	return found;
}

/**
 * umem_retry_leave - leave a note for the current task's retried fault
 * @retries: of the region.
 * @granule: what it waited for.
 * @retry: what to note.
 *
 * May sleep. When memory is short nothing is noted: the retried fault then
 * begins anew.
 */
void umem_retry_leave(struct umem_retries *retries, unsigned long granule,
		      const struct umem_retry *retry)
{
	struct note *note = kmalloc(sizeof(*note), GFP_KERNEL);
	struct umem_retry old;

	if (!note)
		return;
	note->task = current;
	note->task_start = current->start_boottime;
	note->granule = granule;
	note->retry = *retry;
	note->expires = (retry->failed ? jiffies : retry->deadline) +
		NOTE_LIFETIME;

	spin_lock(&retries->lock);
	collect(retries, granule, &old);
	hash_add(retries->tasks, &note->entry, (unsigned long)current);
	WRITE_ONCE(retries->count, retries->count + 1);
	spin_unlock(&retries->lock);
}

/**
 * umem_retry_take - the note that the current task's last fault left
 * @retries: of the region.
 * @granule: what it touches now.
 * @retry: out: what was noted; unchanged when nothing was.
 *
 * Each note is taken once. Process context, does not sleep.
 *
 * Return: whether there was one.
 */
bool umem_retry_take(struct umem_retries *retries, unsigned long granule,
		     struct umem_retry *retry)
{
	bool found;

	if (!READ_ONCE(retries->count))
		return false;
	spin_lock(&retries->lock);
	found = collect(retries, granule, retry);
	spin_unlock(&retries->lock);
	return found;
}
