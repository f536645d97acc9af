// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * /dev/umem-sim refuses what it must, and says why. Built as a 32-bit program
 * as well: both see one layout.
 *
 * needs: umem umem_sim
 * timeout: 60
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/umem.h>
#include <linux/umem_sim.h>

#include "lib/tap.h"

_Static_assert(sizeof(struct umem_sim_attach) == 96, "one layout");
_Static_assert(offsetof(struct umem_sim_attach, gone_after) == 88, "one layout");
_Static_assert(sizeof(struct umem_sim_stats) == 64, "one layout");

#define SIZE	(16U * UMEM_GRANULE_SIZE)

static int sim, region, channel;

static struct umem_sim_attach good(void)
{
	return (struct umem_sim_attach){
		.channel_fd = channel,
		.content = UMEM_SIM_PATTERN,
		.source_fd = -1,
	};
}

static long attach(const struct umem_sim_attach *arg)
{
	return result(ioctl(sim, UMEM_SIM_IOC_ATTACH, arg));
}

#define REFUSED(what, error, ...) do {			\
	struct umem_sim_attach arg = good();		\
	__VA_ARGS__;					\
	tap_err(what, attach(&arg), -(error));		\
} while (0)

static void fields(void)
{
	REFUSED("flags", EINVAL, arg.flags = 1);
	REFUSED("reserved", EINVAL, arg.reserved = 1);
	REFUSED("no content", EINVAL, arg.content = 0);
	REFUSED("unknown content", EINVAL, arg.content = 4);
	REFUSED("pattern with a file", EINVAL, arg.source_fd = 0);
	REFUSED("zeroes with a pattern's seed", EINVAL,
		arg.content = UMEM_SIM_ZERO; arg.pattern_seed = 1);
	REFUSED("latency", EINVAL, arg.latency_ns = UMEM_SIM_DELAY_MAX + 1);
	REFUSED("jitter", EINVAL, arg.jitter_ns = UINT64_MAX);
	REFUSED("bandwidth", EINVAL, arg.bandwidth = UMEM_SIM_BANDWIDTH_MIN - 1);
	REFUSED("reorder", EINVAL,
		arg.latency_ns = 1; arg.reorder_permille = 1001);
	REFUSED("reorder without latency", EINVAL, arg.reorder_permille = 1);
	REFUSED("error share", EINVAL,
		arg.error_permille = 1001; arg.error_status = 1);
	REFUSED("error without status", EINVAL, arg.error_permille = 1);
	REFUSED("status without error", EINVAL, arg.error_status = 1);
	REFUSED("unknown status", EINVAL,
		arg.error_permille = 1; arg.error_status = 5);
	REFUSED("hang share", EINVAL, arg.hang_permille = 1001);
	REFUSED("refuse share", EINVAL, arg.refuse_permille = UINT32_MAX);
}

static void files(void)
{
	int file = memfd_create("short", 0), pipes[2];
	char path[64];
	int reader;

	tap_need(!ftruncate(file, SIZE - 1), "ftruncate");
	tap_need(!pipe(pipes), "pipe");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	reader = open(path, O_WRONLY);
	tap_need(reader >= 0, path);
	REFUSED("no channel", EBADF, arg.channel_fd = -1);
	REFUSED("no channel but a region", ENOTTY, arg.channel_fd = region);
	REFUSED("no channel but the device", ENOTTY, arg.channel_fd = sim);
	REFUSED("no file", EBADF,
		arg.content = UMEM_SIM_COPY; arg.source_fd = -1);
	REFUSED("a file open for writing", EBADF,
		arg.content = UMEM_SIM_COPY; arg.source_fd = reader);
	REFUSED("a pipe", EINVAL,
		arg.content = UMEM_SIM_COPY; arg.source_fd = pipes[0]);
	REFUSED("a short file", ERANGE,
		arg.content = UMEM_SIM_COPY; arg.source_fd = file);
	REFUSED("a file with a pattern's seed", EINVAL,
		arg.content = UMEM_SIM_COPY; arg.source_fd = file;
		arg.pattern_seed = 1);
	close(file);
	close(reader);
	close(pipes[0]);
	close(pipes[1]);
}

static long attach_sized(size_t size, const void *arg)
{
	return result(ioctl(sim, _IOC(_IOC_WRITE, UMEM_SIM_IOC_MAGIC, 0, size),
			    arg));
}

static void sizes(void)
{
	struct {
		struct umem_sim_attach arg;
		uint64_t more[2];
	} longer = { .arg = good(), .more = { 0, 1 } };

	tap_err("too short", attach_sized(88, &longer), -EINVAL);
	tap_err("longer, the unknown not zero",
		attach_sized(sizeof(longer), &longer), -E2BIG);
	tap_err("no memory", attach(NULL), -EFAULT);
	tap_err("unknown number", result(ioctl(sim, _IO(UMEM_SIM_IOC_MAGIC, 9))),
		-ENOTTY);
	tap_err("another's magic", result(ioctl(sim, UMEM_IOC_DETACH)), -ENOTTY);
	tap_err("attach that reads", result(ioctl(sim,
		_IOR(UMEM_SIM_IOC_MAGIC, 0, struct umem_sim_attach), &longer)),
		-ENOTTY);
	tap_err("release of nothing",
		result(ioctl(sim, UMEM_SIM_IOC_RELEASE)), -ENOTCONN);
	tap_err("statistics of nothing",
		result(ioctl(sim, UMEM_SIM_IOC_STATS, &longer)), -ENOTCONN);
	/* All of that was refused without a trace. */
	longer.more[1] = 0;
	tap_err("longer, the unknown zero",
		attach_sized(sizeof(longer), &longer), 0);
}

static void attached(void)
{
	struct umem_sim_attach arg = good();
	struct {
		struct umem_sim_stats stats;
		uint64_t more;
	} longer = { .more = 1 };
	int second = open("/dev/umem-sim", O_RDWR);
	char byte;

	tap_err("one open, one provider", attach(&arg), -EISCONN);
	tap_err("one channel, one provider",
		result(ioctl(second, UMEM_SIM_IOC_ATTACH, &arg)), -EBUSY);
	tap_err("it provides", result(pread(region, &byte, 1, 0)), 0);
	tap_err("statistics, longer",
		result(ioctl(sim, _IOC(_IOC_READ, UMEM_SIM_IOC_MAGIC, 2,
				       sizeof(longer)), &longer)), 0);
	tap_is("requests taken", longer.stats.taken, 1);
	tap_is("the unknown is zero", longer.more, 0);
	tap_err("statistics, too short",
		result(ioctl(sim, _IOC(_IOC_READ, UMEM_SIM_IOC_MAGIC, 2, 56),
			     &longer)), -EINVAL);
	tap_err("statistics to nowhere",
		result(ioctl(sim, UMEM_SIM_IOC_STATS, NULL)), -EFAULT);
	tap_err("read of the device", result(read(sim, &byte, 1)), -EINVAL);
	close(second);
}

/* What @fd answers, which its provider has taken. */
static void claimed(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	struct umem_record record = { 0 };

	tap_err("read of its channel",
		result(read(fd, &record, sizeof(record))), -EBUSY);
	tap_err("write to its channel",
		result(write(fd, &record, sizeof(record))), -EBUSY);
	tap_err("mmap of its channel",
		mmap(NULL, UMEM_GRANULE_SIZE, PROT_READ, MAP_SHARED, fd, 0) ==
		MAP_FAILED ? -errno : 0, -EBUSY);
	tap_err("REQUEUE on its channel",
		result(ioctl(fd, UMEM_CHANNEL_IOC_REQUEUE)), -EBUSY);
	tap_is("poll of its channel", poll(&poll_fd, 1, 0), 1);
	tap_is("poll of its channel: events", poll_fd.revents, POLLERR);
}

int main(void)
{
	struct umem_create create = {
		.size = SIZE, .wait_policy = UMEM_WAIT_FAILFAST,
		.max_inflight = 4, .max_data = UMEM_GRANULE_SIZE,
	};
	struct umem_channel_open open_arg = { 0 };
	int umem = open("/dev/umem", O_RDWR);
	struct stat st;

	sim = open("/dev/umem-sim", O_RDWR);
	tap_need(sim >= 0, "/dev/umem-sim");
	region = ioctl(umem, UMEM_IOC_CREATE, &create);
	channel = ioctl(region, UMEM_IOC_CHANNEL, &open_arg);
	tap_need(channel >= 0, "a region and its channel");
	tap_need(!fstat(sim, &st), "fstat");
	tap_is("for root only", st.st_mode & 0777, 0600);

	fields();
	files();
	sizes();
	attached();
	claimed(channel);
	return tap_end();
}
