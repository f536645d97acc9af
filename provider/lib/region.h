/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ioctls of /dev/umem, of regions and of channels, one function each.
 *
 * All return a negative errno on failure; file descriptors they return are
 * close-on-exec. umem_explain() has the clause for each errno.
 */
#ifndef UMEM_LIB_REGION_H
#define UMEM_LIB_REGION_H

#include <linux/umem.h>
#include <stdint.h>
#include <sys/types.h>

#include "say.h"

#define UMEM_DEVICE "/dev/umem"

/* What was tried: selects the table of umem_explain(). */
enum umem_action {
	UMEM_DO_OPEN,		/* opening /dev/umem */
	UMEM_DO_FEATURES,
	UMEM_DO_CREATE,
	UMEM_DO_CHANNEL,
	UMEM_DO_DETACH,
	UMEM_DO_STATUS,
	UMEM_DO_REQUEUE,
	UMEM_DO_FINALIZE,
	UMEM_DO_FILL,
	UMEM_ACTIONS
};

int umem_device_open(void);
int umem_device_features(int device, struct umem_features *features);

/* Makes a region; @create->flags gets UMEM_CREATE_CLOEXEC added. */
int umem_region_create(int device, const struct umem_create *create);

/* @flags: UMEM_CHANNEL_REPLACE, UMEM_CHANNEL_NONBLOCK. Returns the channel fd. */
int umem_region_channel(int region, unsigned int flags);

int umem_region_detach(int region);

/* Returns the number of mappings that became plain; @pid 0 is the caller. */
int umem_region_finalize(int region, pid_t pid);

/* All that is missing is fetched in the background; @window 0 stops. */
int umem_region_fill(int region, uint32_t window);

/* On a region or a channel. */
int umem_region_status(int fd, struct umem_region_status *status);

int umem_channel_requeue(int channel);

/* The clause for @err (either sign) after @action. Never NULL. */
const char *umem_explain(enum umem_action action, int err);

/*
 * The same for a refused UMEM_IOC_CREATE, where one errno has several causes:
 * finds the field that is to blame. @features may be NULL.
 */
int umem_create_because(struct umem_why *why, int err,
			const struct umem_create *create,
			const struct umem_features *features);

const char *umem_policy_text(unsigned int wait_policy);
const char *umem_provider_kind_text(unsigned int provider_kind);

#endif /* UMEM_LIB_REGION_H */
