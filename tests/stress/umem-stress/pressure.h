/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A memory cgroup in which the workers live, with less than they use.
 */
#ifndef UMEM_STRESS_PRESSURE_H
#define UMEM_STRESS_PRESSURE_H

#include "world.h"

/* @group: directory to make, or NULL for no pressure. */
void pressure_configure(const char *group);
void pressure_begin(void);
/* Called by a process that is to live in it. */
void pressure_join(void);
void pressure_event(struct rng *rng);
/* Pages that went to swap since pressure_configure(); -1 without a cgroup. */
long pressure_swapped(void);

#endif /* UMEM_STRESS_PRESSURE_H */
