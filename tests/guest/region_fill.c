// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UMEM_IOC_FILL: all that is missing comes, a window at a time, and gives way.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
#define SLOTS 16
#define WINDOW 4
/* What does not come for that long does not come: far above FILL_LOOK. */
#define QUIET_US 400000

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, SLOTS);
}

static void fill(struct hand_fixture *f, unsigned int window)
{
	assert_int_equal(umem_region_fill(f->region, window), 0);
}

static void expect_quiet(struct hand_fixture *f)
{
	usleep(QUIET_US);
	assert_true(hand_none(f->channel));
}

static void take_prefetches(struct hand_fixture *f, unsigned int first,
			    unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH),
				 first + i);
}

static void a_window_is_asked_for_and_no_more(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;

	fill(f, WINDOW);
	take_prefetches(f, 0, WINDOW);
	expect_quiet(f);
	status = test_status(f->region);
	assert_int_equal(status.fill_window, WINDOW);
	assert_int_equal(status.fills, WINDOW);
	assert_int_equal(status.prefetches, WINDOW);
	/* With half of it free it goes on, up to the window. */
	hand_data(f->channel, 0, WINDOW / 2 + 1);
	take_prefetches(f, WINDOW, WINDOW / 2 + 1);
	expect_quiet(f);
}

static void all_of_it_comes(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;

	/* Two are there already, of different origin. */
	hand_data(f->channel, 7, 1);
	assert_int_equal(fallocate(f->region, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 9 * TEST_PAGE,
				   TEST_PAGE), 0);
	fill(f, SLOTS / 2);
	for (unsigned int i = 0; i < PAGES; i++) {
		if (i == 7 || i == 9)
			continue;
		assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), i);
		hand_data(f->channel, i, 1);
	}
	status = test_status(f->region);
	assert_int_equal(status.granules_provided, PAGES);
	assert_int_equal(status.fills, PAGES - 2);
	assert_int_equal(status.fill_window, 0);
	assert_int_equal(status.faults, 0);
	for (unsigned int i = 0; i < PAGES; i++)
		if (i != 9)
			assert_true(pattern_matches(f->mem + i * TEST_PAGE, i));
	expect_quiet(f);
	/* Again, for nothing. */
	fill(f, 1);
	expect_quiet(f);
}

static void demand_comes_first_and_leads(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	fill(f, WINDOW);
	take_prefetches(f, 0, 1);
	/* Three prefetches are queued when somebody has to wait. */
	AWAIT(test_status(f->region).fills == WINDOW);
	toucher_start(&toucher, f->mem + 40 * TEST_PAGE);
	AWAIT(test_status(f->region).requests == WINDOW + 1);
	/* No more of them while nobody takes the demand. */
	hand_data(f->channel, 1, WINDOW - 1);
	usleep(QUIET_US);
	assert_int_equal(test_status(f->region).fills, WINDOW);
	assert_int_equal(hand_take(f->channel), 40);
	/* Then it goes on where the demand was. */
	take_prefetches(f, 41, WINDOW - 1);
	hand_data(f->channel, 40, WINDOW);
	assert_int_equal(toucher_join(&toucher), 0);
	take_prefetches(f, 44, 1);
}

static void what_lies_before_a_leap_comes_later(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	fill(f, 1);
	take_prefetches(f, 0, 1);
	toucher_start(&toucher, f->mem + 61 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 61);
	hand_data(f->channel, 61, 1);
	hand_data(f->channel, 0, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	for (unsigned int i = 62; i < PAGES; i++) {
		take_prefetches(f, i, 1);
		hand_data(f->channel, i, 1);
	}
	for (unsigned int i = 1; i < 61; i++) {
		take_prefetches(f, i, 1);
		hand_data(f->channel, i, 1);
	}
	assert_int_equal(test_status(f->region).granules_provided, PAGES);
}

static void it_stops(void **state)
{
	struct hand_fixture *f = *state;

	fill(f, WINDOW);
	take_prefetches(f, 0, WINDOW);
	fill(f, 0);
	assert_int_equal(test_status(f->region).fill_window, 0);
	hand_data(f->channel, 0, WINDOW);
	expect_quiet(f);
	/* And begins anew. */
	fill(f, 2);
	take_prefetches(f, WINDOW, 2);
	expect_quiet(f);
	/* More at once, from when half of that is free. */
	fill(f, WINDOW);
	hand_data(f->channel, WINDOW, 1);
	take_prefetches(f, WINDOW + 2, WINDOW - 1);
	expect_quiet(f);
}

static void what_fails_is_asked_for_again(void **state)
{
	struct hand_fixture *f = *state;
	double before;

	hand_data(f->channel, 0, PAGES - 2);
	fill(f, WINDOW);
	take_prefetches(f, PAGES - 2, 2);
	hand_data(f->channel, PAGES - 1, 1);
	hand_fail(f->channel, PAGES - 2, 1);
	take_prefetches(f, PAGES - 2, 1);
	/* Not without a pause, when nothing comes of it. */
	hand_fail(f->channel, PAGES - 2, 1);
	before = test_now();
	take_prefetches(f, PAGES - 2, 1);
	hand_fail(f->channel, PAGES - 2, 1);
	take_prefetches(f, PAGES - 2, 1);
	assert_true(test_now() - before > 0.5);
	hand_data(f->channel, PAGES - 2, 1);
	AWAIT(!test_status(f->region).fill_window);
}

static void it_waits_for_a_provider(void **state)
{
	struct hand_fixture *f = *state;

	close(f->channel);
	fill(f, WINDOW);
	AWAIT(test_status(f->region).requests_queued == WINDOW);
	f->channel = hand_open(f->region, 0);
	for (unsigned int i = 0; i < PAGES; i++) {
		take_prefetches(f, i, 1);
		hand_data(f->channel, i, 1);
	}
	assert_int_equal(test_status(f->region).granules_provided, PAGES);
}

static void the_region_may_go_meanwhile(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		int region = test_region(SIZE, UMEM_WAIT_HARD, 0, SLOTS);
		int channel = hand_open(region, 0);

		assert_int_equal(umem_region_fill(region, WINDOW), 0);
		if (i % 2)
			hand_take_op(channel, UMEM_OP_PREFETCH);
		close(region);
		close(channel);
	}
}

static void bad_calls_are_refused(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_fill_args flags = { .window = 1, .flags = 1 };
	char path[32];
	int readonly;

	assert_int_equal(umem_region_fill(f->region, SLOTS / 2 + 1), -EINVAL);
	assert_int_equal(umem_region_fill(f->region, UINT32_MAX), -EINVAL);
	assert_int_equal(ioctl(f->region, UMEM_IOC_FILL, &flags), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(umem_region_fill(f->channel, 1), -ENOTTY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->region);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(umem_region_fill(readonly, 1), -EBADF);
	close(readonly);
	assert_int_equal(seteuid(1000), 0);
	assert_int_equal(umem_region_fill(f->region, 1), -EPERM);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(test_status(f->region).fills, 0);
	expect_quiet(f);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, hand_fixture_drop)
	const struct CMUnitTest tests[] = {
		TEST(a_window_is_asked_for_and_no_more),
		TEST(all_of_it_comes),
		TEST(demand_comes_first_and_leads),
		TEST(what_lies_before_a_leap_comes_later),
		TEST(it_stops),
		TEST(what_fails_is_asked_for_again),
		TEST(it_waits_for_a_provider),
		TEST(the_region_may_go_meanwhile),
		TEST(bad_calls_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
