// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider as a child of ours. What it has to say goes to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "cpus.h"

#define PROGRAM "umem-provider"
#define STOP_TRIES 500
#define STOP_PAUSE_NS 10000000

static void find_program(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		n = snprintf(path, PATH_MAX, "%s/%s", dirname(self), PROGRAM);
		if (n < PATH_MAX && !access(path, X_OK))
			return;
	}
	strcpy(path, PROGRAM);
}

/* In the child. Gone when we are gone: nobody else wants it. */
static _Noreturn void run(const struct bench *bench, int region, int ready,
			  pid_t parent)
{
	char path[PATH_MAX];
	char target[32];
	char ready_text[16];
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(BENCH_EXIT_ERROR);
	err = cpus_apply(&bench->opt.handler_cpu);
	if (err) {
		umem_say_failed(err, NULL, "binding " PROGRAM " to CPUs %s",
				bench->opt.handler_cpu.text);
		_exit(BENCH_EXIT_ERROR);
	}
	find_program(path);
	snprintf(target, sizeof(target), "%d:%d", (int)parent, region);
	snprintf(ready_text, sizeof(ready_text), "%d", ready);
	fcntl(ready, F_SETFD, 0);
	/* Its standard output is not our report. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execlp(path, PROGRAM, "--ready-fd", ready_text, target,
	       bench->opt.source, (char *)NULL);
	umem_say_failed(errno, NULL, "starting %s", path);
	_exit(BENCH_EXIT_ERROR);
}

/* A byte when it is live; the end of file when it is not going to be. */
static bool is_live(int ready)
{
	char byte;
	ssize_t n;

	do {
		n = read(ready, &byte, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

int child_start(const struct bench *bench, int region, pid_t *pid,
		struct umem_why *why)
{
	pid_t self = getpid();
	int ready[2];
	bool live;

	if (pipe2(ready, O_CLOEXEC))
		return umem_because(why, -errno, "no pipe");
	*pid = fork();
	if (!*pid)
		run(bench, region, ready[1], self);
	close(ready[1]);
	live = *pid > 0 && is_live(ready[0]);
	close(ready[0]);
	if (live)
		return 0;
	if (*pid < 0)
		return umem_because(why, -errno, "fork failed");
	child_stop(*pid);
	*pid = 0;
	return umem_because(why, -ECHILD,
			    PROGRAM " did not come up; it says above why");
}

void child_stop(pid_t pid)
{
	static const struct timespec pause = { .tv_nsec = STOP_PAUSE_NS };

	kill(pid, SIGTERM);
	for (int i = 0; i < STOP_TRIES; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
