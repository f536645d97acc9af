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
 * umem_backing_get_page - get a page of a missing granule, to write it
 * @region: the region; its backing file is pinned.
 * @index: of the page in the region.
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
umem_backing_get_page(struct umem_region *region, pgoff_t index)
{
	struct folio *folio;
	int err;

	if (unlikely(region->granule_order))
		return shmem_read_mapping_page(region->mapping, index);
	err = umem_write_begin(region->mapping, index, &folio);
	if (unlikely(err))
		return ERR_PTR(err);
	if (unlikely(folio_test_large(folio)))
		return umem_backing_page_of_large(folio, index);
	folio_unlock(folio);
	return folio_page(folio, 0);
}

#endif /* UMEM_BACKING_H */
