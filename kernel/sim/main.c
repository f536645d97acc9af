// SPDX-License-Identifier: GPL-2.0-only
/*
 * umem_sim: provides umem regions with bytes that come from nowhere, as late and
 * as badly as it is told to. Test equipment, and the fabric of the performance
 * lab.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "sim.h"

static const struct file_operations umem_sim_fops = {
	.owner = THIS_MODULE,
	.open = umem_sim_open,
	.release = umem_sim_close,
	.unlocked_ioctl = umem_sim_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice umem_sim_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "umem-sim",
	.fops = &umem_sim_fops,
	.mode = 0600,
};

module_misc_device(umem_sim_misc);

MODULE_DESCRIPTION("umem simulated provider: test equipment");
MODULE_LICENSE("GPL");
