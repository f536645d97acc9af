// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The options of umem-bench latency.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "row.h"
#include "size.h"

#define DEFAULT_ROUNDS 4
#define DEFAULT_BATCH 64
#define MAX_BATCH 65536
#define MAX_ROUNDS 1000000

static const char usage[] =
	"usage: umem-bench latency [--source rdma://HOST:PORT/ID] [OPTIONS]\n"
	"  --source SOURCE      a memory server's export, or sim:latency=TIME, which is\n"
	"                       simulated; rows that read from it are skipped without\n"
	"  --size S             size of the regions (default: the export's)\n"
	"  --touches N          pages touched a row and round (default 4096, or all)\n"
	"  --rounds R           fresh regions so many times (default 4)\n"
	"  --batch N            touches of a row before the next has its turn (default 64)\n"
	"  --seed N             of the random order (default 1)\n"
	"  --stride N           not in random order: every N-th page from the first on\n"
	"  --readahead S        of umem's regions (default 0)\n"
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

enum {
	OPT_SOURCE = 256, OPT_SIZE, OPT_TOUCHES, OPT_ROUNDS, OPT_BATCH,
	OPT_SEED, OPT_WRITE, OPT_ROWS, OPT_PATTERN, OPT_FILE, OPT_CPU,
	OPT_HANDLER, OPT_POLL, OPT_CLOCK, OPT_STRIDE, OPT_READAHEAD,
	OPT_NVMEOF,
};

static const struct option longs[] = {
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "touches", required_argument, NULL, OPT_TOUCHES },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "batch", required_argument, NULL, OPT_BATCH },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "stride", required_argument, NULL, OPT_STRIDE },
	{ "readahead", required_argument, NULL, OPT_READAHEAD },
	{ "write", no_argument, NULL, OPT_WRITE },
	{ "rows", required_argument, NULL, OPT_ROWS },
	{ "verify-pattern", optional_argument, NULL, OPT_PATTERN },
	{ "verify-file", required_argument, NULL, OPT_FILE },
	{ "nvmeof", required_argument, NULL, OPT_NVMEOF },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "handler-cpu", required_argument, NULL, OPT_HANDLER },
	{ "poll", required_argument, NULL, OPT_POLL },
	{ "clock", required_argument, NULL, OPT_CLOCK },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static int parse_poll(const char *text, struct bench_options *opt,
		      struct umem_why *why)
{
	if (!strcmp(text, "spin"))
		opt->poll = BENCH_POLL_SPIN;
	else if (!strcmp(text, "yield"))
		opt->poll = BENCH_POLL_YIELD;
	else if (!strcmp(text, "sleep"))
		opt->poll = BENCH_POLL_SLEEP;
	else
		return umem_because(why, -EINVAL,
				    "\"%s\" is none of spin, yield and sleep",
				    text);
	return 0;
}

static int parse_clock(const char *text, struct bench_options *opt,
		       struct umem_why *why)
{
	if (!strcmp(text, "tsc"))
		opt->clock = BENCH_CLOCK_TSC;
	else if (strcmp(text, "monotonic"))
		return umem_because(why, -EINVAL,
				    "\"%s\" is neither monotonic nor tsc", text);
	return 0;
}

static int parse_size(const char *text, struct bench_options *opt,
		      struct umem_why *why)
{
	int err = umem_size_parse(text, &opt->size, why);

	if (!err && (!opt->size || opt->size % BENCH_PAGE))
		return umem_because(why, -EINVAL,
				    "\"%s\" is not a multiple of 4096 above 0",
				    text);
	return err;
}

static int parse_readahead(const char *text, struct bench_options *opt,
			   struct umem_why *why)
{
	uint64_t bytes = 0;
	int err = umem_size_parse(text, &bytes, why);

	if (!err && (bytes > UINT32_MAX || bytes % BENCH_PAGE))
		return umem_because(why, -EINVAL,
				    "\"%s\" is not a multiple of 4096 below 4G",
				    text);
	opt->readahead = (uint32_t)bytes;
	return err;
}

static int parse_pattern(const char *text, struct bench_options *opt,
			 struct umem_why *why)
{
	if (!text)
		return 0;
	return umem_number_parse(text, 0, UINT64_MAX, &opt->pattern_seed, why);
}

/* One option with its argument @arg. 0 or a negative errno. */
static int parse_one(int c, const char *arg, struct bench_options *opt,
		     struct umem_why *why)
{
	switch (c) {
	case OPT_SOURCE:
		opt->source = arg;
		return 0;
	case OPT_SIZE:
		return parse_size(arg, opt, why);
	case OPT_TOUCHES:
		return umem_number_parse(arg, 1, UINT64_MAX >> 13,
					 &opt->touches, why);
	case OPT_ROUNDS:
		return umem_number_parse(arg, 1, MAX_ROUNDS, &opt->rounds, why);
	case OPT_BATCH:
		return umem_number_parse(arg, 1, MAX_BATCH, &opt->batch, why);
	case OPT_SEED:
		return umem_number_parse(arg, 0, UINT64_MAX, &opt->seed, why);
	case OPT_STRIDE:
		return umem_number_parse(arg, 1, UINT32_MAX, &opt->stride, why);
	case OPT_READAHEAD:
		return parse_readahead(arg, opt, why);
	case OPT_WRITE:
		opt->write = true;
		return 0;
	case OPT_ROWS:
		opt->rows = arg;
		return 0;
	case OPT_PATTERN:
		return parse_pattern(arg, opt, why);
	case OPT_FILE:
		opt->verify_file = arg;
		return 0;
	case OPT_NVMEOF:
		opt->nvmeof = arg;
		return 0;
	case OPT_CPU:
		return cpus_parse(arg, &opt->cpu, why);
	case OPT_HANDLER:
		return cpus_parse(arg, &opt->handler_cpu, why);
	case OPT_POLL:
		return parse_poll(arg, opt, why);
	case OPT_CLOCK:
		return parse_clock(arg, opt, why);
	case 'j':
		opt->json = true;
		return 0;
	}
	return -EINVAL;
}

static const char *long_name(int c)
{
	for (const struct option *o = longs; o->name; o++)
		if (o->val == c)
			return o->name;
	return "?";
}

int bench_options_parse(int argc, char **argv, struct bench_options *opt)
{
	struct umem_why why = { "" };
	int c;

	*opt = (struct bench_options){
		.rounds = DEFAULT_ROUNDS,
		.batch = DEFAULT_BATCH,
		.seed = 1,
	};
	while ((c = getopt_long(argc, argv, "jh", longs, NULL)) != -1) {
		if (c == 'h') {
			print_usage(stdout);
			return EXIT_SUCCESS + 1;
		}
		if (c == '?') {
			umem_say("umem-bench latency --help lists the options");
			return BENCH_EXIT_USAGE + 1;
		}
		if (parse_one(c, optarg, opt, &why)) {
			umem_say_failed(0, &why, "--%s", long_name(c));
			return BENCH_EXIT_USAGE + 1;
		}
	}
	if (optind == argc)
		return 0;
	umem_say("\"%s\" is no option; umem-bench latency --help lists them",
		 argv[optind]);
	return BENCH_EXIT_USAGE + 1;
}
