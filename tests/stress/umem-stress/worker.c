// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker.h"

/* Volatile: between the two stores there is no call that could look at it. */
static __thread sigjmp_buf *volatile landing;

static void bad_access(int signal)
{
	if (landing)
		siglongjmp(*landing, signal);
	stress_fail("signal %d outside of an access", signal);
	_exit(1);
}

static void catch_bad_accesses(void)
{
	/* Not masked meanwhile, so that a jump has nothing to restore. */
	struct sigaction action = {
		.sa_handler = bad_access,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static int copy_guarded(volatile uint64_t *to, const volatile uint64_t *from,
			unsigned int words)
{
	sigjmp_buf here;
	int signal = sigsetjmp(here, 0);

	if (!signal) {
		landing = &here;
		for (unsigned int i = 0; i < words; i++)
			to[i] = from[i];
	}
	landing = NULL;
	return signal;
}

int guarded_read(uint64_t *to, const void *from, unsigned int words)
{
	return copy_guarded(to, from, words);
}

int guarded_write(void *to, const uint64_t *from, unsigned int words)
{
	return copy_guarded(to, from, words);
}

int guarded_touch(void *at)
{
	sigjmp_buf here;
	int signal = sigsetjmp(here, 0);

	if (!signal) {
		landing = &here;
		__atomic_fetch_add((uint64_t *)at, 0, __ATOMIC_SEQ_CST);
	}
	landing = NULL;
	return signal;
}

bool refusal_is_right(const char *how, unsigned int page, int err)
{
	count_note(NOTE_REFUSED);
	if (may_fail() && (err == SIGBUS || err == EIO || err == EFAULT))
		return true;
	stress_fail("%s: page %u: error or signal %d, which nothing explains",
		    how, page, err);
	return false;
}

/* ---- Steps --------------------------------------------------------------- */

/* How often, in parts of the sum. */
static const unsigned int weights[NR_OPS] = {
	[OP_READ_MAP] = 200,
	[OP_READ_PREAD] = 80,
	[OP_READ_SPLICE] = 30,
	[OP_READ_VM] = 30,
	[OP_READ_PIPE] = 30,
	[OP_TOUCH_WRITE] = 100,
	[OP_STORE] = 150,
	[OP_PWRITE] = 80,
	[OP_WRITE_PAGES] = 40,
	[OP_STORE_PAGES] = 30,
	[OP_PUNCH] = 40,
	[OP_REMOVE] = 30,
	[OP_CHECK] = 60,
	[OP_ADVISE_FILE] = 30,
	[OP_ADVISE_MAP] = 40,
	[OP_PRIVATE] = 20,
	[OP_REMAP] = 20,
	[OP_ROVE] = 60,
	[OP_MOVE] = 15,
	[OP_FORK] = 12,
	[OP_KILL] = 12,
};

static enum stress_op draw_op(struct rng *rng)
{
	unsigned int sum = 0, at, op;

	for (op = 0; op < NR_OPS; op++)
		sum += weights[op];
	at = rng_below(rng, sum);
	for (op = 0; at >= weights[op]; op++)
		at -= weights[op];
	return op;
}

static void run_op(struct worker *w, enum stress_op op)
{
	switch (op) {
	case OP_TOUCH_WRITE:
		return op_touch_write(w);
	case OP_STORE:
		return op_store(w);
	case OP_PWRITE:
		return op_pwrite(w);
	case OP_WRITE_PAGES:
	case OP_STORE_PAGES:
		return op_write_pages(w, op == OP_STORE_PAGES);
	case OP_PUNCH:
	case OP_REMOVE:
		return op_punch(w, op == OP_REMOVE);
	case OP_CHECK:
		return op_check(w);
	case OP_ADVISE_FILE:
		return op_advise_file(w);
	case OP_ADVISE_MAP:
		return op_advise_map(w);
	case OP_PRIVATE:
		return op_private(w);
	case OP_REMAP:
		return op_remap(w);
	case OP_ROVE:
		return op_rove(w);
	case OP_MOVE:
		return op_move(w);
	case OP_FORK:
	case OP_KILL:
		return op_fork(w, op == OP_KILL);
	default:
		return op_read(w, op);
	}
}

static void step(struct worker *w, unsigned int number)
{
	struct slot *slot = &world->slots[w->number];
	enum stress_op op;

	w->rng = rng_stream(world->seed, world->round.number, w->number,
			    number);
	op = draw_op(&w->rng);
	if (!op_available(op))
		return;
	slot->op = op;
	slot->since_ms = now_ms();
	run_op(w, op);
	count_op(op, now_ms() - slot->since_ms);
	slot->since_ms = 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	world->slots[w->number].tid = gettid();
	for (unsigned int i = 0; i < world->round.steps && !world->stop; i++)
		step(w, i);
	return NULL;
}

static void *map(int region, unsigned int pages)
{
	void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			region, 0);

	if (at == MAP_FAILED) {
		stress_fail("mmap: %s", strerror(errno));
		_exit(1);
	}
	return at;
}

void workers_run(int region, unsigned int first)
{
	static struct worker workers[THREADS];
	pthread_t threads[THREADS];
	char *mem = map(region, world->round.pages);
	char *rove = map(region, ROVE_PAGES);
	unsigned int i;

	catch_bad_accesses();
	for (i = 0; i < THREADS; i++) {
		workers[i].number = first + i;
		workers[i].region = region;
		workers[i].mem = mem;
		workers[i].rove = rove;
		if (pipe2(workers[i].pipe, O_CLOEXEC) ||
		    pthread_create(&threads[i], NULL, work, &workers[i])) {
			stress_fail("cannot start a worker");
			_exit(1);
		}
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(world->failed);
}
