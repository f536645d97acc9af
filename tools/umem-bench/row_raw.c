// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * raw-verbs: the measuring thread posts an RDMA READ of one page and polls for
 * its completion. No memory of anyone is faulted in: the floor.
 */
#include <errno.h>
#include <stdlib.h>

#include "reader.h"
#include "row.h"

static int raw_open(struct row *row, struct umem_why *why)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return umem_because(why, -ENOMEM, "no memory");
	err = reader_open(reader, row->bench, NULL, row->bench->opt.batch,
			  why);
	if (err) {
		free(reader);
		return err;
	}
	row->priv = reader;
	return 0;
}

static int raw_prepare(struct row *row, struct umem_why *why)
{
	struct reader *reader = row->priv;

	(void)why;
	row->buffer = reader->buffer;
	return 0;
}

static void raw_read(struct row *row, uint64_t page, size_t slot)
{
	reader_get(row->priv, page, slot);
}

static void raw_finish(struct row *row)
{
	row->buffer = NULL;
}

static void raw_close(struct row *row)
{
	reader_close(row->priv);
	free(row->priv);
}

const struct row_ops row_raw_verbs = {
	.name = "raw-verbs",
	.what = "RDMA READ of a page by verbs, polled by the measuring thread",
	.source = UMEM_SOURCE_RDMA,
	.open = raw_open,
	.prepare = raw_prepare,
	.read = raw_read,
	.finish = raw_finish,
	.close = raw_close,
};
