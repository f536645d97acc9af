// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is told of a mapping, and what moves its pages, while granules are missing
 * or on their way: looking asks for nothing, moving loses nothing.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/setting.h"
#include "lib/touch.h"

#define PAGES	1024		/* two blocks of 2 MiB */
#define SIZE	(PAGES * TEST_PAGE)

static int region, channel;
static char *mem;

static int setup(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hand_release(region);
	munmap(mem, SIZE);
	close(region);
	close(channel);
	return 0;
}

static bool right(unsigned int page)
{
	return pattern_matches(mem + page * TEST_PAGE, page);
}

/* Starts a touch and takes its request. */
static void begin(struct toucher *toucher, unsigned int page)
{
	toucher_start(toucher, mem + page * TEST_PAGE);
	assert_int_equal(hand_take(channel), page);
	AWAIT(task_state(getpid(), toucher->tid) == 'S');
}

/* ---- NUMA policy, and pages that are moved ------------------------------ */

static long mbind_all(char *at, int mode, unsigned int flags)
{
	unsigned long nodes = 1;

	return syscall(SYS_mbind, at, SIZE, mode,
		       mode == MPOL_DEFAULT ? NULL : &nodes,
		       mode == MPOL_DEFAULT ? 0UL : 64UL, flags);
}

/* Where the page is: a node, or a negative errno. */
static int node_of(char *at)
{
	void *page = at;
	int node = -1;

	assert_int_equal(syscall(SYS_move_pages, 0, 1UL, &page, NULL, &node, 0),
			 0);
	return node;
}

static void policies(void **state)
{
	static const int modes[] = {
		MPOL_BIND, MPOL_PREFERRED, MPOL_INTERLEAVE, MPOL_DEFAULT,
	};
	struct toucher toucher;
	unsigned int i;
	int mode = -1;

	(void)state;
	if (mbind_all(mem, MPOL_DEFAULT, 0) && errno == ENOSYS)
		skip();
	for (i = 0; i < 4; i++) {
		assert_int_equal(mbind_all(mem, modes[i], 0), 0);
		assert_int_equal(syscall(SYS_get_mempolicy, &mode, NULL, 0, mem,
					 MPOL_F_ADDR), 0);
		assert_int_equal(mode, modes[i]);
		begin(&toucher, i);
		/* While it is on its way, by force. */
		mbind_all(mem, modes[i], MPOL_MF_MOVE | MPOL_MF_STRICT);
		hand_data(channel, i, 1);
		assert_int_equal(toucher_join(&toucher), 0);
		assert_true(right(i));
	}
	assert_int_equal(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0), 0);
	assert_int_equal(node_of(mem), 0);
	/* Asking where a missing page is does not fetch it. */
	assert_true(node_of(mem + 100 * TEST_PAGE) < 0);
	assert_int_equal(test_status(region).requests, 4);
}

/* Compaction moves provided pages, and leaves alone those that are awaited. */
static void compaction(void **state)
{
	struct toucher touchers[8];
	unsigned int i;

	(void)state;
	hand_data(channel, 16, 512);
	for (i = 16; i < 528; i++)
		assert_int_equal(touch_read(mem + i * TEST_PAGE), 0);
	for (i = 0; i < 8; i++)
		begin(&touchers[i], i);
	for (i = 0; i < 3; i++)
		setting_need("/proc/sys/vm/compact_memory", "1");
	hand_data(channel, 0, 8);
	setting_need("/proc/sys/vm/compact_memory", "1");
	for (i = 0; i < 8; i++) {
		assert_int_equal(toucher_join(&touchers[i]), 0);
		assert_true(right(i));
	}
	for (i = 16; i < 528; i++)
		assert_true(right(i));
}

/* ---- What is told of a mapping ------------------------------------------ */

static unsigned char in_core(unsigned int page)
{
	unsigned char vec;

	assert_int_equal(mincore(mem + page * TEST_PAGE, TEST_PAGE, &vec), 0);
	return vec & 1;
}

/* Missing: no. Provided, touched or not: yes. */
static void mincore_tells(void **state)
{
	(void)state;
	assert_int_equal(in_core(0), 0);
	hand_data(channel, 0, 2);
	assert_int_equal(in_core(0), 1);
	assert_int_equal(touch_read(mem + TEST_PAGE), 0);
	assert_int_equal(in_core(1), 1);
	assert_int_equal(in_core(2), 0);
	assert_int_equal(test_status(region).requests, 0);
}

static void read_whole(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return;
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		;
	assert_int_equal(got, 0);
	close(fd);
}

static void pagemap_of_the_region(void)
{
	uint64_t entries[PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	assert_int_equal(pread(fd, entries, sizeof(entries),
			       (uintptr_t)mem / TEST_PAGE * 8), sizeof(entries));
	close(fd);
	assert_int_equal(entries[3] >> 62, 0);
	assert_int_equal(entries[0] >> 63, 1);
}

/* Looking asks for nothing, whatever is on its way. */
static void proc_files(void **state)
{
	static const char *const files[] = {
		"/proc/self/maps", "/proc/self/smaps", "/proc/self/numa_maps",
		"/proc/self/smaps_rollup", "/proc/self/statm",
		"/proc/self/status", "/proc/self/oom_score", "/proc/self/stat",
	};
	struct toucher toucher;
	unsigned int i;

	(void)state;
	hand_data(channel, 0, 2);
	assert_int_equal(touch_write(mem, 'w'), 0);
	begin(&toucher, 3);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_whole(files[i]);
	pagemap_of_the_region();
	for (i = 1; i <= 5; i++) {
		char what[2] = { '0' + i, 0 };

		setting_need("/proc/self/clear_refs", what);
		assert_int_equal(mem[0], 'w');
		assert_true(right(1));
		assert_int_equal(touch_write(mem, 'w'), 0);
	}
	assert_false(toucher_is_over(&toucher));
	assert_int_equal(test_status(region).requests, 1);
	hand_data(channel, 3, 1);
	assert_int_equal(toucher_join(&toucher), 0);
}

static void msync_of_missing_pages(void **state)
{
	(void)state;
	hand_data(channel, 0, 1);
	assert_int_equal(touch_write(mem + 8, 'w'), 0);
	assert_int_equal(msync(mem, SIZE, MS_SYNC), 0);
	assert_int_equal(msync(mem, SIZE, MS_ASYNC | MS_INVALIDATE), 0);
	assert_int_equal(mem[8], 'w');
	setting_need("/proc/sys/vm/drop_caches", "3");
	assert_int_equal(mem[8], 'w');
	assert_int_equal(test_status(region).requests, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(policies),
		TEST(compaction),
		TEST(mincore_tells),
		TEST(proc_files),
		TEST(msync_of_missing_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
