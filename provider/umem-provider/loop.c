// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loop: answers first, then requests, then sleep; or no sleep at all.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "provider.h"

/* Idle for so long, ask the transport whether the server is still there. */
#define KEEPALIVE_MS	2000

/* A loop that never sleeps looks for signals once in so many empty rounds. */
#define LOOK_EVERY	256

int provider_lost(struct provider *p)
{
	struct umem_why why;

	umem_because(&why, -ECONNRESET,
		"%s; what was requested waits for another provider: start one when the server is back",
		rdma_client_why(p->client)->text);
	umem_say_failed(-ECONNRESET, &why, "providing %s from %s", p->opt->target,
			p->opt->source.text);
	return -ECONNRESET;
}

/* Sleeps until something comes; PROVIDER_END at a signal. */
static int look(struct provider *p, int timeout_ms)
{
	struct epoll_event ev[3];
	int i, n;

	n = epoll_wait(p->epoll_fd, ev, 3, timeout_ms);
	if (!n && timeout_ms)
		rdma_client_keepalive(p->client);
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == p->signal_fd)
			return PROVIDER_END;
		if (ev[i].data.fd == rdma_client_fd(p->client))
			rdma_client_wake(p->client);
	}
	/* It may be lost without an open READ to tell us. */
	return rdma_client_lost(p->client) ? provider_lost(p) : 0;
}

static int idle(struct provider *p, unsigned int *rounds)
{
	if (p->opt->poll)
		return ++*rounds % LOOK_EVERY ? 0 : look(p, 0);
	if (rdma_client_arm(p->client))
		return 0;
	return look(p, KEEPALIVE_MS);
}

static int one_round(struct provider *p, unsigned int *rounds)
{
	int answers, requests;

	answers = provider_answers(p);
	if (answers < 0 || answers == PROVIDER_END)
		return answers;
	requests = provider_requests(p);
	if (requests < 0 || requests == PROVIDER_END)
		return requests;
	return answers || requests ? 0 : idle(p, rounds);
}

/* 0 at an orderly end, else a negative errno that was told. */
int provider_loop(struct provider *p)
{
	unsigned int rounds = 0;
	int err;

	do {
		err = one_round(p, &rounds);
	} while (!err);
	return err == PROVIDER_END ? 0 : err;
}
