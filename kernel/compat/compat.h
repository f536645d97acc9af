/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernel versions. Every test of the version lives in this
 * folder; each entry names the kernel that changed.
 */
#ifndef UMEM_COMPAT_H
#define UMEM_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/version.h>

/* 6.3: i_op->setattr takes the mount's idmap in place of a user namespace. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define umem_idmap mnt_idmap
#else
#define umem_idmap user_namespace
#endif

/* 6.3: vm_flags became constant, changed through helpers that take the lock. */
static inline void umem_vm_flags_set(struct vm_area_struct *vma,
				     unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void umem_vm_flags_clear(struct vm_area_struct *vma,
				       unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/* 6.4: each VMA has a lock of its own besides mmap_lock. */
static inline void umem_vma_start_write(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	vma_start_write(vma);
#endif
}

/* 6.8: the page cache gives up a folio in place of a page. */
static inline void umem_remove_folio(struct address_space *mapping,
				     struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	generic_error_remove_folio(mapping, folio);
#else
	generic_error_remove_page(mapping, &folio->page);
#endif
}

/* 6.6: a fault may hold the lock of its VMA in place of mmap_lock. */
static inline void umem_release_fault_lock(struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	release_fault_lock(vmf);
#else
	mmap_read_unlock(vmf->vma->vm_mm);
#endif
}

#ifdef CONFIG_NUMA
/* 6.7: get_policy() tells the index for interleaving as well. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
struct mempolicy *umem_get_policy(struct vm_area_struct *vma,
				  unsigned long addr, pgoff_t *ilx);
#else
struct mempolicy *umem_get_policy(struct vm_area_struct *vma,
				  unsigned long addr);
#endif
#endif

/*
 * 6.18: tmpfs has mmap_prepare() in place of mmap(). It is called for a VMA that
 * exists already, with the helpers of 7.3 for nested drivers. @fops are not
 * those of @file.
 */
static inline int umem_call_mmap(const struct file_operations *fops,
				 struct file *file, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	struct vm_area_desc desc;
	int err;

	if (!fops->mmap_prepare)
		return fops->mmap(file, vma);
	compat_set_desc_from_vma(&desc, file, vma);
	err = fops->mmap_prepare(&desc);
	return err ?: __compat_vma_mmap(&desc, vma);
#else
	return fops->mmap(file, vma);
#endif
}

static inline void umem_set_mmap(struct file_operations *fops,
				 int (*mmap)(struct file *,
					     struct vm_area_struct *))
{
	fops->mmap = mmap;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	/* A file has one or the other. */
	fops->mmap_prepare = NULL;
#endif
}

/* 7.0: flags of a VMA are a bitmap, in the arguments of tmpfs as well. */
static inline struct file *umem_shmem_file_setup(struct vfsmount *mount,
						 const char *name, loff_t size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup_with_mnt(mount, name, size,
					 mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup_with_mnt(mount, name, size, VM_NORESERVE);
#endif
}

/* 6.5: splicing from read_iter got a new name and copies. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define umem_splice_read copy_splice_read
#else
#define umem_splice_read generic_file_splice_read
#endif

/*
 * The folio of a page that is about to be written whole: locked, with a
 * reference, and not zeroed when it is new. 6.12: folios in place of pages;
 * 6.17: another first argument, which tmpfs has no use for either. Returns 0 or
 * an error.
 */
static inline int umem_write_begin(struct address_space *mapping, pgoff_t index,
				   struct folio **folio)
{
	loff_t pos = (loff_t)index << PAGE_SHIFT;
	void *data;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return mapping->a_ops->write_begin(NULL, mapping, pos, PAGE_SIZE, folio,
					   &data);
#else
	struct page *page;
	int err = mapping->a_ops->write_begin(NULL, mapping, pos, PAGE_SIZE,
					      &page, &data);

	if (!err)
		*folio = page_folio(page);
	return err;
#endif
}

/* 6.6: copying into a folio; the one into a page went away later. */
static inline size_t umem_copy_page_from_iter_atomic(struct page *page,
						     size_t bytes,
						     struct iov_iter *from)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	struct folio *folio = page_folio(page);

	return copy_folio_from_iter_atomic(folio, folio_page_idx(folio, page) *
					   PAGE_SIZE, bytes, from);
#else
	return copy_page_from_iter_atomic(page, 0, bytes, from);
#endif
}

/*
 * 6.7: struct file comes from a type-safe RCU cache, so that a reference must
 * be taken by get_file_active(), which looks again at the pointer.
 */
static inline struct file *umem_file_get_active(struct file **pointer)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return get_file_active(pointer);
#else
	struct file *file;

	rcu_read_lock();
	file = READ_ONCE(*pointer);
	if (file && !get_file_rcu(file))
		file = NULL;
	rcu_read_unlock();
	return file;
#endif
}

/* 6.7: the times of an inode are set through helpers. */
static inline void umem_inode_init_times(struct inode *inode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	simple_inode_init_ts(inode);
#else
	inode->i_mtime = current_time(inode);
	inode->i_atime = inode->i_mtime;
	inode->i_ctime = inode->i_mtime;
#endif
}

/* 6.13: a timer gets its function when it is made. */
static inline void
umem_hrtimer_setup(struct hrtimer *timer,
		   enum hrtimer_restart (*function)(struct hrtimer *),
		   clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/* 6.19: i_state is changed through helpers. @inode is new, nobody else has it. */
static inline void umem_inode_set_state(struct inode *inode, unsigned int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	inode_state_set_raw(inode, flags);
#else
	inode->i_state |= flags;
#endif
}

#endif /* UMEM_COMPAT_H */
