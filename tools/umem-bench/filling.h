/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A region that is being filled.
 */
#ifndef UMEM_BENCH_FILLING_H
#define UMEM_BENCH_FILLING_H

#include "umem_row.h"

/*
 * Starts to fill the region of @row, by the largest window, and sleeps until a window
 * more than the @there pages that are there has come, or all: whoever fills is at it
 * then. @there: how many there are now. 0 or a negative errno.
 */
int filling_begin(const struct row *row, uint64_t *there, struct umem_why *why);

/*
 * Fills the region of @row; adds to @ns by the run's clock what it took, with an error
 * of less than a thousandth. 0 or a negative errno.
 */
int filling_run(const struct row *row, uint64_t *ns, struct umem_why *why);

uint32_t filling_window(const struct row *row);

/* The first page from @page on that is missing; the region's number of pages: none. */
uint64_t filling_missing(const struct row *row, uint64_t page);

/* How many pages are there. 0 or a negative errno. */
int filling_provided(const struct row *row, uint64_t *pages, struct umem_why *why);

/* Timers expire when they are to: what sleeps here measures. */
void filling_exact_timers(void);

#endif /* UMEM_BENCH_FILLING_H */
