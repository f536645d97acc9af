// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider as a daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "umemctl.h"

#define PROGRAM "umem-provider"

struct command {
	char path[PATH_MAX];
	char target[32];
	char ready[16];
	char reads[16];
	char connect[16];
	char ack[16];
	char *argv[16];
};

/* Next to this program, as in a build tree; else wherever PATH has it. */
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

/*
 * The provider opens the region by our descriptor and keeps only a channel,
 * so that it does not keep the region alive.
 */
static void make_command(struct command *c, int region, int ready,
			 const struct provider_choice *choice)
{
	int n = 0;

	find_program(c->path);
	snprintf(c->target, sizeof(c->target), "%d:%d", (int)getpid(), region);
	snprintf(c->ready, sizeof(c->ready), "%d", ready);
	snprintf(c->reads, sizeof(c->reads), "%u", choice->limits.reads_inflight);
	snprintf(c->connect, sizeof(c->connect), "%u",
		 choice->limits.connect_timeout_ms);
	snprintf(c->ack, sizeof(c->ack), "%u", choice->limits.ack_timeout_ms);
	c->argv[n++] = PROGRAM;
	c->argv[n++] = "--ready-fd";
	c->argv[n++] = c->ready;
	c->argv[n++] = "--reads-inflight";
	c->argv[n++] = c->reads;
	c->argv[n++] = "--connect-timeout";
	c->argv[n++] = c->connect;
	c->argv[n++] = "--ack-timeout";
	c->argv[n++] = c->ack;
	if (choice->replace)
		c->argv[n++] = "--replace";
	c->argv[n++] = c->target;
	c->argv[n++] = (char *)choice->source.text;
	c->argv[n] = NULL;
}

static const struct umem_clause exec_clauses[] = {
	{ ENOENT, "it is neither next to umemctl nor in PATH; install it" },
	{ EACCES, "it is not executable; check its mode" },
	{ 0, "it cannot be executed" },
};

/* In the daemon: only stderr and the pipe stay open. */
static void daemon_exec(const struct command *c, int ready)
	__attribute__((noreturn));
static void daemon_exec(const struct command *c, int ready)
{
	struct umem_why why;
	int null = open("/dev/null", O_RDWR);
	int err;

	/* Away from the terminal's signals: they are for the program. */
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (ready > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, ready - 1, 0);
	close_range(ready + 1, ~0U, 0);
	fcntl(ready, F_SETFD, 0);
	execvp(c->path, c->argv);
	err = errno;
	umem_because(&why, -err, "%s", umem_clause_find(exec_clauses, err));
	umem_say_failed(err, &why, "starting %s", c->path);
	_exit(EXIT_FAILURE);
}

/* A byte when it is live, the end of file when it is not going to be. */
static int wait_live(int ready)
{
	char byte;
	ssize_t n;

	do {
		n = read(ready, &byte, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -EIO;
}

/*
 * Two forks: the daemon's parent is init, and neither we nor the program get
 * its SIGCHLD. The child in between waits for nothing.
 */
static int fork_daemon(const struct command *c, int ready)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		child = fork();
		if (!child)
			daemon_exec(c, ready);
		_exit(child < 0 ? errno : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int provider_spawn(int region, const struct provider_choice *choice)
{
	struct command c;
	int ready[2], err;

	if (pipe2(ready, O_CLOEXEC)) {
		err = -errno;
		umem_say_failed(err, NULL, "starting %s", PROGRAM);
		return err;
	}
	make_command(&c, region, ready[1], choice);
	err = fork_daemon(&c, ready[1]);
	close(ready[1]);
	if (err)
		umem_say_failed(err, NULL, "starting %s", PROGRAM);
	else
		err = wait_live(ready[0]);
	close(ready[0]);
	return err;
}
