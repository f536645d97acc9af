// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a granule that has many, see granule.h.
 *
 * A list of them has one reference for each run of pages that are neighbours in
 * one folio. A folio with a reference cannot be split, so that the runs stay
 * the same until the list is put.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "backing.h"
#include "compat/compat.h"
#include "granule.h"
#include "region.h"

/* How many pages follow @page in its folio, itself included; at most @most. */
static unsigned int folio_rest(struct page *page, unsigned int most)
{
	struct folio *folio = page_folio(page);

	return min_t(unsigned long, most,
		     folio_nr_pages(folio) - folio_page_idx(folio, page));
}

/* Lists @page and what follows it in its folio; returns how many those are. */
static unsigned int list_run(struct page **pages, struct page *page,
			     unsigned int most)
{
	struct folio *folio = page_folio(page);
	unsigned long first = folio_page_idx(folio, page);
	unsigned int i, run = folio_rest(page, most);

	for (i = 0; i < run; i++)
		pages[i] = folio_page(folio, first + i);
	return run;
}

/**
 * umem_granule_get_pages - get the pages of a missing granule, to write them
 * @region: the region; its backing file is pinned.
 * @granule: its index.
 * @pages: out: umem_granule_pages() of them, pinned until
 *	umem_granule_put_pages().
 * @background: charge what is allocated to the creator of the region, not to the
 *	current task.
 *
 * Sleeps.
 *
 * Return: 0, or a negative errno with none pinned.
 */
int umem_granule_get_pages(struct umem_region *region, unsigned long granule,
			   struct page **pages, bool background)
{
	unsigned int count = umem_granule_pages(region);
	pgoff_t first = umem_granule_index(region, granule);
	unsigned int i, run;
	struct page *page;

	for (i = 0; i < count; i += run) {
		page = background ?
			umem_backing_get_page_background(region, first + i) :
			umem_backing_get_page(region, first + i);
		if (IS_ERR(page)) {
			umem_granule_put_pages(pages, i);
			return PTR_ERR(page);
		}
		run = list_run(pages + i, page, count - i);
		cond_resched();
	}
	return 0;
}

/* Any context but hard interrupt. */
void umem_granule_put_pages(struct page **pages, unsigned int count)
{
	unsigned int i, run;

	for (i = 0; i < count; i += run) {
		run = folio_rest(pages[i], count - i);
		put_page(pages[i]);
	}
}

/*
 * Any context but hard interrupt; under rcu_read_lock() where the region may be
 * gone.
 */
void umem_granule_dirty_pages(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i += folio_rest(pages[i], count - i))
		set_page_dirty(pages[i]);
}

/**
 * umem_granule_run - how many pages are neighbours in memory
 * @pages: a list.
 * @count: its length, not 0.
 *
 * Return: the number of pages from the first one on, of whatever folios.
 */
unsigned int umem_granule_run(struct page *const *pages, unsigned int count)
{
	unsigned long pfn = page_to_pfn(pages[0]);
	unsigned int run = 1;

	while (run < count && page_to_pfn(pages[run]) == pfn + run)
		run++;
	return run;
}

/**
 * umem_granule_copy - copy from the user as far as that needs no fault
 * @pages: where to.
 * @count: how many pages.
 * @from: where from; goes on by what was copied.
 *
 * Does not sleep in a page fault, so it can be called with locks held.
 *
 * Return: bytes copied.
 */
size_t umem_granule_copy(struct page **pages, unsigned int count,
			 struct iov_iter *from)
{
	size_t done = 0;
	unsigned int i;
	size_t n;

	for (i = 0; i < count; i++) {
		n = umem_copy_page_from_iter_atomic(pages[i], PAGE_SIZE, from);
		done += n;
		if (n != PAGE_SIZE)
			break;
		cond_resched();
	}
	return done;
}

static void clear_folio(struct folio *folio)
{
	unsigned long i;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		clear_highpage(folio_page(folio, i));
		cond_resched();
	}
	folio_mark_dirty(folio);
}

/**
 * umem_granule_clear - make a missing granule zero
 * @region: the region; its backing file is pinned.
 * @granule: its index.
 * @owner: channel that has the right to write it, unless a hole is made there
 *	meanwhile.
 *
 * What has no page needs none; but pages may be there, with bytes of a fetch
 * that failed half-way. Sleeps.
 *
 * Return: 0, or a negative errno.
 */
int umem_granule_clear(struct umem_region *region, unsigned long granule,
		       const void *owner)
{
	pgoff_t index = umem_granule_index(region, granule);
	pgoff_t last = index + umem_granule_pages(region) - 1;
	struct xarray *pages = &region->mapping->i_pages;
	struct folio *folio;
	struct page *page;

	/* Finds pages and, as values, what has gone to swap. */
	while (index <= last && xa_find(pages, &index, last, XA_PRESENT)) {
		page = umem_backing_find_page(region, index);
		if (IS_ERR(page))
			return PTR_ERR(page);
		if (!page) {
			index++;
			continue;
		}
		index += folio_rest(page, last - index + 1);
		folio = page_folio(page);
		folio_lock(folio);
		/* Behind a hole it may be a program's page. */
		if (umem_request_may_write(region, granule, owner))
			clear_folio(folio);
		folio_unlock(folio);
		folio_put(folio);
	}
	return 0;
}
