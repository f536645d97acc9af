/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For guest tests in C: what /proc/self/pagemap tells of a page. */
#ifndef UMEM_TEST_PAGEMAP_H
#define UMEM_TEST_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the page at @at is mapped. */
bool pagemap_present(const volatile void *at);

/* Its page frame; fails the test when it is not mapped. */
uint64_t pagemap_pfn(const volatile void *at);

#endif /* UMEM_TEST_PAGEMAP_H */
