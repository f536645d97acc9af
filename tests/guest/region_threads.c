// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many threads and processes on the same and on different pages, with few and
 * with many requests in flight: each page is asked for once and is right.
 *
 * needs: umem
 */
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
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES 512
#define SIZE (PAGES * TEST_PAGE)
#define THREADS 8

struct fixture {
	int region;
	struct pattern_provider provider;
	char *mem;
};

/* Static: a provider's thread outlives a test that fails. */
static struct fixture one, two;

static void open_fixture(struct fixture *f, unsigned int max_inflight)
{
	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, max_inflight);
	pattern_provider_start(&f->provider, f->region);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->region,
		      0);
	assert_true(f->mem != MAP_FAILED);
}

static void close_fixture(struct fixture *f)
{
	munmap(f->mem, SIZE);
	pattern_provider_stop(&f->provider);
	close(f->region);
}

/* Which pages a thread visits, and how. */
enum walk { SAME_ORDER, OWN_START, OWN_PAGES, BACKWARDS };

struct walker {
	struct fixture *f;
	enum walk walk;
	unsigned int number;
	bool use_pread;
	pthread_t thread;
	unsigned int wrong;
};

static unsigned int nth_page(const struct walker *w, unsigned int n)
{
	switch (w->walk) {
	case OWN_START:
		return (n + w->number * PAGES / THREADS) % PAGES;
	case OWN_PAGES:
		return n % (PAGES / THREADS) * THREADS + w->number;
	case BACKWARDS:
		return w->number % 2 ? PAGES - 1 - n : n;
	default:
		return n;
	}
}

static void *walk(void *arg)
{
	struct walker *w = arg;
	char buf[TEST_PAGE];
	unsigned int n;

	for (n = 0; n < PAGES; n++) {
		unsigned int page = nth_page(w, n);
		const char *at = w->f->mem + page * TEST_PAGE;

		if (w->use_pread) {
			at = buf;
			if (pread(w->f->region, buf, TEST_PAGE,
				  page * TEST_PAGE) != TEST_PAGE)
				w->wrong++;
		}
		if (!pattern_matches(at, page))
			w->wrong++;
	}
	return NULL;
}

static void walk_with(unsigned int max_inflight, enum walk how)
{
	struct walker walkers[THREADS];
	struct umem_region_status status;
	unsigned int i;

	open_fixture(&one, max_inflight);
	for (i = 0; i < THREADS; i++) {
		walkers[i] = (struct walker){
			.f = &one, .walk = how, .number = i,
			.use_pread = i == 3,
		};
		pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(walkers[i].thread, NULL);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(walkers[i].wrong, 0);
	status = test_status(one.region);
	close_fixture(&one);
	assert_int_equal(status.granules_provided, PAGES);
	assert_int_equal(status.requests, PAGES);
	assert_int_equal(status.answers_stale, 0);
	assert_int_equal(status.bytes_copied, SIZE);
	assert_int_equal(status.requests_queued + status.requests_issued, 0);
}

static void walk_all(unsigned int max_inflight)
{
	walk_with(max_inflight, SAME_ORDER);
	walk_with(max_inflight, OWN_START);
	walk_with(max_inflight, OWN_PAGES);
	walk_with(max_inflight, BACKWARDS);
}

static void one_in_flight(void **state)
{
	(void)state;
	walk_all(1);
}

static void two_in_flight(void **state)
{
	(void)state;
	walk_all(2);
}

static void many_in_flight(void **state)
{
	(void)state;
	walk_all(64);
}

/* With one slot, those who wait for it come each in turn. */
static void no_more_in_flight_than_allowed(void **state)
{
	struct toucher touchers[THREADS];
	unsigned int i, served;
	int region, channel;
	char *mem;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 2);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
	for (i = 0; i < THREADS; i++)
		toucher_start(&touchers[i], mem + i * TEST_PAGE);
	AWAIT(test_status(region).faults == THREADS);
	for (served = 0; served < THREADS; served += 2) {
		uint64_t a = hand_take(channel);
		uint64_t b = hand_take(channel);

		assert_true(hand_none(channel));
		assert_int_equal(test_status(region).requests, served + 2);
		hand_data(channel, a, 1);
		hand_data(channel, b, 1);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
	munmap(mem, SIZE);
	close(region);
	close(channel);
}

/* The holder of a slot that others wait for is killed. */
static void slot_of_a_killed_process(void **state)
{
	int region, channel;
	struct toucher toucher;
	char *mem;
	pid_t child;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 1);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
	child = fork();
	if (!child) {
		touch_read(mem);
		_exit(0);
	}
	assert_int_equal(hand_take(channel), 0);
	toucher_start(&toucher, mem + TEST_PAGE);
	AWAIT(test_status(region).faults == 2);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	/* The request outlives who asked: it may be answered any time. */
	assert_int_equal(test_status(region).requests_issued, 1);
	hand_data(channel, 0, 1);
	assert_int_equal(hand_take(channel), 1);
	hand_data(channel, 1, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	munmap(mem, SIZE);
	close(region);
	close(channel);
}

/* Processes: a child forked with the mapping, others that opened by path. */
static void many_processes(void **state)
{
	struct fixture *f = &one;
	char path[64];
	unsigned int i;
	int status;

	(void)state;
	open_fixture(f, 8);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), f->region);
	for (i = 0; i < THREADS; i++) {
		struct walker w = { .f = f, .walk = OWN_START, .number = i };

		if (fork())
			continue;
		if (i % 2) {
			int fd = open(path, O_RDONLY);

			munmap(f->mem, SIZE);
			f->mem = mmap(NULL, SIZE, PROT_READ,
				     i % 4 == 1 ? MAP_SHARED : MAP_PRIVATE,
				     fd, 0);
		}
		walk(&w);
		_exit(w.wrong != 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(test_status(f->region).requests, PAGES);
	close_fixture(f);
}

/* Two regions know nothing of each other. */
static void two_regions(void **state)
{
	struct fixture *a = &one, *b = &two;
	unsigned int i;

	(void)state;
	open_fixture(a, 4);
	open_fixture(b, 4);
	for (i = 0; i < PAGES; i++) {
		a->mem[i * TEST_PAGE] ^= 0xff;
		assert_true(pattern_matches(b->mem + i * TEST_PAGE, i));
		assert_false(pattern_matches(a->mem + i * TEST_PAGE, i));
	}
	/* The end of one is nothing to the other. */
	close_fixture(a);
	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(b->mem + i * TEST_PAGE, i));
	close_fixture(b);
}

/* A write touch fetches first, and what it wrote stays. */
static void writers_on_the_same_pages(void **state)
{
	struct toucher touchers[THREADS];
	unsigned int i, page;

	(void)state;
	open_fixture(&one, 2);
	for (page = 0; page < 64; page++) {
		char *at = one.mem + page * TEST_PAGE;

		for (i = 0; i < THREADS; i++)
			toucher_start_write(&touchers[i], at + i, i + 1);
		for (i = 0; i < THREADS; i++)
			assert_int_equal(toucher_join(&touchers[i]), 0);
		for (i = 0; i < THREADS; i++)
			assert_int_equal(at[i], i + 1);
		for (i = THREADS / 8; i < TEST_PAGE / 8; i++)
			assert_int_equal(((uint64_t *)at)[i],
					 pattern_word(page, i));
	}
	close_fixture(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_in_flight),
		cmocka_unit_test(two_in_flight),
		cmocka_unit_test(many_in_flight),
		cmocka_unit_test(no_more_in_flight_than_allowed),
		cmocka_unit_test(slot_of_a_killed_process),
		cmocka_unit_test(many_processes),
		cmocka_unit_test(two_regions),
		cmocka_unit_test(writers_on_the_same_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
