// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-fuzz: calls that nobody makes on purpose, and those who do make them.
 * The kernel must answer each with an errno that is documented, and otherwise
 * keep quiet.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* A worker that does not die in so many seconds is stuck in the kernel. */
#define DEATH_SECONDS	60
/* Workers that end in another way than by finishing: a bad access of their own */
#define MOST_RESTARTS	20

struct fuzz_shared *shared;

static const struct {
	const char *name;
	bool must;
} kinds[NR_KINDS] = {
#define X(name, weight, function, must) { #name, must },
	FUZZ_KINDS(X)
#undef X
};

struct options {
	unsigned long long seed;
	unsigned long calls;
	unsigned long patience;
};

static const char usage[] =
"usage: umem-fuzz [OPTIONS]\n"
"  --seed N          of all calls (default: the time)\n"
"  --calls N         how many (default 100000)\n"
"  --patience N      seconds after which a call is stuck (default 60)\n"
"  --rdma ADDR:PORT  where a memory server, good or bad, answers ATTACH\n";

static void take_server(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(shared->server)) {
		fputs(usage, stderr);
		exit(2);
	}
	memcpy(shared->server, text, colon - text);
	shared->port = atoi(colon + 1);
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "calls", required_argument, NULL, 'n' },
		{ "patience", required_argument, NULL, 'p' },
		{ "rdma", required_argument, NULL, 'd' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			o->calls = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o->patience = strtoul(optarg, NULL, 0);
			break;
		case 'd':
			take_server(optarg);
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
}

void fuzz_wrong(const char *format, ...)
{
	va_list args;

	if (atomic_exchange(&shared->wrong, true))
		return;
	va_start(args, format);
	vsnprintf(shared->wrong_text, sizeof(shared->wrong_text), format, args);
	va_end(args);
}

static void create_shared(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("umem-fuzz: shared memory");
		exit(1);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
			       shared->sockets[i])) {
			perror("umem-fuzz: socketpair");
			exit(1);
		}
	}
}

/* ---- The workers --------------------------------------------------------- */

static void start_worker(unsigned int worker)
{
	pid_t pid;

	shared->slots[worker].since_ms = 0;
	fflush(stdout);
	pid = fork();
	if (!pid)
		worker_run(worker);
	shared->slots[worker].pid = pid;
}

static void show_stack(pid_t pid)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		printf("#     %s", line);
	if (file)
		fclose(file);
}

static bool dies(pid_t pid)
{
	long long end = fuzz_now_ms() + DEATH_SECONDS * 1000;

	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, WNOHANG) != pid) {
		if (fuzz_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

/* Returns false when it cannot even be killed. */
static bool unstick(unsigned int worker)
{
	struct fuzz_slot *slot = &shared->slots[worker];
	pid_t pid = slot->pid;

	fuzz_wrong("worker %u is stuck in call %lu, %s", worker, slot->next,
		   kinds[slot->kind].name);
	printf("# worker %u is stuck in call %lu, %s (%s):\n", worker,
	       slot->next, kinds[slot->kind].name, slot->args);
	show_stack(pid);
	if (!dies(pid)) {
		puts("# and does not die");
		return false;
	}
	slot->next++;
	start_worker(worker);
	return true;
}

/* Returns false when it ended for good. */
static bool look_after(unsigned int worker, unsigned long patience,
		       unsigned int *restarts)
{
	struct fuzz_slot *slot = &shared->slots[worker];
	long long since = slot->since_ms;
	int status;

	if (waitpid(slot->pid, &status, WNOHANG) == slot->pid) {
		if (slot->finished)
			return false;
		printf("# worker %u ended in call %lu, %s, with status %#x\n",
		       worker, slot->next, kinds[slot->kind].name, status);
		if (++*restarts > MOST_RESTARTS) {
			fuzz_wrong("workers end in other ways than they should");
			return false;
		}
		slot->next++;
		start_worker(worker);
	} else if (since && fuzz_now_ms() - since >
		   (long long)patience * 1000) {
		return unstick(worker);
	}
	return true;
}

static void run(const struct options *o)
{
	unsigned int left = WORKERS, restarts = 0;
	bool running[WORKERS];

	for (unsigned int i = 0; i < WORKERS; i++) {
		start_worker(i);
		running[i] = true;
	}
	while (left) {
		usleep(20000);
		for (unsigned int i = 0; i < WORKERS; i++) {
			if (!running[i])
				continue;
			running[i] = look_after(i, o->patience, &restarts);
			left -= !running[i];
		}
	}
	if (restarts)
		fuzz_wrong("%u workers ended before their time", restarts);
}

/* ---- Result -------------------------------------------------------------- */

static unsigned long report_kinds(void)
{
	unsigned long sum = 0;

	for (int kind = 0; kind < NR_KINDS; kind++) {
		printf("# %8lu %-14s %8lu good, slowest %5llu ms:",
		       shared->calls[kind], kinds[kind].name,
		       shared->good[kind], shared->slowest_ms[kind]);
		for (int err = 0; err < NR_ERRNOS; err++)
			if (shared->errors[kind][err])
				printf(" %s %lu", strerrorname_np(err) ?: "?",
				       shared->errors[kind][err]);
		putchar('\n');
		sum += shared->calls[kind];
	}
	return sum;
}

static bool errnos_are_documented(void)
{
	bool all = true;

	for (int kind = 0; kind < NR_KINDS; kind++) {
		for (int err = 0; err < NR_ERRNOS; err++) {
			if (!shared->errors[kind][err] ||
			    errno_is_documented(kind, err))
				continue;
			printf("# undocumented: %s %s, %lu times, first %s\n",
			       kinds[kind].name, strerrorname_np(err) ?: "?",
			       shared->errors[kind][err],
			       shared->first[kind][err]);
			all = false;
		}
	}
	return all;
}

/* A kind of call that never gets beyond its first check tests nothing. */
static bool kinds_succeeded(void)
{
	bool all = true;

	for (int kind = 0; kind < NR_KINDS; kind++) {
		/* Rare ones may not have had their turn. */
		if (shared->good[kind] || !kinds[kind].must ||
		    shared->calls[kind] < 50)
			continue;
		printf("# never succeeded: %s\n", kinds[kind].name);
		all = false;
	}
	return all;
}

static bool result(const char *text, bool good)
{
	static unsigned int number;

	printf("%sok %u - %s\n", good ? "" : "not ", ++number, text);
	return good;
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = time(NULL), .calls = 100000, .patience = 60,
	};
	unsigned long sum;
	double seconds;
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	create_shared();
	parse(&o, argc, argv);
	shared->seed = o.seed;
	shared->calls_each = (o.calls + WORKERS - 1) / WORKERS;
	printf("# seed %llu, %lu calls; to repeat: make fuzz SEED=%llu CALLS=%lu\n",
	       o.seed, o.calls, o.seed, o.calls);
	seconds = fuzz_now_ms() / 1000.0;
	run(&o);
	seconds = fuzz_now_ms() / 1000.0 - seconds;

	sum = report_kinds();
	printf("# %lu calls in %.1f s, %.0f in a second\n", sum, seconds,
	       sum / seconds);
	if (shared->wrong)
		printf("# WRONG: %s\n", shared->wrong_text);
	good = result("every call ended", !shared->wrong);
	good &= result("every errno is documented", errnos_are_documented());
	good &= result("every kind of call succeeded", kinds_succeeded());
	puts("1..3");
	return !good;
}
