// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * needs: umem
 *
 * Every way to a region's bytes gives the provider's bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/pattern_provider.h"

#define SIZE (8UL << 20)
#define PAGES (SIZE / TEST_PAGE)

static int setup(void **state)
{
	return test_fixture_make(state, SIZE, 32);
}

static char *map(int fd, int prot, int flags)
{
	char *mem = mmap(NULL, SIZE, prot, flags, fd, 0);

	assert_true(mem != MAP_FAILED);
	return mem;
}

static void check_all(const char *mem)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (!pattern_matches(mem + i * TEST_PAGE, i))
			fail_msg("page %zu is wrong", i);
}

static void mmap_read(void **state)
{
	struct test_fixture *f = *state;
	char *mem = map(f->region, PROT_READ, MAP_SHARED);
	struct umem_region_status status;

	check_all(mem);
	munmap(mem, SIZE);
	status = test_status(f->region);
	assert_int_equal(status.granules_provided, PAGES);
	assert_int_equal(status.bytes_copied, SIZE);
	assert_int_equal(status.bytes_direct, 0);
	assert_int_equal(status.answers_stale, 0);
}

static void read_by_path(void **state)
{
	struct test_fixture *f = *state;
	static char buf[1 << 20];
	char path[64];
	struct stat st;
	size_t at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), f->region);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_size, SIZE);
	assert_int_equal(lseek(fd, 0, SEEK_END), SIZE);
	for (at = 0; at < SIZE; at += sizeof(buf)) {
		size_t i;

		assert_int_equal(pread(fd, buf, sizeof(buf), at), sizeof(buf));
		for (i = 0; i < sizeof(buf); i += TEST_PAGE)
			assert_true(pattern_matches(buf + i,
						    (at + i) / TEST_PAGE));
	}
	assert_int_equal(pread(fd, buf, sizeof(buf), SIZE), 0);
	assert_int_equal(pread(fd, buf, sizeof(buf), SIZE - 10), 10);
	close(fd);
}

static void write_keeps_neighbours(void **state)
{
	struct test_fixture *f = *state;
	char *mem;

	assert_int_equal(pwrite(f->region, "hello", 5, 3 * TEST_PAGE + 100), 5);
	mem = map(f->region, PROT_READ, MAP_SHARED);
	assert_memory_equal(mem + 3 * TEST_PAGE + 100, "hello", 5);
	assert_int_equal(*(uint64_t *)(mem + 3 * TEST_PAGE), pattern_word(3, 0));
	assert_int_equal(pwrite(f->region, "x", 1, SIZE), -1);
	assert_int_equal(errno, ENOSPC);
	munmap(mem, SIZE);
}

static void private_copy(void **state)
{
	struct test_fixture *f = *state;
	char *priv = map(f->region, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *shared = map(f->region, PROT_READ, MAP_SHARED);
	size_t i;

	for (i = 0; i < PAGES; i += 7) {
		priv[i * TEST_PAGE] ^= 0xff;
		assert_true(pattern_matches(shared + i * TEST_PAGE, i));
		assert_int_not_equal(priv[i * TEST_PAGE],
				     shared[i * TEST_PAGE]);
	}
	munmap(priv, SIZE);
	munmap(shared, SIZE);
}

static void forked_child(void **state)
{
	struct test_fixture *f = *state;
	char *mem = map(f->region, PROT_READ, MAP_SHARED);
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		size_t i;

		for (i = 0; i < PAGES; i++)
			if (!pattern_matches(mem + i * TEST_PAGE, i))
				_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_all(mem);
	munmap(mem, SIZE);
}

static void fixed_size(void **state)
{
	struct test_fixture *f = *state;

	assert_int_equal(ftruncate(f->region, SIZE), 0);
	assert_int_equal(ftruncate(f->region, SIZE / 2), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(f->region, SIZE * 2), -1);
	assert_int_equal(errno, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mmap_read, setup, test_fixture_drop),
		cmocka_unit_test_setup_teardown(read_by_path, setup, test_fixture_drop),
		cmocka_unit_test_setup_teardown(write_keeps_neighbours, setup,
						test_fixture_drop),
		cmocka_unit_test_setup_teardown(private_copy, setup, test_fixture_drop),
		cmocka_unit_test_setup_teardown(forked_child, setup, test_fixture_drop),
		cmocka_unit_test_setup_teardown(fixed_size, setup, test_fixture_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
