/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The simulated provider in the kernel: what it shall do, as text, and
 * UMEM_SIM_IOC_ATTACH. Test equipment.
 *
 *	sim:latency=3us,pattern=7
 *
 * Words, separated by commas, each at most once:
 *	zero, pattern=SEED (default, with 0), file=PATH (the last word: PATH is
 *	the rest of the text)
 *	latency=TIME, jitter=TIME	12, 12ns, 3us, 5ms, 1s
 *	bandwidth=SIZE			bytes a second, such as 12G
 *	reorder=N, error=N, hang=N, refuse=N	of a thousand
 *	hang-from=N, gone-after=N	requests, from 1
 *	seed=N				of everything random
 */
#ifndef UMEM_LIB_SIM_H
#define UMEM_LIB_SIM_H

#include <linux/umem_sim.h>

#include "say.h"

#define UMEM_SIM_DEVICE "/dev/umem-sim"

struct umem_sim_source {
	struct umem_sim_attach arg;
	const char *path;		/* of the file, in the text, or NULL */
};

/* @text is what follows "sim:". 0 or -EINVAL. */
int umem_sim_parse(const char *text, struct umem_sim_source *sim,
		   struct umem_why *why);

/*
 * On success @channel answers EBUSY, and what is returned is an open
 * /dev/umem-sim by which the provider can be controlled, or which can be closed;
 * else a negative errno.
 */
int umem_sim_attach(int channel, const struct umem_sim_source *sim,
		    struct umem_why *why);

#endif /* UMEM_LIB_SIM_H */
