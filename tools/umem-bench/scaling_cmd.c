// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench scaling: first touches a second by a thread on each of several CPUs over
 * those by one thread, of umem as a fraction of the same of tmpfs. All threads
 * touch one mapping, pages of their own, in random order.
 *
 * On all CPUs, on one, of either memory, in turn: what the machine does
 * meanwhile hits all alike. Reported is the median of all rounds.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cpus.h"
#include "guard.h"
#include "json_out.h"
#include "latency.h"
#include "setup.h"
#include "verify.h"

#define DEFAULT_ROUNDS 9
#define DEFAULT_TOUCHES 4096
#define MAX_CPUS 64U
#define DEFAULT_CPUS 2U
#define NOTICE 256	/* the watch hears of one touch in so many */

static const char usage[] =
	"usage: umem-bench scaling --source sim:[latency=TIME] [OPTIONS]\n"
	"  --source SOURCE      sim:, also with latency=TIME and pattern=SEED; or a memory\n"
	"                       server's export, rdma://HOST:PORT/ID\n"
	"  --touches N          of each thread (default 4096)\n"
	"  --rounds R           of which the median is taken (default 9)\n"
	"  --seed N             of the random order (default 1)\n"
	"  --write              the touch is a store\n"
	"  --cpu LIST           CPUs, a thread on each (default: the first two)\n"
	"  --clock monotonic|tsc  tsc: where that counts nanoseconds\n"
	"  -j, --json           the report as JSON\n"
	"exit status: 0; 1 an error, also a wrong page; 2 usage\n";

static void print_usage(FILE *to)
{
	fputs(usage, to);
}

enum { TMPFS, UMEM, KINDS };

/* Touches a second, one of each round. */
struct rates {
	double *one;
	double *all;
};

struct scaling {
	struct bench *bench;
	struct row rows[KINDS];
	struct rates rates[KINDS];
	unsigned int cpu[MAX_CPUS];
	unsigned int cpus;
};

/* ---- Threads ------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	struct row *row;
	unsigned int cpu;
	unsigned int number;
	unsigned int count;
	int err;
	uint64_t start;
	uint64_t end;
};

/* Workers take the pages of a round's order in turn. */
static uint64_t page_of(const struct worker *worker, uint64_t touch)
{
	return perm_at(&worker->row->bench->perm,
		       touch * worker->count + worker->number);
}

static int bind_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static void touch_all(const struct worker *worker)
{
	const struct row *row = worker->row;
	bool write = row->bench->opt.write;

	for (uint64_t i = 0; i < row->bench->opt.touches; i++) {
		uint64_t page = page_of(worker, i);
		volatile uint64_t *word =
			(uint64_t *)(row->map + page * BENCH_PAGE);

		if (i % NOTICE == 0)
			guard_at(row->ops->name, page);
		if (write)
			*word = verify_mark(page);
		else
			(void)*word;
	}
}

static void *work(void *data)
{
	struct worker *worker = data;
	enum bench_clock clock = worker->row->bench->opt.clock;

	worker->err = bind_to(worker->cpu);
	pthread_barrier_wait(worker->barrier);
	worker->start = clock_ns(clock);
	touch_all(worker);
	worker->end = clock_ns(clock);
	return NULL;
}

/* Touches a second of all, from the first start to the last end; 0: see @err. */
static double rate_of(const struct worker *workers, unsigned int count, int *err)
{
	uint64_t start = workers[0].start;
	uint64_t end = workers[0].end;

	for (unsigned int i = 0; i < count; i++) {
		if (workers[i].err)
			*err = workers[i].err;
		if (workers[i].start < start)
			start = workers[i].start;
		if (workers[i].end > end)
			end = workers[i].end;
	}
	return 1e9 * (double)count *
	       (double)workers[0].row->bench->opt.touches / (double)(end - start);
}

/* Every byte of every page touched. */
static int verify(const struct worker *workers, unsigned int count)
{
	struct row *row = workers[0].row;

	for (unsigned int i = 0; i < count; i++)
		for (uint64_t j = 0; j < row->bench->opt.touches; j++) {
			int err = verify_page(row, page_of(&workers[i], j), 0);

			if (err)
				return err;
			row->touches++;
		}
	return 0;
}

static void run_workers(struct worker *workers, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int err = pthread_create(&workers[i].thread, NULL, work,
					 &workers[i]);

		/* Those that are there would wait for it for ever. */
		if (err)
			guard_die(err, NULL, "starting a thread");
	}
	for (unsigned int i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
}

/* One mapping, touched by @count threads. */
static int run_threads(struct scaling *scaling, struct row *row,
		       unsigned int count, double *rate)
{
	struct worker workers[MAX_CPUS] = { 0 };
	pthread_barrier_t barrier;
	int err = 0;

	pthread_barrier_init(&barrier, NULL, count);
	for (unsigned int i = 0; i < count; i++) {
		workers[i].barrier = &barrier;
		workers[i].row = row;
		workers[i].cpu = scaling->cpu[i];
		workers[i].number = i;
		workers[i].count = count;
	}
	run_workers(workers, count);
	pthread_barrier_destroy(&barrier);
	*rate = rate_of(workers, count, &err);
	return err ? err : verify(workers, count);
}

/* ---- Rounds -------------------------------------------------------------- */

static int run_one(struct scaling *scaling, int kind, unsigned int count,
		   double *rate)
{
	struct row *row = &scaling->rows[kind];
	struct umem_why why = { "" };
	int err = row->ops->prepare(row, &why);

	if (err) {
		umem_say_failed(err, &why, "row %s", row->ops->name);
		return err;
	}
	err = run_threads(scaling, row, count, rate);
	if (err && err != -EBADMSG)
		umem_say_failed(err, NULL, "row %s: threads", row->ops->name);
	row->ops->finish(row);
	return err;
}

/* Who is first changes. */
static int run_round(struct scaling *scaling, uint64_t round)
{
	for (unsigned int i = 0; i < KINDS; i++) {
		int kind = (int)((i + round) % KINDS);
		int err = run_one(scaling, kind, 1,
				  &scaling->rates[kind].one[round]);

		if (!err)
			err = run_one(scaling, kind, scaling->cpus,
				      &scaling->rates[kind].all[round]);
		if (err)
			return err;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts @values. */
static double median(double *values, uint64_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double scale(const struct scaling *scaling, int kind, uint64_t round)
{
	return scaling->rates[kind].all[round] / scaling->rates[kind].one[round];
}

/* ---- The report ---------------------------------------------------------- */

static double median_scale(const struct scaling *scaling, int kind,
			   double *scratch)
{
	uint64_t rounds = scaling->bench->opt.rounds;

	for (uint64_t i = 0; i < rounds; i++)
		scratch[i] = scale(scaling, kind, i);
	return median(scratch, rounds);
}

static double median_vs_tmpfs(const struct scaling *scaling, double *scratch)
{
	uint64_t rounds = scaling->bench->opt.rounds;

	for (uint64_t i = 0; i < rounds; i++)
		scratch[i] = scale(scaling, UMEM, i) / scale(scaling, TMPFS, i);
	return median(scratch, rounds);
}

static int print_text(const struct scaling *scaling, double *scratch)
{
	const struct bench_options *opt = &scaling->bench->opt;

	printf("umem-bench scaling: %s of %" PRIu64 " pages by each of %u threads, %" PRIu64 " rounds, source %s, CPUs %s; %s\n",
	       opt->write ? "writes" : "reads", opt->touches, scaling->cpus,
	       opt->rounds, opt->source, opt->cpu.text,
	       report_clock(scaling->bench));
	for (int kind = 0; kind < KINDS; kind++) {
		printf("%-12s %.3f times the faults of one CPU; faults/s on one, on all:",
		       scaling->rows[kind].name,
		       median_scale(scaling, kind, scratch));
		for (uint64_t i = 0; i < opt->rounds; i++)
			printf(" %.0f,%.0f", scaling->rates[kind].one[i],
			       scaling->rates[kind].all[i]);
		printf("\n");
	}
	printf("scaling of umem by that of tmpfs: %.4f\n",
	       median_vs_tmpfs(scaling, scratch));
	return fflush(stdout) ? -errno : 0;
}

static struct json_object *list(const double *values, uint64_t count)
{
	struct json_object *array = json_object_new_array();

	for (uint64_t i = 0; i < count; i++)
		json_object_array_add(array, json_number(values[i]));
	return array;
}

static struct json_object *json_kind(const struct scaling *scaling, int kind,
				     double *scratch)
{
	const struct row *row = &scaling->rows[kind];
	uint64_t rounds = scaling->bench->opt.rounds;
	struct json_object *to = json_object_new_object();

	json_add_text(to, "name", row->name);
	json_add_count(to, "touches", row->touches);
	json_add_count(to, "verified", row->verified);
	json_add(to, "per_s_one", list(scaling->rates[kind].one, rounds));
	json_add(to, "per_s_all", list(scaling->rates[kind].all, rounds));
	json_add_number(to, "scaling", median_scale(scaling, kind, scratch));
	return to;
}

static int print_json(const struct scaling *scaling, double *scratch)
{
	struct json_object *report = json_object_new_object();
	struct json_object *memories = json_object_new_array();

	report_json_run(report, scaling->bench, "scaling");
	json_add_count(report, "threads", scaling->cpus);
	json_add_count(report, "touches", scaling->bench->opt.touches);
	for (int kind = 0; kind < KINDS; kind++)
		json_object_array_add(memories,
				      json_kind(scaling, kind, scratch));
	json_add(report, "memories", memories);
	json_add_number(report, "vs_tmpfs", median_vs_tmpfs(scaling, scratch));
	return json_print(report);
}

/* ---- The run ------------------------------------------------------------- */

static int measure(struct scaling *scaling)
{
	struct bench *bench = scaling->bench;
	double *scratch = scaling->rates[KINDS - 1].all + bench->opt.rounds;
	int err = guard_start();

	for (uint64_t i = 0; !err && i < bench->opt.rounds; i++) {
		perm_init(&bench->perm, bench->pages, bench->opt.seed + i);
		err = run_round(scaling, i);
	}
	if (err)
		return err;
	return bench->opt.json ? print_json(scaling, scratch) :
				 print_text(scaling, scratch);
}

/* The rates of all kinds, and as many to sort them in: one piece of memory. */
static double *make_rates(struct scaling *scaling)
{
	size_t rounds = scaling->bench->opt.rounds;
	double *rates = calloc(rounds, (2 * KINDS + 1) * sizeof(*rates));

	for (int kind = 0; rates && kind < KINDS; kind++) {
		scaling->rates[kind].one = rates + 2 * kind * rounds;
		scaling->rates[kind].all = scaling->rates[kind].one + rounds;
	}
	return rates;
}

static int open_rows(struct scaling *scaling)
{
	const struct row_ops *ops[KINDS] = {
		[TMPFS] = &row_tmpfs_first,
		[UMEM] = scaling->bench->fabric ? &row_umem_sim : &row_umem_rdma,
	};

	for (int kind = 0; kind < KINDS; kind++) {
		struct row *row = &scaling->rows[kind];
		struct umem_why why = { "" };
		int err;

		row->ops = ops[kind];
		row->name = row->ops->name;
		row->bench = scaling->bench;
		err = setup_row(row, &why);
		if (err) {
			umem_say_failed(err, &why, "row %s", row->name);
			return err;
		}
	}
	return 0;
}

static int run(struct scaling *scaling)
{
	double *rates = make_rates(scaling);
	int err = rates ? open_rows(scaling) : -ENOMEM;

	if (!err)
		err = measure(scaling);
	for (int kind = 0; kind < KINDS; kind++)
		if (scaling->rows[kind].priv)
			scaling->rows[kind].ops->close(&scaling->rows[kind]);
	free(rates);
	return err ? BENCH_EXIT_ERROR : EXIT_SUCCESS;
}

/* 0, or an exit status: less than two cannot be compared with one. */
static int choose_cpus(struct scaling *scaling)
{
	struct bench_options *opt = &scaling->bench->opt;
	unsigned int limit = opt->cpu.text ? MAX_CPUS : DEFAULT_CPUS;
	cpu_set_t set = opt->cpu.set;

	if (!CPU_COUNT(&set) && sched_getaffinity(0, sizeof(set), &set))
		CPU_ZERO(&set);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && scaling->cpus < limit)
			scaling->cpu[scaling->cpus++] = cpu;
	if (!opt->cpu.text)
		cpus_parse(BENCH_CPUS_ANY, &opt->cpu, NULL);
	if (scaling->cpus >= 2)
		return 0;
	umem_say("--cpu: 2 CPUs or more are wanted");
	return BENCH_EXIT_ERROR;
}

static int begin(struct scaling *scaling)
{
	struct bench *bench = scaling->bench;
	int status = choose_cpus(scaling);

	if (!status && !bench->opt.source) {
		umem_say("--source is wanted; umem-bench scaling --help lists the options");
		status = BENCH_EXIT_USAGE;
	}
	if (!status && bench->opt.touches > UINT32_MAX) {
		umem_say("--touches: at most %" PRIu32, UINT32_MAX);
		status = BENCH_EXIT_USAGE;
	}
	bench->opt.size = bench->opt.touches * scaling->cpus * BENCH_PAGE;
	if (!status)
		status = setup_source(bench);
	return status ? status : setup_begin(bench);
}

int bench_scaling(int argc, char **argv)
{
	static const struct bench_syntax syntax = {
		BENCH_SCALING, "scaling", print_usage,
	};
	struct bench bench = {
		.opt = {
			.touches = DEFAULT_TOUCHES,
			.rounds = DEFAULT_ROUNDS,
			.seed = 1,
		},
	};
	struct scaling scaling = { .bench = &bench };
	int status = bench_options_parse(argc, argv, &syntax, &bench.opt);

	if (status)
		return status - 1;
	status = begin(&scaling);
	if (!status)
		status = run(&scaling);
	setup_end(&bench);
	return status;
}
