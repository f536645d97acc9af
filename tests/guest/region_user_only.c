// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UMEM_CREATE_USER_ONLY: the kernel does not wait for a mapping's missing
 * granules, neither for the process itself nor for another one.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
/* These are provided from the start, the others missing. */
#define THERE 8

static int region = -1, channel = -1;
static char *mem;

static int setup(void **state)
{
	struct umem_create create = {
		.size = SIZE,
		.features = UMEM_FEATURE_USER_ONLY,
		.flags = UMEM_CREATE_USER_ONLY,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 8,
		.max_data = TEST_MAX_DATA,
	};
	int device = umem_device_open();

	(void)state;
	region = umem_region_create(device, &create);
	close(device);
	assert_true(region >= 0);
	channel = hand_open(region, 0);
	hand_data(channel, 0, THERE);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hand_release(region);
	munmap(mem, SIZE);
	close(region);
	close(channel);
	return 0;
}

static char *page(unsigned int number)
{
	return mem + number * TEST_PAGE;
}

/* What the kernel was refused has asked nobody. */
static void expect_no_request(void)
{
	assert_int_equal(test_status(region).requests, 0);
	assert_true(hand_none(channel));
}

static void status_tells(void **state)
{
	(void)state;
	assert_int_equal(test_status(region).flags,
			 UMEM_CREATE_USER_ONLY | UMEM_CREATE_CLOEXEC);
}

static void programs_are_served(void **state)
{
	struct toucher reader, writer;

	(void)state;
	toucher_start(&reader, page(20));
	hand_data(channel, hand_take(channel), 1);
	assert_int_equal(toucher_join(&reader), 0);
	assert_true(pattern_matches(page(20), 20));
	toucher_start_write(&writer, page(21), 'w');
	hand_data(channel, hand_take(channel), 1);
	assert_int_equal(toucher_join(&writer), 0);
	assert_int_equal(*page(21), 'w');
	/* And by now the kernel as well. */
	assert_int_equal(madvise(page(20), 2 * TEST_PAGE, MADV_POPULATE_READ),
			 0);
	assert_int_equal(test_status(region).requests, 2);
}

/* copy_from_user() and copy_to_user(), and those that pin pages. */
static void system_calls_get_efault(void **state)
{
	char buf[TEST_PAGE];
	int pipes[2], file;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], page(20), 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(write(pipes[1], page(1), 8), 8);
	assert_int_equal(read(pipes[0], page(20), 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(open(page(20), O_RDONLY), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(syscall(SYS_futex, page(20), FUTEX_WAIT, 0, NULL, NULL,
				 0), -1);
	assert_int_equal(errno, EFAULT);
	/* What is there before the missing part arrives. */
	file = memfd_create("copy", 0);
	assert_int_equal(write(file, page(THERE - 1), 2 * TEST_PAGE), TEST_PAGE);
	assert_int_equal(pread(file, buf, TEST_PAGE, 0), TEST_PAGE);
	assert_true(pattern_matches(buf, THERE - 1));
	/* The region's own write(), from its own missing part. */
	assert_int_equal(pwrite(region, page(20), 8, 0), -1);
	assert_int_equal(errno, EFAULT);
	expect_no_request();
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

static void populating_is_refused(void **state)
{
	char *more;

	(void)state;
	assert_int_equal(madvise(page(20), TEST_PAGE, MADV_POPULATE_READ), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(madvise(mem, THERE * TEST_PAGE, MADV_POPULATE_READ), 0);
	/* These populate as far as it goes, and do not tell. */
	more = mmap(NULL, SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, region, 0);
	assert_true(more != MAP_FAILED);
	munmap(more, SIZE);
	mlock(page(20), TEST_PAGE);
	expect_no_request();
}

/* GUP for another process. */
static void other_processes_get_efault(void **state)
{
	char buf[2 * TEST_PAGE];
	struct iovec local = { buf, sizeof(buf) };
	struct iovec remote = { page(20), 8 };
	char path[64];
	pid_t child;
	int fd;

	(void)state;
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	assert_int_equal(process_vm_readv(child, &local, 1, &remote, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
	remote = (struct iovec){ page(THERE - 1), 2 * TEST_PAGE };
	assert_int_equal(process_vm_readv(child, &local, 1, &remote, 1, 0),
			 TEST_PAGE);
	assert_true(pattern_matches(buf, THERE - 1));
	local.iov_len = 8;
	remote = (struct iovec){ page(20), 8 };
	assert_int_equal(process_vm_writev(child, &local, 1, &remote, 1, 0), -1);
	assert_int_equal(errno, EFAULT);

	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, buf, 8, (uintptr_t)page(20)), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(pwrite(fd, buf, 8, (uintptr_t)page(20)), -1);
	assert_int_equal(errno, EIO);
	close(fd);

	assert_int_equal(ptrace(PTRACE_ATTACH, child, 0, 0), 0);
	waitpid(child, NULL, 0);
	errno = 0;
	assert_int_equal(ptrace(PTRACE_PEEKDATA, child, page(20), 0), -1);
	assert_int_equal(errno, EIO);
	errno = 0;
	assert_int_equal(ptrace(PTRACE_PEEKDATA, child, page(1), 0),
			 pattern_word(1, 0));
	assert_int_equal(errno, 0);
	ptrace(PTRACE_DETACH, child, 0, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	expect_no_request();
}

struct reader {
	pthread_t thread;
	char buf[TEST_PAGE];
	ssize_t got;
};

static void *read_region(void *arg)
{
	struct reader *reader = arg;

	reader->got = pread(region, reader->buf, TEST_PAGE, 30 * TEST_PAGE);
	return NULL;
}

static void *write_region(void *arg)
{
	struct reader *reader = arg;

	reader->got = pwrite(region, "w", 1, 31 * TEST_PAGE);
	return NULL;
}

static void descriptors_are_served(void **state)
{
	struct reader reader, writer;

	(void)state;
	pthread_create(&reader.thread, NULL, read_region, &reader);
	assert_int_equal(hand_take(channel), 30);
	hand_data(channel, 30, 1);
	pthread_join(reader.thread, NULL);
	assert_int_equal(reader.got, TEST_PAGE);
	assert_true(pattern_matches(reader.buf, 30));
	pthread_create(&writer.thread, NULL, write_region, &writer);
	assert_int_equal(hand_take(channel), 31);
	hand_data(channel, 31, 1);
	pthread_join(writer.thread, NULL);
	assert_int_equal(writer.got, 1);
	assert_int_equal(*page(31), 'w');
}

/* Private mappings as well, and what was copied is the process's own. */
static void private_mappings(void **state)
{
	char *own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, region,
			 0);
	int pipes[2];

	(void)state;
	assert_true(own != MAP_FAILED);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], own + 20 * TEST_PAGE, 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(write(pipes[1], "12345678", 8), 8);
	assert_int_equal(read(pipes[0], own + 20 * TEST_PAGE, 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(write(pipes[1], "12345678", 8), 8);
	assert_int_equal(read(pipes[0], own + TEST_PAGE, 8), 8);
	assert_true(pattern_matches(page(1), 1));
	expect_no_request();
	munmap(own, SIZE);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(status_tells),
		TEST(programs_are_served),
		TEST(system_calls_get_efault),
		TEST(populating_is_refused),
		TEST(other_processes_get_efault),
		TEST(descriptors_are_served),
		TEST(private_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
