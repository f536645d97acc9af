// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm_operations_struct.get_policy, forwarded to tmpfs.
 */
#include <linux/mm.h>

#include "compat.h"
#include "region.h"

#ifdef CONFIG_NUMA
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
struct mempolicy *umem_get_policy(struct vm_area_struct *vma,
				  unsigned long addr, pgoff_t *ilx)
{
	return umem_fault_backing_ops()->get_policy(vma, addr, ilx);
}
#else
struct mempolicy *umem_get_policy(struct vm_area_struct *vma,
				  unsigned long addr)
{
	return umem_fault_backing_ops()->get_policy(vma, addr);
}
#endif
#endif
