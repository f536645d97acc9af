/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * umem-provider as a child of ours.
 */
#ifndef UMEM_BENCH_CHILD_H
#define UMEM_BENCH_CHILD_H

#include <sys/types.h>

#include "bench.h"

/*
 * Starts umem-provider (beside this program, else from PATH) for @region with
 * the bench's source, on the handler's CPUs, and returns when it is live. @poll:
 * tell it never to sleep. 0 or a negative errno.
 */
int child_start(const struct bench *bench, int region, bool poll, pid_t *pid,
		struct umem_why *why);

/* Keeps it from running, and lets it go on. */
void child_pause(pid_t pid);
void child_resume(pid_t pid);

/* Ends it and waits for that. */
void child_stop(pid_t pid);

/* What children have said so far, to stderr; they are silent otherwise. */
void child_tell(void);

#endif /* UMEM_BENCH_CHILD_H */
