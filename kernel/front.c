// SPDX-License-Identifier: GPL-2.0-only
/*
 * The front: the inode behind region fds, on a pseudo filesystem of its own.
 *
 * A regular file with its true size, that can be opened again through
 * /proc/PID/fd/N like a memfd. It holds one reference to the backing file in
 * i_private; its f_op are in file.c.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "compat/compat.h"
#include "region.h"

#define UMEM_FS_MAGIC	0x756d656d	/* "umem" */

static struct vfsmount *front_mount;
static int front_mount_count;

static struct umem_region *region_of(const struct inode *inode)
{
	struct file *backing = inode->i_private;

	return backing->private_data;
}

/* The last region fd is closed; mappings may live on. May sleep. */
static void front_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (!inode->i_private)
		return;
	umem_region_front_gone(region_of(inode));
	fput(inode->i_private);
}

static const struct super_operations front_super_ops = {
	.statfs = simple_statfs,
	.evict_inode = front_evict_inode,
};

static int front_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, UMEM_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->ops = &front_super_ops;
	/* Newer kernels preset it. Code may be in a region, as in a memfd. */
	fc->s_iflags &= ~SB_I_NOEXEC;
	return 0;
}

/*
 * Mounted while there is a region, or its inode. The superblock pins the module until core
 * code has torn it down, so none of ours runs after an unload.
 */
static struct file_system_type front_fs = {
	.name = "umem",
	.owner = THIS_MODULE,
	.init_fs_context = front_init_fs_context,
	.kill_sb = kill_anon_super,
};

static int front_setattr(struct umem_idmap *idmap, struct dentry *dentry,
			 struct iattr *attr)
{
	/* The size is fixed; setting it to what it is does no harm. */
	if ((attr->ia_valid & ATTR_SIZE) &&
	    attr->ia_size != i_size_read(d_inode(dentry)))
		return -EPERM;
	return simple_setattr(idmap, dentry, attr);
}

static const struct inode_operations front_inode_ops = {
	.setattr = front_setattr,
};

static struct inode *front_inode(struct super_block *sb, loff_t size)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	inode->i_ino = get_next_ino();
	inode->i_mode = S_IFREG | 0600;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	umem_inode_init_times(inode);
	inode->i_op = &front_inode_ops;
	inode->i_fop = &umem_region_fops;
	i_size_write(inode, size);
	/*
	 * No missing granule is a hole that reads as zeroes, for which cp and tar
	 * would take it if the file had less than its size.
	 */
	inode_set_bytes(inode, size);
	/* Never on a dirty list: there is nothing to write back. */
	umem_inode_set_state(inode, I_DIRTY);
	/* Never linked into a directory. */
	clear_nlink(inode);
	return inode;
}

/**
 * umem_front_pin - keep the pseudo filesystem mounted
 *
 * Once for each region, from before its front is made until its backing file is
 * released: the inode may outlive the last region fd a little. May sleep.
 */
int umem_front_pin(void)
{
	return simple_pin_fs(&front_fs, &front_mount, &front_mount_count);
}

void umem_front_unpin(void)
{
	simple_release_fs(&front_mount, &front_mount_count);
}

/**
 * umem_front_create - make the region fd's file
 * @backing: the backing file; on success its reference is the inode's.
 * @size: bytes.
 *
 * The caller has pinned the filesystem. May sleep.
 *
 * Return: an open file, read-write, or ERR_PTR.
 */
struct file *umem_front_create(struct file *backing, loff_t size)
{
	struct inode *inode = front_inode(front_mount->mnt_sb, size);
	struct file *file;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	file = alloc_file_pseudo(inode, front_mount, "umem",
				 O_RDWR | O_LARGEFILE, &umem_region_fops);
	if (IS_ERR(file)) {
		/* i_private is not set: evicting it releases nothing. */
		iput(inode);
		return file;
	}
	/* alloc_file_pseudo() leaves both to its caller. */
	__module_get(umem_region_fops.owner);
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	inode->i_private = backing;
	return file;
}
