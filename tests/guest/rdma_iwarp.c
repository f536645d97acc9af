// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An iWARP device would need a registered, remotely writable sink for each READ,
 * which umem_rdma does not make: it refuses such a device, and the channel is as
 * before.
 *
 * needs: umem umem_rdma
 * timeout: 60
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <rdma/rdma_cma.h>

#include "lib/hand_provider.h"
#include "lib/rdma_attach.h"
#include "lib/touch.h"

#define ADDRESS	"10.9.0.1"
#define SIZE	(4 * TEST_PAGE)

static struct sockaddr_in address(void)
{
	struct sockaddr_in dst = {
		.sin_family = AF_INET,
		.sin_port = htons(HOSTILE_PORT),
	};

	inet_pton(AF_INET, ADDRESS, &dst.sin_addr);
	return dst;
}

static int make_device(void)
{
	/* What is built in needs no modprobe; rdma tells what is missing. */
	return system("modprobe -qa siw rdma_ucm; /bin/ip link add iwarp0 type dummy && "
		      "/bin/ip addr add " ADDRESS "/24 dev iwarp0 && "
		      "/bin/ip link set iwarp0 up && "
		      "rdma link add siw0 type siw netdev iwarp0 2>&1");
}

static int remove_device(void **state)
{
	(void)state;
	return system("rdma link del siw0; /bin/ip link del iwarp0");
}

/* The name of the device that userspace finds, or NULL. */
static const char *find_device(void)
{
	struct rdma_event_channel *events = rdma_create_event_channel();
	struct sockaddr_in dst = address();
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	if (!events || rdma_create_id(events, &id, NULL, RDMA_PS_TCP) ||
	    rdma_resolve_addr(id, NULL, (struct sockaddr *)&dst,
			      1000 * TEST_SECONDS) ||
	    rdma_get_cm_event(events, &event) ||
	    event->event != RDMA_CM_EVENT_ADDR_RESOLVED)
		return NULL;
	return ibv_get_device_name(id->verbs->device);
}

/*
 * What refuses is not that no device is found: userspace finds it. In a process of its
 * own, which librdmacm keeps the device open for until it ends: as long it cannot be
 * removed.
 */
static void device_is_found(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		const char *name = find_device();

		_exit(!name || strcmp(name, "siw0"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Long before anybody asks whether a server is there: none is. */
static void attach_is_refused(void **state)
{
	int region = test_region(SIZE, UMEM_WAIT_FAILFAST, 0, 4);
	int channel = hand_open(region, 0);
	struct umem_rdma_attach arg = {
		.channel_fd = channel,
		.reads_inflight = 1,
		.connect_timeout_ms = 1000 * TEST_SECONDS,
		.ack_timeout_ms = 500,
	};
	struct sockaddr_in dst = address();

	(void)state;
	memcpy(arg.dst, &dst, sizeof(dst));
	assert_int_equal(attach(&arg), ENODEV);
	hand_data(channel, 2, 1);
	assert_int_equal(test_status(region).granules_provided, 1);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	close(channel);
	close(region);
}

static void umemctl_says_so(void **state)
{
	char said[512] = "";
	FILE *out;

	(void)state;
	out = popen("umemctl run --size 16K --wait-policy hard "
		    "--provider rdma://" ADDRESS ":7471/7 -- true 2>&1", "r");
	assert_non_null(out);
	said[fread(said, 1, sizeof(said) - 1, out)] = '\0';
	assert_int_equal(WEXITSTATUS(pclose(out)), 1);
	/* One line, which helps. */
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	if (!strstr(said, "iWARP"))
		fail_msg("umemctl said: %s", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_is_found),
		cmocka_unit_test(attach_is_refused),
		cmocka_unit_test(umemctl_says_so),
	};

	if (make_device()) {
		puts("1..0 # SKIP no Soft-iWARP in this kernel (KERNEL=debug has)");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, remove_device);
}
