/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the rows of umem share: a region of our own and its mapping. They
 * differ in who provides it.
 */
#ifndef UMEM_BENCH_UMEM_ROW_H
#define UMEM_BENCH_UMEM_ROW_H

#include <linux/umem.h>
#include <sys/types.h>

#include "row.h"

struct umem_row {
	struct umem_create create;
	int device;
	int region;
	pid_t provider;		/* a process of ours that provides, or 0 */
	int sim;		/* open device of the simulated provider */
};

/* Opens /dev/umem; @row->priv becomes a struct umem_row. */
int umem_row_open(struct row *row, struct umem_why *why);
void umem_row_close(struct row *row);

/* A new region, mapped at @row->map. */
int umem_row_make(struct row *row, struct umem_why *why);

/* Adds what STATUS says to @row->umem; unmaps and closes the region. */
void umem_row_drop(struct row *row);

#endif /* UMEM_BENCH_UMEM_ROW_H */
