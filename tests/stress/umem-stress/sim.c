// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sys/ioctl.h>
#include <unistd.h>

#include "image.h"
#include "provider/lib/sim.h"
#include "sim.h"
#include "world.h"

static int control = -1;		/* of the last one */

/* Chances of a thousand are small: most of what is asked for comes. */
static void draw_trouble(struct umem_sim_attach *arg, struct rng *rng)
{
	if (world->round.fails) {
		arg->error_permille = 25;
		arg->error_status = UMEM_STATUS_IO;
	}
	if (rng_once_in(rng, 4))
		arg->refuse_permille = rng_below(rng, 300);
	if (rng_once_in(rng, 4))
		arg->hang_permille = rng_below(rng, 20);
	if (rng_once_in(rng, 4))
		arg->gone_after = rng_between(rng, 1, 500);
}

static void draw_delays(struct umem_sim_attach *arg, struct rng *rng)
{
	switch (rng_below(rng, 4)) {
	case 0:
		break;
	case 1:
		arg->latency_ns = rng_between(rng, 1, 3000000);
		arg->jitter_ns = rng_below(rng, 1000000);
		arg->reorder_permille = rng_below(rng, 300);
		break;
	default:
		arg->latency_ns = rng_between(rng, 1, 20000);
	}
	if (rng_once_in(rng, 8))
		arg->bandwidth = rng_between(rng, 16, 1024) << 20;
}

int sim_attach(int channel, struct rng *rng)
{
	struct umem_sim_source sim = {
		.arg = {
			.content = UMEM_SIM_COPY,
			.seed = rng_next(rng),
		},
		.path = IMAGE,
	};
	struct umem_why why;
	int device;

	sim_forget();
	draw_delays(&sim.arg, rng);
	draw_trouble(&sim.arg, rng);
	device = umem_sim_attach(channel, &sim, &why);
	if (device < 0)
		return device;
	control = device;
	return 0;
}

static unsigned long answers_polled(void)
{
	struct umem_sim_stats stats;

	if (!ioctl(control, UMEM_SIM_IOC_STATS, &stats))
		return stats.polled;
	stress_fail("umem_sim does not tell what it did");
	return 0;
}

void sim_forget(void)
{
	if (control < 0)
		return;
	world->events[EV_POLLED] += answers_polled();
	close(control);
	control = -1;
}
