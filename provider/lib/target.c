// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TARGET: PID:FD, /proc/PID/fd/FD, or a path that opens to a region.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "region.h"
#include "size.h"
#include "target.h"

/* "PID:FD": digits, a colon, digits. 1 when it is, 0 when it is not. */
static int target_pair(const char *text, struct umem_target *target)
{
	size_t digits = strspn(text, "0123456789");
	char pid[24];
	uint64_t p, f;

	if (!digits || digits >= sizeof(pid) || text[digits] != ':')
		return 0;
	memcpy(pid, text, digits);
	pid[digits] = '\0';
	if (umem_number_parse(pid, 1, INT_MAX, &p, NULL) ||
	    umem_number_parse(text + digits + 1, 0, INT_MAX, &f, NULL))
		return 0;
	target->pid = (pid_t)p;
	target->fd = (int)f;
	snprintf(target->path, sizeof(target->path), "/proc/%d/fd/%d",
		 target->pid, target->fd);
	return 1;
}

/* The numbers in /proc/PID/fd/FD, for pidfd_getfd(). */
static void target_proc(const char *path, struct umem_target *target)
{
	int pid, fd, used = 0;

	if (sscanf(path, "/proc/%d/fd/%d%n", &pid, &fd, &used) == 2 &&
	    !path[used]) {
		target->pid = pid;
		target->fd = fd;
	} else if (sscanf(path, "/proc/self/fd/%d%n", &fd, &used) == 1 &&
		   !path[used]) {
		target->pid = getpid();
		target->fd = fd;
	}
}

int umem_target_parse(const char *text, struct umem_target *target,
		      struct umem_why *why)
{
	memset(target, 0, sizeof(*target));
	target->text = text;
	target->fd = -1;
	if (target_pair(text, target))
		return 0;
	if (!*text)
		return umem_because(why, -EINVAL,
				    "the target is empty; give PID:FD or a path such as /proc/PID/fd/3");
	if (!strchr(text, '/') && strchr(text, ':'))
		return umem_because(why, -EINVAL,
				    "not of the form PID:FD with two numbers; umemctl list shows what there is");
	if (strlen(text) >= sizeof(target->path))
		return umem_because(why, -ENAMETOOLONG, "the path is too long");
	strcpy(target->path, text);
	target_proc(target->path, target);
	return 0;
}

static const struct umem_clause open_clauses[] = {
	{ ENOENT, "no such process, descriptor or path; umemctl list shows the regions" },
	{ ESRCH, "the process is gone" },
	{ EBADF, "the process has no such descriptor; umemctl list shows the regions" },
	{ EACCES, "no permission; be root or the user who made the region" },
	{ EPERM, "no permission to take a descriptor of that process; be root or its owner" },
	{ EISDIR, "that is a directory, not a region" },
	{ ENXIO, "that is no umem region; umemctl list shows the regions" },
	{ EROFS, "a read-only file system holds it, so it is no region" },
	{ ELOOP, "too many symbolic links" },
	{ EMFILE, "this process has too many open files; raise ulimit -n" },
	{ ENFILE, "the system has too many open files" },
	{ 0, "it cannot be opened" },
};

static int target_fetch(const struct umem_target *target)
{
	int pidfd, fd, err;

	pidfd = (int)syscall(SYS_pidfd_open, target->pid, 0);
	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, target->fd, 0);
	err = errno;
	close(pidfd);
	return fd < 0 ? -err : fd;
}

int umem_target_check(int fd, struct umem_why *why)
{
	struct umem_region_status status;
	struct stat st;
	int err;

	err = umem_region_status(fd, &status);
	/* Only a region is a regular file; channels answer STATUS as well. */
	if (!err && (fstat(fd, &st) || !S_ISREG(st.st_mode)))
		return umem_because(why, -ENOTTY,
				    "that is a channel; give its region");
	if (err == -ENOTTY || err == -EINVAL)
		return umem_because(why, -ENOTTY,
				    "that is no umem region; umemctl list shows the regions");
	if (err)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_STATUS, err));
	return 0;
}

/*
 * Opening some device nodes has consequences (tapes, watchdogs) and opening a
 * fifo waits, so nothing is opened that cannot be a region.
 */
static int path_open(const char *path, int access)
{
	struct stat st;
	int fd;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	fd = open(path, access | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int umem_target_open(const struct umem_target *target, int access,
		     struct umem_why *why)
{
	int fd, err;

	fd = path_open(target->path, access);
	if (fd < 0 && fd != -ENOENT && target->pid)
		fd = target_fetch(target);
	if (fd < 0)
		return umem_because(why, fd, "%s",
				    umem_clause_find(open_clauses, fd));
	err = umem_target_check(fd, why);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int umem_target_get(const char *text, int access, struct umem_why *why)
{
	struct umem_target target;
	int err = umem_target_parse(text, &target, why);

	return err ? err : umem_target_open(&target, access, why);
}
