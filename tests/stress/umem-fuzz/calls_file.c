// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What can be done with a region's fd as with any file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

/* read() and write() of any region end by a signal at the latest. */
static long move(struct fuzz *f, bool write)
{
	static const int flags[] = { 0, 0, RWF_NOWAIT, RWF_NOWAIT, RWF_HIPRI,
		RWF_DSYNC, RWF_SYNC, RWF_APPEND };
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	size_t length = draw_length(f, fd->size) % (BUFFER + 1);
	off_t offset = draw_offset(f, fd->size);
	int flag = once_in(f, 20) ? (int)draw_odd(f) : flags[draw(f, 8)];
	int count;
	struct iovec *iov = draw_iov(f, &count, length);

	call_args(f, "type %d length %#zx offset %#lx flags %#x, %d parts",
		  fd->type, length, offset, flag, count);
	if (once_in(f, 4))
		return done(write ? pwrite(fd->fd, iov[0].iov_base, length,
					   offset) :
				    pread(fd->fd, iov[0].iov_base, length,
					  offset), errno);
	return done(write ? pwritev2(fd->fd, iov, count, offset, flag) :
			    preadv2(fd->fd, iov, count, offset, flag), errno);
}

long call_read(struct fuzz *f)
{
	return move(f, false);
}

long call_write(struct fuzz *f)
{
	return move(f, true);
}

long call_lseek(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	int whence = draw(f, 7);
	off_t offset = draw_offset(f, fd->size);

	call_args(f, "type %d whence %d offset %#lx", fd->type, whence, offset);
	return done(lseek(fd->fd, offset, whence), errno);
}

long call_fallocate(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	int mode = once_in(f, 4) ? (int)draw(f, 256) :
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t offset = draw_offset(f, fd->size);
	off_t length = draw_length(f, fd->size);

	call_args(f, "type %d mode %#x offset %#lx length %#lx", fd->type, mode,
		  offset, length);
	return done(fallocate(fd->fd, mode, offset, length), errno);
}

/* Returns its error, and leaves errno alone. */
long call_fadvise(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	int advice = draw(f, 8);
	off_t offset = draw_offset(f, fd->size);
	off_t length = draw_length(f, fd->size);

	call_args(f, "type %d advice %d offset %#lx length %#lx", fd->type,
		  advice, offset, length);
	return -posix_fadvise(fd->fd, offset, length, advice);
}

long call_ftruncate(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	off_t length = once_in(f, 2) ? fd->size : draw_odd(f);

	call_args(f, "type %d length %#lx", fd->type, length);
	return done(ftruncate(fd->fd, length), errno);
}

long call_sync(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	unsigned int which = draw(f, 4);

	call_args(f, "type %d way %u", fd->type, which);
	switch (which) {
	case 0:
		return done(fsync(fd->fd), errno);
	case 1:
		return done(fdatasync(fd->fd), errno);
	case 2:
		return done(sync_file_range(fd->fd, draw_odd(f), draw_odd(f),
					    draw(f, 16)), errno);
	default:
		return done(readahead(fd->fd, draw_odd(f), draw_odd(f)), errno);
	}
}

/* ---- From file to file --------------------------------------------------- */

static void empty_pipe(struct fuzz *f)
{
	while (read(f->pipe[0], f->buffer, BUFFER) > 0)
		;
}

long call_splice(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	loff_t offset = draw_offset(f, fd->size);
	size_t length = draw_length(f, fd->size);
	unsigned int flags = draw(f, once_in(f, 8) ? 32 : 16) | SPLICE_F_NONBLOCK;
	bool in = once_in(f, 2);
	long ret;

	/* Else there is nothing to splice. */
	if (in && write(f->pipe[1], f->buffer, 2 * PAGE) < 0)
		return -EAGAIN;
	call_args(f, "type %d %s offset %#lx length %#zx flags %#x", fd->type,
		  in ? "in" : "out", offset, length, flags);
	ret = in ? splice(f->pipe[0], NULL, fd->fd, &offset, length, flags) :
		   splice(fd->fd, &offset, f->pipe[1], NULL, length, flags);
	ret = done(ret, errno);
	empty_pipe(f);
	return ret;
}

long call_sendfile(struct fuzz *f)
{
	const struct fuzz_fd *from = draw_fd(f, FD_REGION);
	const struct fuzz_fd *to = draw_fd(f, FD_REGION);
	off_t offset = draw_offset(f, from->size);
	size_t length = draw_length(f, from->size) % BUFFER;
	long ret;

	call_args(f, "types %d %d offset %#lx length %#zx", from->type,
		  to->type, offset, length);
	ret = done(sendfile(once_in(f, 2) ? f->pipe[1] : to->fd, from->fd,
			    &offset, length), errno);
	empty_pipe(f);
	return ret;
}

long call_copy_range(struct fuzz *f)
{
	const struct fuzz_fd *from = draw_fd(f, FD_REGION);
	const struct fuzz_fd *to = draw_fd(f, FD_REGION);
	loff_t in = draw_offset(f, from->size), out = draw_offset(f, to->size);
	size_t length = draw_length(f, from->size) % BUFFER;

	call_args(f, "types %d %d in %#lx out %#lx length %#zx", from->type,
		  to->type, in, out, length);
	return done(copy_file_range(from->fd, &in, to->fd, &out, length, 0),
		    errno);
}

/* ---- The inode ----------------------------------------------------------- */

long call_open(struct fuzz *f)
{
	static const int flags[] = {
		O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_TRUNC, O_PATH,
		O_RDWR | O_APPEND, O_RDWR | O_DIRECT, O_RDONLY | O_NONBLOCK,
		O_RDWR | O_SYNC, O_RDONLY | O_DIRECTORY, O_RDWR | O_NOFOLLOW,
		O_TMPFILE | O_RDWR,
	};
	const struct fuzz_fd *fd = draw_fd(f, once_in(f, 8) ? FD_CHANNEL :
					   FD_REGION);
	int flag = flags[draw(f, 12)];
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd->fd);
	call_args(f, "type %d flags %#x", fd->type, flag);
	ret = open(path, flag | O_CLOEXEC, 0600);
	if (ret < 0)
		return -errno;
	adopt_fd(f, ret);
	return ret;
}

long call_inode(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	unsigned int which = draw(f, 8);
	struct statfs statfs;
	struct stat stat;

	call_args(f, "type %d way %u", fd->type, which);
	switch (which) {
	case 0:
		return done(fstat(fd->fd, &stat), errno);
	case 1:
		return done(fstatfs(fd->fd, &statfs), errno);
	case 2:
		return done(fchmod(fd->fd, draw(f, 07777) | 0600), errno);
	case 3:
		return done(fchown(fd->fd, draw(f, 3), draw(f, 3)), errno);
	case 4:
		return done(futimens(fd->fd, NULL), errno);
	case 5:
		return done(fsetxattr(fd->fd, "user.fuzz", f->buffer, 16, 0),
			    errno);
	case 6:
		return done(fgetxattr(fd->fd, "security.selinux", f->buffer, 64),
			    errno);
	default:
		return done(flock(fd->fd, LOCK_NB | (1 << draw(f, 4))), errno);
	}
}

long call_fcntl(struct fuzz *f)
{
	static const int commands[] = {
		F_GETFD, F_GETFL, F_SETFL, F_ADD_SEALS, F_GET_SEALS, F_GETLK,
		F_SETLK, F_SETLEASE, F_GETLEASE, F_SET_RW_HINT, F_SETOWN,
	};
	const struct fuzz_fd *fd = draw_fd(f, once_in(f, 3) ? FD_CHANNEL :
					   FD_REGION);
	int command = commands[draw(f, 11)];
	long arg = draw_odd(f);

	/* An fd that blocks is one more that the signal has to end. */
	if (command == F_SETFL)
		arg = draw(f, 4) ? O_NONBLOCK | (arg & O_APPEND) : 0;
	if (command == F_GETLK || command == F_SETLK ||
	    command == F_SET_RW_HINT)
		arg = (long)draw_pointer(f, 64);
	/* No signals to strangers. */
	if (command == F_SETOWN)
		arg = 0;
	call_args(f, "type %d command %d arg %#lx", fd->type, command, arg);
	return done(fcntl(fd->fd, command, arg), errno);
}
