/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UMEM_SEEK_H
#define UMEM_SEEK_H

#include <linux/types.h>

struct file;
struct umem_region;

loff_t umem_seek(struct file *file, const struct umem_region *region,
		 loff_t offset, int whence);

#endif /* UMEM_SEEK_H */
