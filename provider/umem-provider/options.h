/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the command line of umem-provider says.
 */
#ifndef UMEM_PROVIDER_OPTIONS_H
#define UMEM_PROVIDER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/source.h"

struct provider_options {
	const char *target;
	int channel;			/* of fd:N; -1: @target is a region */
	struct umem_source source;
	uint32_t reads_inflight;
	uint32_t connect_timeout_ms;
	uint32_t ack_timeout_ms;
	bool replace;
	bool poll;
	int ready_fd;			/* -1: none */
};

/* Ends the program for --help (0) and for what is wrong (2). */
void provider_options_parse(int argc, char **argv,
			    struct provider_options *opt);

#endif /* UMEM_PROVIDER_OPTIONS_H */
