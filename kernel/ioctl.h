/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctl structures that grow at their end: sizes, flags and copying.
 */
#ifndef UMEM_IOCTL_H
#define UMEM_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct umem_region;

/* Whether @cmd is @known, whatever size of structure the caller has. */
static inline bool umem_ioctl_is(unsigned int cmd, unsigned int known)
{
	return (cmd & ~IOCSIZE_MASK) == (known & ~IOCSIZE_MASK);
}

int umem_ioctl_copy_in(void *to, size_t size, size_t first_size,
		       unsigned int cmd, unsigned long arg);
int umem_ioctl_copy_out(const void *from, size_t size, size_t first_size,
			unsigned int cmd, unsigned long arg);

long umem_ioctl_features(unsigned int cmd, unsigned long arg);
long umem_ioctl_create(unsigned int cmd, unsigned long arg);
long umem_ioctl_status(struct umem_region *region, unsigned int cmd,
		       unsigned long arg);
long umem_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* UMEM_IOCTL_H */
