/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the tools say: one line on stderr that tells what was tried, on what,
 * what went wrong and what to do.
 *
 *	umemctl: creating a region of 5000 bytes: size must be a multiple of
 *	4096 (Invalid argument)
 *	^program ^what was tried, on what         ^why, what to do
 *	                                                       ^errno
 *
 * Library functions print nothing: they return a negative errno and leave the
 * middle part in a struct umem_why.
 */
#ifndef UMEM_LIB_SAY_H
#define UMEM_LIB_SAY_H

#include <stddef.h>

#define UMEM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Why something failed, as a clause without a full stop. */
struct umem_why {
	char text[384];
};

/* Sets @why (which may be NULL) and returns @err, so that it can end a function. */
int umem_because(struct umem_why *why, int err, const char *fmt, ...)
	UMEM_PRINTF(3, 4);

/* One line of a table from errno to clause; {0, text} ends the table. */
struct umem_clause {
	int err;		/* positive errno */
	const char *text;
};

/* The clause for @err, which may have either sign; the last one's if unknown. */
const char *umem_clause_find(const struct umem_clause *table, int err);

/* The name that starts each line; main() sets it once. */
void umem_say_as(const char *program);

/* "program: ..." and a newline, in one write. */
void umem_say(const char *fmt, ...) UMEM_PRINTF(1, 2);

/*
 * "program: WHAT: WHY (strerror)" and a newline. @err has either sign; 0 leaves
 * the parenthesis out. @why may be NULL or empty.
 */
void umem_say_failed(int err, const struct umem_why *why, const char *what, ...)
	UMEM_PRINTF(3, 4);

#endif /* UMEM_LIB_SAY_H */
