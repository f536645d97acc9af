// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A channel's records, read and written.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/umem.h>

#include "fuzz.h"

#define MOST_DATA	(8 * PAGE)
/* Not to fill more memory than there is. */
#define MOST_ANSWER	(2UL << 20)

long call_channel_read(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_CHANNEL);
	struct iovec *iov;
	size_t length = draw(f, 20) ? 16 + draw(f, 512) : draw(f, 16);
	int count;

	call_args(f, "type %d length %zu", fd->type, length);
	if (once_in(f, 2))
		return done(read(fd->fd, draw_pointer(f, length), length),
			    errno);
	iov = draw_iov(f, &count, length);
	return done(readv(fd->fd, iov, count), errno);
}

/* As a good provider: whatever is asked for comes. */
long call_answer(struct fuzz *f)
{
	const struct fuzz_fd *fd = find_fd(f, FD_CHANNEL, false);
	struct umem_record requests[8], *answer = (void *)f->buffer;
	ssize_t got, put = 0;

	if (!fd)
		return -EBADF;
	got = read(fd->fd, requests, sizeof(requests));
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(*requests); i++) {
		*answer = requests[i];
		/* Of a huge granule there is no payload here. */
		answer->op = once_in(f, 3) ||
			le32toh(answer->length) > BUFFER - sizeof(*answer) ?
			UMEM_OP_ZERO : UMEM_OP_DATA;
		put = write(fd->fd, answer, sizeof(*answer) +
			    (answer->op == UMEM_OP_DATA ?
			     le32toh(answer->length) : 0));
		if (put < 0)
			break;
	}
	call_args(f, "type %d got %zd", fd->type, got);
	return done(got < 0 ? got : put, errno);
}

/* ---- Records as they should not be --------------------------------------- */

static void draw_record(struct fuzz *f, struct umem_record *record,
			uint64_t size)
{
	static const uint8_t ops[] = {
		UMEM_OP_DATA, UMEM_OP_DATA, UMEM_OP_DATA, UMEM_OP_ZERO,
		UMEM_OP_ZERO, UMEM_OP_FAIL, UMEM_OP_CACHED, UMEM_OP_FETCH,
		UMEM_OP_PREFETCH, UMEM_OP_CANCEL,
	};
	uint64_t pages = size / PAGE ?: 1;
	uint64_t first = draw(f, pages);

	memset(record, 0, sizeof(*record));
	record->op = ops[draw(f, once_in(f, 4) ? 10 : 6)];
	record->offset = htole64(first * PAGE);
	record->length = htole32((1 + draw(f, pages - first < 8 ?
					   pages - first : 8)) * PAGE);
	if (record->op == UMEM_OP_FAIL)
		record->status = htole16(1 + draw(f, UMEM_STATUS_DENIED));
	if (once_in(f, 4))
		mutate(f, record, sizeof(*record));
	if (le32toh(record->length) > MOST_ANSWER && size > MOST_ANSWER)
		record->length = htole32(le32toh(record->length) % MOST_ANSWER);
}

/* Some records in the buffer; returns their length. */
static size_t draw_records(struct fuzz *f, uint64_t size)
{
	unsigned int count = 1 + draw(f, 4);
	struct umem_record record;
	size_t payload, used = 0;

	while (count--) {
		draw_record(f, &record, size);
		memcpy(f->buffer + used, &record, sizeof(record));
		used += sizeof(record);
		payload = record.op == UMEM_OP_DATA ?
			le32toh(record.length) : 0;
		if (payload > MOST_DATA || used + payload > BUFFER - PAGE)
			break;
		used += payload;
	}
	/* A tail that is cut off. */
	if (once_in(f, 8))
		used -= draw(f, used);
	return used;
}

/* The bytes in pieces, of which one may be no good. */
static int cut(struct fuzz *f, struct iovec *iov, int most, size_t length)
{
	int count = 1 + draw(f, most);
	size_t at = 0, part;

	for (int i = 0; i < count; i++) {
		part = i == count - 1 ? length - at :
			draw(f, once_in(f, 2) ? length - at + 1 : 32);
		if (part > length - at)
			part = length - at;
		iov[i] = (struct iovec){ f->buffer + at, part };
		at += part;
	}
	if (once_in(f, 4))
		iov[draw(f, count)].iov_base = draw_pointer(f, PAGE);
	return count;
}

long call_records(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_CHANNEL);
	size_t length = draw_records(f, fd->size);
	const struct umem_record *first = (void *)f->buffer;
	struct iovec iov[6];
	int count;
	long ret;

	call_args(f, "type %d length %zu first: op %u flags %u status %u offset %#llx length %#x",
		  fd->type, length, first->op, first->flags, first->status,
		  (unsigned long long)first->offset, first->length);
	if (once_in(f, 2)) {
		ret = done(write(fd->fd, f->buffer, length), errno);
	} else {
		count = cut(f, iov, 6, length);
		ret = done(writev(fd->fd, iov, count), errno);
	}
	/* It stays so, as a rule: there should be room for others. */
	if ((ret == -EPIPE || ret == -EBUSY) && once_in(f, 2))
		forget_fd(f, fd->fd);
	return ret;
}

/* ---- What else can be done with one -------------------------------------- */

static long by_epoll(struct fuzz *f, int fd)
{
	struct epoll_event event = { .events = draw_odd(f) };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	long ret = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	int err = errno;

	if (!ret) {
		ret = epoll_wait(epoll, &event, 1, 0);
		err = errno;
	}
	close(epoll);
	return done(ret, err);
}

long call_poll(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_CHANNEL);
	struct pollfd fds[2] = {
		{ .fd = fd->fd, .events = draw_odd(f) },
		{ .fd = draw_fd(f, FD_CHANNEL)->fd, .events = POLLIN },
	};

	call_args(f, "type %d", fd->type);
	if (once_in(f, 3))
		return by_epoll(f, fd->fd);
	return done(poll(fds, 2, once_in(f, 50) ? 5 : 0), errno);
}

long call_channel_mmap(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_CHANNEL);
	size_t length = draw_length(f, fd->size);
	int prot = draw(f, 8);
	int flags = once_in(f, 4) ? (int)(draw(f, 4) | MAP_NORESERVE) :
		MAP_SHARED;
	off_t offset = once_in(f, 2) ? 0 : draw_offset(f, fd->size);
	void *at = map_aside(length, prot, flags, fd->fd, offset);
	int err = errno;

	call_args(f, "type %d length %#zx prot %d flags %#x offset %#lx",
		  fd->type, length, prot, flags, offset);
	if (at == MAP_FAILED)
		return -err;
	/* Its missing granules are nobody's to wait for: SIGBUS. */
	keep_map(f, at, length, fd->type == FD_CHANNEL || fd->soft);
	return 0;
}

long call_channel_file(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_CHANNEL);
	unsigned int which = draw(f, 7);

	call_args(f, "type %d way %u", fd->type, which);
	switch (which) {
	case 0:
		return done(lseek(fd->fd, draw_odd(f), draw(f, 6)), errno);
	case 1:
		return done(pread(fd->fd, f->buffer, 64, draw_odd(f)), errno);
	case 2:
		return done(fallocate(fd->fd, draw(f, 128), draw_odd(f),
				      draw_odd(f)), errno);
	case 3:
		return done(ftruncate(fd->fd, draw_odd(f)), errno);
	case 4:
		return done(fsync(fd->fd), errno);
	case 5:
		return done(splice(fd->fd, NULL, f->pipe[1], NULL, PAGE,
				   SPLICE_F_NONBLOCK), errno);
	default:
		return done(send(fd->fd, f->buffer, 16, MSG_DONTWAIT), errno);
	}
}
