// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The self-describing content. Little-endian words, so that a file made on one
 * machine is right on all.
 */
#include <endian.h>
#include <string.h>

#include "bench.h"
#include "pattern.h"
#include "perm.h"

#define WORDS (BENCH_PAGE / sizeof(uint64_t))

void pattern_page(uint64_t seed, uint64_t index, void *page)
{
	uint64_t key = perm_mix(seed);
	char *out = page;

	for (uint64_t i = 0; i < WORDS; i++) {
		uint64_t word = htole64(perm_mix(key + index * WORDS + i));

		memcpy(out + i * sizeof(word), &word, sizeof(word));
	}
}
