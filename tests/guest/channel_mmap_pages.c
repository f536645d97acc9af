// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The pages that a mapping of a channel shows are tmpfs's: under reclaim, in
 * direct I/O, as parts of large folios.
 *
 * needs: umem swap=256M
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/pagemap.h"
#include "lib/setting.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define BLOCK TEST_HUGE_PAGES
#define PAGES (2 * BLOCK)
#define SIZE (PAGES * TEST_PAGE)
#define THREADS 8
#define DISK "/dev/vda"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static int region, channel;
static char *mem, *map;
static struct toucher touchers[THREADS];

/* Threads wait for granules 0 to THREADS - 1, and the channel has them. */
static int setup(void **state)
{
	unsigned int i;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	mem = map_aligned(region, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	map = map_aligned(channel, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (i = 0; i < THREADS; i++)
		toucher_start(&touchers[i], mem + i * TEST_PAGE);
	hand_take_all(channel, 0, THREADS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hand_release(region);
	for (unsigned int i = 0; i < THREADS; i++)
		toucher_join(&touchers[i]);
	munmap(mem, SIZE);
	munmap(map, SIZE);
	close(region);
	close(channel);
	return 0;
}

/* The mapping shows the granules from @first on, and no others. */
static void assert_shown(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		bool shown = i - first < count;

		if (!shown && pagemap_present(map + i * TEST_PAGE))
			fail_msg("page %u is mapped", i);
		if (!shown && i % 64 > 2 * THREADS)
			continue;
		assert_int_equal(touch_read(map + i * TEST_PAGE),
				 shown ? 0 : SIGBUS);
	}
}

static void reclaim(void)
{
	madvise(map, SIZE, MADV_PAGEOUT);
	madvise(mem, SIZE, MADV_PAGEOUT);
	setting_try("/proc/sys/vm/drop_caches", "3");
	setting_try("/proc/sys/vm/compact_memory", "1");
}

static void reclaim_loses_nothing(void **state)
{
	unsigned int i, round;

	(void)state;
	for (i = 0; i < THREADS; i++)
		pattern_fill(map + i * TEST_PAGE, i);
	for (round = 0; round < 3; round++) {
		reclaim();
		for (i = 0; i < THREADS; i++)
			assert_true(pattern_matches(map + i * TEST_PAGE, i));
	}
	reclaim();
	hand_cached(channel, 0, THREADS);
	reclaim();
	for (i = 0; i < THREADS; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	assert_shown(0, 0);
	assert_int_equal(test_status(region).granules_provided, THREADS);
}

static void direct_io(void **state)
{
	static char expected[THREADS * TEST_PAGE];
	int direct = open(DISK, O_RDONLY | O_DIRECT);
	int disk = open(DISK, O_RDONLY);

	(void)state;
	if (direct < 0 || disk < 0)
		skip();
	/* The first page has the swap area's signature. */
	assert_int_equal(pread(disk, expected, sizeof(expected), 0),
			 sizeof(expected));
	assert_int_equal(pread(direct, map, sizeof(expected), 0),
			 sizeof(expected));
	hand_cached(channel, 0, THREADS);
	assert_memory_equal(mem, expected, sizeof(expected));
	assert_int_equal(pread(direct, map, TEST_PAGE, 0), -1);
	assert_int_equal(errno, EFAULT);
	close(direct);
	close(disk);
}

/* ---- Large folios by force ---------------------------------------------- */

static char restore[32];

static int force(void **state)
{
	setting_read(SHMEM_ENABLED, restore, sizeof(restore));
	assert_true(setting_try(SHMEM_ENABLED, "force"));
	return setup(state);
}

static int unforce(void **state)
{
	int err = teardown(state);

	setting_try(SHMEM_ENABLED, restore);
	return err;
}

static void need_large_folio(void)
{
	if (!meminfo_kilobytes("ShmemHugePages:"))
		fail_msg("no large folio was used: this shows nothing");
}

/*
 * By pread(): a touch of the mapping would ask for the rest of the folio, as
 * those of the threads do.
 */
static bool right(unsigned int granule)
{
	char page[TEST_PAGE];

	assert_int_equal(pread(region, page, TEST_PAGE, granule * TEST_PAGE),
			 TEST_PAGE);
	return pattern_matches(page, granule);
}

/* Granules of one folio, each by itself. */
static void neighbours_in_a_large_folio(void **state)
{
	unsigned int i;

	(void)state;
	need_large_folio();
	assert_shown(0, THREADS);
	for (i = 0; i < THREADS; i++)
		pattern_fill(map + i * TEST_PAGE, i);
	hand_cached(channel, 0, 2);
	assert_shown(2, THREADS - 2);
	assert_true(right(0) && right(1));
	/* Those that are given back do not take their neighbours along. */
	assert_int_equal(umem_channel_requeue(channel), 0);
	assert_shown(0, 0);
	hand_take_all(channel, 2, THREADS - 2);
	assert_shown(2, THREADS - 2);
	memset(map + 3 * TEST_PAGE, 'g', 100);
	hand_data(channel, 3, 1);
	hand_zero(channel, 2, 1);
	assert_shown(4, THREADS - 4);
	for (i = 4; i < THREADS; i++)
		pattern_fill(map + i * TEST_PAGE, i);
	reclaim();
	hand_cached(channel, 4, THREADS - 4);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(right(i), i != 2);
	assert_shown(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reclaim_loses_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(direct_io, setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours_in_a_large_folio,
						force, unforce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
