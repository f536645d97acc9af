// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctls of /dev/umem and of region fds: this file owns sizes, flags and
 * copying; what they do is elsewhere.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/uaccess.h>

#include "attach.h"
#include "channel.h"
#include "ioctl.h"
#include "region.h"

#define UMEM_FEATURES	(UMEM_FEATURE_DATA | UMEM_FEATURE_KPROVIDER | \
			 UMEM_FEATURE_PUNCH | UMEM_FEATURE_PREFETCH | \
			 UMEM_FEATURE_USER_ONLY | UMEM_FEATURE_FINALIZE | \
			 UMEM_FEATURE_CACHED | UMEM_FEATURE_HUGE | \
			 UMEM_FEATURE_FILL | UMEM_FEATURE_READAHEAD)
#define CREATE_FLAGS	(UMEM_CREATE_CLOEXEC | UMEM_CREATE_HUGE | \
			 UMEM_CREATE_USER_ONLY)

/**
 * umem_ioctl_copy_in - copy a structure that may be older or newer than ours
 * @to: out: @size bytes; what the caller's structure lacks becomes 0.
 * @size: size of our structure.
 * @first_size: size of its first version.
 * @cmd: the ioctl, which holds the size of the caller's structure.
 * @arg: the caller's pointer.
 *
 * Return: 0, -EINVAL shorter than @first_size, -E2BIG longer than ours with a
 * tail that is not 0, -EFAULT.
 */
int umem_ioctl_copy_in(void *to, size_t size, size_t first_size,
		       unsigned int cmd, unsigned long arg)
{
	if (_IOC_SIZE(cmd) < first_size)
		return -EINVAL;
	return copy_struct_from_user(to, size, (void __user *)arg,
				     _IOC_SIZE(cmd));
}

/**
 * umem_ioctl_copy_out - copy out as much as the caller's structure holds
 * @from: our structure.
 * @size: its size.
 * @first_size: size of its first version.
 * @cmd: the ioctl, which holds the size of the caller's structure.
 * @arg: the caller's pointer; what we do not know is set to 0.
 *
 * Return: 0, -EINVAL shorter than @first_size, -EFAULT.
 */
int umem_ioctl_copy_out(const void *from, size_t size, size_t first_size,
			unsigned int cmd, unsigned long arg)
{
	size_t user_size = _IOC_SIZE(cmd);
	size_t common = min(size, user_size);
	void __user *to = (void __user *)arg;

	if (user_size < first_size)
		return -EINVAL;
	if (copy_to_user(to, from, common) ||
	    clear_user(to + common, user_size - common))
		return -EFAULT;
	return 0;
}

long umem_ioctl_features(unsigned int cmd, unsigned long arg)
{
	struct umem_features features = {
		.features = UMEM_FEATURES,
		.max_size = UMEM_MAX_SIZE,
		.protocol = UMEM_PROTOCOL_VERSION,
		.granule = UMEM_GRANULE_SIZE,
		.max_inflight = UMEM_MAX_INFLIGHT,
		.max_data = UMEM_MAX_DATA,
	};

	return umem_ioctl_copy_out(&features, sizeof(features),
				   sizeof(features), cmd, arg);
}

static bool is_multiple(u64 value, u32 granule)
{
	return value && !(value & (granule - 1));
}

static int check_wait_policy(const struct umem_create *create)
{
	switch (create->wait_policy) {
	case UMEM_WAIT_HARD:
	case UMEM_WAIT_FAILFAST:
		return create->timeout_ms ? -EINVAL : 0;
	case UMEM_WAIT_TIMEOUT:
		/* More would be for ever, see msecs_to_jiffies(). */
		return create->timeout_ms && create->timeout_ms <= INT_MAX ?
			0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int check_create(const struct umem_create *create)
{
	u32 granule = umem_create_granule(create);

	if (create->flags & ~CREATE_FLAGS || create->reserved ||
	    create->spin_ns > UMEM_MAX_SPIN_NS)
		return -EINVAL;
	if (create->features & ~UMEM_FEATURES)
		return -EOPNOTSUPP;
	if (!is_multiple(create->size, granule))
		return -EINVAL;
	if (create->size > UMEM_MAX_SIZE)
		return -EFBIG;
	if (!create->max_inflight || create->max_inflight > UMEM_MAX_INFLIGHT)
		return -EINVAL;
	if (!is_multiple(create->max_data, granule) ||
	    create->max_data > UMEM_MAX_DATA)
		return -EINVAL;
	if (create->readahead & (granule - 1))
		return -EINVAL;
	return check_wait_policy(create);
}

long umem_ioctl_create(unsigned int cmd, unsigned long arg)
{
	struct umem_create create;
	struct file *file;
	int fd, err;

	err = umem_ioctl_copy_in(&create, sizeof(create),
				 offsetofend(struct umem_create, readahead),
				 cmd, arg);
	if (!err)
		err = check_create(&create);
	if (err)
		return err;
	fd = get_unused_fd_flags(create.flags & UMEM_CREATE_CLOEXEC ?
				 O_CLOEXEC : 0);
	if (fd < 0)
		return fd;
	file = umem_region_create(&create);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

long umem_ioctl_status(struct umem_region *region, unsigned int cmd,
		       unsigned long arg)
{
	struct umem_region_status status;

	umem_region_status(region, &status);
	return umem_ioctl_copy_out(&status, sizeof(status),
				   offsetof(struct umem_region_status, flags),
				   cmd, arg);
}

/* Who may say where the region's bytes come from. */
static int may_provide(struct file *file, struct umem_region *region)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!uid_eq(current_euid(), region->creator) &&
	    !capable(CAP_SYS_PTRACE))
		return -EPERM;
	return 0;
}

/* What an ioctl of those who may begins with: its structure, all of it. */
static int provide_args(struct file *file, struct umem_region *region,
			void *args, size_t size, unsigned int cmd,
			unsigned long arg)
{
	int err = umem_ioctl_copy_in(args, size, size, cmd, arg);

	return err ? err : may_provide(file, region);
}

static long ioctl_channel(struct file *file, struct umem_region *region,
			  unsigned int cmd, unsigned long arg)
{
	struct umem_channel_open args;
	int err;

	err = provide_args(file, region, &args, sizeof(args), cmd, arg);
	if (err)
		return err;
	if (args.reserved ||
	    args.flags & ~(UMEM_CHANNEL_CLOEXEC | UMEM_CHANNEL_NONBLOCK |
			   UMEM_CHANNEL_REPLACE))
		return -EINVAL;
	return umem_channel_open(region, &args);
}

static long ioctl_detach(struct file *file, struct umem_region *region)
{
	int err;

	err = may_provide(file, region);
	if (err)
		return err;
	/* One that was ended before may still be on its way out. */
	if (umem_channel_end(region) && !atomic_read(&region->draining))
		return -ENOENT;
	return umem_attachments_drained(region);
}

static long ioctl_finalize(struct file *file, struct umem_region *region,
			   unsigned int cmd, unsigned long arg)
{
	struct umem_finalize args;
	int err;

	err = provide_args(file, region, &args, sizeof(args), cmd, arg);
	if (err)
		return err;
	return args.flags ? -EINVAL : umem_region_finalize(region, args.pid);
}

static long ioctl_fill(struct file *file, struct umem_region *region,
		       unsigned int cmd, unsigned long arg)
{
	struct umem_fill_args args;
	int err;

	err = provide_args(file, region, &args, sizeof(args), cmd, arg);
	if (err)
		return err;
	return args.flags ? -EINVAL : umem_fill_set(region, args.window);
}

/* Ioctls of a region fd. Process context, sleeps. */
long umem_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct file *backing = file_inode(file)->i_private;
	struct umem_region *region = backing->private_data;

	if (umem_ioctl_is(cmd, UMEM_IOC_CHANNEL))
		return ioctl_channel(file, region, cmd, arg);
	if (umem_ioctl_is(cmd, UMEM_IOC_STATUS))
		return umem_ioctl_status(region, cmd, arg);
	if (cmd == UMEM_IOC_DETACH)
		return ioctl_detach(file, region);
	if (umem_ioctl_is(cmd, UMEM_IOC_FINALIZE))
		return ioctl_finalize(file, region, cmd, arg);
	if (umem_ioctl_is(cmd, UMEM_IOC_FILL))
		return ioctl_fill(file, region, cmd, arg);
	return -ENOTTY;
}
