// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backing: an unlinked tmpfs file that holds a region's pages.
 *
 * Its struct file is private to the region: VMAs refer to it, no fd does. It
 * carries a copy of tmpfs's file operations in which whatever would get
 * around the gate is replaced. Its inode cannot be opened or truncated either:
 * /proc/PID/map_files would offer both.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include "backing.h"
#include "compat/compat.h"
#include "region.h"

/* For granules of one page, and for huge ones. */
static struct vfsmount *backing_mount, *backing_mount_huge;
/* tmpfs's own, and the copies with our changes; fixed by umem_backing_init(). */
static const struct file_operations *tmpfs_fops __ro_after_init;
static const struct inode_operations *tmpfs_inode_ops __ro_after_init;
static const struct file_operations *tmpfs_inode_fops __ro_after_init;
static struct file_operations backing_fops __ro_after_init;
static struct inode_operations backing_inode_ops __ro_after_init;

static int deny_open(struct inode *inode, struct file *file)
{
	return -EACCES;
}

static const struct file_operations backing_inode_fops = {
	.owner = THIS_MODULE,
	.open = deny_open,
};

static int deny_setattr(struct umem_idmap *idmap, struct dentry *dentry,
			struct iattr *attr)
{
	return -EPERM;
}

/* Reached by MADV_REMOVE; the region fd's is in file.c. */
static long backing_fallocate(struct file *file, int mode, loff_t offset,
			      loff_t length)
{
	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	return umem_punch_hole(file->private_data, offset, length);
}

/**
 * umem_backing_mmap - map the backing so that every fault passes the gate
 * @file: the backing file, which is vma->vm_file already.
 * @vma: being set up; mmap_lock held for writing.
 *
 * Also the backing file's own mmap operation: remap_file_pages(2) maps
 * vma->vm_file anew without asking the region fd. It takes over the rights of
 * a mapping that is shared, which one of a read-only region fd is not to core
 * code, so it gains none by our file being open for writing.
 */
int umem_backing_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct umem_region *region = file->private_data;
	int err = umem_call_mmap(tmpfs_fops, file, vma);

	if (err)
		return err;
	/* No region in core dumps, unless the process wants it. */
	umem_vm_flags_set(vma, VM_DONTDUMP);
	/* Read under mmap_lock: what is mapped later, FINALIZE will find. */
	if (READ_ONCE(region->finalized))
		return 0;
	umem_fault_set_backing_ops(vma->vm_ops);
	vma->vm_ops = &umem_vm_ops;
	/* Keeps khugepaged and mTHP policy away. */
	umem_vm_flags_set(vma, VM_DONTEXPAND);
	return 0;
}

/**
 * umem_backing_inode_put - a file of the backing's inode is being released
 * @region: the region.
 * @inode: of the file.
 *
 * Return: whether it was the last one. What follows is core code then, perhaps
 * after our module was unloaded.
 */
bool umem_backing_inode_put(struct umem_region *region, struct inode *inode)
{
	if (!atomic_dec_and_test(&region->backing_users))
		return false;
	inode->i_op = tmpfs_inode_ops;
	inode->i_fop = tmpfs_inode_fops;
	return true;
}

/* The last VMA, sleeping fault and region fd are gone. */
static int backing_release(struct inode *inode, struct file *file)
{
	struct umem_region *region = file->private_data;

	/* The pages go now, not when a provider unmaps its channel. */
	if (!umem_backing_inode_put(region, inode))
		shmem_truncate_range(inode, 0, (loff_t)-1);
	umem_region_backing_gone(region);
	return 0;
}

static struct vfsmount *mount_of(const struct umem_region *region)
{
	return region->granule_order ? backing_mount_huge : backing_mount;
}

static struct file *backing_file(struct vfsmount *mount, loff_t size)
{
	struct file *file = umem_shmem_file_setup(mount, "umem", size);

	/* So tmpfs says that there is no memory for an inode. */
	return file == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : file;
}

/* Learns tmpfs's operations from a file of its. */
static int __init copy_tmpfs_ops(void)
{
	struct file *probe = backing_file(backing_mount, 0);

	if (IS_ERR(probe))
		return PTR_ERR(probe);
	tmpfs_fops = probe->f_op;
	tmpfs_inode_ops = file_inode(probe)->i_op;
	tmpfs_inode_fops = file_inode(probe)->i_fop;

	backing_fops = *tmpfs_fops;
	backing_fops.owner = THIS_MODULE;
	umem_set_mmap(&backing_fops, umem_backing_mmap);
	backing_fops.release = backing_release;
	backing_fops.fallocate = backing_fallocate;
	/* tmpfs's refuses a file whose operations are not its own. */
	backing_fops.get_unmapped_area = NULL;

	backing_inode_ops = *tmpfs_inode_ops;
	backing_inode_ops.setattr = deny_setattr;
	fput(probe);
	return 0;
}

/* Internal, so without the limits of a mount that users see. */
static struct vfsmount * __init mount_tmpfs(struct file_system_type *tmpfs,
					    const char *options)
{
	/* Parsing them writes into them. */
	char copy[16];

	strscpy(copy, options, sizeof(copy));
	return vfs_kern_mount(tmpfs, SB_KERNMOUNT, "umem", copy);
}

static int __init mount_backings(void)
{
	struct file_system_type *tmpfs = get_fs_type("tmpfs");

	/* tmpfs is built in: get_fs_type() takes no reference to drop. */
	if (!tmpfs)
		return -ENODEV;
	/*
	 * Large folios would map granules that are not provided: VM_DONTEXPAND
	 * and fault.c keep them away until FINALIZE, after which those who
	 * asked by MADV_HUGEPAGE get them.
	 */
	backing_mount = mount_tmpfs(tmpfs, "huge=advise");
	if (IS_ERR(backing_mount))
		return PTR_ERR(backing_mount);
	backing_mount_huge = mount_tmpfs(tmpfs, "huge=always");
	/* No huge pages on this machine: huge granules are of small ones. */
	if (IS_ERR(backing_mount_huge))
		backing_mount_huge = mntget(backing_mount);
	return 0;
}

int __init umem_backing_init(void)
{
	int err;

	err = mount_backings();
	if (err)
		return err;
	err = copy_tmpfs_ops();
	if (err)
		umem_backing_exit();
	return err;
}

void umem_backing_exit(void)
{
	mntput(backing_mount_huge);
	mntput(backing_mount);
}

/**
 * umem_backing_create - make a region's backing file
 * @region: the region; its reference is the file's on success, dropped by
 *	umem_region_backing_gone().
 *
 * May sleep.
 */
struct file *umem_backing_create(struct umem_region *region)
{
	struct file *file = backing_file(mount_of(region),
					 region->geometry.size);
	struct inode *inode;

	if (IS_ERR(file))
		return file;
	inode = file_inode(file);
	inode->i_op = &backing_inode_ops;
	inode->i_fop = &backing_inode_fops;
	/* The module is pinned from here until __fput() has called release. */
	__module_get(THIS_MODULE);
	fops_put(file->f_op);
	file->f_op = &backing_fops;
	file->private_data = region;
	atomic_set(&region->backing_users, 1);
	/* Else writes end at 2 GiB. */
	file->f_flags |= O_LARGEFILE;
	return file;
}

/**
 * umem_backing_alias - make another file of the backing's inode
 * @region: the region; its backing file is pinned.
 * @fops: of the new file; its release calls umem_backing_inode_put().
 *
 * It does not keep the region, only the inode. May sleep.
 */
struct file *umem_backing_alias(struct umem_region *region,
				const struct file_operations *fops)
{
	struct inode *inode = region->mapping->host;
	struct file *file;

	ihold(inode);
	file = alloc_file_pseudo(inode, mount_of(region), "umem-channel",
				 O_RDWR | O_LARGEFILE, fops);
	if (IS_ERR(file)) {
		iput(inode);
		return file;
	}
	/* alloc_file_pseudo() leaves it to its caller. */
	__module_get(fops->owner);
	atomic_inc(&region->backing_users);
	return file;
}

/**
 * umem_page_zero_unwritten - zero a page unless somebody wrote it or did that
 * @page: of a missing granule; its folio, of which all is zeroed, is locked.
 *
 * Nobody has the right to write it, or the caller has.
 */
void umem_page_zero_unwritten(struct page *page)
{
	struct folio *folio = page_folio(page);
	long i;

	if (folio_test_uptodate(folio))
		return;
	for (i = 0; i < folio_nr_pages(folio); i++)
		clear_highpage(folio_page(folio, i));
	flush_dcache_folio(folio);
	folio_mark_uptodate(folio);
}

/*
 * The rest of umem_backing_get_page() for a page of a large folio, which is locked
 * (shmem_enabled=force): other parts of it are others' granules.
 */
struct page *umem_backing_page_of_large(struct folio *folio, pgoff_t index)
{
	struct page *page = folio_file_page(folio, index);

	umem_page_zero_unwritten(page);
	folio_unlock(folio);
	return page;
}

/**
 * umem_backing_get_page_charged - the same, charged to the region's creator
 * @region: the region, of granules of one page; its backing file is pinned.
 * @index: of the page in the region.
 *
 * Sleeps. Somebody may be killed for it, unless umem_region_has_room().
 *
 * Return: the page with a reference, or ERR_PTR.
 */
struct page *umem_backing_get_page_charged(struct umem_region *region,
					   pgoff_t index)
{
	struct mem_cgroup *old = set_active_memcg(region->memcg);
	struct page *page = umem_backing_get_page(region, index);

	set_active_memcg(old);
	return page;
}

/**
 * umem_backing_get_page_background - the same, and nobody is killed for it
 * @region: the region; its backing file is pinned.
 * @index: of the page in the region.
 *
 * tmpfs zeroes the page unless it is uptodate: only where nobody can write it,
 * see umem_request_page_background(). Sleeps.
 *
 * Return: the page with a reference, or ERR_PTR.
 */
struct page *umem_backing_get_page_background(struct umem_region *region,
					      pgoff_t index)
{
	struct mem_cgroup *old = set_active_memcg(region->memcg);
	struct page *page;

	page = shmem_read_mapping_page_gfp(region->mapping, index,
					   mapping_gfp_mask(region->mapping) |
					   __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	set_active_memcg(old);
	return page;
}

/**
 * umem_backing_punch - remove pages, clear parts of pages
 * @region: the region; its backing file is pinned.
 * @offset: first byte.
 * @length: bytes.
 *
 * Sleeps; takes the inode's lock.
 */
int umem_backing_punch(struct umem_region *region, u64 offset, u64 length)
{
	return tmpfs_fops->fallocate(region->backing, FALLOC_FL_PUNCH_HOLE |
				     FALLOC_FL_KEEP_SIZE, offset, length);
}

/**
 * umem_backing_find_page - a page of a missing granule if there is one
 * @region: the region; its backing file is pinned.
 * @index: of the page in the region.
 *
 * The page of a missing granule is clean or pinned, so reclaim just drops it or
 * leaves it alone; but as part of a large folio with a provided granule it may
 * have gone to swap. May sleep.
 *
 * Return: the page with a reference, NULL when there is none, or ERR_PTR.
 */
struct page *umem_backing_find_page(struct umem_region *region, pgoff_t index)
{
	struct page *page = find_get_page(region->mapping, index);

	/* A value in place of a page is a swap entry. */
	if (!page && xa_load(&region->mapping->i_pages, index))
		return umem_backing_get_page(region, index);
	return page;
}
