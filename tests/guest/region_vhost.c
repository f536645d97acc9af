// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * vhost: in place of the program a thread of the kernel touches the region, to
 * which no signal comes (before 6.4). It waits like the program would, and does
 * not keep the program's process alive.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES	16
#define SIZE	(PAGES * TEST_PAGE)
#define RING	8
#define TX	1

/* Of the region; the rest of the device's memory is the program's own. */
#define AVAIL_PAGE	3

static int region, channel;

struct device {
	int vhost, tap, kick;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	char *packet;
};

static int open_devices(struct device *d)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (system("modprobe -q tun; modprobe -q vhost_net"))
		return -1;
	d->vhost = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
	d->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (d->vhost < 0 || d->tap < 0)
		return -1;
	return ioctl(d->tap, TUNSETIFF, &ifr) || ioctl(d->vhost,
						       VHOST_SET_OWNER);
}

/* All of memory, at the addresses of the program. */
static int set_memory(struct device *d)
{
	struct vhost_memory *table = calloc(1, sizeof(*table) +
					    sizeof(table->regions[0]));
	int err;

	table->nregions = 1;
	table->regions[0].memory_size = 1ULL << 47;
	err = ioctl(d->vhost, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

static int set_ring(struct device *d)
{
	struct vhost_vring_state number = { TX, RING }, base = { TX, 0 };
	struct vhost_vring_addr addr = {
		.index = TX,
		.desc_user_addr = (uintptr_t)d->desc,
		.avail_user_addr = (uintptr_t)d->avail,
		.used_user_addr = (uintptr_t)d->used,
	};
	struct vhost_vring_file kick = { TX, d->kick };
	struct vhost_vring_file backend = { TX, d->tap };

	return ioctl(d->vhost, VHOST_SET_VRING_NUM, &number) ||
	       ioctl(d->vhost, VHOST_SET_VRING_BASE, &base) ||
	       ioctl(d->vhost, VHOST_SET_VRING_ADDR, &addr) ||
	       ioctl(d->vhost, VHOST_SET_VRING_KICK, &kick) ||
	       ioctl(d->vhost, VHOST_NET_SET_BACKEND, &backend);
}

/* A network device whose ring of buffers is in the region. 0 or -1. */
static int make_device(struct device *d)
{
	char *own, *mem;

	if (open_devices(d))
		return -1;
	own = mmap(NULL, 3 * TEST_PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	d->desc = (struct vring_desc *)own;
	d->used = (struct vring_used *)(own + TEST_PAGE);
	d->packet = own + 2 * TEST_PAGE;
	d->avail = (struct vring_avail *)(mem + AVAIL_PAGE * TEST_PAGE);
	d->kick = eventfd(0, EFD_CLOEXEC);
	return set_memory(d) || set_ring(d) ? -1 : 0;
}

static void kick(struct device *d)
{
	uint64_t one = 1;

	if (write(d->kick, &one, sizeof(one)) != sizeof(one))
		fail_msg("kick");
}

static int setup(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, PAGES);
	channel = hand_open(region, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hand_release(region);
	close(channel);
	close(region);
	return 0;
}

/* Longer than anybody would wait who may not. Then the device works. */
static void waits_for_a_slow_provider(void **state)
{
	volatile struct vring_used *used;
	struct device d;
	double asked;

	(void)state;
	if (make_device(&d))
		skip();
	kick(&d);
	assert_int_equal(hand_take(channel), AVAIL_PAGE);
	for (asked = test_now(); test_now() - asked < 3;)
		test_pause();
	hand_zero(channel, AVAIL_PAGE, 1);
	d.desc[0].addr = (uintptr_t)d.packet;
	d.desc[0].len = 60;
	d.avail->ring[0] = 0;
	__atomic_store_n(&d.avail->idx, 1, __ATOMIC_RELEASE);
	kick(&d);
	used = d.used;
	AWAIT(used->idx == 1);
	assert_int_equal(used->ring[0].id, 0);
	assert_int_equal(test_status(region).requests, 1);
	close(d.vhost);
	close(d.tap);
}

static void killed_while_it_waits(void **state)
{
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (!child) {
		struct device d;

		close(channel);
		if (make_device(&d))
			_exit(77);
		kick(&d);
		pause();
	}
	AWAIT(waitpid(child, &status, WNOHANG) == child ||
	      test_status(region).requests == 1);
	if (test_status(region).requests == 0)
		skip();
	assert_int_equal(hand_take(channel), AVAIL_PAGE);
	usleep(100000);
	test_kill(child);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(waits_for_a_slow_provider),
		TEST(killed_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
