// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * RDMA READs of single pages by verbs, one at a time, polled.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "guard.h"
#include "reader.h"

int reader_connect(const struct bench *bench, struct rdma_client **client,
		   struct umem_why *why)
{
	struct rdma_client_options opt = {
		.dst = bench->addr,
		.export_id = bench->source.export_id,
		.reads_inflight = bench->opt.depth ? bench->opt.depth :
						     UMEM_READS_INFLIGHT,
		.timeout_ms = UMEM_CONNECT_TIMEOUT_MS,
		.ack_timeout_ms = UMEM_ACK_TIMEOUT_MS,
	};

	return rdma_client_open(client, &opt, why);
}

void reader_close(struct reader *reader)
{
	rdma_client_close(reader->client);
	free(reader->own);
}

static int own_buffer(struct reader *reader, size_t bytes, struct umem_why *why)
{
	reader->own = aligned_alloc(BENCH_PAGE, bytes);
	if (!reader->own)
		return umem_because(why, -ENOMEM, "no memory");
	memset(reader->own, 0, bytes);
	reader->buffer = reader->own;
	return 0;
}

static int register_buffer(struct reader *reader, size_t bytes,
			   struct umem_why *why)
{
	int err = rdma_client_register(reader->client, reader->buffer, bytes,
				       &reader->lkey);

	if (!err)
		return 0;
	return umem_because(why, err,
			    "the RDMA device does not register a buffer of %zu bytes (ulimit -l?)",
			    bytes);
}

int reader_open(struct reader *reader, const struct bench *bench, char *buffer,
		size_t pages, struct umem_why *why)
{
	size_t bytes = pages * BENCH_PAGE;
	int err;

	*reader = (struct reader){ .bench = bench, .buffer = buffer };
	err = reader_connect(bench, &reader->client, why);
	if (err)
		return err;
	if (!buffer)
		err = own_buffer(reader, bytes, why);
	if (!err)
		err = register_buffer(reader, bytes, why);
	if (err)
		reader_close(reader);
	return err;
}

void reader_relax(const struct bench *bench)
{
	if (bench->opt.poll == BENCH_POLL_YIELD) {
		sched_yield();
		return;
	}
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void reader_get(struct reader *reader, uint64_t page, size_t slot)
{
	struct rdma_client_done done;
	int n = 0;
	int err;

	err = rdma_client_read(reader->client, 1, page * BENCH_PAGE,
			       reader->buffer + slot * BENCH_PAGE,
			       reader->lkey, BENCH_PAGE);
	while (!err && !n) {
		n = rdma_client_poll(reader->client, &done, 1);
		if (!n)
			reader_relax(reader->bench);
	}
	if (n == 1)
		err = done.status;
	else if (n < 0)
		err = n;
	if (err)
		guard_die(err, rdma_client_why(reader->client),
			  "READ of offset %" PRIu64 " of %s",
			  page * BENCH_PAGE, rdma_client_name(reader->client));
}
