// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loop, signals, the tick, and the orderly end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define TICK_MS		500

/* How long the clients have to leave when we are told to stop. */
#define STOP_MS		3000

int64_t serve_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int serve_watch(struct server *srv, int fd, struct serve_source *source)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = source };

	return epoll_ctl(srv->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* ---- Signals and the tick ------------------------------------------------ */

static void stop(struct server *srv)
{
	struct umem_rdma_msg bye;
	unsigned int i;

	srv->stopping = true;
	srv->stop_deadline = serve_now() + STOP_MS;
	serve_unlisten(srv);
	umem_wire_make_plain(&bye, UMEM_RDMA_MSG_BYE);
	for (i = 0; i < srv->client_count; i++)
		serve_client_leave(srv->clients[i], &bye, "umem-serve stops");
}

static void signal_ready(struct serve_source *source)
{
	struct server *srv = (struct server *)
		((char *)source - offsetof(struct server, signal_source));
	struct signalfd_siginfo info;

	if (read(srv->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (srv->stopping) {
		srv->stop_deadline = 0;		/* a second one: at once */
		return;
	}
	umem_say("signal %u: stopping, %u clients", info.ssi_signo,
		 srv->client_count);
	stop(srv);
}

static void tick_ready(struct serve_source *source)
{
	struct server *srv = (struct server *)
		((char *)source - offsetof(struct server, tick_source));
	int64_t now = serve_now();
	uint64_t ticks;
	unsigned int i;

	if (read(srv->tick_fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	serve_told_refusals(srv);
	for (i = 0; i < srv->client_count; i++)
		serve_client_tick(srv->clients[i], now);
}

static int watch_signals(struct server *srv)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);	/* a log reader that went away */
	srv->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (srv->signal_fd < 0)
		return -errno;
	srv->signal_source.ready = signal_ready;
	return serve_watch(srv, srv->signal_fd, &srv->signal_source);
}

static int watch_tick(struct server *srv)
{
	struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	struct itimerspec when = { .it_interval = tick, .it_value = tick };

	srv->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (srv->tick_fd < 0 || timerfd_settime(srv->tick_fd, 0, &when, NULL))
		return -errno;
	srv->tick_source.ready = tick_ready;
	return serve_watch(srv, srv->tick_fd, &srv->tick_source);
}

/* ---- Begin --------------------------------------------------------------- */

static int open_exports(struct server *srv)
{
	uint8_t nonce[UMEM_RDMA_CONTENT_ID];
	struct serve_export *exp;
	struct umem_why why;
	int err;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce)) {
		umem_say("the kernel gives no random bytes");
		return -EIO;
	}
	while (srv->export_count < srv->opt->export_count) {
		exp = &srv->exports[srv->export_count];
		err = serve_export_open(exp, srv->opt->exports[srv->export_count].id,
					srv->opt->exports[srv->export_count].path,
					nonce, &why);
		if (err) {
			umem_say_failed(err, &why, "exporting %s",
					srv->opt->exports[srv->export_count].path);
			return err;
		}
		srv->export_count++;
		umem_say("export %llu: %s, %llu bytes",
			 (unsigned long long)exp->id, exp->path,
			 (unsigned long long)exp->size);
	}
	return 0;
}

static int open_cm(struct server *srv)
{
	int err = 0;

	srv->cm = rdma_create_event_channel();
	srv->cm_source.ready = serve_cm_ready;
	if (!srv->cm || fcntl(srv->cm->fd, F_SETFL, O_NONBLOCK))
		err = -errno;
	else
		err = serve_watch(srv, srv->cm->fd, &srv->cm_source);
	if (err)
		umem_say_failed(err, NULL,
			"opening rdma_cm (is there an RDMA device, and is the module rdma_ucm loaded?)");
	return err;
}

static int open_loop(struct server *srv)
{
	int err;

	srv->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = srv->epoll_fd < 0 ? -errno : watch_signals(srv);
	if (!err)
		err = watch_tick(srv);
	if (err)
		umem_say_failed(err, NULL, "setting up the event loop");
	return err;
}

/* Registering an export pins it; let root's limit be the hard one. */
static void raise_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

int serve_start(struct server *srv, const struct serve_options *opt)
{
	int err;

	srv->opt = opt;
	srv->epoll_fd = -1;
	srv->signal_fd = -1;
	srv->tick_fd = -1;
	srv->clients = calloc(opt->max_clients, sizeof(*srv->clients));
	if (!srv->clients) {
		umem_say_failed(ENOMEM, NULL, "making room for %u clients",
				opt->max_clients);
		return -ENOMEM;
	}
	raise_memlock();
	err = open_loop(srv);
	if (!err)
		err = open_exports(srv);
	if (!err)
		err = open_cm(srv);
	if (!err)
		err = serve_listen(srv);
	return err;
}

/* ---- Loop and end -------------------------------------------------------- */

static bool finished(const struct server *srv)
{
	return srv->stopping &&
	       (!srv->client_count || serve_now() >= srv->stop_deadline);
}

void serve_loop(struct server *srv)
{
	struct epoll_event ev[16];
	struct serve_source *source;
	int i, n;

	while (!finished(srv)) {
		n = epoll_wait(srv->epoll_fd, ev, 16, -1);
		for (i = 0; i < n; i++) {
			source = ev[i].data.ptr;
			source->ready(source);
		}
		/* Only now: an event of this round may mean a client gone. */
		serve_clients_reap(srv);
	}
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void serve_end(struct server *srv)
{
	unsigned int i;

	serve_unlisten(srv);
	for (i = 0; i < srv->client_count; i++)
		serve_client_gone(srv->clients[i], "umem-serve stops");
	serve_clients_reap(srv);
	if (srv->cm)
		rdma_destroy_event_channel(srv->cm);
	for (i = 0; i < srv->export_count; i++)
		serve_export_close(&srv->exports[i]);
	close_fd(srv->tick_fd);
	close_fd(srv->signal_fd);
	close_fd(srv->epoll_fd);
	free(srv->clients);
}
