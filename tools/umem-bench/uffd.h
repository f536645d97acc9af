/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The peer's pager: a thread that takes faults from userfaultfd, gets the page
 * from its source and puts it in place: by UFFDIO_COPY from a buffer, or, where
 * all memory is allocated beforehand, by UFFDIO_CONTINUE.
 */
#ifndef UMEM_BENCH_UFFD_H
#define UMEM_BENCH_UFFD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "reader.h"

/* How the thread waits for the next fault. */
enum uffd_wait {
	UFFD_BLOCK,		/* sleeps in read() */
	UFFD_POLL,		/* sleeps in poll(), then read() does not block */
	UFFD_YIELD,		/* read() does not block; sched_yield() between */
	UFFD_SPIN,		/* the same without giving the CPU away */
	UFFD_SIGBUS,		/* there is no thread */
};

/**
 * struct uffd_pager - one mapping and its pager
 * @wait: set by the caller, as are @minor, @bench, @fetch, @reader, @second,
 *	@map and @bytes. UFFD_SIGBUS: who faults gets SIGBUS and has to call
 *	uffd_resolve().
 * @minor: @second is another mapping of the same memory, all there: a fault is
 *	a minor one, and @fetch puts the bytes into the page itself.
 * @fetch: gets a page; where it lies then, unless @minor.
 * @reader: for @fetch by verbs.
 * @second: for @fetch, see @minor.
 * @fd: the userfaultfd.
 * @map: the mapping that is watched; one page longer than @bytes: a touch of
 *	the last page tells the thread to end.
 * @awake: whether a batch is on; a thread that spins sleeps otherwise.
 * @resume: the thread may spin again.
 * @changed: the thread followed @awake.
 */
struct uffd_pager {
	enum uffd_wait wait;
	bool minor;
	const struct bench *bench;
	const char *(*fetch)(struct uffd_pager *pager, uint64_t page);
	struct reader *reader;
	char *second;

	int fd;
	char *map;
	uint64_t bytes;
	pthread_t thread;
	atomic_bool awake;
	sem_t resume;
	sem_t changed;
};

/* Whether its thread goes on looking for faults while there are none. */
static inline bool uffd_is_busy(const struct uffd_pager *pager)
{
	return pager->wait == UFFD_YIELD || pager->wait == UFFD_SPIN;
}

/*
 * 0 when this kernel and user have what @pager needs, of which @minor and
 * @wait are looked at; else a negative errno.
 */
int uffd_check(const struct uffd_pager *pager, struct umem_why *why);

/*
 * Watches @pager->map (of @pager->bytes + a page) and starts the thread, if it
 * is to have one.
 */
int uffd_start(struct uffd_pager *pager, struct umem_why *why);
void uffd_stop(struct uffd_pager *pager);

/* Before and after a batch: a thread that spins does so only in between. */
void uffd_wake(struct uffd_pager *pager);
void uffd_rest(struct uffd_pager *pager);

/* Gets the page at @offset of the mapping and puts it in place. */
void uffd_resolve(struct uffd_pager *pager, uint64_t offset);

#endif /* UMEM_BENCH_UFFD_H */
