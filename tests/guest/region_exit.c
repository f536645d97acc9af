// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tasks that end while a granule is missing: what the kernel touches for them
 * then must not keep them, and a core dump leaves the region out.
 *
 * needs: umem
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"

#define PAGES	64
#define SIZE	(PAGES * TEST_PAGE)
#define DIR	"/tmp/umem-core"

static int region, channel;
static char *mem;

static int setup(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
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

static pid_t start(void (*run)(void))
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	close(channel);
	run();
	_exit(0);
}

static int finish(pid_t child)
{
	int status;

	AWAIT(waitpid(child, &status, WNOHANG) == child);
	return status;
}

/* ---- What the exit of a task touches ------------------------------------ */

/* The head is at hand, what it refers to is in the region. */
static void robust_entry(void)
{
	struct robust_list_head *head = calloc(1, sizeof(*head));

	head->list.next = (struct robust_list *)(mem + TEST_PAGE);
	head->futex_offset = 8;
	syscall(SYS_set_robust_list, head, sizeof(*head));
}

static void robust_head(void)
{
	syscall(SYS_set_robust_list, mem, sizeof(struct robust_list_head));
}

static void robust_pending(void)
{
	struct robust_list_head *head = calloc(1, sizeof(*head));

	head->list.next = &head->list;
	head->list_op_pending = (struct robust_list *)(mem + TEST_PAGE);
	syscall(SYS_set_robust_list, head, sizeof(*head));
}

static void *sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/* Only with another user of the memory is the thread's id cleared. */
static void clear_tid(void)
{
	pthread_t thread;

	syscall(SYS_set_tid_address, mem);
	pthread_create(&thread, NULL, sleep_for_ever, NULL);
}

static void (*const legacies[])(void) = {
	robust_entry, robust_head, robust_pending, clear_tid,
};

static void leave_and_wait(void (*legacy)(void), int fd)
{
	legacy();
	if (write(fd, "x", 1) != 1)
		_exit(1);
	pause();
}

static void (*legacy)(void);
static int ready[2];

static void die_by_signal(void)
{
	leave_and_wait(legacy, ready[1]);
}

static void exit_by_itself(void)
{
	legacy();
	syscall(SYS_exit_group, 3);
}

static void *exit_thread(void *arg)
{
	legacy();
	syscall(SYS_exit, 0);
	return arg;
}

/* The thread is gone when it is no longer listed; nobody can join it. */
static void exit_of_a_thread(void)
{
	struct stat st;
	pthread_t thread;

	pthread_create(&thread, NULL, exit_thread, NULL);
	while (!stat("/proc/self/task", &st) && st.st_nlink != 3)
		usleep(1000);
	_exit(4);
}

static void ends_in_time(void (*run)(void), int wanted, bool with_signal)
{
	unsigned int i;

	for (i = 0; i < sizeof(legacies) / sizeof(legacies[0]); i++) {
		pid_t child;
		char byte;
		int status;

		/* A thread of clear_tid would stay. */
		if (run == exit_of_a_thread && legacies[i] == clear_tid)
			continue;
		legacy = legacies[i];
		assert_int_equal(pipe(ready), 0);
		child = start(run);
		if (with_signal) {
			assert_int_equal(read(ready[0], &byte, 1), 1);
			kill(child, SIGKILL);
		}
		status = finish(child);
		assert_int_equal(WIFSIGNALED(status) ? -WTERMSIG(status) :
				 WEXITSTATUS(status), wanted);
		close(ready[0]);
		close(ready[1]);
	}
	/* Nobody was kept, and nothing came of itself. */
	assert_int_equal(test_status(region).granules_provided, 0);
}

static void killed(void **state)
{
	(void)state;
	ends_in_time(die_by_signal, -SIGKILL, true);
}

static void exits(void **state)
{
	(void)state;
	ends_in_time(exit_by_itself, 3, false);
}

static void thread_exits(void **state)
{
	(void)state;
	ends_in_time(exit_of_a_thread, 4, false);
}

/* ---- What the return to user mode touches ------------------------------- */

#ifndef SYS_rseq
#define SYS_rseq 334
#endif

/* The kernel writes there on each way out of it. */
static void rseq_in_the_region(void)
{
	char *old = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size && syscall(SYS_rseq, old, 32, RSEQ_FLAG_UNREGISTER,
				   RSEQ_SIG))
		_exit(77);
	if (syscall(SYS_rseq, mem, 32, 0, RSEQ_SIG))
		_exit(errno);
	sched_yield();
	_exit(5);
}

static bool rseq_waits(pid_t child, int *status)
{
	AWAIT(waitpid(child, status, WNOHANG) == child ||
	      test_status(region).requests);
	return test_status(region).requests;
}

static void rseq_is_written(void **state)
{
	pid_t child = start(rseq_in_the_region);
	int status;

	(void)state;
	if (!rseq_waits(child, &status))
		skip();
	assert_int_equal(hand_take(channel), 0);
	hand_zero(channel, 0, 1);
	status = finish(child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
}

static void rseq_killed(void **state)
{
	pid_t child = start(rseq_in_the_region);
	int status;

	(void)state;
	if (!rseq_waits(child, &status))
		skip();
	assert_int_equal(WTERMSIG(test_kill(child)), SIGKILL);
}

static void rseq_fails(void **state)
{
	pid_t child = start(rseq_in_the_region);
	int status;

	(void)state;
	if (!rseq_waits(child, &status))
		skip();
	hand_take(channel);
	hand_fail(channel, 0, 1);
	status = finish(child);
	/* Later kernels look at the memory already when it is registered. */
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), EFAULT);
	else
		assert_int_equal(WTERMSIG(status), SIGSEGV);
}

/* ---- Core dumps --------------------------------------------------------- */

/* Bytes that the core in DIR has of the page at @at; -1 without one. */
static long dumped(const char *at)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	long bytes = -1;
	FILE *core = popen("cat " DIR "/core*", "r");

	if (core && fread(&head, sizeof(head), 1, core) == 1 &&
	    !memcmp(head.e_ident, ELFMAG, SELFMAG)) {
		for (bytes = 0; head.e_phnum &&
		     fread(&part, sizeof(part), 1, core) == 1; head.e_phnum--)
			if (part.p_type == PT_LOAD &&
			    (uintptr_t)at - part.p_vaddr < part.p_memsz)
				bytes += part.p_filesz;
	}
	if (core)
		pclose(core);
	return bytes;
}

static void prepare_to_dump(void)
{
	static const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int filter = open("/proc/self/coredump_filter", O_WRONLY);

	/* All that can be dumped, shared files included. */
	if (write(filter, "0xff", 4) != 4 || chdir(DIR) ||
	    setrlimit(RLIMIT_CORE, &unlimited))
		_exit(1);
	signal(SIGABRT, SIG_DFL);
}

static void abort_with_missing_pages(void)
{
	prepare_to_dump();
	abort();
}

/* The dump tells the arguments of the program, wherever they are said to be. */
static void abort_with_missing_arguments(void)
{
	prepare_to_dump();
	/* The stack, where they were, is above all mappings. */
	if (prctl(PR_SET_MM, PR_SET_MM_ARG_START, mem + TEST_PAGE, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ARG_END, mem + TEST_PAGE + 64, 0, 0))
		_exit(1);
	abort();
}

/* Other threads wait for pages, by all kinds of touches. */
static void abort_with_faults_in_flight(void)
{
	struct toucher read, write, copied;
	char *copy = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  region, 0);

	prepare_to_dump();
	toucher_start(&read, mem + 2 * TEST_PAGE);
	toucher_start_write(&write, mem + 3 * TEST_PAGE, 1);
	toucher_start_write(&copied, copy + 4 * TEST_PAGE, 1);
	while (test_status(region).faults < 3)
		usleep(1000);
	abort();
}

/* The touch itself ends in a dump. */
static void die_of_sigbus(void)
{
	prepare_to_dump();
	*(volatile char *)(mem + 5 * TEST_PAGE);
}

static uint64_t dump(void (*run)(void), int signal)
{
	uint64_t requests;
	int status;

	if (system("rm -rf " DIR " && mkdir " DIR))
		fail_msg("mkdir");
	status = finish(start(run));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
	assert_true(WCOREDUMP(status));
	requests = test_status(region).requests;
	/* The dump has what it should, and nothing of the region. */
	assert_true(dumped((char *)dump) > 0);
	assert_int_equal(dumped(mem), 0);
	assert_int_equal(dumped(mem + SIZE / 2), 0);
	return requests;
}

static void dump_asks_for_nothing(void **state)
{
	(void)state;
	hand_data(channel, PAGES - 1, 1);
	assert_int_equal(dump(abort_with_missing_pages, SIGABRT), 0);
	assert_int_equal(dumped(mem + SIZE - TEST_PAGE), 0);
}

/* The kernel reads a missing granule while it dumps: no signal would end that. */
static void dump_touches_nothing(void **state)
{
	double started = test_now();

	(void)state;
	assert_int_equal(dump(abort_with_missing_arguments, SIGABRT), 0);
	assert_int_equal(test_status(region).faults, 0);
	if (test_now() - started > TEST_SECONDS / 3.)
		fail_msg("the dump took %.1f s", test_now() - started);
}

static void dump_with_faults_in_flight(void **state)
{
	(void)state;
	assert_int_equal(dump(abort_with_faults_in_flight, SIGABRT), 3);
}

static void dump_after_sigbus(void **state)
{
	pid_t child;

	(void)state;
	if (system("rm -rf " DIR " && mkdir " DIR))
		fail_msg("mkdir");
	child = start(die_of_sigbus);
	assert_int_equal(hand_take(channel), 5);
	hand_fail(channel, 5, 1);
	assert_int_equal(WTERMSIG(finish(child)), SIGBUS);
	assert_int_equal(dumped(mem), 0);
	assert_int_equal(test_status(region).requests, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(killed),
		TEST(exits),
		TEST(thread_exits),
		TEST(rseq_is_written),
		TEST(rseq_killed),
		TEST(rseq_fails),
		TEST(dump_asks_for_nothing),
		TEST(dump_touches_nothing),
		TEST(dump_with_faults_in_flight),
		TEST(dump_after_sigbus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
