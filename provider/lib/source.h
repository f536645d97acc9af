/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SOURCE: where a provider gets the bytes from.
 *
 *	rdma://HOST:PORT/ID	a memory server, RDMA
 *	tcp://HOST:PORT/ID	the same server, TCP
 *	file:PATH		a file on this machine
 *	sim:WORDS		nowhere: test equipment, see sim.h
 *
 * HOST is a name, an IPv4 address or an IPv6 address in brackets; PORT is 1 to
 * 65535; ID is the number of an export, decimal or 0x, 64 bits.
 */
#ifndef UMEM_LIB_SOURCE_H
#define UMEM_LIB_SOURCE_H

#include <limits.h>
#include <stdint.h>
#include <sys/socket.h>

#include "say.h"
#include "sim.h"

enum umem_source_kind {
	UMEM_SOURCE_RDMA = 1,
	UMEM_SOURCE_TCP = 2,
	UMEM_SOURCE_FILE = 3,
	UMEM_SOURCE_SIM = 4,
};

#define UMEM_HOST_MAX 256

struct umem_source {
	enum umem_source_kind kind;
	const char *text;		/* as given; the caller's string */
	/* RDMA and TCP */
	char host[UMEM_HOST_MAX];	/* without brackets */
	uint16_t port;			/* host byte order */
	uint64_t export_id;
	/* FILE */
	const char *path;		/* points into @text */
	/* SIM */
	struct umem_sim_source sim;	/* points into @text */
};

/* 0 or -EINVAL; keeps pointers into @text. */
int umem_source_parse(const char *text, struct umem_source *source,
		      struct umem_why *why);

/*
 * Address of a listener: "rdma://ADDR:PORT" or "tcp://ADDR:PORT", without an
 * export. @source->export_id is 0. 0 or -EINVAL.
 */
int umem_listen_parse(const char *text, struct umem_source *source,
		      struct umem_why *why);

/*
 * The first address of @source's host, with its port. 0, or -ENOENT (no such
 * host), -EAGAIN (the resolver does not answer), -ENOMEM, -EINVAL (no server).
 */
int umem_source_resolve(const struct umem_source *source,
			struct sockaddr_storage *addr, socklen_t *length,
			struct umem_why *why);

#endif /* UMEM_LIB_SOURCE_H */
