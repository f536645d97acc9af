// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handover.h"
#include "provider.h"
#include "provider/lib/region.h"
#include "server.h"
#include "sim.h"

/* ---- Processes ----------------------------------------------------------- */

static void drop_kept(struct handover *h)
{
	if (h->kept >= 0)
		close(h->kept);
	h->kept = -1;
}

static bool ended_well(int status)
{
	/* By SIGTERM, when that came before its handler was there. */
	return !status || (WIFSIGNALED(status) &&
			   (WTERMSIG(status) == SIGKILL ||
			    WTERMSIG(status) == SIGTERM));
}

static void note_end(struct handover *h, unsigned int i, int status)
{
	if (!ended_well(status))
		stress_fail("provider %d ended with status %#x", h->pids[i],
			    status);
	h->pids[i] = h->pids[--h->count];
}

bool handover_reap(struct handover *h, pid_t pid, int status)
{
	for (unsigned int i = 0; i < h->count; i++) {
		if (h->pids[i] != pid)
			continue;
		note_end(h, i, status);
		return true;
	}
	return false;
}

/* When this returns, no process holds a channel but us. */
static void end_all(struct handover *h, int signal)
{
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < h->count; i++) {
		kill(h->pids[i], signal);
		kill(h->pids[i], SIGCONT);
	}
	while (h->count) {
		pid = waitpid(h->pids[0], &status, 0);
		note_end(h, 0, pid > 0 ? status : 0);
	}
}

static void spawn(struct handover *h, int channel)
{
	uint64_t stream = h->stream++;
	pid_t pid;

	if (h->count == MAX_PROVIDERS)
		end_all(h, SIGKILL);
	pid = fork();
	if (pid < 0)
		stress_fail("fork: %s", strerror(errno));
	if (pid > 0)
		h->pids[h->count++] = pid;
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (h->kept >= 0 && h->kept != channel)
		close(h->kept);
	provider_run(channel, stream);
}

/* One process or two serve the channel. */
static void serve(struct handover *h, int channel)
{
	spawn(h, channel);
	if (rng_once_in(&h->rng, 3))
		spawn(h, channel);
	if (rng_once_in(&h->rng, 3)) {
		drop_kept(h);
		h->kept = channel;
	} else if (channel != h->kept) {
		close(channel);
	}
}

static int open_channel(struct handover *h, unsigned int flags)
{
	int channel = umem_region_channel(h->region,
					  flags | UMEM_CHANNEL_NONBLOCK);

	if (channel < 0)
		stress_fail("channel with flags %u: %s", flags,
			    strerror(-channel));
	return channel;
}

static void start(struct handover *h, unsigned int flags)
{
	int channel = open_channel(h, flags);

	if (channel >= 0)
		serve(h, channel);
}

/* ---- Events -------------------------------------------------------------- */

static void gap(struct handover *h)
{
	if (rng_once_in(&h->rng, 2))
		usleep(rng_below(&h->rng, 30000));
}

static void kernel_provider_goes(struct handover *h)
{
	int err = umem_region_detach(h->region);

	if (err && err != -ENOENT)
		stress_fail("detach: %s", strerror(-err));
}

static void lose(struct handover *h, int signal, enum stress_event event)
{
	drop_kept(h);
	end_all(h, signal);
	/* There is none but one in the kernel. */
	kernel_provider_goes(h);
	gap(h);
	start(h, 0);
	count_event(event);
}

static void close_it(struct handover *h)
{
	lose(h, SIGTERM, EV_CLOSED);
}

static void kill_it(struct handover *h)
{
	lose(h, SIGKILL, EV_KILLED);
}

static void replace(struct handover *h)
{
	start(h, UMEM_CHANNEL_REPLACE);
	count_event(EV_REPLACED);
}

/* What it sends when it goes on is late, and for nobody. */
static void stall(struct handover *h)
{
	unsigned int i, stopped = h->count;

	for (i = 0; i < stopped; i++)
		kill(h->pids[i], SIGSTOP);
	usleep(rng_below(&h->rng, 50000));
	start(h, UMEM_CHANNEL_REPLACE);
	usleep(rng_below(&h->rng, 20000));
	for (i = 0; i < stopped && i < h->count; i++)
		kill(h->pids[i], SIGCONT);
	count_event(EV_STALLED);
}

/* As a supervisor that kept the fd of a provider which died. */
static void requeue(struct handover *h)
{
	int err;

	drop_kept(h);
	h->kept = open_channel(h, UMEM_CHANNEL_REPLACE);
	spawn(h, h->kept);
	usleep(rng_below(&h->rng, 100000));
	end_all(h, SIGKILL);
	gap(h);
	err = umem_channel_requeue(h->kept);
	if (err)
		stress_fail("requeue: %s", strerror(-err));
	spawn(h, h->kept);
	count_event(EV_REQUEUED);
}

static void detach(struct handover *h)
{
	kernel_provider_goes(h);
	gap(h);
	start(h, 0);
	count_event(EV_DETACHED);
}

static void simulate(struct handover *h)
{
	int channel = open_channel(h, UMEM_CHANNEL_REPLACE);
	int err;

	if (channel < 0)
		return;
	err = sim_attach(channel, &h->rng);
	if (err) {
		stress_fail("umem_sim: %s", strerror(-err));
		return serve(h, channel);
	}
	count_event(EV_SIMULATED);
	close(channel);
}

static void attach(struct handover *h)
{
	int channel;

	server_start();
	channel = open_channel(h, UMEM_CHANNEL_REPLACE);
	if (channel < 0)
		return;
	/* A busy machine may time out; then the fd is as it was. */
	if (server_attach(channel))
		return serve(h, channel);
	count_event(EV_ATTACHED);
	close(channel);
}

static void kill_server(struct handover *h)
{
	server_stop();
	usleep(rng_below(&h->rng, 300000));
	start(h, UMEM_CHANNEL_REPLACE);
	count_event(EV_SERVER_KILLED);
}

/* Each in its turn, in an order that is another every time. */
static unsigned int draw_event(struct handover *h, unsigned int kinds)
{
	unsigned int i, left, kind;

	if (h->turn % kinds == 0)
		h->had = 0;
	h->turn++;
	left = kinds - __builtin_popcount(h->had);
	i = rng_below(&h->rng, left);
	for (kind = 0; h->had & 1U << kind || i--; kind++)
		;
	h->had |= 1U << kind;
	return kind;
}

void handover_event(struct handover *h)
{
	static void (*const events[])(struct handover *h) = {
		close_it, kill_it, replace, stall, requeue, detach, simulate,
		/* With a server: */
		attach, kill_server, attach,
	};

	events[draw_event(h, server_configured() ? 10 : 7)](h);
}

void handover_begin(struct handover *h, int region)
{
	memset(h, 0, sizeof(*h));
	h->region = region;
	h->kept = -1;
	h->rng = rng_stream(world->seed, world->round.number, 2000, 0);
	/* All is missing yet: what only a fault can meet it meets now. */
	if (rng_once_in(&h->rng, 3))
		simulate(h);
	else
		start(h, 0);
}

void handover_settle(struct handover *h)
{
	start(h, UMEM_CHANNEL_REPLACE);
}

void handover_end(struct handover *h)
{
	sim_forget();
	drop_kept(h);
	end_all(h, SIGKILL);
}
