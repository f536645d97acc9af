// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench fill: how long it takes until all of a region is there, beside the
 * two things that this cannot do without: to READ the bytes, by messages of the
 * same size of which as many are in flight, and to populate as much of tmpfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach.h"
#include "clock.h"
#include "expect.h"
#include "filling.h"
#include "guard.h"
#include "json_out.h"
#include "latency.h"
#include "memory.h"
#include "reader.h"
#include "setup.h"
#include "size.h"
#include "verify.h"

#define DEFAULT_ROUNDS 4
#define BATCH 16U

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23	/* Linux 5.14 */
#endif

static const char usage[] =
	"usage: umem-bench fill --source rdma://HOST:PORT/ID [OPTIONS]\n"
	"  --source SOURCE      a memory server's export\n"
	"  --size S             of the region (default: the export's)\n"
	"  --rounds R           fresh memory so many times, each way in turn (default 4)\n"
	"  --depth N            READs in flight (default 16)\n"
	"  --verify-pattern=N   the export is what \"umem-bench pattern --seed N\" wrote\n"
	"                       (default, with 0)\n"
	"  --verify-file PATH   the export is this file\n"
	"  --cpu LIST           CPUs of the measuring thread (default: any; with less than\n"
	"                       3 CPUs the first)\n"
	"  --poll spin|yield    how raw-verbs polls (default: yield with less than 3 CPUs)\n"
	"  --clock monotonic|tsc  tsc: where that counts nanoseconds, as under -icount\n"
	"  -j, --json           the report as JSON\n"
	"exit status: 0; 1 an error, also a wrong page; 2 usage\n"
	"ways:\n";

struct fill;

/* One way to have the bytes, or part of it. */
struct way {
	const char *name;
	const char *what;
	/* Adds what it took; says nothing. 0 or a negative errno. */
	int (*run)(struct fill *fill, uint64_t *ns, struct umem_why *why);
};

struct fill {
	struct bench *bench;
	struct row umem;
	struct reader reader;
};

enum { RAW, POPULATE, ALLOCATE, UMEM, WAYS };

/* ---- The ways ------------------------------------------------------------ */

/* Posts as many as fit. */
static uint64_t post(struct fill *fill, uint64_t next, uint64_t done)
{
	struct reader *reader = &fill->reader;
	unsigned int depth = rdma_client_depth(reader->client);

	while (next < fill->bench->pages && next - done < depth) {
		uint64_t at = next * BENCH_PAGE;
		int err = rdma_client_read(reader->client, next, at,
					   reader->buffer + at, reader->lkey,
					   BENCH_PAGE);

		if (err)
			guard_die(err, rdma_client_why(reader->client),
				  "READ of offset %" PRIu64, at);
		next++;
	}
	return next;
}

/* How many ended. */
static uint64_t reap(struct fill *fill)
{
	struct rdma_client *client = fill->reader.client;
	struct rdma_client_done done[BATCH];
	int n = rdma_client_poll(client, done, BATCH);

	if (n < 0)
		guard_die(n, rdma_client_why(client), "polling");
	if (!n)
		reader_relax(fill->bench);
	for (int i = 0; i < n; i++)
		if (done[i].status)
			guard_die(done[i].status, rdma_client_why(client),
				  "READ of offset %" PRIu64,
				  done[i].cookie * BENCH_PAGE);
	return (uint64_t)n;
}

static int run_raw(struct fill *fill, uint64_t *ns, struct umem_why *why)
{
	enum bench_clock clock = fill->bench->opt.clock;
	uint64_t next = 0, done = 0;
	uint64_t start;

	(void)why;
	/* What an earlier round READ proves nothing. */
	memset(fill->reader.buffer, 0, fill->bench->opt.size);
	start = clock_ns(clock);
	while (done < fill->bench->pages) {
		next = post(fill, next, done);
		done += reap(fill);
		guard_at("raw-verbs", done);
	}
	*ns += clock_ns(clock) - start;
	return 0;
}

static int run_tmpfs(struct fill *fill, uint64_t *ns, struct umem_why *why,
		     bool map_too)
{
	enum bench_clock clock = fill->bench->opt.clock;
	uint64_t bytes = fill->bench->opt.size;
	uint64_t start;
	char *map;
	int fd = memory_new(bytes, &map, why);
	int bad, err;

	if (fd < 0)
		return fd;
	start = clock_ns(clock);
	bad = map_too ? madvise(map, bytes, MADV_POPULATE_WRITE) :
			fallocate(fd, 0, 0, (off_t)bytes);
	*ns += clock_ns(clock) - start;
	err = bad ? umem_because(why, -errno, "a memfd cannot be populated") : 0;
	munmap(map, bytes);
	close(fd);
	return err;
}

static int run_populate(struct fill *fill, uint64_t *ns, struct umem_why *why)
{
	return run_tmpfs(fill, ns, why, true);
}

static int run_allocate(struct fill *fill, uint64_t *ns, struct umem_why *why)
{
	return run_tmpfs(fill, ns, why, false);
}

static int verify_region(struct row *row)
{
	int err = 0;

	for (uint64_t page = 0; !err && page < row->bench->pages; page++) {
		guard_at(row->ops->name, page);
		err = verify_page(row, page, page);
	}
	return err;
}

static int run_umem(struct fill *fill, uint64_t *ns, struct umem_why *why)
{
	struct row *row = &fill->umem;
	int err = row->ops->prepare(row, why);

	if (err)
		return err;
	err = filling_run(row, ns, why);
	if (!err)
		err = verify_region(row);
	row->ops->finish(row);
	return err;
}

static const struct way ways[WAYS] = {
	[RAW] = { "raw-verbs", "READs of a page each by verbs, pipelined", run_raw },
	[POPULATE] = { "tmpfs-populate", "as much of a memfd: allocated, zeroed, mapped (MADV_POPULATE_WRITE)", run_populate },
	[ALLOCATE] = { "tmpfs-allocate", "as much of a memfd: allocated only (fallocate())", run_allocate },
	[UMEM] = { "umem-fill", "a region, until UMEM_IOC_FILL has fetched all of it", run_umem },
};

static void print_usage(FILE *to)
{
	fputs(usage, to);
	for (size_t i = 0; i < WAYS; i++)
		fprintf(to, "  %-18s %s\n", ways[i].name, ways[i].what);
	fputs("fill_vs_raw is the rate of umem-fill by that of raw-verbs and tmpfs-populate\n"
	      "one after the other.\n", to);
}

/* ---- The run ------------------------------------------------------------- */

/* As fast as READing, then populating, is 1. */
static double ratio(const uint64_t *ns, int populated)
{
	return (double)(ns[RAW] + ns[populated]) / (double)ns[UMEM];
}

static double per_page(const struct fill *fill, uint64_t ns)
{
	return (double)ns / (double)fill->bench->pages /
	       (double)fill->bench->opt.rounds;
}

static int print_text(const struct fill *fill, const uint64_t *ns)
{
	const struct bench_options *opt = &fill->bench->opt;
	char size[UMEM_SIZE_TEXT];

	printf("umem-bench fill: %s of %s, %" PRIu64 " rounds, READs of 4 KiB, %u in flight; %s\n",
	       umem_size_text(opt->size, size), opt->source, opt->rounds,
	       rdma_client_depth(fill->reader.client), report_clock(fill->bench));
	printf("%-16s %12s %10s\n", "", "ns a page", "MB/s");
	for (size_t i = 0; i < WAYS; i++)
		printf("%-16s %12.0f %10.1f\n", ways[i].name,
		       per_page(fill, ns[i]),
		       BENCH_PAGE * 1e3 / per_page(fill, ns[i]));
	printf("fill_vs_raw %.4f, of memory that is allocated only %.4f\n",
	       ratio(ns, POPULATE), ratio(ns, ALLOCATE));
	return fflush(stdout) ? -errno : 0;
}

static int print_json(const struct fill *fill, const uint64_t *ns)
{
	struct json_object *report = json_object_new_object();
	struct json_object *list = json_object_new_array();

	report_json_run(report, fill->bench, "fill");
	json_add_count(report, "depth",
		       rdma_client_depth(fill->reader.client));
	json_add_count(report, "window", filling_window(&fill->umem));
	for (size_t i = 0; i < WAYS; i++) {
		struct json_object *way = json_object_new_object();

		json_add_text(way, "name", ways[i].name);
		json_add_text(way, "what", ways[i].what);
		json_add_count(way, "total_ns", ns[i]);
		json_add_number(way, "per_page_ns", per_page(fill, ns[i]));
		json_object_array_add(list, way);
	}
	json_add(report, "ways", list);
	json_add_number(report, "fill_vs_raw", ratio(ns, POPULATE));
	json_add_number(report, "fill_vs_raw_allocate", ratio(ns, ALLOCATE));
	return json_print(report);
}

/* A round of all ways; the first of all, which warms up, does not count. */
static int run_round(struct fill *fill, uint64_t *ns)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct umem_why why = { "" };
		int err = ways[i].run(fill, &ns[i], &why);

		if (err) {
			/* A wrong page was told already. */
			if (err != -EBADMSG)
				umem_say_failed(err, &why, "%s", ways[i].name);
			return err;
		}
	}
	return 0;
}

/* That the READs of raw-verbs brought what they had to. */
static int verify_raw(struct fill *fill)
{
	struct row row = {
		.ops = &row_raw_verbs,
		.bench = fill->bench,
		.buffer = fill->reader.buffer,
	};

	return verify_region(&row);
}

static int measure(struct fill *fill)
{
	uint64_t warm[WAYS] = { 0 };
	uint64_t ns[WAYS] = { 0 };
	int err = run_round(fill, warm);

	for (uint64_t i = 0; !err && i < fill->bench->opt.rounds; i++)
		err = run_round(fill, ns);
	if (!err)
		err = verify_raw(fill);
	if (err)
		return err;
	return fill->bench->opt.json ? print_json(fill, ns) :
				       print_text(fill, ns);
}

static int run(struct fill *fill)
{
	struct row *row = &fill->umem;
	struct umem_why why = { "" };
	int err = reader_open(&fill->reader, fill->bench, NULL,
			      fill->bench->pages, &why);

	if (err) {
		umem_say_failed(err, &why, "raw-verbs");
		return err;
	}
	err = setup_row(row, &why);
	if (err) {
		umem_say_failed(err, &why, "umem-fill");
	} else {
		err = guard_start();
		if (!err)
			err = measure(fill);
		row->ops->close(row);
	}
	reader_close(&fill->reader);
	return err;
}

static int begin(struct bench *bench)
{
	int status = setup_source(bench);

	if (!status && bench->source.kind != UMEM_SOURCE_RDMA) {
		umem_say("--source: wanted, rdma://HOST:PORT/ID; umem-bench fill --help lists the options");
		status = BENCH_EXIT_USAGE;
	}
	return status ? status : setup_begin(bench);
}

int bench_fill(int argc, char **argv)
{
	static const struct bench_syntax syntax = {
		BENCH_FILL, "fill", print_usage,
	};
	struct bench bench = {
		.opt = {
			.rounds = DEFAULT_ROUNDS,
			.depth = UMEM_READS_INFLIGHT,
		},
	};
	struct fill fill = {
		.bench = &bench,
		.umem = { .ops = &row_umem_rdma, .bench = &bench },
	};
	int status = bench_options_parse(argc, argv, &syntax, &bench.opt);

	if (status)
		return status - 1;
	filling_exact_timers();
	status = begin(&bench);
	if (!status)
		status = run(&fill) ? BENCH_EXIT_ERROR : EXIT_SUCCESS;
	setup_end(&bench);
	return status;
}
