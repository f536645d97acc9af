// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A 32-bit program gets the same answers from /dev/umem-rdma as a 64-bit one.
 *
 * needs: rxe umem umem_rdma
 * timeout: 60
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/umem.h>
#include <linux/umem_rdma.h>

_Static_assert(sizeof(void *) == 4, "built with -m32");
_Static_assert(sizeof(struct umem_rdma_attach) == 64, "one layout");

static unsigned int tests, failed;
static int device;

static void is(const char *what, int got, int wanted)
{
	tests++;
	failed += got != wanted;
	printf("%sok %u - %s\n", got == wanted ? "" : "not ", tests, what);
	if (got != wanted)
		printf("# got %d (%s), wanted %d (%s)\n", got, strerror(got),
		       wanted, strerror(wanted));
}

static int attach(unsigned int cmd, const struct umem_rdma_attach *arg)
{
	return ioctl(device, cmd, arg) ? errno : 0;
}

static int make_channel(void)
{
	struct umem_create create = {
		.size = 1U << 20, .wait_policy = UMEM_WAIT_FAILFAST,
		.max_inflight = 4, .max_data = UMEM_GRANULE_SIZE,
	};
	struct umem_channel_open open_arg = { 0 };
	int umem = open("/dev/umem", O_RDWR);
	int region = ioctl(umem, UMEM_IOC_CREATE, &create);

	return ioctl(region, UMEM_IOC_CHANNEL, &open_arg);
}

int main(void)
{
	struct sockaddr_in nowhere = {
		.sin_family = AF_INET,
		.sin_port = htons(7471),
		.sin_addr.s_addr = htonl(0xc0000201),	/* 192.0.2.1 */
	};
	struct umem_rdma_attach good = {
		.channel_fd = make_channel(), .reads_inflight = 1,
		.connect_timeout_ms = 1000, .ack_timeout_ms = 100,
	}, arg;

	device = open("/dev/umem-rdma", O_RDWR);
	is("/dev/umem-rdma opens", device < 0 ? errno : 0, 0);
	is("there is a channel", good.channel_fd < 0 ? errno : 0, 0);
	memcpy(good.dst, &nowhere, sizeof(nowhere));

	is("no route", attach(UMEM_RDMA_IOC_ATTACH, &good), ENETUNREACH);
	arg = good;
	arg.flags = 1;
	is("flags", attach(UMEM_RDMA_IOC_ATTACH, &arg), EINVAL);
	arg = good;
	arg.reserved[1] = 1;
	is("reserved", attach(UMEM_RDMA_IOC_ATTACH, &arg), EINVAL);
	arg = good;
	arg.dst[0] = AF_UNIX;
	is("family", attach(UMEM_RDMA_IOC_ATTACH, &arg), EAFNOSUPPORT);
	arg = good;
	arg.channel_fd = -1;
	is("no fd", attach(UMEM_RDMA_IOC_ATTACH, &arg), EBADF);
	arg.channel_fd = device;
	is("no channel", attach(UMEM_RDMA_IOC_ATTACH, &arg), ENOTTY);
	is("too short", attach(_IOC(_IOC_WRITE, UMEM_RDMA_IOC_MAGIC, 0, 60),
			       &good), EINVAL);
	is("unknown", attach(_IO(UMEM_RDMA_IOC_MAGIC, 9), &good), ENOTTY);
	is("no memory", attach(UMEM_RDMA_IOC_ATTACH, NULL), EFAULT);

	printf("1..%u\n", tests);
	return failed != 0;
}
