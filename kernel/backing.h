/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of the backing file for those who fetch them; inline, being on the way of
 * every fault.
 */
#ifndef UMEM_BACKING_H
#define UMEM_BACKING_H

#include <linux/err.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include "compat/compat.h"
#include "region.h"

struct page *umem_backing_page_of_large(struct folio *folio, pgoff_t index);

/**
 * umem_backing_get_page_locked - get a page of a missing granule, to write it
 * @region: the region, of granules of one page; its backing file is pinned.
 * @index: of the page in the region.
 * @locked: out: its folio, still locked, or NULL for a part of a large one.
 *
 * Allocates when there is none, charged to the current task. The page stays
 * in the page cache while the reference is held: reclaim and migration leave
 * pages alone that others refer to. Sleeps.
 *
 * A new page is not zeroed where it is all of a granule, and not uptodate:
 * tmpfs shows zeroes in its place, and zeroes it before it does anything with
 * it. Whoever writes it says umem_folio_written() before the granule is provided.
 *
 * Return: the page with a reference, or ERR_PTR.
 */
static __always_inline struct page *
umem_backing_get_page_locked(struct umem_region *region, pgoff_t index,
			     struct folio **locked)
{
	struct folio *folio;
	int err = umem_write_begin(region->mapping, index, &folio);

	*locked = NULL;
	if (unlikely(err))
		return ERR_PTR(err);
	if (unlikely(folio_test_large(folio)))
		return umem_backing_page_of_large(folio, index);
	*locked = folio;
	return folio_page(folio, 0);
}

/**
 * umem_backing_get_page - the same, unlocked and for granules of any size
 * @region: the region; its backing file is pinned.
 * @index: of the page in the region.
 *
 * Sleeps.
 *
 * Return: the page with a reference, or ERR_PTR.
 */
static __always_inline struct page *
umem_backing_get_page(struct umem_region *region, pgoff_t index)
{
	struct folio *locked;
	struct page *page;

	if (unlikely(region->granule_order))
		return shmem_read_mapping_page(region->mapping, index);
	page = umem_backing_get_page_locked(region, index, &locked);
	if (likely(locked))
		folio_unlock(locked);
	return page;
}

#endif /* UMEM_BACKING_H */
