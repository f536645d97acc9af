/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread of a struct uffd_pager.
 */
#ifndef UMEM_BENCH_UFFD_THREAD_H
#define UMEM_BENCH_UFFD_THREAD_H

/* @pager: a struct uffd_pager. Ends at a touch of its last page. */
void *uffd_thread(void *pager);

#endif /* UMEM_BENCH_UFFD_THREAD_H */
