/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether the pages that a row touched hold what they must.
 */
#ifndef UMEM_BENCH_VERIFY_H
#define UMEM_BENCH_VERIFY_H

#include "row.h"

/* What a write touch leaves in the first word of @page. */
static inline uint64_t verify_mark(uint64_t page)
{
	return 0x756d656d2d77726dULL ^ page;
}

/*
 * Compares every byte of @page, touched in @slot, and counts it. 0, or a
 * negative errno after a line on stderr.
 */
int verify_page(struct row *row, uint64_t page, size_t slot);

#endif /* UMEM_BENCH_VERIFY_H */
