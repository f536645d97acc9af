// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-sim: a region that the simulated provider in the kernel serves, from a
 * copy of the content that userfaultfd's handlers serve.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fabric.h"
#include "present.h"
#include "region.h"
#include "umem_row.h"

static int attach(struct row *row, struct umem_why *why)
{
	struct umem_row *umem = row->priv;
	struct umem_sim_source sim = row->bench->source.sim;
	int channel = umem_region_channel(umem->region, 0);
	char path[32];

	if (channel < 0)
		return umem_because(why, channel, "%s",
				    umem_explain(UMEM_DO_CHANNEL, channel));
	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		 row->bench->fabric->file);
	sim.arg.content = UMEM_SIM_COPY;
	sim.arg.pattern_seed = 0;
	sim.path = path;
	umem->sim = umem_sim_attach(channel, &sim, why);
	/* The region holds the channel now. */
	close(channel);
	return umem->sim < 0 ? umem->sim : 0;
}

/* What row->ops->data says. */
enum { EMPTY, HOLED };

static int sim_prepare(struct row *row, struct umem_why *why)
{
	const struct umem_row *umem = row->priv;
	int err = umem_row_make(row, why);

	if (err)
		return err;
	if (row->ops->data == HOLED)
		err = present_fill(row, umem->region, true, why);
	if (!err)
		err = attach(row, why);
	if (err)
		umem_row_drop(row);
	return err;
}

/* How many faults found their page by polling says whether the row polls. */
static void sim_finish(struct row *row)
{
	const struct umem_row *umem = row->priv;
	struct umem_sim_stats stats;

	if (!ioctl(umem->sim, UMEM_SIM_IOC_STATS, &stats))
		row->umem.polled += stats.polled;
	close(umem->sim);
	umem_row_drop(row);
}

const struct row_ops row_umem_sim = {
	.name = "umem-sim",
	.what = "umem, served by the simulated provider in the kernel",
	.source = UMEM_SOURCE_SIM,
	.data = EMPTY,
	.open = umem_row_open,
	.prepare = sim_prepare,
	.finish = sim_finish,
	.close = umem_row_close,
};

const struct row_ops row_umem_holed = {
	.name = "umem-holed",
	.what = "the same with all provided but the last page of every 2 MiB; for scans",
	.source = UMEM_SOURCE_SIM,
	.when = ROW_NAMED,
	.data = HOLED,
	.open = umem_row_open,
	.prepare = sim_prepare,
	.finish = sim_finish,
	.close = umem_row_close,
};
