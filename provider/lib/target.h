/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TARGET: which region.
 *
 *	PID:FD			descriptor FD of process PID
 *	/proc/PID/fd/FD		the same
 *	PATH			whatever opens to a region, such as a symlink
 */
#ifndef UMEM_LIB_TARGET_H
#define UMEM_LIB_TARGET_H

#include <limits.h>
#include <sys/types.h>

#include "say.h"

struct umem_target {
	const char *text;	/* as given; the caller's string */
	pid_t pid;		/* 0: a path that is not under /proc/PID/fd */
	int fd;
	char path[PATH_MAX];
};

/* 0, or -EINVAL, -ENAMETOOLONG. */
int umem_target_parse(const char *text, struct umem_target *target,
		      struct umem_why *why);

/*
 * Opens the region, close-on-exec. @access is O_RDWR or O_RDONLY. A descriptor
 * that cannot be opened anew is fetched by pidfd_getfd(2). -ENOTTY when it is
 * no region.
 */
int umem_target_open(const struct umem_target *target, int access,
		     struct umem_why *why);

/* Both in one. */
int umem_target_get(const char *text, int access, struct umem_why *why);

/* 0 when @fd is a region, else -ENOTTY or another errno. */
int umem_target_check(int fd, struct umem_why *why);

#endif /* UMEM_LIB_TARGET_H */
