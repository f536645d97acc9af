// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider: a region that the provider in userspace reads by RDMA; one row
 * as it runs usually, and one with a provider that never sleeps.
 */
#include "child.h"
#include "umem_row.h"

enum provider_kind {
	PROVIDER_SLEEPS,
	PROVIDER_POLLS,
};

static int provider_prepare(struct row *row, struct umem_why *why)
{
	struct umem_row *umem = row->priv;
	int err = umem_row_make(row, why);

	if (err)
		return err;
	err = child_start(row->bench, umem->region,
			  row->ops->data == PROVIDER_POLLS, &umem->provider,
			  why);
	if (err)
		umem_row_drop(row);
	else if (row->ops->data == PROVIDER_POLLS)
		child_pause(umem->provider);
	return err;
}

/* Between its batches a provider that polls would disturb what others do. */
static void provider_start(struct row *row)
{
	struct umem_row *umem = row->priv;

	child_resume(umem->provider);
}

static void provider_rest(struct row *row)
{
	struct umem_row *umem = row->priv;

	child_pause(umem->provider);
}

static void provider_finish(struct row *row)
{
	struct umem_row *umem = row->priv;

	child_stop(umem->provider);
	umem_row_drop(row);
}

const struct row_ops row_umem_provider = {
	.name = "umem-provider",
	.what = "umem, read by the program umem-provider",
	.source = UMEM_SOURCE_RDMA,
	.data = PROVIDER_SLEEPS,
	.open = umem_row_open,
	.prepare = provider_prepare,
	.finish = provider_finish,
	.close = umem_row_close,
};

const struct row_ops row_umem_provider_poll = {
	.name = "umem-provider-poll",
	.what = "the same; the program polls and keeps its CPU to itself",
	.source = UMEM_SOURCE_RDMA,
	.when = ROW_SPARE_CPUS,
	.data = PROVIDER_POLLS,
	.open = umem_row_open,
	.prepare = provider_prepare,
	.start = provider_start,
	.stop = provider_rest,
	.finish = provider_finish,
	.close = umem_row_close,
};
