// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench create: what a region costs before anything is in it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "clock.h"
#include "json_out.h"
#include "region.h"
#include "size.h"

static const char usage[] =
	"usage: umem-bench create --size S [--clock CLOCK] [-j]\n"
	"  --size S       bytes of the region, a multiple of 4096\n"
	"  --clock CLOCK  monotonic (the default), or tsc where that counts nanoseconds\n"
	"  -j             JSON\n";

struct create_options {
	uint64_t size;
	enum bench_clock clock;
	bool json;
};

struct create_cost {
	uint64_t create_ns;
	uint64_t close_ns;
	uint64_t memory;	/* as the region tells, bytes */
	int64_t taken;		/* memory that the machine has less free, bytes */
};

static int bad_usage(const char *what, const struct umem_why *why)
{
	umem_say_failed(0, why, "%s", what);
	fputs(usage, stderr);
	return -1;
}

/* 0; 1 when there is nothing left to do; negative when it is wrong. */
static int parse(int argc, char **argv, struct create_options *opt)
{
	static const struct option longs[] = {
		{ "size", required_argument, NULL, 's' },
		{ "clock", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct umem_why why = { "" };
	int c;

	while ((c = getopt_long(argc, argv, "jh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (c == 'j')
			opt->json = true;
		else if (c == 'c' && !strcmp(optarg, "tsc"))
			opt->clock = BENCH_CLOCK_TSC;
		else if (c == 'c' && strcmp(optarg, "monotonic"))
			return bad_usage("--clock: neither monotonic nor tsc",
					 NULL);
		else if (c == 's' && umem_size_parse(optarg, &opt->size, &why))
			return bad_usage("--size", &why);
		else if (c == '?')
			return bad_usage("create", NULL);
	}
	if (optind != argc)
		return bad_usage("only options are wanted", NULL);
	if (!opt->size || opt->size % BENCH_PAGE)
		return bad_usage("--size: wanted, a multiple of 4096, not 0",
				 NULL);
	return 0;
}

static int64_t free_bytes(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : (int64_t)info.freeram * info.mem_unit;
}

static int measure_region(int device, const struct create_options *opt,
			  struct create_cost *cost)
{
	const struct umem_create create = {
		.size = opt->size,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 1,
		.max_data = BENCH_PAGE,
	};
	struct umem_region_status status;
	int64_t free_before = free_bytes();
	uint64_t begun = clock_ns(opt->clock);
	int region = umem_region_create(device, &create);
	struct umem_why why;
	int err;

	cost->create_ns = clock_ns(opt->clock) - begun;
	if (region < 0) {
		umem_create_because(&why, region, &create, NULL);
		umem_say_failed(0, &why, "creating a region");
		return region;
	}
	cost->taken = free_before - free_bytes();
	err = umem_region_status(region, &status);
	cost->memory = err ? 0 : status.memory;
	begun = clock_ns(opt->clock);
	close(region);
	cost->close_ns = clock_ns(opt->clock) - begun;
	return err;
}

static int measure(const struct create_options *opt, struct create_cost *cost)
{
	int device = umem_device_open();
	int err;

	if (device < 0) {
		umem_say("%s: %s", UMEM_DEVICE,
			 umem_explain(UMEM_DO_OPEN, device));
		return device;
	}
	err = measure_region(device, opt, cost);
	close(device);
	return err;
}

static int print_json(const struct create_options *opt,
		      const struct create_cost *cost)
{
	struct json_object *report = json_object_new_object();

	json_add_text(report, "command", "create");
	json_add_count(report, "size", opt->size);
	json_add_count(report, "create_ns", cost->create_ns);
	json_add_count(report, "close_ns", cost->close_ns);
	json_add_count(report, "memory", cost->memory);
	json_add(report, "free_memory_taken", json_object_new_int64(cost->taken));
	return json_print(report);
}

int bench_create(int argc, char **argv)
{
	struct create_options opt = { .clock = BENCH_CLOCK_MONOTONIC };
	struct create_cost cost;
	int err = parse(argc, argv, &opt);

	if (err)
		return err > 0 ? EXIT_SUCCESS : BENCH_EXIT_USAGE;
	if (clock_check(opt.clock)) {
		umem_say("--clock: the time stamp counter does not count nanoseconds here");
		return BENCH_EXIT_USAGE;
	}
	if (measure(&opt, &cost))
		return BENCH_EXIT_ERROR;
	if (opt.json)
		return print_json(&opt, &cost) ? BENCH_EXIT_ERROR :
						 EXIT_SUCCESS;
	printf("%" PRIu64 " bytes: created in %" PRIu64 " ns, closed in %" PRIu64 " ns, costs %" PRIu64 " bytes, of free memory %" PRId64 "\n",
	       opt.size, cost.create_ns, cost.close_ns, cost.memory, cost.taken);
	return fflush(stdout) ? BENCH_EXIT_ERROR : EXIT_SUCCESS;
}
