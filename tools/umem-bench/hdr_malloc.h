/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HdrHistogram_c leaves the choice of an allocator to its user: the C library's.
 */
#ifndef UMEM_BENCH_HDR_MALLOC_H
#define UMEM_BENCH_HDR_MALLOC_H

#define hdr_malloc malloc
#define hdr_calloc calloc
#define hdr_realloc realloc
#define hdr_free free

#endif /* UMEM_BENCH_HDR_MALLOC_H */
