// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under mmap() and under every way to a page that is missing:
 * each allocation fails once. A touch never notices; a system call says so, or
 * copes; what is there afterwards is the provider's.
 *
 * needs: umem
 * timeout: 300
 * walk: 10
 */
#include <errno.h>
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
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES	48	/* more than one read asks for at once */
#define SIZE	(PAGES * TEST_PAGE)

static int region;
static char *mem;
static struct pattern_provider provider;
static char buffer[SIZE];

static void map(int flags)
{
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, region, 0);
	assert_true(mem != MAP_FAILED);
}

/* Each time a new region, so that the tree of its pages is empty. */
static void before_served(void)
{
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	provider.fail_every = 0;
	pattern_provider_start(&provider, region);
}

static void before_mapped(void)
{
	before_served();
	map(MAP_SHARED);
}

static void before_private(void)
{
	before_served();
	map(MAP_PRIVATE);
}

static void after_served(void)
{
	pattern_provider_stop(&provider);
	close(region);
}

static void after_mapped(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	munmap(mem, SIZE);
	after_served();
}

/* ---- Mappings ----------------------------------------------------------- */

static int act_mmap(void)
{
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	return mem == MAP_FAILED ? errno : 0;
}

/* We allocate nothing in it, but have to cope with what core code does then. */
static void mapping(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "mmap", .least = 1, .whole = true,
		.before = before_served, .act = act_mmap,
		.after = after_mapped,
	});
}

static int act_populate(void)
{
	return madvise(mem, SIZE, MADV_POPULATE_WRITE) ? errno : 0;
}

static void populate(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "MADV_POPULATE_WRITE", .least = PAGES, .all = true,
		.before = before_mapped, .act = act_populate,
		.after = after_mapped,
	});
}

/* ---- Touches ------------------------------------------------------------ */

static int act_touch_read(void)
{
	return touch_read(mem + 5 * TEST_PAGE) ? EFAULT : 0;
}

static int act_touch_write(void)
{
	return touch_write(mem + 5 * TEST_PAGE, (char)pattern_word(5, 0)) ?
		EFAULT : 0;
}

static void touch_to_read(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "read touch", .least = 2,
		.before = before_mapped, .act = act_touch_read,
		.after = after_mapped,
	});
}

static void touch_to_write(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "write touch", .least = 2,
		.before = before_mapped, .act = act_touch_write,
		.after = after_mapped,
	});
}

static void touch_private(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "write touch, private", .least = 2,
		.before = before_private, .act = act_touch_write,
		.after = after_mapped,
	});
}

static void before_hole(void)
{
	int channel;

	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	hand_zero(channel, 0, PAGES);
	close(channel);
	map(MAP_SHARED);
}

static void after_hole(void)
{
	assert_int_equal(mem[5 * TEST_PAGE + 1], 0);
	munmap(mem, SIZE);
	close(region);
}

static int act_touch_hole(void)
{
	return touch_write(mem + 5 * TEST_PAGE, 1) ? EFAULT : 0;
}

/* Provided, but tmpfs has no page of it yet. */
static void touch_of_zeroes(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "touch of zeroes", .least = 2,
		.before = before_hole, .act = act_touch_hole,
		.after = after_hole,
	});
}

static void before_failing(void)
{
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	provider.fail_every = 1;
	pattern_provider_start(&provider, region);
	map(MAP_SHARED);
}

static int act_sigbus(void)
{
	return touch_read(mem + 5 * TEST_PAGE) == SIGBUS ? 0 : EPROTO;
}

static void after_failing(void)
{
	munmap(mem, SIZE);
	after_served();
}

/* The verdict reaches who asked, though it could not be noted for the retry. */
static void touch_that_fails(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "touch, answered by FAIL", .least = 3,
		.before = before_failing, .act = act_sigbus,
		.after = after_failing,
	});
}

static void before_timeout(void)
{
	region = test_region(SIZE, UMEM_WAIT_TIMEOUT, 100, 16);
	map(MAP_SHARED);
}

static void after_timeout(void)
{
	munmap(mem, SIZE);
	close(region);
}

static void touch_that_times_out(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "touch, timed out", .least = 3,
		.before = before_timeout, .act = act_sigbus,
		.after = after_timeout,
	});
}

static int act_copy_from(void)
{
	int fds[2], err = 0;

	/* The kernel reads our memory. */
	if (pipe(fds))
		return errno;
	if (write(fds[1], mem + 5 * TEST_PAGE, 16) != 16)
		err = errno;
	close(fds[0]);
	close(fds[1]);
	return err;
}

/* As with any memory, a system call cannot wait for some to be free. */
static void touch_by_the_kernel(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "copy_from_user", .least = 2, .errors = { EFAULT },
		.before = before_mapped, .act = act_copy_from,
		.after = after_mapped,
	});
}

/* ---- Reads and writes --------------------------------------------------- */

/* Moves all; a short count is gone on from. */
static int move_all(ssize_t (*move)(size_t offset, size_t length))
{
	size_t done = 0;
	ssize_t n;

	while (done < SIZE) {
		n = move(done, SIZE - done);
		if (n <= 0)
			return n ? errno : EPROTO;
		done += n;
	}
	return 0;
}

static ssize_t read_some(size_t offset, size_t length)
{
	return pread(region, buffer + offset, length, offset);
}

static int act_read(void)
{
	return move_all(read_some);
}

static void after_read(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(buffer + i * TEST_PAGE, i));
	after_served();
}

static void read_region(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "read", .least = PAGES, .all = true,
		.before = before_served, .act = act_read,
		.after = after_read,
	});
}

/* The last byte of the region only, so that what is before it is fetched. */
static int act_write_byte(void)
{
	char byte = 'x';

	return pwrite(region, &byte, 1, SIZE - 1) == 1 ? 0 : errno;
}

static void after_write_byte(void)
{
	static char page[TEST_PAGE];

	assert_int_equal(pread(region, page, sizeof(page),
			       SIZE - sizeof(page)), sizeof(page));
	assert_int_equal(page[TEST_PAGE - 1], 'x');
	assert_int_equal(((uint64_t *)page)[7], pattern_word(PAGES - 1, 7));
	after_served();
}

static void write_byte(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "write, of a byte", .least = 2, .all = true,
		.before = before_served, .act = act_write_byte,
		.after = after_write_byte,
	});
}

static void before_write(void)
{
	unsigned int i;

	before_served();
	for (i = 0; i < PAGES; i++)
		pattern_fill(buffer + i * TEST_PAGE, i + PAGES);
}

static ssize_t write_some(size_t offset, size_t length)
{
	return pwrite(region, buffer + offset, length, offset);
}

static int act_write(void)
{
	return move_all(write_some);
}

static void after_write(void)
{
	unsigned int i;

	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(pread(region, buffer, SIZE, 0), SIZE);
	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(buffer + i * TEST_PAGE,
					    i + PAGES));
	after_served();
}

static void write_region(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "write, of all", .least = PAGES, .all = true,
		.before = before_write, .act = act_write,
		.after = after_write,
	});
}

static int pipes[2];

static void before_splice(void)
{
	before_served();
	assert_int_equal(pipe(pipes), 0);
}

/* Eight pages, what a pipe takes in any case. */
#define SPLICED (8 * TEST_PAGE)

static size_t spliced;

static int act_splice(void)
{
	loff_t offset;
	ssize_t n;

	while (spliced < SPLICED) {
		offset = spliced;
		n = splice(region, &offset, pipes[1], NULL, SPLICED - spliced,
			   0);
		if (n <= 0)
			return n ? errno : EPROTO;
		spliced += n;
	}
	return 0;
}

static void after_splice(void)
{
	unsigned int i;

	spliced = 0;
	assert_int_equal(read(pipes[0], buffer, SPLICED), SPLICED);
	for (i = 0; i < SPLICED / TEST_PAGE; i++)
		assert_true(pattern_matches(buffer + i * TEST_PAGE, i));
	close(pipes[0]);
	close(pipes[1]);
	after_served();
}

static void splice_region(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "splice", .least = SPLICED / TEST_PAGE, .all = true,
		.before = before_splice, .act = act_splice,
		.after = after_splice,
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapping),
		cmocka_unit_test(populate),
		cmocka_unit_test(touch_to_read),
		cmocka_unit_test(touch_to_write),
		cmocka_unit_test(touch_private),
		cmocka_unit_test(touch_of_zeroes),
		cmocka_unit_test(touch_that_fails),
		cmocka_unit_test(touch_that_times_out),
		cmocka_unit_test(touch_by_the_kernel),
		cmocka_unit_test(read_region),
		cmocka_unit_test(write_byte),
		cmocka_unit_test(write_region),
		cmocka_unit_test(splice_region),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
