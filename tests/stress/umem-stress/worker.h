/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Threads that use the region. Each step is one operation; what it does is
 * drawn from the seed, the round, the worker and the number of the step.
 */
#ifndef UMEM_STRESS_WORKER_H
#define UMEM_STRESS_WORKER_H

#include <stddef.h>
#include <sys/types.h>

#include "world.h"

#define ROVE_PAGES	64U

struct worker {
	unsigned int number;
	int region;
	char *mem;		/* the whole region, shared by the process */
	char *rove;		/* ROVE_PAGES of it, replaced all the time */
	int pipe[2];
	struct rng rng;		/* of this step */
	uint64_t buffer[16 * WORDS];
	uint64_t expected[16 * WORDS];
};

/* A process of THREADS workers, from @first on. Does not return. */
__attribute__((noreturn))
void workers_run(int region, unsigned int first);

static inline char *page_at(const struct worker *w, unsigned int page)
{
	return w->mem + page * PAGE;
}

static inline unsigned int any_page(struct worker *w)
{
	return rng_below(&w->rng, world->round.pages);
}

/* ---- Accesses that may end in a signal ----------------------------------- */

/* 0, or the signal. */
int guarded_read(uint64_t *to, const void *from, unsigned int words);
int guarded_write(void *to, const uint64_t *from, unsigned int words);
/* A write access by which nothing changes, whoever else writes. */
int guarded_touch(void *at);

/*
 * An access was refused: false, and the test fails, when nothing in this round
 * allows that.
 */
bool refusal_is_right(const char *how, unsigned int page, int err);

/* ---- Operations ---------------------------------------------------------- */

void op_read(struct worker *w, enum stress_op op);
void op_touch_write(struct worker *w);
void op_check(struct worker *w);
void op_store(struct worker *w);
void op_pwrite(struct worker *w);
void op_write_pages(struct worker *w, bool by_mapping);
void op_punch(struct worker *w, bool by_mapping);
void op_advise_file(struct worker *w);
void op_advise_map(struct worker *w);
void op_private(struct worker *w);
void op_remap(struct worker *w);
void op_rove(struct worker *w);
void op_move(struct worker *w);
void op_fork(struct worker *w, bool kill_it);

#endif /* UMEM_STRESS_WORKER_H */
