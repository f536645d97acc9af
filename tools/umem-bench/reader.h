/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RDMA READs of single pages by verbs, one at a time, polled: what a program
 * without umem does. Belongs to one thread at a time.
 */
#ifndef UMEM_BENCH_READER_H
#define UMEM_BENCH_READER_H

#include "bench.h"
#include "rdma_client.h"

struct reader {
	const struct bench *bench;
	struct rdma_client *client;
	uint32_t lkey;
	char *buffer;		/* registered: where pages are read to */
	char *own;		/* the same, if it is to be freed, or NULL */
};

/*
 * Connects, and registers the @pages at @buffer; NULL: a buffer of its own. 0 or
 * a negative errno.
 */
int reader_open(struct reader *reader, const struct bench *bench, char *buffer,
		size_t pages, struct umem_why *why);
void reader_close(struct reader *reader);

/* Page @page of the export into the @slot-th of the buffer; or ends it all. */
void reader_get(struct reader *reader, uint64_t page, size_t slot);

/* A connection to @bench's source without a buffer; for its size. */
int reader_connect(const struct bench *bench, struct rdma_client **client,
		   struct umem_why *why);

/* What a thread does between two looks at something it polls. */
void reader_relax(const struct bench *bench);

#endif /* UMEM_BENCH_READER_H */
