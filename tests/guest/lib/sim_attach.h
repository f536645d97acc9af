/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: the simulated provider.
 */
#ifndef UMEM_TEST_SIM_ATTACH_H
#define UMEM_TEST_SIM_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/umem_sim.h>

#include "pattern_provider.h"

/* The pattern of @seed, at once. */
struct umem_sim_attach sim_arg(uint64_t seed);

/* An open of the device: it stands for one provider. */
int sim_open(void);

/* ATTACH on @channel: 0 or a positive errno. */
int sim_attach_channel(int sim, int channel, const struct umem_sim_attach *arg);

/*
 * An open of the device by which @region is provided, in place of any other
 * provider; fails the test when that cannot be.
 */
int sim_provide(int region, const struct umem_sim_attach *arg);

struct umem_sim_stats sim_stats(int sim);

/* Whether a page holds the pattern of @seed for @granule. */
bool sim_page_is(const void *page, uint64_t seed, uint64_t granule);

/* Waits until nothing refers to umem_sim.ko. */
void sim_wait_unused(void);

#endif /* UMEM_TEST_SIM_ATTACH_H */
