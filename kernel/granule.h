/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Granules of many pages. The pages are small ones, or parts of large folios,
 * or both; a folio of tmpfs is aligned to its size, which is at most that of
 * such a granule, so it never reaches into another one.
 */
#ifndef UMEM_GRANULE_H
#define UMEM_GRANULE_H

#include <linux/types.h>

struct iov_iter;
struct page;
struct umem_region;

int umem_granule_get_pages(struct umem_region *region, unsigned long granule,
			   struct page **pages, bool background);
void umem_granule_put_pages(struct page **pages, unsigned int count);
void umem_granule_dirty_pages(struct page **pages, unsigned int count);
unsigned int umem_granule_run(struct page *const *pages, unsigned int count);
size_t umem_granule_copy(struct page **pages, unsigned int count,
			 struct iov_iter *from);
int umem_granule_clear(struct umem_region *region, unsigned long granule,
		       const void *owner);

#endif /* UMEM_GRANULE_H */
