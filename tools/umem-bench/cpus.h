/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * On which CPUs threads run.
 */
#ifndef UMEM_BENCH_CPUS_H
#define UMEM_BENCH_CPUS_H

#include "bench.h"

/* "0,2-3" or "any"; keeps @text. 0, -EINVAL or -ERANGE. */
int cpus_parse(const char *text, struct bench_cpus *cpus, struct umem_why *why);

/* Just the first CPU that this process may use. */
void cpus_first(struct bench_cpus *cpus);

/* Binds the calling thread, unless to "any". 0 or a negative errno. */
int cpus_apply(const struct bench_cpus *cpus);

/* CPUs that this process may use. */
unsigned int cpus_usable(void);

#endif /* UMEM_BENCH_CPUS_H */
