// SPDX-License-Identifier: GPL-2.0-only
/*
 * umem_rdma: provides umem regions by RDMA READ from a memory server, straight
 * into their pages.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "session.h"

/* A page that was short of a mapping must not wait for memory to be retried. */
struct workqueue_struct *umem_rdma_wq;

static const struct file_operations umem_rdma_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = umem_rdma_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice umem_rdma_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "umem-rdma",
	.fops = &umem_rdma_fops,
	.mode = 0600,
};

static int __init umem_rdma_init(void)
{
	int err;

	umem_rdma_wq = alloc_workqueue("umem_rdma",
				       WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!umem_rdma_wq)
		return -ENOMEM;
	err = misc_register(&umem_rdma_misc);
	if (err)
		goto destroy_wq;
	return 0;

destroy_wq:
	destroy_workqueue(umem_rdma_wq);
	return err;
}
module_init(umem_rdma_init);

/* No session is left: each one holds a reference to the module. */
static void __exit umem_rdma_exit(void)
{
	misc_deregister(&umem_rdma_misc);
	destroy_workqueue(umem_rdma_wq);
}
module_exit(umem_rdma_exit);

MODULE_DESCRIPTION("umem provider over RDMA");
MODULE_LICENSE("GPL");
