// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench latency: from options to exit status.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cpus.h"
#include "latency.h"
#include "memory.h"
#include "setup.h"

#define DEFAULT_TOUCHES 4096ULL
#define DEFAULT_ROUNDS 4
#define DEFAULT_BATCH 64

static const char usage[] =
	"usage: umem-bench latency [--source rdma://HOST:PORT/ID] [OPTIONS]\n"
	"  --source SOURCE      a memory server's export, or sim:latency=TIME, which is\n"
	"                       simulated, also with pattern=SEED and, where --rows names\n"
	"                       no uffd, bandwidth=SIZE; rows that read from it are skipped\n"
	"                       without\n"
	"  --size S             size of the regions (default: the export's)\n"
	"  --touches N          pages touched a row and round (default 4096, or all)\n"
	"  --rounds R           fresh regions so many times (default 4)\n"
	"  --batch N            touches of a row before the next has its turn (default 64)\n"
	"  --seed N             of the random order (default 1)\n"
	"  --stride N           not in random order: every N-th page from the first on\n"
	"  --readahead S        of umem's regions (default 0)\n"
	"  --hold S             memory in use meanwhile (default 16M), so that no row gets\n"
	"                       what was freed before; 0: none\n"
	"  --write              the touch is a store\n"
	"  --rows A,B,...       only these; one that cannot run is an error\n"
	"  --verify-pattern=N   the export is what \"umem-bench pattern --seed N\" wrote\n"
	"                       (default, with 0)\n"
	"  --verify-file PATH   the export is this file\n"
	"  --nvmeof PATH        block device with the export's bytes, for row nvmeof; with\n"
	"                       --write it is written to, and restored\n"
	"  --cpu LIST           CPUs of the measuring thread, such as 2 or 0,2-3, or any\n"
	"  --handler-cpu LIST   CPUs of userfaultfd's handler and of umem-provider\n"
	"                       (default of both: any; with less than 3 CPUs the first)\n"
	"  --poll spin|yield|sleep\n"
	"                       how completions are polled (default: yield with less\n"
	"                       than 3 CPUs); sleep: not, with a simulated source\n"
	"  --clock monotonic|tsc  tsc: where that counts nanoseconds, as under -icount\n"
	"  -j, --json           the report as JSON\n"
	"exit status: 0; 1 an error, also a wrong page; 2 usage; 3 a row was skipped\n"
	"rows:\n";

static void print_usage(FILE *to)
{
	static const char *const when[] = {
		[ROW_ALWAYS] = "",
		[ROW_SPARE_CPUS] = " (with 3 CPUs or more, or if named)",
		[ROW_NAMED] = " (if named)",
	};

	fputs(usage, to);
	for (size_t i = 0; i < row_kind_count; i++)
		fprintf(to, "  %-18s %s%s\n", row_kinds[i]->name,
			row_kinds[i]->what, when[row_kinds[i]->when]);
	fputs("  uffd-verbs         all uffd-verbs-*; the best is reported by this name\n",
	      to);
	fputs("  uffd-sim           likewise\n", to);
}

static int settle_touches(struct bench *bench)
{
	struct bench_options *opt = &bench->opt;
	uint64_t most;

	/* Those that a stride meets. */
	most = opt->stride ? (bench->pages - 1) / opt->stride + 1 :
			     bench->pages;
	if (opt->touches > most) {
		umem_say("--touches: of the region %" PRIu64
			 " pages can be touched, each once", most);
		return -ERANGE;
	}
	if (!opt->touches)
		opt->touches = most < DEFAULT_TOUCHES ? most : DEFAULT_TOUCHES;
	if (opt->batch > opt->touches)
		opt->batch = opt->touches;
	return 0;
}

/* The number of rows that can run, or a negative errno. */
static int open_rows(struct bench *bench)
{
	int ready = 0;

	perm_init(&bench->perm, bench->pages, bench->opt.seed);
	for (size_t i = 0; i < bench->row_count; i++) {
		struct row *row = &bench->rows[i];
		struct umem_why why = { "" };
		int err = setup_row(row, &why);

		if (!err) {
			ready++;
			continue;
		}
		row->skipped = strdup(why.text[0] ? why.text : strerror(-err));
		if (!row->skipped)
			return -ENOMEM;
		if (bench->opt.rows) {
			umem_say_failed(err, &why, "row %s cannot run",
					row->ops->name);
			return err;
		}
	}
	return ready;
}

static void close_rows(struct bench *bench)
{
	for (size_t i = 0; i < bench->row_count; i++) {
		struct row *row = &bench->rows[i];

		if (row->skipped)
			free((char *)row->skipped);
		else if (row->priv)
			row->ops->close(row);
	}
	rows_free(bench);
}

static int measure_held(struct bench *bench)
{
	struct umem_why why = { "" };
	void *held;
	int err = memory_hold(bench->opt.hold, &held, &why);

	if (err) {
		umem_say_failed(err, &why, "preparing the measurement");
		return err;
	}
	err = latency_run(bench);
	memory_let_go(bench->opt.hold, held);
	return err;
}

static int measure(struct bench *bench)
{
	int ready = open_rows(bench);
	int err;

	if (ready < 0)
		return BENCH_EXIT_ERROR;
	bench->floor_ns = clock_floor_ns(bench->opt.clock);
	if (measure_held(bench))
		return BENCH_EXIT_ERROR;
	rows_name_best(bench);
	err = bench->opt.json ? report_json(bench) : report_text(bench);
	if (err) {
		umem_say_failed(err, NULL, "writing the report");
		return BENCH_EXIT_ERROR;
	}
	return (size_t)ready < bench->row_count ? BENCH_EXIT_SKIPPED :
						  EXIT_SUCCESS;
}

static int run(struct bench *bench)
{
	struct umem_why why = { "" };
	int status = setup_source(bench);

	if (!status && rows_select(bench, cpus_usable(), &why)) {
		umem_say_failed(0, &why, "--rows");
		status = BENCH_EXIT_USAGE;
	}
	if (!status)
		status = setup_begin(bench);
	if (!status)
		status = settle_touches(bench) ? BENCH_EXIT_ERROR :
						 measure(bench);
	return status;
}

int bench_latency(int argc, char **argv)
{
	static const struct bench_syntax syntax = {
		BENCH_LATENCY, "latency", print_usage,
	};
	struct bench bench = {
		.opt = {
			.rounds = DEFAULT_ROUNDS,
			.batch = DEFAULT_BATCH,
			.hold = MEMORY_HOLD,
			.seed = 1,
		},
	};
	int status = bench_options_parse(argc, argv, &syntax, &bench.opt);

	if (status)
		return status - 1;
	status = run(&bench);
	close_rows(&bench);
	setup_end(&bench);
	return status;
}
