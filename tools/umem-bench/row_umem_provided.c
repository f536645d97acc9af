// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Regions of which everything is there: what remains of umem once a page has
 * arrived. Rows present and present-mapped are the same on a memfd.
 *
 * umem-provided	touch of a page that is provided and not mapped
 * umem-finalized	the same after UMEM_IOC_FINALIZE: a mapping of plain tmpfs
 */
#include <sys/mman.h>

#include "present.h"
#include "region.h"
#include "umem_row.h"

enum provided_kind {
	PROVIDED,
	FINALIZED,
};

/* Whole granules are written without being fetched, so nobody has to provide. */
static int fill(struct row *row, struct umem_why *why)
{
	const struct umem_row *umem = row->priv;
	int err = present_fill(row, umem->region, false, why);

	if (err || row->ops->data == PROVIDED)
		return err;
	err = umem_region_finalize(umem->region, 0);
	if (err < 0)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_FINALIZE, err));
	return 0;
}

static int provided_prepare(struct row *row, struct umem_why *why)
{
	int err = umem_row_make(row, why);

	if (err)
		return err;
	err = fill(row, why);
	if (err) {
		umem_row_drop(row);
		return err;
	}
	/* A finalized mapping may get huge pages; the memfds do not. */
	madvise(row->map, row->bench->pages * BENCH_PAGE, MADV_NOHUGEPAGE);
	return 0;
}

const struct row_ops row_umem_provided = {
	.name = "umem-provided",
	.what = "a page of a region that is provided and not mapped: a minor fault",
	.when = ROW_NAMED,
	.data = PROVIDED,
	.open = umem_row_open,
	.prepare = provided_prepare,
	.aim = present_unmap_around,
	.finish = umem_row_drop,
	.close = umem_row_close,
};

const struct row_ops row_umem_finalized = {
	.name = "umem-finalized",
	.what = "the same of a region that is finalized; all its pages are touched",
	.when = ROW_NAMED,
	.data = FINALIZED,
	.open = umem_row_open,
	.prepare = provided_prepare,
	.aim = present_unmap_around,
	.finish = umem_row_drop,
	.close = umem_row_close,
};
