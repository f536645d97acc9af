// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A touch and an answer for the same granule at the same time: between the look
 * at the granule and the request for it the page is allocated, and the answer may
 * come then. The request must not be made after all: it would never end, or let
 * a second answer into a page that is in use.
 *
 * needs: umem
 * timeout: 240
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES	4096
#define SIZE	(PAGES * TEST_PAGE)
#define ROUNDS	(getenv("UMEM_DEBUG_KERNEL") ? 1 : 2)

static int region, channel;
static char *mem;
static _Atomic unsigned int started, touched, wrong;

/* Touches each page when it is told to. */
static void *touch_all(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < PAGES; i++) {
		while (started <= i)
			;
		if (*(volatile uint64_t *)(mem + i * TEST_PAGE) !=
		    pattern_word(i, 0))
			wrong++;
		touched = i + 1;
	}
	return NULL;
}

/* A little later for each page, up to what a fault takes, and anew. */
static void delay(unsigned int i)
{
	volatile unsigned int n;

	for (n = 0; n < i * 37 % 2048; n++)
		;
}

static void race(void)
{
	struct umem_region_status status;
	pthread_t thread;
	unsigned int i;

	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 64);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	started = 0;
	touched = 0;
	pthread_create(&thread, NULL, touch_all, NULL);
	for (i = 0; i < PAGES; i++) {
		started = i + 1;
		delay(i);
		hand_data(channel, i, 1);
		AWAIT(touched > i);
	}
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
	status = test_status(region);
	assert_int_equal(status.granules_provided, PAGES);
	assert_int_equal(status.requests_queued + status.requests_issued, 0);
	munmap(mem, SIZE);
	close(channel);
	close(region);
}

static void push_against_touch(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++)
		race();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(push_against_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
