// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Getting live, and the end. First the server, then the channel: a provider
 * whose server does not answer must not push another one away.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../lib/attach.h"
#include "../lib/region.h"
#include "../lib/target.h"
#include "provider.h"

/* ---- Server -------------------------------------------------------------- */

static int check_size(struct provider *p)
{
	const struct umem_wire_export *exp = rdma_client_export(p->client);
	struct umem_why why;
	int err;

	err = umem_wire_export_fits(exp, p->region.size, p->region.granule);
	if (!err)
		return 0;
	if (err == -ERANGE)
		umem_because(&why, err,
			"the region has %" PRIu64 " bytes, the export only %" PRIu64 "; make a smaller region or export more",
			(uint64_t)p->region.size, (uint64_t)exp->size);
	else
		umem_because(&why, err,
			"the server allows no reads smaller than %u bytes, the region needs %u",
			exp->granule, p->region.granule);
	umem_say_failed(err, &why, "providing %s from %s", p->opt->target,
			p->opt->source.text);
	return err;
}

static int connect_server(struct provider *p)
{
	const struct provider_options *opt = p->opt;
	struct rdma_client_options copt = {
		.export_id = opt->source.export_id,
		.reads_inflight = opt->reads_inflight,
		.timeout_ms = opt->connect_timeout_ms,
		.ack_timeout_ms = opt->ack_timeout_ms,
	};
	struct umem_why why;
	socklen_t length;
	int err;

	/* More than can be requested is memory for nothing. */
	if (copt.reads_inflight > p->region.max_inflight)
		copt.reads_inflight = p->region.max_inflight;
	err = umem_source_resolve(&opt->source, &copt.dst, &length, &why);
	if (!err)
		err = rdma_client_open(&p->client, &copt, &why);
	if (err) {
		umem_say_failed(err, &why, "connecting to %s", opt->source.text);
		return err;
	}
	return check_size(p);
}

/* Whole granules, as much as pays and the region takes in one DATA. */
static uint32_t slot_size(const struct umem_region_status *region)
{
	uint32_t size = region->max_data < PROVIDER_SLOT ? region->max_data :
		PROVIDER_SLOT;

	return size < region->granule ? region->granule :
		size - size % region->granule;
}

static int make_slots(struct provider *p)
{
	unsigned int i, count = rdma_client_depth(p->client);
	size_t size;
	int err;

	p->slot_size = slot_size(&p->region);
	size = (size_t)count * p->slot_size;
	p->slots = calloc(count, sizeof(*p->slots));
	p->free_slots = calloc(count, sizeof(*p->free_slots));
	p->arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!p->slots || !p->free_slots || p->arena == MAP_FAILED) {
		umem_say_failed(ENOMEM, NULL, "allocating %zu bytes of buffers", size);
		return -ENOMEM;
	}
	err = rdma_client_register(p->client, p->arena, size, &p->lkey);
	if (err) {
		umem_say_failed(err, NULL,
			"registering %zu bytes of buffers with %s (raise ulimit -l, or lower --reads-inflight)",
			size, rdma_client_device(p->client));
		return err;
	}
	for (i = 0; i < count; i++) {
		p->slots[i].bytes = p->arena + (size_t)i * p->slot_size;
		p->free_slots[i] = i;
	}
	p->slot_count = count;
	p->free_count = count;
	return 0;
}

/* ---- Region and channel -------------------------------------------------- */

static int open_region(struct provider *p)
{
	struct umem_why why;
	int fd, err;

	if (p->opt->channel >= 0) {
		p->channel = p->opt->channel;
		fd = p->channel;
	} else {
		fd = umem_target_get(p->opt->target, O_RDWR, &why);
		if (fd < 0) {
			umem_say_failed(fd, &why, "opening region %s", p->opt->target);
			return fd;
		}
	}
	err = umem_region_status(fd, &p->region);
	if (err) {
		umem_because(&why, err, "%s", err == -ENOTTY ?
			     "it is neither a channel nor a region" :
			     umem_explain(UMEM_DO_STATUS, err));
		umem_say_failed(err, &why, "reading the status of %s",
				p->opt->target);
		if (fd != p->channel)
			close(fd);
		return err;
	}
	return fd;
}

/*
 * Whoever read from it before may have been killed, and a channel that somebody
 * kept open keeps what was taken, too: all of it is asked for again.
 */
static int inherit_channel(struct provider *p)
{
	struct umem_why why;
	int err;

	if (fcntl(p->channel, F_SETFL, O_NONBLOCK)) {
		err = -errno;
		umem_say_failed(err, NULL, "setting up %s", p->opt->target);
		return err;
	}
	err = umem_channel_requeue(p->channel);
	/* It has ended: read will say so. */
	if (!err || err == -EPIPE)
		return 0;
	umem_because(&why, err, "%s", umem_explain(UMEM_DO_REQUEUE, err));
	umem_say_failed(err, &why, "requeuing what %s had taken",
			p->opt->target);
	return err;
}

static int open_channel(struct provider *p, int region)
{
	unsigned int flags = UMEM_CHANNEL_NONBLOCK;
	struct umem_why why;

	if (p->channel >= 0)
		return inherit_channel(p);
	if (p->opt->replace)
		flags |= UMEM_CHANNEL_REPLACE;
	p->channel = umem_region_channel(region, flags);
	if (p->channel >= 0)
		return 0;
	umem_because(&why, p->channel, "%s",
		     umem_explain(UMEM_DO_CHANNEL, p->channel));
	umem_say_failed(p->channel, &why, "opening a channel to %s",
			p->opt->target);
	return p->channel;
}

/* ---- Loop's descriptors -------------------------------------------------- */

static int watch(struct provider *p, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int make_loop(struct provider *p)
{
	sigset_t set;
	int err = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->signal_fd < 0 || p->epoll_fd < 0)
		err = -errno;
	if (!err)
		err = watch(p, p->signal_fd);
	if (!err)
		err = watch(p, p->channel);
	if (!err)
		err = watch(p, rdma_client_fd(p->client));
	if (err)
		umem_say_failed(err, NULL, "setting up the event loop");
	return err;
}

/* ---- Begin and end ------------------------------------------------------- */

int provider_setup(struct provider *p, const struct provider_options *opt)
{
	int region, err;

	*p = (struct provider){
		.opt = opt,
		.channel = -1,
		.signal_fd = -1,
		.epoll_fd = -1,
		.arena = MAP_FAILED,
	};
	region = open_region(p);
	if (region < 0)
		return region;
	err = connect_server(p);
	if (!err)
		err = make_slots(p);
	if (!err)
		err = open_channel(p, region);
	/* A provider does not keep its region alive. */
	if (region != p->channel)
		close(region);
	return err ? err : make_loop(p);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void provider_end(struct provider *p)
{
	/* First of all: what we took goes back to the queue. */
	close_fd(p->channel);
	close_fd(p->epoll_fd);
	close_fd(p->signal_fd);
	rdma_client_close(p->client);
	if (p->arena != MAP_FAILED)
		munmap(p->arena, (size_t)p->slot_count * p->slot_size);
	free(p->slots);
	free(p->free_slots);
}
