/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fresh shared memory for rows that are not umem.
 */
#ifndef UMEM_BENCH_MEMORY_H
#define UMEM_BENCH_MEMORY_H

#include <stdint.h>

#include "say.h"

/* Maps @fd shared, read-write. The address, or NULL with *@err and @why. */
char *memory_map(int fd, uint64_t bytes, int *err, struct umem_why *why);

/*
 * A memfd of @bytes, mapped at *@map, in 4 KiB pages. The fd or a negative
 * errno.
 */
int memory_new(uint64_t bytes, char **map, struct umem_why *why);

/* Writes to every page, so that each is there and mapped. */
void memory_touch(char *map, uint64_t bytes);

/*
 * Each CPU keeps pages that were freed, as those of a region or a program before.
 * Who allocates next gets them, and goes to the zone for more only then. So that
 * nobody's touches live on them while others' do not, as much memory is in use
 * meanwhile: @bytes; 0: none. 0 or a negative errno.
 */
#define MEMORY_HOLD (16ULL << 20)
int memory_hold(uint64_t bytes, void **held, struct umem_why *why);
void memory_let_go(uint64_t bytes, void *held);

#endif /* UMEM_BENCH_MEMORY_H */
