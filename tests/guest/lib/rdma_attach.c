// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pattern_provider.h"
#include "provider/lib/attach.h"
#include "provider/lib/region.h"
#include "rdma_attach.h"
#include "touch.h"
#include "wrong_bytes.h"

/* Where in the server's memory the present exports begin. */
static uint64_t export_from;

const struct hostile_way hostile_ways[] = {
#define X(name, err) [HOSTILE_##name] = { #name, err },
	HOSTILE_MODES(X)
#undef X
};

unsigned int hostile_timeout_ms(enum hostile_mode mode)
{
	return hostile_ways[mode].err == ETIMEDOUT ? 2000 : 1000 * TEST_SECONDS;
}

long long test_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

bool hostile_was_early(enum hostile_mode mode, int err)
{
	err = abs(err);
	return mode > HOSTILE_LIVE_DEAF && mode < HOSTILE_LIVE_AT_ONCE &&
	       (err == EPROTO || err == EREMOTEIO);
}

/* The address of eth0, where Soft-RoCE is. */
static struct sockaddr_in own_address(void)
{
	struct sockaddr_in own = { 0 };
	struct ifaddrs *all, *a;

	assert_int_equal(getifaddrs(&all), 0);
	for (a = all; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
		    !strcmp(a->ifa_name, "eth0"))
			memcpy(&own, a->ifa_addr, sizeof(own));
	freeifaddrs(all);
	assert_int_equal(own.sin_family, AF_INET);
	own.sin_port = htons(HOSTILE_PORT);
	return own;
}

static void exec_server(int out)
{
	struct sockaddr_in own = own_address();
	char address[INET_ADDRSTRLEN], port[8];

	inet_ntop(AF_INET, &own.sin_addr, address, sizeof(address));
	snprintf(port, sizeof(port), "%u", HOSTILE_PORT);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execlp("hostile_server", "hostile_server", address, port, NULL);
	_exit(127);
}

pid_t hostile_start(void)
{
	int out[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		exec_server(out[1]);
	close(out[1]);
	if (read(out[0], &byte, 1) != 1)
		fail_msg("hostile_server does not start");
	close(out[0]);
	wrong_bytes_begin();
	return pid;
}

void hostile_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void hostile_move(void)
{
	export_from = (export_from + HOSTILE_STEP) % HOSTILE_SIZE;
	wrong_bytes_begin();
}

void hostile_move_back(void)
{
	export_from = 0;
}

struct umem_rdma_attach attach_arg(int channel, enum hostile_mode mode)
{
	struct sockaddr_in own = own_address();
	struct umem_rdma_attach arg = {
		.channel_fd = channel,
		.export_id = hostile_id(mode, mode == HOSTILE_GOOD ?
					export_from : 0),
		.reads_inflight = 16,
		.connect_timeout_ms = hostile_timeout_ms(mode),
		.ack_timeout_ms = 500,
	};

	memcpy(arg.dst, &own, sizeof(own));
	return arg;
}

int attach(const struct umem_rdma_attach *arg)
{
	int device = open(UMEM_RDMA_DEVICE, O_RDWR | O_CLOEXEC);
	int err;

	assert_true(device >= 0);
	err = ioctl(device, UMEM_RDMA_IOC_ATTACH, arg) ? errno : 0;
	close(device);
	return err;
}

int attach_region(int region, enum hostile_mode mode)
{
	int channel = umem_region_channel(region, 0);
	struct umem_rdma_attach arg;
	int err;

	if (channel < 0)
		return -channel;
	arg = attach_arg(channel, mode);
	err = attach(&arg);
	close(channel);
	return err;
}

bool wait_detached(int region)
{
	double end = test_now() + TEST_SECONDS;
	struct umem_region_status status;

	do {
		status = test_status(region);
		if (status.provider_kind == UMEM_PROVIDER_NONE &&
		    !status.requests_issued)
			return true;
		usleep(5000);
	} while (test_now() < end);
	return false;
}

int read_granule(int region, uint64_t granule)
{
	uint64_t words[TEST_PAGE / sizeof(uint64_t)];
	uint64_t offset = granule * TEST_PAGE;
	unsigned int i;
	ssize_t n;

	n = pread(region, words, sizeof(words), offset);
	if (n < 0)
		return errno;
	if (n != sizeof(words))
		return ENODATA;
	for (i = 0; i < TEST_PAGE / sizeof(*words); i++)
		if (words[i] != hostile_word(export_from + offset + 8 * i))
			break;
	if (i == TEST_PAGE / sizeof(*words))
		return 0;
	wrong_bytes_tell(region, offset, words, export_from + offset);
	return EILSEQ;
}
