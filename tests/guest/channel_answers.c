// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The writing side of a channel: what each answer does to the granule, to
 * those who wait for it, and to the counters.
 *
 * needs: umem
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <endian.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES 512
#define SIZE (PAGES * TEST_PAGE)

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, 64);
}

static char *page(struct hand_fixture *f, unsigned int granule)
{
	return f->mem + granule * TEST_PAGE;
}

static bool is_zero(const char *at)
{
	return !at[0] && !memcmp(at, at + 1, TEST_PAGE - 1);
}

static void push_before_any_request(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;

	hand_data(f->channel, 5, 3);
	hand_zero(f->channel, 8, 2);
	status = test_status(f->region);
	assert_int_equal(status.granules_provided, 5);
	assert_int_equal(status.answers_provided, 5);
	assert_int_equal(status.bytes_copied, 3 * TEST_PAGE);
	assert_true(pattern_matches(page(f, 5), 5));
	assert_true(pattern_matches(page(f, 7), 7));
	assert_true(is_zero(page(f, 8)));
	status = test_status(f->region);
	assert_int_equal(status.requests, 0);
	assert_int_equal(status.faults, 0);
	assert_true(hand_none(f->channel));
}

/* The answer comes before the request was read: it ends that as well. */
static void push_of_a_queued_granule(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	toucher_start(&toucher, page(f, 9));
	AWAIT(test_status(f->region).requests_queued == 1);
	hand_data(f->channel, 9, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(hand_none(f->channel));
	assert_int_equal(test_status(f->region).requests_queued, 0);
}

static void split_merged_reordered(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher touchers[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		toucher_start(&touchers[i], page(f, i));
	hand_take_all(f->channel, 0, 8);
	hand_data(f->channel, 4, 6);
	hand_zero(f->channel, 2, 2);
	hand_data(f->channel, 1, 1);
	assert_false(toucher_is_over(&touchers[0]));
	hand_data(f->channel, 0, 1);
	for (i = 0; i < 8; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
	for (i = 0; i < 10; i++)
		assert_true(i / 2 == 1 ? is_zero(page(f, i)) :
			    pattern_matches(page(f, i), i));
}

static void stale_answers_change_nothing(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status before, after;
	char copy[TEST_PAGE];

	hand_data(f->channel, 0, 2);
	page(f, 1)[17] ^= 1;
	memcpy(copy, page(f, 1), TEST_PAGE);
	before = test_status(f->region);
	hand_zero(f->channel, 0, 2);
	hand_data(f->channel, 1, 2);		/* half of it is new */
	after = test_status(f->region);
	assert_memory_equal(page(f, 1), copy, TEST_PAGE);
	assert_true(pattern_matches(page(f, 0), 0));
	assert_true(pattern_matches(page(f, 2), 2));
	assert_int_equal(after.answers_stale - before.answers_stale, 3);
	assert_int_equal(after.granules_provided, 3);
	assert_int_equal(after.bytes_copied, 3 * TEST_PAGE);
	assert_int_equal(before.answers_stale, 0);
}

/* FAIL too is an answer for a granule that is there already. */
static void stale_fail_is_counted(void **state)
{
	struct hand_fixture *f = *state;

	hand_data(f->channel, 0, 1);
	hand_fail(f->channel, 0, 1);
	assert_true(pattern_matches(page(f, 0), 0));
	assert_int_equal(test_status(f->region).answers_failed, 0);
	assert_int_equal(test_status(f->region).answers_stale, 1);
}

static void fail_is_told_and_forgotten(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher touchers[4];
	struct umem_region_status status;
	unsigned int i;

	for (i = 0; i < 4; i++)
		toucher_start(&touchers[i], page(f, 3) + i);
	AWAIT(test_status(f->region).faults == 4);
	for (i = 0; i < 4; i++)
		AWAIT(task_state(getpid(), touchers[i].tid) == 'S');
	assert_int_equal(hand_take(f->channel), 3);
	hand_fail(f->channel, 3, 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(toucher_join(&touchers[i]), SIGBUS);
	status = test_status(f->region);
	assert_int_equal(status.answers_failed, 1);
	assert_int_equal(status.granules_provided, 0);
	assert_int_equal(status.requests_queued + status.requests_issued, 0);

	/* A later touch asks again, and can succeed. */
	toucher_start(&touchers[0], page(f, 3));
	assert_int_equal(hand_take(f->channel), 3);
	hand_data(f->channel, 3, 1);
	assert_int_equal(toucher_join(&touchers[0]), 0);
	assert_true(pattern_matches(page(f, 3), 3));
	assert_int_equal(test_status(f->region).requests, 2);
}

/* Nobody waits: there is nothing to fail, and nothing is remembered. */
static void fail_of_what_nobody_asked_for(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	hand_fail(f->channel, 0, PAGES);
	assert_int_equal(test_status(f->region).answers_failed, 0);
	toucher_start(&toucher, page(f, 1));
	assert_int_equal(hand_take(f->channel), 1);
	hand_data(f->channel, 1, 1);
	assert_int_equal(toucher_join(&toucher), 0);
}

struct pread_args {
	int region;
	size_t size;
	off_t at;
	char *buf;
	ssize_t got;
	int error;
};

static void *do_pread(void *arg)
{
	struct pread_args *args = arg;

	args->got = pread(args->region, args->buf, args->size, args->at);
	args->error = errno;
	return NULL;
}

static void fail_is_eio_for_pread(void **state)
{
	struct hand_fixture *f = *state;
	struct pread_args args = {
		.region = f->region, .size = TEST_PAGE, .buf = malloc(TEST_PAGE),
	};
	pthread_t thread;

	pthread_create(&thread, NULL, do_pread, &args);
	assert_int_equal(hand_take(f->channel), 0);
	AWAIT(test_status(f->region).requests == 1);
	hand_fail(f->channel, 0, 1);
	pthread_join(thread, NULL);
	assert_int_equal(args.got, -1);
	assert_int_equal(args.error, EIO);
	free(args.buf);
}

/*
 * A read of many granules asks for all at once. A verdict on one of them is a
 * verdict for the reader, whenever it comes: it is not asked for anew.
 */
static void fail_in_the_middle_of_a_pread(void **state)
{
	struct hand_fixture *f = *state;
	struct pread_args args = {
		.region = f->region, .size = 8 * TEST_PAGE,
		.buf = malloc(8 * TEST_PAGE),
	};
	pthread_t thread;

	pthread_create(&thread, NULL, do_pread, &args);
	hand_take_all(f->channel, 0, 8);
	AWAIT(test_status(f->region).requests == 8);
	hand_fail(f->channel, 5, 1);
	hand_data(f->channel, 0, 5);
	hand_data(f->channel, 6, 2);
	/* Either it ends, or it has asked again. */
	AWAIT(!pthread_tryjoin_np(thread, NULL) ||
	      test_status(f->region).requests > 8);
	if (test_status(f->region).requests > 8) {
		hand_fail(f->channel, 5, 1);
		pthread_join(thread, NULL);
		fail_msg("the failed granule was asked for twice");
	}
	/* What came before it may be told. */
	assert_true(args.got == 5 * (ssize_t)TEST_PAGE ||
		    (args.got == -1 && args.error == EIO));
	free(args.buf);
}

struct failing {
	int channel;
	_Atomic bool stop;
	unsigned int answers;
};

/* Answers FAIL as fast as it can. */
static void *fail_everything(void *arg)
{
	struct failing *failing = arg;
	struct umem_record record;

	while (!failing->stop) {
		if (read(failing->channel, &record, sizeof(record)) !=
		    sizeof(record))
			continue;
		record.op = UMEM_OP_FAIL;
		record.status = htole16(UMEM_STATUS_IO);
		if (write(failing->channel, &record, sizeof(record)) ==
		    sizeof(record))
			failing->answers++;
	}
	return NULL;
}

/* However early a verdict comes, it is told to the touch that asked. */
static void fast_fail_is_not_lost(void **state)
{
	struct hand_fixture *f = *state;
	struct failing failing = { .channel = f->channel };
	const unsigned int touches = 400;
	pthread_t thread;
	unsigned int i;

	pthread_create(&thread, NULL, fail_everything, &failing);
	for (i = 0; i < touches; i++)
		assert_int_equal(touch_read(page(f, i)), SIGBUS);
	failing.stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(failing.answers, touches);
}

/* Payload at a bad address: the granule stays missing, its waiter waits. */
static void bad_payload_leaves_it_missing(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_record record = {
		.length = htole32(TEST_PAGE), .op = UMEM_OP_DATA,
	};
	struct iovec iov[2] = {
		{ .iov_base = &record, .iov_len = sizeof(record) },
		{ .iov_base = (void *)8, .iov_len = TEST_PAGE },
	};
	struct toucher toucher;

	toucher_start(&toucher, page(f, 0));
	assert_int_equal(hand_take(f->channel), 0);
	assert_int_equal(writev(f->channel, iov, 2), -1);
	assert_int_equal(errno, EFAULT);
	assert_false(toucher_is_over(&toucher));
	assert_int_equal(test_status(f->region).requests_issued, 1);
	assert_int_equal(test_status(f->region).granules_provided, 0);
	hand_data(f->channel, 0, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(pattern_matches(page(f, 0), 0));
}

#define WRITERS 4
#define LAST_WORD (TEST_PAGE / 8 - 1)

struct writer {
	struct hand_fixture *f;
	unsigned int number;
	pthread_barrier_t *barrier;
	pthread_t thread;
};

/*
 * DATA of granule after granule, all words alike but the last, a counter. What
 * write() returned from is live memory: a late answer must not land in it.
 */
static void *write_own(void *arg)
{
	struct writer *writer = arg;
	struct {
		struct umem_record record;
		uint64_t words[TEST_PAGE / 8];
	} out = {
		.record = { .length = htole32(TEST_PAGE), .op = UMEM_OP_DATA },
	};
	unsigned int i, granule;

	for (granule = 0; granule < PAGES; granule++) {
		out.record.offset = htole64(granule * TEST_PAGE);
		for (i = 0; i < LAST_WORD; i++)
			out.words[i] = granule * WRITERS + writer->number + 1;
		out.words[LAST_WORD] = 0;
		if (granule % 16 == 0)
			pthread_barrier_wait(writer->barrier);
		if (write(writer->f->channel, &out, sizeof(out)) != sizeof(out))
			return "write failed";
		__atomic_add_fetch((uint64_t *)page(writer->f, granule) +
				   LAST_WORD, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Each granule is one writer's, whole; the others' answers are stale. */
static void racing_answers_do_not_mix(void **state)
{
	struct hand_fixture *f = *state;
	struct writer writers[WRITERS];
	struct umem_region_status status;
	pthread_barrier_t barrier;
	unsigned int i, granule;
	void *error;

	pthread_barrier_init(&barrier, NULL, WRITERS);
	for (i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ f, i, &barrier, 0 };
		pthread_create(&writers[i].thread, NULL, write_own, &writers[i]);
	}
	for (i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, &error);
		assert_null(error);
	}
	for (granule = 0; granule < PAGES; granule++) {
		const uint64_t *words = (uint64_t *)page(f, granule);

		assert_int_equal((words[0] - 1) / WRITERS, granule);
		for (i = 1; i < LAST_WORD; i++)
			if (words[i] != words[0])
				fail_msg("granule %u is mixed", granule);
		assert_int_equal(words[LAST_WORD], WRITERS);
	}
	status = test_status(f->region);
	assert_int_equal(status.granules_provided, PAGES);
	assert_int_equal(status.answers_stale, (WRITERS - 1) * PAGES);
	assert_int_equal(status.bytes_copied, SIZE);
}

struct server {
	int channel;
	_Atomic bool *stop;
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *server = arg;
	struct pollfd pfd = { .fd = server->channel, .events = POLLIN };
	struct umem_record record;

	while (!*server->stop) {
		poll(&pfd, 1, 10);
		if (read(server->channel, &record, sizeof(record)) ==
		    sizeof(record) &&
		    hand_try(server->channel, UMEM_OP_DATA,
			     le64toh(record.offset) / TEST_PAGE, 1))
			return "answer refused";
	}
	return NULL;
}

/* Several threads read and answer one channel. */
static void provider_of_four_threads(void **state)
{
	struct hand_fixture *f = *state;
	_Atomic bool stop = false;
	struct server servers[4];
	struct toucher touchers[8];
	unsigned int i, at;
	void *error;

	for (i = 0; i < 4; i++) {
		servers[i] = (struct server){ f->channel, &stop, 0 };
		pthread_create(&servers[i].thread, NULL, serve, &servers[i]);
	}
	for (at = 0; at < PAGES; at += 8) {
		for (i = 0; i < 8; i++)
			toucher_start(&touchers[i], page(f, at + i));
		for (i = 0; i < 8; i++)
			assert_int_equal(toucher_join(&touchers[i]), 0);
	}
	stop = true;
	for (i = 0; i < 4; i++) {
		pthread_join(servers[i].thread, &error);
		assert_null(error);
	}
	for (i = 0; i < PAGES; i++)
		assert_true(pattern_matches(page(f, i), i));
	assert_int_equal(test_status(f->region).answers_stale, 0);
	assert_int_equal(test_status(f->region).requests, PAGES);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, hand_fixture_drop)
	const struct CMUnitTest tests[] = {
		TEST(push_before_any_request),
		TEST(push_of_a_queued_granule),
		TEST(split_merged_reordered),
		TEST(stale_answers_change_nothing),
		TEST(stale_fail_is_counted),
		TEST(fail_is_told_and_forgotten),
		TEST(fail_of_what_nobody_asked_for),
		TEST(fail_is_eio_for_pread),
		TEST(fail_in_the_middle_of_a_pread),
		TEST(fast_fail_is_not_lost),
		TEST(bad_payload_leaves_it_missing),
		TEST(racing_answers_do_not_mix),
		TEST(provider_of_four_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
