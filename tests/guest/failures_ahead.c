// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under what is fetched before it is wanted, by read-ahead and by
 * a fill: each allocation fails once. Nobody who touches notices; what could not
 * be asked for comes later.
 *
 * needs: umem
 * timeout: 120
 * walk: 8
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

#define PAGES	24
#define SIZE	(PAGES * TEST_PAGE)
#define WINDOW	4

static int region;
static char *mem;
static struct pattern_provider provider;

static void before(void)
{
	struct umem_create create = {
		.size = SIZE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 16,
		.max_data = TEST_MAX_DATA,
		.readahead = 8 * TEST_PAGE,
	};
	int device = umem_device_open();

	region = umem_region_create(device, &create);
	assert_true(region >= 0);
	close(device);
	pattern_provider_start(&provider, region);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static void after(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	munmap(mem, SIZE);
	pattern_provider_stop(&provider);
	close(region);
}

/* In order, so that there is something to read ahead of. */
static int act_touch(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (touch_read(mem + i * TEST_PAGE))
			return EFAULT;
	return 0;
}

static unsigned long ahead;

static void after_touch(void)
{
	ahead += test_status(region).readahead_asked;
	after();
}

static void touches_in_order(void **state)
{
	(void)state;
	ahead = 0;
	failures_walk(&(struct failing){
		.what = "touches, read ahead of", .least = PAGES,
		.before = before, .act = act_touch, .after = after_touch,
	});
	/* Without, this was a walk of touches. */
	assert_true(ahead >= PAGES / 2);
}

static int act_fill(void)
{
	return -umem_region_fill(region, WINDOW);
}

static void refused_fill(void)
{
	assert_int_equal(test_status(region).fill_window, 0);
	assert_int_equal(test_status(region).granules_provided, 0);
}

static void after_fill(void)
{
	AWAIT(test_status(region).granules_provided == PAGES);
	assert_int_equal(test_status(region).faults, 0);
	after();
}

/* The thread is made; of what it allocates itself fill_at_random() sees. */
static void fill(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "FILL", .least = 1, .all = true,
		.before = before, .act = act_fill,
		.refused = refused_fill, .after = after_fill,
	});
}

/* The thread that fills pauses, and goes on when there is memory. */
static void fill_at_random(void **state)
{
	const unsigned int all = 10, times = failures_share(all);
	unsigned int i, paused = 0;

	(void)state;
	for (i = 0; i < times; i++) {
		before();
		failures_at_random(30, NULL);
		while (act_fill())
			;
		usleep(200000);
		failures_at_random(0, NULL);
		paused += test_status(region).granules_provided < PAGES;
		after_fill();
	}
	print_message("# at random: %u of %u fills were held up\n", paused,
		      times);
	/* Each of 24 pages has a chance of one to three; a slice may have luck. */
	assert_in_range(paused, times == all, times);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touches_in_order),
		cmocka_unit_test(fill),
		cmocka_unit_test(fill_at_random),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
