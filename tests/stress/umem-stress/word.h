/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The 8 bytes at a place of the region, by generation:
 *
 *   tag 15 | page 20 | word 9 | generation 20     scrambled by rng_mix()
 *
 * The tag is of the seed for generation 0 and of the round for the others, so
 * bytes of an earlier region are known as such. It is never 0, and so no word
 * is.
 */
#ifndef UMEM_STRESS_WORD_H
#define UMEM_STRESS_WORD_H

#include "rng.h"

struct word {
	unsigned int tag, page, index, gen;
};

static inline unsigned int word_tag(uint64_t seed, uint64_t round)
{
	return rng_mix(seed * 1000003 + round + 1) % 32767 + 1;
}

static inline uint64_t word_encode(const struct word *w)
{
	return rng_mix((uint64_t)w->tag << 49 | (uint64_t)w->page << 29 |
		       (uint64_t)w->index << 20 | w->gen);
}

static inline uint64_t word_unmix(uint64_t x)
{
	/* Inverses of the multipliers in rng_mix(), modulo 2^64. */
	x = (x ^ x >> 31 ^ x >> 62) * 0x319642b2d24d8ec3ULL;
	x = (x ^ x >> 27 ^ x >> 54) * 0x96de1b173f119089ULL;
	return x ^ x >> 30 ^ x >> 60;
}

static inline struct word word_decode(uint64_t value)
{
	uint64_t x = word_unmix(value);

	return (struct word){
		.tag = x >> 49,
		.page = x >> 29 & 0xfffff,
		.index = x >> 20 & 0x1ff,
		.gen = x & 0xfffff,
	};
}

#endif /* UMEM_STRESS_WORD_H */
