// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The self-describing content, page by page.
 */
#include "bench.h"
#include "pattern.h"
#include "provider/pattern.h"

void pattern_page(uint64_t seed, uint64_t index, void *page)
{
	umem_pattern_fill(seed, index * BENCH_PAGE, page,
			  BENCH_PAGE / sizeof(uint64_t));
}
