// SPDX-License-Identifier: GPL-2.0-only
/*
 * UMEM_RDMA_IOC_ATTACH: sizes, flags, copying.
 */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/ipv6.h>

#include "session.h"

/* The size of the first version; it never changes. */
#define ATTACH_SIZE_V0	64
static_assert(sizeof(struct umem_rdma_attach) == ATTACH_SIZE_V0);
static_assert(offsetof(struct umem_rdma_attach, dst) == 16);
static_assert(offsetof(struct umem_rdma_attach, reads_inflight) == 44);
static_assert(sizeof(struct sockaddr_in6) == UMEM_RDMA_ADDR_MAX);

/* An address that a program can listen at, and nothing behind it. */
static int umem_rdma_get_dst(const struct umem_rdma_attach *arg,
			     struct sockaddr_storage *dst)
{
	const struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)dst;
	const struct sockaddr_in *in4 = (struct sockaddr_in *)dst;
	size_t used = offsetofend(struct sockaddr_in, sin_addr);

	memset(dst, 0, sizeof(*dst));
	memcpy(dst, arg->dst, sizeof(arg->dst));
	switch (dst->ss_family) {
	case AF_INET:
		if (!in4->sin_port || in4->sin_addr.s_addr == htonl(INADDR_ANY))
			return -EINVAL;
		if (memchr_inv(arg->dst + used, 0, sizeof(arg->dst) - used))
			return -EINVAL;
		return 0;
	case AF_INET6:
		if (!in6->sin6_port || ipv6_addr_any(&in6->sin6_addr))
			return -EINVAL;
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

static int umem_rdma_check(const struct umem_rdma_attach *arg)
{
	if (arg->flags || arg->reserved[0] || arg->reserved[1])
		return -EINVAL;
	if (!arg->reads_inflight || !arg->connect_timeout_ms ||
	    !arg->ack_timeout_ms)
		return -EINVAL;
	return 0;
}

static int umem_rdma_ioc_attach(void __user *uarg, size_t usize)
{
	struct sockaddr_storage dst;
	struct umem_rdma_attach arg;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (usize < ATTACH_SIZE_V0)
		return -EINVAL;
	err = copy_struct_from_user(&arg, sizeof(arg), uarg, usize);
	if (err)
		return err;
	err = umem_rdma_check(&arg);
	if (err)
		return err;
	err = umem_rdma_get_dst(&arg, &dst);
	if (err)
		return err;
	return umem_rdma_attach(&arg, &dst);
}

/**
 * umem_rdma_ioctl - ioctls of /dev/umem-rdma
 * @file: the device.
 * @cmd: of any size: structures grow.
 * @arg: user address of the structure.
 */
long umem_rdma_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (_IOC_TYPE(cmd) != UMEM_RDMA_IOC_MAGIC)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(UMEM_RDMA_IOC_ATTACH):
		if (_IOC_DIR(cmd) != _IOC_DIR(UMEM_RDMA_IOC_ATTACH))
			return -ENOTTY;
		return umem_rdma_ioc_attach((void __user *)arg, _IOC_SIZE(cmd));
	default:
		return -ENOTTY;
	}
}
