// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A provider that sleeps in epoll_wait() hears of the end of its channel: each
 * time somebody else becomes the provider, or nobody.
 *
 * needs: umem umem_sim
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES	16
#define SIZE	(PAGES * TEST_PAGE)
/* What poll(2) says of a channel that has ended. */
#define ENDED	(EPOLLHUP | EPOLLERR | EPOLLIN)

/* A thread that sleeps in epoll_wait(). */
struct sleeper {
	int epoll;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool over;
	uint32_t events;
};

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, 8);
}

static void *sleep_in_epoll(void *arg)
{
	struct sleeper *s = arg;
	struct epoll_event event = { 0 };

	s->tid = gettid();
	if (epoll_wait(s->epoll, &event, 1, -1) == 1)
		s->events = event.events;
	s->over = true;
	return NULL;
}

/* Returns when it sleeps, and has nothing to tell. */
static void sleeper_start(struct sleeper *s, int channel, uint32_t wanted)
{
	struct epoll_event event = { .events = wanted };

	*s = (struct sleeper){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	assert_true(s->epoll >= 0);
	assert_int_equal(epoll_ctl(s->epoll, EPOLL_CTL_ADD, channel, &event), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, sleep_in_epoll, s), 0);
	AWAIT(s->tid && task_state(getpid(), s->tid) == 'S');
	usleep(20000);
	assert_false(s->over);
}

static void sleeper_hears(struct sleeper *s, uint32_t events)
{
	AWAIT(s->over);
	pthread_join(s->thread, NULL);
	assert_int_equal(s->events, events);
	close(s->epoll);
}

/* Of both kinds: who hears of each event, and of changes only. */
static void all_start(struct sleeper sleepers[2], int channel)
{
	sleeper_start(&sleepers[0], channel, EPOLLIN);
	sleeper_start(&sleepers[1], channel, EPOLLIN | EPOLLET);
}

static void all_hear(struct sleeper sleepers[2], uint32_t events)
{
	sleeper_hears(&sleepers[0], events);
	sleeper_hears(&sleepers[1], events);
}

static void woken_by_a_request(void **state)
{
	struct hand_fixture *f = *state;
	struct sleeper sleepers[2];
	struct toucher toucher;

	all_start(sleepers, f->channel);
	toucher_start(&toucher, f->mem);
	all_hear(sleepers, EPOLLIN);
	hand_data(f->channel, hand_take(f->channel), 1);
	assert_int_equal(toucher_join(&toucher), 0);
}

static void woken_by_replace(void **state)
{
	struct hand_fixture *f = *state;
	struct sleeper sleepers[2];
	int next;

	all_start(sleepers, f->channel);
	next = hand_open(f->region, UMEM_CHANNEL_REPLACE);
	all_hear(sleepers, ENDED);
	assert_int_equal(hand_try(f->channel, UMEM_OP_ZERO, 0, 1), -EPIPE);
	hand_zero(next, 0, 1);
	close(next);
}

static void woken_by_detach(void **state)
{
	struct hand_fixture *f = *state;
	struct sleeper sleepers[2];

	all_start(sleepers, f->channel);
	assert_int_equal(umem_region_detach(f->region), 0);
	all_hear(sleepers, ENDED);
}

/* While a provider in the kernel has it; then as any channel that has ended. */
static void woken_by_a_claim(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_sim_attach arg = sim_arg(1);
	struct sleeper sleepers[2];
	int sim = sim_open();

	all_start(sleepers, f->channel);
	assert_int_equal(sim_attach_channel(sim, f->channel, &arg), 0);
	all_hear(sleepers, EPOLLERR);
	assert_int_equal(hand_try(f->channel, UMEM_OP_ZERO, 0, 1), -EBUSY);
	/* Nobody sleeps where there is an error. */
	assert_int_equal(umem_region_detach(f->region), 0);
	assert_int_equal(hand_try(f->channel, UMEM_OP_ZERO, 0, 1), -EPIPE);
	close(sim);
	sim_wait_unused();
}

/* The end of a claimed channel, heard by who asks for changes only. */
static void woken_when_the_claimer_ends(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_sim_attach arg = sim_arg(1);
	struct epoll_event event = { 0 };
	struct sleeper sleeper;
	int sim = sim_open();

	sleeper_start(&sleeper, f->channel, EPOLLIN | EPOLLET);
	assert_int_equal(sim_attach_channel(sim, f->channel, &arg), 0);
	AWAIT(sleeper.over);
	pthread_join(sleeper.thread, NULL);
	/* Commit is one change more, or none. */
	while (epoll_wait(sleeper.epoll, &event, 1, 50) == 1)
		assert_int_equal(event.events, EPOLLERR);
	sleeper.tid = 0;
	sleeper.over = false;
	assert_int_equal(pthread_create(&sleeper.thread, NULL, sleep_in_epoll,
					&sleeper), 0);
	AWAIT(sleeper.tid && task_state(getpid(), sleeper.tid) == 'S');
	assert_int_equal(umem_region_detach(f->region), 0);
	sleeper_hears(&sleeper, ENDED);
	close(sim);
	sim_wait_unused();
}

static void woken_by_the_end_of_the_region(void **state)
{
	struct hand_fixture *f = *state;
	struct sleeper sleepers[2];

	all_start(sleepers, f->channel);
	munmap(f->mem, SIZE);
	close(f->region);
	all_hear(sleepers, ENDED);
	close(f->channel);
	free(f);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, hand_fixture_drop)
	const struct CMUnitTest tests[] = {
		TEST(woken_by_a_request),
		TEST(woken_by_replace),
		TEST(woken_by_detach),
		TEST(woken_by_a_claim),
		TEST(woken_when_the_claimer_ends),
		cmocka_unit_test_setup(woken_by_the_end_of_the_region, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
