// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider: a region that the provider in userspace reads by RDMA.
 */
#include "child.h"
#include "umem_row.h"

static int provider_prepare(struct row *row, struct umem_why *why)
{
	struct umem_row *umem = row->priv;
	int err = umem_row_make(row, why);

	if (err)
		return err;
	err = child_start(row->bench, umem->region, &umem->provider, why);
	if (err)
		umem_row_drop(row);
	return err;
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
	.remote = true,
	.open = umem_row_open,
	.prepare = provider_prepare,
	.finish = provider_finish,
	.close = umem_row_close,
};
