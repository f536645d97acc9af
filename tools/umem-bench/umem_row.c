// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the rows of umem share: a region of our own and its mapping.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "region.h"
#include "umem_row.h"

/* One thread faults; the rest is for what the kernel fetches ahead. */
#define MAX_INFLIGHT 128U
#define MAX_DATA (64U << 10)
/* How long a fault may poll; slower providers are slept for. */
#define SPIN_NS 50000U

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

int umem_row_open(struct row *row, struct umem_why *why)
{
	struct umem_features features;
	struct umem_row *umem;
	int device = umem_device_open();
	int err;

	if (device < 0)
		return umem_because(why, device, "%s: %s", UMEM_DEVICE,
				    umem_explain(UMEM_DO_OPEN, device));
	err = umem_device_features(device, &features);
	if (err) {
		umem_because(why, err, "%s: %s", UMEM_DEVICE,
			     umem_explain(UMEM_DO_FEATURES, err));
		goto close;
	}
	umem = calloc(1, sizeof(*umem));
	if (!umem) {
		err = umem_because(why, -ENOMEM, "no memory");
		goto close;
	}
	umem->device = device;
	umem->create = (struct umem_create){
		.size = row->bench->pages * BENCH_PAGE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = at_most(MAX_INFLIGHT, features.max_inflight),
		.max_data = at_most(MAX_DATA, features.max_data),
		.readahead = row->bench->opt.readahead,
		.spin_ns = row->bench->opt.poll == BENCH_POLL_SLEEP ? 0 :
			   SPIN_NS,
	};
	row->priv = umem;
	return 0;
close:
	close(device);
	return err;
}

void umem_row_close(struct row *row)
{
	struct umem_row *umem = row->priv;

	close(umem->device);
	free(umem);
}

int umem_row_make(struct row *row, struct umem_why *why)
{
	struct umem_row *umem = row->priv;
	int err;

	umem->region = umem_region_create(umem->device, &umem->create);
	if (umem->region < 0)
		return umem_create_because(why, umem->region, &umem->create,
					   NULL);
	row->map = memory_map(umem->region, umem->create.size, &err, why);
	if (!row->map)
		close(umem->region);
	return err;
}

void umem_row_drop(struct row *row)
{
	struct umem_row *umem = row->priv;
	struct umem_region_status status;

	if (!umem_region_status(umem->region, &status)) {
		row->umem.valid = true;
		row->umem.faults += status.faults;
		row->umem.granules_provided += status.granules_provided;
		row->umem.bytes_copied += status.bytes_copied;
		row->umem.bytes_direct += status.bytes_direct;
		row->umem.readahead_asked += status.readahead_asked;
		row->umem.readahead_hits += status.readahead_hits;
		row->umem.readahead_late += status.readahead_late;
		row->umem.readahead_wasted += status.readahead_wasted;
	}
	munmap(row->map, umem->create.size);
	close(umem->region);
	row->map = NULL;
}
