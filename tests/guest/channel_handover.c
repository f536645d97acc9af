// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Providers come and go: what one had taken reaches the next, and the one that
 * was replaced can do no harm.
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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
#define THREADS 4

struct fixture {
	int region;
	int channel;
	char *mem;
	struct toucher touchers[THREADS];
};

static void start_all(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		toucher_start(&f->touchers[i], f->mem + i * TEST_PAGE);
	AWAIT(test_status(f->region).requests == THREADS);
}

static void end_all(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		assert_int_equal(toucher_join(&f->touchers[i]), 0);
		assert_true(pattern_matches(f->mem + i * TEST_PAGE, i));
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	f->channel = hand_open(f->region, 0);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->region,
		      0);
	assert_true(f->mem != MAP_FAILED);
	start_all(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hand_release(f->region);
	munmap(f->mem, SIZE);
	close(f->region);
	close(f->channel);
	free(f);
	return 0;
}

/* Threads wait, three requests are taken, one is not; then the fd is closed. */
static void close_requeues(void **state)
{
	struct fixture *f = *state;
	struct umem_region_status status;

	hand_take(f->channel);
	hand_take(f->channel);
	hand_take(f->channel);
	close(f->channel);
	status = test_status(f->region);
	assert_int_equal(status.provider_kind, UMEM_PROVIDER_NONE);
	assert_int_equal(status.requests_queued, THREADS);
	assert_int_equal(status.requests_issued, 0);
	assert_int_equal(status.requests_requeued, 3);
	assert_false(toucher_is_over(&f->touchers[0]));

	f->channel = hand_open(f->region, 0);
	hand_take_all(f->channel, 0, THREADS);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

static void requeue_ioctl(void **state)
{
	struct fixture *f = *state;
	unsigned int round;

	for (round = 0; round < 3; round++) {
		hand_take_all(f->channel, 0, THREADS);
		assert_true(hand_none(f->channel));
		assert_int_equal(umem_channel_requeue(f->channel), 0);
		assert_int_equal(test_status(f->region).requests_queued,
				 THREADS);
	}
	assert_int_equal(test_status(f->region).requests_requeued, 3 * THREADS);
	/* One of them is answered while it is in the queue. */
	hand_data(f->channel, 0, 1);
	hand_take_all(f->channel, 1, THREADS - 1);
	assert_true(hand_none(f->channel));
	hand_data(f->channel, 0, THREADS);
	end_all(f);
	assert_int_equal(test_status(f->region).answers_stale, 1);
}

static void replace_takes_over(void **state)
{
	struct fixture *f = *state;
	int old = f->channel;
	char byte[16];

	hand_take(old);
	hand_take(old);
	f->channel = hand_open(f->region, UMEM_CHANNEL_REPLACE);
	hand_take_all(f->channel, 0, THREADS);
	/* The old one's answers are refused, and its end is told. */
	assert_int_equal(hand_try(old, UMEM_OP_ZERO, 0, THREADS), -EPIPE);
	assert_int_equal(hand_try(old, UMEM_OP_FAIL, 0, THREADS), -EPIPE);
	assert_int_equal(hand_try(old, UMEM_OP_DATA, 0, THREADS), -EPIPE);
	assert_int_equal(umem_channel_requeue(old), -EPIPE);
	assert_int_equal(read(old, byte, sizeof(byte)), 0);
	assert_int_equal(test_status(f->region).requests_issued, THREADS);
	assert_int_equal(test_status(f->region).granules_provided, 0);
	/* Closing it changes nothing either. */
	close(old);
	assert_int_equal(test_status(f->region).requests_issued, THREADS);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

static void detach_requeues(void **state)
{
	struct fixture *f = *state;

	hand_take_all(f->channel, 0, THREADS);
	assert_int_equal(umem_region_detach(f->region), 0);
	assert_int_equal(test_status(f->region).requests_queued, THREADS);
	assert_int_equal(hand_try(f->channel, UMEM_OP_ZERO, 0, 1), -EPIPE);
	close(f->channel);
	f->channel = hand_open(f->region, 0);
	hand_take_all(f->channel, 0, THREADS);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

static unsigned int provider_kind(struct fixture *f)
{
	return test_status(f->region).provider_kind;
}

static void dup_keeps_it_open(void **state)
{
	struct fixture *f = *state;
	int copy = dup(f->channel);

	hand_take(f->channel);
	close(f->channel);
	assert_int_equal(provider_kind(f), UMEM_PROVIDER_USER);
	assert_int_equal(test_status(f->region).requests_issued, 1);
	assert_int_equal(umem_region_channel(f->region, 0), -EBUSY);
	f->channel = copy;
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

static void fork_keeps_it_open(void **state)
{
	struct fixture *f = *state;
	int control[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(control), 0);
	child = fork();
	if (!child) {
		/* Holds the channel until it is told to serve it. */
		close(control[1]);
		if (read(control[0], &byte, 1) != 1)
			_exit(1);
		_exit(hand_try(f->channel, UMEM_OP_DATA, 0, THREADS) != 0);
	}
	close(control[0]);
	close(f->channel);
	assert_int_equal(provider_kind(f), UMEM_PROVIDER_USER);
	assert_int_equal(umem_region_channel(f->region, 0), -EBUSY);
	assert_int_equal(write(control[1], "x", 1), 1);
	end_all(f);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(provider_kind(f), UMEM_PROVIDER_NONE);
	close(control[1]);
	f->channel = hand_open(f->region, 0);
}

/* A provider process is killed with requests in hand. */
static void killed_provider(void **state)
{
	struct fixture *f = *state;
	pid_t child;

	close(f->channel);
	child = fork();
	if (!child) {
		int channel = hand_open(f->region, 0);

		hand_take_all(channel, 0, THREADS);
		hand_data(channel, 0, 1);
		pause();
	}
	/* It has taken all of them before it answers one. */
	AWAIT(test_status(f->region).granules_provided == 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(provider_kind(f), UMEM_PROVIDER_NONE);
	f->channel = hand_open(f->region, 0);
	hand_take_all(f->channel, 1, THREADS - 1);
	hand_data(f->channel, 1, THREADS - 1);
	end_all(f);
}

/* The same while a supervisor keeps the channel, which gives nothing back then. */
static void killed_provider_of_a_kept_channel(void **state)
{
	struct fixture *f = *state;
	struct umem_region_status status;
	pid_t child;
	int end;

	child = fork();
	if (!child) {
		hand_take_all(f->channel, 0, THREADS);
		hand_data(f->channel, 0, 1);
		pause();
	}
	AWAIT(test_status(f->region).granules_provided == 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	status = test_status(f->region);
	assert_int_equal(status.provider_kind, UMEM_PROVIDER_USER);
	assert_int_equal(status.requests_issued, THREADS - 1);
	assert_true(hand_none(f->channel));

	assert_int_equal(umem_channel_requeue(f->channel), 0);
	child = fork();
	if (!child) {
		/* Each of them once. */
		hand_take_all(f->channel, 1, THREADS - 1);
		if (!hand_none(f->channel))
			_exit(1);
		hand_data(f->channel, 1, THREADS - 1);
		_exit(0);
	}
	end_all(f);
	assert_int_equal(waitpid(child, &end, 0), child);
	assert_int_equal(end, 0);
	status = test_status(f->region);
	assert_int_equal(status.requests, THREADS);
	assert_int_equal(status.requests_requeued, THREADS - 1);
	assert_int_equal(status.answers_stale, 0);
}

/* Hard waits outlive any number of providers. */
static void many_handovers(void **state)
{
	struct fixture *f = *state;
	unsigned int round;
	int old;

	for (round = 0; round < 50; round++) {
		old = f->channel;
		hand_take_all(old, 0, THREADS);
		f->channel = hand_open(f->region, UMEM_CHANNEL_REPLACE);
		close(old);
	}
	assert_int_equal(test_status(f->region).requests, THREADS);
	hand_take_all(f->channel, 0, THREADS);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

/* ---- Buffers of the provider that lie in the region itself -------------- */

struct data_write {
	int channel;
	uint64_t granule;
	void *payload;
	pthread_t thread;
	_Atomic pid_t tid;
	long result;
};

static void *write_data(void *arg)
{
	struct data_write *w = arg;
	struct umem_record record = {
		.offset = htole64(w->granule * TEST_PAGE),
		.length = htole32(TEST_PAGE),
		.op = UMEM_OP_DATA,
	};
	struct iovec iov[2] = {
		{ .iov_base = &record, .iov_len = sizeof(record) },
		{ .iov_base = w->payload, .iov_len = TEST_PAGE },
	};

	w->tid = gettid();
	w->result = writev(w->channel, iov, 2);
	if (w->result < 0)
		w->result = -errno;
	return NULL;
}

static void data_write_start(struct data_write *w, int channel,
			     uint64_t granule, void *payload)
{
	*w = (struct data_write){
		.channel = channel, .granule = granule, .payload = payload,
	};
	pthread_create(&w->thread, NULL, write_data, w);
}

static long data_write_end(struct data_write *w)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += TEST_SECONDS;
	if (pthread_timedjoin_np(w->thread, NULL, &end))
		fail_msg("a write to the channel still sleeps");
	return w->result;
}

/* The payload lies in a missing granule: another thread can still provide. */
static void payload_in_a_missing_granule(void **state)
{
	struct fixture *f = *state;
	struct data_write w;

	hand_take_all(f->channel, 0, THREADS);
	data_write_start(&w, f->channel, 0, f->mem + 10 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 10);
	assert_false(toucher_is_over(&f->touchers[0]));
	hand_data(f->channel, 10, 1);
	assert_int_equal(data_write_end(&w), 16 + TEST_PAGE);
	assert_int_equal(toucher_join(&f->touchers[0]), 0);
	assert_true(pattern_matches(f->mem, 10));
	hand_data(f->channel, 1, THREADS - 1);
	for (unsigned int i = 1; i < THREADS; i++)
		assert_int_equal(toucher_join(&f->touchers[i]), 0);
}

/* It lies in the very granule that it is for: the other answer wins. */
static void payload_in_its_own_granule(void **state)
{
	struct fixture *f = *state;
	struct data_write w;

	hand_take_all(f->channel, 0, THREADS);
	data_write_start(&w, f->channel, 0, f->mem);
	AWAIT(test_status(f->region).faults == THREADS + 1);
	hand_data(f->channel, 0, THREADS);
	assert_int_equal(data_write_end(&w), 16 + TEST_PAGE);
	end_all(f);
	assert_int_equal(test_status(f->region).answers_stale, 1);
}

/* A write that sleeps for its payload holds up neither REPLACE nor its heir. */
static void replace_while_a_write_sleeps(void **state)
{
	struct fixture *f = *state;
	int old = f->channel;
	struct data_write w;

	hand_take_all(old, 0, THREADS);
	data_write_start(&w, old, 0, f->mem + 10 * TEST_PAGE);
	assert_int_equal(hand_take(old), 10);
	f->channel = hand_open(f->region, UMEM_CHANNEL_REPLACE);
	AWAIT(test_status(f->region).requests_queued == THREADS + 1);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
	f->mem[0] ^= 1;
	hand_data(f->channel, 10, 1);
	/* It has its payload now, but nothing to say any more. */
	assert_int_equal(data_write_end(&w), -EPIPE);
	f->mem[0] ^= 1;
	assert_true(pattern_matches(f->mem, 0));
	close(old);
}

/* read() of the channel into a missing granule of the region. */
static void request_into_a_missing_granule(void **state)
{
	struct fixture *f = *state;
	pid_t child;

	child = fork();
	if (!child) {
		/* The only thread that could answer waits for itself. */
		for (;;)
			if (read(f->channel, f->mem + 20 * TEST_PAGE, 16) < 0)
				_exit(errno == EFAULT ? 0 : 1);
	}
	AWAIT(test_status(f->region).faults == THREADS + 1);
	AWAIT(task_state(child, child) == 'S' || task_state(child, child) == 'D');
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* The request that it was about to copy out is not lost. */
	AWAIT(test_status(f->region).requests_queued == THREADS + 1);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

/* Alone with its own missing payload, a provider can at least be killed. */
static void lone_provider_is_killable(void **state)
{
	struct fixture *f = *state;
	pid_t child;

	child = fork();
	if (!child) {
		struct data_write w = {
			.channel = f->channel,
			.payload = f->mem + 10 * TEST_PAGE,
		};

		write_data(&w);
		_exit(0);
	}
	AWAIT(test_status(f->region).faults == THREADS + 1);
	AWAIT(task_state(child, child) == 'S' || task_state(child, child) == 'D');
	test_kill(child);
	assert_int_equal(test_status(f->region).granules_provided, 0);
	hand_take_all(f->channel, 0, 4);
	hand_data(f->channel, 0, THREADS);
	end_all(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(close_requeues),
		TEST(requeue_ioctl),
		TEST(replace_takes_over),
		TEST(detach_requeues),
		TEST(dup_keeps_it_open),
		TEST(fork_keeps_it_open),
		TEST(killed_provider),
		TEST(killed_provider_of_a_kept_channel),
		TEST(many_handovers),
		TEST(payload_in_a_missing_granule),
		TEST(payload_in_its_own_granule),
		TEST(replace_while_a_write_sleeps),
		TEST(request_into_a_missing_granule),
		TEST(lone_provider_is_killable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
