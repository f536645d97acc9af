// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Answers late, out of order, merged, unasked, or with a FAIL where the round
 * has them. What was taken is answered in the end, or goes back when the
 * process ends.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "provider.h"
#include "world.h"

#define MAX_PENDING	4096

struct provider {
	int channel;
	struct rng rng;
	char *buffer;			/* of the channel, for CACHED; or NULL */
	char *payload;			/* max_data bytes */
	unsigned int granules[MAX_PENDING];
	unsigned int pending;
};

static volatile sig_atomic_t leaving;
static sigjmp_buf landing;

static void leave(int signal)
{
	(void)signal;
	leaving = 1;
}

static void lost_right(int signal)
{
	siglongjmp(landing, signal);
}

static unsigned int granules(void)
{
	return world->round.pages * PAGE / world->round.granule;
}

/* ---- Requests ------------------------------------------------------------ */

static void forget(struct provider *p, unsigned int i)
{
	p->granules[i] = p->granules[--p->pending];
}

static void cancelled(struct provider *p, unsigned int granule)
{
	count_note(NOTE_CANCEL);
	/* Advice: as often as not it is not heeded. */
	for (unsigned int i = 0; i < p->pending; i++)
		if (p->granules[i] == granule && rng_once_in(&p->rng, 2))
			return forget(p, i);
}

static void take(struct provider *p, const struct umem_record *request)
{
	unsigned int first = le64toh(request->offset) / world->round.granule;
	unsigned int count = le32toh(request->length) / world->round.granule;

	for (unsigned int i = 0; i < count; i++) {
		if (request->op == UMEM_OP_CANCEL) {
			cancelled(p, first + i);
			continue;
		}
		count_note(request->op == UMEM_OP_FETCH ? NOTE_FETCH :
			   NOTE_PREFETCH);
		if (p->pending == MAX_PENDING)
			stress_fail("more requests than can be in flight");
		else
			p->granules[p->pending++] = first + i;
	}
}

/* False when the channel has ended. */
static bool take_some(struct provider *p)
{
	struct umem_record requests[32];
	unsigned int most = rng_between(&p->rng, 1, 32);
	ssize_t got;

	got = read(p->channel, requests, most * sizeof(*requests));
	if (got < 0 && errno == EBUSY)
		/* A provider in the kernel has it, and what we took. */
		p->pending = 0;
	else if (got < 0 && errno != EAGAIN && errno != EINTR)
		stress_fail("read of a channel: %s", strerror(errno));
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(*requests); i++)
		take(p, &requests[i]);
	return got != 0;
}

/* ---- Answers ------------------------------------------------------------- */

static void fill(char *to, unsigned int granule)
{
	unsigned int pages = world->round.granule / PAGE;

	for (unsigned int i = 0; i < pages; i++)
		page_fill_supplied(to + i * PAGE, granule * pages + i);
}

/* In one write, cut into pieces at random places. */
static bool send(struct provider *p, int op, unsigned int granule,
		 unsigned int count, unsigned int payload)
{
	struct umem_record record = {
		.offset = htole64((uint64_t)granule * world->round.granule),
		.length = htole32(count * world->round.granule),
		.op = op,
		.status = htole16(op == UMEM_OP_FAIL ? UMEM_STATUS_IO : 0),
	};
	unsigned int cut = rng_below(&p->rng, payload + 1);
	struct iovec parts[] = {
		{ &record, 5 },
		{ (char *)&record + 5, sizeof(record) - 5 },
		{ p->payload, cut },
		{ p->payload + cut, payload - cut },
	};
	ssize_t put = writev(p->channel, parts, 4);

	if (put == (ssize_t)(sizeof(record) + payload))
		return true;
	if (put < 0 && (errno == EPIPE || errno == EBUSY))
		return false;
	stress_fail("answer %d for %u granules from %u on: %zd, %s", op, count,
		    granule, put, put < 0 ? strerror(errno) : "short");
	return false;
}

static bool send_data(struct provider *p, unsigned int granule,
		      unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		fill(p->payload + i * world->round.granule, granule + i);
	count_note(NOTE_DATA);
	return send(p, UMEM_OP_DATA, granule, count,
		    count * world->round.granule);
}

/* Into the buffer, while the granule is ours. */
static bool fill_cached(struct provider *p, unsigned int granule)
{
	if (sigsetjmp(landing, 1))
		return false;
	fill(p->buffer + (size_t)granule * world->round.granule, granule);
	return true;
}

static bool is_pending(const struct provider *p, unsigned int granule)
{
	for (unsigned int i = 0; i < p->pending; i++)
		if (p->granules[i] == granule)
			return true;
	return false;
}

static bool answer(struct provider *p, unsigned int granule)
{
	unsigned int most = world->round.max_data / world->round.granule;
	unsigned int count = 1;

	if (world->round.fails && !world->quiet && rng_once_in(&p->rng, 40)) {
		count_note(NOTE_FAIL);
		return send(p, UMEM_OP_FAIL, granule, 1, 0);
	}
	if (world->round.zeros && world->round.granule == PAGE &&
	    supplied_as_zero(granule)) {
		count_note(NOTE_ZERO);
		return send(p, UMEM_OP_ZERO, granule, 1, 0);
	}
	if (p->buffer && rng_once_in(&p->rng, 2) && fill_cached(p, granule)) {
		count_note(NOTE_CACHED);
		return send(p, UMEM_OP_CACHED, granule, 1, 0);
	}
	/* With what comes behind it: asked for, or (a push) not. */
	while (count < most && granule + count < granules() &&
	       (is_pending(p, granule + count) ||
		(!world->quiet && rng_once_in(&p->rng, 4))))
		count++;
	return send_data(p, granule, count);
}

static bool answer_some(struct provider *p)
{
	unsigned int keep = world->quiet || rng_once_in(&p->rng, 2) ? 0 :
		rng_below(&p->rng, 4);
	unsigned int i, granule;

	while (p->pending > keep) {
		i = rng_below(&p->rng, p->pending);
		granule = p->granules[i];
		forget(p, i);
		if (!answer(p, granule))
			return false;
	}
	if (!world->quiet && rng_once_in(&p->rng, 16)) {
		count_note(NOTE_PUSH);
		return send_data(p, rng_below(&p->rng, granules()), 1);
	}
	return true;
}

static void set_up(struct provider *p)
{
	struct sigaction on_leave = { .sa_handler = leave };
	struct sigaction on_lost = { .sa_handler = lost_right };

	sigaction(SIGTERM, &on_leave, NULL);
	p->payload = aligned_alloc(PAGE, world->round.max_data);
	/* With huge granules there is no CACHED. */
	if (!(world->features & UMEM_FEATURE_CACHED) || world->round.huge)
		return;
	sigaction(SIGBUS, &on_lost, NULL);
	p->buffer = mmap(NULL, world->round.pages * PAGE,
			 PROT_READ | PROT_WRITE, MAP_SHARED, p->channel, 0);
	if (p->buffer == MAP_FAILED) {
		p->buffer = NULL;
		if (errno != EPIPE && errno != EBUSY)
			stress_fail("mmap of a channel: %s", strerror(errno));
	}
}

void provider_run(int channel, uint64_t stream)
{
	static struct provider provider;
	struct provider *p = &provider;
	struct pollfd ready = { .fd = channel, .events = POLLIN };

	p->channel = channel;
	p->rng = rng_stream(world->seed, world->round.number, 1000, stream);
	set_up(p);
	while (!leaving && !world->failed) {
		poll(&ready, 1, p->pending ? 1 : 100);
		if (!take_some(p))
			break;
		if (!answer_some(p))
			p->pending = 0;
		if (!world->quiet && rng_once_in(&p->rng, 16))
			usleep(rng_below(&p->rng, 4000));
	}
	_exit(0);
}
