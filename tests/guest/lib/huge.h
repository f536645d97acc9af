/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: regions with granules of 2 MiB, a provider by hand for
 * them, and what the machine's huge page settings and mappings are.
 */
#ifndef UMEM_TEST_HUGE_H
#define UMEM_TEST_HUGE_H

#include <stdbool.h>
#include <stdint.h>

#include "hand_provider.h"

#define TEST_HUGE	((size_t)UMEM_GRANULE_HUGE)
#define TEST_HUGE_PAGES	(TEST_HUGE / TEST_PAGE)

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* As test_region(), under the policy hard; sizes in granules. */
int huge_region(unsigned int granules, unsigned int max_inflight);

/* Waits for a FETCH of one granule: its index. */
uint64_t huge_take(int channel);

/* Answers for one granule with the pattern; must be consumed. */
void huge_data(int channel, uint64_t granule);

/*
 * The same with @payload (NULL: none), and any range: 0 when consumed whole,
 * else the bytes consumed or a negative errno.
 */
long huge_answer(int channel, int op, uint64_t offset, uint32_t length,
		 const void *payload);

/* A granule's content in the pattern; to be freed. */
char *huge_pattern(uint64_t granule);

/* Whether a granule holds the pattern, from its first byte on. */
bool huge_matches(const char *at, uint64_t granule);

/* A mapping of @size bytes at a multiple of 2 MiB. */
char *map_aligned(int fd, size_t size, int prot, int flags);

/*
 * Calls @check under each value of each setting for one size of huge pages of shared
 * memory; prints them. Skips the test where the kernel has no such settings, fails
 * it where one of them takes no value.
 */
void huge_each_size(void (*check)(void));

/* Of /proc/meminfo. */
long meminfo_kilobytes(const char *field);

#endif /* UMEM_TEST_HUGE_H */
