// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A seeded random permutation: a Feistel network over the next even number of
 * bits, walked until it lands inside.
 */
#include "perm.h"
#include "provider/pattern.h"

#define PERM_ROUNDS 4

void perm_init(struct perm *perm, uint64_t count, uint64_t seed)
{
	perm->count = count;
	perm->seed = umem_mix64(seed);
	perm->half_bits = 1;
	while (count > 1ULL << (2 * perm->half_bits))
		perm->half_bits++;
}

static uint64_t feistel(const struct perm *perm, uint64_t x)
{
	uint64_t mask = (1ULL << perm->half_bits) - 1;
	uint64_t left = x >> perm->half_bits;
	uint64_t right = x & mask;

	for (uint64_t round = 0; round < PERM_ROUNDS; round++) {
		uint64_t key = perm->seed ^ (round << 56);
		uint64_t next = left ^ (umem_mix64(key ^ right) & mask);

		left = right;
		right = next;
	}
	return left << perm->half_bits | right;
}

uint64_t perm_at(const struct perm *perm, uint64_t index)
{
	uint64_t x = index;

	/* Ends: the network permutes, so the walk comes back to @index. */
	do {
		x = feistel(perm, x);
	} while (x >= perm->count);
	return x;
}
