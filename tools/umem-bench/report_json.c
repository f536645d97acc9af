// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The report for programs. The keys are stable: add, do not rename.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "expect.h"
#include "latency.h"

#define FORMAT 1

typedef struct json_object object;

static void add(object *to, const char *key, object *value)
{
	json_object_object_add(to, key, value);
}

static void add_text(object *to, const char *key, const char *text)
{
	add(to, key, text ? json_object_new_string(text) : NULL);
}

static void add_count(object *to, const char *key, uint64_t count)
{
	add(to, key, json_object_new_uint64(count));
}

static void add_number(object *to, const char *key, double number)
{
	char text[40];

	snprintf(text, sizeof(text), "%.6g", number);
	add(to, key, json_object_new_double_s(number, text));
}

static object *times(const struct hist_summary *sum)
{
	object *ns = json_object_new_object();

	add_number(ns, "p50", sum->p50);
	add_number(ns, "p90", sum->p90);
	add_number(ns, "p99", sum->p99);
	add_number(ns, "p99_9", sum->p99_9);
	add_number(ns, "max", sum->max);
	add_number(ns, "mean", sum->mean);
	add_number(ns, "min", sum->min);
	return ns;
}

/* Pairs of a percentile and its time: enough to draw the distribution. */
static object *distribution(const struct hist *hist)
{
	static const double percentiles[] = {
		0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5,
		99.8, 99.9, 99.95, 99.98, 99.99, 100,
	};
	object *pairs = json_object_new_array();

	for (size_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
		object *pair = json_object_new_array();

		json_object_array_add(pair,
				      json_object_new_double(percentiles[i]));
		json_object_array_add(pair, json_object_new_int64(
				      (int64_t)hist_at(hist, percentiles[i])));
		json_object_array_add(pairs, pair);
	}
	return pairs;
}

static object *ratios(const struct hist_summary *sum,
		      const struct hist_summary *raw)
{
	object *ratio = json_object_new_object();

	add_number(ratio, "p50", sum->p50 / raw->p50);
	add_number(ratio, "p90", sum->p90 / raw->p90);
	add_number(ratio, "p99", sum->p99 / raw->p99);
	add_number(ratio, "p99_9", sum->p99_9 / raw->p99_9);
	add_number(ratio, "max", sum->max / raw->max);
	add_number(ratio, "mean", sum->mean / raw->mean);
	return ratio;
}

static object *umem(const struct row *row)
{
	object *status = json_object_new_object();

	add_count(status, "faults", row->umem.faults);
	add_count(status, "granules_provided", row->umem.granules_provided);
	add_count(status, "bytes_copied", row->umem.bytes_copied);
	add_count(status, "bytes_direct", row->umem.bytes_direct);
	if (row->bench->opt.readahead) {
		add_count(status, "readahead_asked", row->umem.readahead_asked);
		add_count(status, "readahead_hits", row->umem.readahead_hits);
		add_count(status, "readahead_late", row->umem.readahead_late);
		add_count(status, "readahead_wasted",
			  row->umem.readahead_wasted);
	}
	if (row->ops->source == UMEM_SOURCE_SIM)
		add_count(status, "polled", row->umem.polled);
	return status;
}

static object *one_row(const struct row *row, const struct row *floor)
{
	object *to = json_object_new_object();
	struct hist_summary sum, raw;

	hist_summarize(row->hist, &sum);
	add_text(to, "name", row->name);
	add_text(to, "kind", row->ops->name);
	add_text(to, "what", row->ops->what);
	add_count(to, "touches", row->touches);
	add_count(to, "total_ns", row->total_ns);
	add_count(to, "faults", row->faults);
	add_count(to, "verified", row->verified);
	add(to, "latency_ns", times(&sum));
	add(to, "distribution_ns", distribution(row->hist));
	add_number(to, "faults_per_s", report_rate(&sum));
	if (floor) {
		hist_summarize(floor->hist, &raw);
		add(to, "ratio_to_raw", ratios(&sum, &raw));
	} else {
		add(to, "ratio_to_raw", NULL);
	}
	if (row->umem.valid)
		add(to, "umem", umem(row));
	return to;
}

static void add_rows(object *to, const struct bench *bench)
{
	const struct row *floor = report_floor(bench);
	object *rows = json_object_new_array();
	object *skipped = json_object_new_array();

	for (size_t i = 0; i < bench->row_count; i++) {
		const struct row *row = &bench->rows[i];
		object *why;

		if (!row->skipped) {
			json_object_array_add(rows, one_row(row, floor));
			continue;
		}
		why = json_object_new_object();
		add_text(why, "name", row->name);
		add_text(why, "why", row->skipped);
		json_object_array_add(skipped, why);
	}
	add(to, "rows", rows);
	add(to, "skipped", skipped);
}

static void add_run(object *to, const struct bench *bench)
{
	const struct bench_options *opt = &bench->opt;
	struct utsname name;

	uname(&name);
	add_text(to, "command", "latency");
	add_count(to, "format", FORMAT);
	add_text(to, "time", report_clock(bench));
	add_text(to, "kernel", name.release);
	add_text(to, "machine", name.machine);
	add_count(to, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	add_text(to, "cpu", opt->cpu.text);
	add_text(to, "handler_cpu", opt->handler_cpu.text);
	add_text(to, "poll", report_poll(bench));
	add_text(to, "source", opt->source);
	add_count(to, "size", opt->size);
	add_text(to, "access", opt->write ? "write" : "read");
	add_count(to, "touches", opt->touches);
	add_count(to, "rounds", opt->rounds);
	add_count(to, "batch", opt->batch);
	add_count(to, "seed", opt->seed);
	add_count(to, "stride", opt->stride);
	add_count(to, "readahead", opt->readahead);
	add_text(to, "verified_with", expect_name(bench->expect));
	add_count(to, "timer_floor_ns", bench->floor_ns);
}

int report_json(const struct bench *bench)
{
	object *report = json_object_new_object();
	const char *text;
	int bad;

	add_run(report, bench);
	add_rows(report, bench);
	text = json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	bad = puts(text) < 0 || fflush(stdout);
	json_object_put(report);
	return bad ? -EIO : 0;
}
