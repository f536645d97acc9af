// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every system call that moves bytes of a region by its descriptor, on missing
 * granules: see lib/routes.h for what is checked of each.
 *
 * needs: umem
 * timeout: 240
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/routes.h"
#include "lib/uring.h"

static char buf[4 * TEST_PAGE];

static int by_read(void)
{
	return route_check(read(route_region, buf, TEST_PAGE), buf, TEST_PAGE,
			   0);
}

/* Parts of two granules. */
static int by_pread(void)
{
	return route_check(pread(route_region, buf, 500, TEST_PAGE - 300), buf,
			   500, TEST_PAGE - 300);
}

static int by_readv(void)
{
	struct iovec iov[2] = { { buf, 100 }, { buf + 100, TEST_PAGE } };

	return route_check(readv(route_region, iov, 2), buf, TEST_PAGE + 100,
			   0);
}

static int by_preadv2(void)
{
	struct iovec iov = { buf, 2 * TEST_PAGE };

	return route_check(preadv2(route_region, &iov, 1, TEST_PAGE, RWF_HIPRI),
			   buf, 2 * TEST_PAGE, TEST_PAGE);
}

/* What is around the bytes that were written is the provider's. */
static int check_written(long ret)
{
	int result = route_result(ret, 5);

	if (!result && (memcmp(route_word(0, 10), "hello", 5) ||
			*route_word(0, 9) != pattern_word(0, 9) ||
			*route_word(0, 11) != pattern_word(0, 11)))
		result = ROUTE_WRONG;
	return result;
}

static int by_write(void)
{
	if (lseek(route_region, 80, SEEK_SET) != 80)
		return errno;
	return check_written(write(route_region, "hello", 5));
}

static int by_pwrite(void)
{
	return check_written(pwrite(route_region, "hello", 5, 80));
}

static int by_pwritev(void)
{
	struct iovec iov[2] = { { "he", 2 }, { "llo", 3 } };

	return check_written(pwritev(route_region, iov, 2, 80));
}

/* Neither the first nor the last granule is written whole. */
static int by_pwrite_across(void)
{
	long ret;

	memset(buf, 'w', 2 * TEST_PAGE);
	ret = pwrite(route_region, buf, 2 * TEST_PAGE, TEST_PAGE - 8);
	if (ret != 2 * TEST_PAGE)
		return route_result(ret, 2 * TEST_PAGE);
	return *route_word(0, 510) == pattern_word(0, 510) &&
	       *route_word(0, 511) == 0x7777777777777777 &&
	       *route_word(2, 510) == 0x7777777777777777 &&
	       *route_word(2, 511) == pattern_word(2, 511) ? 0 : ROUTE_WRONG;
}

static int by_splice_out(void)
{
	loff_t at = 0;
	int fds[2];
	long ret;

	if (pipe(fds))
		return errno;
	ret = splice(route_region, &at, fds[1], NULL, TEST_PAGE, 0);
	if (ret < 0)
		return errno;
	return route_check(read(fds[0], buf, TEST_PAGE), buf, TEST_PAGE, 0);
}

/* tee(2) refers to the same pages a second time. */
static int by_tee(void)
{
	int from[2], to[2];
	loff_t at = 0;

	if (pipe(from) || pipe(to) ||
	    splice(route_region, &at, from[1], NULL, TEST_PAGE, 0) < 0 ||
	    tee(from[0], to[1], TEST_PAGE, 0) < 0)
		return errno;
	return route_check(read(to[0], buf, TEST_PAGE), buf, TEST_PAGE, 0);
}

static int by_splice_in(void)
{
	loff_t at = 80;
	int fds[2];

	if (pipe(fds) || write(fds[1], "hello", 5) != 5)
		return errno;
	return check_written(splice(fds[0], NULL, route_region, &at, 5, 0));
}

static int by_sendfile_to_a_pipe(void)
{
	off_t at = TEST_PAGE;
	int fds[2];

	if (pipe(fds))
		return errno;
	if (sendfile(fds[1], route_region, &at, TEST_PAGE) < 0)
		return errno;
	return route_check(read(fds[0], buf, TEST_PAGE), buf, TEST_PAGE,
			   TEST_PAGE);
}

static int by_sendfile_to_a_socket(void)
{
	off_t at = 8;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return errno;
	if (sendfile(fds[1], route_region, &at, TEST_PAGE) < 0)
		return errno;
	return route_check(recv(fds[0], buf, TEST_PAGE, MSG_WAITALL), buf,
			   TEST_PAGE, 8);
}

static int by_sendfile_in(void)
{
	int from = memfd_create("from", 0);
	off_t at = 0;

	if (from < 0 || write(from, "hello", 5) != 5 ||
	    lseek(route_region, 80, SEEK_SET) != 80)
		return errno;
	return check_written(sendfile(route_region, from, &at, 5));
}

/* From one part of the region to another: both are missing. */
static int by_copy_file_range(void)
{
	loff_t from = 4 * TEST_PAGE, to = 80;
	long ret = copy_file_range(route_region, &from, route_region, &to, 64,
				   0);

	if (ret != 64)
		return ret < 0 ? errno : ROUTE_WRONG;
	return *route_word(0, 10) == pattern_word(4, 0) &&
	       *route_word(0, 17) == pattern_word(4, 7) &&
	       *route_word(0, 18) == pattern_word(0, 18) &&
	       *route_word(0, 9) == pattern_word(0, 9) ? 0 : ROUTE_WRONG;
}

/* The asynchronous calls of old, which are not for a file like this. */
static int by_aio(void)
{
	aio_context_t context = 0;
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = route_region,
		.aio_buf = (uintptr_t)buf, .aio_nbytes = TEST_PAGE,
	}, *list = &iocb;
	struct io_event event;

	if (syscall(SYS_io_setup, 4, &context) ||
	    syscall(SYS_io_submit, context, 1, &list) != 1 ||
	    syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		return errno == ENOSYS ? ROUTE_SKIP : errno;
	errno = -event.res;
	return route_check(event.res, buf, TEST_PAGE, 0);
}

static int by_uring(void)
{
	struct uring ring;
	long ret;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	ret = uring_call(&ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = route_region,
		.addr = (uintptr_t)buf, .len = TEST_PAGE });
	return route_check(ret, buf, TEST_PAGE, 0);
}

static int by_uring_write(void)
{
	struct uring ring;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	return check_written(uring_call(&ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_WRITE, .fd = route_region, .off = 80,
		.addr = (uintptr_t)"hello", .len = 5 }));
}

static int by_uring_splice(void)
{
	struct uring ring;
	int fds[2];
	long ret;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	if (pipe(fds))
		return errno;
	ret = uring_call(&ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_SPLICE, .fd = fds[1], .off = -1ULL,
		.splice_fd_in = route_region, .splice_off_in = 0,
		.len = TEST_PAGE });
	if (ret < 0)
		return errno;
	return route_check(read(fds[0], buf, TEST_PAGE), buf, TEST_PAGE, 0);
}

/* A try that may not wait is none of a region's calls, as of tmpfs's. */
static void no_nowait(void **state)
{
	struct iovec page = { buf, TEST_PAGE };

	(void)state;
	routes_make(UMEM_WAIT_HARD);
	assert_int_equal(preadv2(route_region, &page, 1, 0, RWF_NOWAIT), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(pwritev2(route_region, &page, 1, 0, RWF_NOWAIT), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(test_status(route_region).requests, 0);
}

int main(void)
{
	static const struct route routes[] = {
		ROUTE("read", by_read, EIO),
		ROUTE("pread", by_pread, EIO),
		ROUTE("readv", by_readv, EIO),
		ROUTE("preadv2", by_preadv2, EIO),
		ROUTE("write", by_write, EIO),
		ROUTE("pwrite", by_pwrite, EIO),
		ROUTE("pwritev", by_pwritev, EIO),
		ROUTE("pwrite across granules", by_pwrite_across, EIO),
		ROUTE("splice to a pipe", by_splice_out, EIO),
		ROUTE("tee", by_tee, EIO),
		ROUTE("splice from a pipe", by_splice_in, EIO),
		ROUTE("sendfile to a pipe", by_sendfile_to_a_pipe, EIO),
		ROUTE("sendfile to a socket", by_sendfile_to_a_socket, EIO),
		ROUTE("sendfile into the region", by_sendfile_in, EIO),
		ROUTE("copy_file_range", by_copy_file_range, EIO),
		ROUTE("io_submit", by_aio, EIO),
		ROUTE("io_uring read", by_uring, EIO),
		ROUTE("io_uring write", by_uring_write, EIO),
		ROUTE("io_uring splice", by_uring_splice, EIO),
	};

	const struct CMUnitTest more[] = {
		cmocka_unit_test_teardown(no_nowait, routes_drop),
	};

	return routes_run(routes, more);
}
