// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-stress: everything that can happen to a region, at once, and each byte
 * of it known.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "pressure.h"
#include "provider/lib/region.h"
#include "round.h"
#include "server.h"
#include "world.h"

#define SLOWEST	4	/* times the time that was asked for */

struct options {
	unsigned long long seed;
	unsigned long long first_round;
	unsigned long seconds;
	unsigned long patience;
	const char *group;
	const char *serve;
};

static const char usage[] =
"usage: umem-stress [OPTIONS]\n"
"  --seed N         of all random choices (default: the time)\n"
"  --seconds N      how long (default 20)\n"
"  --round N        begin with this round (default 0)\n"
"  --patience N     seconds after which an access is lost (default 60)\n"
"  --cgroup DIR     make this memory cgroup, and keep the workers short of memory\n"
"  --rdma ADDR:PORT run umem-serve there, and have umem_rdma provide at times\n";

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "round", required_argument, NULL, 'r' },
		{ "patience", required_argument, NULL, 'p' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ "rdma", required_argument, NULL, 'd' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			o->seconds = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			o->first_round = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			o->patience = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			o->group = optarg;
			break;
		case 'd':
			o->serve = optarg;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
}

static void ask_features(void)
{
	struct umem_features features;
	int device = umem_device_open();

	if (device < 0 || umem_device_features(device, &features)) {
		fprintf(stderr, "umem-stress: no %s\n", UMEM_DEVICE);
		exit(1);
	}
	close(device);
	world->features = features.features;
}

static void report(const char *const *texts,
		   const _Atomic unsigned long *counts, int number)
{
	for (int i = 0; i < number; i++)
		printf("# %10lu %s\n", counts[i], texts[i]);
}

static void report_ops(const char *const *texts)
{
	for (int i = 0; i < NR_OPS; i++)
		printf("# %10lu %s, %.1f ms each\n", world->ops[i], texts[i],
		       (double)world->op_ms[i] / (world->ops[i] ?: 1));
}

static const char *const op_texts[] = {
#define X(name, text) text,
	STRESS_OPS(X)
#undef X
};

static const char *const event_texts[] = {
#define X(name, text) text,
	STRESS_EVENTS(X)
#undef X
};

static const char *const note_texts[] = {
#define X(name, text) text,
	STRESS_NOTES(X)
#undef X
};

static bool event_expected(const struct options *o, enum stress_event event)
{
	switch (event) {
	case EV_ATTACHED:
	case EV_SERVER_KILLED:
		return o->serve;
	case EV_RECLAIM:
	case EV_LIMIT:
		return o->group;
	default:
		return true;
	}
}

/* What never happened was not tested. */
static bool covered(const struct options *o, bool say)
{
	bool all = true;

	for (int i = 0; i < NR_OPS; i++) {
		if (world->ops[i] || !op_available(i))
			continue;
		if (say)
			printf("# never happened: %s\n", op_texts[i]);
		all = false;
	}
	for (int i = 0; i < NR_EVENTS; i++) {
		if (world->events[i] || !event_expected(o, i))
			continue;
		if (say)
			printf("# never happened: %s\n", event_texts[i]);
		all = false;
	}
	if (o->group && pressure_swapped() <= 0) {
		if (say)
			puts("# never happened: a page went to swap");
		all = false;
	}
	return all;
}

static void result(unsigned int number, bool good, const char *text)
{
	printf("%sok %u - %s\n", good ? "" : "not ", number, text);
}

int main(int argc, char **argv)
{
	struct options o = { .seed = time(NULL), .seconds = 20, .patience = 60 };
	unsigned long long round;
	long long start, end, late;
	bool all;

	parse(&o, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	world_create();
	world->seed = o.seed;
	world->patience_ms = o.patience * 1000;
	ask_features();
	pressure_configure(o.group);
	image_make();
	server_configure(o.serve);
	printf("# seed %llu\n", o.seed);

	start = now_ms();
	end = start + o.seconds * 1000;
	/* On a slow machine not all of it happens in that time. */
	late = start + SLOWEST * o.seconds * 1000;
	for (round = o.first_round; !world->failed; round++) {
		if (now_ms() >= end && (covered(&o, false) || now_ms() >= late))
			break;
		round_run(round, now_ms() < end ? end : late);
	}
	server_stop();

	printf("# %llu rounds in %.1f s\n", round - o.first_round,
	       (now_ms() - start) / 1000.0);
	report_ops(op_texts);
	report(event_texts, world->events, NR_EVENTS);
	report(note_texts, world->notes, NR_NOTES);
	if (o.group)
		printf("# %10ld pages went to swap\n", pressure_swapped());
	if (world->failed)
		printf("# to repeat: make stress SEED=%llu ROUND=%llu\n",
		       o.seed, (unsigned long long)world->round.number);
	all = covered(&o, true);
	result(1, !world->failed, "every byte is what it has to be");
	result(2, all, "everything happened that could");
	puts("1..2");
	return world->failed || !all;
}
