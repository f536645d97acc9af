// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench: what fetching memory costs, beside the other ways to do it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "latency", bench_latency, "what the touch of a page takes, in one run by all ways" },
	{ "fill", bench_fill, "how fast a region is filled, beside READs and populating tmpfs" },
	{ "demand", bench_demand, "what a touch takes while a region is filled" },
	{ "scaling", bench_scaling, "faults on several CPUs over those on one" },
	{ "create", bench_create, "what a region costs before anything is in it" },
	{ "pattern", bench_pattern, "write a file whose pages can be verified without it" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("usage: umem-bench COMMAND [OPTIONS]\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("umem-bench COMMAND --help tells the options\n", to);
}

int main(int argc, char **argv)
{
	umem_say_as("umem-bench");
	if (argc < 2) {
		usage(stderr);
		return BENCH_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name)) {
			/* getopt starts its complaints with this. */
			argv[1] = argv[0];
			return commands[i].run(argc - 1, argv + 1);
		}
	umem_say("there is no command \"%s\"; --help lists them", argv[1]);
	return BENCH_EXIT_USAGE;
}
