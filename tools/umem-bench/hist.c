// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A histogram of nanoseconds: the only file that uses HdrHistogram, whose
 * sources make gets with fetch-hdr.
 */
#include <stdlib.h>

#include <hdr_histogram.h>

#include "hist.h"

#define HIST_MAX_NS 3600000000000LL
#define HIST_DIGITS 3

struct hist {
	struct hdr_histogram *hdr;
	/* HdrHistogram rounds the values it keeps; these are exact. */
	uint64_t sum;
	uint64_t count;
	uint64_t max;
	uint64_t min;
};

struct hist *hist_new(void)
{
	struct hist *hist = calloc(1, sizeof(*hist));

	if (!hist)
		return NULL;
	if (hdr_init(1, HIST_MAX_NS, HIST_DIGITS, &hist->hdr)) {
		free(hist);
		return NULL;
	}
	/* Page faults of our own would show up in the count of faults. */
	hdr_reset(hist->hdr);
	hist->min = UINT64_MAX;
	return hist;
}

void hist_free(struct hist *hist)
{
	if (!hist)
		return;
	hdr_close(hist->hdr);
	free(hist);
}

void hist_add(struct hist *hist, uint64_t ns)
{
	if (ns > HIST_MAX_NS)
		ns = HIST_MAX_NS;
	hdr_record_value(hist->hdr, (int64_t)ns);
	hist->sum += ns;
	hist->count++;
	if (ns > hist->max)
		hist->max = ns;
	if (ns < hist->min)
		hist->min = ns;
}

double hist_at(const struct hist *hist, double percentile)
{
	double value = hdr_value_at_percentile(hist->hdr, percentile);

	/* The end of the bucket may lie beyond what was measured. */
	return value > hist->max ? hist->max : value;
}

void hist_summarize(const struct hist *hist, struct hist_summary *summary)
{
	*summary = (struct hist_summary){ 0 };
	if (!hist->count)
		return;
	summary->p50 = hist_at(hist, 50);
	summary->p90 = hist_at(hist, 90);
	summary->p99 = hist_at(hist, 99);
	summary->p99_9 = hist_at(hist, 99.9);
	summary->max = hist->max;
	summary->min = hist->min;
	summary->mean = (double)hist->sum / hist->count;
}
