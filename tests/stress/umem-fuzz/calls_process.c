// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Descriptors that are copied, passed on and closed; children that use them as
 * well; and children that wait for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/umem.h>

#include "fuzz.h"

static enum fd_type any_type(struct fuzz *f)
{
	static const enum fd_type types[] = {
		FD_REGION, FD_REGION, FD_CHANNEL, FD_CHANNEL, FD_SIM,
	};

	return types[draw(f, 5)];
}

long call_dup(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, any_type(f));
	int copy = fcntl(fd->fd, F_DUPFD_CLOEXEC, 0);
	int err = errno;

	call_args(f, "type %d", fd->type);
	if (copy >= 0)
		keep_fd(f, copy, fd->type, fd->soft, fd->size);
	return done(copy, err);
}

long call_close(struct fuzz *f)
{
	struct fuzz_fd *fd = find_fd(f, any_type(f), false);

	if (!fd || once_in(f, 100))
		return done(close(-1), errno);
	call_args(f, "type %d", fd->type);
	drop_fd(fd);
	return 0;
}

/* ---- To another worker --------------------------------------------------- */

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

long call_send(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, any_type(f));
	struct iovec byte = { "x", 1 };
	union control control;
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd->fd, sizeof(int));
	call_args(f, "type %d", fd->type);
	return done(sendmsg(f->sockets[draw(f, WORKERS)], &message,
			    MSG_DONTWAIT), errno);
}

long call_receive(struct fuzz *f)
{
	char bytes[1];
	struct iovec byte = { bytes, 1 };
	union control control;
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	long ret;
	int fd;

	ret = recvmsg(shared->sockets[f->worker][0], &message,
		      MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	ret = done(ret, errno);
	if (ret > 0 && message.msg_controllen >= CMSG_LEN(sizeof(int))) {
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(int));
		adopt_fd(f, fd);
	}
	return ret;
}

/* ---- Children ------------------------------------------------------------ */

#define CHILD_MS	1000

/* Children that are still there are killed when their time is over. */
static void reap(struct fuzz *f, unsigned int i)
{
	if (!f->children[i])
		return;
	if (fuzz_now_ms() >= f->children_end[i])
		kill(f->children[i], SIGKILL);
	if (waitpid(f->children[i], NULL, fuzz_now_ms() >= f->children_end[i] ?
		    0 : WNOHANG) == f->children[i])
		f->children[i] = 0;
}

static void calls_as_child(struct fuzz *f)
{
	static char args[FUZZ_ARGS];
	unsigned int calls = 1 + draw(f, 40);
	uint64_t number = rng_next(&f->rng) | 1UL << 63;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	f->args = args;
	worker_tick();
	memset(f->children, 0, sizeof(f->children));
	while (calls--)
		worker_call(f, number++);
	_exit(0);
}

/* A child that makes calls on the same files at the same time. */
long call_fork(struct fuzz *f)
{
	unsigned int i = draw(f, 2);
	pid_t pid;

	reap(f, i);
	if (f->children[i])
		return 0;
	pid = fork();
	if (!pid)
		calls_as_child(f);
	if (pid > 0) {
		f->children[i] = pid;
		f->children_end[i] = fuzz_now_ms() + CHILD_MS;
	}
	return done(pid, errno);
}

/* Waits for what nobody provides, each time in another way. */
static void wait_for_ever(struct fuzz *f, int region, int channel, char *at,
			  unsigned int way)
{
	struct umem_record record = {
		.length = PAGE,
		.op = UMEM_OP_DATA,
	};
	struct iovec parts[] = { { &record, sizeof(record) }, { at, PAGE } };
	struct iovec local = { f->buffer, 8 }, remote = { at + 8 * PAGE, 8 };
	volatile char *touched = at;
	int devnull;

	switch (way) {
	case 0:
		f->buffer[0] = touched[0];
		break;
	case 1:
		touched[PAGE] = 1;
		break;
	case 2:
		f->buffer[0] = pread(region, f->buffer, 3 * PAGE, PAGE);
		break;
	case 3:
		devnull = pwrite(region, f->buffer, 100, PAGE);
		(void)devnull;
		break;
	case 4:
		madvise(at, 4 * PAGE, MADV_POPULATE_WRITE);
		break;
	case 5:
		mlock(at, 4 * PAGE);
		break;
	case 6:
		process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		break;
	case 7:
		/* A provider that answers with what it waits for. */
		if (writev(channel, parts, 2) < 0)
			_exit(0);
		break;
	case 8:
		if (write(f->pipe[1], at, PAGE) < 0)
			_exit(0);
		break;
	case 9:
		splice(region, NULL, f->pipe[1], NULL, PAGE, 0);
		break;
	default:
		ioctl(region, UMEM_IOC_STATUS, at);
		break;
	}
}

/* Waits without end end with a kill. */
long call_hard(struct fuzz *f)
{
	struct umem_create create = {
		.size = 16 * PAGE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 1 + draw(f, 4),
		.max_data = PAGE,
	};
	struct umem_channel_open open = { .flags = UMEM_CHANNEL_CLOEXEC };
	unsigned int way = draw(f, 11), pause = draw(f, 5000);
	int region = ioctl(f->fds[0].fd, UMEM_IOC_CREATE, &create);
	int channel = ioctl(region, UMEM_IOC_CHANNEL, &open);
	char *at;
	pid_t pid;

	call_args(f, "way %u", way);
	at = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  region, 0);
	if (at == MAP_FAILED)
		return -errno;
	pid = fork();
	if (!pid) {
		signal(SIGALRM, SIG_IGN);
		wait_for_ever(f, region, channel, at, way);
		_exit(0);
	}
	usleep(pause);
	/* The region may go first. */
	if (once_in(f, 2)) {
		close(region);
		region = -1;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(at, create.size);
	close(channel);
	if (region >= 0)
		close(region);
	return 0;
}
