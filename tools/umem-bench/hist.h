/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A histogram of nanoseconds: HdrHistogram with three significant digits.
 */
#ifndef UMEM_BENCH_HIST_H
#define UMEM_BENCH_HIST_H

#include <stdint.h>

struct hist;

/* What the reports show of a histogram, nanoseconds. */
struct hist_summary {
	double p50;
	double p90;
	double p99;
	double p99_9;
	double max;
	double mean;
	double min;
};

struct hist *hist_new(void);
void hist_free(struct hist *hist);

/* Times beyond an hour count as an hour. */
void hist_add(struct hist *hist, uint64_t ns);

/* What @percentile per cent of the times do not exceed. */
double hist_at(const struct hist *hist, double percentile);

/* All zero for an empty histogram. */
void hist_summarize(const struct hist *hist, struct hist_summary *summary);

#endif /* UMEM_BENCH_HIST_H */
