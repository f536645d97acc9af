// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls on a region's descriptor or path that move no bytes of it: locks, what it
 * tells of itself, attempts to take something away or to make it longer. And
 * programs that decide by what it tells whether they read it at all.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/pattern_provider.h"
#include "lib/touch.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

static int setup(void **state)
{
	return test_fixture_make(state, SIZE, 8);
}

static const char *path_of(int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	return path;
}

static uint64_t requests(struct test_fixture *f)
{
	return test_status(f->region).requests;
}

/* ---- Nothing can be taken away ------------------------------------------ */

static void truncate_by_path(void **state)
{
	struct test_fixture *f = *state;
	const char *path = path_of(f->region);
	char page[TEST_PAGE];

	assert_int_equal(pread(f->region, page, TEST_PAGE, 0), TEST_PAGE);
	assert_int_equal(truncate(path, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(truncate(path, 2 * SIZE), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(truncate(path, SIZE), 0);
	assert_int_equal(pread(f->region, page, TEST_PAGE, 0), TEST_PAGE);
	assert_true(pattern_matches(page, 0));
	assert_int_equal(pread(f->region, page, TEST_PAGE, SIZE - TEST_PAGE),
			 TEST_PAGE);
	assert_true(pattern_matches(page, PAGES - 1));
}

/* O_TRUNC with each way to write; the shell's ">" as well. */
static void truncate_by_open(void **state)
{
	struct test_fixture *f = *state;
	char page[TEST_PAGE], command[128];

	assert_int_equal(pread(f->region, page, TEST_PAGE, 0), TEST_PAGE);
	assert_int_equal(open(path_of(f->region), O_WRONLY | O_TRUNC), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(open(path_of(f->region), O_RDONLY | O_TRUNC), -1);
	assert_int_equal(errno, EPERM);
	snprintf(command, sizeof(command), ": > %s", path_of(f->region));
	assert_int_not_equal(system(command), 0);
	assert_int_equal(pread(f->region, page, TEST_PAGE, 0), TEST_PAGE);
	assert_true(pattern_matches(page, 0));
}

/* A descriptor that is only a path opens nothing more than the path does. */
static void path_descriptor(void **state)
{
	struct test_fixture *f = *state;
	int path = open(path_of(f->region), O_PATH), fd;
	char page[TEST_PAGE];

	assert_true(path >= 0);
	assert_int_equal(read(path, page, 1), -1);
	assert_int_equal(errno, EBADF);
	assert_ptr_equal(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, path, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ioctl(path, UMEM_IOC_STATUS, page), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ftruncate(path, 0), -1);
	fd = open(path_of(path), O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, page, TEST_PAGE, 5 * TEST_PAGE), TEST_PAGE);
	assert_true(pattern_matches(page, 5));
	close(fd);
	close(path);
}

/* It is in no directory, and gets into none. */
static void no_links(void **state)
{
	struct test_fixture *f = *state;

	assert_int_equal(linkat(AT_FDCWD, path_of(f->region), AT_FDCWD,
				"/tmp/umem-link", AT_SYMLINK_FOLLOW), -1);
	assert_int_equal(linkat(f->region, "", AT_FDCWD, "/tmp/umem-link",
				AT_EMPTY_PATH), -1);
	assert_int_equal(access("/tmp/umem-link", F_OK), -1);
}

/* ---- Locks -------------------------------------------------------------- */

static void locks(void **state)
{
	struct test_fixture *f = *state;
	struct flock part = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };
	int other = open(path_of(f->region), O_RDWR);

	assert_int_equal(flock(f->region, LOCK_EX), 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(flock(f->region, LOCK_UN), 0);
	assert_int_equal(flock(other, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(fcntl(f->region, F_OFD_SETLK, &part), 0);
	assert_int_equal(fcntl(other, F_OFD_SETLK, &part), -1);
	assert_int_equal(errno, EAGAIN);
	part.l_start = 20;
	assert_int_equal(fcntl(other, F_OFD_SETLK, &part), 0);
	assert_int_equal(fcntl(f->region, F_SETLK, &part), -1);
	/* They go with their descriptor. */
	close(other);
	assert_int_equal(fcntl(f->region, F_SETLK, &part), 0);
	assert_int_equal(requests(f), 0);
}

/* ---- What it tells ------------------------------------------------------ */

/* Nothing is a hole that reads as zeroes: all of it counts as there. */
static void blocks(void **state)
{
	struct test_fixture *f = *state;
	struct stat st;

	assert_int_equal(fstat(f->region, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	assert_int_equal(st.st_blocks, SIZE / 512);
	assert_int_equal(st.st_blksize, TEST_PAGE);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(lseek(f->region, 0, SEEK_END), SIZE);
	assert_int_equal(requests(f), 0);
}

static void check_copy(const char *copy)
{
	char page[TEST_PAGE];
	unsigned int i;
	int fd = open(copy, O_RDONLY);

	assert_true(fd >= 0);
	for (i = 0; i < PAGES; i++) {
		assert_int_equal(read(fd, page, TEST_PAGE), TEST_PAGE);
		if (!pattern_matches(page, i))
			fail_msg("page %u of the copy is wrong", i);
	}
	assert_int_equal(read(fd, page, 1), 0);
	close(fd);
}

/* They leave out what they take for holes: missing granules are none. */
static void copied_by_programs(void **state)
{
	static const char *const copies[] = {
		"cp %s /tmp/umem-copy",
		"cp --sparse=always %s /tmp/umem-copy",
		"cp --reflink=auto %s /tmp/umem-copy",
		"dd if=%s of=/tmp/umem-copy bs=64k status=none",
		"cat %s >/tmp/umem-copy",
		"tar -cShf - -C / %s | tar -xSO >/tmp/umem-copy",
	};
	struct test_fixture *f = *state;
	char command[256];
	unsigned int i;

	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		int region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
		struct pattern_provider provider = { 0 };

		pattern_provider_start(&provider, region);
		snprintf(command, sizeof(command), copies[i], path_of(region));
		assert_int_equal(system(command), 0);
		check_copy("/tmp/umem-copy");
		unlink("/tmp/umem-copy");
		pattern_provider_stop(&provider);
		close(region);
	}
	assert_int_equal(requests(f), 0);
}

/* None of these is known to it; none does anything. */
static void other_ioctls(void **state)
{
	struct test_fixture *f = *state;
	struct fiemap map = { .fm_length = SIZE };
	int flags = 0;

	assert_int_equal(ioctl(f->region, FS_IOC_FIEMAP, &map), -1);
	assert_int_equal(ioctl(f->region, FS_IOC_GETFLAGS, &flags), -1);
	assert_int_equal(ioctl(f->region, FIBMAP, &flags), -1);
	assert_int_equal(ioctl(f->region, FICLONE, f->region), -1);
	assert_int_equal(ioctl(f->region, BLKGETSIZE64, &map), -1);
	assert_int_equal(requests(f), 0);
}

/* What these ask for, if anything, comes from the provider. */
static void readahead_and_sync(void **state)
{
	struct test_fixture *f = *state;

	readahead(f->region, 0, SIZE);
	assert_int_equal(sync_file_range(f->region, 0, SIZE,
					 SYNC_FILE_RANGE_WRITE), 0);
	assert_int_equal(fsync(f->region), 0);
	AWAIT(test_status(f->region).granules_provided == requests(f));
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, test_fixture_drop)
	const struct CMUnitTest tests[] = {
		TEST(truncate_by_path),
		TEST(truncate_by_open),
		TEST(path_descriptor),
		TEST(no_links),
		TEST(locks),
		TEST(blocks),
		TEST(copied_by_programs),
		TEST(other_ioctls),
		TEST(readahead_and_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
