// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The report for programs. The keys are stable: add, do not rename.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "expect.h"
#include "json_out.h"
#include "latency.h"

#define FORMAT 1

static struct json_object *times(const struct hist_summary *sum)
{
	struct json_object *ns = json_object_new_object();

	json_add_number(ns, "p50", sum->p50);
	json_add_number(ns, "p90", sum->p90);
	json_add_number(ns, "p99", sum->p99);
	json_add_number(ns, "p99_9", sum->p99_9);
	json_add_number(ns, "max", sum->max);
	json_add_number(ns, "mean", sum->mean);
	json_add_number(ns, "min", sum->min);
	return ns;
}

/* Pairs of a percentile and its time: enough to draw the distribution. */
static struct json_object *distribution(const struct hist *hist)
{
	static const double percentiles[] = {
		0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5,
		99.8, 99.9, 99.95, 99.98, 99.99, 100,
	};
	struct json_object *pairs = json_object_new_array();

	for (size_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
		struct json_object *pair = json_object_new_array();

		json_object_array_add(pair,
				      json_object_new_double(percentiles[i]));
		json_object_array_add(pair, json_object_new_int64(
				      (int64_t)hist_at(hist, percentiles[i])));
		json_object_array_add(pairs, pair);
	}
	return pairs;
}

static struct json_object *ratios(const struct hist_summary *sum,
		      const struct hist_summary *raw)
{
	struct json_object *ratio = json_object_new_object();

	json_add_number(ratio, "p50", sum->p50 / raw->p50);
	json_add_number(ratio, "p90", sum->p90 / raw->p90);
	json_add_number(ratio, "p99", sum->p99 / raw->p99);
	json_add_number(ratio, "p99_9", sum->p99_9 / raw->p99_9);
	json_add_number(ratio, "max", sum->max / raw->max);
	json_add_number(ratio, "mean", sum->mean / raw->mean);
	return ratio;
}

static struct json_object *umem(const struct row *row)
{
	struct json_object *status = json_object_new_object();

	json_add_count(status, "faults", row->umem.faults);
	json_add_count(status, "granules_provided", row->umem.granules_provided);
	json_add_count(status, "bytes_copied", row->umem.bytes_copied);
	json_add_count(status, "bytes_direct", row->umem.bytes_direct);
	if (row->bench->opt.readahead) {
		json_add_count(status, "readahead_asked", row->umem.readahead_asked);
		json_add_count(status, "readahead_hits", row->umem.readahead_hits);
		json_add_count(status, "readahead_late", row->umem.readahead_late);
		json_add_count(status, "readahead_wasted",
			  row->umem.readahead_wasted);
	}
	if (row->ops->source == UMEM_SOURCE_SIM)
		json_add_count(status, "polled", row->umem.polled);
	return status;
}

struct json_object *report_json_row(const struct row *row,
				    const struct row *floor)
{
	struct json_object *to = json_object_new_object();
	struct hist_summary sum, raw;

	hist_summarize(row->hist, &sum);
	json_add_text(to, "name", row->name);
	json_add_text(to, "kind", row->ops->name);
	json_add_text(to, "what", row->ops->what);
	json_add_count(to, "touches", row->touches);
	json_add_count(to, "total_ns", row->total_ns);
	json_add_count(to, "faults", row->faults);
	json_add_count(to, "verified", row->verified);
	json_add(to, "latency_ns", times(&sum));
	json_add(to, "distribution_ns", distribution(row->hist));
	json_add_number(to, "faults_per_s", report_rate(&sum));
	if (floor) {
		hist_summarize(floor->hist, &raw);
		json_add(to, "ratio_to_raw", ratios(&sum, &raw));
	} else {
		json_add(to, "ratio_to_raw", NULL);
	}
	if (row->umem.valid)
		json_add(to, "umem", umem(row));
	return to;
}

static void add_rows(struct json_object *to, const struct bench *bench)
{
	const struct row *floor = report_floor(bench);
	struct json_object *rows = json_object_new_array();
	struct json_object *skipped = json_object_new_array();

	for (size_t i = 0; i < bench->row_count; i++) {
		const struct row *row = &bench->rows[i];
		struct json_object *why;

		if (!row->skipped) {
			json_object_array_add(rows, report_json_row(row, floor));
			continue;
		}
		why = json_object_new_object();
		json_add_text(why, "name", row->name);
		json_add_text(why, "why", row->skipped);
		json_object_array_add(skipped, why);
	}
	json_add(to, "rows", rows);
	json_add(to, "skipped", skipped);
}

void report_json_run(struct json_object *to, const struct bench *bench,
		     const char *command)
{
	const struct bench_options *opt = &bench->opt;
	struct utsname name;

	uname(&name);
	json_add_text(to, "command", command);
	json_add_count(to, "format", FORMAT);
	json_add_text(to, "time", report_clock(bench));
	json_add_text(to, "kernel", name.release);
	json_add_text(to, "machine", name.machine);
	json_add_count(to, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_add_text(to, "cpu", opt->cpu.text);
	json_add_text(to, "poll", report_poll(bench));
	json_add_text(to, "source", opt->source);
	json_add_count(to, "size", opt->size);
	json_add_text(to, "access", opt->write ? "write" : "read");
	json_add_count(to, "rounds", opt->rounds);
	json_add_text(to, "verified_with", expect_name(bench->expect));
	json_add_count(to, "timer_floor_ns", bench->floor_ns);
}

static void add_latency(struct json_object *to, const struct bench_options *opt)
{
	json_add_text(to, "handler_cpu", opt->handler_cpu.text);
	json_add_count(to, "touches", opt->touches);
	json_add_count(to, "batch", opt->batch);
	json_add_count(to, "seed", opt->seed);
	json_add_count(to, "stride", opt->stride);
	json_add_count(to, "readahead", opt->readahead);
	json_add_count(to, "hold", opt->hold);
}

int report_json(const struct bench *bench)
{
	struct json_object *report = json_object_new_object();

	report_json_run(report, bench, "latency");
	add_latency(report, &bench->opt);
	add_rows(report, bench);
	return json_print(report);
}
