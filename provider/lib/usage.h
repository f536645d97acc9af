/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a provider's program ends at its command line: with status 0 for --help, 2
 * for what is wrong with it.
 */
#ifndef UMEM_LIB_USAGE_H
#define UMEM_LIB_USAGE_H

#include <stdint.h>

#include "say.h"

/* What --help prints; its first line says how the program is called. Once. */
void umem_usage_as(const char *help);

__attribute__((noreturn)) void umem_usage_help(void);

/* After getopt_long() has said what is wrong. */
__attribute__((noreturn)) void umem_usage_unknown(void);

/* "program: WHAT ARG: WHY", and how it is called. @why may be NULL. */
__attribute__((noreturn))
void umem_usage_wrong(const struct umem_why *why, const char *what,
		      const char *arg);

/* As umem_number_parse(); @name is the option's. */
uint64_t umem_usage_number(const char *name, const char *text, uint64_t min,
			   uint64_t max);

#endif /* UMEM_LIB_USAGE_H */
