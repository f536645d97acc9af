/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the command line of umem-serve says.
 */
#ifndef UMEM_SERVE_OPTIONS_H
#define UMEM_SERVE_OPTIONS_H

#include <stdint.h>

#include "../lib/source.h"

#define SERVE_MAX_LISTENS	16
#define SERVE_MAX_EXPORTS	64

struct serve_options {
	struct umem_source listens[SERVE_MAX_LISTENS];
	unsigned int listen_count;
	struct {
		uint64_t id;
		const char *path;
	} exports[SERVE_MAX_EXPORTS];
	unsigned int export_count;
	unsigned int max_clients;
	unsigned int handshake_ms;	/* from the request to AUTH */
	unsigned int keepalive_ms;	/* between messages to a live client */
	int ready_fd;			/* -1: none */
};

/* Ends the program for --help (0) and for what is wrong (2). */
void serve_options_parse(int argc, char **argv, struct serve_options *opt);

#endif /* UMEM_SERVE_OPTIONS_H */
