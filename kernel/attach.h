/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attachments: the core's side of provider.h.
 */
#ifndef UMEM_ATTACH_H
#define UMEM_ATTACH_H

#include "provider.h"

struct umem_region;

int umem_attach_init(void);
void umem_attach_exit(void);

void umem_attachment_unpublish(struct umem_attachment *att);
void umem_attachment_end(struct umem_attachment *att);
int umem_attachments_drained(struct umem_region *region);

/* Under rcu_read_lock(), with an attachment read from region->attachment. */
void umem_attachment_submit(struct umem_attachment *att,
			    struct umem_request *req);
void umem_attachment_kick(struct umem_attachment *att);
void umem_attachment_describe(struct umem_attachment *att, char *buf,
			      size_t size);

#endif /* UMEM_ATTACH_H */
