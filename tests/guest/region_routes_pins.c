// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Pins of pages of a mapping, for the kernel's use while a call lasts and for
 * longer: O_DIRECT, gifts to a pipe, MSG_ZEROCOPY, io_uring's buffers. See
 * lib/routes.h for what is checked of each; and what is pinned stays what the
 * region holds.
 *
 * needs: umem
 * timeout: 240
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/routes.h"
#include "lib/touch.h"
#include "lib/uring.h"
#include "provider/lib/region.h"

#define DISK	"/dev/ram0"
#define MOUNT	"/tmp/umem-pins"
#define FILE_ON_EXT4 MOUNT "/file"

/* What a route returns when a kernel does what it could not. */
#define TAKEN	205

static char buf[4 * TEST_PAGE] __attribute__((aligned(4096)));

/* ---- O_DIRECT ----------------------------------------------------------- */

static int open_direct(const char *path)
{
	return open(path, O_RDWR | O_DIRECT);
}

static int direct_write(const char *path)
{
	int fd = open_direct(path);

	if (fd < 0)
		return ROUTE_SKIP;
	if (pwrite(fd, route_mem, 3 * TEST_PAGE, 0) < 0)
		return errno;
	return route_check(pread(fd, buf, 3 * TEST_PAGE, 0), buf,
			   3 * TEST_PAGE, 0);
}

/* Into the end of one granule and the beginning of the next. */
static int direct_read(const char *path)
{
	char *to = route_mem + TEST_PAGE - 512;
	int fd = open_direct(path);

	if (fd < 0)
		return ROUTE_SKIP;
	memset(buf, 'd', TEST_PAGE);
	if (pwrite(fd, buf, TEST_PAGE, 0) != TEST_PAGE ||
	    pread(fd, to, 1024, 0) != 1024)
		return errno;
	if (memcmp(to, buf, 1024) || *route_word(0, 447) != pattern_word(0, 447))
		return ROUTE_WRONG;
	return *route_word(1, 64) == pattern_word(1, 64) ? 0 : ROUTE_WRONG;
}

static int by_direct_write(void)
{
	return direct_write(DISK);
}

static int by_direct_read(void)
{
	return direct_read(DISK);
}

static int by_direct_write_ext4(void)
{
	return direct_write(FILE_ON_EXT4);
}

static int by_direct_read_ext4(void)
{
	return direct_read(FILE_ON_EXT4);
}

static int by_direct_aio(void)
{
	aio_context_t context = 0;
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = open_direct(DISK),
		.aio_buf = (uintptr_t)route_mem, .aio_nbytes = 2 * TEST_PAGE,
	}, *list = &iocb;
	struct io_event event;

	if ((int)iocb.aio_fildes < 0 || syscall(SYS_io_setup, 4, &context))
		return ROUTE_SKIP;
	if (syscall(SYS_io_submit, context, 1, &list) != 1 ||
	    syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		return errno;
	errno = -event.res;
	if (event.res != 2 * TEST_PAGE)
		return route_result(event.res, 2 * TEST_PAGE);
	return route_check(pread(iocb.aio_fildes, buf, 2 * TEST_PAGE, 0), buf,
			   2 * TEST_PAGE, 0);
}

/* The private copy is what goes to the disk. */
static int by_direct_write_private(void)
{
	char *mem = mmap(NULL, ROUTE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 route_region, 0);
	int fd = open_direct(DISK);

	if (fd < 0)
		return ROUTE_SKIP;
	if (pwrite(fd, mem, TEST_PAGE, 0) < 0)
		return errno;
	return route_check(pread(fd, buf, TEST_PAGE, 0), buf, TEST_PAGE, 0);
}

/* ---- Pipes and sockets -------------------------------------------------- */

static int give_to_pipe(unsigned int flags)
{
	struct iovec iov = { route_mem, 2 * TEST_PAGE };
	int fds[2];

	if (pipe(fds))
		return errno;
	if (vmsplice(fds[1], &iov, 1, flags) < 0)
		return errno;
	return route_check(read(fds[0], buf, 2 * TEST_PAGE), buf,
			   2 * TEST_PAGE, 0);
}

static int by_vmsplice(void)
{
	return give_to_pipe(0);
}

static int by_gift(void)
{
	return give_to_pipe(SPLICE_F_GIFT);
}

/* A gift that is moved on may not leave the region. */
static int by_gift_moved(void)
{
	struct iovec iov = { route_mem, TEST_PAGE };
	int file = memfd_create("to", 0), fds[2];
	loff_t at = 0;

	if (pipe(fds))
		return errno;
	if (vmsplice(fds[1], &iov, 1, SPLICE_F_GIFT) < 0 ||
	    splice(fds[0], NULL, file, &at, TEST_PAGE, SPLICE_F_MOVE) < 0)
		return errno;
	if (pwrite(file, "x", 1, 0) != 1)
		return errno;
	return route_check(TEST_PAGE, route_mem, TEST_PAGE, 0);
}

static int tcp_pair(int fds[2])
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001),
	};
	socklen_t size = sizeof(at);
	int door = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(door, (struct sockaddr *)&at, size) || listen(door, 1) ||
	    getsockname(door, (struct sockaddr *)&at, &size) ||
	    connect(fds[1], (struct sockaddr *)&at, size))
		return -1;
	fds[0] = accept(door, NULL, NULL);
	return setsockopt(fds[1], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
}

static int by_zerocopy(void)
{
	int fds[2];

	if (tcp_pair(fds))
		return ROUTE_SKIP;
	if (send(fds[1], route_mem + 8, 2 * TEST_PAGE, MSG_ZEROCOPY) < 0)
		return errno;
	return route_check(recv(fds[0], buf, 2 * TEST_PAGE, MSG_WAITALL), buf,
			   2 * TEST_PAGE, 8);
}

/* ---- io_uring ----------------------------------------------------------- */

/* A worker of the ring copies from the region. */
static int by_uring_worker(void)
{
	int file = memfd_create("to", 0);
	struct uring ring;
	long ret;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	ret = uring_call(&ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_WRITE, .flags = IOSQE_ASYNC, .fd = file,
		.addr = (uintptr_t)route_mem, .len = 2 * TEST_PAGE });
	if (ret < 0)
		return errno;
	return route_check(pread(file, buf, 2 * TEST_PAGE, 0), buf,
			   2 * TEST_PAGE, 0);
}

/*
 * Before 6.5 a ring takes no file's pages but tmpfs's, and knows those by the
 * operations of the mapping: those of a gated one are fetched, then refused.
 */
static bool ring_refuses(void)
{
	unsigned int major, minor;
	struct utsname kernel;

	if (uname(&kernel) ||
	    sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < 6 || (major == 6 && minor < 5);
}

/* 0 or a positive errno. */
static int register_buffer(struct uring *ring, size_t length)
{
	struct iovec iov = { route_mem, length };

	return syscall(SYS_io_uring_register, ring->fd,
		       IORING_REGISTER_BUFFERS, &iov, 1) ? errno : 0;
}

static int by_uring_fixed(void)
{
	int file = memfd_create("to", 0), error;
	struct uring ring;
	long ret;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	error = register_buffer(&ring, 2 * TEST_PAGE);
	if (ring_refuses() && (error == EOPNOTSUPP || !error))
		return error ? 0 : TAKEN;
	if (error)
		return error;
	ret = uring_call(&ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_WRITE_FIXED, .fd = file,
		.addr = (uintptr_t)route_mem, .len = 2 * TEST_PAGE });
	if (ret < 0)
		return errno;
	return route_check(pread(file, buf, 2 * TEST_PAGE, 0), buf,
			   2 * TEST_PAGE, 0);
}

/*
 * What was pinned, missing or not, is the region's page for ever: written by
 * either side, the other sees it, swapped out or not.
 */
static int fixed_stays_coherent(void)
{
	int file = memfd_create("disk", 0), error;
	struct io_uring_sqe out = {
		.opcode = IORING_OP_WRITE_FIXED, .fd = file,
		.addr = (uintptr_t)route_mem, .len = TEST_PAGE,
	}, in = out;
	struct uring ring;

	in.opcode = IORING_OP_READ_FIXED;
	if (uring_init(&ring))
		return ROUTE_SKIP;
	error = register_buffer(&ring, TEST_PAGE);
	if (error)
		return error;
	madvise(route_mem, ROUTE_SIZE, MADV_PAGEOUT);
	if (pwrite(route_region, "first", 5, 100) != 5 ||
	    uring_call(&ring, &out) != TEST_PAGE ||
	    pread(file, buf, TEST_PAGE, 0) != TEST_PAGE)
		return errno;
	if (memcmp(buf + 100, "first", 5) ||
	    *(uint64_t *)buf != pattern_word(0, 0))
		return 201;
	madvise(route_mem, ROUTE_SIZE, MADV_DONTNEED);
	madvise(route_mem, ROUTE_SIZE, MADV_PAGEOUT);
	if (pwrite(file, "other", 5, 200) != 5 ||
	    uring_call(&ring, &in) != TEST_PAGE ||
	    pread(route_region, buf, TEST_PAGE, 0) != TEST_PAGE)
		return errno;
	if (memcmp(buf + 200, "other", 5) || memcmp(route_mem + 200, "other", 5))
		return 202;
	return memcmp(route_mem + 100, "first", 5) ? 203 : 0;
}

/* A plain mapping is tmpfs's own: every kernel takes it. */
static int finalized_stays_coherent(void)
{
	unsigned int i;

	for (i = 0; i < ROUTE_PAGES; i++)
		if (pread(route_region, buf, 1, i * TEST_PAGE) != 1)
			return errno;
	return umem_region_finalize(route_region, 0) == 1 ?
	       fixed_stays_coherent() : 204;
}

static void fixed_is_coherent(int (*run)(void), int wanted)
{
	static struct pattern_provider provider;
	int got;

	routes_make(UMEM_WAIT_HARD);
	pattern_provider_start(&provider, route_region);
	got = route_in_child(run);
	pattern_provider_stop(&provider);
	routes_drop(NULL);
	if (got == ROUTE_SKIP)
		skip();
	assert_int_equal(got, wanted);
}

static void uring_fixed_is_coherent(void **state)
{
	(void)state;
	fixed_is_coherent(fixed_stays_coherent,
			  ring_refuses() ? EOPNOTSUPP : 0);
}

static void uring_fixed_after_finalize(void **state)
{
	(void)state;
	fixed_is_coherent(finalized_stays_coherent, 0);
}

/* ---- Operations of a ring that do not end ------------------------------- */

static struct io_uring_sqe read_region(void)
{
	return (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = route_region, .user_data = 1,
		.addr = (uintptr_t)buf, .len = TEST_PAGE,
	};
}

static void until_asked(void)
{
	while (!test_status(route_region).requests)
		usleep(1000);
}

static int cancelled(const struct io_uring_sqe *op)
{
	struct io_uring_sqe cancel = {
		.opcode = IORING_OP_ASYNC_CANCEL, .addr = 1, .user_data = 2,
	};
	struct uring ring;
	int i;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	if (uring_submit(&ring, op))
		return errno;
	until_asked();
	if (uring_submit(&ring, &cancel))
		return errno;
	/*
	 * The operation, and the cancellation: that it is under way (EALREADY) or
	 * done. ENOENT by some kernels when the first ends while they look for
	 * it a second time. An exit status has room for no more than 255, and
	 * what only the kernel may see (ERESTARTSYS) is more.
	 */
	for (i = 0; i < 2; i++)
		if (uring_wait(&ring) < 0 && errno != EALREADY &&
		    errno != ECANCELED && errno != EINTR && errno != ENOENT)
			return errno < 255 ? errno : 255;
	return 0;
}

static int read_cancelled(void)
{
	struct io_uring_sqe read = read_region();

	return cancelled(&read);
}

/* Of a part of a granule, which is fetched first. */
static int hole_cancelled(void)
{
	struct io_uring_sqe hole = {
		.opcode = IORING_OP_FALLOCATE, .fd = route_region,
		.len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		.off = 100, .addr = 200, .user_data = 1,
	};

	return cancelled(&hole);
}

/* Its ring goes with the process, whatever was begun by it. */
static int exits_with_a_read(void)
{
	struct io_uring_sqe read = read_region();
	struct uring ring;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	if (uring_submit(&ring, &read))
		return errno;
	until_asked();
	return 0;
}

static int exits_with_a_copy(void)
{
	struct io_uring_sqe write = {
		.opcode = IORING_OP_WRITE, .flags = IOSQE_ASYNC,
		.fd = memfd_create("to", 0), .addr = (uintptr_t)route_mem,
		.len = TEST_PAGE,
	};
	struct uring ring;

	if (uring_init(&ring))
		return ROUTE_SKIP;
	if (uring_submit(&ring, &write))
		return errno;
	until_asked();
	return 0;
}

static void without_an_answer(int (*run)(void))
{
	double started = test_now();
	int channel, got;

	routes_make(UMEM_WAIT_HARD);
	channel = hand_open(route_region, 0);
	got = route_in_child(run);
	hand_release(route_region);
	close(channel);
	routes_drop(NULL);
	if (got == ROUTE_SKIP)
		skip();
	assert_int_equal(got, 0);
	assert_true(test_now() - started < TEST_SECONDS / 2);
}

static void uring_read_is_cancelled(void **state)
{
	(void)state;
	without_an_answer(read_cancelled);
}

static void uring_hole_is_cancelled(void **state)
{
	(void)state;
	without_an_answer(hole_cancelled);
}

static void uring_exit_with_a_read(void **state)
{
	(void)state;
	without_an_answer(exits_with_a_read);
}

static void uring_exit_with_a_copy(void **state)
{
	(void)state;
	without_an_answer(exits_with_a_copy);
}

/* Disks that are there already may be too few, or too small. */
static void prepare(void)
{
	if (system("exec 2>&1; modprobe -qr brd; "
		   "modprobe -q brd rd_nr=2 rd_size=16384 && "
		   "mkdir -p " MOUNT " && modprobe -q ext4 && "
		   "mkfs.ext4 -q -F /dev/ram1 && mount /dev/ram1 " MOUNT " && "
		   "truncate -s 1M " FILE_ON_EXT4))
		print_message("no disk in memory, or no ext4: some are skipped\n");
	if (system("ip link set lo up"))
		print_message("lo stays down\n");
}

static int clean_up(void)
{
	return system("umount " MOUNT "; modprobe -qr brd");
}

int main(void)
{
	static const struct route routes[] = {
		ROUTE("O_DIRECT write", by_direct_write, EFAULT),
		ROUTE("O_DIRECT read", by_direct_read, EFAULT),
		ROUTE("O_DIRECT write of ext4", by_direct_write_ext4, EFAULT),
		ROUTE("O_DIRECT read of ext4", by_direct_read_ext4, EFAULT),
		ROUTE("O_DIRECT by io_submit", by_direct_aio, EFAULT),
		ROUTE("O_DIRECT write, private", by_direct_write_private,
		      EFAULT),
		ROUTE("vmsplice", by_vmsplice, EFAULT),
		ROUTE("SPLICE_F_GIFT", by_gift, EFAULT),
		ROUTE("SPLICE_F_MOVE of a gift", by_gift_moved, EFAULT),
		ROUTE("MSG_ZEROCOPY", by_zerocopy, EFAULT),
		ROUTE("io_uring worker", by_uring_worker, EFAULT),
		{ "io_uring fixed buffer", by_uring_fixed, EFAULT, ROUTE_MAY_END },
	};
	const struct CMUnitTest more[] = {
		cmocka_unit_test(uring_fixed_is_coherent),
		cmocka_unit_test(uring_fixed_after_finalize),
		cmocka_unit_test(uring_read_is_cancelled),
		cmocka_unit_test(uring_hole_is_cancelled),
		cmocka_unit_test(uring_exit_with_a_read),
		cmocka_unit_test(uring_exit_with_a_copy),
	};
	int failed;

	prepare();
	failed = routes_run(routes, more);
	if (clean_up())
		print_message("the disk in memory stays\n");
	return failed;
}
