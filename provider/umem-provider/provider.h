/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A provider in userspace: requests of one channel, RDMA READs, answers.
 */
#ifndef UMEM_PROVIDER_PROVIDER_H
#define UMEM_PROVIDER_PROVIDER_H

#include <linux/umem.h>

#include "../lib/rdma_client.h"
#include "../lib/record.h"
#include "options.h"

/* Records read from the channel at once; answers written at once. */
#define PROVIDER_BATCH		16

/* The largest READ and DATA, unless granules are larger. */
#define PROVIDER_SLOT		65536U

/* A buffer for one READ: free, or the device's, or being answered. */
struct provider_slot {
	uint64_t offset;
	uint32_t length;
	unsigned char *bytes;
};

struct provider {
	const struct provider_options *opt;
	struct umem_region_status region;	/* as it was at the start */
	struct rdma_client *client;
	int channel;
	int signal_fd;
	int epoll_fd;

	/* Slots; as many as READs can be open. */
	unsigned char *arena;
	uint32_t lkey;
	uint32_t slot_size;
	struct provider_slot *slots;
	unsigned int *free_slots;
	unsigned int slot_count, free_count;

	/* Requests taken from the channel for which no READ was begun yet. */
	struct umem_wanted backlog[PROVIDER_BATCH];
	unsigned int backlog_next, backlog_count;
};

/*
 * Steps return 1 when they got something done, 0 when there was nothing to do,
 * PROVIDER_END when the channel has ended, and a negative errno, after saying
 * it, when the provider cannot go on.
 */
#define PROVIDER_END	2

/* setup.c */
int provider_setup(struct provider *p, const struct provider_options *opt);
void provider_end(struct provider *p);

/* fetch.c */
int provider_requests(struct provider *p);
int provider_answers(struct provider *p);

/* loop.c */
int provider_loop(struct provider *p);
int provider_lost(struct provider *p);

#endif /* UMEM_PROVIDER_PROVIDER_H */
