// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * /dev/umem-sim: a provider that answers late, wrong, or never.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/umem.h>
#include <linux/umem_sim.h>

#include "fuzz.h"

/* What answers, answers soon; what hangs is left by a signal or a time limit. */
#define MOST_DELAY	10000000UL	/* ns */
#define LEAST_BANDWIDTH	(16UL << 20)

/* An open of the device is good for one ATTACH. */
static const struct fuzz_fd *draw_sim(struct fuzz *f)
{
	int fd;

	if (!once_in(f, 4)) {
		fd = open("/dev/umem-sim", O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return keep_fd(f, fd, FD_SIM, false, PAGE);
	}
	return draw_fd(f, FD_SIM);
}

static void draw_content(struct fuzz *f, struct umem_sim_attach *attach)
{
	attach->content = 1 + draw(f, UMEM_SIM_COPY);
	attach->source_fd = -1;
	if (attach->content == UMEM_SIM_PATTERN)
		attach->pattern_seed = rng_next(&f->rng);
	else if (attach->content == UMEM_SIM_COPY)
		attach->source_fd = once_in(f, 4) ? draw_fd(f, FD_REGION)->fd :
			f->source;
}

static void draw_fate(struct fuzz *f, struct umem_sim_attach *attach)
{
	attach->seed = rng_next(&f->rng);
	if (once_in(f, 2))
		attach->latency_ns = draw(f, once_in(f, 2) ? 5000 : MOST_DELAY);
	if (once_in(f, 4))
		attach->jitter_ns = draw(f, MOST_DELAY);
	if (once_in(f, 8))
		attach->bandwidth = LEAST_BANDWIDTH << draw(f, 10);
	if (attach->latency_ns && once_in(f, 4))
		attach->reorder_permille = draw(f, UMEM_SIM_PERMILLE + 1);
	if (once_in(f, 4)) {
		attach->error_permille = 1 + draw(f, UMEM_SIM_PERMILLE);
		attach->error_status = 1 + draw(f, UMEM_STATUS_DENIED);
	}
	if (once_in(f, 4))
		attach->hang_permille = draw(f, UMEM_SIM_PERMILLE + 1);
	if (once_in(f, 4))
		attach->refuse_permille = draw(f, UMEM_SIM_PERMILLE + 1);
	if (once_in(f, 8))
		attach->hang_from = 1 + draw(f, 32);
	if (once_in(f, 8))
		attach->gone_after = 1 + draw(f, 32);
}

/* What is valid may not take too long. */
static void make_bearable(struct umem_sim_attach *attach)
{
	if (attach->latency_ns <= UMEM_SIM_DELAY_MAX)
		attach->latency_ns %= MOST_DELAY;
	if (attach->jitter_ns <= UMEM_SIM_DELAY_MAX)
		attach->jitter_ns %= MOST_DELAY;
	if (attach->bandwidth >= UMEM_SIM_BANDWIDTH_MIN)
		attach->bandwidth |= LEAST_BANDWIDTH;
}

long call_sim_attach(struct fuzz *f)
{
	struct umem_sim_attach attach = {
		.channel_fd = draw_fd(f, FD_CHANNEL)->fd,
	};
	unsigned long cmd = UMEM_SIM_IOC_ATTACH;
	const struct fuzz_fd *fd;
	void *arg = &attach;

	draw_content(f, &attach);
	draw_fate(f, &attach);
	if (once_in(f, 3)) {
		mutate(f, &attach, sizeof(attach));
		make_bearable(&attach);
		arg = ioctl_arg(f, &cmd, &attach, sizeof(attach));
	}
	fd = draw_sim(f);
	call_args(f, "cmd %#lx type %d channel %d content %u source %d latency %llu hang %u from %llu gone %llu",
		  cmd, fd->type, attach.channel_fd, attach.content,
		  attach.source_fd, attach.latency_ns, attach.hang_permille,
		  attach.hang_from, attach.gone_after);
	return fuzz_ioctl(f, fd->fd, cmd, arg);
}

long call_sim_release(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_SIM);

	call_args(f, "type %d", fd->type);
	return done(ioctl(fd->fd, UMEM_SIM_IOC_RELEASE, draw_odd(f)), errno);
}

long call_sim_stats(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_SIM);
	unsigned long cmd = UMEM_SIM_IOC_STATS;
	struct umem_sim_stats stats;
	void *arg = ioctl_arg(f, &cmd, &stats, sizeof(stats));
	long ret;

	call_args(f, "cmd %#lx type %d", cmd, fd->type);
	ret = fuzz_ioctl(f, fd->fd, cmd, arg);
	if (!ret && arg == &stats && cmd == UMEM_SIM_IOC_STATS &&
	    (stats.reserved ||
	     stats.flags & ~(UMEM_SIM_ATTACHED | UMEM_SIM_GONE)))
		fuzz_wrong("sim stats: flags %#x, reserved %u", stats.flags,
			   stats.reserved);
	return ret;
}
