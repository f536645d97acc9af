// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads a whole export to standard output, or shows what an attempt to connect
 * comes to. For tests of umem-serve and of the client library.
 *
 *	serve_read rdma://HOST:PORT/ID [LIFE]
 *
 * LIFE: "hold" waits for the end of standard input before it leaves, "poll"
 * never sleeps, "kill" dies without leaving. Exit status: 0, 1 with
 * "ERRNO-NAME: sentence" on stderr.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provider/lib/rdma_client.h"
#include "provider/lib/source.h"
#include "tests/guest/lib/touch.h"

#define SLOT	65536U
#define SLOTS	16U

static unsigned char *buffer;
static uint32_t lkey;
static bool busy_poll;

static int die(int err, const struct umem_why *why)
{
	fprintf(stderr, "%s: %s\n", strerrorname_np(-err), why->text);
	return 1;
}

/* Reads @count slots from @offset into the buffer. */
static int read_slots(struct rdma_client *cl, uint64_t offset, size_t length)
{
	struct rdma_client_done done[SLOTS];
	uint64_t posted = 0, taken = 0;
	int i, n, err;

	while (taken < length) {
		while (posted < length) {
			size_t want = length - posted;

			if (want > SLOT)
				want = SLOT;
			err = rdma_client_read(cl, want, offset + posted,
					       buffer + posted, lkey, want);
			if (err == -ENOBUFS)
				break;
			if (err)
				return err;
			posted += want;
		}
		n = rdma_client_poll(cl, done, SLOTS);
		if (n < 0)
			return n;
		for (i = 0; i < n; i++) {
			if (done[i].status)
				return done[i].status;
			taken += done[i].cookie;
		}
		if (!n && !busy_poll)
			rdma_client_wait(cl, 1000);
	}
	return 0;
}

static int read_all(struct rdma_client *cl)
{
	uint64_t size = rdma_client_export(cl)->size, offset = 0;
	size_t length;
	int err;

	for (; offset < size; offset += length) {
		length = SLOT * SLOTS;
		if (length > size - offset)
			length = size - offset;
		err = read_slots(cl, offset, length);
		if (err)
			return err;
		if (fwrite(buffer, 1, length, stdout) != length)
			return -EIO;
	}
	return fflush(stdout) ? -EIO : 0;
}

static void hold(struct rdma_client *cl)
{
	char c;

	fprintf(stderr, "holding\n");
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	(void)cl;
}

int main(int argc, char **argv)
{
	struct rdma_client_options opt = {
		.reads_inflight = 16,
		.timeout_ms = 1000 * TEST_SECONDS,
		.ack_timeout_ms = 500,
	};
	const char *life = argc > 2 ? argv[2] : "";
	struct umem_source source;
	struct rdma_client *cl;
	struct umem_why why;
	socklen_t length;
	int err;

	if (argc < 2)
		return 2;
	err = umem_source_parse(argv[1], &source, &why);
	if (!err)
		err = umem_source_resolve(&source, &opt.dst, &length, &why);
	opt.export_id = source.export_id;
	if (!err)
		err = rdma_client_open(&cl, &opt, &why);
	if (err)
		return die(err, &why);
	fprintf(stderr, "%s by %s, %u reads\n", rdma_client_name(cl),
		rdma_client_device(cl), rdma_client_depth(cl));

	busy_poll = !strcmp(life, "poll");
	buffer = mmap(NULL, SLOT * SLOTS, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	err = rdma_client_register(cl, buffer, SLOT * SLOTS, &lkey);
	if (!err)
		err = read_all(cl);
	if (!err && !strcmp(life, "hold"))
		hold(cl);
	if (!strcmp(life, "kill"))
		_exit(0);
	if (err)
		err = die(err, rdma_client_why(cl));
	rdma_client_close(cl);
	return err;
}
