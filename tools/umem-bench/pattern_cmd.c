// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench pattern: write a file that the latency command can verify
 * without having it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "io.h"
#include "pattern.h"
#include "size.h"

#define CHUNK_PAGES 256U

static const char usage[] =
	"usage: umem-bench pattern --size S [--seed N] PATH\n"
	"  --size S   bytes, a multiple of 4096; K, M, G, T are understood\n"
	"  --seed N   another seed gives another content (default 0)\n";

struct pattern_options {
	uint64_t size;
	uint64_t seed;
	const char *path;
};

static int bad_usage(const char *what, const struct umem_why *why)
{
	if (why)
		umem_say_failed(0, why, "%s", what);
	else
		umem_say("%s", what);
	fputs(usage, stderr);
	return -EINVAL;
}

static int parse(int argc, char **argv, struct pattern_options *opt)
{
	static const struct option longs[] = {
		{ "size", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct umem_why why = { "" };
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			if (umem_size_parse(optarg, &opt->size, &why))
				return bad_usage("--size", &why);
			break;
		case 'r':
			if (umem_number_parse(optarg, 0, UINT64_MAX,
					      &opt->seed, &why))
				return bad_usage("--seed", &why);
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			fputs(usage, stderr);
			return -EINVAL;
		}
	}
	if (!opt->size || opt->size % BENCH_PAGE)
		return bad_usage("--size: wanted, a multiple of 4096, not 0", NULL);
	if (optind != argc - 1)
		return bad_usage("one PATH is wanted", NULL);
	opt->path = argv[optind];
	return 0;
}

static int fill(int fd, const struct pattern_options *opt)
{
	static char chunk[CHUNK_PAGES * BENCH_PAGE];
	uint64_t pages = opt->size / BENCH_PAGE;

	for (uint64_t page = 0; page < pages; page += CHUNK_PAGES) {
		uint64_t n = pages - page < CHUNK_PAGES ? pages - page :
							  CHUNK_PAGES;
		int err;

		for (uint64_t i = 0; i < n; i++)
			pattern_page(opt->seed, page + i,
				     chunk + i * BENCH_PAGE);
		err = umem_write_all(fd, chunk, n * BENCH_PAGE);
		if (err)
			return err;
	}
	return 0;
}

int bench_pattern(int argc, char **argv)
{
	struct pattern_options opt = { 0 };
	int err = parse(argc, argv, &opt);
	int fd;

	if (err)
		return err > 0 ? EXIT_SUCCESS : BENCH_EXIT_USAGE;
	fd = open(opt.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		umem_say_failed(errno, NULL, "creating %s", opt.path);
		return BENCH_EXIT_ERROR;
	}
	err = fill(fd, &opt);
	if (close(fd) && !err)
		err = -errno;
	if (err) {
		umem_say_failed(err, NULL, "writing %" PRIu64 " bytes to %s",
				opt.size, opt.path);
		return BENCH_EXIT_ERROR;
	}
	return EXIT_SUCCESS;
}
