// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uring.h"

#define ENTRIES 8

static unsigned int *submission(struct uring *ring, unsigned int offset)
{
	return (unsigned int *)(ring->rings + offset);
}

int uring_init(struct uring *ring)
{
	struct io_uring_params *p = &ring->params;
	size_t size;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, p);
	if (ring->fd < 0)
		return -1;
	if (!(p->features & IORING_FEAT_SINGLE_MMAP))
		return -1;
	size = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	ring->rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(*ring->sqes),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			  IORING_OFF_SQES);
	return ring->rings == MAP_FAILED || ring->sqes == MAP_FAILED ? -1 : 0;
}

int uring_submit(struct uring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int *tail = submission(ring, ring->params.sq_off.tail);
	unsigned int slot = *tail & (ring->params.sq_entries - 1);

	ring->sqes[slot] = *sqe;
	submission(ring, ring->params.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0) == 1 ?
		0 : -1;
}

long uring_wait(struct uring *ring)
{
	unsigned int *head = submission(ring, ring->params.cq_off.head);
	unsigned int *tail = submission(ring, ring->params.cq_off.tail);
	struct io_uring_cqe *cqe;
	long result;

	while (__atomic_load_n(tail, __ATOMIC_ACQUIRE) == *head)
		if (syscall(SYS_io_uring_enter, ring->fd, 0, 1,
			    IORING_ENTER_GETEVENTS, NULL, 0) < 0 &&
		    errno != EINTR)
			return -1;
	cqe = (struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes);
	result = cqe[*head & (ring->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

long uring_call(struct uring *ring, const struct io_uring_sqe *sqe)
{
	return uring_submit(ring, sqe) ? -1 : uring_wait(ring);
}
