/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UMEM_FETCH_H
#define UMEM_FETCH_H

#include <linux/types.h>

struct umem_region;

/* How much is asked for before the first byte is waited for. */
#define UMEM_FETCH_GRANULES	32

size_t umem_fetch_window(const struct umem_region *region);
int umem_fetch(struct umem_region *region, u64 pos, size_t length, bool nowait,
	       bool *counted);

#endif /* UMEM_FETCH_H */
