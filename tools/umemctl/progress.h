/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How fast something grows, and when it will have grown up.
 */
#ifndef UMEMCTL_PROGRESS_H
#define UMEMCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* The rate is that of about the last ten seconds. */
#define PROGRESS_MEMORY_S 10.0

/**
 * struct progress - what was seen
 * @rate: units a second, lately.
 * @time_ns: of the last look.
 * @done: units at the last look.
 * @looks: how many there were.
 */
struct progress {
	double rate;
	uint64_t time_ns;
	uint64_t done;
	unsigned int looks;
};

/* Another look, at @now_ns: @done units; never less than before. */
void progress_look(struct progress *p, uint64_t now_ns, uint64_t done);

/* Whether there is an end in sight; then *@seconds from the last look on. */
bool progress_eta(const struct progress *p, uint64_t total, double *seconds);

/* "45 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". Returns @buf. */
#define DURATION_TEXT 24
const char *duration_text(double seconds, char buf[DURATION_TEXT]);

#endif /* UMEMCTL_PROGRESS_H */
