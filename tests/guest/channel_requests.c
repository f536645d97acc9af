// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The reading side of a channel: read, poll and epoll tell of each request
 * once, whoever reads and however often it is interrupted.
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
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, 32);
}

static void set_blocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static short events(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	assert_true(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

/* Touches pages 0 to @count - 1 and waits until all have asked. */
static void start_all(struct hand_fixture *f, struct toucher *touchers,
		      unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		toucher_start(&touchers[i], f->mem + i * TEST_PAGE);
	AWAIT(test_status(f->region).requests == count);
}

static void join_all(struct toucher *touchers, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
}

static void one_touch_one_request(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;
	struct toucher toucher;

	toucher_start(&toucher, f->mem + 7 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 7);
	status = test_status(f->region);
	assert_int_equal(status.requests, 1);
	assert_int_equal(status.requests_queued, 0);
	assert_int_equal(status.requests_issued, 1);
	assert_int_equal(status.granules_provided, 0);
	assert_true(hand_none(f->channel));
	assert_false(toucher_is_over(&toucher));
	hand_data(f->channel, 7, 1);
	join_all(&toucher, 1);
	assert_true(pattern_matches(f->mem + 7 * TEST_PAGE, 7));
	assert_int_equal(test_status(f->region).requests_issued, 0);
}

static void one_page_many_threads_one_request(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher touchers[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		toucher_start(&touchers[i], f->mem + 100 * i);
	AWAIT(test_status(f->region).faults == 8);
	assert_int_equal(hand_take(f->channel), 0);
	assert_true(hand_none(f->channel));
	hand_data(f->channel, 0, 1);
	join_all(touchers, 8);
	assert_int_equal(test_status(f->region).requests, 1);
}

static void whole_records_as_many_as_fit(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_record records[16];
	struct toucher touchers[8];
	bool seen[8] = { false };
	unsigned int i;

	start_all(f, touchers, 8);
	assert_int_equal(read(f->channel, records, 5 * 16 + 15), 5 * 16);
	assert_int_equal(test_status(f->region).requests_issued, 5);
	assert_int_equal(read(f->channel, records + 5, 11 * 16), 3 * 16);
	for (i = 0; i < 8; i++) {
		uint64_t granule = le64toh(records[i].offset) / TEST_PAGE;

		assert_true(granule < 8 && !seen[granule]);
		seen[granule] = true;
	}
	hand_data(f->channel, 0, 8);
	join_all(touchers, 8);
}

/* What could not be copied out is not issued, and not lost. */
static void bad_buffer_loses_nothing(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher touchers[2];
	uint64_t first;
	char *page;

	page = mmap(NULL, 2 * TEST_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + TEST_PAGE, TEST_PAGE);
	start_all(f, touchers, 2);

	assert_int_equal(read(f->channel, page + TEST_PAGE, 16), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(read(f->channel, page + TEST_PAGE - 8, 16), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(test_status(f->region).requests_queued, 2);
	assert_int_equal(test_status(f->region).requests_issued, 0);
	assert_true(events(f->channel) & POLLIN);

	assert_int_equal(read(f->channel, page + TEST_PAGE - 16, 32), 16);
	first = le64toh(*(uint64_t *)(page + TEST_PAGE - 16)) / TEST_PAGE;
	assert_int_equal(test_status(f->region).requests_queued, 1);
	assert_int_equal(hand_take(f->channel), 1 - first);
	hand_data(f->channel, 0, 2);
	join_all(touchers, 2);
	munmap(page, TEST_PAGE);
}

struct reader {
	int channel;
	pthread_t thread;
	_Atomic pid_t tid;
	ssize_t got;
	int error;
	struct umem_record record;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;

	reader->tid = gettid();
	reader->got = read(reader->channel, &reader->record,
			   sizeof(reader->record));
	reader->error = errno;
	return NULL;
}

/* Starts a thread that blocks in read(). */
static void reader_start(struct reader *reader, int channel)
{
	memset(reader, 0, sizeof(*reader));
	reader->channel = channel;
	set_blocking(channel);
	assert_int_equal(pthread_create(&reader->thread, NULL, read_one,
					reader), 0);
	AWAIT(reader->tid && task_state(getpid(), reader->tid) == 'S');
}

static void reader_join(struct reader *reader)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += TEST_SECONDS;
	if (pthread_timedjoin_np(reader->thread, NULL, &end))
		fail_msg("a reader of the channel still sleeps");
}

static void blocked_read_is_woken(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;
	struct reader reader;

	reader_start(&reader, f->channel);
	toucher_start(&toucher, f->mem + 3 * TEST_PAGE);
	reader_join(&reader);
	assert_int_equal(reader.got, 16);
	assert_int_equal(le64toh(reader.record.offset), 3 * TEST_PAGE);
	hand_data(f->channel, 3, 1);
	join_all(&toucher, 1);
}

static void two_readers_share(void **state)
{
	struct hand_fixture *f = *state;
	struct reader readers[2];
	struct toucher touchers[2];

	reader_start(&readers[0], f->channel);
	reader_start(&readers[1], f->channel);
	start_all(f, touchers, 2);
	reader_join(&readers[0]);
	reader_join(&readers[1]);
	assert_int_equal(readers[0].got, 16);
	assert_int_equal(readers[1].got, 16);
	assert_int_equal(le64toh(readers[0].record.offset) +
			 le64toh(readers[1].record.offset), TEST_PAGE);
	hand_data(f->channel, 0, 2);
	join_all(touchers, 2);
}

/* Two requests come back to the queue at once, by one wake-up. */
static void two_readers_share_what_comes_back(void **state)
{
	struct hand_fixture *f = *state;
	struct reader readers[2];
	struct toucher touchers[2];

	start_all(f, touchers, 2);
	hand_take_all(f->channel, 0, 2);
	reader_start(&readers[0], f->channel);
	reader_start(&readers[1], f->channel);
	assert_int_equal(umem_channel_requeue(f->channel), 0);
	reader_join(&readers[0]);
	reader_join(&readers[1]);
	assert_int_equal(readers[0].got, 16);
	assert_int_equal(readers[1].got, 16);
	hand_data(f->channel, 0, 2);
	join_all(touchers, 2);
}

static volatile sig_atomic_t handled;

static void count_signal(int signal)
{
	(void)signal;
	handled++;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = count_signal,
				    .sa_flags = flags };

	handled = 0;
	sigaction(SIGUSR1, &action, NULL);
}

static void signal_interrupts_read(void **state)
{
	struct hand_fixture *f = *state;
	struct reader reader;

	handle(0);
	reader_start(&reader, f->channel);
	pthread_kill(reader.thread, SIGUSR1);
	reader_join(&reader);
	assert_int_equal(reader.got, -1);
	assert_int_equal(reader.error, EINTR);
	assert_int_equal(handled, 1);
}

static void read_is_restarted(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;
	struct reader reader;

	handle(SA_RESTART);
	reader_start(&reader, f->channel);
	pthread_kill(reader.thread, SIGUSR1);
	AWAIT(handled == 1);
	toucher_start(&toucher, f->mem);
	reader_join(&reader);
	assert_int_equal(reader.got, 16);
	hand_data(f->channel, 0, 1);
	join_all(&toucher, 1);
}

/* A wake-up that an interrupted reader had got must reach the other one. */
static void interrupted_reader_passes_it_on(void **state)
{
	struct hand_fixture *f = *state;
	unsigned int round;

	handle(0);
	for (round = 0; round < 30; round++) {
		struct reader readers[2];
		struct toucher toucher;
		unsigned int got;

		reader_start(&readers[0], f->channel);
		reader_start(&readers[1], f->channel);
		toucher_start(&toucher, f->mem + round * TEST_PAGE);
		/* Most likely the one that sleeps longest is woken. */
		pthread_kill(readers[round % 2].thread, SIGUSR1);
		reader_join(&readers[round % 2]);
		got = readers[round % 2].got == 16;
		if (got)
			pthread_kill(readers[!(round % 2)].thread, SIGUSR1);
		reader_join(&readers[!(round % 2)]);
		got += readers[!(round % 2)].got == 16;
		/* Both only if the second had it before its signal: no. */
		assert_int_equal(got, 1);
		hand_data(f->channel, round, 1);
		join_all(&toucher, 1);
	}
}

static void poll_tells(void **state)
{
	struct hand_fixture *f = *state;
	struct pollfd pfd = { .fd = f->channel, .events = POLLIN };
	struct toucher toucher;

	assert_int_equal(events(f->channel), POLLOUT);
	toucher_start(&toucher, f->mem);
	assert_int_equal(poll(&pfd, 1, TEST_SECONDS * 1000), 1);
	assert_int_equal(pfd.revents, POLLIN);
	assert_int_equal(events(f->channel), POLLIN | POLLOUT);
	assert_int_equal(hand_take(f->channel), 0);
	assert_int_equal(events(f->channel), POLLOUT);
	hand_data(f->channel, 0, 1);
	join_all(&toucher, 1);
	assert_int_equal(events(f->channel), POLLOUT);
}

static int epoll_of(int fd, uint32_t wanted)
{
	struct epoll_event event = { .events = wanted };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	assert_true(epoll >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	return epoll;
}

static uint32_t epoll_next(int epoll, int timeout_ms)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, timeout_ms) == 1 ? event.events : 0;
}

static void epoll_edges(void **state)
{
	struct hand_fixture *f = *state;
	int epoll = epoll_of(f->channel, EPOLLIN | EPOLLET);
	struct toucher touchers[2];

	assert_int_equal(epoll_next(epoll, 0), 0);
	toucher_start(&touchers[0], f->mem);
	assert_int_equal(epoll_next(epoll, TEST_SECONDS * 1000), EPOLLIN);
	assert_int_equal(epoll_next(epoll, 0), 0);
	/* Nothing was taken, but there is more now. */
	toucher_start(&touchers[1], f->mem + TEST_PAGE);
	assert_int_equal(epoll_next(epoll, TEST_SECONDS * 1000), EPOLLIN);
	hand_take_all(f->channel, 0, 2);
	hand_data(f->channel, 0, 2);
	join_all(touchers, 2);
	close(epoll);
}

/* The region goes while a reader sleeps: end of file, for it and for all. */
static void region_gone_is_the_end(void **state)
{
	struct hand_fixture *f = *state;
	int epoll = epoll_of(f->channel, EPOLLIN);
	struct umem_record record;
	struct reader reader;

	reader_start(&reader, f->channel);
	munmap(f->mem, SIZE);
	close(f->region);
	reader_join(&reader);
	assert_int_equal(reader.got, 0);
	assert_int_equal(read(f->channel, &record, sizeof(record)), 0);
	assert_true(events(f->channel) & POLLHUP);
	assert_true(epoll_next(epoll, TEST_SECONDS * 1000) & EPOLLHUP);
	assert_int_equal(hand_try(f->channel, UMEM_OP_ZERO, 0, 1), -EPIPE);
	assert_int_equal(hand_try(f->channel, UMEM_OP_DATA, 0, 1), -EPIPE);
	/* The channel can still say what became of its region. */
	assert_int_equal(test_status(f->channel).provider_kind,
			 UMEM_PROVIDER_NONE);
	close(epoll);
	close(f->channel);
	free(f);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, hand_fixture_drop)
	const struct CMUnitTest tests[] = {
		TEST(one_touch_one_request),
		TEST(one_page_many_threads_one_request),
		TEST(whole_records_as_many_as_fit),
		TEST(bad_buffer_loses_nothing),
		TEST(blocked_read_is_woken),
		TEST(two_readers_share),
		TEST(two_readers_share_what_comes_back),
		TEST(signal_interrupts_read),
		TEST(read_is_restarted),
		TEST(interrupted_reader_passes_it_on),
		TEST(poll_tells),
		TEST(epoll_edges),
		cmocka_unit_test_setup(region_gone_is_the_end, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
