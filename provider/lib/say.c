// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

static const char *say_program = "umem";

int umem_because(struct umem_why *why, int err, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return err;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return err;
}

const char *umem_clause_find(const struct umem_clause *table, int err)
{
	int wanted = abs(err);

	while (table->err && table->err != wanted)
		table++;
	return table->text;
}

void umem_say_as(const char *program)
{
	say_program = program;
}

/*
 * A line is one write, so that lines of a parent and its child do not mix.
 * Control characters in it (they can come from arguments) would make it more
 * than one line or worse.
 */
static void say_line(char *line, size_t size, int length)
{
	size_t used = length < 0 ? 0 : (size_t)length;
	size_t i;
	ssize_t n;

	if (used > size - 2)
		used = size - 2;
	for (i = 0; i < used; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[used++] = '\n';
	n = write(STDERR_FILENO, line, used);
	(void)n;		/* there is nobody left to tell */
}

void umem_say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "%s: ", say_program);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	say_line(line, sizeof(line), n);
}

void umem_say_failed(int err, const struct umem_why *why, const char *what, ...)
{
	char subject[512];
	char cause[96] = "";
	va_list ap;

	va_start(ap, what);
	vsnprintf(subject, sizeof(subject), what, ap);
	va_end(ap);
	if (err)
		snprintf(cause, sizeof(cause), " (%s)", strerror(abs(err)));
	if (why && why->text[0])
		umem_say("%s: %s%s", subject, why->text, cause);
	else
		umem_say("%s: %s", subject, err ? strerror(abs(err)) : "failed");
}
