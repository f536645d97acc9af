// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults: the gate before tmpfs's own.
 *
 * A granule that is provided is left to tmpfs (swap-in, memcg, NUMA policy as
 * ever). A missing one is asked for, and the fault sleeps without the lock of
 * the mm and is retried, or fails; it is never filled with zeroes.
 */
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "backing.h"
#include "compat/compat.h"
#include "region.h"
#include "spin.h"
#include "trace.h"
#include "wait.h"

/*
 * For those who must not sleep for ever: faults that may not let go of the
 * lock, and kernel threads that work on another's memory (KVM's asynchronous
 * page faults: a QEMU being killed waits for them).
 */
#define BOUNDED_WAIT		HZ
/* How often a fault of the kernel with a signal pending looks again. */
#define SIGNAL_PENDING_WAIT	(HZ / 100 + 1)
/* How often a kernel thread looks whether its mm has another user. */
#define BORROWED_MM_WAIT	(HZ / 4)
/* What is mapped at once with read-ahead: as core code does by default. */
#define AHEAD_PAGES		16UL

static const struct vm_operations_struct *tmpfs_vm_ops;

/* Called with the operations that tmpfs set up; always the same. */
void umem_fault_set_backing_ops(const struct vm_operations_struct *ops)
{
	WRITE_ONCE(tmpfs_vm_ops, ops);
}

/* tmpfs's own operations; only for a VMA that has ours. */
const struct vm_operations_struct *umem_fault_backing_ops(void)
{
	return READ_ONCE(tmpfs_vm_ops);
}

static struct umem_region *region_of(const struct vm_fault *vmf)
{
	return vmf->vma->vm_file->private_data;
}

/* Returns the first missing granule of the range, or @end. */
static unsigned long first_missing(const struct umem_region *region,
				   unsigned long granule, unsigned long end)
{
	while (granule < end && umem_granule_provided(region, granule))
		granule++;
	return granule;
}

/*
 * By the advice of a VMA tmpfs would put a huge page into a hole, over granules
 * that are missing; without a VMA it takes a small one.
 */
static void fill_hole_small(struct umem_region *region, pgoff_t index)
{
	struct page *page = umem_backing_get_page(region, index);

	/* What went wrong tmpfs will find as well. */
	if (!IS_ERR(page))
		put_page(page);
}

/*
 * The page, if its folio can be had at once and locked: what tmpfs would return,
 * after more questions than a granule that is provided asks. A provided granule's
 * page is in the page cache until somebody takes it away under that lock. Returns
 * 0 to leave all to tmpfs; the reference is the fault's otherwise.
 */
static __always_inline vm_fault_t
fault_lock_page(struct vm_fault *vmf, const struct umem_region *region,
		struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio) || !folio_trylock(folio))
		return 0;
	/* Not after a hole was made. */
	if (unlikely(folio->mapping != region->mapping ||
		     !folio_test_uptodate(folio))) {
		folio_unlock(folio);
		return 0;
	}
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

/* A page that was provided and has stayed in memory. */
static vm_fault_t fault_find_page(struct vm_fault *vmf,
				  const struct umem_region *region)
{
	struct page *page = find_get_page(region->mapping, vmf->pgoff);

	if (!page)
		return 0;
	if (fault_lock_page(vmf, region, page))
		return VM_FAULT_LOCKED;
	put_page(page);
	return 0;
}

/*
 * Let tmpfs have the fault. It may come back with a large folio although our
 * mount wants none (shmem_enabled=force), and core code then maps all of it:
 * *@missing is set to a granule of it that is not provided, with nothing held.
 */
static vm_fault_t fault_tmpfs(struct vm_fault *vmf, unsigned long *missing)
{
	struct umem_region *region = region_of(vmf);
	unsigned long first, end;
	struct folio *folio;
	pgoff_t last;
	vm_fault_t ret;

	if (likely(!region->granule_order)) {
		ret = fault_find_page(vmf, region);
		if (ret)
			return ret;
		if (vmf->vma->vm_flags & VM_HUGEPAGE)
			fill_hole_small(region, vmf->pgoff);
	}
	ret = umem_fault_backing_ops()->fault(vmf);
	/* After RETRY the VMA may be gone: @vmf is not looked at. */
	if (!(ret & VM_FAULT_LOCKED))
		return ret;
	folio = page_folio(vmf->page);
	if (likely(!folio_test_large(folio)))
		return ret;
	last = folio->index + folio_nr_pages(folio) - 1;
	end = min(umem_granule_of(region, last) + 1, region->granules);
	first = first_missing(region, umem_granule_of(region, folio->index),
			      end);
	if (first >= end)
		return ret;
	folio_unlock(folio);
	folio_put(folio);
	vmf->page = NULL;
	*missing = first;
	return 0;
}

/*
 * How the flags of the fault and the policy let it wait. @deadline, in jiffies,
 * is when the policy's time limit is over, if it has one.
 */
static void wait_init(struct umem_wait *wait, const struct umem_region *region,
		      unsigned int flags, unsigned long deadline)
{
	/* Whoever is killed may as well get SIGBUS: no need for KILLABLE. */
	umem_wait_init(wait, region, flags & FAULT_FLAG_INTERRUPTIBLE ?
		       TASK_INTERRUPTIBLE : TASK_KILLABLE);

	if (region->wait_policy == UMEM_WAIT_TIMEOUT)
		wait->remaining = max(0L, (long)(deadline - jiffies));
	if (!(flags & FAULT_FLAG_ALLOW_RETRY) ||
	    ((flags & FAULT_FLAG_REMOTE) && (current->flags & PF_KTHREAD)))
		umem_wait_limit(wait, BOUNDED_WAIT);
}

/*
 * An interruptible fault of the kernel (copy_from_user()) is retried at once
 * while a signal is pending that only the return to user mode delivers; it must
 * not spin. KVM's page faults look the same, but heed the signal.
 */
static bool signal_is_in_the_way(unsigned int flags)
{
	return (flags & FAULT_FLAG_INTERRUPTIBLE) &&
	       !(flags & FAULT_FLAG_USER) && signal_pending(current);
}

/*
 * A kernel thread that works in a process's memory as if it were its own
 * (vhost). No signal reaches it, and the end of that process waits for it.
 */
static bool mm_is_borrowed(unsigned int flags)
{
	return (current->flags & PF_KTHREAD) && current->mm &&
	       !(flags & FAULT_FLAG_REMOTE);
}

/* Whether nobody but kernel threads uses the mm, as far as that is known. */
static bool mm_is_abandoned(void)
{
#ifdef CONFIG_MEMCG
	return !READ_ONCE(current->mm->owner);
#else
	return true;
#endif
}

/* What the retried fault must know; all else it finds out anew. */
static void note_for_retry(struct umem_region *region, unsigned long granule,
			   int err, unsigned long deadline)
{
	struct umem_retry retry = {
		.failed = err == -EIO || err == -ETIMEDOUT,
		.waits = err == -ERESTARTSYS &&
			 region->wait_policy == UMEM_WAIT_TIMEOUT,
		.deadline = deadline,
	};

	/* A task that is being killed does not come back. */
	if (fatal_signal_pending(current))
		return;
	if (retry.failed || retry.waits)
		umem_retry_leave(&region->retries, granule, &retry);
}

/* Wait for @longest at most, then look around. False if that is no limit. */
static bool wait_slice(struct umem_wait *wait, long longest)
{
	if (wait->remaining <= longest)
		return false;
	umem_wait_limit(wait, longest);
	return true;
}

/* Sleep without the lock of the mm; @vmf is not valid afterwards. */
static vm_fault_t fault_sleep_unlocked(struct vm_fault *vmf,
				       struct umem_region *region,
				       unsigned long granule,
				       struct umem_request *req,
				       unsigned long deadline)
{
	struct file *pin = get_file(vmf->vma->vm_file);
	unsigned int flags = vmf->flags;
	struct umem_wait wait;
	bool slice = false;
	int err;

	umem_release_fault_lock(vmf);
	wait_init(&wait, region, flags, deadline);
	if (signal_is_in_the_way(flags)) {
		wait.state = TASK_KILLABLE;
		slice = wait_slice(&wait, SIGNAL_PENDING_WAIT);
	} else if (mm_is_borrowed(flags)) {
		slice = wait_slice(&wait, BORROWED_MM_WAIT);
	}
	err = umem_wait_provided(region, granule, req, &wait);
	if (err == -ETIMEDOUT && slice)
		err = mm_is_borrowed(flags) && mm_is_abandoned() ?
			-EIO : -ERESTARTSYS;
	note_for_retry(region, granule, err, deadline);
	fput(pin);
	return VM_FAULT_RETRY;
}

static vm_fault_t fault_sleep_locked(struct vm_fault *vmf,
				     struct umem_region *region,
				     unsigned long granule,
				     struct umem_request *req,
				     unsigned long deadline)
{
	struct umem_wait wait;

	wait_init(&wait, region, vmf->flags, deadline);
	return umem_wait_provided(region, granule, req, &wait) ?
		VM_FAULT_SIGBUS : 0;
}

/* Leave a request for which nobody else may poll, or who does may not run. */
static noinline void fault_put(struct umem_request *req)
{
	umem_request_arm_open(req);
	umem_request_put(req);
}

/*
 * Not here yet: wait as the flags of the fault allow, as long as the policy does, from
 * now on, or @retry has left of that. Takes over @req.
 */
static vm_fault_t fault_wait(struct vm_fault *vmf, struct umem_region *region,
			     unsigned long granule, struct umem_request *req,
			     struct umem_retry retry)
{
	unsigned long deadline = retry.waits ? retry.deadline :
					       jiffies + region->timeout;

	/* With both bits the caller cannot sleep; the lock stays with it. */
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT) {
		if (!IS_ERR(req))
			fault_put(req);
		return VM_FAULT_RETRY;
	}
	if (vmf->flags & FAULT_FLAG_ALLOW_RETRY)
		return fault_sleep_unlocked(vmf, region, granule, req,
					    deadline);
	return fault_sleep_locked(vmf, region, granule, req, deadline);
}

/* Kernel threads that act for a task (KVM's) come after its own fault. */
static bool reads_ahead(const struct umem_region *region, unsigned int flags)
{
	return region->streams.most &&
	       !((flags & FAULT_FLAG_REMOTE) && (current->flags & PF_KTHREAD));
}

static enum umem_fault_end how_it_ended(vm_fault_t ret, bool nowait)
{
	if (ret & VM_FAULT_RETRY)
		return nowait ? UMEM_FAULT_NOWAIT : UMEM_FAULT_SLEPT;
	if (ret & VM_FAULT_OOM)
		return UMEM_FAULT_NOMEM;
	return ret & VM_FAULT_SIGBUS ? UMEM_FAULT_FAILED : UMEM_FAULT_PROVIDED;
}

static void fault_unlock(struct umem_asked asked)
{
	if (asked.locked)
		folio_unlock(asked.locked);
}

/*
 * Whether there is nothing to do but to map the page: else there is more to do with
 * what is there, or it is a neighbour in a large folio that was missing.
 */
static __always_inline bool fault_maps(const struct vm_fault *vmf,
				       const struct umem_region *region,
				       unsigned long granule)
{
	return likely(granule == vmf->pgoff && !region->granule_order) &&
	       (!region->streams.most || !umem_streams_follow(region, granule));
}

/*
 * The answer is there: map the page that we have, without looking it up. Drops the
 * reference of the request. Returns 0 when the granule is to be looked at again.
 */
static __always_inline vm_fault_t
fault_take_page(struct vm_fault *vmf, struct umem_region *region,
		unsigned long granule, struct umem_asked asked)
{
	struct umem_request *req = asked.req;
	vm_fault_t ret = 0;

	if (likely(asked.locked)) {
		/* Not when a ZERO was published where no page was yet. */
		if (likely(folio_test_uptodate(asked.locked))) {
			vmf->page = folio_page(asked.locked, 0);
			ret = VM_FAULT_LOCKED;
		} else {
			folio_unlock(asked.locked);
		}
	} else if (fault_maps(vmf, region, granule)) {
		ret = fault_lock_page(vmf, region, req->data.page);
	}
	if (likely(ret && umem_request_put_last(&region->requests, req)))
		return ret;
	if (ret)
		get_page(vmf->page);
	fault_put(req);
	return ret;
}

/* No request for now, and why. Returns as fault_missing(). */
static noinline vm_fault_t fault_unasked(struct vm_fault *vmf,
					 struct umem_region *region,
					 unsigned long granule,
					 struct umem_request *why,
					 struct umem_retry retry)
{
	if (!why)
		return 0;
	if (why == ERR_PTR(-EAGAIN) || why == ERR_PTR(-EBUSY))
		return fault_wait(vmf, region, granule, why, retry);
	return why == ERR_PTR(-ENOMEM) ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/*
 * Ask for @granule and wait. Returns 0 when it is to be looked at again, with
 * the lock still held, or what the fault returns.
 */
static __always_inline vm_fault_t
fault_missing(struct vm_fault *vmf, struct umem_region *region,
	      unsigned long granule)
{
	struct umem_retry retry = {};
	bool may_spin = !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT);
	bool wary = READ_ONCE(region->wary);
	struct umem_asked asked;
	struct umem_request *req;
	int result;

	/* As userfaultfd: those who cannot be killed must not wait. */
	if (current->flags & (PF_EXITING | PF_DUMPCORE))
		return VM_FAULT_SIGBUS;
	/* Also KVM, ptrace, and whatever else acts for a process. */
	if (unlikely(wary) && (region->flags & UMEM_CREATE_USER_ONLY) &&
	    !(vmf->flags & FAULT_FLAG_USER))
		return VM_FAULT_SIGBUS;
	/* A try that does not sleep leaves the note to the one that does. */
	if (may_spin)
		retry = umem_retry_take(&region->retries, granule);
	if (unlikely(retry.failed || (wary && !umem_region_servable(region))))
		return VM_FAULT_SIGBUS;

	umem_stat_inc(region, UMEM_STAT_FAULTS);
	/* Read-ahead gets pages: not with one locked. */
	asked = umem_request_get_locked(region, granule, may_spin,
					!region->streams.most &&
					granule == vmf->pgoff);
	req = asked.req;
	if (IS_ERR_OR_NULL(req))
		return fault_unasked(vmf, region, granule, req, retry);
	if (reads_ahead(region, vmf->flags))
		umem_streams_missed(region, granule, req);
	/* The provider may have been faster than us, or is about to be. */
	if (likely(umem_granule_provided(region, granule)))
		return fault_take_page(vmf, region, granule, asked);
	result = umem_request_state_result(req);
	if (result == -EINPROGRESS && may_spin && READ_ONCE(req->polled))
		result = umem_request_spin(req);
	if (!result && umem_granule_provided(region, granule))
		return fault_take_page(vmf, region, granule, asked);
	fault_unlock(asked);
	if (result == -EINPROGRESS)
		return fault_wait(vmf, region, granule, req, retry);
	fault_put(req);
	return result ? VM_FAULT_SIGBUS : 0;
}

static bool fault_is_traced(void)
{
	return trace_fault_begin_enabled() || trace_fault_end_enabled();
}

/* The same between two tracepoints; the region may be gone at the second. */
static noinline vm_fault_t fault_missing_traced(struct vm_fault *vmf,
						struct umem_region *region,
						unsigned long granule)
{
	bool nowait = vmf->flags & FAULT_FLAG_RETRY_NOWAIT;
	u64 offset = umem_granule_offset(region, granule);
	unsigned long ino = region->ino;
	vm_fault_t ret;
	u64 start;

	start = ktime_get_ns();
	trace_fault_begin(ino, offset, vmf->flags);
	ret = fault_missing(vmf, region, granule);
	trace_fault_end(ino, offset, ktime_get_ns() - start,
			how_it_ended(ret, nowait));
	return ret;
}

/*
 * All granules of an aligned 2 MiB of the region: one cache line of bits, or one
 * bit.
 */
static bool block_provided(const struct umem_region *region, pgoff_t index)
{
	const unsigned long *words = region->provided +
		BIT_WORD(round_down(index, UMEM_BLOCK_PAGES));
	unsigned int i;

	if (region->granule_order)
		return umem_granule_provided(region,
					     umem_granule_of(region, index));
	for (i = 0; i < UMEM_BLOCK_PAGES / BITS_PER_LONG; i++)
		if (READ_ONCE(words[i]) != ~0UL)
			return false;
	/* Pairs with the barrier of test_and_set_bit() when publishing. */
	smp_rmb();
	return true;
}

/* Without one, core code can map nothing but a large folio by one entry. */
static bool has_page_table(const struct vm_fault *vmf)
{
	return !pmd_none(READ_ONCE(*vmf->pmd));
}

/* Returns the first provided granule of the range, or @end + 1. */
static pgoff_t next_provided(const struct umem_region *region, pgoff_t index,
			     pgoff_t end)
{
	while (index <= end && !umem_granule_provided(region, index))
		index++;
	return index;
}

/* Map what is provided of the range, granules being pages. */
static vm_fault_t map_provided(struct vm_fault *vmf, struct umem_region *region,
			       pgoff_t start, pgoff_t end)
{
	vm_fault_t ret = 0;
	pgoff_t next;

	while ((start = next_provided(region, start, end)) <= end) {
		next = first_missing(region, start, end + 1);
		ret |= umem_fault_backing_ops()->map_pages(vmf, start,
							   next - 1);
		start = next;
	}
	return ret;
}

/*
 * Whether a folio of the size of a page table holds the page, as far as can be
 * seen. Core code would map all of it, whatever range we name, even if there
 * is a page table now: another thread may take that away (MADV_DONTNEED).
 */
static bool in_huge_folio(struct umem_region *region, pgoff_t index)
{
	struct page *page = find_get_page(region->mapping, index);
	bool huge = page && folio_test_large(page_folio(page));

	if (page)
		put_page(page);
	return huge;
}

/* Whether a part of a block may be mapped, and is worth it: there is an order. */
static bool may_map_part(const struct vm_fault *vmf, struct umem_region *region)
{
	return region->streams.most && !region->granule_order &&
	       has_page_table(vmf) && !in_huge_folio(region, vmf->pgoff) &&
	       umem_granule_provided(region, vmf->pgoff) &&
	       umem_streams_follow(region, vmf->pgoff);
}

/*
 * Fault-around. Nothing is mapped around unless all that a large folio could
 * hold is provided, or no such folio could be mapped. Called under RCU, does not
 * sleep.
 */
static vm_fault_t umem_map_pages(struct vm_fault *vmf, pgoff_t start,
				 pgoff_t end)
{
	struct umem_region *region = region_of(vmf);
	pgoff_t pages = umem_granule_index(region, region->granules);

	if (end >= pages)
		end = pages - 1;
	if (start > end)
		return 0;
	if (region->streams.most &&
	    !umem_streams_narrow(region, vmf->pgoff, &start, &end))
		return 0;
	if (block_provided(region, start) && block_provided(region, end))
		return umem_fault_backing_ops()->map_pages(vmf, start, end);
	return may_map_part(vmf, region) ?
		map_provided(vmf, region, start, end) : 0;
}

/*
 * Core code does not map around a write, nor what pushed a window on. Those who
 * write into a shared mapping in order do not mind pages being dirty, which all
 * that was provided are anyway.
 */
static vm_fault_t map_ahead(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	pgoff_t start = round_down(vmf->pgoff, AHEAD_PAGES);
	pgoff_t end = start + AHEAD_PAGES - 1;
	unsigned long table = vmf->address & PMD_MASK;

	if (!(vma->vm_flags & VM_SHARED) && (vmf->flags & FAULT_FLAG_WRITE))
		return 0;
	/* Where there is no page table, core code has one ready for us. */
	start = max(start, linear_page_index(vma, max(vma->vm_start, table)));
	end = min(end, linear_page_index(vma, min(vma->vm_end - 1,
						  table + PMD_SIZE - 1)));
	return umem_map_pages(vmf, start, end);
}

/* The granule at hand is there: read ahead, map ahead. */
static vm_fault_t fault_ahead(struct vm_fault *vmf, struct umem_region *region,
			      unsigned long granule)
{
	bool pushed = umem_streams_touched(region, granule);

	if (pushed || ((vmf->flags & FAULT_FLAG_WRITE) &&
		       umem_streams_follow(region, granule)))
		return map_ahead(vmf) & VM_FAULT_NOPAGE;
	return 0;
}

/*
 * Until all that the fault would map is there, @missing being what is looked at
 * first. @major: something was fetched before.
 */
static noinline vm_fault_t fault_all(struct vm_fault *vmf,
				     struct umem_region *region,
				     unsigned long missing, vm_fault_t major)
{
	vm_fault_t ret;

	/* Beyond the end tmpfs answers SIGBUS. */
	while (missing < region->granules) {
		while (!umem_granule_provided(region, missing)) {
			ret = fault_missing_traced(vmf, region, missing);
			if (ret)
				return ret & VM_FAULT_LOCKED ?
					ret | VM_FAULT_MAJOR : ret;
			major = VM_FAULT_MAJOR;
		}
		if (region->streams.most) {
			ret = fault_ahead(vmf, region, missing);
			if (ret)
				return ret | major;
		}
		ret = fault_tmpfs(vmf, &missing);
		if (ret)
			return ret | (ret & VM_FAULT_RETRY ? 0 : major);
	}
	return fault_tmpfs(vmf, &missing);
}

static vm_fault_t umem_fault(struct vm_fault *vmf)
{
	struct umem_region *region = region_of(vmf);
	unsigned long granule = umem_granule_of(region, vmf->pgoff);
	vm_fault_t ret;

	if (granule >= region->granules ||
	    umem_granule_provided(region, granule) || fault_is_traced())
		return fault_all(vmf, region, granule, 0);
	ret = fault_missing(vmf, region, granule);
	if (likely(ret & VM_FAULT_LOCKED))
		return ret | VM_FAULT_MAJOR;
	return ret ?: fault_all(vmf, region, granule, VM_FAULT_MAJOR);
}

#ifdef CONFIG_NUMA
static int umem_set_policy(struct vm_area_struct *vma, struct mempolicy *new)
{
	struct umem_region *region = vma->vm_file->private_data;

	WRITE_ONCE(region->has_policy, true);
	return umem_fault_backing_ops()->set_policy(vma, new);
}
#endif

const struct vm_operations_struct umem_vm_ops = {
	.fault = umem_fault,
	.map_pages = umem_map_pages,
#ifdef CONFIG_NUMA
	.set_policy = umem_set_policy,
	.get_policy = umem_get_policy,
#endif
};
