// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider as a child of ours. What it has to say is kept in a memfd, and
 * shown when something went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "cpus.h"

#define PROGRAM "umem-provider"
#define STOP_TRIES 500
#define STOP_PAUSE_NS 10000000

/* Never closed; one for all children. */
static int log_fd = -1;

void child_tell(void)
{
	char text[1024];
	off_t at = 0;
	ssize_t n;

	while (log_fd >= 0 && (n = pread(log_fd, text, sizeof(text), at)) > 0) {
		if (write(STDERR_FILENO, text, n) < 0)
			return;
		at += n;
	}
}

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

/* What is behind the program's name, and the strings for it. */
struct arguments {
	char target[32];
	char ready[16];
	char *argv[8];
};

static void make_arguments(struct arguments *args, const struct bench *bench,
			   int region, bool poll, int ready)
{
	int n = 0;

	snprintf(args->target, sizeof(args->target), "%d:%d", (int)getpid(),
		 region);
	snprintf(args->ready, sizeof(args->ready), "%d", ready);
	args->argv[n++] = PROGRAM;
	args->argv[n++] = "--ready-fd";
	args->argv[n++] = args->ready;
	if (poll)
		args->argv[n++] = "--poll";
	args->argv[n++] = args->target;
	args->argv[n++] = (char *)bench->opt.source;
	args->argv[n] = NULL;
}

/* In the child. Gone when we are gone: nobody else wants it. */
static _Noreturn void run(const struct bench *bench, struct arguments *args,
			  int ready, pid_t parent)
{
	char path[PATH_MAX];
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(BENCH_EXIT_ERROR);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	err = cpus_apply(&bench->opt.handler_cpu);
	if (err) {
		umem_say_failed(err, NULL, "binding " PROGRAM " to CPUs %s",
				bench->opt.handler_cpu.text);
		_exit(BENCH_EXIT_ERROR);
	}
	find_program(path);
	fcntl(ready, F_SETFD, 0);
	execvp(path, args->argv);
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

int child_start(const struct bench *bench, int region, bool poll, pid_t *pid,
		struct umem_why *why)
{
	struct arguments args;
	pid_t self = getpid();
	int ready[2];
	bool live;

	if (log_fd < 0)
		log_fd = memfd_create("umem-bench-log", MFD_CLOEXEC);
	if (log_fd < 0 || pipe2(ready, O_CLOEXEC))
		return umem_because(why, -errno, "no memfd or pipe");
	make_arguments(&args, bench, region, poll, ready[1]);
	*pid = fork();
	if (!*pid)
		run(bench, &args, ready[1], self);
	close(ready[1]);
	live = *pid > 0 && is_live(ready[0]);
	close(ready[0]);
	if (live)
		return 0;
	if (*pid < 0)
		return umem_because(why, -errno, "fork failed");
	child_tell();
	child_stop(*pid);
	return umem_because(why, -ECHILD,
			    PROGRAM " did not come up; it says above why");
}

void child_pause(pid_t pid)
{
	kill(pid, SIGSTOP);
}

void child_resume(pid_t pid)
{
	kill(pid, SIGCONT);
}

void child_stop(pid_t pid)
{
	static const struct timespec pause = { .tv_nsec = STOP_PAUSE_NS };

	kill(pid, SIGTERM);
	child_resume(pid);
	for (int i = 0; i < STOP_TRIES; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
