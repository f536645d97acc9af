// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Provided pages are tmpfs pages: they go to swap and come back with what was
 * written, and under memory pressure nothing is lost and nothing is fetched
 * twice.
 *
 * needs: umem swap=256M
 * timeout: 240
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
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/setting.h"
#include "lib/touch.h"

#define CGROUP "/sys/fs/cgroup/umem-swap"

struct fixture {
	size_t pages;
	int region;
	struct pattern_provider provider;
	char *mem;
};

static struct fixture one;

static void open_fixture(struct fixture *f, size_t pages)
{
	f->pages = pages;
	f->region = test_region(pages * TEST_PAGE, UMEM_WAIT_HARD, 0, 16);
	pattern_provider_start(&f->provider, f->region);
	f->mem = mmap(NULL, pages * TEST_PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED, f->region, 0);
	assert_true(f->mem != MAP_FAILED);
}

static void close_fixture(struct fixture *f)
{
	munmap(f->mem, f->pages * TEST_PAGE);
	pattern_provider_stop(&f->provider);
	close(f->region);
}

/* Of the mapping that starts at @mem, in pages. */
static long swapped_pages(const char *mem)
{
	char start[32], line[256];
	bool inside = false;
	long swapped = -1;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	snprintf(start, sizeof(start), "%lx-", (long)mem);
	while (fgets(line, sizeof(line), smaps)) {
		if (!strncmp(line, start, strlen(start)))
			inside = true;
		if (inside && sscanf(line, "Swap: %ld", &swapped) == 1)
			break;
	}
	fclose(smaps);
	return swapped / 4;
}

/* Every third page is only read, the others carry a mark. */
static void mark(struct fixture *f)
{
	size_t i;

	for (i = 0; i < f->pages; i++)
		if (i % 3)
			f->mem[i * TEST_PAGE + 1000] = i;
		else if (touch_read(f->mem + i * TEST_PAGE))
			fail_msg("page %zu", i);
}

static void check_marks(struct fixture *f, const char *mem)
{
	uint64_t expected[TEST_PAGE / 8];
	size_t i;

	for (i = 0; i < f->pages; i++) {
		pattern_fill(expected, i);
		if (i % 3)
			((char *)expected)[1000] = i;
		if (memcmp(mem + i * TEST_PAGE, expected, TEST_PAGE))
			fail_msg("page %zu is wrong", i);
	}
}

static void page_out(struct fixture *f)
{
	AWAIT(!madvise(f->mem, f->pages * TEST_PAGE, MADV_PAGEOUT) &&
	      swapped_pages(f->mem) > (long)f->pages * 3 / 4);
}

static void writes_survive_swap(void **state)
{
	char buf[TEST_PAGE];

	(void)state;
	open_fixture(&one, 1024);
	mark(&one);
	page_out(&one);
	check_marks(&one, one.mem);
	/* By read() as well, and by another mapping. */
	page_out(&one);
	assert_int_equal(pread(one.region, buf, TEST_PAGE, TEST_PAGE),
			 TEST_PAGE);
	assert_int_equal(buf[1000], 1);
	assert_int_equal(*(uint64_t *)buf, pattern_word(1, 0));
	munmap(one.mem, one.pages * TEST_PAGE);
	one.mem = mmap(NULL, one.pages * TEST_PAGE, PROT_READ, MAP_SHARED,
		       one.region, 0);
	check_marks(&one, one.mem);
	/* Once provided, never asked for again. */
	assert_int_equal(test_status(one.region).requests, one.pages);
	assert_int_equal(test_status(one.region).bytes_copied,
			 one.pages * TEST_PAGE);
	close_fixture(&one);
}

/* Copies of a private mapping are the program's own memory. */
static void private_copies_survive_swap(void **state)
{
	size_t i;
	char *priv;

	(void)state;
	open_fixture(&one, 256);
	priv = mmap(NULL, one.pages * TEST_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE, one.region, 0);
	for (i = 0; i < one.pages; i++)
		priv[i * TEST_PAGE + 1] = i + 1;
	AWAIT(!madvise(priv, one.pages * TEST_PAGE, MADV_PAGEOUT) &&
	      swapped_pages(priv) > (long)one.pages / 2);
	for (i = 0; i < one.pages; i++) {
		assert_int_equal(priv[i * TEST_PAGE + 1], (char)(i + 1));
		assert_true(pattern_matches(one.mem + i * TEST_PAGE, i));
	}
	munmap(priv, one.pages * TEST_PAGE);
	close_fixture(&one);
}

/*
 * The page of a request is there before its bytes are, all zeroes. Reclaim may
 * look at it; it must come back neither from swap nor as provided.
 */
static void waiting_pages_are_left_alone(void **state)
{
	struct toucher touchers[8];
	unsigned int i;
	int region, channel;
	char *mem;

	(void)state;
	region = test_region(64 * TEST_PAGE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	mem = mmap(NULL, 64 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   region, 0);
	hand_data(channel, 8, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(touch_write(mem + (8 + i) * TEST_PAGE, 1), 0);
	for (i = 0; i < 8; i++)
		toucher_start(&touchers[i], mem + i * TEST_PAGE);
	hand_take_all(channel, 0, 8);
	AWAIT(!madvise(mem, 64 * TEST_PAGE, MADV_PAGEOUT) &&
	      swapped_pages(mem) >= 6);
	hand_data(channel, 0, 4);
	hand_zero(channel, 4, 4);
	for (i = 0; i < 8; i++) {
		assert_int_equal(toucher_join(&touchers[i]), 0);
		if (i < 4)
			assert_true(pattern_matches(mem + i * TEST_PAGE, i));
		else
			assert_int_equal(mem[i * TEST_PAGE], 0);
	}
	munmap(mem, 64 * TEST_PAGE);
	close(region);
	close(channel);
}

static long number_in(const char *path)
{
	long number = -1;
	FILE *file = fopen(path, "r");

	if (file && fscanf(file, "%ld", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

struct marker {
	struct fixture *f;
	unsigned int number;
	pthread_t thread;
	size_t wrong;
};

/* Each page by each thread, in its own order; bytes of its own. */
static void *mark_under_pressure(void *arg)
{
	struct marker *m = arg;
	struct fixture *f = m->f;
	size_t n, page;

	for (n = 0; n < f->pages; n++) {
		page = (n + m->number * f->pages / 4) % f->pages;
		f->mem[page * TEST_PAGE + m->number] = page + m->number;
		if (*(uint64_t *)(f->mem + page * TEST_PAGE + 2048) !=
		    pattern_word(page, 256))
			m->wrong++;
	}
	return NULL;
}

/*
 * A region of 24 MiB in a cgroup that is to keep to 12 MiB. What is on its way to a
 * slow swap device, whose thread on the host may be off its CPU, has to fit beside
 * what is read from it: only at 20 MiB somebody is killed.
 */
static void under_memory_pressure(void **state)
{
	struct marker markers[4];
	size_t i, page;

	(void)state;
	if (mkdir(CGROUP, 0755) || access(CGROUP "/memory.max", W_OK)) {
		rmdir(CGROUP);
		skip();
	}
	assert_true(setting_try(CGROUP "/memory.high", "12M"));
	assert_true(setting_try(CGROUP "/memory.max", "20M"));
	assert_true(setting_try(CGROUP "/cgroup.procs", "0"));
	open_fixture(&one, 6144);
	for (i = 0; i < 4; i++) {
		markers[i] = (struct marker){ .f = &one, .number = i };
		pthread_create(&markers[i].thread, NULL, mark_under_pressure,
			       &markers[i]);
	}
	for (i = 0; i < 4; i++)
		pthread_join(markers[i].thread, NULL);
	/* Region pages are charged to the cgroup, and did go to swap. */
	assert_true(number_in(CGROUP "/memory.swap.current") > 2 << 20);
	for (i = 0; i < 4; i++)
		assert_int_equal(markers[i].wrong, 0);
	for (page = 0; page < one.pages; page++) {
		const char *at = one.mem + page * TEST_PAGE;

		for (i = 0; i < 4; i++)
			assert_int_equal(at[i], (char)(page + i));
		assert_int_equal(*(uint64_t *)(at + 8), pattern_word(page, 1));
		assert_int_equal(*(uint64_t *)(at + 4088),
				 pattern_word(page, 511));
	}
	assert_int_equal(test_status(one.region).requests, one.pages);
	assert_int_equal(test_status(one.region).answers_stale, 0);
	close_fixture(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_survive_swap),
		cmocka_unit_test(private_copies_survive_swap),
		cmocka_unit_test(waiting_pages_are_left_alone),
		cmocka_unit_test(under_memory_pressure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
