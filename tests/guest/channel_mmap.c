// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A provider that maps its channel writes bytes straight into the region's
 * pages and answers CACHED. The mapping shows what the channel was asked for
 * and has not answered, and nothing else.
 *
 * needs: umem
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
#define THREADS 4

/* Threads wait for granules 0 to THREADS - 1. */
struct fixture {
	int region;
	int channel;
	char *mem;
	char *map;
	struct toucher touchers[THREADS];
	bool joined[THREADS];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned int i;

	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	f->channel = hand_open(f->region, 0);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->region,
		      0);
	assert_true(f->mem != MAP_FAILED);
	f->map = hand_map(f->channel, SIZE);
	for (i = 0; i < THREADS; i++)
		toucher_start(&f->touchers[i], f->mem + i * TEST_PAGE);
	AWAIT(test_status(f->region).requests == THREADS);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	hand_release(f->region);
	for (i = 0; i < THREADS; i++)
		if (!f->joined[i])
			toucher_join(&f->touchers[i]);
	munmap(f->mem, SIZE);
	munmap(f->map, SIZE);
	close(f->region);
	close(f->channel);
	free(f);
	return 0;
}

static char *at(char *base, unsigned int granule)
{
	return base + granule * TEST_PAGE;
}

static void write_granule(struct fixture *f, unsigned int granule)
{
	pattern_fill(at(f->map, granule), granule);
}

static void scribble(char *map, unsigned int granule)
{
	memset(at(map, granule), 'g', TEST_PAGE / 2);
}

/* The mapping shows nothing of the granules from @first on. */
static void assert_hidden(char *map, unsigned int first, unsigned int count)
{
	for (; count--; first++) {
		assert_int_equal(touch_read(at(map, first)), SIGBUS);
		assert_int_equal(touch_write(at(map, first), 1), SIGBUS);
	}
}

static void join(struct fixture *f, unsigned int i)
{
	if (!f->joined[i])
		assert_int_equal(toucher_join(&f->touchers[i]), 0);
	f->joined[i] = true;
}

static void join_right(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		join(f, i);
		assert_true(pattern_matches(at(f->mem, i), i));
	}
}

/* ---- What it is for ----------------------------------------------------- */

static void cached_provides(void **state)
{
	struct fixture *f = *state;
	struct umem_region_status status;
	unsigned int i;

	hand_take_all(f->channel, 0, THREADS);
	for (i = 0; i < THREADS; i++)
		write_granule(f, i);
	assert_false(toucher_is_over(&f->touchers[0]));
	assert_int_equal(test_status(f->region).granules_provided, 0);
	/* One alone, then several by one record. */
	hand_cached(f->channel, 2, 1);
	join(f, 2);
	hand_cached(f->channel, 0, THREADS);
	join_right(f);
	status = test_status(f->region);
	assert_int_equal(status.granules_provided, THREADS);
	assert_int_equal(status.answers_provided, THREADS);
	assert_int_equal(status.answers_stale, 1);
	assert_int_equal(status.bytes_mapped, THREADS * TEST_PAGE);
	assert_int_equal(status.bytes_copied, 0);
	assert_int_equal(status.bytes_direct, 0);
	assert_hidden(f->map, 0, THREADS);
	/* They are the program's now. */
	f->mem[0] ^= 1;
	f->mem[0] ^= 1;
	assert_true(pattern_matches(f->mem, 0));
}

/* Queued, taken, provided, never asked for, beyond the end. */
static void shows_what_was_taken(void **state)
{
	struct fixture *f = *state;
	unsigned int taken, i;
	char *beyond;

	assert_hidden(f->map, 0, THREADS + 2);
	taken = hand_take(f->channel);
	for (i = 0; i < PAGES; i++)
		assert_int_equal(touch_read(at(f->map, i)),
				 i == taken ? 0 : SIGBUS);
	assert_true(test_is_zero(at(f->map, taken)));
	hand_data(f->channel, taken, 1);
	assert_hidden(f->map, 0, PAGES);
	beyond = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      f->channel, SIZE / 2);
	assert_true(beyond != MAP_FAILED);
	assert_hidden(beyond, PAGES / 2, 2);
	munmap(beyond, SIZE);
	beyond = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, f->channel, 1LL << 52);
	if (beyond != MAP_FAILED) {
		assert_int_equal(touch_read(beyond), SIGBUS);
		munmap(beyond, SIZE);
	}
	assert_int_equal(test_status(f->region).requests, THREADS);
}

static void mapping_from_the_middle(void **state)
{
	struct fixture *f = *state;
	char *part = mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  f->channel, 2 * TEST_PAGE);

	assert_true(part != MAP_FAILED);
	hand_take_all(f->channel, 0, THREADS);
	pattern_fill(part, 2);
	/* Both mappings of the channel show it, and both lose it. */
	assert_true(pattern_matches(at(f->map, 2), 2));
	hand_cached(f->channel, 2, 1);
	join(f, 2);
	assert_true(pattern_matches(at(f->mem, 2), 2));
	assert_hidden(part, 0, 1);
	assert_hidden(f->map, 2, 1);
	munmap(part, TEST_PAGE);
}

/* CACHED where nothing can have been written changes nothing. */
static void cached_without_bytes_is_stale(void **state)
{
	struct fixture *f = *state;
	unsigned int taken;

	hand_cached(f->channel, 40, 3);			/* not asked for */
	hand_cached(f->channel, 0, THREADS);		/* not taken */
	assert_int_equal(test_status(f->region).answers_stale, 3 + THREADS);
	taken = hand_take(f->channel);
	hand_cached(f->channel, taken, 1);		/* not touched */
	assert_int_equal(test_status(f->region).answers_stale, 4 + THREADS);
	hand_data(f->channel, taken, 1);
	join(f, taken);
	f->mem[taken * TEST_PAGE] ^= 1;
	hand_cached(f->channel, taken, 1);		/* provided */
	assert_int_equal(test_status(f->region).answers_stale, 5 + THREADS);
	f->mem[taken * TEST_PAGE] ^= 1;
	assert_int_equal(test_status(f->region).granules_provided, 1);
	assert_int_equal(test_status(f->region).bytes_mapped, 0);
	hand_take(f->channel);
	hand_data(f->channel, 0, THREADS);
	join_right(f);
}

/* ---- Other answers ------------------------------------------------------ */

static void data_overwrites(void **state)
{
	struct fixture *f = *state;

	hand_take_all(f->channel, 0, THREADS);
	scribble(f->map, 1);
	hand_data(f->channel, 0, THREADS);
	join_right(f);
	assert_hidden(f->map, 0, THREADS);
	assert_int_equal(test_status(f->region).bytes_mapped, 0);
}

static void zero_clears(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	hand_take_all(f->channel, 0, THREADS);
	scribble(f->map, 1);
	hand_zero(f->channel, 0, THREADS);
	for (i = 0; i < THREADS; i++) {
		join(f, i);
		assert_true(test_is_zero(at(f->mem, i)));
	}
	assert_hidden(f->map, 0, THREADS);
}

static void fail_forgets(void **state)
{
	struct fixture *f = *state;

	hand_take_all(f->channel, 0, THREADS);
	scribble(f->map, 1);
	/* cmocka took the handlers that the threads had set up. */
	assert_hidden(f->map, 10, 1);
	hand_fail(f->channel, 1, 1);
	assert_int_equal(toucher_join(&f->touchers[1]), SIGBUS);
	assert_hidden(f->map, 1, 1);
	assert_int_equal(test_status(f->region).answers_failed, 1);
	/* Asked for again, it is a new page. */
	f->joined[1] = false;
	toucher_start(&f->touchers[1], at(f->mem, 1));
	assert_int_equal(hand_take(f->channel), 1);
	assert_true(test_is_zero(at(f->map, 1)));
	write_granule(f, 1);
	hand_cached(f->channel, 1, 1);
	hand_data(f->channel, 0, THREADS);
	join_right(f);
}

/* ---- Requests that leave the channel ------------------------------------ */

static void requeue_takes_it_away(void **state)
{
	struct fixture *f = *state;

	hand_take_all(f->channel, 0, THREADS);
	scribble(f->map, 0);
	scribble(f->map, 3);
	assert_int_equal(umem_channel_requeue(f->channel), 0);
	assert_int_equal(test_status(f->region).requests_requeued, THREADS);
	assert_hidden(f->map, 0, THREADS);
	hand_cached(f->channel, 0, THREADS);
	assert_int_equal(test_status(f->region).granules_provided, 0);
	/* Those who wait ask anew. */
	hand_take_all(f->channel, 0, THREADS);
	assert_true(hand_none(f->channel));
	/* What was written before does not count. */
	hand_cached(f->channel, 0, THREADS);
	assert_int_equal(test_status(f->region).granules_provided, 0);
	assert_true(test_is_zero(at(f->map, 0)));
	write_granule(f, 0);
	hand_cached(f->channel, 0, 1);
	hand_zero(f->channel, 3, 1);
	hand_data(f->channel, 1, 2);
	for (unsigned int i = 0; i < 3; i++) {
		join(f, i);
		assert_true(pattern_matches(at(f->mem, i), i));
	}
	join(f, 3);
	assert_true(test_is_zero(at(f->mem, 3)));
}

static void replaced_while_mapped(void **state)
{
	struct fixture *f = *state;
	int old = f->channel;
	char *old_map = f->map;
	unsigned int i;

	hand_take_all(old, 0, THREADS);
	scribble(old_map, 0);
	scribble(old_map, 1);
	f->channel = hand_open(f->region, UMEM_CHANNEL_REPLACE);
	f->map = hand_map(f->channel, SIZE);
	assert_hidden(old_map, 0, THREADS);
	assert_int_equal(hand_try(old, UMEM_OP_CACHED, 0, THREADS), -EPIPE);
	assert_ptr_equal(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, old, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EPIPE);
	hand_take_all(f->channel, 0, THREADS);
	for (i = 0; i < THREADS; i++) {
		assert_true(test_is_zero(at(f->map, i)));
		write_granule(f, i);
	}
	assert_hidden(old_map, 0, THREADS);
	hand_cached(f->channel, 0, THREADS);
	join_right(f);
	assert_hidden(old_map, 0, THREADS);
	munmap(old_map, SIZE);
	close(old);
}

/* The mapping outlives the fd, the right to provide does not. */
static void closed_while_mapped(void **state)
{
	struct fixture *f = *state;
	char *old_map = f->map;

	hand_take_all(f->channel, 0, THREADS);
	scribble(old_map, 0);
	close(f->channel);
	assert_int_equal(test_status(f->region).provider_kind,
			 UMEM_PROVIDER_NONE);
	assert_hidden(old_map, 0, THREADS);
	f->channel = hand_open(f->region, 0);
	hand_take_all(f->channel, 0, THREADS);
	assert_hidden(old_map, 0, THREADS);
	hand_data(f->channel, 0, THREADS);
	join_right(f);
	f->map = hand_map(f->channel, SIZE);
	munmap(old_map, SIZE);
}

/* Killed half-way; its successor answers in three ways. */
static void killed_half_way(void **state)
{
	struct fixture *f = *state;
	pid_t child;

	close(f->channel);
	munmap(f->map, SIZE);
	child = fork();
	if (!child) {
		int channel = hand_open(f->region, 0);
		char *map = hand_map(channel, SIZE);

		hand_take_all(channel, 0, THREADS);
		for (unsigned int i = 0; i < THREADS; i++)
			scribble(map, i);
		hand_zero(channel, 40, 1);
		pause();
	}
	AWAIT(test_status(f->region).granules_provided == 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(test_status(f->region).provider_kind,
			 UMEM_PROVIDER_NONE);
	f->channel = hand_open(f->region, 0);
	f->map = hand_map(f->channel, SIZE);
	hand_take_all(f->channel, 0, THREADS);
	hand_zero(f->channel, 3, 1);
	join(f, 3);
	assert_true(test_is_zero(at(f->mem, 3)));
	hand_data(f->channel, 0, 1);
	write_granule(f, 1);
	write_granule(f, 2);
	hand_cached(f->channel, 1, 2);
	for (unsigned int i = 0; i < 3; i++) {
		join(f, i);
		assert_true(pattern_matches(at(f->mem, i), i));
	}
}

/* Under fail-fast the waiters give up, also those whose page was written. */
static void failfast_when_closed(void **state)
{
	int region = test_region(SIZE, UMEM_WAIT_FAILFAST, 0, 8);
	int channel = hand_open(region, 0);
	char *map = hand_map(channel, SIZE);
	char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region,
			 0);
	struct toucher toucher;

	(void)state;
	toucher_start(&toucher, mem);
	assert_int_equal(hand_take(channel), 0);
	scribble(map, 0);
	close(channel);
	assert_int_equal(toucher_join(&toucher), SIGBUS);
	munmap(mem, SIZE);
	close(region);
	munmap(map, SIZE);
}

/* A hole is made while the provider writes: zeroes win. */
static void hole_while_mapped(void **state)
{
	struct fixture *f = *state;

	hand_take_all(f->channel, 0, THREADS);
	scribble(f->map, 0);
	scribble(f->map, 1);
	assert_int_equal(fallocate(f->region, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 3 * TEST_PAGE), 0);
	for (unsigned int i = 0; i < 3; i++) {
		join(f, i);
		assert_true(test_is_zero(at(f->mem, i)));
	}
	assert_hidden(f->map, 0, 3);
	/* One is answered late; the others need no answer. */
	hand_cached(f->channel, 0, 1);
	assert_int_equal(test_status(f->region).answers_stale, 1);
	hand_take_op(f->channel, UMEM_OP_CANCEL);
	hand_take_op(f->channel, UMEM_OP_CANCEL);
	assert_true(hand_none(f->channel));
	f->mem[0] = 'p';
	f->mem[TEST_PAGE] = 'p';
	hand_cached(f->channel, 0, 3);
	assert_int_equal(f->mem[0], 'p');
	assert_int_equal(f->mem[TEST_PAGE], 'p');
	assert_int_equal(test_status(f->region).requests_issued, 1);
	hand_data(f->channel, 3, 1);
	join(f, 3);
	assert_int_equal(test_status(f->region).bytes_mapped, 0);
}

/*
 * Nobody waits any more. What is being written is not cancelled: its answer
 * comes, and is taken.
 */
static void forsaken_while_mapped(void **state)
{
	int region = test_region(SIZE, UMEM_WAIT_TIMEOUT, 300, 8);
	int channel = hand_open(region, 0);
	char *map = hand_map(channel, SIZE);
	char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region,
			 0);
	struct toucher touchers[2];

	(void)state;
	toucher_start(&touchers[0], mem);
	assert_int_equal(hand_take(channel), 0);
	pattern_fill(map, 0);
	toucher_start(&touchers[1], at(mem, 1));
	assert_int_equal(hand_take(channel), 1);
	assert_int_equal(toucher_join(&touchers[0]), SIGBUS);
	assert_int_equal(toucher_join(&touchers[1]), SIGBUS);
	assert_int_equal(hand_take_op(channel, UMEM_OP_CANCEL), 1);
	assert_true(hand_none(channel));
	assert_hidden(map, 1, 1);
	hand_cached(channel, 0, 2);
	assert_int_equal(test_status(region).granules_provided, 1);
	assert_true(pattern_matches(mem, 0));
	munmap(mem, SIZE);
	munmap(map, SIZE);
	close(region);
	close(channel);
}

/* ---- The region goes ---------------------------------------------------- */

static long shmem_kilobytes(void)
{
	char line[128];
	long kilobytes = -1;
	FILE *file = fopen("/proc/meminfo", "r");

	while (fgets(line, sizeof(line), file))
		sscanf(line, "Shmem: %ld", &kilobytes);
	fclose(file);
	return kilobytes;
}

/* A provider that maps its channel for ever does not keep the pages. */
static void region_gone_while_mapped(void **state)
{
	const size_t size = 32 << 20;
	int region = test_region(size, UMEM_WAIT_TIMEOUT, 1, 8);
	int channel = hand_open(region, 0);
	char *map = hand_map(channel, size);
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region,
			 0);
	long before = shmem_kilobytes();
	struct pollfd pfd = { .fd = channel };

	(void)state;
	assert_int_equal(touch_read(mem), SIGBUS);	/* in 1 ms */
	assert_int_equal(hand_take(channel), 0);
	scribble(map, 0);
	hand_data(channel, 1, size / TEST_PAGE - 1);
	assert_true(shmem_kilobytes() > before + 30000);
	munmap(mem, size);
	close(region);
	assert_int_equal(poll(&pfd, 1, TEST_SECONDS * 1000), 1);
	assert_true(pfd.revents & POLLHUP);
	assert_hidden(map, 0, 3);
	AWAIT(shmem_kilobytes() < before + 8000);
	assert_int_equal(hand_try(channel, UMEM_OP_CACHED, 0, 1), -EPIPE);
	assert_ptr_equal(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, channel, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EPIPE);
	/* In the order that leaves the mapping for last. */
	close(channel);
	assert_hidden(map, 0, 3);
	munmap(map, size);
}

/* ---- Processes ---------------------------------------------------------- */

/* A child shares the mapping as it shares the fd. */
static void forked_worker(void **state)
{
	struct fixture *f = *state;
	pid_t child;
	int status;

	hand_take_all(f->channel, 0, THREADS);
	scribble(f->map, 0);		/* mapped here before the fork */
	child = fork();
	if (!child) {
		for (unsigned int i = 0; i < THREADS; i++)
			write_granule(f, i);
		hand_cached(f->channel, 0, THREADS);
		for (unsigned int i = 0; i < THREADS; i++)
			if (touch_write(at(f->map, i), 1) != SIGBUS)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_hidden(f->map, 0, THREADS);
	join_right(f);
}

/* By the kernel, on behalf of this or another process. */
static void written_by_the_kernel(void **state)
{
	struct fixture *f = *state;
	char page[TEST_PAGE];
	struct iovec local = { page, sizeof(page) };
	struct iovec remote = { at(f->map, 1), sizeof(page) };
	struct iovec gift = { at(f->map, 0), TEST_PAGE };
	int pipes[2];

	hand_take_all(f->channel, 0, THREADS);
	assert_int_equal(pipe(pipes), 0);
	pattern_fill(page, 0);
	assert_int_equal(write(pipes[1], page, sizeof(page)), sizeof(page));
	assert_int_equal(read(pipes[0], at(f->map, 0), TEST_PAGE), TEST_PAGE);
	pattern_fill(page, 1);
	assert_int_equal(process_vm_writev(getpid(), &local, 1, &remote, 1, 0),
			 TEST_PAGE);
	write_granule(f, 2);
	write_granule(f, 3);
	/* get_user_pages() for reading. */
	assert_int_equal(vmsplice(pipes[1], &gift, 1, 0), TEST_PAGE);
	assert_int_equal(read(pipes[0], page, TEST_PAGE), TEST_PAGE);
	assert_true(pattern_matches(page, 0));
	hand_cached(f->channel, 0, THREADS);
	join_right(f);
	/* And where it shows nothing, an error. */
	assert_int_equal(write(pipes[1], page, 10), 10);
	assert_int_equal(read(pipes[0], at(f->map, 0), 10), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(process_vm_writev(getpid(), &local, 1, &remote, 1, 0),
			 -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(vmsplice(pipes[1], &gift, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
	close(pipes[0]);
	close(pipes[1]);
}

/* The channel's own records and payloads may lie in its mapping. */
static void records_in_the_mapping(void **state)
{
	struct fixture *f = *state;
	struct umem_record record = {
		.offset = htole64(TEST_PAGE),
		.length = htole32(TEST_PAGE),
		.op = UMEM_OP_DATA,
	};
	struct iovec iov[2] = {
		{ &record, sizeof(record) },
		{ at(f->map, 1), TEST_PAGE },
	};
	unsigned int first = hand_take(f->channel);

	/* A request read into the page of another. */
	assert_int_equal(read(f->channel, at(f->map, first), 16), 16);
	assert_int_equal(read(f->channel, at(f->map, first), 32), 32);
	/* DATA for a granule out of its own page: what is there. */
	write_granule(f, 1);
	assert_int_equal(writev(f->channel, iov, 2), 16 + TEST_PAGE);
	join(f, 1);
	assert_true(pattern_matches(at(f->mem, 1), 1));
	/* Into nothing: the request is not lost. */
	assert_int_equal(umem_channel_requeue(f->channel), 0);
	AWAIT(test_status(f->region).requests_queued == THREADS - 1);
	assert_int_equal(read(f->channel, at(f->map, 50), 16), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(test_status(f->region).requests_queued, THREADS - 1);
	hand_data(f->channel, 0, THREADS);
	join_right(f);
}

static void populate(void **state)
{
	struct fixture *f = *state;

	hand_take_all(f->channel, 0, THREADS);
	assert_int_equal(madvise(f->map, THREADS * TEST_PAGE,
				 MADV_POPULATE_WRITE), 0);
	assert_int_equal(madvise(f->map, SIZE, MADV_POPULATE_WRITE), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(madvise(f->map, SIZE, MADV_POPULATE_READ), -1);
	assert_int_equal(errno, EFAULT);
	for (unsigned int i = 0; i < THREADS; i++)
		write_granule(f, i);
	hand_cached(f->channel, 0, THREADS);
	join_right(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(cached_provides),
		TEST(shows_what_was_taken),
		TEST(mapping_from_the_middle),
		TEST(cached_without_bytes_is_stale),
		TEST(data_overwrites),
		TEST(zero_clears),
		TEST(fail_forgets),
		TEST(requeue_takes_it_away),
		TEST(replaced_while_mapped),
		TEST(closed_while_mapped),
		TEST(killed_half_way),
		cmocka_unit_test(failfast_when_closed),
		TEST(hole_while_mapped),
		cmocka_unit_test(forsaken_while_mapped),
		cmocka_unit_test(region_gone_while_mapped),
		TEST(forked_worker),
		TEST(written_by_the_kernel),
		TEST(records_in_the_mapping),
		TEST(populate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
