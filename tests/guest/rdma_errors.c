// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UMEM_RDMA_IOC_ATTACH with arguments that are wrong, and with addresses where
 * no server is: each errno of its documentation.
 *
 * needs: rxe umem umem_rdma
 * timeout: 120
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/pattern_provider.h"
#include "lib/rdma_attach.h"
#include "lib/touch.h"
#include "provider/lib/attach.h"
#include "provider/lib/region.h"

#define REGION_SIZE	(16 * TEST_PAGE)

static pid_t server;
static int region, channel, device;

static int start(void **state)
{
	(void)state;
	server = hostile_start();
	region = test_region(REGION_SIZE, UMEM_WAIT_FAILFAST, 0, 4);
	channel = umem_region_channel(region, 0);
	device = open(UMEM_RDMA_DEVICE, O_RDWR);
	assert_true(channel >= 0);
	assert_true(device >= 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	close(device);
	close(channel);
	close(region);
	hostile_kill(server);
	return 0;
}

static int attach_within(unsigned int ms, const char *address, uint16_t port)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);
	struct sockaddr_in in4 = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };

	arg.connect_timeout_ms = ms;
	memset(arg.dst, 0, sizeof(arg.dst));
	if (inet_pton(AF_INET, address, &in4.sin_addr) == 1)
		memcpy(arg.dst, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
		memcpy(arg.dst, &in6, sizeof(in6));
	return attach(&arg);
}

static int attach_to(const char *address, uint16_t port)
{
	return attach_within(1000 * TEST_SECONDS, address, port);
}

static void zero_fields(void **state)
{
	struct umem_rdma_attach arg;

	(void)state;
	arg = attach_arg(channel, HOSTILE_GOOD);
	arg.reads_inflight = 0;
	assert_int_equal(attach(&arg), EINVAL);
	arg = attach_arg(channel, HOSTILE_GOOD);
	arg.connect_timeout_ms = 0;
	assert_int_equal(attach(&arg), EINVAL);
	arg = attach_arg(channel, HOSTILE_GOOD);
	arg.ack_timeout_ms = 0;
	assert_int_equal(attach(&arg), EINVAL);
}

static void unknown_flags_and_reserved(void **state)
{
	struct umem_rdma_attach arg;

	(void)state;
	for (unsigned int bit = 0; bit < 32; bit++) {
		arg = attach_arg(channel, HOSTILE_GOOD);
		arg.flags = 1U << bit;
		assert_int_equal(attach(&arg), EINVAL);
		arg = attach_arg(channel, HOSTILE_GOOD);
		arg.reserved[bit % 2] = 1U << bit;
		assert_int_equal(attach(&arg), EINVAL);
	}
}

static void sizes(void **state)
{
	struct {
		struct umem_rdma_attach arg;
		uint64_t more;
	} long_arg = { .arg = attach_arg(-1, HOSTILE_GOOD) };

	(void)state;
	for (unsigned int size = 0; size < sizeof(long_arg.arg); size++) {
		assert_int_equal(ioctl(device, _IOC(_IOC_WRITE,
				 UMEM_RDMA_IOC_MAGIC, 0, size), &long_arg), -1);
		assert_int_equal(errno, EINVAL);
	}
	/* A later, longer version is understood if it asks for nothing new. */
	assert_int_equal(ioctl(device, _IOC(_IOC_WRITE, UMEM_RDMA_IOC_MAGIC, 0,
			 sizeof(long_arg)), &long_arg), -1);
	assert_int_equal(errno, EBADF);
	long_arg.more = 1;
	assert_int_equal(ioctl(device, _IOC(_IOC_WRITE, UMEM_RDMA_IOC_MAGIC, 0,
			 sizeof(long_arg)), &long_arg), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(ioctl(device, UMEM_RDMA_IOC_ATTACH, NULL), -1);
	assert_int_equal(errno, EFAULT);
}

static void unknown_ioctls(void **state)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);
	const unsigned int unknown[] = {
		_IOW(UMEM_RDMA_IOC_MAGIC, 1, struct umem_rdma_attach),
		_IOW(UMEM_RDMA_IOC_MAGIC, 255, struct umem_rdma_attach),
		_IOW(UMEM_RDMA_IOC_MAGIC + 1, 0, struct umem_rdma_attach),
		_IOR(UMEM_RDMA_IOC_MAGIC, 0, struct umem_rdma_attach),
		_IOWR(UMEM_RDMA_IOC_MAGIC, 0, struct umem_rdma_attach),
		0, UINT32_MAX,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_int_equal(ioctl(device, unknown[i], &arg), -1);
		assert_int_equal(errno, ENOTTY);
	}
}

static void addresses(void **state)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);
	struct sockaddr_in *in4 = (struct sockaddr_in *)arg.dst;

	(void)state;
	in4->sin_family = AF_UNIX;
	assert_int_equal(attach(&arg), EAFNOSUPPORT);
	in4->sin_family = 0;
	assert_int_equal(attach(&arg), EAFNOSUPPORT);

	for (unsigned int i = sizeof(*in4) - 8; i < sizeof(arg.dst); i++) {
		arg = attach_arg(channel, HOSTILE_GOOD);
		arg.dst[i] = 1;
		assert_int_equal(attach(&arg), EINVAL);
	}
	assert_int_equal(attach_to("10.0.0.1", 0), EINVAL);
	assert_int_equal(attach_to("0.0.0.0", 7471), EINVAL);
	assert_int_equal(attach_to("::", 7471), EINVAL);
}

static void bad_channels(void **state)
{
	struct umem_rdma_attach arg = attach_arg(-1, HOSTILE_GOOD);
	int other;

	(void)state;
	assert_int_equal(attach(&arg), EBADF);
	arg.channel_fd = 1000;
	assert_int_equal(attach(&arg), EBADF);
	arg.channel_fd = region;
	assert_int_equal(attach(&arg), ENOTTY);
	arg.channel_fd = device;
	assert_int_equal(attach(&arg), ENOTTY);

	/* Ended by another. */
	other = umem_region_channel(region, UMEM_CHANNEL_REPLACE);
	assert_true(other >= 0);
	arg.channel_fd = channel;
	assert_int_equal(attach(&arg), EPIPE);
	close(channel);
	channel = other;
}

static void busy_while_attached(void **state)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);

	(void)state;
	assert_int_equal(attach(&arg), 0);
	assert_int_equal(attach(&arg), EBUSY);
	assert_int_equal(umem_region_detach(region), 0);
	assert_int_equal(attach(&arg), EPIPE);
	close(channel);
	channel = umem_region_channel(region, 0);
	assert_true(channel >= 0);
}

static void needs_net_admin(void **state)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (setuid(65534))
			_exit(1);
		_exit(ioctl(device, UMEM_RDMA_IOC_ATTACH, &arg) ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EPERM);
}

static void nobody_listens(void **state)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);
	char own[INET_ADDRSTRLEN];

	(void)state;
	inet_ntop(AF_INET, &((struct sockaddr_in *)arg.dst)->sin_addr, own,
		  sizeof(own));
	assert_int_equal(attach_to(own, 9), ECONNREFUSED);
}

static void nobody_there(void **state)
{
	long long took = test_now_ms();

	(void)state;
	/* On our network, but no such machine. */
	assert_int_equal(attach_within(2000, "10.0.0.77", 7471), ETIMEDOUT);
	took = test_now_ms() - took;
	assert_true(took > 1500 && took < 1000 * TEST_SECONDS);
}

static void no_route(void **state)
{
	(void)state;
	assert_int_equal(attach_to("192.0.2.1", 7471), ENETUNREACH);
	assert_int_equal(system("/bin/ip route add unreachable 192.0.2.1"), 0);
	assert_int_equal(attach_to("192.0.2.1", 7471), EHOSTUNREACH);
	assert_int_equal(system("/bin/ip route del unreachable 192.0.2.1"), 0);
}

static void no_device(void **state)
{
	(void)state;
	/* There is a route, but no RDMA device on it. */
	assert_int_equal(attach_to("127.0.0.1", 7471), ENODEV);
}

/* After all that the channel still works. */
static void still_good(void **state)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);
	struct umem_region_status status;
	char wanted[64];

	(void)state;
	assert_int_equal(attach(&arg), 0);
	assert_int_equal(read_granule(region, 5), 0);
	/* Who waited may be awake before it is counted. */
	AWAIT(test_status(region).bytes_direct == TEST_PAGE);
	status = test_status(region);
	assert_int_equal(status.bytes_copied, 0);
	inet_ntop(AF_INET, &((struct sockaddr_in *)arg.dst)->sin_addr, wanted,
		  sizeof(wanted));
	assert_memory_equal(status.provider, "rdma://", 7);
	assert_memory_equal(status.provider + 7, wanted, strlen(wanted));
	assert_string_equal(status.provider + 7 + strlen(wanted), ":7475/0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_fields),
		cmocka_unit_test(unknown_flags_and_reserved),
		cmocka_unit_test(sizes),
		cmocka_unit_test(unknown_ioctls),
		cmocka_unit_test(addresses),
		cmocka_unit_test(bad_channels),
		cmocka_unit_test(busy_while_attached),
		cmocka_unit_test(needs_net_admin),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(no_route),
		cmocka_unit_test(no_device),
		cmocka_unit_test(still_good),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
