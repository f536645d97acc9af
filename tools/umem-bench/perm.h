/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A seeded random permutation of 0..count-1 in constant memory, so that a
 * region of any size can be touched at random, each page at most once.
 */
#ifndef UMEM_BENCH_PERM_H
#define UMEM_BENCH_PERM_H

#include <stdint.h>

struct perm {
	uint64_t count;
	uint64_t seed;
	unsigned int half_bits;
};

/* @count from 1 to 2^62. */
void perm_init(struct perm *perm, uint64_t count, uint64_t seed);

/* The image of @index, which is less than count. */
uint64_t perm_at(const struct perm *perm, uint64_t index);

#endif /* UMEM_BENCH_PERM_H */
