// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>

#include "progress.h"

#define NS_PER_S 1e9
#define MINUTE 60U
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* An average in which what is older than the memory hardly counts. */
void progress_look(struct progress *p, uint64_t now_ns, uint64_t done)
{
	double seconds = (double)(now_ns - p->time_ns) / NS_PER_S;
	double weight, rate;

	if (p->looks && now_ns > p->time_ns) {
		rate = (double)(done - p->done) / seconds;
		weight = seconds / (PROGRESS_MEMORY_S + seconds);
		/* Nothing is known before the first rate. */
		p->rate = p->looks == 1 ? rate :
			p->rate + (rate - p->rate) * weight;
	} else if (p->looks) {
		return;
	}
	p->time_ns = now_ns;
	p->done = done;
	p->looks++;
}

bool progress_eta(const struct progress *p, uint64_t total, double *seconds)
{
	if (p->looks < 2 || p->rate <= 0 || p->done > total)
		return false;
	*seconds = (double)(total - p->done) / p->rate;
	return true;
}

static const char *two_units(uint64_t first, const char *first_name,
			     uint64_t second, const char *second_name,
			     char buf[DURATION_TEXT])
{
	snprintf(buf, DURATION_TEXT, "%" PRIu64 " %s %" PRIu64 " %s", first,
		 first_name, second, second_name);
	return buf;
}

const char *duration_text(double seconds, char buf[DURATION_TEXT])
{
	uint64_t s;

	/* What is farther away is never. */
	if (!(seconds < 1000.0 * DAY)) {
		snprintf(buf, DURATION_TEXT, "more than 1000 d");
		return buf;
	}
	s = (uint64_t)(seconds + 0.5);
	if (s >= DAY)
		return two_units(s / DAY, "d", s % DAY / HOUR, "h", buf);
	if (s >= HOUR)
		return two_units(s / HOUR, "h", s % HOUR / MINUTE, "min", buf);
	if (s >= MINUTE)
		return two_units(s / MINUTE, "min", s % MINUTE, "s", buf);
	snprintf(buf, DURATION_TEXT, "%" PRIu64 " s", s);
	return buf;
}
