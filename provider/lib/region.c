// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ioctls of /dev/umem, of regions and of channels, and their errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include "region.h"
#include "size.h"

static int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int umem_device_open(void)
{
	int fd = open(UMEM_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int umem_device_features(int device, struct umem_features *features)
{
	memset(features, 0, sizeof(*features));
	return call(device, UMEM_IOC_FEATURES, features);
}

int umem_region_create(int device, const struct umem_create *create)
{
	struct umem_create arg = *create;

	arg.flags |= UMEM_CREATE_CLOEXEC;
	return call(device, UMEM_IOC_CREATE, &arg);
}

int umem_region_channel(int region, unsigned int flags)
{
	struct umem_channel_open arg = {
		.flags = flags | UMEM_CHANNEL_CLOEXEC,
	};

	return call(region, UMEM_IOC_CHANNEL, &arg);
}

int umem_region_detach(int region)
{
	return call(region, UMEM_IOC_DETACH, NULL);
}

int umem_region_finalize(int region, pid_t pid)
{
	struct umem_finalize arg = { .pid = pid };

	return call(region, UMEM_IOC_FINALIZE, &arg);
}

int umem_region_fill(int region, uint32_t window)
{
	struct umem_fill_args arg = { .window = window };

	return call(region, UMEM_IOC_FILL, &arg);
}

int umem_region_status(int fd, struct umem_region_status *status)
{
	memset(status, 0, sizeof(*status));
	return call(fd, UMEM_IOC_STATUS, status);
}

int umem_channel_requeue(int channel)
{
	return call(channel, UMEM_CHANNEL_IOC_REQUEUE, NULL);
}

/* ---- What an errno means ------------------------------------------------ */

static const struct umem_clause open_clauses[] = {
	{ ENOENT, "the umem module is not loaded; try modprobe umem" },
	{ ENODEV, "the device node has no driver; load the umem module" },
	{ ENXIO, "the device node is left over and its module is gone; load the umem module" },
	{ EACCES, "only root may use it unless the administrator changed the node's mode" },
	{ EPERM, "a security policy forbids it; look into the audit log" },
	{ EMFILE, "this process has too many open files; raise ulimit -n" },
	{ ENFILE, "the system has too many open files" },
	{ ENOMEM, "the kernel is out of memory" },
	{ 0, "the device cannot be opened" },
};

static const struct umem_clause features_clauses[] = {
	{ ENOTTY, "this is no umem device; the node has wrong numbers" },
	{ EINVAL, "the module does not take a question of this length; it is older than this tool" },
	{ E2BIG, "this tool is newer than the module" },
	{ EFAULT, "the answer could not be stored" },
	{ 0, "the module did not answer" },
};

static const struct umem_clause create_clauses[] = {
	{ EINVAL, "the module takes a field for wrong; it may be older than this tool" },
	{ EFBIG, "the size is more than the module takes; umemctl features tells the limit" },
	{ EOPNOTSUPP, "the module lacks a feature that this tool relies on; update it" },
	{ E2BIG, "this tool is newer than the module and asks for what that does not know" },
	{ ENOTTY, "this is no umem device; the node has wrong numbers" },
	{ EFAULT, "the request could not be read" },
	{ EPERM, "a security policy forbids it; look into the audit log" },
	{ EMFILE, "this process has too many open files; raise ulimit -n" },
	{ ENFILE, "the system has too many open files" },
	{ ENOSPC, "the kernel has no room for its backing file" },
	{ ENOMEM, "the kernel is out of memory for its tables; ask for a smaller one" },
	{ EINTR, "a signal came first" },
	{ 0, "the module refused" },
};

static const struct umem_clause channel_clauses[] = {
	{ EBADF, "the region's descriptor is not open for writing" },
	{ EPERM, "only the user who made the region, or one with CAP_SYS_PTRACE, may provide it" },
	{ EBUSY, "it has a provider already; detach that first, or take over with --replace" },
	{ EINVAL, "the module does not know a flag; it is older than this tool" },
	{ E2BIG, "this tool is newer than the module and asks for what that does not know" },
	{ ENOTTY, "the descriptor is no region" },
	{ EFAULT, "the request could not be read" },
	{ EMFILE, "this process has too many open files; raise ulimit -n" },
	{ ENFILE, "the system has too many open files" },
	{ ENOMEM, "the kernel is out of memory" },
	{ EINTR, "a signal came while the former provider was leaving; try again" },
	{ 0, "the module refused" },
};

static const struct umem_clause detach_clauses[] = {
	{ ENOENT, "it has no provider; there is nothing to detach" },
	{ EBADF, "the region's descriptor is not open for writing" },
	{ EPERM, "only the user who made the region, or one with CAP_SYS_PTRACE, may detach its provider" },
	{ EBUSY, "a provider is being attached or detached at this moment; try again" },
	{ ENOTTY, "the descriptor is no region" },
	{ EINTR, "a signal came while the provider was leaving; umemctl status tells whether it is gone" },
	{ ENOMEM, "the kernel is out of memory" },
	{ 0, "the module refused" },
};

static const struct umem_clause status_clauses[] = {
	{ ENOTTY, "the descriptor is neither a region nor a channel" },
	{ EBADF, "the descriptor is not open for reading or writing" },
	{ EINVAL, "the module does not take a question of this length; it is older than this tool" },
	{ E2BIG, "this tool is newer than the module" },
	{ EPIPE, "the channel was ended, or its region is gone" },
	{ EBUSY, "the channel belongs to a provider in the kernel; ask the region" },
	{ EFAULT, "the answer could not be stored" },
	{ 0, "the module did not answer" },
};

static const struct umem_clause requeue_clauses[] = {
	{ ENOTTY, "the descriptor is no channel" },
	{ EBADF, "the descriptor is not open" },
	{ EBUSY, "the channel belongs to a provider in the kernel" },
	{ EPIPE, "the channel was ended, or its region is gone" },
	{ 0, "the module refused" },
};

static const struct umem_clause fill_clauses[] = {
	{ EINVAL, "the window is more than half of what the region may have in flight" },
	{ EBADF, "the region's descriptor is not open for writing" },
	{ EPERM, "only the user who made the region, or one with CAP_SYS_PTRACE, may have it filled" },
	{ ENOTTY, "the descriptor is no region, or the module is older than this tool" },
	{ E2BIG, "this tool is newer than the module and asks for what that does not know" },
	{ EFAULT, "the request could not be read" },
	{ EINTR, "a signal came first; try again" },
	{ ENOMEM, "the kernel is out of memory" },
	{ 0, "the module refused" },
};

static const struct umem_clause finalize_clauses[] = {
	{ EBUSY, "some of it is missing yet; umemctl status tells how much" },
	{ EBADF, "the region's descriptor is not open for writing" },
	{ EPERM, "only the user who made the region, or one with CAP_SYS_PTRACE, may finalize it" },
	{ ESRCH, "there is no such process" },
	{ EINVAL, "a thread of the kernel has no mappings" },
	{ ENOTTY, "the descriptor is no region, or the module is older than this tool" },
	{ E2BIG, "this tool is newer than the module and asks for what that does not know" },
	{ EFAULT, "the request could not be read" },
	{ EINTR, "a signal came first; try again" },
	{ ENOMEM, "the kernel is out of memory" },
	{ 0, "the module refused" },
};

static const struct umem_clause *const clauses[UMEM_ACTIONS] = {
	[UMEM_DO_OPEN] = open_clauses,
	[UMEM_DO_FEATURES] = features_clauses,
	[UMEM_DO_CREATE] = create_clauses,
	[UMEM_DO_CHANNEL] = channel_clauses,
	[UMEM_DO_DETACH] = detach_clauses,
	[UMEM_DO_STATUS] = status_clauses,
	[UMEM_DO_REQUEUE] = requeue_clauses,
	[UMEM_DO_FINALIZE] = finalize_clauses,
	[UMEM_DO_FILL] = fill_clauses,
};

const char *umem_explain(enum umem_action action, int err)
{
	return umem_clause_find(clauses[action], err);
}

/* EINVAL has many causes; the fields tell which. */
static int create_invalid(struct umem_why *why, const struct umem_create *c,
			  const struct umem_features *f)
{
	unsigned int granule = c->flags & UMEM_CREATE_HUGE ? UMEM_GRANULE_HUGE :
			       f ? f->granule : UMEM_GRANULE_SIZE;

	if (!c->size)
		return umem_because(why, -EINVAL, "size must not be 0");
	if (c->size % granule)
		return umem_because(why, -EINVAL,
				    "size must be a multiple of %u", granule);
	if (c->wait_policy < UMEM_WAIT_HARD || c->wait_policy > UMEM_WAIT_FAILFAST)
		return umem_because(why, -EINVAL,
				    "wait policy %u is none; use hard, timeout=MS or fail-fast",
				    c->wait_policy);
	if (c->wait_policy == UMEM_WAIT_TIMEOUT && !c->timeout_ms)
		return umem_because(why, -EINVAL,
				    "the timeout must be at least 1 ms");
	if (c->wait_policy != UMEM_WAIT_TIMEOUT && c->timeout_ms)
		return umem_because(why, -EINVAL,
				    "only the wait policy timeout=MS has a timeout");
	if (!c->max_inflight || (f && c->max_inflight > f->max_inflight))
		return umem_because(why, -EINVAL,
				    "max-inflight %u must be between 1 and %u",
				    c->max_inflight, f ? f->max_inflight : UINT32_MAX);
	if (!c->max_data || c->max_data % granule)
		return umem_because(why, -EINVAL,
				    "max-data %u must be a multiple of %u and not 0",
				    c->max_data, granule);
	if (f && c->max_data > f->max_data)
		return umem_because(why, -EINVAL, "max-data must not exceed %u",
				    f->max_data);
	if (c->readahead % granule)
		return umem_because(why, -EINVAL,
				    "readahead %u must be a multiple of %u",
				    c->readahead, granule);
	return umem_because(why, -EINVAL, "%s",
			    umem_explain(UMEM_DO_CREATE, EINVAL));
}

int umem_create_because(struct umem_why *why, int err,
			const struct umem_create *create,
			const struct umem_features *features)
{
	if (err > 0)
		err = -err;
	if (err == -EINVAL)
		return create_invalid(why, create, features);
	if (err == -EFBIG && features)
		return umem_because(why, err, "size must be at most %" PRIu64 " bytes",
				    (uint64_t)features->max_size);
	return umem_because(why, err, "%s", umem_explain(UMEM_DO_CREATE, err));
}

const char *umem_policy_text(unsigned int wait_policy)
{
	switch (wait_policy) {
	case UMEM_WAIT_HARD:
		return "hard";
	case UMEM_WAIT_TIMEOUT:
		return "timeout";
	case UMEM_WAIT_FAILFAST:
		return "fail-fast";
	default:
		return "unknown";
	}
}

const char *umem_provider_kind_text(unsigned int provider_kind)
{
	switch (provider_kind) {
	case UMEM_PROVIDER_NONE:
		return "none";
	case UMEM_PROVIDER_USER:
		return "user";
	case UMEM_PROVIDER_KERNEL:
		return "kernel";
	case UMEM_PROVIDER_ATTACHING:
		return "attaching";
	default:
		return "unknown";
	}
}
