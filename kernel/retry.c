// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notes of faults for their retry: see retry.h.
 */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "retry.h"

/* How long a note waits for its task, and how many wait in one bucket. */
#define FAILED_LIFETIME	HZ
#define LIMIT_LIFETIME	(HZ / 4)
#define BUCKET_NOTES	64

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
	unsigned int i;

	atomic_set(&retries->count, 0);
	for (i = 0; i < ARRAY_SIZE(retries->buckets); i++) {
		spin_lock_init(&retries->buckets[i].lock);
		INIT_HLIST_HEAD(&retries->buckets[i].notes);
	}
}

void umem_retries_destroy(struct umem_retries *retries)
{
	struct hlist_node *next;
	struct note *note;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(retries->buckets); i++)
		hlist_for_each_entry_safe(note, next,
					  &retries->buckets[i].notes, entry)
			kfree(note);
}

static struct umem_retry_bucket *my_bucket(struct umem_retries *retries)
{
	return &retries->buckets[hash_ptr(current, UMEM_RETRY_BITS)];
}

/*
 * Frees my note and those that are out of date. Returns how many are left;
 * *@mine is set when there was one of mine.
 */
static unsigned int clean(struct umem_retries *retries,
			  struct umem_retry_bucket *bucket, struct note *mine)
{
	struct hlist_node *next;
	unsigned int left = 0;
	struct note *note;

	hlist_for_each_entry_safe(note, next, &bucket->notes, entry) {
		bool is_mine = note->task == current &&
			       note->task_start == current->start_boottime;

		if (!is_mine && !time_after(jiffies, note->expires)) {
			left++;
			continue;
		}
		if (is_mine)
			*mine = *note;
		hlist_del(&note->entry);
		kfree(note);
		atomic_dec(&retries->count);
	}
	return left;
}

/* Others must not be able to fill a bucket, and so keep notes from being left. */
static void forget_oldest(struct umem_retries *retries,
			  struct umem_retry_bucket *bucket)
{
	struct note *note, *oldest = NULL;

	hlist_for_each_entry(note, &bucket->notes, entry)
		oldest = note;
	if (!oldest)
		return;
	hlist_del(&oldest->entry);
	kfree(oldest);
	atomic_dec(&retries->count);
}

/**
 * umem_retry_leave - leave a note for the current task's retried fault
 * @retries: of the region.
 * @granule: what it waited for.
 * @retry: what to note.
 *
 * May sleep. When memory is short nothing is noted: the retried fault then
 * begins anew. So does that of the oldest note when there are too many.
 */
void umem_retry_leave(struct umem_retries *retries, unsigned long granule,
		      const struct umem_retry *retry)
{
	struct umem_retry_bucket *bucket = my_bucket(retries);
	struct note *note, old;

	note = kmalloc(sizeof(*note), GFP_KERNEL_ACCOUNT);
	if (!note)
		return;
	note->task = current;
	note->task_start = current->start_boottime;
	note->granule = granule;
	note->retry = *retry;
	note->expires = retry->failed ? jiffies + FAILED_LIFETIME :
		retry->deadline + LIMIT_LIFETIME;

	spin_lock(&bucket->lock);
	if (clean(retries, bucket, &old) >= BUCKET_NOTES)
		forget_oldest(retries, bucket);
	hlist_add_head(&note->entry, &bucket->notes);
	atomic_inc(&retries->count);
	spin_unlock(&bucket->lock);
}

/* umem_retry_take() where there are notes at all. */
struct umem_retry umem_retry_find(struct umem_retries *retries,
				  unsigned long granule)
{
	struct umem_retry_bucket *bucket = my_bucket(retries);
	struct note mine = { .task = NULL };

	if (hlist_empty(&bucket->notes))
		return (struct umem_retry){};
	spin_lock(&bucket->lock);
	clean(retries, bucket, &mine);
	spin_unlock(&bucket->lock);
	if (mine.task && mine.granule == granule &&
	    !time_after(jiffies, mine.expires))
		return mine.retry;
	return (struct umem_retry){};
}
