/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory server: one thread, one epoll, a bounded table of clients.
 */
#ifndef UMEM_SERVE_SERVER_H
#define UMEM_SERVE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <rdma/rdma_cma.h>

#include "export.h"
#include "options.h"

struct serve_client;

/* What epoll hands back. Embedded; lives as long as its file descriptor. */
struct serve_source {
	void (*ready)(struct serve_source *source);
};

struct server {
	const struct serve_options *opt;
	int epoll_fd;
	int signal_fd;
	int tick_fd;
	struct serve_source signal_source;
	struct serve_source tick_source;
	struct serve_source cm_source;

	struct rdma_event_channel *cm;
	struct rdma_cm_id *listens[SERVE_MAX_LISTENS];

	struct serve_export exports[SERVE_MAX_EXPORTS];
	unsigned int export_count;

	struct serve_client **clients;	/* opt->max_clients places */
	unsigned int client_count;

	/* Refusals told since the last tick, and those left out. */
	unsigned int refusals_told;
	unsigned int refusals_left_out;

	bool stopping;
	int64_t stop_deadline;		/* serve_now() */
};

/* server.c */
int64_t serve_now(void);		/* milliseconds, monotonic */
int serve_watch(struct server *srv, int fd, struct serve_source *source);
int serve_start(struct server *srv, const struct serve_options *opt);
void serve_loop(struct server *srv);
void serve_end(struct server *srv);

/* connection.c: rdma_cm */
int serve_listen(struct server *srv);
void serve_unlisten(struct server *srv);
void serve_cm_ready(struct serve_source *source);
void serve_told_refusals(struct server *srv);

#endif /* UMEM_SERVE_SERVER_H */
