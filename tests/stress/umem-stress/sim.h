/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * umem_sim with the image: at times so fast that faults poll it, at times as
 * late and as badly as it can.
 */
#ifndef UMEM_STRESS_SIM_H
#define UMEM_STRESS_SIM_H

#include "rng.h"

/* Attaches @channel to a new one: 0 or a negative errno. */
int sim_attach(int channel, struct rng *rng);
/* The last one has ended, or will with its region. */
void sim_forget(void);

#endif /* UMEM_STRESS_SIM_H */
