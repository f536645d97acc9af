// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider as a daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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

/**
 * struct link - between us and the daemon, until it is live
 * @ready: pipe; the daemon writes to [1].
 * @log: datagram sockets; [1] is the stderr of a daemon in the background. -1
 *	for one that has our stderr.
 */
struct link {
	int ready[2];
	int log[2];
};

/* ---- Starting ----------------------------------------------------------- */

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
 * The provider opens the region itself and keeps only a channel, so that it
 * does not keep the region alive.
 */
static void make_command(struct command *c, int region, int ready,
			 const struct provider_choice *choice)
{
	int n = 0;

	find_program(c->path);
	if (choice->target[0])
		snprintf(c->target, sizeof(c->target), "%s", choice->target);
	else
		snprintf(c->target, sizeof(c->target), "%d:%d", (int)getpid(),
			 region);
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
static void daemon_exec(const struct command *c, const struct link *link,
			bool chdir_root) __attribute__((noreturn));
static void daemon_exec(const struct command *c, const struct link *link,
			bool chdir_root)
{
	struct umem_why why;
	int null = open("/dev/null", O_RDWR);
	int ready = link->ready[1];
	int err;

	/* Away from the terminal's signals: they are for the program. */
	setsid();
	if (chdir_root && chdir("/"))
		umem_say_failed(errno, NULL, "changing directory to /");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (link->log[1] >= 0)
		dup2(link->log[1], STDERR_FILENO);
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

/*
 * Two forks: the daemon's parent is init, and neither we nor the program get
 * its SIGCHLD. The child in between waits for nothing.
 */
static int fork_twice(const struct command *c, const struct link *link,
		      bool chdir_root)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		child = fork();
		if (!child)
			daemon_exec(c, link, chdir_root);
		_exit(child < 0 ? errno : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int fork_daemon(const struct command *c, const struct link *link,
		       bool chdir_root)
{
	struct sigaction ask = { .sa_handler = SIG_DFL };
	struct sigaction inherited;
	int err;

	/* Who started us may ignore it: then there is nothing to wait for. */
	sigaction(SIGCHLD, &ask, &inherited);
	err = fork_twice(c, link, chdir_root);
	sigaction(SIGCHLD, &inherited, NULL);
	return err;
}

/* ---- Waiting ------------------------------------------------------------ */

static void relay_log(int log)
{
	char text[1024];
	ssize_t n;

	while ((n = recv(log, text, sizeof(text), MSG_DONTWAIT)) > 0)
		if (write(STDERR_FILENO, text, n) < 0)
			return;
}

/* A byte when it is live, the end of file when it is not going to be. */
static int wait_live(const struct link *link)
{
	struct pollfd fds[] = {
		{ .fd = link->ready[0], .events = POLLIN },
		{ .fd = link->log[0], .events = POLLIN },
	};
	ssize_t n = 0;
	char byte;

	do {
		if (poll(fds, 2, -1) < 0)
			continue;
		relay_log(link->log[0]);
		if (fds[0].revents)
			n = read(link->ready[0], &byte, 1);
	} while (!fds[0].revents || (n < 0 && errno == EINTR));
	relay_log(link->log[0]);
	return n == 1 ? 0 : -EIO;
}

/*
 * What a daemon says is for the system's log, where there is one. Its stderr
 * is the socket that we hold as well, so it need not do anything.
 */
static void move_log(int log)
{
	static const struct sockaddr_un syslog = {
		.sun_family = AF_UNIX,
		.sun_path = "/dev/log",
	};
	int err;

	err = connect(log, (const struct sockaddr *)&syslog, sizeof(syslog));
	(void)err;		/* without one, it goes nowhere */
}

/* ---- Beginning and end -------------------------------------------------- */

static int link_open(struct link *link, bool background)
{
	link->ready[0] = link->ready[1] = -1;
	link->log[0] = link->log[1] = -1;
	if (pipe2(link->ready, O_CLOEXEC))
		return -errno;
	/* Not blocking: a log that is stuck must not stop the daemon. */
	if (background && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
				     SOCK_NONBLOCK, 0, link->log))
		return -errno;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int start(const struct command *c, struct link *link, bool chdir_root)
{
	int err;

	err = fork_daemon(c, link, chdir_root);
	/* Else its end would not be the end of the file. */
	close_fd(&link->ready[1]);
	if (err) {
		umem_say_failed(err, NULL, "starting %s", PROGRAM);
		return err;
	}
	err = wait_live(link);
	if (!err && link->log[1] >= 0)
		move_log(link->log[1]);
	return err;
}

int provider_spawn(int region, const struct provider_choice *choice)
{
	bool chdir_root = choice->background &&
			  choice->source.kind != UMEM_SOURCE_FILE;
	struct command c;
	struct link link;
	int err;

	err = link_open(&link, choice->background);
	if (err) {
		umem_say_failed(err, NULL, "starting %s", PROGRAM);
	} else {
		make_command(&c, region, link.ready[1], choice);
		err = start(&c, &link, chdir_root);
	}
	close_fd(&link.ready[0]);
	close_fd(&link.ready[1]);
	close_fd(&link.log[0]);
	close_fd(&link.log[1]);
	return err;
}
