/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The simulated source: content that is at hand, and a latency that must pass
 * before it may be used. The same for umem_sim.ko and for userfaultfd's
 * handlers. The deadline is stamped when a page is asked for; whoever waits polls
 * it, or sleeps on a timer.
 */
#ifndef UMEM_BENCH_FABRIC_H
#define UMEM_BENCH_FABRIC_H

#include "bench.h"

/**
 * struct fabric - a simulated source
 * @file: a memfd with the content; what umem_sim.ko copies from.
 * @content: the same, mapped.
 * @latency_ns: of each page.
 * @timer: a timerfd for those who sleep.
 * @poll: how it is waited for.
 * @clock: by which it is polled.
 */
struct fabric {
	int file;
	char *content;
	uint64_t bytes;
	uint64_t latency_ns;
	int timer;
	enum bench_poll poll;
	enum bench_clock clock;
};

/* For @bench->source, with what must be in each page. 0 or a negative errno. */
int fabric_open(struct bench *bench, struct umem_why *why);
void fabric_close(struct bench *bench);

/* Asks for a page and returns when it is there. */
void fabric_wait(const struct fabric *fabric);

/* The bytes of @page, where they lie. */
static inline const char *fabric_page(const struct fabric *fabric, uint64_t page)
{
	return fabric->content + page * BENCH_PAGE;
}

/* A page's bytes by the instruction that the kernel copies pages by. */
void fabric_copy(const struct fabric *fabric, uint64_t page, void *to);

#endif /* UMEM_BENCH_FABRIC_H */
