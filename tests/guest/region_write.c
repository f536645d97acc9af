// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * write() to what is missing: whole granules are not fetched, parts are.
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
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, 16);
}

struct writer {
	int fd;
	const void *from;
	size_t length;
	off_t at;
	ssize_t result;
	_Atomic bool over;
	pthread_t thread;
};

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	w->result = pwrite(w->fd, w->from, w->length, w->at);
	if (w->result < 0)
		w->result = -errno;
	w->over = true;
	return NULL;
}

static void writer_start(struct writer *w, struct hand_fixture *f,
			 const void *from,size_t length, off_t at)
{
	*w = (struct writer){ .fd = f->region, .from = from, .length = length,
			      .at = at };
	assert_int_equal(pthread_create(&w->thread, NULL, writer_run, w), 0);
}

static ssize_t writer_join(struct writer *w)
{
	AWAIT(w->over);
	pthread_join(w->thread, NULL);
	return w->result;
}

static char *bytes(void)
{
	static char buffer[16 * TEST_PAGE];
	unsigned int i;

	for (i = 0; i < sizeof(buffer); i++)
		buffer[i] = i * 31 + i / TEST_PAGE + 1;
	return buffer;
}

static void whole_granules_are_not_fetched(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;
	char *from = bytes();

	assert_int_equal(pwrite(f->region, from, 8 * TEST_PAGE, 4 * TEST_PAGE),
			 8 * TEST_PAGE);
	assert_true(hand_none(f->channel));
	assert_memory_equal(f->mem + 4 * TEST_PAGE, from, 8 * TEST_PAGE);
	status = test_status(f->region);
	assert_int_equal(status.granules_written, 8);
	assert_int_equal(status.granules_provided, 8);
	assert_int_equal(status.requests, 0);
	assert_int_equal(status.bytes_copied, 0);
	/* A push comes too late. */
	hand_data(f->channel, 4, 8);
	assert_memory_equal(f->mem + 4 * TEST_PAGE, from, 8 * TEST_PAGE);
	assert_int_equal(test_status(f->region).answers_stale, 8);
}

static void parts_are_fetched_first(void **state)
{
	struct hand_fixture *f = *state;
	char *from = bytes(), page[TEST_PAGE];
	struct writer w;

	/* From the middle of 1 to the middle of 4. */
	writer_start(&w, f, from, 3 * TEST_PAGE, TEST_PAGE + 1000);
	assert_int_equal(hand_take(f->channel), 1);
	assert_false(w.over);
	hand_data(f->channel, 1, 1);
	while (!w.over) {
		struct umem_record request;

		/* 2 and 3 may be asked for with 1; 4 must be. */
		if (read(f->channel, &request, sizeof(request)) > 0)
			hand_data(f->channel, request.offset / TEST_PAGE, 1);
		test_pause();
	}
	assert_int_equal(writer_join(&w), 3 * TEST_PAGE);
	pattern_fill(page, 1);
	assert_memory_equal(f->mem + TEST_PAGE, page, 1000);
	assert_memory_equal(f->mem + TEST_PAGE + 1000, from, 3 * TEST_PAGE);
	pattern_fill(page, 4);
	assert_memory_equal(f->mem + 4 * TEST_PAGE + 1000, page + 1000,
			    TEST_PAGE - 1000);
}

static void a_reader_waiting_gets_what_was_written(void **state)
{
	struct hand_fixture *f = *state;
	char *from = bytes();
	struct toucher toucher;

	/* Queued: the write provides. */
	toucher_start(&toucher, f->mem + 7 * TEST_PAGE);
	AWAIT(test_status(f->region).requests_queued == 1);
	assert_int_equal(pwrite(f->region, from, TEST_PAGE, 7 * TEST_PAGE),
			 TEST_PAGE);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(toucher.value, from[0]);
	assert_true(hand_none(f->channel));
}

static void a_fetch_under_way_comes_first(void **state)
{
	struct hand_fixture *f = *state;
	char *from = bytes();
	struct toucher toucher;
	struct writer w;

	toucher_start(&toucher, f->mem + 7 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 7);
	writer_start(&w, f, from, TEST_PAGE, 7 * TEST_PAGE);
	usleep(100000);
	assert_false(w.over);
	hand_data(f->channel, 7, 1);
	assert_int_equal(writer_join(&w), TEST_PAGE);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_memory_equal(f->mem + 7 * TEST_PAGE, from, TEST_PAGE);
	assert_int_equal(test_status(f->region).granules_written, 0);
}

/* The source of the bytes is missing memory, even the destination itself. */
static void from_a_missing_page(void **state)
{
	struct hand_fixture *f = *state;
	struct writer w;

	writer_start(&w, f, f->mem + 20 * TEST_PAGE, TEST_PAGE, 21 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 20);
	hand_data(f->channel, 20, 1);
	assert_int_equal(writer_join(&w), TEST_PAGE);
	assert_true(pattern_matches(f->mem + 21 * TEST_PAGE, 20));

	writer_start(&w, f, f->mem + 30 * TEST_PAGE, TEST_PAGE, 30 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 30);
	hand_data(f->channel, 30, 1);
	assert_int_equal(writer_join(&w), TEST_PAGE);
	assert_true(pattern_matches(f->mem + 30 * TEST_PAGE, 30));
}

/* The source ends within a granule: that one is not made up. */
static void a_source_that_faults(void **state)
{
	struct hand_fixture *f = *state;
	char *area = mmap(NULL, 3 * TEST_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct writer w;

	memset(area, 'z', 3 * TEST_PAGE);
	munmap(area + 2 * TEST_PAGE, TEST_PAGE);
	writer_start(&w, f, area + 100, 2 * TEST_PAGE, 40 * TEST_PAGE);
	/* 41 would be half written: it is fetched. */
	assert_int_equal(hand_take(f->channel), 41);
	hand_data(f->channel, 41, 1);
	assert_int_equal(writer_join(&w), 2 * TEST_PAGE - 100);
	assert_int_equal(f->mem[40 * TEST_PAGE], 'z');
	assert_int_equal(f->mem[42 * TEST_PAGE - 101], 'z');
	assert_int_equal(f->mem[42 * TEST_PAGE - 1],
			 (char)(pattern_word(41, 511) >> 56));
	munmap(area, 2 * TEST_PAGE);
}

static void without_a_provider(void **state)
{
	int region = test_region(SIZE, UMEM_WAIT_FAILFAST, 0, 4);
	char *from = bytes();

	(void)state;
	assert_int_equal(pwrite(region, from, TEST_PAGE, 0), TEST_PAGE);
	assert_int_equal(pwrite(region, from, 10, TEST_PAGE), -1);
	assert_int_equal(errno, EIO);
	close(region);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, hand_fixture_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_granules_are_not_fetched),
		TEST(parts_are_fetched_first),
		TEST(a_reader_waiting_gets_what_was_written),
		TEST(a_fetch_under_way_comes_first),
		TEST(from_a_missing_page),
		TEST(a_source_that_faults),
		TEST(without_a_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
