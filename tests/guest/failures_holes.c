// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under holes and advice: each allocation fails once. A hole is
 * made or it is not, and advice is only that.
 *
 * needs: umem
 * timeout: 120
 * walk: 4
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/hand_provider.h"

#define PAGES	16
#define SIZE	(PAGES * TEST_PAGE)

static struct test_fixture *fixture;
static char *mem;

static void before(void)
{
	void *state;

	/* Prefetch has half of the slots. */
	test_fixture_make(&state, SIZE, 2 * PAGES);
	fixture = state;
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fixture->region, 0);
	assert_true(mem != MAP_FAILED);
}

/* All is the provider's but what is from @start to @end. */
static void check_and_drop(size_t start, size_t end)
{
	static char page[TEST_PAGE];
	void *state = fixture;
	size_t i, at;

	for (i = 0; i < PAGES; i++) {
		pattern_fill(page, i);
		for (at = 0; at < TEST_PAGE; at++)
			if (i * TEST_PAGE + at >= start &&
			    i * TEST_PAGE + at < end)
				page[at] = 0;
		assert_memory_equal(mem + i * TEST_PAGE, page, sizeof(page));
	}
	munmap(mem, SIZE);
	test_fixture_drop(&state);
}

static int act_prefetch(void)
{
	return posix_fadvise(fixture->region, 0, 0, POSIX_FADV_WILLNEED);
}

static void after_prefetch(void)
{
	check_and_drop(0, 0);
}

static void prefetch(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "WILLNEED", .least = PAGES, .all = true,
		.before = before, .act = act_prefetch, .after = after_prefetch,
	});
}

static int punch(size_t start, size_t end)
{
	return fallocate(fixture->region,
			 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start,
			 end - start) ? errno : 0;
}

#define PART_START	(3 * TEST_PAGE + 100)
#define PART_END	(7 * TEST_PAGE + 200)

static int act_punch_part(void)
{
	return punch(PART_START, PART_END);
}

static void after_punch_part(void)
{
	check_and_drop(PART_START, PART_END);
}

/* Both ends are fetched first. */
static void hole_of_parts(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "hole, with parts of pages", .least = 2, .all = true,
		.before = before, .act = act_punch_part,
		.after = after_punch_part,
	});
}

#define HOLE_START	(3 * TEST_PAGE)
#define HOLE_END	(7 * TEST_PAGE)

static int act_punch(void)
{
	return punch(HOLE_START, HOLE_END);
}

static int act_remove(void)
{
	return madvise(mem + HOLE_START, HOLE_END - HOLE_START, MADV_REMOVE) ?
		errno : 0;
}

static void after_punch(void)
{
	check_and_drop(HOLE_START, HOLE_END);
}

/* Takes memory away and needs none. */
static void hole(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "hole", .all = true,
		.before = before, .act = act_punch, .after = after_punch,
	});
	failures_walk(&(struct failing){
		.what = "MADV_REMOVE", .all = true,
		.before = before, .act = act_remove, .after = after_punch,
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefetch),
		cmocka_unit_test(hole_of_parts),
		cmocka_unit_test(hole),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
