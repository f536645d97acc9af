// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The peer's pager: fault, fetch, copy or map, again. Putting the page in place
 * wakes the thread that faulted. poll() before read() only costs with one
 * userfaultfd; a row shows how much.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cpus.h"
#include "guard.h"
#include "uffd.h"
#include "uffd_thread.h"

/* Sleeps between batches so as not to disturb what others measure. */
static void rest(struct uffd_pager *pager)
{
	sem_post(&pager->changed);
	while (sem_wait(&pager->resume))
		;
	sem_post(&pager->changed);
}

/* Where it sleeps outside of read(). */
static void sleep_until_fault(const struct uffd_pager *pager)
{
	struct pollfd poller = { .fd = pager->fd, .events = POLLIN };

	while (poll(&poller, 1, -1) < 0)
		if (errno != EINTR)
			guard_die(errno, NULL, "polling userfaultfd");
}

/* Nothing to do: wait as this pager waits. */
static void idle(struct uffd_pager *pager)
{
	if (pager->wait == UFFD_POLL)
		sleep_until_fault(pager);
	else if (!atomic_load_explicit(&pager->awake, memory_order_relaxed))
		rest(pager);
	else if (pager->wait == UFFD_YIELD)
		sched_yield();
}

/* The offset in the mapping of the next fault. */
static uint64_t next_fault(struct uffd_pager *pager)
{
	struct uffd_msg msg;

	/* What such a program does: it does not know that it has only one descriptor. */
	if (pager->wait == UFFD_POLL)
		sleep_until_fault(pager);
	for (;;) {
		ssize_t n = read(pager->fd, &msg, sizeof(msg));

		if (n == sizeof(msg) && msg.event == UFFD_EVENT_PAGEFAULT)
			break;
		if (n >= 0)
			continue;
		if (errno == EAGAIN)
			idle(pager);
		else if (errno != EINTR)
			guard_die(errno, NULL, "reading from userfaultfd");
	}
	return (msg.arg.pagefault.address & ~(uint64_t)(BENCH_PAGE - 1)) -
	       (uintptr_t)pager->map;
}

static void copy_page(struct uffd_pager *pager, uint64_t offset,
		      const char *from)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)pager->map + offset,
		.src = (uintptr_t)from,
		.len = BENCH_PAGE,
		/* With SIGBUS nobody sleeps. */
		.mode = pager->wait == UFFD_SIGBUS ? UFFDIO_COPY_MODE_DONTWAKE : 0,
	};

	while (ioctl(pager->fd, UFFDIO_COPY, &copy)) {
		if (errno == EEXIST)
			return;
		if (errno != EAGAIN)
			guard_die(errno, NULL,
				  "UFFDIO_COPY of offset %" PRIu64, offset);
	}
}

static void map_page(struct uffd_pager *pager, uint64_t offset)
{
	struct uffdio_continue cont = {
		.range.start = (uintptr_t)pager->map + offset,
		.range.len = BENCH_PAGE,
	};

	while (ioctl(pager->fd, UFFDIO_CONTINUE, &cont)) {
		if (errno == EEXIST)
			return;
		if (errno != EAGAIN)
			guard_die(errno, NULL,
				  "UFFDIO_CONTINUE of offset %" PRIu64, offset);
	}
}

static void put_zero(struct uffd_pager *pager, uint64_t offset)
{
	struct uffdio_zeropage zero = {
		.range.start = (uintptr_t)pager->map + offset,
		.range.len = BENCH_PAGE,
	};

	if (ioctl(pager->fd, UFFDIO_ZEROPAGE, &zero))
		guard_die(errno, NULL, "UFFDIO_ZEROPAGE");
}

/* The last page of the mapping, which is not part of the export. */
static void serve_end(struct uffd_pager *pager)
{
	if (pager->minor)
		map_page(pager, pager->bytes);
	else
		put_zero(pager, pager->bytes);
}

void uffd_resolve(struct uffd_pager *pager, uint64_t offset)
{
	const char *from = pager->fetch(pager, offset / BENCH_PAGE);

	if (pager->minor)
		map_page(pager, offset);
	else
		copy_page(pager, offset, from);
}

void *uffd_thread(void *arg)
{
	struct uffd_pager *pager = arg;
	int err = cpus_apply(&pager->bench->opt.handler_cpu);

	if (err)
		guard_die(err, NULL, "binding a thread to CPUs %s",
			  pager->bench->opt.handler_cpu.text);
	if (uffd_is_busy(pager)) {
		while (sem_wait(&pager->resume))
			;
		sem_post(&pager->changed);
	}
	for (;;) {
		uint64_t offset = next_fault(pager);

		if (offset == pager->bytes) {
			serve_end(pager);
			return NULL;
		}
		uffd_resolve(pager, offset);
	}
}
