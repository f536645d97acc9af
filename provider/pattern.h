/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The self-describing content: every 8 bytes are a function of their place and
 * of a seed, so that any page can be checked without the file at hand. Written
 * by umem-bench, provided by umem_sim.ko: built into both worlds.
 */
#ifndef UMEM_PATTERN_H
#define UMEM_PATTERN_H

#include <linux/types.h>

#include "provider/byteorder.h"

/* A good hash of 64 bits to 64 bits: the finalizer of splitmix64. */
static inline __u64 umem_mix64(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/*
 * The bytes from @offset on, a multiple of 8, into the @count words at @to.
 * Little-endian, so that a file made on one machine is right on all.
 */
static inline void umem_pattern_fill(__u64 seed, __u64 offset, void *to,
				     size_t count)
{
	__u64 at = umem_mix64(seed) + offset / sizeof(__le64);
	__le64 *out = to;
	size_t i;

	for (i = 0; i < count; i++)
		out[i] = cpu_to_le64(umem_mix64(at + i));
}

#endif /* UMEM_PATTERN_H */
