/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random numbers that depend on a seed and on nothing else. What a thread does
 * in its n-th step is drawn from a stream of that step, so that it does not
 * depend on how the steps before went.
 */
#ifndef UMEM_STRESS_RNG_H
#define UMEM_STRESS_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* A bijection; only 0 becomes 0. */
static inline uint64_t rng_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline uint64_t rng_next(struct rng *rng)
{
	rng->state += 0x9e3779b97f4a7c15ULL;
	return rng_mix(rng->state);
}

/* The stream number @a, @b, @c of @seed. */
static inline struct rng rng_stream(uint64_t seed, uint64_t a, uint64_t b,
				    uint64_t c)
{
	uint64_t state = rng_mix(seed + 0x9e3779b97f4a7c15ULL);

	state = rng_mix(state ^ (a + 0x632be59bd9b4e019ULL));
	state = rng_mix(state ^ (b + 0xd1b54a32d192ed03ULL));
	state = rng_mix(state ^ (c + 0x8cb92ba72f3d8dd7ULL));
	return (struct rng){ state };
}

/* 0 to @n - 1. */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return rng_next(rng) % n;
}

static inline uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high)
{
	return low + rng_below(rng, high - low + 1);
}

/* True once in @n times. */
static inline bool rng_once_in(struct rng *rng, uint64_t n)
{
	return !rng_below(rng, n);
}

#endif /* UMEM_STRESS_RNG_H */
