// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Nothing that is not provided is ever mapped beside what is: neither by
 * fault-around, nor where tmpfs is forced to use large folios.
 *
 * needs: umem
 * timeout: 300
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/pagemap.h"
#include "lib/setting.h"
#include "lib/touch.h"

#define BLOCK TEST_HUGE_PAGES
#define PAGES (2 * BLOCK)
#define SIZE (PAGES * TEST_PAGE)

static int region = -1, channel = -1;
static char *mem;

/* ---- What is mapped ----------------------------------------------------- */

/* What is mapped must be the pattern; returns how much that is. */
static unsigned int check_mapped(const char *at, unsigned int first)
{
	unsigned int i, mapped = 0;

	for (i = first; i < PAGES; i++) {
		if (!pagemap_present(at + i * TEST_PAGE))
			continue;
		mapped++;
		if (!pattern_matches(at + i * TEST_PAGE, i))
			fail_msg("page %u is mapped and wrong", i);
	}
	return mapped;
}

static void open_region(void)
{
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	mem = map_aligned(region, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static int close_region(void **state)
{
	(void)state;
	hand_release(region);
	munmap(mem, SIZE);
	close(region);
	close(channel);
	return 0;
}

/* ---- Fault-around ------------------------------------------------------- */

/*
 * Page 3's request has a page in the page cache, zeroed and up to date.
 * Touching its provided neighbour must not map it.
 */
static void fault_around_stops_at_missing(void **state)
{
	struct toucher waiting, second;
	unsigned int i;

	(void)state;
	open_region();
	hand_data(channel, 0, 3);
	hand_data(channel, 4, 12);
	toucher_start(&waiting, mem + 3 * TEST_PAGE);
	assert_int_equal(hand_take(channel), 3);
	for (i = 0; i < 16; i++)
		if (i != 3)
			assert_int_equal(touch_read(mem + i * TEST_PAGE), 0);
	assert_false(pagemap_present(mem + 3 * TEST_PAGE));
	assert_int_equal(check_mapped(mem, 0), 15);
	/* Nor does it by a private mapping, nor for a reader. */
	toucher_start(&second, mem + 3 * TEST_PAGE + 8);
	AWAIT(task_state(getpid(), second.tid) == 'S');
	assert_false(toucher_is_over(&second));
	hand_data(channel, 3, 1);
	assert_int_equal(toucher_join(&waiting), 0);
	assert_int_equal(toucher_join(&second), 0);
	assert_true(pattern_matches(mem + 3 * TEST_PAGE, 3));
}

/* A block that is whole is mapped around, which is what makes it fast. */
static void fault_around_maps_what_is_whole(void **state)
{
	(void)state;
	open_region();
	hand_data(channel, 0, BLOCK);
	assert_int_equal(touch_read(mem + 20 * TEST_PAGE), 0);
	assert_true(check_mapped(mem, 0) > 1);
}

/* ---- Large folios by force ---------------------------------------------- */

static char restore[32];

static int force(void **state)
{
	(void)state;
	setting_read(SHMEM_ENABLED, restore, sizeof(restore));
	assert_true(setting_try(SHMEM_ENABLED, "force"));
	return 0;
}

enum access { READ, WRITE, PREAD, PRIVATE_READ, PRIVATE_WRITE, POPULATE };

struct accessor {
	enum access how;
	unsigned int page;
	char *at;
	pthread_t thread;
	_Atomic bool over;
	bool wrong;
};

static void *access_page(void *arg)
{
	struct accessor *a = arg;
	char buf[TEST_PAGE];

	switch (a->how) {
	case READ:
	case PRIVATE_READ:
		a->wrong = !pattern_matches(a->at, a->page);
		break;
	case WRITE:
	case PRIVATE_WRITE:
		/* Writes what is there. */
		*(volatile uint64_t *)a->at = pattern_word(a->page, 0);
		a->wrong = !pattern_matches(a->at, a->page);
		break;
	case PREAD:
		a->wrong = pread(region, buf, TEST_PAGE,
				 a->page * TEST_PAGE) != TEST_PAGE ||
			!pattern_matches(buf, a->page);
		break;
	case POPULATE:
		a->wrong = madvise(a->at, TEST_PAGE, 22) ||
			!pattern_matches(a->at, a->page);
		break;
	}
	a->over = true;
	return NULL;
}

/*
 * One access to one page. Only what is asked for is answered, and after each
 * answer nothing may be mapped that is not provided. @large: by a large folio.
 */
static void access_once(enum access how, unsigned int page, bool large)
{
	bool private = how == PRIVATE_READ || how == PRIVATE_WRITE;
	struct accessor a = { .how = how, .page = page };
	char *map;

	open_region();
	map = private ? map_aligned(region, SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE) : mem;
	a.at = map + page * TEST_PAGE;
	pthread_create(&a.thread, NULL, access_page, &a);
	while (!a.over) {
		struct umem_region_status status = test_status(region);

		if (!status.requests_queued)
			continue;
		hand_data(channel, hand_take(channel), 1);
		if (test_status(region).granules_provided % 64 == 1)
			check_mapped(map, 0);
	}
	pthread_join(a.thread, NULL);
	assert_false(a.wrong);
	if (large && !meminfo_kilobytes("ShmemHugePages:"))
		fail_msg("no large folio was used: this shows nothing");
	check_mapped(map, 0);
	check_mapped(mem, 0);
	/* And now everything, read through the same mapping. */
	a = (struct accessor){ .how = READ, .page = (page + 1) % PAGES };
	for (a.page = 0; a.page < PAGES; a.page += 37) {
		struct toucher toucher;

		toucher_start(&toucher, map + a.page * TEST_PAGE);
		while (!toucher_is_over(&toucher))
			if (test_status(region).requests_queued)
				hand_data(channel, hand_take(channel), 1);
		assert_int_equal(toucher_join(&toucher), 0);
		assert_true(pattern_matches(map + a.page * TEST_PAGE, a.page));
	}
	check_mapped(map, 0);
	if (private)
		munmap(map, SIZE);
}

#define FORCED(name, how, page)						\
static void name(void **state)						\
{									\
	(void)state;							\
	access_once(how, page, true);					\
}

FORCED(forced_read, READ, 5)
FORCED(forced_write, WRITE, BLOCK + 7)
FORCED(forced_pread, PREAD, 100)
FORCED(forced_private_read, PRIVATE_READ, BLOCK)
FORCED(forced_private_write, PRIVATE_WRITE, 2)
FORCED(forced_populate, POPULATE, BLOCK - 1)

/* A push may make a large folio; its neighbours are missing. */
static void push_once(bool large)
{
	struct toucher neighbour;

	open_region();
	hand_data(channel, 10, 1);
	if (large && !meminfo_kilobytes("ShmemHugePages:"))
		fail_msg("no large folio was used: this shows nothing");
	toucher_start(&neighbour, mem + 11 * TEST_PAGE);
	AWAIT(test_status(region).requests >= 1);
	assert_false(toucher_is_over(&neighbour));
	assert_int_equal(check_mapped(mem, 0), 0);
	while (!toucher_is_over(&neighbour))
		if (test_status(region).requests_queued)
			hand_data(channel, hand_take(channel), 1);
	assert_int_equal(toucher_join(&neighbour), 0);
	assert_true(pattern_matches(mem + 11 * TEST_PAGE, 11));
	check_mapped(mem, 0);
}

static void forced_push(void **state)
{
	(void)state;
	push_once(true);
}

/* With all of a block provided, one fault maps it whole. */
static void forced_and_whole(void **state)
{
	(void)state;
	open_region();
	hand_data(channel, 0, BLOCK);
	assert_int_equal(touch_read(mem + 77 * TEST_PAGE), 0);
	assert_int_equal(check_mapped(mem, 0), BLOCK);
	assert_int_equal(test_status(region).requests, 0);
}

static int close_forced(void **state)
{
	if (restore[0])
		setting_try(SHMEM_ENABLED, restore);
	return close_region(state);
}

/* ---- Whatever the machine wants ------------------------------------------ */

/* After a push, and by another access each time it is called. */
static void check_missing_stays(void)
{
	static const enum access accesses[] = {
		READ, WRITE, PREAD, PRIVATE_READ, PRIVATE_WRITE, POPULATE,
	};
	static unsigned int calls;

	push_once(false);
	close_region(NULL);
	access_once(accesses[calls % 6], calls * 131 % PAGES, false);
	close_region(NULL);
	calls++;
}

static void under_every_setting(void **state)
{
	static const char * const settings[] = {
		"always", "within_size", "advise", "never", "deny",
	};

	(void)state;
	setting_read(SHMEM_ENABLED, restore, sizeof(restore));
	if (!restore[0])
		skip();
	for (unsigned int i = 0; i < 5; i++) {
		print_message("shmem_enabled=%s\n", settings[i]);
		assert_true(setting_try(SHMEM_ENABLED, settings[i]));
		check_missing_stays();
	}
	assert_true(setting_try(SHMEM_ENABLED, restore));
}

static void under_every_size(void **state)
{
	(void)state;
	huge_each_size(check_missing_stays);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_region)
#define FORCED_TEST(name) \
	cmocka_unit_test_setup_teardown(name, force, close_forced)
	const struct CMUnitTest tests[] = {
		TEST(fault_around_stops_at_missing),
		TEST(fault_around_maps_what_is_whole),
		FORCED_TEST(forced_read),
		FORCED_TEST(forced_write),
		FORCED_TEST(forced_pread),
		FORCED_TEST(forced_private_read),
		FORCED_TEST(forced_private_write),
		FORCED_TEST(forced_populate),
		FORCED_TEST(forced_push),
		FORCED_TEST(forced_and_whole),
		cmocka_unit_test(under_every_setting),
		cmocka_unit_test(under_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
