// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A page that is about to be written whole is not zeroed. What it held before,
 * for whomever, must not be seen: not by a provider that maps its channel, not
 * after the request has failed, nor in a hole.
 *
 * The kernel is told not to zero what it allocates, as Debian's does otherwise.
 *
 * needs: umem append=init_on_alloc=0 append=init_on_free=0 cpus=2
 * timeout: 240
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES		64
#define SIZE		(PAGES * TEST_PAGE)
#define THREADS		8
#define DIRT		0x5a
#define DIRTY_SIZE	(96UL << 20)
#define RACE_SECONDS	5

struct fixture {
	int region;
	int channel;
	char *mem;
	struct toucher touchers[THREADS];
};

/* The pages that are allocated next held something. */
static void make_dirt(void)
{
	char *dirt = mmap(NULL, DIRTY_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(dirt != MAP_FAILED);
	memset(dirt, DIRT, DIRTY_SIZE);
	munmap(dirt, DIRTY_SIZE);
}

static char *at(char *base, unsigned int granule)
{
	return base + granule * TEST_PAGE;
}

static void make(struct fixture *f)
{
	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	f->channel = hand_open(f->region, 0);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->region,
		      0);
	assert_true(f->mem != MAP_FAILED);
}

static void drop(struct fixture *f)
{
	munmap(f->mem, SIZE);
	close(f->region);
	close(f->channel);
}

static void start_touches(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		toucher_start(&f->touchers[i], at(f->mem, i));
}

static void join_touches(struct fixture *f, int signal)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(toucher_join(&f->touchers[i]), signal);
}

/* Threads touch the first granules, and the provider has taken all of them. */
static void ask(struct fixture *f)
{
	unsigned int i;

	start_touches(f);
	AWAIT(test_status(f->region).requests == THREADS);
	for (i = 0; i < THREADS; i++)
		hand_take(f->channel);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	make_dirt();
	make(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	drop(*state);
	free(*state);
	return 0;
}

/* Else nothing here shows anything. */
static void memory_is_not_zeroed(void **state)
{
	char line[4096] = "";
	FILE *file = fopen("/proc/cmdline", "r");

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_non_null(strstr(line, "init_on_alloc=0"));
}

static void hidden_from_the_provider(void **state)
{
	struct fixture *f = *state;
	char *map = hand_map(f->channel, SIZE);
	unsigned int i;

	ask(f);
	for (i = 0; i < THREADS; i++)
		assert_true(test_is_zero(at(map, i)));
	hand_cached(f->channel, 0, THREADS);
	join_touches(f, 0);
	for (i = 0; i < THREADS; i++)
		assert_true(test_is_zero(at(f->mem, i)));
	munmap(map, SIZE);
}

static void hidden_after_fail(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	ask(f);
	hand_fail(f->channel, 0, THREADS);
	join_touches(f, SIGBUS);
	hand_zero(f->channel, 0, THREADS / 2);
	assert_int_equal(fallocate(f->region, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE,
				   THREADS / 2 * TEST_PAGE,
				   THREADS / 2 * TEST_PAGE), 0);
	for (i = 0; i < THREADS; i++)
		assert_true(test_is_zero(at(f->mem, i)));
}

/* What is written over the page that a request left must stay there. */
static void written_after_fail(void **state)
{
	struct fixture *f = *state;
	char page[TEST_PAGE];
	unsigned int i;

	ask(f);
	hand_fail(f->channel, 0, THREADS);
	join_touches(f, SIGBUS);
	hand_data(f->channel, 0, THREADS / 2);
	for (i = THREADS / 2; i < THREADS; i++) {
		pattern_fill(page, i);
		assert_int_equal(pwrite(f->region, page, TEST_PAGE,
					i * TEST_PAGE), TEST_PAGE);
	}
	for (i = 0; i < THREADS; i++)
		assert_true(pattern_matches(at(f->mem, i), i));
}

/*
 * tmpfs must know that a page was written that an answer found not zeroed: by
 * read() first, and by a mapping, for which it would zero it.
 */
static void answers_are_kept(void **state)
{
	struct fixture *f = *state;
	char page[TEST_PAGE];
	unsigned int i;

	ask(f);
	hand_data(f->channel, 0, THREADS / 2);
	hand_zero(f->channel, THREADS / 2, THREADS / 2);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pread(f->region, page, TEST_PAGE,
				       i * TEST_PAGE), TEST_PAGE);
		assert_true(i < THREADS / 2 ? pattern_matches(page, i) :
					      test_is_zero(page));
	}
	join_touches(f, 0);
	for (i = 0; i < THREADS; i++)
		assert_true(i < THREADS / 2 ? pattern_matches(at(f->mem, i), i) :
					      test_is_zero(at(f->mem, i)));
}

/* A touch may allocate a page where a hole is being made. */
static void hidden_in_a_racing_hole(void **state)
{
	double end = test_now() + RACE_SECONDS;
	struct fixture f;
	unsigned int i;

	(void)state;
	do {
		make_dirt();
		make(&f);
		start_touches(&f);
		/* At another moment each time. */
		for (i = rand() % 4096; i; i--)
			__asm__ volatile("");
		assert_int_equal(fallocate(f.region, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE, 0, SIZE), 0);
		join_touches(&f, 0);
		for (i = 0; i < PAGES; i++)
			assert_true(test_is_zero(at(f.mem, i)));
		drop(&f);
	} while (test_now() < end);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_not_zeroed),
		TEST(hidden_from_the_provider),
		TEST(hidden_after_fail),
		TEST(written_after_fail),
		TEST(answers_are_kept),
		cmocka_unit_test(hidden_in_a_racing_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
