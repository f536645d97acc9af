// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench demand: what a touch of a missing page takes while the region is being
 * filled, beside the same where nobody fills; and how much slower the region fills
 * for it.
 *
 * A round fills a region undisturbed; fills another one, a touch coming every
 * so often; and touches a third one as often, that nobody fills. The touches go
 * to the first page that is missing from a random place on, so that each finds its
 * page missing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "filling.h"
#include "guard.h"
#include "json_out.h"
#include "latency.h"
#include "memory.h"
#include "setup.h"
#include "size.h"
#include "verify.h"

#define DEFAULT_TOUCHES 16384
#define EVERY_NS 50000ULL
#define TABLE_PAGES 512

static const char usage[] =
	"usage: umem-bench demand --source sim:latency=TIME [OPTIONS]\n"
	"  --source SOURCE      sim:latency=TIME, also with pattern=SEED and bandwidth=SIZE;\n"
	"                       or a memory server's export, rdma://HOST:PORT/ID\n"
	"  --size S             of the regions (default: 64M, or the export's)\n"
	"  --touches N          in all (default 16384), one every 50 us; regions are filled\n"
	"                       until there were so many\n"
	"  --seed N             of their places (default 1)\n"
	"  --hold S             memory in use meanwhile (default 16M), so that no touch gets\n"
	"                       what the region before has left; 0: none\n"
	"  --write              the touch is a store\n"
	"  --cpu LIST           CPUs of the measuring thread (default: any; with less than\n"
	"                       3 CPUs the first)\n"
	"  --clock monotonic|tsc  tsc: where that counts nanoseconds, as under -icount\n"
	"  -j, --json           the report as JSON\n"
	"exit status: 0; 1 an error, also a wrong page; 2 usage\n"
	"rows:\n"
	"  demand-idle        a touch every 50 us of a region that nobody fills\n"
	"  demand-filling     the same while it is being filled\n"
	"fill_rate_ratio is the rate of filling while there are touches by that without\n";

static void print_usage(FILE *to)
{
	fputs(usage, to);
}

/* What was filled, and in what time. */
struct filled {
	uint64_t pages;
	uint64_t ns;
};

struct demand {
	struct bench *bench;
	struct row_ops ops[2];
	struct row idle;
	struct row filling;
	struct filled alone;
	struct filled disturbed;
	uint64_t *page;		/* those touched in this round */
	uint64_t *ns;
	uint64_t random;
};

/* ---- Touches ------------------------------------------------------------- */

/* xorshift64: places only have to be spread. */
static uint64_t next_random(struct demand *demand)
{
	demand->random ^= demand->random << 13;
	demand->random ^= demand->random >> 7;
	demand->random ^= demand->random << 17;
	return demand->random;
}

/* A page that is missing; the number of pages when none is. */
static uint64_t missing_page(struct demand *demand, const struct row *row)
{
	uint64_t pages = demand->bench->pages;
	uint64_t page = filling_missing(row, next_random(demand) % pages);

	return page < pages ? page : filling_missing(row, 0);
}

/* @clock is a constant where it is called. */
static inline __attribute__((always_inline)) uint64_t
time_touch(const struct row *row, uint64_t page, enum bench_clock clock)
{
	volatile uint64_t *word = (uint64_t *)(row->map + page * BENCH_PAGE);
	uint64_t mark = verify_mark(page);
	bool write = row->bench->opt.write;
	uint64_t start = clock_ns(clock);

	if (write)
		*word = mark;
	else
		(void)*word;
	return clock_ns(clock) - start;
}

static uint64_t touch(const struct row *row, uint64_t page)
{
	guard_at(row->ops->name, page);
	if (row->bench->opt.clock == BENCH_CLOCK_TSC)
		return time_touch(row, page, BENCH_CLOCK_TSC);
	return time_touch(row, page, BENCH_CLOCK_MONOTONIC);
}

/*
 * Sleeps until some moment of the next 50 us, which start at *@next: a beat would
 * meet the kernel's own, the tick, in all touches or in none. What was missed is left
 * out.
 */
static void await_turn(struct demand *demand, uint64_t *next)
{
	uint64_t at = *next + next_random(demand) % EVERY_NS;
	struct timespec until = {
		.tv_sec = (time_t)(at / 1000000000),
		.tv_nsec = (long)(at % 1000000000),
	};
	uint64_t now;

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	now = clock_monotonic_ns();
	do
		*next += EVERY_NS;
	while (*next + EVERY_NS <= now);
}

static uint64_t faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

/* Touches @count times, or until nothing is missing; returns how often. */
static uint64_t run_touches(struct demand *demand, struct row *row,
			    uint64_t count)
{
	uint64_t begun = clock_ns(row->bench->opt.clock);
	uint64_t next = clock_monotonic_ns();
	uint64_t before = faults();
	uint64_t i;

	for (i = 0; i < count; i++) {
		await_turn(demand, &next);
		demand->page[i] = missing_page(demand, row);
		if (demand->page[i] == demand->bench->pages)
			break;
		demand->ns[i] = touch(row, demand->page[i]);
	}
	row->total_ns += clock_ns(row->bench->opt.clock) - begun;
	row->faults += faults() - before;
	return i;
}

/* Every byte of what was touched; only then it counts. */
static int account(struct demand *demand, struct row *row, uint64_t count)
{
	uint64_t floor = demand->bench->floor_ns;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t ns = demand->ns[i];
		int err;

		guard_at(row->ops->name, demand->page[i]);
		err = verify_page(row, demand->page[i], 0);
		if (err)
			return err;
		hist_add(row->hist, ns > floor ? ns - floor : 0);
		row->touches++;
	}
	return 0;
}

/*
 * One page of each page table: new ones, of which there are some for each hundred
 * touches, would be all that the p99 tells of.
 */
static uint64_t touch_tables(const struct row *row)
{
	uint64_t count = 0;

	for (uint64_t page = 0; page < row->bench->pages; page += TABLE_PAGES) {
		touch(row, page);
		count++;
	}
	return count;
}

/* ---- The three parts of a round ------------------------------------------ */

static int fill_alone(struct demand *demand, struct umem_why *why)
{
	struct row *row = &demand->filling;
	int err = row->ops->prepare(row, why);

	if (err)
		return err;
	err = filling_run(row, &demand->alone.ns, why);
	demand->alone.pages += row->bench->pages;
	row->ops->finish(row);
	/* What this part did is not the row's. */
	row->umem = (struct row_umem){ 0 };
	return err;
}

/* What was filled in @ns, @before pages being there already or touched. */
static int count_filled(struct demand *demand, uint64_t before, uint64_t ns,
			struct umem_why *why)
{
	uint64_t there;
	int err = filling_provided(&demand->filling, &there, why);

	if (err)
		return err;
	demand->disturbed.ns += ns;
	demand->disturbed.pages += there > before ? there - before : 0;
	return 0;
}

static int fill_disturbed(struct demand *demand, uint64_t *count,
			  struct umem_why *why)
{
	struct row *row = &demand->filling;
	uint64_t there = touch_tables(row);
	uint64_t start;
	int err = filling_begin(row, &there, why);

	if (err)
		return err;
	start = clock_ns(row->bench->opt.clock);
	*count = run_touches(demand, row, *count);
	err = count_filled(demand, there + *count,
			   clock_ns(row->bench->opt.clock) - start, why);
	return err ? err : account(demand, row, *count);
}

static int touch_idle(struct demand *demand, uint64_t *count,
		      struct umem_why *why)
{
	struct row *row = &demand->idle;

	(void)why;
	touch_tables(row);
	return account(demand, row, run_touches(demand, row, *count));
}

/* @part on a fresh region of @row. */
static int run_part(struct demand *demand, struct row *row,
		    int (*part)(struct demand *demand, uint64_t *count,
				struct umem_why *why),
		    uint64_t *count, struct umem_why *why)
{
	void *held;
	int err = memory_hold(demand->bench->opt.hold, &held, why);

	if (err)
		return err;
	err = row->ops->prepare(row, why);
	if (!err) {
		err = part(demand, count, why);
		row->ops->finish(row);
	}
	memory_let_go(demand->bench->opt.hold, held);
	return err;
}

static int run_round(struct demand *demand, struct umem_why *why)
{
	uint64_t left = demand->bench->opt.touches - demand->filling.touches;
	uint64_t count = left < demand->bench->pages / 2 ?
			 left : demand->bench->pages / 2;
	int err = fill_alone(demand, why);

	if (!err)
		err = run_part(demand, &demand->filling, fill_disturbed, &count,
			       why);
	if (!err)
		err = run_part(demand, &demand->idle, touch_idle, &count, why);
	if (!err && !count && left)
		err = umem_because(why, -ERANGE,
				   "the region was full before it was touched: a larger --size is wanted");
	return err;
}

/* ---- The report ---------------------------------------------------------- */

static double rate(const struct filled *filled)
{
	return filled->ns ? 1e9 * (double)filled->pages / (double)filled->ns : 0;
}

static double rate_ratio(const struct demand *demand)
{
	return rate(&demand->alone) > 0 ?
	       rate(&demand->disturbed) / rate(&demand->alone) : 0;
}

static void print_row(const struct row *row)
{
	struct hist_summary sum;

	hist_summarize(row->hist, &sum);
	printf("%-16s %9.2f %9.2f %9.2f %9.2f %9.2f %8" PRIu64 " %8" PRIu64 "\n",
	       row->name, sum.p50 / 1e3, sum.mean / 1e3, sum.p90 / 1e3,
	       sum.p99 / 1e3, sum.p99_9 / 1e3, row->touches, row->faults);
}

static double ratio_at(const struct demand *demand, double percentile)
{
	return hist_at(demand->filling.hist, percentile) /
	       hist_at(demand->idle.hist, percentile);
}

static double mean_ratio(const struct demand *demand)
{
	struct hist_summary idle, filling;

	hist_summarize(demand->idle.hist, &idle);
	hist_summarize(demand->filling.hist, &filling);
	return filling.mean / idle.mean;
}

static int print_text(const struct demand *demand)
{
	const struct bench_options *opt = &demand->bench->opt;
	char size[UMEM_SIZE_TEXT];

	printf("umem-bench demand: %s every 50 us of a region of %s, source %s, on CPU %s; %s\n",
	       opt->write ? "a write" : "a read",
	       umem_size_text(opt->size, size), opt->source, opt->cpu.text,
	       report_clock(demand->bench));
	printf("%-16s %9s %9s %9s %9s %9s %8s %8s\n", "us", "p50", "mean", "p90",
	       "p99", "p99.9", "touches", "faults");
	print_row(&demand->idle);
	print_row(&demand->filling);
	printf("filling: %.0f pages/s, with the touches %.0f\n",
	       rate(&demand->alone), rate(&demand->disturbed));
	printf("of idle: p50 %.4f, mean %.4f, p90 %.4f, p99 %.4f; fill_rate_ratio %.4f\n",
	       ratio_at(demand, 50), mean_ratio(demand), ratio_at(demand, 90),
	       ratio_at(demand, 99), rate_ratio(demand));
	return fflush(stdout) ? -errno : 0;
}

static int print_json(const struct demand *demand)
{
	struct json_object *report = json_object_new_object();
	struct json_object *rows = json_object_new_array();

	report_json_run(report, demand->bench, "demand");
	json_add_count(report, "every_ns", EVERY_NS);
	json_add_count(report, "window", filling_window(&demand->filling));
	json_add_count(report, "hold", demand->bench->opt.hold);
	json_add_number(report, "fill_pages_per_s", rate(&demand->alone));
	json_add_number(report, "fill_pages_per_s_with_demand",
			rate(&demand->disturbed));
	json_add_number(report, "fill_rate_ratio", rate_ratio(demand));
	json_add_number(report, "p99_ratio", ratio_at(demand, 99));
	json_add_number(report, "p90_ratio", ratio_at(demand, 90));
	json_add_number(report, "p50_ratio", ratio_at(demand, 50));
	json_add_number(report, "mean_ratio", mean_ratio(demand));
	json_object_array_add(rows, report_json_row(&demand->idle, NULL));
	json_object_array_add(rows, report_json_row(&demand->filling, NULL));
	json_add(report, "rows", rows);
	return json_print(report);
}

/* ---- The run ------------------------------------------------------------- */

static int measure(struct demand *demand)
{
	struct bench *bench = demand->bench;
	struct umem_why why = { "" };
	int err = 0;

	bench->floor_ns = clock_floor_ns(bench->opt.clock);
	while (!err && demand->filling.touches < bench->opt.touches) {
		err = run_round(demand, &why);
		bench->opt.rounds++;
	}
	if (!err)
		return bench->opt.json ? print_json(demand) : print_text(demand);
	/* A wrong page was told already. */
	if (err != -EBADMSG)
		umem_say_failed(err, &why, "round %" PRIu64, bench->opt.rounds);
	return err;
}

static int init_row(struct demand *demand, struct row *row, struct row_ops *ops,
		    const char *name, const char *what)
{
	struct umem_why why = { "" };
	int err;

	*ops = demand->bench->fabric ? row_umem_sim : row_umem_rdma;
	ops->name = name;
	ops->what = what;
	*row = (struct row){
		.ops = ops,
		.name = name,
		.bench = demand->bench,
		.hist = hist_new(),
	};
	err = row->hist ? setup_row(row, &why) : -ENOMEM;
	if (err)
		umem_say_failed(err, &why, "%s", name);
	return err;
}

static int init(struct demand *demand)
{
	size_t count = demand->bench->pages / 2 + 1;
	int err;

	demand->page = calloc(count, sizeof(*demand->page));
	demand->ns = calloc(count, sizeof(*demand->ns));
	if (!demand->page || !demand->ns)
		return -ENOMEM;
	/* Present from here on: faults that are counted are the rows'. */
	memset(demand->page, 1, count * sizeof(*demand->page));
	memset(demand->ns, 1, count * sizeof(*demand->ns));
	/* Not 0, which xorshift would never leave. */
	demand->random = demand->bench->opt.seed * 0x9e3779b97f4a7c15ULL | 1;
	err = init_row(demand, &demand->idle, &demand->ops[0], "demand-idle",
		       "a touch every 50 us of a region that nobody fills");
	if (!err)
		err = init_row(demand, &demand->filling, &demand->ops[1],
			       "demand-filling",
			       "the same while the region is being filled");
	return err ? err : guard_start();
}

static void destroy_row(struct row *row)
{
	if (row->priv)
		row->ops->close(row);
	hist_free(row->hist);
}

static int run(struct bench *bench)
{
	struct demand demand = { .bench = bench };
	int err = init(&demand);

	if (!err)
		err = measure(&demand);
	destroy_row(&demand.idle);
	destroy_row(&demand.filling);
	free(demand.page);
	free(demand.ns);
	return err ? BENCH_EXIT_ERROR : EXIT_SUCCESS;
}

int bench_demand(int argc, char **argv)
{
	static const struct bench_syntax syntax = {
		BENCH_DEMAND, "demand", print_usage,
	};
	struct bench bench = {
		.opt = {
			.rows = "umem-sim",
			.touches = DEFAULT_TOUCHES,
			.hold = MEMORY_HOLD,
			.seed = 1,
		},
	};
	int status = bench_options_parse(argc, argv, &syntax, &bench.opt);

	if (status)
		return status - 1;
	if (!bench.opt.source) {
		umem_say("--source is wanted; umem-bench demand --help lists the options");
		return BENCH_EXIT_USAGE;
	}
	filling_exact_timers();
	status = setup_source(&bench);
	if (!status)
		status = setup_begin(&bench);
	if (!status)
		status = run(&bench);
	setup_end(&bench);
	return status;
}
