/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each page of the source must hold.
 */
#ifndef UMEM_BENCH_EXPECT_H
#define UMEM_BENCH_EXPECT_H

#include <stdint.h>

#include "say.h"

struct expect;

/*
 * From the file at @path, whose short last page counts as filled up with
 * zeroes, or from the pattern of @seed when @path is NULL. NULL: see @why; the
 * return is in *@err.
 */
struct expect *expect_new(const char *path, uint64_t seed, int *err,
			  struct umem_why *why);
void expect_free(struct expect *expect);

/* Pages that are known; UINT64_MAX for a pattern. */
uint64_t expect_pages(const struct expect *expect);

/* "pattern:0" or the path. */
const char *expect_name(const struct expect *expect);

/* Page @index into the 4096 bytes at @page. 0 or a negative errno. */
int expect_page(const struct expect *expect, uint64_t index, void *page);

/*
 * Offset in bytes of the first 8-byte word in which two pages differ, or -1.
 */
int expect_difference(const void *expected, const void *got);

#endif /* UMEM_BENCH_EXPECT_H */
