// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "touch.h"

static __thread sigjmp_buf *landing;

static void bad_access(int signal)
{
	if (landing)
		siglongjmp(*landing, signal);
	/* Not expected: let it kill. */
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

static void install(void)
{
	struct sigaction action = { .sa_handler = bad_access };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static int touch(volatile char *at, bool write, char *value)
{
	sigjmp_buf here;
	int signal;

	/* cmocka has handlers of its own, set anew for each test. */
	install();
	signal = sigsetjmp(here, 1);
	if (!signal) {
		landing = &here;
		if (write)
			*at = *value;
		else
			*value = *at;
	}
	landing = NULL;
	return signal;
}

int touch_read(const volatile void *at)
{
	char value;

	return touch((volatile char *)at, false, &value);
}

int touch_write(volatile void *at, char value)
{
	return touch(at, true, &value);
}

void test_pause(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void *run(void *arg)
{
	struct toucher *toucher = arg;

	toucher->tid = gettid();
	toucher->signal = touch(toucher->at, toucher->write, &toucher->value);
	toucher->over = true;
	return NULL;
}

static void start(struct toucher *toucher)
{
	toucher->tid = 0;
	toucher->over = false;
	assert_int_equal(pthread_create(&toucher->thread, NULL, run, toucher),
			 0);
	AWAIT(toucher->tid);
}

void toucher_start(struct toucher *toucher, volatile char *at)
{
	toucher->at = at;
	toucher->write = false;
	start(toucher);
}

void toucher_start_write(struct toucher *toucher, volatile char *at, char value)
{
	toucher->at = at;
	toucher->write = true;
	toucher->value = value;
	start(toucher);
}

bool toucher_is_over(struct toucher *toucher)
{
	return toucher->over;
}

int toucher_join(struct toucher *toucher)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += TEST_SECONDS;
	if (pthread_timedjoin_np(toucher->thread, NULL, &end))
		fail_msg("a thread still waits for its page");
	return toucher->signal;
}

int test_kill(pid_t child)
{
	int status;

	assert_int_equal(kill(child, SIGKILL), 0);
	AWAIT(waitpid(child, &status, WNOHANG) == child);
	return status;
}

char task_state(pid_t pid, pid_t tid)
{
	char path[64], line[512], *end;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	length = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[length] = '\0';
	end = strrchr(line, ')');
	return end ? end[2] : 0;
}

bool task_sleeps(pid_t pid, pid_t tid)
{
	char state = task_state(pid, tid);

	return state == 'S' || state == 'D';
}
