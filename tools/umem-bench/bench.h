/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * umem-bench: what all files of a run share.
 *
 * A run measures rows. In each round every row builds a fresh mapping, then the
 * rows touch the same pages in the same random order, a small batch each in
 * turn, so that drift of the machine hits all alike. Timed is one touch;
 * everything else happens outside: what a touched page holds is compared with
 * what it must hold after each batch.
 */
#ifndef UMEM_BENCH_H
#define UMEM_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sys/socket.h>

#include "perm.h"
#include "say.h"
#include "source.h"

#define BENCH_PAGE 4096U

/* Exit statuses beside EXIT_SUCCESS. */
enum {
	BENCH_EXIT_ERROR = 1,
	BENCH_EXIT_USAGE = 2,
	BENCH_EXIT_SKIPPED = 3,	/* all is well, but some rows could not run */
};

/* How a thread waits for a completion that it polls for. */
enum bench_poll {
	BENCH_POLL_AUTO = 0,
	BENCH_POLL_SPIN,
	BENCH_POLL_YIELD,	/* sched_yield() between two looks */
	BENCH_POLL_SLEEP,	/* not at all: a timer wakes it; simulated only */
};

enum bench_clock {
	BENCH_CLOCK_MONOTONIC = 0,
	BENCH_CLOCK_TSC,
};

#define BENCH_CPUS_ANY "any"

struct bench_cpus {
	const char *text;	/* as given; NULL: not given */
	cpu_set_t set;		/* empty: wherever the scheduler likes */
};

struct bench_options {
	const char *source;	/* NULL: rows without one only */
	const char *rows;	/* NULL: all that can run */
	const char *verify_file;	/* NULL: the pattern of @pattern_seed */
	const char *nvmeof;	/* a block device, or NULL */
	uint64_t pattern_seed;
	uint64_t size;		/* 0: the export's */
	uint64_t touches;	/* a row and round */
	uint64_t rounds;
	uint64_t batch;
	uint64_t seed;		/* of the order of touches, unless it is @stride */
	uint64_t stride;	/* 0: random order */
	uint32_t readahead;	/* of umem's regions, bytes */
	uint32_t depth;		/* READs in flight; 0: as the tools do */
	uint64_t hold;		/* bytes in use meanwhile, see memory.h */
	struct bench_cpus cpu;
	struct bench_cpus handler_cpu;
	enum bench_poll poll;
	enum bench_clock clock;
	bool write;
	bool json;
};

struct expect;
struct fabric;
struct row;

/* One run, as the rows see it. */
struct bench {
	struct bench_options opt;
	struct umem_source source;
	struct sockaddr_storage addr;	/* of @source, resolved */
	uint64_t pages;		/* @opt.size in pages */
	struct fabric *fabric;	/* of a simulated source, else NULL */
	uint64_t floor_ns;	/* what the timer itself costs */
	struct expect *expect;
	struct perm perm;	/* this round's order: perm_at(0) comes first */
	struct row *rows;
	size_t row_count;
};

/* The page of a round's touch number @index. */
static inline uint64_t bench_page(const struct bench *bench, uint64_t index)
{
	return bench->opt.stride ? index * bench->opt.stride :
				   perm_at(&bench->perm, index);
}

/* Commands that have their options in common; bits. */
enum bench_command {
	BENCH_LATENCY = 1,
	BENCH_FILL = 2,
	BENCH_DEMAND = 4,
	BENCH_SCALING = 8,
};

struct bench_syntax {
	enum bench_command command;
	const char *name;
	void (*usage)(FILE *to);
};

/*
 * options.c: into @opt, which holds the command's defaults. 0, or an exit status
 * + 1 when the program is to end with it.
 */
int bench_options_parse(int argc, char **argv, const struct bench_syntax *syntax,
			struct bench_options *opt);

/* The commands: exit statuses. */
int bench_latency(int argc, char **argv);
int bench_fill(int argc, char **argv);
int bench_demand(int argc, char **argv);
int bench_scaling(int argc, char **argv);
int bench_pattern(int argc, char **argv);
int bench_create(int argc, char **argv);

#endif /* UMEM_BENCH_H */
