// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * PREFETCH, which posix_fadvise() asks for, and CANCEL.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
#define SLOTS 16

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, SLOTS);
}

static void advise(struct hand_fixture *f, unsigned int first,
		   unsigned int count)
{
	assert_int_equal(posix_fadvise(f->region, first * TEST_PAGE,
				       count * TEST_PAGE, POSIX_FADV_WILLNEED),
			 0);
}

/* ---- PREFETCH ----------------------------------------------------------- */

static void willneed_asks_and_does_not_wait(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;
	unsigned int i;

	advise(f, 10, 4);
	for (i = 10; i < 14; i++)
		assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), i);
	assert_true(hand_none(f->channel));
	/* Not a second time. */
	advise(f, 10, 4);
	assert_true(hand_none(f->channel));
	hand_data(f->channel, 10, 4);
	for (i = 10; i < 14; i++)
		assert_true(pattern_matches(f->mem + i * TEST_PAGE, i));
	status = test_status(f->region);
	assert_int_equal(status.faults, 0);
	assert_int_equal(status.prefetches, 4);
	assert_int_equal(status.prefetches_dropped, 0);
	/* Nor for what is provided. */
	advise(f, 10, 4);
	assert_true(hand_none(f->channel));
}

static void demand_comes_before_prefetch(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	advise(f, 0, 4);
	toucher_start(&toucher, f->mem + 50 * TEST_PAGE);
	AWAIT(test_status(f->region).requests == 5);
	assert_int_equal(hand_take(f->channel), 50);
	hand_data(f->channel, 50, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 0);
}

static void a_touch_makes_a_prefetch_demand(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	advise(f, 0, 4);
	toucher_start(&toucher, f->mem + 2 * TEST_PAGE);
	AWAIT(test_status(f->region).faults == 1);
	AWAIT(task_state(getpid(), toucher.tid) == 'S');
	assert_int_equal(hand_take(f->channel), 2);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 0);
	hand_data(f->channel, 2, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(test_status(f->region).requests, 4);
}

static void a_touch_waits_for_a_prefetch_under_way(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	advise(f, 5, 1);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 5);
	toucher_start(&toucher, f->mem + 5 * TEST_PAGE);
	AWAIT(test_status(f->region).faults == 1);
	assert_true(hand_none(f->channel));
	hand_data(f->channel, 5, 1);
	assert_int_equal(toucher_join(&toucher), 0);
}

static void no_room_drops_the_rest(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;
	struct toucher toucher;

	advise(f, 0, PAGES);
	status = test_status(f->region);
	assert_int_equal(status.prefetches, SLOTS / 2);
	assert_int_equal(status.prefetches_dropped, PAGES - SLOTS / 2);
	/* There is room for those who wait. */
	toucher_start(&toucher, f->mem + 60 * TEST_PAGE);
	AWAIT(test_status(f->region).requests == SLOTS / 2 + 1);
	assert_int_equal(hand_take(f->channel), 60);
	hand_data(f->channel, 60, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	/* And again for prefetches when the first ones are over. */
	hand_data(f->channel, 0, SLOTS / 2);
	advise(f, 0, PAGES);
	assert_int_equal(test_status(f->region).prefetches, SLOTS);
}

static void what_fails_is_nobodys_error(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	advise(f, 7, 1);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 7);
	hand_fail(f->channel, 7, 1);
	toucher_start(&toucher, f->mem + 7 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 7);
	hand_data(f->channel, 7, 1);
	assert_int_equal(toucher_join(&toucher), 0);
}

static void the_next_provider_is_asked_the_same(void **state)
{
	struct hand_fixture *f = *state;

	advise(f, 20, 2);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 20);
	close(f->channel);
	f->channel = hand_open(f->region, 0);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 21);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), 20);
}

static void other_advice_has_no_effect(void **state)
{
	static const int advice[] = {
		POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
		POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE,
	};
	struct hand_fixture *f = *state;
	unsigned int i;

	hand_data(f->channel, 0, 1);
	for (i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		assert_int_equal(posix_fadvise(f->region, 0, 0, advice[i]), 0);
	assert_true(hand_none(f->channel));
	assert_true(pattern_matches(f->mem, 0));
	assert_int_equal(posix_fadvise(f->region, 0, 0, 77), EINVAL);
	assert_int_equal(posix_fadvise(f->region, SIZE, TEST_PAGE,
				       POSIX_FADV_WILLNEED), 0);
	assert_int_equal(posix_fadvise(f->region, 0, -1, POSIX_FADV_WILLNEED),
			 EINVAL);
	assert_true(hand_none(f->channel));
	/* Length 0 is all that follows. */
	assert_int_equal(posix_fadvise(f->region, (PAGES - 2) * TEST_PAGE, 0,
				       POSIX_FADV_WILLNEED), 0);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), PAGES - 2);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_PREFETCH), PAGES - 1);
}

/* ---- CANCEL ------------------------------------------------------------- */

static void a_timeout_cancels(void **state)
{
	struct hand_fixture f;
	struct toucher toucher;

	(void)state;
	hand_fixture_init(&f, SIZE, SLOTS, UMEM_WAIT_TIMEOUT, 200);
	toucher_start(&toucher, f.mem + 3 * TEST_PAGE);
	assert_int_equal(hand_take(f.channel), 3);
	assert_int_equal(toucher_join(&toucher), SIGBUS);
	assert_int_equal(hand_take_op(f.channel, UMEM_OP_CANCEL), 3);
	assert_int_equal(test_status(f.region).requests_issued, 0);
	/* A late answer is a push, and welcome. */
	hand_data(f.channel, 3, 1);
	assert_true(pattern_matches(f.mem + 3 * TEST_PAGE, 3));
	assert_int_equal(test_status(f.region).answers_stale, 0);
	/* What is wanted again is asked for again. */
	toucher_start(&toucher, f.mem + 4 * TEST_PAGE);
	assert_int_equal(hand_take(f.channel), 4);
	assert_int_equal(toucher_join(&toucher), SIGBUS);
	assert_int_equal(hand_take_op(f.channel, UMEM_OP_CANCEL), 4);
	toucher_start(&toucher, f.mem + 4 * TEST_PAGE);
	assert_int_equal(hand_take(f.channel), 4);
	hand_data(f.channel, 4, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	hand_fixture_exit(&f);
}

static void a_killed_waiter_cancels(void **state)
{
	struct hand_fixture *f = *state;
	pid_t pid = fork();

	if (!pid) {
		touch_read(f->mem + 9 * TEST_PAGE);
		_exit(0);
	}
	assert_int_equal(hand_take(f->channel), 9);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(hand_take_op(f->channel, UMEM_OP_CANCEL), 9);
}

/* Somebody else still waits, or waits again before the provider looks. */
static void not_while_somebody_waits(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;
	pid_t pid = fork();

	if (!pid) {
		touch_read(f->mem + 9 * TEST_PAGE);
		_exit(0);
	}
	assert_int_equal(hand_take(f->channel), 9);
	toucher_start(&toucher, f->mem + 9 * TEST_PAGE);
	AWAIT(test_status(f->region).faults == 2);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(hand_none(f->channel));

	pid = fork();
	if (!pid) {
		touch_read(f->mem + 10 * TEST_PAGE);
		_exit(0);
	}
	assert_int_equal(hand_take(f->channel), 10);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	hand_data(f->channel, 9, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	toucher_start(&toucher, f->mem + 10 * TEST_PAGE);
	AWAIT(test_status(f->region).faults == 4);
	assert_true(hand_none(f->channel));
	hand_data(f->channel, 10, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(test_status(f->region).cancels, 0);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, hand_fixture_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(willneed_asks_and_does_not_wait),
		TEST(demand_comes_before_prefetch),
		TEST(a_touch_makes_a_prefetch_demand),
		TEST(a_touch_waits_for_a_prefetch_under_way),
		TEST(no_room_drops_the_rest),
		TEST(what_fails_is_nobodys_error),
		TEST(the_next_provider_is_asked_the_same),
		TEST(other_advice_has_no_effect),
		cmocka_unit_test(a_timeout_cancels),
		TEST(a_killed_waiter_cancels),
		TEST(not_while_somebody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
