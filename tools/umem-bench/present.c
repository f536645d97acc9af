// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rows whose pages are there before they are touched.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "expect.h"
#include "present.h"

/* The most that debugfs' fault_around_bytes can be, and no more than a PMD. */
#define AROUND (2UL << 20)

/* The page of every 2 MiB that is left out: who goes in order meets it last. */
#define BLOCK_PAGES (AROUND / BENCH_PAGE)

static bool is_hole(uint64_t page)
{
	return page % BLOCK_PAGES == BLOCK_PAGES - 1;
}

int present_fill(const struct row *row, int fd, bool holes, struct umem_why *why)
{
	const struct bench *bench = row->bench;
	char page[BENCH_PAGE];

	for (uint64_t i = 0; i < bench->opt.touches; i++) {
		uint64_t index = bench_page(bench, i);
		int err;

		if (holes && is_hole(index))
			continue;
		err = expect_page(bench->expect, index, page);
		if (err)
			return umem_because(why, err, "%s cannot be read",
					    expect_name(bench->expect));
		if (pwrite(fd, page, BENCH_PAGE,
			   (off_t)(index * BENCH_PAGE)) != BENCH_PAGE)
			return umem_because(why, -errno,
					    "writing a page failed");
	}
	return 0;
}

void present_unmap_around(struct row *row, uint64_t page)
{
	uintptr_t start = (uintptr_t)row->map;
	uintptr_t end = start + row->bench->pages * BENCH_PAGE;
	uintptr_t low = (start + page * BENCH_PAGE) & ~(AROUND - 1);
	uintptr_t high = low + AROUND;

	if (row->bench->opt.stride)
		return;
	low = low < start ? start : low;
	high = high > end ? end : high;
	madvise((void *)low, high - low, MADV_DONTNEED);
}
