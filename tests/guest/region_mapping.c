// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What can be done to and through a mapping: mremap, munmap, madvise, fork,
 * access by other processes, the kernel's own accesses.
 *
 * needs: umem
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/smaps.h"
#include "lib/touch.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

struct fixture {
	int region;
	struct pattern_provider provider;
	char *mem;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	pattern_provider_start(&f->provider, f->region);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->region,
		      0);
	assert_true(f->mem != MAP_FAILED);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	munmap(f->mem, SIZE);
	pattern_provider_stop(&f->provider);
	close(f->region);
	free(f);
	return 0;
}

static uint64_t provided(struct fixture *f)
{
	return test_status(f->region).granules_provided;
}

static bool right(const char *mem, unsigned int page)
{
	return pattern_matches(mem + page * TEST_PAGE, page);
}

static void mremap_moves(void **state)
{
	struct fixture *f = *state;
	char *there = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	char *moved;

	assert_true(right(f->mem, 1));
	moved = mremap(f->mem, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	assert_ptr_equal(moved, there);
	assert_int_equal(touch_read(f->mem), SIGSEGV);
	f->mem = moved;
	assert_true(right(f->mem, 1));		/* was there before */
	assert_true(right(f->mem, 2));		/* is fetched now */
	/* A part of it moves as well. */
	there = mmap(NULL, TEST_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	moved = mremap(f->mem + 10 * TEST_PAGE, TEST_PAGE, TEST_PAGE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, there);
	assert_ptr_equal(moved, there);
	assert_true(pattern_matches(moved, 10));
	assert_int_equal(touch_read(f->mem + 10 * TEST_PAGE), SIGSEGV);
	assert_true(right(f->mem, 11));
	munmap(moved, TEST_PAGE);
}

static void mremap_does_not_grow(void **state)
{
	struct fixture *f = *state;

	assert_ptr_equal(mremap(f->mem, SIZE, 2 * SIZE, MREMAP_MAYMOVE),
			 MAP_FAILED);
	assert_int_equal(errno, EFAULT);
	/* Old size 0 asks for a second mapping of the same. */
	assert_ptr_equal(mremap(f->mem, 0, SIZE, MREMAP_MAYMOVE), MAP_FAILED);
	assert_ptr_equal(mremap(f->mem, SIZE, SIZE / 2, 0), f->mem);
	assert_int_equal(touch_read(f->mem + SIZE / 2), SIGSEGV);
	assert_true(right(f->mem, 3));
}

static void partial_munmap(void **state)
{
	struct fixture *f = *state;

	assert_true(right(f->mem, 5));
	assert_int_equal(munmap(f->mem + 4 * TEST_PAGE, 8 * TEST_PAGE), 0);
	assert_int_equal(touch_read(f->mem + 5 * TEST_PAGE), SIGSEGV);
	assert_true(right(f->mem, 3));
	assert_true(right(f->mem, 12));
	/* A mapping from the middle, beyond the hole. */
	assert_ptr_equal(mmap(f->mem + 4 * TEST_PAGE, TEST_PAGE, PROT_READ,
			      MAP_SHARED | MAP_FIXED, f->region,
			      40 * TEST_PAGE), f->mem + 4 * TEST_PAGE);
	assert_true(pattern_matches(f->mem + 4 * TEST_PAGE, 40));
}

static void beyond_the_end(void **state)
{
	struct fixture *f = *state;
	char *mem = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 f->region, SIZE / 2);

	assert_true(mem != MAP_FAILED);
	assert_true(pattern_matches(mem + SIZE / 2 - TEST_PAGE, PAGES - 1));
	assert_int_equal(touch_read(mem + SIZE / 2), SIGBUS);
	assert_int_equal(touch_write(mem + SIZE, 1), SIGBUS);
	munmap(mem, 2 * SIZE);
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, f->region, 1LL << 50);
	if (mem != MAP_FAILED) {
		assert_int_equal(touch_read(mem), SIGBUS);
		munmap(mem, SIZE);
	}
	assert_int_equal(test_status(f->region).requests, 1);
}

static void dontneed_keeps_the_data(void **state)
{
	struct fixture *f = *state;
	static const int advice[] = {
		MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT, MADV_RANDOM,
		MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
	};
	unsigned int i, page;

	f->mem[100] = 'w';
	for (i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		/* What it answers is its own affair. */
		madvise(f->mem, SIZE, advice[i]);
		assert_int_equal(f->mem[100], 'w');
		for (page = 1; page < 8 * (i + 1); page++)
			assert_true(right(f->mem, page));
		assert_int_equal(provided(f), 8 * (i + 1));
	}
}

/* These would let pages in behind the gate. */
static void refused_advice(void **state)
{
	struct fixture *f = *state;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)f->mem, SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd;

	assert_int_equal(madvise(f->mem, SIZE, MADV_FREE), -1);
	assert_int_equal(madvise(f->mem, SIZE, MADV_DODUMP), -1);
	assert_int_equal(madvise(f->mem, SIZE, MADV_COLLAPSE), -1);
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api)) {
		assert_int_equal(ioctl(uffd, UFFDIO_REGISTER, &reg), -1);
		reg.mode = UFFDIO_REGISTER_MODE_MINOR;
		assert_int_equal(ioctl(uffd, UFFDIO_REGISTER, &reg), -1);
	}
	close(uffd);
	assert_int_equal(provided(f), 0);
}

/* Neither in core dumps nor for khugepaged, private mappings included. */
static void flags_of_mappings(void **state)
{
	struct fixture *f = *state;
	char *priv = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  f->region, 0);

	assert_true(smaps_flag(f->mem, "de") && smaps_flag(f->mem, "dd"));
	assert_true(smaps_flag(priv, "de") && smaps_flag(priv, "dd"));
	munmap(priv, SIZE);
}

static void populate(void **state)
{
	struct fixture *f = *state;
	unsigned char core[PAGES];
	unsigned int i;
	char *mem;

	assert_int_equal(madvise(f->mem, 16 * TEST_PAGE, MADV_POPULATE_READ), 0);
	assert_int_equal(provided(f), 16);
	assert_int_equal(madvise(f->mem + 16 * TEST_PAGE, 16 * TEST_PAGE,
				 MADV_POPULATE_WRITE), 0);
	assert_int_equal(provided(f), 32);
	mem = mmap(NULL, SIZE / 4 * 3, PROT_READ, MAP_SHARED | MAP_POPULATE,
		   f->region, 0);
	assert_int_equal(provided(f), 48);
	assert_int_equal(mincore(mem, SIZE / 4 * 3, core), 0);
	for (i = 0; i < 48; i++) {
		assert_true(core[i] & 1);
		assert_true(right(f->mem, i));
	}
	munmap(mem, SIZE / 4 * 3);
}

static void private_mappings(void **state)
{
	struct fixture *f = *state;
	char *a = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       f->region, 0);
	char *b = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       f->region, 0);
	unsigned int i;
	int status;

	a[0] = 'a';				/* write first */
	assert_true(right(b, 0));
	assert_true(right(f->mem, 0));
	assert_true(right(b, 1));		/* read, then write */
	b[TEST_PAGE] = 'b';
	assert_true(right(a, 1));
	assert_true(right(f->mem, 1));
	/* A child's copies are its own. */
	if (!fork()) {
		a[0] = 'c';
		a[2 * TEST_PAGE] = 'c';
		_exit(!right(a, 3));
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(a[0], 'a');
	assert_true(right(a, 2));
	/* The region's own writes show where no copy was made. */
	f->mem[4 * TEST_PAGE] = 'w';
	assert_int_equal(a[4 * TEST_PAGE], 'w');
	assert_int_equal(a[0], 'a');
	/* Dropping a copy shows the region again. */
	assert_int_equal(madvise(a, TEST_PAGE, MADV_DONTNEED), 0);
	assert_true(right(a, 0));
	for (i = 5; i < PAGES; i++)
		assert_true(right(a, i));
	munmap(a, SIZE);
	munmap(b, SIZE);
}

static void forked_child_shares(void **state)
{
	struct fixture *f = *state;
	unsigned int i;
	int status;

	f->mem[0] = 'p';
	if (!fork()) {
		for (i = 1; i < PAGES; i++)
			if (!right(f->mem, i))
				_exit(1);
		if (f->mem[0] != 'p')
			_exit(2);
		f->mem[1] = 'c';
		_exit(0);
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(f->mem[1], 'c');
	assert_int_equal(provided(f), PAGES);
}

/* ---- Through the kernel, on behalf of this or another process ----------- */

static pid_t stopped_child(void)
{
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	return child;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void read_by_another_process(void **state)
{
	struct fixture *f = *state;
	pid_t child = stopped_child();
	char buf[4 * TEST_PAGE], path[64];
	struct iovec local = { buf, sizeof(buf) };
	struct iovec remote = { f->mem, sizeof(buf) };
	unsigned int i;
	int fd;

	assert_int_equal(process_vm_readv(child, &local, 1, &remote, 1, 0),
			 sizeof(buf));
	for (i = 0; i < 4; i++)
		assert_true(right(buf, i));
	/* It must not be asked for while the lock of the mm cannot be let go. */
	errno = 0;
	assert_int_equal(ptrace(PTRACE_PEEKDATA, child,
				f->mem + 10 * TEST_PAGE + 8, NULL),
			 pattern_word(10, 1));
	assert_int_equal(errno, 0);
	assert_int_equal(ptrace(PTRACE_POKEDATA, child,
				f->mem + 11 * TEST_PAGE, 77), 0);
	assert_int_equal(f->mem[11 * TEST_PAGE], 77);
	assert_int_equal(*(uint64_t *)(f->mem + 11 * TEST_PAGE + 8),
			 pattern_word(11, 1));
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, buf, TEST_PAGE,
			       (uintptr_t)f->mem + 20 * TEST_PAGE), TEST_PAGE);
	assert_true(pattern_matches(buf, 20));
	close(fd);
	remote.iov_base = f->mem + 30 * TEST_PAGE;
	memset(buf, 'q', sizeof(buf));
	local.iov_len = remote.iov_len = 10;
	assert_int_equal(process_vm_writev(child, &local, 1, &remote, 1, 0), 10);
	assert_int_equal(f->mem[30 * TEST_PAGE + 9], 'q');
	assert_int_equal(*(uint64_t *)(f->mem + 30 * TEST_PAGE + 16),
			 pattern_word(30, 2));
	end_child(child);
}

static void system_calls_on_missing_pages(void **state)
{
	struct fixture *f = *state;
	char buf[2 * TEST_PAGE];
	int pipes[2], zero;
	struct iovec iov;

	assert_int_equal(pipe(pipes), 0);
	/* copy_from_user() across two missing granules. */
	assert_int_equal(write(pipes[1], f->mem + 100, TEST_PAGE), TEST_PAGE);
	assert_int_equal(read(pipes[0], buf, TEST_PAGE), TEST_PAGE);
	assert_int_equal(*(uint64_t *)(buf + 4), pattern_word(0, 13));
	/* copy_to_user() */
	zero = open("/dev/zero", O_RDONLY);
	assert_int_equal(read(zero, f->mem + 10 * TEST_PAGE + 8, 8), 8);
	assert_int_equal(*(uint64_t *)(f->mem + 10 * TEST_PAGE),
			 pattern_word(10, 0));
	assert_int_equal(*(uint64_t *)(f->mem + 10 * TEST_PAGE + 8), 0);
	close(zero);
	/* get_user_pages(): gifts to a pipe, O_DIRECT's way. */
	iov = (struct iovec){ f->mem + 20 * TEST_PAGE, 2 * TEST_PAGE };
	assert_int_equal(vmsplice(pipes[1], &iov, 1, 0), 2 * TEST_PAGE);
	assert_int_equal(read(pipes[0], buf, sizeof(buf)), sizeof(buf));
	assert_true(pattern_matches(buf, 20));
	assert_true(pattern_matches(buf + TEST_PAGE, 21));
	/* A path in the region: strncpy_from_user(). */
	assert_int_equal(open(f->mem + 30 * TEST_PAGE, O_RDONLY), -1);
	assert_int_not_equal(errno, EFAULT);
	/* A read of the region into itself. */
	assert_int_equal(pread(f->region, f->mem + 40 * TEST_PAGE, TEST_PAGE,
			       50 * TEST_PAGE), TEST_PAGE);
	assert_true(pattern_matches(f->mem + 40 * TEST_PAGE, 50));
	assert_int_equal(pwrite(f->region, f->mem + 60 * TEST_PAGE, TEST_PAGE,
				41 * TEST_PAGE), TEST_PAGE);
	assert_true(pattern_matches(f->mem + 41 * TEST_PAGE, 60));
	/* And onto itself. */
	assert_int_equal(pread(f->region, f->mem + 45 * TEST_PAGE, TEST_PAGE,
			       45 * TEST_PAGE), TEST_PAGE);
	assert_true(right(f->mem, 45));
	assert_int_equal(pwrite(f->region, f->mem + 46 * TEST_PAGE, TEST_PAGE,
				46 * TEST_PAGE), TEST_PAGE);
	assert_true(right(f->mem, 46));
	close(pipes[0]);
	close(pipes[1]);
}

static void futex_in_the_region(void **state)
{
	struct fixture *f = *state;
	uint32_t *word = (uint32_t *)f->mem;
	struct timespec soon = { .tv_nsec = 1000000 };
	uint32_t other = ~(uint32_t)pattern_word(0, 0);

	/* Keyed by the page of the backing file: shared between processes. */
	assert_int_equal(syscall(SYS_futex, word, FUTEX_WAIT, other, &soon,
				 NULL, 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(syscall(SYS_futex, word, FUTEX_WAIT,
				 (uint32_t)pattern_word(0, 0), &soon, NULL, 0),
			 -1);
	assert_int_equal(errno, ETIMEDOUT);
	/* FUTEX_WAKE_OP writes to a missing granule: fixup_user_fault(). */
	assert_int_equal(syscall(SYS_futex, word, FUTEX_WAKE_OP, 1, 1,
				 f->mem + TEST_PAGE,
				 FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)),
			 0);
	assert_int_equal(*(uint32_t *)(f->mem + TEST_PAGE), 5);
	assert_int_equal(*(uint64_t *)(f->mem + TEST_PAGE + 8),
			 pattern_word(1, 1));
}

/* What the kernel tells when the data cannot be had. */
static void failures_in_system_calls(void **state)
{
	struct fixture *f = *state;
	pid_t child;
	char byte;
	struct iovec local = { &byte, 1 };
	struct iovec remote = { f->mem, 1 };
	int pipes[2];

	f->provider.fail_every = 1;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(touch_read(f->mem), SIGBUS);
	assert_int_equal(touch_write(f->mem, 1), SIGBUS);
	assert_int_equal(write(pipes[1], f->mem, 10), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(pread(f->region, &byte, 1, 0), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(pwrite(f->region, &byte, 1, 0), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(madvise(f->mem, SIZE, MADV_POPULATE_READ), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(splice(f->region, &(loff_t){ 0 }, pipes[1], NULL, 10,
				0), -1);
	assert_int_equal(errno, EIO);
	child = stopped_child();
	assert_int_equal(process_vm_readv(child, &local, 1, &remote, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
	errno = 0;
	ptrace(PTRACE_PEEKDATA, child, f->mem, NULL);
	assert_int_equal(errno, EIO);
	end_child(child);
	f->provider.fail_every = 0;
	assert_true(right(f->mem, 0));
	close(pipes[0]);
	close(pipes[1]);
}

/* ptrace cannot wait for ever: it holds the lock of the traced process. */
static void peek_without_an_answer_is_bounded(void **state)
{
	struct fixture *f = *state;
	double started;
	pid_t child;

	pattern_provider_stop(&f->provider);
	child = stopped_child();
	started = test_now();
	errno = 0;
	ptrace(PTRACE_PEEKDATA, child, f->mem, NULL);
	assert_int_equal(errno, EIO);
	assert_true(test_now() - started < 10);
	end_child(child);
	pattern_provider_start(&f->provider, f->region);
	assert_true(right(f->mem, 0));
	/* The policy was hard: nobody's time is told to be up. */
	assert_int_equal(test_status(f->region).timeouts, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(mremap_moves),
		TEST(mremap_does_not_grow),
		TEST(partial_munmap),
		TEST(beyond_the_end),
		TEST(dontneed_keeps_the_data),
		TEST(refused_advice),
		TEST(flags_of_mappings),
		TEST(populate),
		TEST(private_mappings),
		TEST(forked_child_shares),
		TEST(read_by_another_process),
		TEST(system_calls_on_missing_pages),
		TEST(futex_in_the_region),
		TEST(failures_in_system_calls),
		TEST(peek_without_an_answer_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
