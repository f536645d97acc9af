// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "usage.h"

#define STATUS_WRONG 2

static const char *usage_text = "";

void umem_usage_as(const char *help)
{
	usage_text = help;
}

void umem_usage_help(void)
{
	fputs(usage_text, stdout);
	exit(0);
}

void umem_usage_unknown(void)
{
	fprintf(stderr, "%s --help tells more\n", program_invocation_short_name);
	exit(STATUS_WRONG);
}

void umem_usage_wrong(const struct umem_why *why, const char *what,
		      const char *arg)
{
	umem_say("%s %s%s%s", what, arg, why ? ": " : "", why ? why->text : "");
	fprintf(stderr, "%.*s; ", (int)strcspn(usage_text, "\n"), usage_text);
	umem_usage_unknown();
}

uint64_t umem_usage_number(const char *name, const char *text, uint64_t min,
			   uint64_t max)
{
	struct umem_why why;
	uint64_t n;

	if (umem_number_parse(text, min, max, &n, &why))
		umem_usage_wrong(&why, name, text);
	return n;
}
