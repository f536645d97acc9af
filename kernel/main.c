// SPDX-License-Identifier: GPL-2.0-only
/*
 * umem.ko: /dev/umem and the order in which the parts come and go.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "attach.h"
#include "ioctl.h"
#include "region.h"

static long device_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	if (umem_ioctl_is(cmd, UMEM_IOC_CREATE))
		return umem_ioctl_create(cmd, arg);
	if (umem_ioctl_is(cmd, UMEM_IOC_FEATURES))
		return umem_ioctl_features(cmd, arg);
	return -ENOTTY;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/*
 * Root only: who can open it can make any access of the kernel to a region's
 * memory wait.
 */
static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "umem",
	.fops = &device_fops,
	.mode = 0600,
};

static int __init umem_init(void)
{
	int err;

	err = umem_backing_init();
	if (err)
		return err;
	err = umem_attach_init();
	if (err)
		goto exit_backing;
	err = misc_register(&device);
	if (err)
		goto exit_attach;
	return 0;

exit_attach:
	umem_attach_exit();
exit_backing:
	umem_backing_exit();
	return err;
}

static void __exit umem_exit(void)
{
	misc_deregister(&device);
	umem_attach_exit();
	umem_backing_exit();
}

module_init(umem_init);
module_exit(umem_exit);

MODULE_DESCRIPTION("Provider-backed memory");
MODULE_AUTHOR("The umem authors");
MODULE_LICENSE("GPL");
