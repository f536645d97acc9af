/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: touching memory that may answer with a signal, in this
 * thread or in another one, and waiting for a condition with a deadline.
 */
#ifndef UMEM_TEST_TOUCH_H
#define UMEM_TEST_TOUCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

/*
 * What must end may take as long: far beyond what a busy machine needs; a failure
 * is told, not waited out. Ten times as much on a debug kernel.
 */
#define TEST_SECONDS	(getenv("UMEM_DEBUG_KERNEL") ? 300 : 30)

static inline double test_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void test_pause(void);

/* Looks until @condition holds; the test fails when it does not in time. */
#define AWAIT(condition) do {						\
	double await_end = test_now() + TEST_SECONDS;			\
	while (!(condition)) {						\
		if (test_now() > await_end)				\
			fail_msg("not within %d s: %s", TEST_SECONDS,	\
				 #condition);				\
		test_pause();						\
	}								\
} while (0)

/* 0, or the signal (SIGBUS, SIGSEGV) by which the access ended. */
int touch_read(const volatile void *at);
int touch_write(volatile void *at, char value);

/* A thread that touches one byte. */
struct toucher {
	volatile char *at;
	bool write;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool over;
	char value;			/* read, or to be written */
	int signal;			/* how it ended */
};

void toucher_start(struct toucher *toucher, volatile char *at);
void toucher_start_write(struct toucher *toucher, volatile char *at, char value);
bool toucher_is_over(struct toucher *toucher);

/* The signal or 0; fails the test when the thread does not end in time. */
int toucher_join(struct toucher *toucher);

/* Ends a child by SIGKILL: its wait status; fails the test when it does not die. */
int test_kill(pid_t child);

/* The letter of its state in /proc, and whether that says it sleeps. */
char task_state(pid_t pid, pid_t tid);
bool task_sleeps(pid_t pid, pid_t tid);

#endif /* UMEM_TEST_TOUCH_H */
