// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Read-ahead: trends, windows and counts, by a region that is a bitmap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/readahead.c"

#define GRANULES 65536
#define MOST 32

/* One toucher of a region whose granules are there as soon as asked for. */
struct world {
	struct umem_readahead ra;
	struct umem_readahead_limits limits;
	bool provided[GRANULES];
	unsigned int misses;
	unsigned int asked;
	unsigned int room;	/* granules that a plan gets at most */
	struct umem_readahead_plan last;	/* the last one */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	umem_readahead_init(&w->ra);
	w->limits.granules = GRANULES;
	w->limits.most = MOST;
	w->room = UINT32_MAX;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static bool in_zone(const struct world *w, int64_t granule)
{
	for (int i = 0; i < UMEM_READAHEAD_RUNS; i++)
		if (granule >= w->ra.runs[i].low &&
		    granule <= w->ra.runs[i].high)
			return true;
	return false;
}

static void carry_out(struct world *w, const struct umem_readahead_plan *plan)
{
	uint32_t tried, asked = 0;

	for (tried = 0; tried < plan->count && tried < w->room; tried++) {
		int64_t granule = plan->first + (int64_t)tried * plan->stride;

		assert_in_range(granule, 0, w->limits.granules - 1);
		asked += !w->provided[granule];
		w->provided[granule] = true;
	}
	w->asked += asked;
	umem_readahead_asked(&w->ra, plan, tried, asked);
}

static void touch(struct world *w, int64_t granule)
{
	struct umem_readahead_plan plan = { .count = 0 };

	if (!w->provided[granule]) {
		w->misses++;
		w->provided[granule] = true;
		umem_readahead_miss(&w->ra, &w->limits, granule, &plan);
	} else if (in_zone(w, granule)) {
		umem_readahead_touch(&w->ra, &w->limits, granule, &plan);
	}
	w->last = plan;
	if (plan.count)
		carry_out(w, &plan);
}

static void walk(struct world *w, int64_t from, int64_t step, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		touch(w, from + (int64_t)i * step);
}

static unsigned int open_asked(const struct world *w)
{
	unsigned int sum = 0;

	for (int i = 0; i < UMEM_READAHEAD_RUNS; i++)
		sum += w->ra.runs[i].asked;
	return sum;
}

/* Every request is a hit, wasted, or ahead of a run. */
static void check_books(const struct world *w)
{
	assert_int_equal(w->ra.asked, w->asked);
	assert_int_equal(w->ra.asked,
			 w->ra.hits + w->ra.wasted + open_asked(w));
	assert_true(w->ra.late <= w->ra.hits);
}

/* ---- Trends -------------------------------------------------------------- */

static void runs_of_any_stride(void **state)
{
	static const int strides[] = { 1, 2, 3, 7, 16, 17, 100, 1024,
				       -1, -2, -3, -16, -100, -1024 };

	for (size_t i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
		struct world *w = *state;
		int64_t from = strides[i] > 0 ? 5 : GRANULES - 5;

		walk(w, from, strides[i], 60);
		if (w->misses != 3)
			fail_msg("stride %d: %u misses", strides[i], w->misses);
		check_books(w);
		assert_int_equal(w->ra.wasted, 0);
		/* All that was touched after the third, but the last zone's. */
		assert_in_range(w->ra.hits, 57 - MOST, 57);
		teardown(state);
		setup(state);
	}
}

static void nothing_is_asked_for_at_random(void **state)
{
	struct world *w = *state;
	uint64_t x = 88172645463325252ULL;

	for (unsigned int i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		touch(w, (int64_t)(x % GRANULES));
	}
	assert_in_range(w->asked, 0, 20);
	check_books(w);
}

/* Two misses are no trend, and neither are three without one. */
static void a_trend_needs_three(void **state)
{
	struct world *w = *state;

	walk(w, 100, 1, 2);
	assert_int_equal(w->last.count, 0);
	touch(w, 104);
	assert_int_equal(w->last.count, 0);
	touch(w, 110);
	assert_int_equal(w->last.count, 0);
	touch(w, 111);
	/* 1, 3, 6, 1 */
	assert_int_equal(w->last.count, 0);
	touch(w, 112);
	/* Two of the last four are no majority, but three of five are. */
	assert_int_equal(w->last.count, START_WINDOW);
	assert_int_equal(w->last.first, 113);
}

/* Strays between the touches of a run do not end it. */
static void the_majority_decides(void **state)
{
	struct world *w = *state;

	w->room = 0;	/* so that all are misses */
	walk(w, 1000, 2, 5);
	touch(w, 1013);
	assert_int_equal(w->last.stride, 2);
	touch(w, 1010);
	touch(w, 1012);
	touch(w, 1014);
	assert_int_equal(w->last.first, 1016);
	assert_int_equal(w->last.stride, 2);
}

static void far_strays_are_another_run(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 200; i++) {
		touch(w, 100 + i);
		if (i % 10 == 5)
			touch(w, 30000 + (i * i * 7919) % 20000);
	}
	assert_in_range(w->misses, 20, 26);
	check_books(w);
}

static void runs_interleave(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 300; i++) {
		touch(w, 1000 + i);
		touch(w, 30000 + 3 * i);
		touch(w, 60000 - i);
		touch(w, 1500 + i);
	}
	/* Some are lost until it is clear which belong together. */
	assert_in_range(w->misses, 12, 24);
	check_books(w);
}

/* ---- Windows ------------------------------------------------------------- */

static void the_window_grows_to_its_limit(void **state)
{
	struct world *w = *state;
	uint32_t most = 0;

	for (int i = 0; i < 400; i++) {
		touch(w, i);
		for (int r = 0; r < UMEM_READAHEAD_RUNS; r++)
			if (w->ra.runs[r].ahead > most)
				most = w->ra.runs[r].ahead;
	}
	assert_int_equal(most, MOST);
	assert_int_equal(w->misses, 3);
	/* Pushed on by half of it at a time, not by one. */
	assert_in_range(w->last.count, 0, MOST);
}

static void a_limit_of_one_is_kept(void **state)
{
	struct world *w = *state;

	w->limits.most = 1;
	for (int i = 0; i < 50; i++) {
		touch(w, i);
		assert_in_range(open_asked(w), 0, 1);
	}
	assert_int_equal(w->misses, 3);
	check_books(w);
}

/* Trends that lead nowhere cost less and less. */
static void waste_shrinks_the_window(void **state)
{
	struct world *w = *state;
	unsigned int before;

	for (int i = 0; i < 12; i++)
		walk(w, 2000 * (i + 1), 1, 3);
	before = w->asked;
	for (int i = 12; i < 22; i++)
		walk(w, 2000 * (i + 1), 1, 3);
	assert_int_equal(w->asked - before, 10);
	/* And one that does not is soon as good as ever. */
	walk(w, 100, 1, 1000);
	check_books(w);
	assert_int_equal(w->ra.start, START_WINDOW);
}

static void a_jump_wastes_and_halves(void **state)
{
	struct world *w = *state;
	struct umem_run *run = w->ra.runs;
	unsigned int open;

	w->limits.most = 8;
	walk(w, 0, 1, 200);
	assert_int_equal(w->ra.wasted, 0);
	assert_int_equal(run->window, 8);
	open = open_asked(w);
	assert_in_range(open, 1, 8);
	touch(w, run->next + 2);
	assert_int_equal(w->ra.wasted, open);
	assert_int_equal(w->last.stride, 1);
	assert_int_equal(w->last.count, 4);
	check_books(w);
}

/* ---- Edges --------------------------------------------------------------- */

static void the_ends_of_the_region(void **state)
{
	struct world *w = *state;

	walk(w, GRANULES - 50, 1, 50);
	walk(w, 49, -1, 50);
	walk(w, 2, 100, (GRANULES - 2) / 100);
	check_books(w);
	assert_int_equal(w->ra.hits, w->ra.asked - open_asked(w));
	w->limits.granules = 3;
	memset(w->provided, 0, sizeof(w->provided));
	walk(w, 0, 1, 3);
	assert_int_equal(w->last.count, 0);
}

/* A plan that was cut short goes on where it ended. */
static void what_finds_no_room_is_asked_for_later(void **state)
{
	struct world *w = *state;

	w->room = 1;
	walk(w, 0, 1, 200);
	assert_int_equal(w->misses, 3);
	check_books(w);
	w->room = 0;
	walk(w, 200, 1, 100);
	w->room = UINT32_MAX;
	w->misses = 0;
	walk(w, 300, 1, 100);
	assert_in_range(w->misses, 0, 1);
	check_books(w);
}

static void late_is_what_is_missing_when_touched(void **state)
{
	struct world *w = *state;
	struct umem_readahead_plan plan;

	walk(w, 0, 1, 3);
	assert_int_equal(w->ra.asked, START_WINDOW);
	/* 3 to 6 were asked for; 4 is touched and still under way. */
	umem_readahead_miss(&w->ra, &w->limits, 4, &plan);
	assert_int_equal(w->ra.late, 1);
	assert_int_equal(w->ra.hits, 2);
	assert_int_equal(plan.first, 7);
	carry_out(w, &plan);
	check_books(w);
}

static void the_same_again_says_nothing(void **state)
{
	struct world *w = *state;
	struct umem_readahead_plan plan;

	walk(w, 10, 1, 2);
	for (int i = 0; i < 20; i++) {
		umem_readahead_miss(&w->ra, &w->limits, 11, &plan);
		assert_int_equal(plan.count, 0);
	}
	touch(w, 12);
	assert_int_equal(w->last.count, START_WINDOW);
}

/* Whatever comes in whatever order, plans stay in the region. */
static void anything_goes(void **state)
{
	struct world *w = *state;
	uint64_t x = 12345;

	for (unsigned int i = 0; i < 300000; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		if (!(x >> 61))
			w->limits.granules = 1 + (x >> 33) % GRANULES;
		if (!(x >> 60))
			w->limits.most = 1 + (x >> 40) % 200;
		w->room = (x >> 50) % 40;
		if (!(i % 1000))
			memset(w->provided, 0, sizeof(w->provided));
		touch(w, (int64_t)((x >> 20) % (uint64_t)
				   (w->limits.granules > 40 ? 40 :
				    w->limits.granules)));
	}
	check_books(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs_of_any_stride),
		TEST(nothing_is_asked_for_at_random),
		TEST(a_trend_needs_three),
		TEST(the_majority_decides),
		TEST(far_strays_are_another_run),
		TEST(runs_interleave),
		TEST(the_window_grows_to_its_limit),
		TEST(a_limit_of_one_is_kept),
		TEST(waste_shrinks_the_window),
		TEST(a_jump_wastes_and_halves),
		TEST(the_ends_of_the_region),
		TEST(what_finds_no_room_is_asked_for_later),
		TEST(late_is_what_is_missing_when_touched),
		TEST(the_same_again_says_nothing),
		TEST(anything_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
