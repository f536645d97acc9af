// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The waiting policies: what a touch of a missing granule gets, and when.
 *
 * needs: umem
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

static int region;
static char *mem;

static void make(unsigned int policy, unsigned int timeout_ms,
		 unsigned int max_inflight)
{
	region = test_region(SIZE, policy, timeout_ms, max_inflight);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static int teardown(void **state)
{
	(void)state;
	hand_release(region);
	munmap(mem, SIZE);
	close(region);
	return 0;
}

static ssize_t read_page(unsigned int granule)
{
	char buf[TEST_PAGE];
	ssize_t got = pread(region, buf, sizeof(buf), granule * TEST_PAGE);

	return got < 0 ? -errno : got;
}

/* ---- Timeout ------------------------------------------------------------ */

#define TIMEOUT 0.3

static void timeout_without_provider(void **state)
{
	double started;

	(void)state;
	make(UMEM_WAIT_TIMEOUT, TIMEOUT * 1000, 16);
	started = test_now();
	assert_int_equal(touch_read(mem), SIGBUS);
	assert_true(test_now() - started >= TIMEOUT);
	started = test_now();
	assert_int_equal(touch_write(mem, 1), SIGBUS);
	assert_true(test_now() - started >= TIMEOUT);
	started = test_now();
	assert_int_equal(read_page(0), -EIO);
	assert_true(test_now() - started >= TIMEOUT);
	/* Not much longer; the machine may be busy. */
	assert_true(test_now() - started < TEST_SECONDS);
	assert_int_equal(test_status(region).timeouts, 3);
	/* It was asked for once: the request outlives those who waited. */
	assert_int_equal(test_status(region).requests, 1);
	assert_int_equal(test_status(region).requests_queued, 1);
}

static void timeout_of_a_silent_provider(void **state)
{
	int channel;

	(void)state;
	make(UMEM_WAIT_TIMEOUT, TIMEOUT * 1000, 16);
	channel = hand_open(region, 0);
	assert_int_equal(touch_read(mem), SIGBUS);
	assert_int_equal(hand_take(channel), 0);
	assert_int_equal(touch_read(mem), SIGBUS);
	/* The answer comes late, but it comes. */
	hand_data(channel, 0, 1);
	assert_int_equal(touch_read(mem), 0);
	assert_true(pattern_matches(mem, 0));
	close(channel);
}

static void answer_in_time(void **state)
{
	struct toucher toucher;
	int channel;

	(void)state;
	make(UMEM_WAIT_TIMEOUT, TEST_SECONDS * 1000, 16);
	channel = hand_open(region, 0);
	toucher_start(&toucher, mem);
	assert_int_equal(hand_take(channel), 0);
	hand_data(channel, 0, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(test_status(region).timeouts, 0);
	close(channel);
}

/* All slots are taken by requests that nobody answers. */
static void timeout_for_a_slot(void **state)
{
	(void)state;
	make(UMEM_WAIT_TIMEOUT, TIMEOUT * 1000, 2);
	assert_int_equal(touch_read(mem), SIGBUS);
	assert_int_equal(touch_read(mem + TEST_PAGE), SIGBUS);
	assert_int_equal(touch_read(mem + 2 * TEST_PAGE), SIGBUS);
	assert_int_equal(read_page(3), -EIO);
	assert_int_equal(test_status(region).requests, 2);
	assert_int_equal(test_status(region).timeouts, 4);
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

/*
 * A timer's handler interrupts the wait again and again, as in any program with
 * a profiler or a preemptive runtime. The time that is allowed is for the
 * touch, not for the rest between two signals.
 */
static void timeout_in_spite_of_signals(void **state)
{
	struct sigaction action = { .sa_handler = tick };
	struct toucher toucher;
	double end = test_now() + 30 * TIMEOUT;
	int channel;

	(void)state;
	make(UMEM_WAIT_TIMEOUT, TIMEOUT * 1000, 16);
	channel = hand_open(region, 0);
	ticks = 0;
	sigaction(SIGALRM, &action, NULL);
	toucher_start(&toucher, mem);
	while (!toucher_is_over(&toucher) && test_now() < end) {
		pthread_kill(toucher.thread, SIGALRM);
		usleep(20000);
	}
	if (!toucher_is_over(&toucher)) {
		hand_data(channel, 0, 1);
		toucher_join(&toucher);
		fail_msg("no end of the wait after %d signals", (int)ticks);
	}
	assert_int_equal(toucher_join(&toucher), SIGBUS);
	close(channel);
}

/* ---- Fail-fast ---------------------------------------------------------- */

static void failfast_without_provider(void **state)
{
	int channel;

	(void)state;
	make(UMEM_WAIT_FAILFAST, 0, 16);
	assert_int_equal(touch_read(mem), SIGBUS);
	assert_int_equal(touch_write(mem, 1), SIGBUS);
	assert_int_equal(read_page(0), -EIO);
	assert_int_equal(pwrite(region, "x", 1, 0), -1);
	assert_int_equal(errno, EIO);
	/* Nobody was asked. */
	assert_int_equal(test_status(region).requests, 0);
	channel = hand_open(region, 0);
	hand_data(channel, 0, 1);
	close(channel);
	/* What is there needs no provider. */
	assert_int_equal(touch_read(mem), 0);
	assert_int_equal(read_page(0), TEST_PAGE);
}

/* The provider leaves while threads wait, in each way that it can leave. */
static void failfast_provider_leaves(void **state)
{
	struct toucher touchers[4];
	unsigned int i;
	int channel;

	(void)state;
	make(UMEM_WAIT_FAILFAST, 0, 2);
	channel = hand_open(region, 0);
	/* Two wait for the answer, two for a slot. */
	for (i = 0; i < 4; i++)
		toucher_start(&touchers[i], mem + i * TEST_PAGE);
	hand_take(channel);
	AWAIT(test_status(region).faults == 4);
	for (i = 0; i < 4; i++)
		AWAIT(task_state(getpid(), touchers[i].tid) == 'S');
	close(channel);
	for (i = 0; i < 4; i++)
		assert_int_equal(toucher_join(&touchers[i]), SIGBUS);
	/* The next provider gets what is still open. */
	channel = hand_open(region, 0);
	hand_take(channel);
	hand_take(channel);
	assert_true(hand_none(channel));
	close(channel);
}

/* REPLACE is no moment without a provider: those who wait go on waiting. */
static void failfast_survives_replace(void **state)
{
	struct toucher touchers[4];
	unsigned int i, round;
	int channel, old;

	(void)state;
	/* Many slots: waking all of them takes a while. */
	make(UMEM_WAIT_FAILFAST, 0, 65536);
	channel = hand_open(region, 0);
	for (i = 0; i < 4; i++)
		toucher_start(&touchers[i], mem + i * TEST_PAGE);
	AWAIT(test_status(region).faults == 4);
	for (i = 0; i < 4; i++)
		AWAIT(task_state(getpid(), touchers[i].tid) == 'S');
	for (round = 0; round < 20; round++) {
		old = channel;
		channel = hand_open(region, UMEM_CHANNEL_REPLACE);
		close(old);
		for (i = 0; i < 4; i++)
			AWAIT(toucher_is_over(&touchers[i]) ||
			      task_state(getpid(), touchers[i].tid) == 'S');
	}
	hand_data(channel, 0, 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
	close(channel);
}

/* ---- Hard --------------------------------------------------------------- */

/* No provider at first, then one that leaves, then one that answers. */
static void hard_waits_for_whoever_comes(void **state)
{
	struct toucher toucher;
	int channel;

	(void)state;
	make(UMEM_WAIT_HARD, 0, 1);
	toucher_start(&toucher, mem);
	AWAIT(test_status(region).requests_queued == 1);
	channel = hand_open(region, 0);
	assert_int_equal(hand_take(channel), 0);
	close(channel);
	assert_false(toucher_is_over(&toucher));
	channel = hand_open(region, 0);
	assert_int_equal(hand_take(channel), 0);
	hand_data(channel, 0, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	close(channel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(timeout_without_provider),
		TEST(timeout_of_a_silent_provider),
		TEST(answer_in_time),
		TEST(timeout_for_a_slot),
		TEST(timeout_in_spite_of_signals),
		TEST(failfast_without_provider),
		TEST(failfast_provider_leaves),
		TEST(failfast_survives_replace),
		TEST(hard_waits_for_whoever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
