// SPDX-License-Identifier: GPL-2.0-only
/*
 * A whole granule is put in place: by an answer of a channel, or by a write()
 * that needs no fetch.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "backing.h"
#include "channel.h"
#include "region.h"

/*
 * Zeroes need no page; but one may be there, with bytes of a fetch that
 * failed half-way. The page of a write() is the writer's to pay for, that of an
 * answer which nobody asked for the creator's.
 */
static struct page *page_to_write(struct umem_region *region,
				  unsigned long granule, struct page *bytes,
				  const void *owner)
{
	if (!bytes)
		return umem_backing_find_page(region, granule);
	if (!owner)
		return umem_backing_get_page(region, granule);
	return umem_request_page_background(region, granule);
}

static void fill_page(struct page *page, struct page *bytes)
{
	if (bytes)
		copy_highpage(page, bytes);
	else
		clear_highpage(page);
	umem_folio_written(page_folio(page));
	set_page_dirty(page);
}

/*
 * Writes and publishes the granule, unless it may not. @page is NULL for zeroes
 * where no page is.
 */
static bool put_page_content(struct umem_region *region, unsigned long granule,
			     struct page *page, struct page *bytes,
			     const void *owner)
{
	bool put = false;

	if (page)
		lock_page(page);
	/* Writers of one granule meet here, under the folio lock. */
	if (umem_request_may_write(region, granule, owner) &&
	    (!page || umem_page_is_current(region, page))) {
		if (page) {
			umem_channel_map_zap(region, granule, owner);
			fill_page(page, bytes);
		}
		put = umem_request_publish(region, granule, owner);
	}
	if (page)
		unlock_page(page);
	return put;
}

/**
 * umem_granule_put - write a missing granule and make it provided
 * @region: the region; the caller pins its backing file.
 * @granule: its index.
 * @bytes: what to write, one page; NULL for zeroes.
 * @owner: channel that answers; NULL for a write(), which comes second to any
 *	provider that was asked. A new page is charged to the current task then,
 *	else to the creator of the region.
 *
 * Sleeps.
 *
 * Return: 1 when it was put, 0 when it was provided already, is being punched,
 * or somebody else has the right to write it; or an error from the allocation
 * of the page.
 */
int umem_granule_put(struct umem_region *region, unsigned long granule,
		     struct page *bytes, const void *owner)
{
	struct page *page;
	bool put = false;

	/*
	 * Again, when the page was dropped before it was locked; or when there
	 * was none, and then one came that a mapping of the channel shows.
	 */
	while (!put && umem_request_may_write(region, granule, owner)) {
		page = page_to_write(region, granule, bytes, owner);
		if (IS_ERR(page))
			return PTR_ERR(page);
		put = put_page_content(region, granule, page, bytes, owner);
		if (page)
			put_page(page);
	}
	return put;
}
