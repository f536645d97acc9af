// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The options of the commands that measure.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "row.h"
#include "size.h"

#define MAX_BATCH (1 << 20)
#define MAX_ROUNDS 1000000
#define MAX_DEPTH 65536

enum {
	OPT_SOURCE = 256, OPT_SIZE, OPT_TOUCHES, OPT_ROUNDS, OPT_BATCH,
	OPT_SEED, OPT_WRITE, OPT_ROWS, OPT_PATTERN, OPT_FILE, OPT_CPU,
	OPT_HANDLER, OPT_POLL, OPT_CLOCK, OPT_STRIDE, OPT_READAHEAD,
	OPT_NVMEOF, OPT_DEPTH, OPT_HOLD,
};

#define L BENCH_LATENCY
#define F BENCH_FILL
#define D BENCH_DEMAND
#define S BENCH_SCALING

static const struct known {
	struct option option;
	unsigned int of;	/* commands that take it */
} known[] = {
	{ { "source", required_argument, NULL, OPT_SOURCE }, L | F | D | S },
	{ { "size", required_argument, NULL, OPT_SIZE }, L | F | D },
	{ { "touches", required_argument, NULL, OPT_TOUCHES }, L | D | S },
	{ { "rounds", required_argument, NULL, OPT_ROUNDS }, L | F | S },
	{ { "batch", required_argument, NULL, OPT_BATCH }, L },
	{ { "seed", required_argument, NULL, OPT_SEED }, L | D | S },
	{ { "stride", required_argument, NULL, OPT_STRIDE }, L },
	{ { "readahead", required_argument, NULL, OPT_READAHEAD }, L },
	{ { "depth", required_argument, NULL, OPT_DEPTH }, F },
	{ { "hold", required_argument, NULL, OPT_HOLD }, L | D },
	{ { "write", no_argument, NULL, OPT_WRITE }, L | D | S },
	{ { "rows", required_argument, NULL, OPT_ROWS }, L },
	{ { "verify-pattern", optional_argument, NULL, OPT_PATTERN }, L | F },
	{ { "verify-file", required_argument, NULL, OPT_FILE }, L | F },
	{ { "nvmeof", required_argument, NULL, OPT_NVMEOF }, L },
	{ { "cpu", required_argument, NULL, OPT_CPU }, L | F | D | S },
	{ { "handler-cpu", required_argument, NULL, OPT_HANDLER }, L },
	{ { "poll", required_argument, NULL, OPT_POLL }, L | F },
	{ { "clock", required_argument, NULL, OPT_CLOCK }, L | F | D | S },
	{ { "json", no_argument, NULL, 'j' }, L | F | D | S },
	{ { "help", no_argument, NULL, 'h' }, L | F | D | S },
};

#undef L
#undef F
#undef D
#undef S

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* Those of one command, as getopt_long() wants them: with an end. */
static void select_options(unsigned int command, struct option *longs)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].of & command)
			*longs++ = known[i].option;
	*longs = (struct option){ 0 };
}

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

static int parse_depth(const char *text, struct bench_options *opt,
		       struct umem_why *why)
{
	uint64_t depth = 0;
	int err = umem_number_parse(text, 1, MAX_DEPTH, &depth, why);

	opt->depth = (uint32_t)depth;
	return err;
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
	case OPT_HOLD:
		return umem_size_parse(arg, &opt->hold, why);
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
	case OPT_DEPTH:
		return parse_depth(arg, opt, why);
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
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].option.val == c)
			return known[i].option.name;
	return "?";
}

int bench_options_parse(int argc, char **argv, const struct bench_syntax *syntax,
			struct bench_options *opt)
{
	struct option longs[KNOWN + 1];
	struct umem_why why = { "" };
	int c;

	select_options(syntax->command, longs);
	while ((c = getopt_long(argc, argv, "jh", longs, NULL)) != -1) {
		if (c == 'h') {
			syntax->usage(stdout);
			return EXIT_SUCCESS + 1;
		}
		if (c == '?') {
			umem_say("umem-bench %s --help lists the options",
				 syntax->name);
			return BENCH_EXIT_USAGE + 1;
		}
		if (parse_one(c, optarg, opt, &why)) {
			umem_say_failed(0, &why, "--%s", long_name(c));
			return BENCH_EXIT_USAGE + 1;
		}
	}
	if (optind == argc)
		return 0;
	umem_say("\"%s\" is no option; umem-bench %s --help lists them",
		 argv[optind], syntax->name);
	return BENCH_EXIT_USAGE + 1;
}
