// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* Volatile: between the two stores there is no call that could look at it. */
static sigjmp_buf *volatile landing;
static volatile sig_atomic_t ticks;	/* since the landing was set */

long long fuzz_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void call_args(struct fuzz *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->args, FUZZ_ARGS, format, args);
	va_end(args);
}

/* ---- Signals ------------------------------------------------------------- */

static void tick(int signal)
{
	if (landing && ++ticks > 1)
		siglongjmp(*landing, signal);
}

static void bad_access(int signal)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	if (landing)
		siglongjmp(*landing, signal);
	sigaction(signal, &action, NULL);
}

static void catch_signals(void)
{
	struct sigaction on_tick = { .sa_handler = tick,
				     .sa_flags = SA_NODEFER };
	struct sigaction on_bad = { .sa_handler = bad_access,
				    .sa_flags = SA_NODEFER };

	sigaction(SIGALRM, &on_tick, NULL);
	sigaction(SIGBUS, &on_bad, NULL);
	sigaction(SIGSEGV, &on_bad, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGIO, SIG_IGN);
}

void worker_tick(void)
{
	struct itimerval period = {
		.it_interval.tv_usec = TICK_MS * 1000,
		.it_value.tv_usec = TICK_MS * 1000,
	};

	setitimer(ITIMER_REAL, &period, NULL);
}

long touch_guarded(volatile char *at, bool write)
{
	sigjmp_buf here;
	int signal = sigsetjmp(here, 0);

	if (!signal) {
		ticks = 0;
		landing = &here;
		if (write)
			__atomic_fetch_add(at, 0, __ATOMIC_SEQ_CST);
		else
			(void)*at;
	}
	landing = NULL;
	if (!signal)
		return 0;
	return signal == SIGALRM ? -EINTR : -EFAULT;
}

/* ---- Calls --------------------------------------------------------------- */

static const struct {
	unsigned int weight;
	long (*call)(struct fuzz *f);
} kinds[NR_KINDS] = {
#define X(name, weight, function, must) { weight, function },
	FUZZ_KINDS(X)
#undef X
};

static enum fuzz_kind draw_kind(struct fuzz *f)
{
	static unsigned int sum;
	unsigned int at, kind;

	if (!sum)
		for (kind = 0; kind < NR_KINDS; kind++)
			sum += kinds[kind].weight;
	at = draw(f, sum);
	for (kind = 0; at >= kinds[kind].weight; kind++)
		at -= kinds[kind].weight;
	return kind;
}

static void count(struct fuzz *f, enum fuzz_kind kind, uint64_t number,
		  long result)
{
	char *first;
	int err = -result;

	atomic_fetch_add(&shared->calls[kind], 1);
	if (result >= 0) {
		atomic_fetch_add(&shared->good[kind], 1);
		return;
	}
	if (f->other_type && errno_is_of_other_type(err))
		return;
	if (err >= NR_ERRNOS)
		err = NR_ERRNOS - 1;
	if (atomic_fetch_add(&shared->errors[kind][err], 1))
		return;
	first = shared->first[kind][err];
	snprintf(first, sizeof(shared->first[0][0]), "worker %u call %llu: %s%s",
		 f->worker, (unsigned long long)number, f->args,
		 f->compat ? " (32 bits)" : "");
}

void worker_call(struct fuzz *f, uint64_t number)
{
	struct fuzz_slot *slot = &shared->slots[f->worker];
	long long start = fuzz_now_ms(), took;
	enum fuzz_kind kind;
	long result;

	f->rng = rng_stream(shared->seed, f->worker, number, 0);
	f->other_type = false;
	f->compat = false;
	f->args[0] = '\0';
	kind = draw_kind(f);
	if (slot->pid == getpid()) {
		slot->kind = kind;
		slot->since_ms = start;
	}
	result = kinds[kind].call(f);
	took = fuzz_now_ms() - start;
	if (slot->pid == getpid())
		slot->since_ms = 0;
	if ((unsigned long long)took > shared->slowest_ms[kind])
		shared->slowest_ms[kind] = took;
	count(f, kind, number, result);
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	/* The RDMA provider may not be there. */
	return fd >= 0 ? fd : open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void set_up_memory(struct fuzz *f)
{
	const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	char *vector, *low;

	f->buffer = map_aside(BUFFER, PROT_READ | PROT_WRITE, anonymous, -1, 0);
	f->readonly = map_aside(PAGE, PROT_READ, anonymous, -1, 0);
	vector = map_aside(PAGE, PROT_READ | PROT_WRITE, anonymous, -1, 0);
	f->vector_end = (struct iovec *)(vector + PAGE);
	low = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		   anonymous | MAP_32BIT, -1, 0);
	mprotect(low + PAGE, PAGE, PROT_NONE);
	f->low_end = low + PAGE;
	memset(f->buffer, 0x5a, BUFFER);
}

static void set_up(struct fuzz *f)
{
	struct rlimit files = { 256, 256 };

	setrlimit(RLIMIT_NOFILE, &files);
	set_up_memory(f);
	f->source = memfd_create("umem-fuzz", MFD_CLOEXEC);
	if (f->source < 0 || ftruncate(f->source, SOURCE_SIZE) ||
	    pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK))
		_exit(1);
	for (unsigned int i = 0; i < WORKERS; i++)
		f->sockets[i] = shared->sockets[i][1];
	f->fds[0] = (struct fuzz_fd){ open_device("/dev/umem"), FD_DEVICE,
				      false, PAGE };
	f->fds[1] = (struct fuzz_fd){ open_device("/dev/umem-rdma"), FD_RDMA,
				      false, PAGE };
}

void worker_run(unsigned int worker)
{
	static struct fuzz fuzz;
	struct fuzz_slot *slot = &shared->slots[worker];

	fuzz.worker = worker;
	fuzz.args = slot->args;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	slot->pid = getpid();
	set_up(&fuzz);
	catch_signals();
	worker_tick();
	while (slot->next < shared->calls_each) {
		worker_call(&fuzz, slot->next);
		slot->next++;
	}
	slot->finished = true;
	_exit(0);
}
