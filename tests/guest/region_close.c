// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of a region in every order: descriptors, mappings, channel, threads
 * that wait. That the module can go afterwards run-tests sees.
 *
 * needs: umem
 */
#include <endian.h>
#include <errno.h>
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
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
#define THREADS 4

static int region, channel;
static char *mem;

static void make(unsigned int policy, unsigned int timeout_ms,
		 unsigned int max_inflight)
{
	region = test_region(SIZE, policy, timeout_ms, max_inflight);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static void start(struct toucher *touchers)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		toucher_start(&touchers[i], mem + i * TEST_PAGE);
	AWAIT(test_status(region).faults == THREADS);
	for (i = 0; i < THREADS; i++)
		AWAIT(task_state(getpid(), touchers[i].tid) == 'S');
}

static void join(struct toucher *touchers, int signal)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(toucher_join(&touchers[i]), signal);
}

/* Mapping and descriptor go while threads wait; the answer comes too late. */
static void answered_after_munmap(void **state)
{
	struct toucher touchers[THREADS];

	(void)state;
	make(UMEM_WAIT_HARD, 0, 16);
	start(touchers);
	hand_take(channel);
	hand_take(channel);
	munmap(mem, SIZE);
	close(region);
	/* Those who sleep hold the region. */
	assert_int_equal(test_status(channel).provider_kind,
			 UMEM_PROVIDER_USER);
	hand_data(channel, 0, THREADS);
	join(touchers, SIGSEGV);
	AWAIT(test_status(channel).provider_kind == UMEM_PROVIDER_NONE);
	assert_int_equal(hand_try(channel, UMEM_OP_ZERO, 0, 1), -EPIPE);
	close(channel);
}

/* The same, but the provider goes instead: nobody can ever answer. */
static void orphaned_after_munmap(void **state)
{
	struct toucher touchers[THREADS];

	(void)state;
	make(UMEM_WAIT_HARD, 0, 2);	/* two wait for a slot */
	start(touchers);
	hand_take(channel);
	munmap(mem, SIZE);
	close(region);
	close(channel);
	join(touchers, SIGSEGV);
}

/* Requests are open, and nobody waits for them any more. */
static void open_requests_end_with_the_region(void **state)
{
	struct umem_region_status status;
	unsigned int i;

	(void)state;
	make(UMEM_WAIT_TIMEOUT, 1, 8);
	for (i = 0; i < 6; i++)
		assert_int_equal(touch_read(mem + i * TEST_PAGE), SIGBUS);
	hand_take(channel);
	hand_take(channel);
	munmap(mem, SIZE);
	close(region);
	status = test_status(channel);
	assert_int_equal(status.requests_queued + status.requests_issued, 0);
	assert_int_equal(hand_try(channel, UMEM_OP_DATA, 0, 1), -EPIPE);
	assert_int_equal(hand_try(channel, UMEM_OP_FAIL, 0, 1), -EPIPE);
	close(channel);
}

/* No descriptor is left, only a mapping: the channel goes on serving it. */
static void mapping_alone_is_served(void **state)
{
	struct toucher toucher;

	(void)state;
	make(UMEM_WAIT_HARD, 0, 8);
	close(region);
	toucher_start(&toucher, mem + 5 * TEST_PAGE);
	assert_int_equal(hand_take(channel), 5);
	hand_data(channel, 5, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(pattern_matches(mem + 5 * TEST_PAGE, 5));
	/* The channel goes: what is there stays, the rest cannot come. */
	close(channel);
	assert_true(pattern_matches(mem + 5 * TEST_PAGE, 5));
	assert_int_equal(touch_read(mem), SIGBUS);
	assert_int_equal(touch_write(mem, 1), SIGBUS);
	assert_int_equal(madvise(mem, SIZE, 22 /* MADV_POPULATE_READ */), -1);
	munmap(mem, SIZE);
}

/* Threads wait, a mapping is all that is left, and then the channel goes. */
static void waiters_of_an_orphan(void **state)
{
	struct toucher touchers[THREADS];

	(void)state;
	make(UMEM_WAIT_HARD, 0, 2);
	start(touchers);
	close(region);
	assert_int_equal(hand_take(channel) / 2, 0);
	assert_false(toucher_is_over(&touchers[0]));
	close(channel);
	join(touchers, SIGBUS);
	munmap(mem, SIZE);
}

/* In the other order: no channel, and the last descriptor goes. */
static void waiters_when_the_last_fd_closes(void **state)
{
	struct toucher touchers[THREADS];
	int copy;

	(void)state;
	make(UMEM_WAIT_HARD, 0, 2);
	start(touchers);
	copy = dup(region);
	close(channel);
	close(region);
	usleep(50000);
	assert_false(toucher_is_over(&touchers[0]));
	close(copy);
	join(touchers, SIGBUS);
	munmap(mem, SIZE);
}

/* Another process still has a descriptor: it may provide yet. */
static void fd_in_another_process(void **state)
{
	struct toucher touchers[THREADS];
	int control[2], fd;
	pid_t child;
	char byte;

	(void)state;
	make(UMEM_WAIT_HARD, 0, 16);
	start(touchers);
	assert_int_equal(pipe(control), 0);
	child = fork();
	if (!child) {
		close(channel);
		close(control[1]);
		if (read(control[0], &byte, 1) != 1)
			_exit(1);
		fd = umem_region_channel(region, UMEM_CHANNEL_NONBLOCK);
		_exit(fd < 0 || hand_try(fd, UMEM_OP_DATA, 0, THREADS));
	}
	close(control[0]);
	close(channel);
	close(region);
	assert_false(toucher_is_over(&touchers[0]));
	/* The child may have its copy of the channel for a moment yet. */
	usleep(100000);
	assert_int_equal(write(control[1], "x", 1), 1);
	join(touchers, 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	munmap(mem, SIZE);
	close(control[1]);
}

/* exit() of a process whose threads wait, with everything open. */
static void exit_with_waiting_threads(void **state)
{
	double started;
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		struct toucher touchers[THREADS];

		make(UMEM_WAIT_HARD, 0, 2);
		start(touchers);
		hand_take(channel);
		_exit(3);
	}
	started = test_now();
	AWAIT(waitpid(child, &status, WNOHANG) == child);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_true(test_now() - started < TEST_SECONDS / 2);
}

struct pusher {
	int channel;
	pthread_t thread;
	_Atomic unsigned int pushed;
	long end;
};

/* Pushes one granule after the other until it is refused. */
static void *push(void *arg)
{
	struct pusher *pusher = arg;
	struct {
		struct umem_record record;
		char page[TEST_PAGE];
	} out = {
		.record = { .length = htole32(TEST_PAGE), .op = UMEM_OP_DATA },
	};

	for (;;) {
		out.record.offset =
			htole64(pusher->pushed % PAGES * TEST_PAGE);
		if (write(pusher->channel, &out, sizeof(out)) != sizeof(out))
			break;
		pusher->pushed++;
	}
	pusher->end = errno;
	return NULL;
}

/* The region goes while answers are being written. */
static void closed_under_the_provider(void **state)
{
	unsigned int round;

	(void)state;
	for (round = 0; round < 40; round++) {
		struct pusher pushers[2];
		unsigned int i;

		make(UMEM_WAIT_HARD, 0, 4);
		for (i = 0; i < 2; i++) {
			pushers[i] = (struct pusher){ .channel = channel };
			pthread_create(&pushers[i].thread, NULL, push,
				       &pushers[i]);
		}
		AWAIT(pushers[0].pushed > round);
		munmap(mem, SIZE);
		close(region);
		for (i = 0; i < 2; i++) {
			pthread_join(pushers[i].thread, NULL);
			assert_int_equal(pushers[i].end, EPIPE);
		}
		close(channel);
	}
}

static long meminfo(const char *key)
{
	char line[128];
	long kilobytes = -1;
	FILE *file = fopen("/proc/meminfo", "r");

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			kilobytes = atol(line + strlen(key) + 1);
	fclose(file);
	return kilobytes;
}

/* Regions of 16 MiB in all, with half of their pages in requests. */
static void nothing_is_left(void **state)
{
	unsigned int i, round;
	long before;

	(void)state;
	before = meminfo("Shmem");
	for (round = 0; round < 64; round++) {
		make(UMEM_WAIT_TIMEOUT, 1, PAGES);
		hand_data(channel, 0, PAGES / 2);
		if (round < 4)
			for (i = PAGES / 2; i < PAGES; i++)
				touch_read(mem + i * TEST_PAGE);
		if (round < 4 && round % 2)
			hand_take(channel);
		munmap(mem, SIZE);
		if (round % 3)
			close(region);
		close(channel);
		if (round % 3 == 0)
			close(region);
	}
	assert_true(meminfo("Shmem") - before < 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_after_munmap),
		cmocka_unit_test(orphaned_after_munmap),
		cmocka_unit_test(open_requests_end_with_the_region),
		cmocka_unit_test(mapping_alone_is_served),
		cmocka_unit_test(waiters_of_an_orphan),
		cmocka_unit_test(waiters_when_the_last_fd_closes),
		cmocka_unit_test(fd_in_another_process),
		cmocka_unit_test(exit_with_waiting_threads),
		cmocka_unit_test(closed_under_the_provider),
		cmocka_unit_test(nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
