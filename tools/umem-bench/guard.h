/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A touch that cannot succeed: SIGBUS, or an answer that never comes. Either
 * ends the program with a line that says which row and page.
 */
#ifndef UMEM_BENCH_GUARD_H
#define UMEM_BENCH_GUARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "say.h"

/* What the measuring thread is at. */
struct guard_place {
	_Atomic(const char *) row;
	atomic_uint_fast64_t page;
	atomic_uint_fast64_t count;	/* moves with every touch */
};

extern struct guard_place guard_place;

/* Starts the watch. 0 or a negative errno. */
int guard_start(void);

static inline void guard_at(const char *row, uint64_t page)
{
	atomic_store_explicit(&guard_place.row, row, memory_order_relaxed);
	atomic_store_explicit(&guard_place.page, page, memory_order_relaxed);
	atomic_fetch_add_explicit(&guard_place.count, 1, memory_order_relaxed);
}

/* Says why, from any thread, and ends the program with status 1. */
_Noreturn void guard_die(int err, const struct umem_why *why,
			 const char *what, ...) UMEM_PRINTF(3, 4);

#endif /* UMEM_BENCH_GUARD_H */
