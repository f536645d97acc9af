/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: io_uring without a library, one operation at a time.
 */
#ifndef UMEM_TEST_URING_H
#define UMEM_TEST_URING_H

#include <linux/io_uring.h>

struct uring {
	int fd;
	char *rings;			/* submission and completion */
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

/* 0, or -1 where io_uring is off or very old. */
int uring_init(struct uring *ring);

/* Gives the operation to the kernel and does not wait. 0 or -1 and errno. */
int uring_submit(struct uring *ring, const struct io_uring_sqe *sqe);

/* Waits for one completion: its result, or -1 and errno. */
long uring_wait(struct uring *ring);

/* Both. */
long uring_call(struct uring *ring, const struct io_uring_sqe *sqe);

#endif /* UMEM_TEST_URING_H */
