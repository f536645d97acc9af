// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Signals and those who wait: SIGKILL ends any wait at once, a handler runs in
 * between, a system call with a signal pending neither spins nor outlives what
 * the policy or the provider says.
 *
 * needs: umem
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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

static int region, channel;
static char *mem;

static void make(unsigned int policy, unsigned int timeout_ms)
{
	region = test_region(SIZE, policy, timeout_ms, 16);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static int setup(void **state)
{
	(void)state;
	make(UMEM_WAIT_HARD, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hand_release(region);
	munmap(mem, SIZE);
	close(region);
	close(channel);
	return 0;
}

/* ---- SIGKILL ------------------------------------------------------------ */

static void by_mmap_read(void)
{
	touch_read(mem);
}

static void by_mmap_write(void)
{
	touch_write(mem, 1);
}

static void by_private_write(void)
{
	char *priv = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  region, 0);

	touch_write(priv, 1);
}

static void by_pread(void)
{
	char byte;

	if (pread(region, &byte, 1, 0) != 1)
		_exit(1);
}

static void by_pwrite(void)
{
	if (pwrite(region, "x", 1, 0) != 1)
		_exit(1);
}

/* copy_to_user() into the region */
static void by_read_into(void)
{
	int zero = open("/dev/zero", O_RDONLY);

	if (read(zero, mem, 100) != 100)
		_exit(1);
}

/* copy_from_user() from the region */
static void by_write_from(void)
{
	int fds[2];

	if (pipe(fds) || write(fds[1], mem, 100) != 100)
		_exit(1);
}

static void by_futex(void)
{
	syscall(SYS_futex, mem, 0 /* FUTEX_WAIT */, 77, NULL, NULL, 0);
}

static void by_populate(void)
{
	if (madvise(mem, SIZE, 22 /* MADV_POPULATE_READ */))
		_exit(1);
}

static void by_mlock(void)
{
	if (mlock2(mem, SIZE, 0))
		_exit(1);
}

static const struct {
	const char *what;
	void (*wait)(void);
} waits[] = {
	{ "mmap read", by_mmap_read },
	{ "mmap write", by_mmap_write },
	{ "write to a private mapping", by_private_write },
	{ "pread", by_pread },
	{ "pwrite", by_pwrite },
	{ "read() into the region", by_read_into },
	{ "write() from the region", by_write_from },
	{ "futex", by_futex },
	{ "MADV_POPULATE_READ", by_populate },
	{ "mlock2", by_mlock },
};

/* Kills a process once it waits. */
static void kill_waiting(pid_t child)
{
	int status;

	AWAIT(test_status(region).requests >= 1);
	AWAIT(task_sleeps(child, child));
	status = test_kill(child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void killed_at_once(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		pid_t child;

		print_message("# %s\n", waits[i].what);
		make(UMEM_WAIT_HARD, 0);
		child = fork();
		if (!child) {
			waits[i].wait();
			_exit(0);
		}
		kill_waiting(child);
		teardown(NULL);
	}
}

/* The provider left before: a hard wait stays killable. */
static void killed_without_provider(void **state)
{
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		by_mmap_read();
		_exit(0);
	}
	AWAIT(test_status(region).requests == 1);
	hand_take(channel);
	close(channel);
	kill_waiting(child);
	channel = hand_open(region, 0);
}

static void killed_with_eight_threads(void **state)
{
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		struct toucher touchers[8];
		unsigned int i;

		for (i = 0; i < 8; i++)
			toucher_start(&touchers[i], mem + i * TEST_PAGE);
		pause();
	}
	AWAIT(test_status(region).faults == 8);
	kill_waiting(child);
}

static _Atomic pid_t exiting;

static void *exit_clearing_tid(void *arg)
{
	(void)arg;
	syscall(SYS_set_tid_address, mem);
	exiting = gettid();
	syscall(SYS_exit, 0);
	return NULL;
}

/*
 * A thread's exit writes to a missing granule (CLONE_CHILD_CLEARTID). No signal
 * reaches it any more, so it must not wait.
 */
static void exit_with_tid_in_the_region(void **state)
{
	pthread_t thread;

	(void)state;
	exiting = 0;
	pthread_create(&thread, NULL, exit_clearing_tid, NULL);
	AWAIT(exiting);
	/* Its descriptor is never freed: nobody can join it. */
	AWAIT(syscall(SYS_tgkill, getpid(), exiting, 0) && errno == ESRCH);
	assert_int_equal(test_status(region).granules_provided, 0);
}

/* A core dump leaves the region out, and does not wait for it. */
static void core_dump(void **state)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct toucher waiting;
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (!child) {
		char *priv = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE, region, 0);

		if (priv == MAP_FAILED || chdir("/tmp"))
			_exit(1);
		setrlimit(RLIMIT_CORE, &unlimited);
		signal(SIGABRT, SIG_DFL);
		/* A thread waits meanwhile. */
		toucher_start(&waiting, priv);
		AWAIT(task_sleeps(getpid(), waiting.tid));
		abort();
	}
	AWAIT(waitpid(child, &status, WNOHANG) == child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(WCOREDUMP(status));
}

/* ---- Other signals ------------------------------------------------------ */

static volatile sig_atomic_t handled;

static void count_signal(int signal)
{
	(void)signal;
	handled++;
}

static void handle(void)
{
	struct sigaction action = { .sa_handler = count_signal };

	handled = 0;
	sigaction(SIGUSR1, &action, NULL);
}

/* The handler runs while the page is missing; then the wait goes on. */
static void handler_runs_during_a_touch(void **state)
{
	struct toucher toucher;
	int i;

	(void)state;
	handle();
	toucher_start(&toucher, mem);
	assert_int_equal(hand_take(channel), 0);
	for (i = 1; i <= 3; i++) {
		AWAIT(task_sleeps(getpid(), toucher.tid));
		pthread_kill(toucher.thread, SIGUSR1);
		AWAIT(handled == i);
	}
	assert_false(toucher_is_over(&toucher));
	hand_data(channel, 0, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(test_status(region).requests, 1);
}

struct call {
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool over;
	ssize_t (*run)(void);
	ssize_t result;
};

static void *call_thread(void *arg)
{
	struct call *call = arg;

	call->tid = gettid();
	call->result = call->run();
	if (call->result < 0)
		call->result = -errno;
	call->over = true;
	return NULL;
}

static void call_start(struct call *call, ssize_t (*run)(void))
{
	*call = (struct call){ .run = run };
	assert_int_equal(pthread_create(&call->thread, NULL, call_thread, call),
			 0);
	AWAIT(call->tid);
}

static ssize_t call_join(struct call *call)
{
	AWAIT(call->over);
	pthread_join(call->thread, NULL);
	return call->result;
}

static ssize_t pread_region(void)
{
	char byte;

	return pread(region, &byte, 1, 0);
}

static void signal_interrupts_pread(void **state)
{
	struct call call;

	(void)state;
	handle();
	call_start(&call, pread_region);
	assert_int_equal(hand_take(channel), 0);
	AWAIT(task_sleeps(getpid(), call.tid));
	pthread_kill(call.thread, SIGUSR1);
	assert_int_equal(call_join(&call), -EINTR);
	assert_int_equal(handled, 1);
	/* Its request is open yet, and good for the next. */
	hand_data(channel, 0, 1);
	assert_int_equal(pread_region(), 1);
}

/* The kernel writes into a missing granule. */
static ssize_t zeroes_into_region(void)
{
	int zero = open("/dev/zero", O_RDONLY);
	ssize_t done = read(zero, mem, 100);
	int err = errno;

	close(zero);
	errno = err;
	return done;
}

static double cpu_seconds(pthread_t thread)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
	clock_gettime(clock, &used);
	return used.tv_sec + used.tv_nsec / 1e9;
}

/* Starts the call; returns when it waits with a signal pending, or is over. */
static void call_with_signal_pending(struct call *call)
{
	handle();
	call_start(call, zeroes_into_region);
	assert_int_equal(hand_take(channel), 0);
	AWAIT(call->over || task_sleeps(getpid(), call->tid));
	pthread_kill(call->thread, SIGUSR1);
}

/* How much of a CPU it uses for the next second, or longer if we are kept. */
static double share_of_cpu(pthread_t thread)
{
	double cpu = cpu_seconds(thread), started = test_now();

	while (test_now() - started < 1)
		test_pause();
	return (cpu_seconds(thread) - cpu) / (test_now() - started);
}

/* By the least of several: what the host takes from the machine counts as used. */
static void pending_signal_does_not_spin(void **state)
{
	double share, least = 1;
	struct call call;

	(void)state;
	call_with_signal_pending(&call);
	for (int i = 0; i < 3; i++) {
		share = share_of_cpu(call.thread);
		least = share < least ? share : least;
	}
	/* The handler runs when the system call is over, not before. */
	assert_int_equal(handled, 0);
	assert_false(call.over);
	if (least > 0.4)
		fail_msg("%.2f s of CPU in one second of waiting", least);
	hand_data(channel, 0, 1);
	assert_int_equal(call_join(&call), 100);
	assert_int_equal(handled, 1);
	assert_int_equal(mem[0], 0);
	assert_int_equal(*(uint64_t *)(mem + 128), pattern_word(0, 16));
}

/* Nobody's time was up: the policy knows no time. */
static void pending_signal_is_no_timeout(void **state)
{
	struct call call;
	double started = test_now();

	(void)state;
	call_with_signal_pending(&call);
	while (test_now() - started < 0.5)
		test_pause();
	hand_data(channel, 0, 1);
	assert_int_equal(call_join(&call), 100);
	assert_int_equal(test_status(region).timeouts, 0);
}

/* A verdict ends the system call, signal or not. */
static void fail_with_signal_pending(void **state)
{
	struct call call;
	unsigned int asked;

	(void)state;
	call_with_signal_pending(&call);
	/* The second time it waits, the signal is there. */
	usleep(100000);
	hand_fail(channel, 0, 1);
	for (asked = 1; !call.over && asked < 5;) {
		AWAIT(call.over || test_status(region).requests_queued);
		if (call.over)
			break;
		hand_take(channel);
		hand_fail(channel, 0, 1);
		asked++;
	}
	if (!call.over) {
		AWAIT(test_status(region).requests_queued);
		hand_data(channel, 0, 1);
		call_join(&call);
		fail_msg("asked again after %u verdicts", asked);
	}
	assert_int_equal(call_join(&call), -EFAULT);
	/* One that comes between two slices of the wait finds nobody waiting. */
	assert_in_range(asked, 1, 3);
	assert_int_equal(handled, 1);
}

static void timeout_with_signal_pending(void **state)
{
	struct call call;
	double end;

	(void)state;
	make(UMEM_WAIT_TIMEOUT, 5000);
	call_with_signal_pending(&call);
	end = test_now() + TEST_SECONDS;
	while (!call.over && test_now() < end)
		test_pause();
	if (!call.over) {
		hand_data(channel, 0, 1);
		call_join(&call);
		fail_msg("no end of the wait long after its limit");
	}
	assert_int_equal(call_join(&call), -EFAULT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_once),
		TEST(killed_without_provider),
		TEST(killed_with_eight_threads),
		TEST(exit_with_tid_in_the_region),
		TEST(core_dump),
		TEST(handler_runs_during_a_touch),
		TEST(signal_interrupts_pread),
		TEST(pending_signal_does_not_spin),
		TEST(pending_signal_is_no_timeout),
		TEST(fail_with_signal_pending),
		cmocka_unit_test_teardown(timeout_with_signal_pending, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
