/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The self-describing content: every 8 bytes are a function of their place and
 * of a seed, so that any page can be checked without the file at hand.
 */
#ifndef UMEM_BENCH_PATTERN_H
#define UMEM_BENCH_PATTERN_H

#include <stdint.h>

/* Fills the 4096 bytes at @page with those of page @index. */
void pattern_page(uint64_t seed, uint64_t index, void *page);

#endif /* UMEM_BENCH_PATTERN_H */
