// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program under umemctl run: what it inherits, the signals it gets through
 * us, the status it leaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "umemctl.h"

#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127
#define EXIT_SIGNAL		128

static const int passed_on[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT,
	SIGTSTP,
};

/* ---- Arguments ---------------------------------------------------------- */

static void *need(void *memory)
{
	if (!memory) {
		umem_say_failed(ENOMEM, NULL, "preparing the arguments");
		exit(EXIT_FAILURE);
	}
	return memory;
}

static size_t count_braces(const char *text)
{
	size_t n = 0;

	while ((text = strstr(text, "{}")) != NULL) {
		text += 2;
		n++;
	}
	return n;
}

/* Both are of use for as long as the program: never freed. */
static char *replace_braces(const char *text)
{
	size_t n = count_braces(text);
	const char *hit;
	char *copy, *to;

	copy = need(malloc(strlen(text) + n * strlen(CHILD_REGION_PATH) + 1));
	to = copy;
	while ((hit = strstr(text, "{}")) != NULL) {
		to = mempcpy(to, text, hit - text);
		to = stpcpy(to, CHILD_REGION_PATH);
		text = hit + 2;
	}
	strcpy(to, text);
	return copy;
}

char **child_arguments(char **argv)
{
	size_t n = 0, i;
	char **copy;

	while (argv[n])
		n++;
	copy = need(calloc(n + 1, sizeof(*copy)));
	copy[0] = argv[0];
	for (i = 1; i < n; i++)
		copy[i] = replace_braces(argv[i]);
	return copy;
}

/* ---- In the child ------------------------------------------------------- */

static const struct umem_clause exec_clauses[] = {
	{ ENOENT, "no such program; check its name and PATH" },
	{ ENOTDIR, "no such program; a part of its path is no directory" },
	{ EACCES, "it is not executable; check its mode" },
	{ ENOEXEC, "it is no program that this machine can execute" },
	{ E2BIG, "its arguments and environment are too long" },
	{ ETXTBSY, "somebody has it open for writing" },
	{ 0, "it cannot be executed" },
};

/* 0, 1, 2 and the region stay open, everything else goes. */
static int child_descriptors(int region)
{
	int err;

	if (region == CHILD_REGION_FD)
		err = fcntl(region, F_SETFD, 0);
	else
		err = dup2(region, CHILD_REGION_FD);
	if (err >= 0)
		err = close_range(CHILD_REGION_FD + 1, ~0U, 0);
	return err < 0 ? -errno : 0;
}

static void child_exec(int region, char **argv)
	__attribute__((noreturn));
static void child_exec(int region, char **argv)
{
	struct umem_why why;
	int err;

	err = child_descriptors(region);
	if (err) {
		umem_say_failed(err, NULL, "preparing the descriptors of %s",
				argv[0]);
		_exit(EXIT_NOT_EXECUTABLE);
	}
	execvp(argv[0], argv);
	err = errno;
	umem_because(&why, -err, "%s", umem_clause_find(exec_clauses, err));
	umem_say_failed(err, &why, "running %s", argv[0]);
	_exit(err == ENOENT || err == ENOTDIR ? EXIT_NOT_FOUND :
	      EXIT_NOT_EXECUTABLE);
}

/* ---- In the parent ------------------------------------------------------ */

/*
 * The child is in our process group, so what the terminal sends has reached it
 * already; a second Ctrl-C would look like impatience.
 */
static void pass_on(pid_t child, const siginfo_t *info)
{
	if (info->si_code != SI_KERNEL)
		kill(child, info->si_signo);
}

/* Job control: the shell waits for us, so we stop when the child did. */
static void follow_stop(int sig)
{
	if (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU)
		raise(SIGSTOP);
}

/* 1 when the child has ended, with its status in @status. */
static int reap(pid_t child, int *status)
{
	pid_t pid;

	while ((pid = waitpid(child, status, WNOHANG | WUNTRACED)) == child) {
		if (!WIFSTOPPED(*status))
			return 1;
		follow_stop(WSTOPSIG(*status));
	}
	return 0;
}

static int wait_child(pid_t child, const sigset_t *signals)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (sigwaitinfo(signals, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD)
			pass_on(child, &info);
		else if (reap(child, &status))
			break;
	}
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) :
	       WEXITSTATUS(status);
}

/* Blocked before the fork, so that none gets lost; the child unblocks. */
static void hold_signals(sigset_t *signals, sigset_t *before)
{
	size_t i;

	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	for (i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(signals, passed_on[i]);
	sigprocmask(SIG_BLOCK, signals, before);
}

int child_run(int region, char **argv)
{
	struct sigaction standard = { .sa_handler = SIG_DFL }, inherited;
	sigset_t signals, before;
	pid_t child;

	/* An ignored SIGCHLD would take the child's status from us. */
	sigaction(SIGCHLD, &standard, &inherited);
	hold_signals(&signals, &before);
	setenv("UMEM_FD", "3", 1);
	child = fork();
	if (!child) {
		sigaction(SIGCHLD, &inherited, NULL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		child_exec(region, argv);
	}
	/* From here on the child alone keeps the region alive. */
	close(region);
	if (child < 0) {
		umem_say_failed(errno, NULL, "forking for %s", argv[0]);
		return EXIT_FAILURE;
	}
	return wait_child(child, &signals);
}
