/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UMEM_PREFETCH_H
#define UMEM_PREFETCH_H

#include <linux/types.h>

struct umem_region;

unsigned long umem_next_missing(struct umem_region *region, unsigned long from,
				unsigned long end);
int umem_prefetch_advise(struct umem_region *region, loff_t offset,
			 loff_t length, int advice);

#endif /* UMEM_PREFETCH_H */
