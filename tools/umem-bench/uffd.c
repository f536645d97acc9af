// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The peer's pager: setting up userfaultfd, starting and stopping the thread.
 * What the thread does is in uffd_thread.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uffd.h"
#include "uffd_thread.h"

/* Faults of the kernel's own are not measured, so less privilege will do. */
static int uffd_create(int flags)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | flags);

	if (fd < 0 && errno == EPERM)
		fd = (int)syscall(SYS_userfaultfd,
				  O_CLOEXEC | flags | UFFD_USER_MODE_ONLY);
	return fd < 0 ? -errno : fd;
}

static uint64_t features(const struct uffd_pager *pager)
{
	return (pager->minor ? UFFD_FEATURE_MINOR_SHMEM :
			       UFFD_FEATURE_MISSING_SHMEM) |
	       (pager->wait == UFFD_SIGBUS ? UFFD_FEATURE_SIGBUS : 0);
}

static int uffd_open(int flags, const struct uffd_pager *pager,
		     struct umem_why *why)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = features(pager),
	};
	int fd = uffd_create(flags);
	int err;

	if (fd == -ENOSYS)
		return umem_because(why, fd, "this kernel has no userfaultfd");
	if (fd < 0)
		return umem_because(why, fd,
				    "userfaultfd is not allowed here (sysctl vm.unprivileged_userfaultfd, CAP_SYS_PTRACE)");
	if (ioctl(fd, UFFDIO_API, &api)) {
		err = umem_because(why, -errno,
				   "this kernel's userfaultfd does not do %s faults of shared memory%s",
				   pager->minor ? "minor" : "missing",
				   pager->wait == UFFD_SIGBUS ? " by SIGBUS" : "");
		close(fd);
		return err;
	}
	return fd;
}

int uffd_check(const struct uffd_pager *pager, struct umem_why *why)
{
	int fd = uffd_open(0, pager, why);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int uffd_register(const struct uffd_pager *pager, struct umem_why *why)
{
	struct uffdio_register reg = {
		.range.start = (uintptr_t)pager->map,
		.range.len = pager->bytes + BENCH_PAGE,
		.mode = pager->minor ? UFFDIO_REGISTER_MODE_MINOR :
				       UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(pager->fd, UFFDIO_REGISTER, &reg))
		return umem_because(why, -errno, "UFFDIO_REGISTER failed");
	return 0;
}

int uffd_start(struct uffd_pager *pager, struct umem_why *why)
{
	int err;

	pager->fd = uffd_open(pager->wait == UFFD_BLOCK ? 0 : O_NONBLOCK,
			      pager, why);
	if (pager->fd < 0)
		return pager->fd;
	err = uffd_register(pager, why);
	if (err)
		goto close;
	if (pager->wait == UFFD_SIGBUS)
		return 0;
	pager->awake = false;
	sem_init(&pager->resume, 0, 0);
	sem_init(&pager->changed, 0, 0);
	err = -pthread_create(&pager->thread, NULL, uffd_thread, pager);
	if (err) {
		umem_because(why, err, "no thread for userfaultfd");
		goto close;
	}
	return 0;
close:
	close(pager->fd);
	return err;
}

/* A thread that sleeps until there is a fault, or none, disturbs nobody. */
void uffd_wake(struct uffd_pager *pager)
{
	if (!uffd_is_busy(pager))
		return;
	pager->awake = true;
	sem_post(&pager->resume);
	while (sem_wait(&pager->changed))
		;
}

void uffd_rest(struct uffd_pager *pager)
{
	if (!uffd_is_busy(pager))
		return;
	pager->awake = false;
	while (sem_wait(&pager->changed))
		;
}

void uffd_stop(struct uffd_pager *pager)
{
	if (pager->wait != UFFD_SIGBUS) {
		uffd_wake(pager);
		(void)*(volatile char *)(pager->map + pager->bytes);
		pthread_join(pager->thread, NULL);
		sem_destroy(&pager->resume);
		sem_destroy(&pager->changed);
	}
	close(pager->fd);
}
