// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * FINALIZE of a region with granules of 2 MiB: its mappings become plain ones of
 * tmpfs, with the same bytes, and with huge pages also where it had small ones.
 *
 * needs: umem umem_sim mem=2G
 * timeout: 240
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/huge.h"
#include "lib/setting.h"
#include "lib/sim_attach.h"
#include "lib/smaps.h"
#include "lib/touch.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define GRANULES	3
#define SIZE		(GRANULES * TEST_HUGE)
#define PAGES		(GRANULES * TEST_HUGE_PAGES)

static int region = -1, channel = -1;
static char *mem;
static char shmem_was[32];

static int open_region(void **state)
{
	(void)state;
	setting_read(SHMEM_ENABLED, shmem_was, sizeof(shmem_was));
	region = huge_region(GRANULES, 4);
	channel = hand_open(region, 0);
	mem = map_aligned(region, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	return 0;
}

static int close_region(void **state)
{
	(void)state;
	if (shmem_was[0])
		setting_try(SHMEM_ENABLED, shmem_was);
	munmap(mem, SIZE);
	close(region);
	close(channel);
	return 0;
}

/* The number of mappings, or a negative errno. */
static int finalize(void)
{
	struct umem_finalize args = {};
	int ret = ioctl(region, UMEM_IOC_FINALIZE, &args);

	return ret < 0 ? -errno : ret;
}

static bool is_plain(const char *at)
{
	return !smaps_flag(at, "de");
}

static void provide_all(void)
{
	for (unsigned int i = 0; i < GRANULES; i++)
		huge_data(channel, i);
}

/* Whether all pages from @first on, but for @count that are zero, are as provided. */
static void check_bytes(const char *at, unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		const char *page = at + i * TEST_PAGE;
		bool zero = i >= first && i < first + count;

		if (zero ? !test_is_zero(page) : !pattern_matches(page, i))
			fail_msg("page %u is wrong", i);
	}
}

static long huge_kilobytes(void)
{
	return smaps_kilobytes(mem, "ShmemPmdMapped");
}

static void refused_while_one_is_missing(void **state)
{
	(void)state;
	assert_int_equal(finalize(), -EBUSY);
	huge_data(channel, 0);
	huge_data(channel, 2);
	assert_int_equal(finalize(), -EBUSY);
	assert_false(is_plain(mem));
	huge_data(channel, 1);
	assert_int_equal(finalize(), 1);
	assert_true(is_plain(mem));
	check_bytes(mem, 0, 0);
}

/* Before the first touch and after it: by huge pages, and nobody is asked. */
static void faults_ask_nobody(void **state)
{
	struct umem_region_status status;

	(void)state;
	provide_all();
	assert_int_equal(touch_read(mem + TEST_HUGE), 0);
	assert_int_equal(finalize(), 1);
	assert_int_equal(huge_answer(channel, UMEM_OP_ZERO, 0, TEST_HUGE, NULL),
			 -EPIPE);
	check_bytes(mem, 0, 0);
	assert_int_equal(huge_kilobytes(), SIZE / 1024);
	assert_int_equal(madvise(mem, SIZE, MADV_DONTNEED), 0);
	assert_int_equal(huge_kilobytes(), 0);
	assert_int_equal(touch_write(mem + SIZE - 1, mem[SIZE - 1]), 0);
	check_bytes(mem, 0, 0);
	assert_int_equal(huge_kilobytes(), SIZE / 1024);
	status = test_status(region);
	assert_int_equal(status.faults, 0);
	assert_int_equal(status.requests, 0);
	assert_int_equal(status.provider_kind, UMEM_PROVIDER_NONE);
}

/* What came as small pages can be huge ones now, and could not before. */
static void small_pages_collapse(void **state)
{
	(void)state;
	setting_need(SHMEM_ENABLED, "deny");
	provide_all();
	check_bytes(mem, 0, 0);
	assert_int_equal(huge_kilobytes(), 0);
	assert_true(setting_try(SHMEM_ENABLED, shmem_was));
	assert_int_equal(madvise(mem, SIZE, MADV_COLLAPSE), -1);
	assert_int_equal(huge_kilobytes(), 0);
	assert_int_equal(finalize(), 1);
	check_bytes(mem, 0, 0);
	assert_int_equal(huge_kilobytes(), 0);
	if (madvise(mem, SIZE, MADV_COLLAPSE))
		fail_msg("MADV_COLLAPSE: %s", strerror(errno));
	check_bytes(mem, 0, 0);
	assert_int_equal(huge_kilobytes(), SIZE / 1024);
	assert_int_equal(test_status(region).requests, 0);
}

static int punch(off_t offset, off_t length)
{
	return fallocate(region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 offset, length) ? -errno : 0;
}

/* Pages of a granule, by either call, then all of it: zero, and its neighbours not. */
static void holes_afterwards(void **state)
{
	const unsigned int first = TEST_HUGE_PAGES;

	(void)state;
	provide_all();
	assert_int_equal(finalize(), 1);
	check_bytes(mem, 0, 0);
	assert_int_equal(punch((first + 5) * TEST_PAGE, TEST_PAGE), 0);
	check_bytes(mem, first + 5, 1);
	assert_int_equal(madvise(mem + (first + 6) * TEST_PAGE, 3 * TEST_PAGE,
				 MADV_REMOVE), 0);
	check_bytes(mem, first + 5, 4);
	assert_int_equal(punch(TEST_HUGE, TEST_HUGE), 0);
	check_bytes(mem, first, TEST_HUGE_PAGES);
	mem[TEST_HUGE] = 'h';
	assert_int_equal(mem[TEST_HUGE], 'h');
	assert_int_equal(test_status(region).requests, 0);
	assert_int_equal(test_status(region).granules_punched, 0);
}

/* A granule that came by a write, one that is a hole, and copies of all of it. */
static void whatever_provided_it(void **state)
{
	char *bytes = huge_pattern(0), *own;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pwrite(region, bytes, TEST_HUGE, 0), TEST_HUGE);
	assert_int_equal(punch(TEST_HUGE, TEST_HUGE), 0);
	huge_data(channel, 2);
	own = map_aligned(region, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	own[3 * TEST_PAGE] = 'o';
	assert_int_equal(finalize(), 2);
	assert_true(is_plain(own));
	own[TEST_HUGE + 4] = 'o';
	check_bytes(mem, TEST_HUGE_PAGES, TEST_HUGE_PAGES);
	pid = fork();
	if (!pid) {
		own[2 * TEST_HUGE] = 'c';
		_exit(own[3 * TEST_PAGE] != 'o' || !is_plain(mem) ||
		      !huge_matches(mem + 2 * TEST_HUGE, 2));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(huge_matches(own + 2 * TEST_HUGE, 2));
	assert_int_equal(own[3 * TEST_PAGE], 'o');
	check_bytes(mem, TEST_HUGE_PAGES, TEST_HUGE_PAGES);
	assert_int_equal(test_status(region).requests, 0);
	munmap(own, SIZE);
	free(bytes);
}

/* A provider in the kernel is let go, and a hole after it asks nobody. */
static void of_a_provider_in_the_kernel(void **state)
{
	struct umem_sim_attach arg = sim_arg(3);
	int sim = sim_provide(region, &arg);

	(void)state;
	for (unsigned int i = 0; i < PAGES; i++)
		assert_true(sim_page_is(mem + i * TEST_PAGE, 3, i));
	assert_int_equal(test_status(region).requests, GRANULES);
	assert_int_equal(finalize(), 1);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_NONE);
	assert_int_equal(madvise(mem, SIZE, MADV_DONTNEED), 0);
	assert_int_equal(punch(7 * TEST_PAGE, TEST_PAGE), 0);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_true(i == 7 ? test_is_zero(mem + i * TEST_PAGE) :
			    sim_page_is(mem + i * TEST_PAGE, 3, i));
	assert_int_equal(test_status(region).requests, GRANULES);
	close(sim);
	sim_wait_unused();
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, open_region, close_region)
	const struct CMUnitTest tests[] = {
		TEST(refused_while_one_is_missing),
		TEST(faults_ask_nobody),
		TEST(small_pages_collapse),
		TEST(holes_afterwards),
		TEST(whatever_provided_it),
		TEST(of_a_provider_in_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
