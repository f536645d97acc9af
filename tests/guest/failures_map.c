// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under the mapping of a channel, under what a provider does
 * there, and under FINALIZE: each allocation fails once. The provider goes on,
 * and nothing is shown that should not be.
 *
 * needs: umem
 * timeout: 120
 * walk: 4
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES	16
#define SIZE	(PAGES * TEST_PAGE)
#define GRANULE	5UL
/* Where no page table is shared with another mapping. */
#define ALONE	((void *)0x600000000000UL)

static int region, channel;
static char *mem, *map;
static struct toucher toucher;

static void before(void)
{
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 4);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	toucher_start(&toucher, mem + GRANULE * TEST_PAGE);
	assert_int_equal(hand_take(channel), GRANULE);
}

static int act_map(void)
{
	map = mmap(ALONE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, channel, 0);
	return map == MAP_FAILED ? errno : 0;
}

/* The provider does its work by the mapping. */
static void after(void)
{
	pattern_fill(map + GRANULE * TEST_PAGE, GRANULE);
	hand_cached(channel, GRANULE, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(pattern_matches(mem + GRANULE * TEST_PAGE, GRANULE));
	/* It is shown what it is asked for only. */
	assert_int_not_equal(touch_read(map + GRANULE * TEST_PAGE), 0);
	munmap(map, SIZE);
	munmap(mem, SIZE);
	close(channel);
	close(region);
}

static void channel_map(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "channel, mmap", .least = 3, .all = true,
		.before = before, .act = act_map, .after = after,
	});
	failures_walk(&(struct failing){
		.what = "channel, mmap, core code too", .least = 4,
		.whole = true,
		.before = before, .act = act_map, .after = after,
	});
}

static void before_touch(void)
{
	before();
	assert_int_equal(act_map(), 0);
}

static int act_touch(void)
{
	return touch_write(map + GRANULE * TEST_PAGE, 1) ? EFAULT : 0;
}

static void channel_touch(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "channel, touch of its mapping", .least = 1,
		.before = before_touch, .act = act_touch, .after = after,
	});
}

static void before_cached(void)
{
	before_touch();
	pattern_fill(map + GRANULE * TEST_PAGE, GRANULE);
}

/* Once more it is an answer for what is provided: consumed all the same. */
static int act_cached(void)
{
	return -hand_try(channel, UMEM_OP_CACHED, GRANULE, 1);
}

static void after_cached(void)
{
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(pattern_matches(mem + GRANULE * TEST_PAGE, GRANULE));
	munmap(map, SIZE);
	munmap(mem, SIZE);
	close(channel);
	close(region);
}

/* Needs no memory: the page is there. */
static void cached(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "CACHED", .all = true,
		.before = before_cached, .act = act_cached,
		.after = after_cached,
	});
}

static void before_finalize(void)
{
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 4);
	channel = hand_open(region, 0);
	hand_data(channel, 0, PAGES);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static int act_finalize(void)
{
	int changed = umem_region_finalize(region, 0);

	return changed < 0 ? -changed : 0;
}

static void after_finalize(void)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	munmap(mem, SIZE);
	close(channel);
	close(region);
}

/* Nor does this. */
static void finalize(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "FINALIZE", .all = true,
		.before = before_finalize, .act = act_finalize,
		.after = after_finalize,
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channel_map),
		cmocka_unit_test(channel_touch),
		cmocka_unit_test(cached),
		cmocka_unit_test(finalize),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
