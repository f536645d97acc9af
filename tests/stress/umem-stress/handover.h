/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who provides: providers in userspace that are killed, replaced, stopped;
 * umem_sim, polled or in trouble; and umem_rdma with a memory server that is
 * killed as well.
 */
#ifndef UMEM_STRESS_HANDOVER_H
#define UMEM_STRESS_HANDOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "world.h"

#define MAX_PROVIDERS	32

struct handover {
	int region;
	struct rng rng;
	uint64_t stream;		/* of the next provider */
	pid_t pids[MAX_PROVIDERS];	/* of providers, ended ones as well */
	unsigned int count;
	unsigned int turn, had;		/* which events came */
	int kept;			/* a channel that we hold besides, or -1 */
};

void handover_begin(struct handover *h, int region);
/* Something happens to the provider; there is one when this returns. */
void handover_event(struct handover *h);
/* A provider in userspace, whatever there was. */
void handover_settle(struct handover *h);
void handover_end(struct handover *h);
/* Takes notice of a child that has ended; false when it is none of ours. */
bool handover_reap(struct handover *h, pid_t pid, int status);


#endif /* UMEM_STRESS_HANDOVER_H */
