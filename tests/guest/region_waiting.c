// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * needs: umem
 * timeout: 240
 *
 * Who waits for what: nobody waits longer than the policy says, for a granule
 * that is there, behind somebody else's wait, or through the gap between two
 * providers.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PATIENCE_MS 20000
#define READERS 100

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static char *map(int region, size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 region, 0);

	assert_true(mem != MAP_FAILED);
	return mem;
}

static void answer_zero(int channel, uint64_t granule)
{
	struct umem_record record = {
		.offset = htole64(granule * TEST_PAGE),
		.length = htole32(TEST_PAGE),
		.op = UMEM_OP_ZERO,
	};

	assert_int_equal(write(channel, &record, sizeof(record)),
			 sizeof(record));
}

/* The child's exit status, or -1 when it does not end: it is killed then. */
static int wait_child(pid_t pid)
{
	long deadline = now_ms() + PATIENCE_MS;
	int status;

	while (now_ms() < deadline) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Child: a system call touches missing memory while signals come and come. */
static void write_under_signals(const char *missing)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
	int pipes[2];
	ssize_t got;

	if (pipe(pipes))
		_exit(100);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	do {
		got = write(pipes[1], missing, 8);
	} while (got < 0 && errno == EINTR);
	_exit(got < 0 ? errno : 0);
}

static int child_writes_under_signals(const char *missing)
{
	pid_t pid = fork();

	if (!pid)
		write_under_signals(missing);
	return wait_child(pid);
}

static void fail_ends_a_system_call_under_signals(void **state)
{
	struct pattern_provider provider = { .fail_every = 1 };
	int region = test_region(1 << 20, UMEM_WAIT_HARD, 0, 8);
	char *mem = map(region, 1 << 20);

	(void)state;
	pattern_provider_start(&provider, region);
	assert_int_equal(child_writes_under_signals(mem), EFAULT);
	pattern_provider_stop(&provider);
	munmap(mem, 1 << 20);
	close(region);
}

static void timeout_ends_a_system_call_under_signals(void **state)
{
	int region = test_region(1 << 20, UMEM_WAIT_TIMEOUT, 300, 8);
	int channel = umem_region_channel(region, 0);
	char *mem = map(region, 1 << 20);

	(void)state;
	assert_true(channel >= 0);
	assert_int_equal(child_writes_under_signals(mem), EFAULT);
	/* A copy may try the rest byte by byte, so it can time out again. */
	assert_in_range(test_status(region).timeouts, 1, 3);
	close(channel);
	munmap(mem, 1 << 20);
	close(region);
}

static void *touch(void *arg)
{
	return (void *)(uintptr_t)*(volatile char *)arg;
}

/* Whether the thread ends in time; it is joined then. */
static bool ends(pthread_t thread)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	return !pthread_timedjoin_np(thread, NULL, &until);
}

static void wait_for_faults(int region, uint64_t count)
{
	long deadline = now_ms() + PATIENCE_MS;

	while (test_status(region).faults < count) {
		assert_true(now_ms() < deadline);
		usleep(1000);
	}
}

/* The only slot is taken; the second granule comes as a push. */
static void push_wakes_who_waits_for_a_slot(void **state)
{
	int region = test_region(1 << 20, UMEM_WAIT_HARD, 0, 1);
	int channel = umem_region_channel(region, 0);
	char *mem = map(region, 1 << 20);
	struct umem_record request;
	pthread_t first, second;

	(void)state;
	assert_true(channel >= 0);
	assert_int_equal(pthread_create(&first, NULL, touch, mem), 0);
	assert_int_equal(read(channel, &request, sizeof(request)),
			 sizeof(request));
	assert_int_equal(pthread_create(&second, NULL, touch,
					mem + 5 * TEST_PAGE), 0);
	wait_for_faults(region, 2);
	/* Long enough for it to sleep; a miss only weakens the test. */
	usleep(100000);
	answer_zero(channel, 5);
	assert_true(ends(second));
	answer_zero(channel, 0);
	assert_true(ends(first));
	close(channel);
	munmap(mem, 1 << 20);
	close(region);
}

struct reader {
	pthread_t thread;
	int region;
	unsigned int granule;
	int err;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;
	char buf[16];

	if (pread(reader->region, buf, sizeof(buf),
		  reader->granule * TEST_PAGE) != sizeof(buf))
		reader->err = errno;
	return NULL;
}

static void replace_leaves_no_gap_under_failfast(void **state)
{
	static struct reader readers[READERS];
	struct pattern_provider provider = { 0 };
	int region = test_region(64 << 20, UMEM_WAIT_FAILFAST, 0, 65536);
	int channel = umem_region_channel(region, 0);
	unsigned int i;

	(void)state;
	assert_true(channel >= 0);
	for (i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .region = region, .granule = i };
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
						read_one, &readers[i]), 0);
	}
	while (test_status(region).requests_queued < READERS)
		usleep(1000);
	pattern_provider_take_over(&provider, region);
	for (i = 0; i < READERS; i++) {
		assert_true(ends(readers[i].thread));
		assert_int_equal(readers[i].err, 0);
	}
	pattern_provider_stop(&provider);
	close(channel);
	close(region);
}

/* ---- Slots of a long read ------------------------------------------------ */

#define SLOTS 4

static void *read_as_many_as_slots(void *arg)
{
	struct reader *reader = arg;
	char buf[SLOTS * TEST_PAGE];
	unsigned int i;

	if (pread(reader->region, buf, sizeof(buf), 0) != sizeof(buf)) {
		reader->err = errno;
		return NULL;
	}
	for (i = 0; i < SLOTS; i++)
		if (!pattern_matches(buf + i * TEST_PAGE, i))
			reader->err = EBADMSG;
	return NULL;
}

/* It took all slots and waits for the first granule; the others are there. */
static void read_keeps_no_slot_that_is_over(void **state)
{
	struct reader reader = {
		.region = test_region(1 << 20, UMEM_WAIT_HARD, 0, SLOTS),
	};
	struct toucher other[SLOTS - 1];
	int channel = hand_open(reader.region, 0);
	char *mem = map(reader.region, 1 << 20);
	unsigned int i;

	(void)state;
	assert_int_equal(pthread_create(&reader.thread, NULL,
					read_as_many_as_slots, &reader), 0);
	hand_take_all(channel, 0, SLOTS);
	hand_data(channel, 1, SLOTS - 1);
	for (i = 0; i < SLOTS - 1; i++)
		toucher_start(&other[i], mem + (10 + i) * TEST_PAGE);
	hand_take_all(channel, 10, SLOTS - 1);
	hand_data(channel, 10, SLOTS - 1);
	for (i = 0; i < SLOTS - 1; i++)
		assert_int_equal(toucher_join(&other[i]), 0);
	hand_data(channel, 0, 1);
	assert_true(ends(reader.thread));
	assert_int_equal(reader.err, 0);
	close(channel);
	munmap(mem, 1 << 20);
	close(reader.region);
}

/* The same when what it asked for is taken from the provider and given back. */
static void read_is_served_after_a_requeue(void **state)
{
	struct reader reader = {
		.region = test_region(1 << 20, UMEM_WAIT_HARD, 0, SLOTS),
	};
	int channel = hand_open(reader.region, 0);
	char *own = hand_map(channel, 1 << 20);
	unsigned int i;

	(void)state;
	assert_int_equal(pthread_create(&reader.thread, NULL,
					read_as_many_as_slots, &reader), 0);
	hand_take_all(channel, 0, SLOTS);
	/* Those that were touched end, and are asked for anew. */
	for (i = 0; i < SLOTS; i += 2)
		own[i * TEST_PAGE] = 1;
	assert_int_equal(ioctl(channel, UMEM_CHANNEL_IOC_REQUEUE), 0);
	/* Not all at once: one is asked for when its turn comes. */
	for (i = 0; i < SLOTS; i++) {
		uint64_t granule = hand_take(channel);

		assert_in_range(granule, 0, SLOTS - 1);
		hand_data(channel, granule, 1);
	}
	assert_true(ends(reader.thread));
	assert_int_equal(reader.err, 0);
	munmap(own, 1 << 20);
	close(channel);
	close(reader.region);
}

/* ---- Notes that nobody comes back for ------------------------------------ */

#define DESERTERS 2500
#define VICTIMS 32

static void on_alarm_exit(int sig)
{
	(void)sig;
	_exit(0);
}

/* Leaves a note about the time that is left, and never comes back. */
static void desert(volatile char *missing)
{
	struct itimerval once = { .it_value = { 0, 2000 } };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGALRM, on_alarm_exit);
		setitimer(ITIMER_REAL, &once, NULL);
		_exit(*missing);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct failing {
	int channel;
	unsigned int answers;
};

static void *fail_what_comes(void *arg)
{
	struct failing *failing = arg;
	struct umem_record record;

	while (read(failing->channel, &record, sizeof(record)) ==
	       sizeof(record)) {
		record.op = UMEM_OP_FAIL;
		record.status = htole16(UMEM_STATUS_IO);
		failing->answers++;
		if (write(failing->channel, &record, sizeof(record)) !=
		    sizeof(record))
			break;
	}
	return NULL;
}

static void on_bus_exit(int sig)
{
	(void)sig;
	_exit(7);
}

static void verdict_reaches_who_shares_with_deserters(void **state)
{
	int region = test_region(1 << 20, UMEM_WAIT_TIMEOUT, 600 * 1000, 8);
	struct failing failing = { .channel = umem_region_channel(region, 0) };
	char *mem = map(region, 1 << 20);
	pthread_t thread;
	unsigned int i;
	pid_t pid;

	(void)state;
	for (i = 0; i < DESERTERS; i++)
		desert(mem);
	answer_zero(failing.channel, 0);
	assert_int_equal(pthread_create(&thread, NULL, fail_what_comes,
					&failing), 0);
	for (i = 0; i < VICTIMS; i++) {
		pid = fork();
		if (!pid) {
			signal(SIGBUS, on_bus_exit);
			_exit(*(volatile char *)(mem + 5 * TEST_PAGE));
		}
		assert_int_equal(wait_child(pid), 7);
	}
	/* Asked once each: nobody began anew, as without the note. */
	assert_int_equal(failing.answers, VICTIMS);
	umem_region_detach(region);
	assert_true(ends(thread));
	munmap(mem, 1 << 20);
	close(failing.channel);
	close(region);
}

static void *write_from_missing(void *arg)
{
	int *fds = arg;
	char *source = map(fds[1], 1 << 20);
	ssize_t done = pwrite(fds[0], source, TEST_PAGE, 0);

	munmap(source, 1 << 20);
	return (void *)done;
}

/* A writer whose source is missing memory holds up no other writer. */
static void writer_waits_alone(void **state)
{
	int target = test_region(1 << 20, UMEM_WAIT_HARD, 0, 8);
	int source = test_region(1 << 20, UMEM_WAIT_HARD, 0, 8);
	int fds[2] = { target, source };
	int channel = umem_region_channel(source, 0);
	struct pattern_provider provider = { 0 };
	pthread_t slow;
	pid_t pid;

	(void)state;
	assert_true(channel >= 0);
	pattern_provider_start(&provider, target);
	assert_int_equal(pthread_create(&slow, NULL, write_from_missing, fds),
			 0);
	wait_for_faults(source, 1);
	pid = fork();
	if (!pid)
		_exit(pwrite(target, "x", 1, 8 * TEST_PAGE) == 1 ? 0 : 1);
	assert_int_equal(wait_child(pid), 0);
	answer_zero(channel, 0);
	assert_true(ends(slow));
	pattern_provider_stop(&provider);
	close(channel);
	close(source);
	close(target);
}

static void writes_reach_beyond_2_gib(void **state)
{
	const off_t edge = (off_t)2 << 30;
	struct pattern_provider provider = { 0 };
	int region = test_region((size_t)3 << 30, UMEM_WAIT_HARD, 0, 8);
	char out[2 * TEST_PAGE], in[2 * TEST_PAGE];

	(void)state;
	memset(out, 0x5a, sizeof(out));
	pattern_provider_start(&provider, region);
	assert_int_equal(pwrite(region, out, sizeof(out),
				edge - (off_t)TEST_PAGE), sizeof(out));
	assert_int_equal(pread(region, in, sizeof(in),
			       edge - (off_t)TEST_PAGE), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	pattern_provider_stop(&provider);
	close(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_ends_a_system_call_under_signals),
		cmocka_unit_test(timeout_ends_a_system_call_under_signals),
		cmocka_unit_test(push_wakes_who_waits_for_a_slot),
		cmocka_unit_test(replace_leaves_no_gap_under_failfast),
		cmocka_unit_test(read_keeps_no_slot_that_is_over),
		cmocka_unit_test(read_is_served_after_a_requeue),
		cmocka_unit_test(verdict_reaches_who_shares_with_deserters),
		cmocka_unit_test(writer_waits_alone),
		cmocka_unit_test(writes_reach_beyond_2_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
