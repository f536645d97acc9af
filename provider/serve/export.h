/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An export: a file that clients may read.
 */
#ifndef UMEM_SERVE_EXPORT_H
#define UMEM_SERVE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <infiniband/verbs.h>

#include <linux/umem_rdma.h>

#include "../lib/say.h"

struct serve_export {
	uint64_t id;
	const char *path;
	int fd;
	struct stat stat;	/* as it was when the server began */
	uint64_t size;		/* rounded up to the granule */
	void *addr;
	bool private;		/* the mapping is a copy in memory */
	uint8_t content_id[UMEM_RDMA_CONTENT_ID];
};

/*
 * Opens and maps @path. @run_nonce makes the content id one of this run of the
 * server. 0 or a negative errno with @why.
 */
int serve_export_open(struct serve_export *exp, uint64_t id, const char *path,
		      const uint8_t run_nonce[UMEM_RDMA_CONTENT_ID],
		      struct umem_why *why);

/* Registers the export for one session. The rkey is a fresh one. */
int serve_export_register(struct serve_export *exp, struct ibv_pd *pd,
			  struct ibv_mr **mr, struct umem_why *why);

/* Reads the export into memory, so that later registrations are quick. */
int serve_export_prepare(struct serve_export *exp, struct ibv_context *device,
			 struct umem_why *why);

void serve_export_close(struct serve_export *exp);

#endif /* UMEM_SERVE_EXPORT_H */
