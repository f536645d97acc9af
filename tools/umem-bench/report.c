// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The report for people.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cpus.h"
#include "expect.h"
#include "latency.h"
#include "size.h"

const struct row *report_floor(const struct bench *bench)
{
	for (size_t i = 0; i < bench->row_count; i++)
		if (bench->rows[i].ops == &row_raw_verbs &&
		    bench->rows[i].touches)
			return &bench->rows[i];
	return NULL;
}

double report_rate(const struct hist_summary *summary)
{
	return summary->mean > 0 ? 1e9 / summary->mean : 0;
}

const char *report_clock(const struct bench *bench)
{
	return bench->opt.clock == BENCH_CLOCK_TSC ?
	       "time stamp counter: instructions, where those are counted" :
	       "wall-clock time, only ratios within this run mean anything";
}

const char *report_poll(const struct bench *bench)
{
	static const char *const names[] = {
		[BENCH_POLL_AUTO] = "auto", [BENCH_POLL_SPIN] = "spin",
		[BENCH_POLL_YIELD] = "yield", [BENCH_POLL_SLEEP] = "sleep",
	};

	return names[bench->opt.poll];
}

#define ORDER_TEXT	64

static const char *order_text(const struct bench_options *opt,
			      char buf[ORDER_TEXT])
{
	if (opt->stride)
		snprintf(buf, ORDER_TEXT, "in order (stride %" PRIu64 ")",
			 opt->stride);
	else
		snprintf(buf, ORDER_TEXT, "in random order (seed %" PRIu64 ")",
			 opt->seed);
	return buf;
}

static void print_head(const struct bench *bench)
{
	const struct bench_options *opt = &bench->opt;
	char size[UMEM_SIZE_TEXT], order[ORDER_TEXT];
	struct utsname name;

	uname(&name);
	printf("umem-bench latency: %s; Linux %s, %ld CPUs, rows:",
	       report_clock(bench), name.release, sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < bench->row_count; i++)
		if (!bench->rows[i].skipped)
			printf(" %s", bench->rows[i].ops->name);
	printf("\n%s touches of 4 KiB pages %s, %" PRIu64
	       " a row in each of %" PRIu64
	       " rounds, rows in turn every %" PRIu64 "\n",
	       opt->write ? "write" : "read", order_text(opt, order),
	       opt->touches, opt->rounds, opt->batch);
	printf("%s%s, %s; every page compared with %s; timer floor %" PRIu64
	       " ns, subtracted\n",
	       opt->source ? "source " : "no source",
	       opt->source ? opt->source : "",
	       umem_size_text(opt->size, size), expect_name(bench->expect),
	       bench->floor_ns);
	printf("measuring on CPU %s, handlers on %s; waiting for completions: %s\n\n",
	       opt->cpu.text, opt->handler_cpu.text, report_poll(bench));
}

static void print_times(const struct bench *bench)
{
	printf("%-18s %9s %9s %9s %9s %9s %9s %9s %10s %8s %8s\n", "us", "p50",
	       "p90", "p99", "p99.9", "max", "mean", "min", "faults/s",
	       "touches", "faults");
	for (size_t i = 0; i < bench->row_count; i++) {
		const struct row *row = &bench->rows[i];
		struct hist_summary sum;

		if (row->skipped)
			continue;
		hist_summarize(row->hist, &sum);
		printf("%-18s %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f %10.0f %8" PRIu64 " %8" PRIu64 "\n",
		       row->name, sum.p50 / 1e3, sum.p90 / 1e3, sum.p99 / 1e3,
		       sum.p99_9 / 1e3, sum.max / 1e3, sum.mean / 1e3,
		       sum.min / 1e3, report_rate(&sum), row->touches,
		       row->faults);
	}
}

static void print_ratios(const struct bench *bench)
{
	const struct row *floor = report_floor(bench);
	struct hist_summary raw;

	if (!floor)
		return;
	hist_summarize(floor->hist, &raw);
	printf("\n%-18s %9s %9s %9s %9s %9s %9s\n", "ratio to raw-verbs",
	       "p50", "p90", "p99", "p99.9", "max", "mean");
	for (size_t i = 0; i < bench->row_count; i++) {
		const struct row *row = &bench->rows[i];
		struct hist_summary sum;

		if (row->skipped)
			continue;
		hist_summarize(row->hist, &sum);
		printf("%-18s %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f\n", row->name,
		       sum.p50 / raw.p50, sum.p90 / raw.p90, sum.p99 / raw.p99,
		       sum.p99_9 / raw.p99_9, sum.max / raw.max,
		       sum.mean / raw.mean);
	}
}

static void print_umem(const struct row *row)
{
	if (!row->umem.valid)
		return;
	printf("%s: bytes_copied %" PRIu64 ", bytes_direct %" PRIu64
	       ", faults that found their page missing %" PRIu64 "\n",
	       row->name, row->umem.bytes_copied, row->umem.bytes_direct,
	       row->umem.faults);
}

/* A touch that found its page mapped already is no fault: say so. */
static void print_hits(const struct row *row)
{
	if (row->ops != &row_raw_verbs && row->ops != &row_present_mapped &&
	    row->faults < row->touches)
		printf("%s: %" PRIu64 " touches of %" PRIu64
		       " found their page mapped already\n",
		       row->name, row->touches - row->faults, row->touches);
}

static void print_remarks(const struct bench *bench)
{
	printf("\n");
	for (size_t i = 0; i < bench->row_count; i++) {
		const struct row *row = &bench->rows[i];

		if (row->skipped)
			printf("%s: skipped: %s\n", row->name, row->skipped);
		else if (strcmp(row->name, row->ops->name))
			printf("%s: the best of its kind, %s\n", row->name,
			       row->ops->name);
		print_umem(row);
		print_hits(row);
	}
}

int report_text(const struct bench *bench)
{
	print_head(bench);
	print_times(bench);
	print_ratios(bench);
	print_remarks(bench);
	return fflush(stdout) ? -errno : 0;
}
