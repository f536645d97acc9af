// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ioctls: valid ones, valid ones with something changed, and any.
 */
#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/umem.h>
#include <linux/umem_rdma.h>
#include <linux/umem_sim.h>

#include "fuzz.h"
#include "tests/guest/lib/hostile.h"

/* Network waits of a valid ATTACH are at most this. */
#define CONNECT_MS	50

long call_features(struct fuzz *f)
{
	struct umem_features features;
	unsigned long cmd = UMEM_IOC_FEATURES;
	void *arg = ioctl_arg(f, &cmd, &features, sizeof(features));
	const struct fuzz_fd *fd = draw_fd(f, FD_DEVICE);

	call_args(f, "cmd %#lx type %d", cmd, fd->type);
	return fuzz_ioctl(f, fd->fd, cmd, arg);
}

/* ---- CREATE -------------------------------------------------------------- */

static void draw_create(struct fuzz *f, struct umem_create *create)
{
	unsigned int policy = draw(f, 20);

	memset(create, 0, sizeof(*create));
	create->size = (1 + draw(f, once_in(f, 20) ? 4096 : 128)) * PAGE;
	create->flags = once_in(f, 2) ? UMEM_CREATE_CLOEXEC : 0;
	create->wait_policy = policy < 16 ? UMEM_WAIT_TIMEOUT :
		policy < 18 ? UMEM_WAIT_FAILFAST : UMEM_WAIT_HARD;
	if (create->wait_policy == UMEM_WAIT_TIMEOUT)
		create->timeout_ms = 1 + draw(f, 4);
	create->spin_ns = draw(f, 2) * 50000;
	create->max_inflight = 1 + draw(f, once_in(f, 4) ? 256 : 8);
	create->max_data = (1 + draw(f, 8)) * PAGE;
	if (once_in(f, 4))
		create->readahead = draw(f, 33) * PAGE;
	if (once_in(f, 12))
		create->flags |= UMEM_CREATE_USER_ONLY;
	if (!once_in(f, 12))
		return;
	create->flags |= UMEM_CREATE_HUGE;
	create->size = (1 + draw(f, 4)) * UMEM_GRANULE_HUGE;
	create->max_data = UMEM_GRANULE_HUGE;
	if (create->readahead)
		create->readahead = UMEM_GRANULE_HUGE;
}

/* What is valid may not cost too much, nor wait too long. */
static void make_bearable(struct umem_create *create)
{
	if (create->size > LARGEST_SIZE && create->size <= 1UL << 44)
		create->size &= LARGEST_SIZE - 1;
	if (create->max_inflight > 4096 && create->max_inflight <= 65536)
		create->max_inflight &= 4095;
	if (create->timeout_ms > 50 && create->timeout_ms <= INT32_MAX)
		create->timeout_ms &= 31;
}

static void limit_fds(rlim_t limit)
{
	struct rlimit rlimit;

	getrlimit(RLIMIT_NOFILE, &rlimit);
	rlimit.rlim_cur = limit;
	setrlimit(RLIMIT_NOFILE, &rlimit);
}

long call_create(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_DEVICE);
	unsigned long cmd = UMEM_IOC_CREATE;
	bool valid = !once_in(f, 2);
	struct umem_create create;
	void *arg = &create;
	long ret;

	draw_create(f, &create);
	if (!valid) {
		mutate(f, &create, sizeof(create));
		make_bearable(&create);
		arg = ioctl_arg(f, &cmd, &create, sizeof(create));
	}
	call_args(f, "cmd %#lx type %d size %llu policy %u timeout %u flags %#x features %#llx inflight %u data %u",
		  cmd, fd->type, create.size, create.wait_policy,
		  create.timeout_ms, create.flags, create.features,
		  create.max_inflight, create.max_data);
	/* No room for another fd: whatever was made has to go again. */
	if (once_in(f, 200))
		limit_fds(0);
	ret = fuzz_ioctl(f, fd->fd, cmd, arg);
	limit_fds(256);
	if (ret >= 0)
		adopt_fd(f, ret);
	return ret;
}

/* As one without the creator's rights, if @other_user says so. */
static long ioctl_as(struct fuzz *f, bool other_user, int fd, unsigned long cmd,
		     void *arg)
{
	long ret;

	if (other_user && seteuid(1000))
		other_user = false;
	ret = fuzz_ioctl(f, fd, cmd, arg);
	if (other_user && seteuid(0))
		_exit(1);
	return ret;
}

/* ---- Of a region --------------------------------------------------------- */

long call_channel(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	struct umem_channel_open open = {
		.flags = UMEM_CHANNEL_NONBLOCK | (draw(f, 8) & 5),
	};
	unsigned long cmd = UMEM_IOC_CHANNEL;
	bool other_user = once_in(f, 50);
	void *arg = &open;
	long ret;

	if (once_in(f, 3)) {
		mutate(f, &open, sizeof(open));
		arg = ioctl_arg(f, &cmd, &open, sizeof(open));
	}
	call_args(f, "cmd %#lx type %d flags %#x", cmd, fd->type, open.flags);
	if (once_in(f, 200))
		limit_fds(0);
	ret = ioctl_as(f, other_user, fd->fd, cmd, arg);
	limit_fds(256);
	if (ret >= 0)
		adopt_fd(f, ret);
	return ret;
}

long call_detach(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);

	call_args(f, "type %d", fd->type);
	return done(ioctl(fd->fd, UMEM_IOC_DETACH, draw_odd(f)), errno);
}

long call_status(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, once_in(f, 2) ? FD_REGION :
					   FD_CHANNEL);
	struct umem_region_status status;
	unsigned long cmd = UMEM_IOC_STATUS;
	void *arg = ioctl_arg(f, &cmd, &status, sizeof(status));
	long ret;

	call_args(f, "cmd %#lx type %d", cmd, fd->type);
	ret = fuzz_ioctl(f, fd->fd, cmd, arg);
	if (!ret && arg == &status && cmd == UMEM_IOC_STATUS &&
	    (status.granules_provided > status.granules ||
	     status.requests_queued + status.requests_issued >
	     status.max_inflight))
		fuzz_wrong("status: %llu of %llu granules, %llu + %llu requests of %u",
			   status.granules_provided, status.granules,
			   status.requests_queued, status.requests_issued,
			   status.max_inflight);
	return ret;
}

long call_finalize(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	struct umem_finalize finalize = {
		.pid = once_in(f, 2) ? 0 : once_in(f, 2) ? getpid() :
			(int)draw_odd(f),
	};
	unsigned long cmd = UMEM_IOC_FINALIZE;
	void *arg = &finalize;

	/* Not a stranger's mappings. */
	if (once_in(f, 3)) {
		mutate(f, &finalize, sizeof(finalize));
		arg = ioctl_arg(f, &cmd, &finalize, sizeof(finalize));
	}
	call_args(f, "cmd %#lx type %d pid %d", cmd, fd->type, finalize.pid);
	return fuzz_ioctl(f, fd->fd, cmd, arg);
}

long call_fill(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	struct umem_fill_args fill = { .window = draw(f, 5) };
	unsigned long cmd = UMEM_IOC_FILL;
	bool other_user = once_in(f, 50);
	void *arg = &fill;

	if (once_in(f, 3)) {
		mutate(f, &fill, sizeof(fill));
		arg = ioctl_arg(f, &cmd, &fill, sizeof(fill));
	}
	call_args(f, "cmd %#lx type %d window %u flags %#x", cmd, fd->type,
		  fill.window, fill.flags);
	return ioctl_as(f, other_user, fd->fd, cmd, arg);
}

long call_requeue(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_CHANNEL);

	call_args(f, "type %d", fd->type);
	return done(ioctl(fd->fd, UMEM_CHANNEL_IOC_REQUEUE, draw_odd(f)),
		    errno);
}

/* ---- Any ioctl ----------------------------------------------------------- */

static bool makes_a_region(unsigned long cmd)
{
	return _IOC_TYPE(cmd) == UMEM_IOC_MAGIC &&
	       _IOC_NR(cmd) == _IOC_NR(UMEM_IOC_CREATE);
}

static bool makes_a_channel(unsigned long cmd)
{
	return _IOC_TYPE(cmd) == UMEM_IOC_MAGIC &&
	       _IOC_NR(cmd) == _IOC_NR(UMEM_IOC_CHANNEL);
}

/* Numbers near ours, of any size and direction, on any file. */
long call_ioctl(struct fuzz *f)
{
	static const enum fd_type types[] = {
		FD_DEVICE, FD_RDMA, FD_SIM, FD_REGION, FD_CHANNEL, FD_OTHER,
	};
	static const unsigned char magics[] = {
		UMEM_IOC_MAGIC, UMEM_IOC_MAGIC, UMEM_RDMA_IOC_MAGIC,
		UMEM_SIM_IOC_MAGIC, 0xe6, 0xff,
	};
	const struct fuzz_fd *fd = draw_fd(f, types[draw(f, 6)]);
	unsigned long cmd = _IOC(draw(f, 4), magics[draw(f, 6)],
				 draw(f, once_in(f, 4) ? 256 : 0x24),
				 once_in(f, 2) ? draw(f, 512) :
				 draw(f, 1 << 14));
	char *arg = f->buffer + BUFFER / 2;
	long ret;

	/* A valid CREATE or ATTACH by accident might be huge, or wait. */
	for (size_t i = 0; i < BUFFER / 2; i += 8)
		*(uint64_t *)(arg + i) = rng_next(&f->rng) | 1;
	call_args(f, "cmd %#lx type %d", cmd, fd->type);
	ret = done(ioctl(fd->fd, cmd, once_in(f, 4) ?
			 draw_pointer(f, _IOC_SIZE(cmd)) : arg), errno);
	if (ret >= 0 && ((fd->type == FD_DEVICE && makes_a_region(cmd)) ||
			 (fd->type == FD_REGION && makes_a_channel(cmd))))
		adopt_fd(f, ret);
	return ret;
}

/* ---- ATTACH -------------------------------------------------------------- */

static void draw_address(struct fuzz *f, struct umem_rdma_attach *attach)
{
	static const char *const hosts[] = {
		"127.0.0.1", "10.0.0.77", "0.0.0.0", "224.0.0.1",
		"255.255.255.255", "192.0.2.1",
	};
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool at_server = shared->server[0] && once_in(f, 2);

	in4.sin_port = htons(at_server && !once_in(f, 4) ? shared->port :
			     draw(f, 65536));
	inet_pton(AF_INET, at_server ? shared->server : hosts[draw(f, 6)],
		  &in4.sin_addr);
	memcpy(attach->dst, &in4, sizeof(in4));
	if (!once_in(f, 8))
		return;
	in6.sin6_port = htons(draw(f, 65536));
	inet_pton(AF_INET6, once_in(f, 2) ? "::1" : "fe80::1", &in6.sin6_addr);
	in6.sin6_scope_id = draw(f, 4);
	memcpy(attach->dst, &in6, sizeof(in6));
}

long call_attach(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_RDMA);
	unsigned long cmd = UMEM_RDMA_IOC_ATTACH;
	struct umem_rdma_attach attach = {
		.channel_fd = draw_fd(f, FD_CHANNEL)->fd,
		.export_id = once_in(f, 3) ? HOSTILE_GOOD :
			draw(f, HOSTILE_NR_MODES + 2),
		.reads_inflight = 1 + draw(f, 32),
		.connect_timeout_ms = 1 + draw(f, CONNECT_MS),
		.ack_timeout_ms = 1 + draw(f, 20),
	};
	bool other_user = once_in(f, 50);
	void *arg = &attach;

	draw_address(f, &attach);
	if (!once_in(f, 8)) {
		mutate(f, &attach, sizeof(attach));
		/* Not longer than is agreed upon, if it should be valid. */
		attach.connect_timeout_ms %= CONNECT_MS + 1;
		arg = ioctl_arg(f, &cmd, &attach, sizeof(attach));
	}
	call_args(f, "cmd %#lx type %d family %u port %u address %#x export %llu channel %d",
		  cmd, fd->type, *(uint16_t *)attach.dst,
		  ntohs(*(uint16_t *)(attach.dst + 2)),
		  ntohl(*(uint32_t *)(attach.dst + 4)), attach.export_id,
		  attach.channel_fd);
	return ioctl_as(f, other_user, fd->fd, cmd, arg);
}
