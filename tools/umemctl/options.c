// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading the command line: one line and status 2 for every mistake.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "umemctl.h"

void usage_fail(const struct verb *verb, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	umem_say("%s: %s; see umemctl %s --help", verb->name, text, verb->name);
	exit(EXIT_USAGE);
}

static void unknown_option(const struct verb *verb, const char *argument)
	__attribute__((noreturn));
static void unknown_option(const struct verb *verb, const char *argument)
{
	if (optopt && !strncmp(argument, "--", 2))
		usage_fail(verb, "option %.*s takes no value",
			   (int)strcspn(argument, "="), argument);
	if (optopt)
		usage_fail(verb, "there is no option -%c", optopt);
	usage_fail(verb, "there is no option %s, or it can mean several",
		   argument);
}

int option_next(const struct verb *verb, int argc, char **argv)
{
	int opt;

	opterr = 0;
	opt = getopt_long(argc, argv, verb->shorts, verb->options, NULL);
	switch (opt) {
	case 'h':
		fputs(verb->help, stdout);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	case ':':
		usage_fail(verb, "option %s needs a value", argv[optind - 1]);
	case '?':
		unknown_option(verb, argv[optind - 1]);
	default:
		return opt;
	}
}

uint64_t option_size(const struct verb *verb, const char *name)
{
	struct umem_why why;
	uint64_t size;

	if (umem_size_parse(optarg, &size, &why))
		usage_fail(verb, "%s: %s", name, why.text);
	return size;
}

uint32_t option_number(const struct verb *verb, const char *name, uint32_t max)
{
	struct umem_why why;
	uint64_t number;

	if (umem_number_parse(optarg, 1, max, &number, &why))
		usage_fail(verb, "%s: %s", name, why.text);
	return (uint32_t)number;
}

const char *only_argument(const struct verb *verb, int argc, char **argv,
			  const char *what)
{
	if (optind >= argc)
		usage_fail(verb, "%s is missing", what);
	if (optind + 1 < argc)
		usage_fail(verb, "\"%s\" is one argument too many",
			   argv[optind + 1]);
	return argv[optind];
}

void two_arguments(const struct verb *verb, int argc, char **argv,
		   const char *what, char **first,
		   const char *what_else, char **second)
{
	while (option_next(verb, argc, argv) >= 0)
		;
	if (optind >= argc)
		usage_fail(verb, "%s is missing", what);
	if (optind + 1 >= argc)
		usage_fail(verb, "%s is missing", what_else);
	if (optind + 2 < argc)
		usage_fail(verb, "\"%s\" is one argument too many",
			   argv[optind + 2]);
	*first = argv[optind];
	*second = argv[optind + 1];
}
