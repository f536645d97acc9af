// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/umem-sim: sizes, flags, copying, and the provider that an open of the
 * device stands for.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "sim.h"

/* The sizes of the first version; they never change. */
#define ATTACH_SIZE_V0	96
#define STATS_SIZE_V0	64

static_assert(sizeof(struct umem_sim_attach) == ATTACH_SIZE_V0);
static_assert(offsetof(struct umem_sim_attach, pattern_seed) == 16);
static_assert(offsetof(struct umem_sim_attach, reorder_permille) == 56);
static_assert(offsetof(struct umem_sim_attach, hang_from) == 80);
static_assert(sizeof(struct umem_sim_stats) == STATS_SIZE_V0);
static_assert(offsetof(struct umem_sim_stats, flags) == 56);

/**
 * struct umem_sim_control - an open of the device
 * @lock: guards @sim; &umem_sim.lock is taken inside.
 * @sim: what was attached through it, with a reference, or NULL.
 */
struct umem_sim_control {
	struct mutex lock; /* see above */
	struct umem_sim *sim;
};

/**
 * umem_sim_open - open of /dev/umem-sim
 * @inode: the device.
 * @file: out: gets a control.
 */
int umem_sim_open(struct inode *inode, struct file *file)
{
	struct umem_sim_control *control;

	control = kzalloc(sizeof(*control), GFP_KERNEL_ACCOUNT);
	if (!control)
		return -ENOMEM;
	mutex_init(&control->lock);
	file->private_data = control;
	return 0;
}

/**
 * umem_sim_close - last close of an open of /dev/umem-sim
 * @inode: the device.
 * @file: the open file.
 */
int umem_sim_close(struct inode *inode, struct file *file)
{
	struct umem_sim_control *control = file->private_data;

	if (control->sim)
		umem_sim_put(control->sim);
	kfree(control);
	return 0;
}

/* ---- UMEM_SIM_IOC_ATTACH ------------------------------------------------- */

static bool content_is_valid(const struct umem_sim_attach *arg)
{
	switch (arg->content) {
	case UMEM_SIM_ZERO:
		return arg->source_fd == -1 && !arg->pattern_seed;
	case UMEM_SIM_PATTERN:
		return arg->source_fd == -1;
	case UMEM_SIM_COPY:
		return !arg->pattern_seed;
	default:
		return false;
	}
}

static bool delays_are_valid(const struct umem_sim_attach *arg)
{
	if (arg->latency_ns > UMEM_SIM_DELAY_MAX ||
	    arg->jitter_ns > UMEM_SIM_DELAY_MAX)
		return false;
	return !arg->bandwidth || arg->bandwidth >= UMEM_SIM_BANDWIDTH_MIN;
}

static bool chances_are_valid(const struct umem_sim_attach *arg)
{
	if (arg->reorder_permille > UMEM_SIM_PERMILLE ||
	    arg->error_permille > UMEM_SIM_PERMILLE ||
	    arg->hang_permille > UMEM_SIM_PERMILLE ||
	    arg->refuse_permille > UMEM_SIM_PERMILLE)
		return false;
	if (arg->reorder_permille && !arg->latency_ns)
		return false;
	return arg->error_permille ? arg->error_status > UMEM_STATUS_OK &&
				     arg->error_status <= UMEM_STATUS_DENIED :
				     !arg->error_status;
}

static int ioc_attach(struct umem_sim_control *control, void __user *uarg,
		      size_t usize)
{
	struct umem_sim_attach arg;
	struct umem_sim *sim;
	int err;

	if (usize < ATTACH_SIZE_V0)
		return -EINVAL;
	err = copy_struct_from_user(&arg, sizeof(arg), uarg, usize);
	if (err)
		return err;
	if (arg.flags || arg.reserved || !content_is_valid(&arg) ||
	    !delays_are_valid(&arg) || !chances_are_valid(&arg))
		return -EINVAL;
	if (control->sim)
		return -EISCONN;
	sim = umem_sim_attach(&arg);
	if (IS_ERR(sim))
		return PTR_ERR(sim);
	control->sim = sim;
	return 0;
}

/* ---- UMEM_SIM_IOC_RELEASE ------------------------------------------------ */

static int ioc_release(struct umem_sim_control *control)
{
	struct umem_sim *sim = control->sim;
	int count = 0;
	u32 i;

	if (!sim)
		return -ENOTCONN;
	mutex_lock(&sim->lock);
	if (sim->detached)
		count = -ENOTCONN;
	else
		for (i = 0; i < sim->info.max_inflight; i++)
			count += umem_sim_release(&sim->entries[i]);
	mutex_unlock(&sim->lock);
	return count;
}

/* ---- UMEM_SIM_IOC_STATS -------------------------------------------------- */

static void add_entry(struct umem_sim_stats *stats,
		      const struct umem_sim_entry *e)
{
	stats->taken += READ_ONCE(e->taken);
	stats->done += READ_ONCE(e->done);
	stats->failed += READ_ONCE(e->failed);
	stats->returned += READ_ONCE(e->returned);
	stats->polled += READ_ONCE(e->polled);
	stats->hung += umem_sim_hangs(e);
}

static int ioc_stats(struct umem_sim_control *control, void __user *uarg,
		     size_t usize)
{
	struct umem_sim *sim = control->sim;
	struct umem_sim_stats stats = { };
	u32 i;

	if (usize < STATS_SIZE_V0)
		return -EINVAL;
	if (!sim)
		return -ENOTCONN;
	for (i = 0; i < sim->info.max_inflight; i++)
		add_entry(&stats, &sim->entries[i]);
	stats.refused = atomic64_read(&sim->refused);
	if (!READ_ONCE(sim->detached))
		stats.flags |= UMEM_SIM_ATTACHED;
	if (READ_ONCE(sim->gone))
		stats.flags |= UMEM_SIM_GONE;
	if (clear_user(uarg, usize) ||
	    copy_to_user(uarg, &stats, min(usize, sizeof(stats))))
		return -EFAULT;
	return 0;
}

static long ioctl_locked(struct umem_sim_control *control, unsigned int cmd,
			 void __user *uarg)
{
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(UMEM_SIM_IOC_ATTACH):
		if (_IOC_DIR(cmd) != _IOC_DIR(UMEM_SIM_IOC_ATTACH))
			return -ENOTTY;
		return ioc_attach(control, uarg, _IOC_SIZE(cmd));
	case _IOC_NR(UMEM_SIM_IOC_RELEASE):
		if (cmd != UMEM_SIM_IOC_RELEASE)
			return -ENOTTY;
		return ioc_release(control);
	case _IOC_NR(UMEM_SIM_IOC_STATS):
		if (_IOC_DIR(cmd) != _IOC_DIR(UMEM_SIM_IOC_STATS))
			return -ENOTTY;
		return ioc_stats(control, uarg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}

/**
 * umem_sim_ioctl - ioctls of /dev/umem-sim
 * @file: the device.
 * @cmd: of any size: structures grow.
 * @arg: user address of the structure.
 */
long umem_sim_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct umem_sim_control *control = file->private_data;
	long ret;

	if (_IOC_TYPE(cmd) != UMEM_SIM_IOC_MAGIC)
		return -ENOTTY;
	/* ATTACH may wait for the file that it reads. */
	if (mutex_lock_killable(&control->lock))
		return -EINTR;
	ret = ioctl_locked(control, cmd, (void __user *)arg);
	mutex_unlock(&control->lock);
	return ret;
}
