/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For programs that are built with -m32 as well: their own TAP, and nothing to
 * link with.
 */
#ifndef UMEM_TEST_TAP_H
#define UMEM_TEST_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int tap_results, tap_failures;

__attribute__((format(printf, 2, 3)))
static inline void tap_ok(bool good, const char *format, ...)
{
	va_list args;

	printf("%sok %u - ", good ? "" : "not ", ++tap_results);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	tap_failures += !good;
}

static inline void tap_is(const char *what, long got, long wanted)
{
	tap_ok(got == wanted, "%s", what);
	if (got != wanted)
		printf("# got %ld, wanted %ld\n", got, wanted);
}

/* What a system call returned: its value, or the negative errno. */
static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static inline const char *errno_text(long err)
{
	return err < 0 ? strerror(-err) : "success";
}

/* @wanted: 0 for success of any value, or a negative errno. */
static inline void tap_err(const char *what, long got, long wanted)
{
	bool good = wanted ? got == wanted : got >= 0;

	tap_ok(good, "%s: %s", what, errno_text(wanted));
	if (!good)
		printf("# got %ld (%s)\n", got, errno_text(got));
}

static inline int tap_end(void)
{
	printf("1..%u\n", tap_results);
	return tap_failures != 0;
}

static inline void tap_need(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

#endif /* UMEM_TEST_TAP_H */
