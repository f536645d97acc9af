// SPDX-License-Identifier: GPL-2.0-only
/*
 * UMEM_IOC_FINALIZE: the end of the gate, once there is nothing behind it.
 *
 * A mapping becomes one of tmpfs: its operations are tmpfs's own, and what kept
 * huge pages away from it is gone. Its file stays the backing file, so what the
 * region consists of (the bitmap too) stays as long as somebody maps it.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "attach.h"
#include "channel.h"
#include "compat/compat.h"
#include "region.h"

/* How much of the bitmap is read at a time: 4 KiB of it. */
#define SCAN_GRANULES	32768UL

/* Whether nothing is missing: 0, -EBUSY or -EINTR. Sleeps. */
static int check_complete(const struct umem_region *region)
{
	unsigned long granule = 0;
	unsigned long end;

	for (; granule < region->granules; granule = end) {
		end = min(granule + SCAN_GRANULES, region->granules);
		if (find_next_zero_bit(region->provided, end, granule) < end)
			return -EBUSY;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	/* Pairs with the barrier of test_and_set_bit() when publishing. */
	smp_rmb();
	return 0;
}

/* The address space of a process, as the caller's pid namespace numbers it. */
static struct mm_struct *mm_of(pid_t number)
{
	struct task_struct *task;
	struct mm_struct *mm;
	struct pid *pid;

	if (!number)
		return get_task_mm(current);
	pid = find_get_pid(number);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return ERR_PTR(-ESRCH);
	mm = get_task_mm(task);
	if (!mm)
		mm = ERR_PTR(task->flags & PF_KTHREAD ? -EINVAL : -ESRCH);
	put_task_struct(task);
	return mm;
}

static void make_plain(struct vm_area_struct *vma)
{
	/* Faults that hold this VMA's lock only are over after this. */
	umem_vma_start_write(vma);
	umem_vm_flags_clear(vma, VM_DONTEXPAND);
	vma->vm_ops = umem_fault_backing_ops();
}

/* The number of mappings that were changed, or -EINTR. */
static long make_all_plain(struct mm_struct *mm, const struct file *backing)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	long changed = 0;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	for_each_vma(vmi, vma) {
		/* Not those of a channel, which are a provider's. */
		if (vma->vm_file != backing || vma->vm_ops != &umem_vm_ops)
			continue;
		make_plain(vma);
		changed++;
	}
	mmap_write_unlock(mm);
	return changed;
}

/**
 * umem_region_finalize - make the mappings of one process plain
 * @region: the region, held by a region fd; the caller has checked its rights.
 * @pid: the process, 0 for the caller.
 *
 * Ends the provider. Mappings made later are plain at once. Process context,
 * sleeps.
 *
 * Return: the number of mappings changed, -EBUSY while a granule is missing,
 * -ESRCH, -EINVAL for a kernel thread, -EINTR for a fatal signal.
 */
long umem_region_finalize(struct umem_region *region, pid_t pid)
{
	struct mm_struct *mm;
	long ret;

	ret = check_complete(region);
	if (ret)
		return ret;
	mm = mm_of(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	umem_channel_end(region);
	ret = umem_attachments_drained(region);
	if (!ret) {
		/* Before the lock: whoever maps meanwhile is found below. */
		WRITE_ONCE(region->finalized, true);
		ret = make_all_plain(mm, region->backing);
	}
	mmput(mm);
	return ret;
}
