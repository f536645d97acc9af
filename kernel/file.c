// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a region fd can do: mmap, read, write, ioctl. Reads and writes fetch
 * what is missing first, then go to the backing file.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "compat/compat.h"
#include "fetch.h"
#include "ioctl.h"
#include "prefetch.h"
#include "region.h"
#include "seek.h"
#include "wait.h"

static struct file *backing_of(const struct file *file)
{
	return file_inode(file)->i_private;
}

static int region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct file *backing = backing_of(file);

	vma_set_file(vma, backing);
	return umem_backing_mmap(backing, vma);
}

static ssize_t move_piece(struct file *backing, struct iov_iter *iter,
			  loff_t *pos, int direction)
{
	size_t piece = iov_iter_count(iter);

	if (direction == READ)
		return vfs_iter_read(backing, iter, pos, 0);
	/*
	 * The write holds the inode's lock. Its source may be missing memory
	 * of a region: waiting for that must not hold up other writers.
	 */
	if (fault_in_iov_iter_readable(iter, piece) == piece)
		return -EFAULT;
	return vfs_iter_write(backing, iter, pos, 0);
}

/* A granule of one page: 1 when it was put, 0 when not, or an error. */
static int write_page(struct umem_region *region, unsigned long granule,
		      struct iov_iter *from)
{
	struct page *bytes = alloc_page(GFP_KERNEL);
	size_t copied;
	int put = 0;

	if (!bytes)
		return 0;
	/* May fault, even on this granule: nothing is held meanwhile. */
	copied = copy_page_from_iter(bytes, 0, PAGE_SIZE, from);
	if (copied == PAGE_SIZE)
		put = umem_granule_put(region, granule, bytes, NULL);
	__free_page(bytes);
	if (put <= 0)
		iov_iter_revert(from, copied);
	return put;
}

/*
 * A missing granule that is written whole is not fetched. Returns the bytes
 * written; 0 when they are to be written as ever.
 */
static ssize_t write_missing(struct umem_region *region, struct kiocb *iocb,
			     struct iov_iter *from)
{
	u32 size = region->geometry.granule;
	unsigned long granule = iocb->ki_pos / size;
	int put;

	if (iocb->ki_pos % size || iov_iter_count(from) < size ||
	    umem_granule_provided(region, granule))
		return 0;
	put = region->granule_order ?
		umem_granule_write(region, granule, from) :
		write_page(region, granule, from);
	if (put <= 0)
		return put;
	iocb->ki_pos += size;
	return size;
}

/* Reads or writes the backing file piece by piece, each one provided first. */
static ssize_t move_range(struct kiocb *iocb, struct iov_iter *iter,
			  int direction)
{
	struct file *backing = backing_of(iocb->ki_filp);
	struct umem_region *region = backing->private_data;
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;
	size_t window = umem_fetch_window(region);
	loff_t size = region->geometry.size;
	size_t piece, rest;
	bool counted = false;
	ssize_t total = 0;
	ssize_t done;

	while (iov_iter_count(iter) && iocb->ki_pos < size &&
	       !fatal_signal_pending(current)) {
		if (direction == WRITE && !nowait) {
			done = write_missing(region, iocb, iter);
			if (done < 0)
				return total ?: done;
			total += done;
			if (done)
				continue;
		}
		piece = window - (iocb->ki_pos & (window - 1));
		piece = min_t(u64, piece, size - iocb->ki_pos);
		piece = min(piece, iov_iter_count(iter));
		done = umem_fetch(region, iocb->ki_pos, piece, nowait,
				  &counted);
		if (done)
			return total ?: done;

		rest = iov_iter_count(iter) - piece;
		iov_iter_truncate(iter, piece);
		done = move_piece(backing, iter, &iocb->ki_pos, direction);
		iov_iter_reexpand(iter, iov_iter_count(iter) + rest);
		if (done < 0)
			return total ?: done;
		total += done;
		if (done < piece)
			break;
	}
	return total;
}

static ssize_t region_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return umem_no_restart(iocb, move_range(iocb, to, READ));
}

static ssize_t region_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	loff_t size = i_size_read(file_inode(iocb->ki_filp));

	if (!iov_iter_count(from))
		return 0;
	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = size;
	/* As a block device at its end: the size is fixed. */
	if (iocb->ki_pos >= size)
		return -ENOSPC;
	return umem_no_restart(iocb, move_range(iocb, from, WRITE));
}

static long region_fallocate(struct file *file, int mode, loff_t offset,
			     loff_t length)
{
	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	return umem_punch_hole(backing_of(file)->private_data, offset, length);
}

static loff_t region_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return umem_seek(file, backing_of(file)->private_data, offset,
				 whence);
	return generic_file_llseek(file, offset, whence);
}

static int region_fadvise(struct file *file, loff_t offset, loff_t length,
			  int advice)
{
	return umem_prefetch_advise(backing_of(file)->private_data, offset,
				    length, advice);
}

static void region_show_fdinfo(struct seq_file *seq, struct file *file)
{
	umem_region_fdinfo(seq, backing_of(file)->private_data);
}

const struct file_operations umem_region_fops = {
	.owner = THIS_MODULE,
	.open = generic_file_open,
	.llseek = region_llseek,
	.read_iter = region_read_iter,
	.write_iter = region_write_iter,
	.splice_read = umem_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = region_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.fsync = noop_fsync,
	.fallocate = region_fallocate,
	.fadvise = region_fadvise,
	.show_fdinfo = region_show_fdinfo,
	.unlocked_ioctl = umem_region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
