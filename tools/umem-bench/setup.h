/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From options to a source, CPUs and what pages must hold: what comes before
 * every measurement. Says why it fails.
 */
#ifndef UMEM_BENCH_SETUP_H
#define UMEM_BENCH_SETUP_H

#include "row.h"

/* What --source says, checked as far as it can be without a server. 0 or an exit status. */
int setup_source(struct bench *bench);

/* Binds to CPUs; the source is there and @bench->pages known. 0 or an exit status. */
int setup_begin(struct bench *bench);

/* Also after a failure of the others. */
void setup_end(struct bench *bench);

/* Opens a row and tries it once, so that a round finds no surprise. 0 or an errno. */
int setup_row(struct row *row, struct umem_why *why);

#endif /* UMEM_BENCH_SETUP_H */
