/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rows whose pages are there before they are touched.
 */
#ifndef UMEM_BENCH_PRESENT_H
#define UMEM_BENCH_PRESENT_H

#include "row.h"

/*
 * Writes this round's pages to @fd; none is mapped by it. @holes: but for the last
 * of every 2 MiB.
 */
int present_fill(const struct row *row, int fd, bool holes, struct umem_why *why);

/*
 * For row_ops.aim: a read fault maps present neighbours as well (fault-around),
 * so earlier touches would have mapped @page. Unmaps all it can come from. In a
 * scan (--stride) fault-around is part of what is measured, and nothing is done.
 */
void present_unmap_around(struct row *row, uint64_t page);

#endif /* UMEM_BENCH_PRESENT_H */
