/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * On which CPUs threads run, and how they wait there.
 */
#ifndef UMEM_BENCH_CPUS_H
#define UMEM_BENCH_CPUS_H

#include "bench.h"

/* "0,2-3"; keeps @text. 0, -EINVAL or -ERANGE. */
int cpus_parse(const char *text, struct bench_cpus *cpus, struct umem_why *why);

/* Binds the calling thread, unless no list was given. 0 or a negative errno. */
int cpus_apply(const struct bench_cpus *cpus);

/* CPUs that this process may use. */
unsigned int cpus_usable(void);

#endif /* UMEM_BENCH_CPUS_H */
