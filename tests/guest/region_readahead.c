// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Read-ahead: what it asks for, that it exposes nothing and holds nobody up.
 *
 * needs: umem
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <endian.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/pagemap.h"
#include "lib/setting.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 2048	/* 8 MiB */
#define SIZE (PAGES * (size_t)TEST_PAGE)
#define SLOTS 64
#define AHEAD 16	/* pages */

struct fixture {
	int region;
	struct pattern_provider provider;
	char *mem;
};

static int region_with(uint32_t pages)
{
	struct umem_create create = {
		.size = SIZE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = SLOTS,
		.max_data = TEST_MAX_DATA,
		.readahead = pages * TEST_PAGE,
	};
	int device = umem_device_open();
	int region = umem_region_create(device, &create);

	assert_true(region >= 0);
	close(device);
	return region;
}

static void make(struct fixture *f, uint32_t pages)
{
	f->region = region_with(pages);
	pattern_provider_start(&f->provider, f->region);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      f->region, 0);
	assert_true(f->mem != MAP_FAILED);
}

static void drop(struct fixture *f)
{
	munmap(f->mem, SIZE);
	pattern_provider_stop(&f->provider);
	close(f->region);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	make(*state, AHEAD);
	return 0;
}

static int teardown(void **state)
{
	drop(*state);
	free(*state);
	return 0;
}

/* Requests that nobody had made before somebody waited. */
static uint64_t surprises(const struct fixture *f)
{
	struct umem_region_status status = test_status(f->region);

	return status.requests - status.prefetches;
}

/*
 * Three misses make a trend. On a busy machine their answers may come before
 * anything was asked for ahead, so that some more are missed.
 */
static void expect_trend(const struct fixture *f)
{
	assert_in_range(surprises(f), 3, 12);
}

/* Every request of read-ahead is a hit, wasted, or ahead of a run. */
static void check_books(const struct fixture *f)
{
	struct umem_region_status status = test_status(f->region);
	uint64_t decided = status.readahead_hits + status.readahead_wasted;

	assert_int_equal(status.readahead, AHEAD * TEST_PAGE);
	assert_int_equal(status.readahead_asked, status.prefetches);
	assert_in_range(status.readahead_asked - decided, 0, 4 * AHEAD);
	assert_true(status.readahead_late <= status.readahead_hits);
}

static void read_page(const char *mem, unsigned int page)
{
	if (!pattern_matches(mem + (size_t)page * TEST_PAGE, page))
		fail_msg("page %u is not what was provided", page);
}

static void read_all(const char *mem)
{
	for (unsigned int page = 0; page < PAGES; page++)
		read_page(mem, page);
}

/* ---- What is asked for --------------------------------------------------- */

static void without_there_is_none(void **state)
{
	struct umem_region_status status;
	struct fixture f = { .region = -1 };

	(void)state;
	make(&f, 0);
	for (unsigned int page = 0; page < 200; page++)
		read_page(f.mem, page);
	status = test_status(f.region);
	assert_int_equal(status.requests, 200);
	assert_int_equal(status.prefetches, 0);
	assert_int_equal(status.readahead, 0);
	assert_int_equal(status.readahead_asked, 0);
	drop(&f);
}

static void walk(void **state, int from, int stride, unsigned int count)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < count; i++)
		read_page(f->mem, (unsigned int)(from + (int)i * stride));
	expect_trend(f);
	check_books(f);
	assert_in_range(test_status(f->region).readahead_hits,
			count - 12 - AHEAD, count - 3);
	assert_int_equal(test_status(f->region).readahead_wasted, 0);
	/* What lies between was not asked for, and is not exposed. */
	read_all(f->mem);
}

static void forwards(void **state)
{
	walk(state, 0, 1, 1500);
}

static void backwards(void **state)
{
	walk(state, 1500, -1, 1500);
}

static void in_threes(void **state)
{
	walk(state, 1, 3, 600);
}

static void far_apart(void **state)
{
	walk(state, 2000, -50, 40);
}

static void several_at_once(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 200; i++) {
		read_page(f->mem, i);
		read_page(f->mem, 1000 - i);
		read_page(f->mem, 1200 + 4 * i);
	}
	assert_in_range(surprises(f), 9, 30);
	check_books(f);
	read_all(f->mem);
}

static void at_random(void **state)
{
	struct fixture *f = *state;
	unsigned int page = 1;

	for (unsigned int i = 0; i < 500; i++) {
		page = (page * 1229 + 1) % PAGES;
		read_page(f->mem, page);
	}
	assert_in_range(test_status(f->region).prefetches, 0, 8);
	check_books(f);
	read_all(f->mem);
}

/*
 * All of a block is provided ahead of the reader once the window has reached its
 * end, and is then mapped around: the window goes on nevertheless.
 */
static void across_blocks_that_are_complete(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(posix_fadvise(f->region, 0, 4096, POSIX_FADV_NORMAL),
			 0);
	for (unsigned int page = 0; page < PAGES; page++)
		read_page(f->mem, page);
	expect_trend(f);
	check_books(f);
}

/* ---- Writing ------------------------------------------------------------- */

static void writers_change_what_they_write(void **state)
{
	struct fixture *f = *state;
	uint64_t *word;

	for (unsigned int page = 0; page < 1000; page += 2) {
		word = (uint64_t *)(f->mem + (size_t)page * TEST_PAGE);
		*word = page;
	}
	expect_trend(f);
	check_books(f);
	for (unsigned int page = 0; page < PAGES; page++) {
		word = (uint64_t *)(f->mem + (size_t)page * TEST_PAGE);
		if (page < 1000 && !(page % 2)) {
			assert_int_equal(*word, page);
			*word = pattern_word(page, 0);
		}
		read_page(f->mem, page);
	}
}

/* A block that is complete, where there is no page table yet. */
static void a_writer_enters_a_complete_block(void **state)
{
	struct fixture *f = *state;
	char page[TEST_PAGE];

	for (unsigned int i = 512; i < 1024; i++) {
		assert_int_equal(pread(f->region, page, sizeof(page),
				       i * TEST_PAGE), sizeof(page));
		assert_true(pattern_matches(page, i));
	}
	for (unsigned int i = 0; i < 1100; i++)
		((volatile char *)f->mem)[i * TEST_PAGE] =
			(char)pattern_word(i, 0);
	read_all(f->mem);
}

static void private_writers_keep_it_to_themselves(void **state)
{
	struct fixture *f = *state;
	char *own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 f->region, 0);

	assert_true(own != MAP_FAILED);
	for (unsigned int page = 0; page < 500; page++) {
		own[(size_t)page * TEST_PAGE] = (char)(page + 1);
		own[(size_t)page * TEST_PAGE + 8] = 77;
	}
	expect_trend(f);
	for (unsigned int page = 0; page < 500; page++)
		assert_int_equal(own[(size_t)page * TEST_PAGE + 8], 77);
	read_all(f->mem);
	munmap(own, SIZE);
}

/* A mapping whose ends are within what is mapped at once. */
static void a_narrow_mapping(void **state)
{
	struct fixture *f = *state;
	char *part = mmap(NULL, 21 * TEST_PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED, f->region, 5 * TEST_PAGE);

	assert_true(part != MAP_FAILED);
	for (unsigned int page = 0; page < 21; page++)
		((volatile char *)part)[page * TEST_PAGE] =
			part[page * TEST_PAGE];
	for (unsigned int page = 0; page < 21; page++)
		assert_true(pattern_matches(part + page * TEST_PAGE, page + 5));
	munmap(part, 21 * TEST_PAGE);
	read_all(f->mem);
}

/* ---- Large folios -------------------------------------------------------- */

static void expose_nothing(const char *at)
{
	for (unsigned int page = 0; page < PAGES; page++) {
		const char *mem = at + (size_t)page * TEST_PAGE;

		if (pagemap_present(mem))
			read_page(at, page);
	}
}

static void large_folios_expose_nothing(void **state)
{
	struct fixture *f = *state;
	char before[32], *at;
	bool forced;

	setting_read(SHMEM_ENABLED, before, sizeof(before));
	forced = setting_try(SHMEM_ENABLED, "force");
	if (!forced)
		skip();
	at = map_aligned(f->region, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (unsigned int i = 0; i < 300; i++) {
		if (i % 2)
			read_page(at, 3 * i);
		else
			*(uint64_t *)(at + 3 * i * (size_t)TEST_PAGE) =
				pattern_word(3 * i, 0);
		if (i % 30 == 0)
			expose_nothing(at);
	}
	for (unsigned int page = 900; page < PAGES; page++)
		read_page(at, page);
	setting_try(SHMEM_ENABLED, before);
	expose_nothing(at);
	read_all(at);
}

/* ---- Limits -------------------------------------------------------------- */

/* Reads in order as long as it gets what it waits for. */
struct walker {
	const char *mem;
	pthread_t thread;
	_Atomic pid_t tid;
	unsigned int count;
	unsigned int stride;
};

static void *walk_thread(void *arg)
{
	struct walker *w = arg;

	w->tid = gettid();
	for (unsigned int i = 0; i < w->count; i++)
		touch_read(w->mem + (size_t)i * w->stride * TEST_PAGE);
	return NULL;
}

static void limits(uint32_t ahead, unsigned int expected)
{
	int region = region_with(ahead);
	int channel = hand_open(region, 0);
	struct umem_region_status status;
	struct walker w = { .count = 4, .stride = 1 };
	unsigned int got = 0;

	w.mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_true(w.mem != MAP_FAILED);
	assert_int_equal(pthread_create(&w.thread, NULL, walk_thread, &w), 0);
	for (unsigned int page = 0; page < 2; page++) {
		assert_int_equal(hand_take(channel), page);
		hand_data(channel, page, 1);
	}
	/* The third one: demand comes first, then what lies ahead. */
	assert_int_equal(hand_take(channel), 2);
	for (; got < expected; got++)
		assert_int_equal(hand_take_op(channel, UMEM_OP_PREFETCH),
				 3 + got);
	assert_true(hand_none(channel));
	status = test_status(region);
	assert_int_equal(status.prefetches, expected);
	/* What was asked for ahead is waited for, not asked for again. */
	hand_data(channel, 2, 1);
	AWAIT(test_status(region).faults == 4);
	AWAIT(task_sleeps(getpid(), w.tid));
	hand_data(channel, 3, 1);
	pthread_join(w.thread, NULL);
	status = test_status(region);
	assert_int_equal(status.requests - status.prefetches, 3);
	assert_int_equal(status.readahead_late, 1);
	close(channel);
	hand_release(region);
	munmap((void *)w.mem, SIZE);
	close(region);
}

static void no_further_than_told(void **state)
{
	(void)state;
	limits(1, 1);
	limits(2, 2);
	limits(100000, 4);
}

/* Takes requests until there is one that somebody waits for: its index. */
static uint64_t next_fetch(int channel)
{
	struct umem_record record = { .op = 0 };

	while (record.op != UMEM_OP_FETCH)
		AWAIT(read(channel, &record, sizeof(record)) ==
		      sizeof(record));
	return le64toh(record.offset) / TEST_PAGE;
}

/* With read-ahead that nobody answers, half of the slots are left to demand. */
static void demand_finds_a_slot(void **state)
{
	struct walker walkers[16];
	int region = region_with(AHEAD);
	int channel = hand_open(region, 0);
	struct umem_region_status status;
	struct toucher toucher;
	char *mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);

	(void)state;
	assert_true(mem != MAP_FAILED);
	for (unsigned int i = 0; i < 16; i++) {
		walkers[i] = (struct walker){
			.mem = mem + (size_t)i * 100 * TEST_PAGE,
			.count = 3, .stride = 1,
		};
		assert_int_equal(pthread_create(&walkers[i].thread, NULL,
						walk_thread, &walkers[i]), 0);
		for (unsigned int page = 0; page < 2; page++) {
			assert_int_equal(next_fetch(channel), i * 100 + page);
			hand_data(channel, i * 100 + page, 1);
		}
		assert_int_equal(next_fetch(channel), i * 100 + 2);
	}
	status = test_status(region);
	assert_int_equal(status.prefetches, SLOTS / 2);
	toucher_start(&toucher, mem + (size_t)2000 * TEST_PAGE);
	assert_int_equal(next_fetch(channel), 2000);
	hand_data(channel, 2000, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	close(channel);
	hand_release(region);
	for (unsigned int i = 0; i < 16; i++)
		pthread_join(walkers[i].thread, NULL);
	munmap(mem, SIZE);
	close(region);
}

static void fdinfo_tells(void **state)
{
	struct fixture *f = *state;
	char path[64], text[4096] = "";
	FILE *file;

	for (unsigned int page = 0; page < 50; page++)
		read_page(f->mem, page);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", f->region);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, "umem-readahead:\t65536 max "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_there_is_none),
		TEST(forwards),
		TEST(backwards),
		TEST(in_threes),
		TEST(far_apart),
		TEST(several_at_once),
		TEST(at_random),
		TEST(across_blocks_that_are_complete),
		TEST(writers_change_what_they_write),
		TEST(a_writer_enters_a_complete_block),
		TEST(private_writers_keep_it_to_themselves),
		TEST(a_narrow_mapping),
		TEST(large_folios_expose_nothing),
		cmocka_unit_test(no_further_than_told),
		cmocka_unit_test(demand_finds_a_slot),
		TEST(fdinfo_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
