// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A region as a file: every way to get another descriptor of it, to move its
 * bytes, and to take something away from it.
 *
 * needs: umem
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/pass_fd.h"
#include "lib/touch.h"

#define PAGES 128
#define SIZE (PAGES * TEST_PAGE)

static int setup(void **state)
{
	return test_fixture_make(state, SIZE, 8);
}

static char *map(int fd, int prot)
{
	char *mem = mmap(NULL, SIZE, prot, MAP_SHARED, fd, 0);

	assert_true(mem != MAP_FAILED);
	return mem;
}

static void check_all(int fd)
{
	char *mem = map(fd, PROT_READ);
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (!pattern_matches(mem + i * TEST_PAGE, i))
			fail_msg("page %u is wrong", i);
	munmap(mem, SIZE);
}

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

/* ---- Other descriptors -------------------------------------------------- */

static void reopened_with_each_mode(void **state)
{
	struct test_fixture *f = *state;
	char byte;
	int fd;

	fd = reopen(f->region, O_RDONLY);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_ptr_equal(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EACCES);
	check_all(fd);
	close(fd);

	fd = reopen(f->region, O_WRONLY);
	assert_int_equal(pread(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(pwrite(fd, "x", 1, 5 * TEST_PAGE), 1);
	close(fd);
	assert_int_equal(pread(f->region, &byte, 1, 5 * TEST_PAGE), 1);
	assert_int_equal(byte, 'x');

	/* A mapping of a read-only descriptor cannot be made writable. */
	fd = reopen(f->region, O_RDONLY);
	assert_int_equal(mprotect(map(fd, PROT_READ), SIZE, PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	close(fd);
}

static void opening_with_trunc_loses_nothing(void **state)
{
	struct test_fixture *f = *state;
	struct stat st;
	int fd;

	check_all(f->region);
	fd = reopen(f->region, O_RDWR | O_TRUNC);
	if (fd >= 0)
		close(fd);
	else
		assert_int_equal(errno, EPERM);
	assert_int_equal(fstat(f->region, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	check_all(f->region);
	/* Nor with O_CREAT, as shells do for ">". */
	fd = reopen(f->region, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd >= 0)
		close(fd);
	check_all(f->region);
}

static void other_users_cannot_open(void **state)
{
	struct test_fixture *f = *state;
	char path[64];
	int status;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), f->region);
	if (!fork()) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		/* The inherited descriptor, reopened by its owner's path. */
		if (open(path, O_RDONLY) >= 0 || errno != EACCES)
			_exit(2);
		if (reopen(f->region, O_RDWR) >= 0 || errno != EACCES)
			_exit(3);
		_exit(0);
	}
	wait(&status);
	assert_int_equal(status, 0);
}

/* The only descriptor is on its way through a socket. */
static void passed_by_socket(void **state)
{
	struct test_fixture *f = *state;
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pass_fd(sockets[0], f->region);
	close(f->region);
	f->region = pass_fd_receive(sockets[1]);
	assert_true(f->region >= 0);
	check_all(f->region);
	close(sockets[0]);
	close(sockets[1]);
}

/* It is thrown away with the socket: the region ends. */
static void lost_in_a_socket(void **state)
{
	struct test_fixture *f = *state;
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pass_fd(sockets[0], f->region);
	close(f->region);
	assert_int_equal(test_status(f->provider.channel).provider_kind,
			 UMEM_PROVIDER_USER);
	close(sockets[0]);
	close(sockets[1]);
	AWAIT(test_status(f->provider.channel).provider_kind ==
	      UMEM_PROVIDER_NONE);
	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
}

static void taken_by_pidfd_getfd(void **state)
{
	struct test_fixture *f = *state;
	int control[2], pidfd, fd;
	pid_t child;
	char byte;

	assert_int_equal(pipe(control), 0);
	child = fork();
	if (!child) {
		close(control[1]);
		_exit(read(control[0], &byte, 1) != 0);
	}
	close(control[0]);
	pidfd = syscall(SYS_pidfd_open, child, 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, f->region, 0);
	assert_true(fd >= 0);
	close(f->region);
	f->region = fd;
	close(control[1]);
	waitpid(child, NULL, 0);
	check_all(fd);
	close(pidfd);
}

/* ---- The backing file behind a mapping ---------------------------------- */

static void map_files_path(const char *mem, char *path, size_t size)
{
	snprintf(path, size, "/proc/self/map_files/%lx-%lx", (long)mem,
		 (long)mem + SIZE);
}

static void map_files_is_closed(void **state)
{
	struct test_fixture *f = *state;
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR,
				     O_RDWR | O_TRUNC };
	char *mem = map(f->region, PROT_READ | PROT_WRITE);
	char path[96], again[64];
	unsigned int i;
	int fd;

	map_files_path(mem, path, sizeof(path));
	assert_int_equal(access(path, F_OK), 0);
	for (i = 0; i < 4; i++) {
		fd = open(path, modes[i]);
		assert_int_equal(fd, -1);
		assert_true(errno == EACCES || errno == EPERM);
	}
	assert_int_equal(open(path, O_RDONLY), -1);
	assert_int_equal(errno, EACCES);
	/* By way of a descriptor that is only a path. */
	fd = open(path, O_PATH);
	if (fd >= 0) {
		snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
		assert_int_equal(open(again, O_RDONLY), -1);
		assert_int_equal(truncate(again, 0), -1);
		close(fd);
	}
	assert_int_equal(truncate(path, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(truncate(path, 2 * SIZE), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(chmod(path, 0777), -1);
	assert_int_equal(errno, EPERM);
	check_all(f->region);
	munmap(mem, SIZE);
}

/* remap_file_pages(2) maps the VMA's file anew; that must pass the gate too. */
static void remap_file_pages_is_gated(void **state)
{
	struct test_fixture *f = *state;
	char *mem = map(f->region, PROT_READ | PROT_WRITE);
	unsigned int i;

	assert_int_equal(syscall(SYS_remap_file_pages, mem, 4 * TEST_PAGE, 0,
				 64, 0), 0);
	for (i = 0; i < 4; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, 64 + i));
	assert_true(pattern_matches(mem + 4 * TEST_PAGE, 4));
	/* Without populating: the touch itself must ask. */
	assert_int_equal(syscall(SYS_remap_file_pages, mem + 8 * TEST_PAGE,
				 4 * TEST_PAGE, 0, 100, MAP_NONBLOCK), 0);
	for (i = 0; i < 4; i++)
		assert_true(pattern_matches(mem + (8 + i) * TEST_PAGE, 100 + i));
	munmap(mem, SIZE);
	check_all(f->region);
}

/* ---- Taking away -------------------------------------------------------- */

/* Holes are in region_punch. */
static void other_fallocate_is_refused(void **state)
{
	struct test_fixture *f = *state;
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE,
	};
	unsigned int i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(fallocate(f->region, modes[i], 0, TEST_PAGE),
				 -1);
		assert_int_equal(errno, EOPNOTSUPP);
	}
	check_all(f->region);
}

/* The seals of a memfd are none of a region. */
static void no_seals(void **state)
{
	struct test_fixture *f = *state;

	assert_int_equal(fcntl(f->region, F_GET_SEALS), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fcntl(f->region, F_ADD_SEALS, 0), -1);
	assert_int_equal(errno, EINVAL);
}

/* ---- Moving bytes ------------------------------------------------------- */

/* Reads @count pages of the pattern from a pipe or file. */
static void expect_pages(int fd, unsigned int first, unsigned int count)
{
	char buf[TEST_PAGE];
	unsigned int i;

	for (i = 0; i < count; i++) {
		size_t got = 0;

		while (got < TEST_PAGE) {
			ssize_t n = read(fd, buf + got, TEST_PAGE - got);

			assert_true(n > 0);
			got += n;
		}
		assert_true(pattern_matches(buf, first + i));
	}
}

static void splice_to_a_pipe(void **state)
{
	struct test_fixture *f = *state;
	loff_t at = 0;
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	while (at < (loff_t)SIZE) {
		unsigned int first = at / TEST_PAGE;
		ssize_t moved = splice(f->region, &at, pipes[1], NULL,
				       8 * TEST_PAGE, 0);

		assert_true(moved > 0);
		assert_int_equal(moved % TEST_PAGE, 0);
		expect_pages(pipes[0], first, moved / TEST_PAGE);
	}
	assert_int_equal(splice(f->region, &at, pipes[1], NULL, TEST_PAGE, 0),
			 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void sendfile_to_a_file(void **state)
{
	struct test_fixture *f = *state;
	int file = memfd_create("copy", 0);
	off_t at = 0;

	while (at < (off_t)SIZE)
		assert_true(sendfile(file, f->region, &at, SIZE - at) > 0);
	assert_int_equal(at, SIZE);
	lseek(file, 0, SEEK_SET);
	expect_pages(file, 0, PAGES);
	close(file);
}

/* Unaligned, so that pages of the pipe hold parts of two granules. */
static void sendfile_from_the_middle(void **state)
{
	struct test_fixture *f = *state;
	int file = memfd_create("copy", 0);
	off_t at = 3 * TEST_PAGE + 8;
	uint64_t words[512];
	unsigned int i;

	assert_int_equal(sendfile(file, f->region, &at, TEST_PAGE), TEST_PAGE);
	assert_int_equal(pread(file, words, TEST_PAGE, 0), TEST_PAGE);
	for (i = 0; i < 512; i++)
		assert_int_equal(words[i], pattern_word(3 + (i + 1) / 512,
							(i + 1) % 512));
	close(file);
}

static void splice_into_the_region(void **state)
{
	struct test_fixture *f = *state;
	loff_t at = 7 * TEST_PAGE + 100;
	char *mem = map(f->region, PROT_READ);
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "hello", 5), 5);
	assert_int_equal(splice(pipes[0], NULL, f->region, &at, 5, 0), 5);
	assert_memory_equal(mem + 7 * TEST_PAGE + 100, "hello", 5);
	assert_int_equal(*(uint64_t *)(mem + 7 * TEST_PAGE), pattern_word(7, 0));
	assert_int_equal(*(uint64_t *)(mem + 7 * TEST_PAGE + 112),
			 pattern_word(7, 14));
	munmap(mem, SIZE);
	close(pipes[0]);
	close(pipes[1]);
}

static void scattered_reads(void **state)
{
	struct test_fixture *f = *state;
	static char a[100], b[2 * TEST_PAGE], c[TEST_PAGE - 100];
	struct iovec iov[3] = {
		{ a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) },
	};

	assert_int_equal(preadv(f->region, iov, 3, 10 * TEST_PAGE),
			 3 * TEST_PAGE);
	assert_int_equal(*(uint64_t *)a, pattern_word(10, 0));
	assert_int_equal(*(uint64_t *)(b + TEST_PAGE - 100), pattern_word(11, 0));
	assert_int_equal(*(uint64_t *)(c + sizeof(c) - 8), pattern_word(12, 511));
	/* Sequential reads, and the end. */
	assert_int_equal(lseek(f->region, -100, SEEK_END), SIZE - 100);
	assert_int_equal(read(f->region, b, sizeof(b)), 100);
	assert_int_equal(read(f->region, b, sizeof(b)), 0);
	assert_int_equal(pread(f->region, b, 1, 1LL << 62), 0);
	assert_int_equal(pread(f->region, b, 0, 0), 0);
}

static void writes_at_the_end(void **state)
{
	struct test_fixture *f = *state;
	char two[2] = "yz", got[2];
	int fd;

	assert_int_equal(pwrite(f->region, two, 2, SIZE - 1), 1);
	assert_int_equal(pread(f->region, got, 2, SIZE - 1), 1);
	assert_int_equal(got[0], 'y');
	assert_int_equal(pwrite(f->region, two, 1, SIZE), -1);
	assert_int_equal(errno, ENOSPC);
	fd = reopen(f->region, O_RDWR | O_APPEND);
	assert_int_equal(write(fd, two, 1), -1);
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

/* Beyond 2 GiB: a 64-bit file all the way down. */
static void large_offsets(void **state)
{
	const uint64_t size = 2ULL << 40, at = size - 2 * TEST_PAGE;
	int region = test_region(size, UMEM_WAIT_HARD, 0, 4);
	struct pattern_provider provider;
	static const off_t offsets[] = {
		(1LL << 31) - 4096, 1LL << 31, 3LL << 30, 1LL << 32, 1LL << 40,
	};
	unsigned int i;
	char page[TEST_PAGE];
	char *mem;

	(void)state;
	pattern_provider_start(&provider, region);
	mem = mmap(NULL, 2 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   region, at);
	assert_true(mem != MAP_FAILED);
	assert_true(pattern_matches(mem + TEST_PAGE, at / TEST_PAGE + 1));
	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		assert_int_equal(pread(region, page, TEST_PAGE, offsets[i]),
				 TEST_PAGE);
		assert_true(pattern_matches(page, offsets[i] / TEST_PAGE));
		if (pwrite(region, "w", 1, offsets[i]) != 1)
			fail_msg("pwrite at %lld: %s", (long long)offsets[i],
				 strerror(errno));
	}
	munmap(mem, 2 * TEST_PAGE);
	pattern_provider_stop(&provider);
	close(region);
}

/* ---- What it looks like ------------------------------------------------- */

static void looks_like_a_plain_file(void **state)
{
	struct test_fixture *f = *state;
	struct statfs fs;
	struct stat st;

	assert_int_equal(fstat(f->region, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_uid, getuid());
	assert_int_equal(st.st_size, SIZE);
	assert_int_equal(fstatfs(f->region, &fs), 0);
	assert_int_equal(fs.f_bsize, TEST_PAGE);
	assert_int_equal(fsync(f->region), 0);
	assert_int_equal(fdatasync(f->region), 0);
	assert_int_equal(posix_fadvise(f->region, 0, 0, POSIX_FADV_RANDOM), 0);
	assert_int_equal(posix_fadvise(f->region, 0, 0, POSIX_FADV_DONTNEED), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_drop)
	const struct CMUnitTest tests[] = {
		TEST(reopened_with_each_mode),
		TEST(opening_with_trunc_loses_nothing),
		TEST(other_users_cannot_open),
		TEST(passed_by_socket),
		TEST(lost_in_a_socket),
		TEST(taken_by_pidfd_getfd),
		TEST(map_files_is_closed),
		TEST(remap_file_pages_is_gated),
		TEST(other_fallocate_is_refused),
		TEST(no_seals),
		TEST(splice_to_a_pipe),
		TEST(sendfile_to_a_file),
		TEST(sendfile_from_the_middle),
		TEST(splice_into_the_region),
		TEST(scattered_reads),
		TEST(writes_at_the_end),
		cmocka_unit_test(large_offsets),
		TEST(looks_like_a_plain_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
