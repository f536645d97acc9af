// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The simulated source.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "expect.h"
#include "fabric.h"
#include "guard.h"
#include "memory.h"
#include "reader.h"

static int fill(const struct bench *bench, struct fabric *fabric,
		struct umem_why *why)
{
	for (uint64_t i = 0; i < bench->pages; i++) {
		int err = expect_page(bench->expect, i,
				      fabric->content + i * BENCH_PAGE);

		if (err)
			return umem_because(why, err, "%s cannot be read",
					    expect_name(bench->expect));
	}
	return 0;
}

int fabric_open(struct bench *bench, struct umem_why *why)
{
	struct fabric *fabric = calloc(1, sizeof(*fabric));
	int err;

	if (!fabric)
		return umem_because(why, -ENOMEM, "no memory");
	fabric->bytes = bench->pages * BENCH_PAGE;
	fabric->latency_ns = bench->source.sim.arg.latency_ns;
	fabric->poll = bench->opt.poll;
	fabric->clock = bench->opt.clock;
	fabric->file = memory_new(fabric->bytes, &fabric->content, why);
	if (fabric->file < 0) {
		err = fabric->file;
		free(fabric);
		return err;
	}
	fabric->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	bench->fabric = fabric;
	if (fabric->timer < 0)
		return umem_because(why, -errno, "no timerfd");
	return fill(bench, fabric, why);
}

void fabric_close(struct bench *bench)
{
	struct fabric *fabric = bench->fabric;

	if (!fabric)
		return;
	if (fabric->timer >= 0)
		close(fabric->timer);
	munmap(fabric->content, fabric->bytes);
	close(fabric->file);
	free(fabric);
	bench->fabric = NULL;
}

/* Relative: the kernel stamps the deadline, and no call asks for the time. */
static void wait_asleep(const struct fabric *fabric)
{
	struct itimerspec timer = {
		.it_value.tv_sec = (time_t)(fabric->latency_ns / 1000000000),
		.it_value.tv_nsec = (long)(fabric->latency_ns % 1000000000),
	};
	uint64_t count;

	if (timerfd_settime(fabric->timer, 0, &timer, NULL) ||
	    read(fabric->timer, &count, sizeof(count)) != sizeof(count))
		guard_die(errno, NULL, "sleeping on a timerfd");
}

void fabric_wait(const struct fabric *fabric)
{
	uint64_t deadline;

	if (!fabric->latency_ns)
		return;
	if (fabric->poll == BENCH_POLL_SLEEP) {
		wait_asleep(fabric);
		return;
	}
	deadline = clock_ns(fabric->clock) + fabric->latency_ns;
	while (clock_ns(fabric->clock) < deadline)
		if (fabric->poll == BENCH_POLL_YIELD)
			sched_yield();
}

void fabric_copy(const struct fabric *fabric, uint64_t page, void *to)
{
	const void *from = fabric_page(fabric, page);

#if defined(__x86_64__)
	size_t words = BENCH_PAGE / sizeof(uint64_t);

	__asm__ volatile("rep movsq"
			 : "+D"(to), "+S"(from), "+c"(words) : : "memory");
#else
	memcpy(to, from, BENCH_PAGE);
#endif
}
