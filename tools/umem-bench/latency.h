/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of umem-bench latency.
 */
#ifndef UMEM_BENCH_LATENCY_H
#define UMEM_BENCH_LATENCY_H

#include "row.h"

/* latency.c: measures the rows that are not skipped. Says why it fails. */
int latency_run(struct bench *bench);

/* report.c, report_json.c: to standard output. 0 or a negative errno. */
int report_text(const struct bench *bench);
int report_json(const struct bench *bench);

/* report_json.c: parts for reports of other commands. */
struct json_object;
void report_json_run(struct json_object *to, const struct bench *bench,
		     const char *command);
/* @floor: what ratios refer to, or NULL. */
struct json_object *report_json_row(const struct row *row,
				    const struct row *floor);

/* The row that ratios refer to, or NULL when it did not run. */
const struct row *report_floor(const struct bench *bench);

/* Touches a second of one thread. */
double report_rate(const struct hist_summary *summary);

/* The run's clock and its way of polling, in words. */
const char *report_clock(const struct bench *bench);
const char *report_poll(const struct bench *bench);

#endif /* UMEM_BENCH_LATENCY_H */
