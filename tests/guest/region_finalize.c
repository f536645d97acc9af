// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * FINALIZE: mappings of a complete region become plain ones of tmpfs, with huge
 * pages, mlock, growing and userfaultfd; before that none of it.
 *
 * needs: umem
 * timeout: 240
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/setting.h"
#include "lib/smaps.h"
#include "lib/touch.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE (2UL << 20)
#define BLOCK (HUGE / TEST_PAGE)
#define PAGES (2 * BLOCK)
#define SIZE (PAGES * TEST_PAGE)

static int region = -1, channel = -1;
static char *mem;

static char *map_at(char *at, size_t size, int prot, int flags, off_t offset)
{
	char *got = mmap(at, size, prot, flags | (at ? MAP_FIXED : 0), region,
			 offset);

	assert_true(got != MAP_FAILED);
	return got;
}

/* Room for @size bytes, aligned to 2 MiB. */
static char *room(size_t size)
{
	char *at = mmap(NULL, size + HUGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	return at + -(uintptr_t)at % HUGE;
}

static int setup(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	mem = map_at(room(SIZE), SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
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

static void provide_all(void)
{
	hand_data(channel, 0, PAGES);
}

/* The number of mappings, or a negative errno. */
static int finalize_by(int fd, pid_t pid)
{
	struct umem_finalize args = { .pid = pid };
	int ret = ioctl(fd, UMEM_IOC_FINALIZE, &args);

	return ret < 0 ? -errno : ret;
}

static int finalize(pid_t pid)
{
	return finalize_by(region, pid);
}

static void check_pages(const char *at, unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!pattern_matches(at + i * TEST_PAGE, first + i))
			fail_msg("page %u is wrong", first + i);
}

/* khugepaged, mlock, userfaultfd and mremap look at this flag. */
static bool is_plain(const char *at)
{
	return !smaps_flag(at, "de");
}

/* ---- Who may, and when -------------------------------------------------- */

static void refused_while_one_is_missing(void **state)
{
	(void)state;
	assert_int_equal(finalize(0), -EBUSY);
	hand_data(channel, 0, PAGES - 1);
	assert_int_equal(finalize(0), -EBUSY);
	assert_false(is_plain(mem));
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	/* Asked for, but not there. */
	assert_int_equal(test_status(region).requests, 0);
	hand_data(channel, PAGES - 1, 1);
	assert_int_equal(finalize(0), 1);
	assert_true(is_plain(mem));
	check_pages(mem, 0, PAGES);
}

static void ends_the_provider(void **state)
{
	int again;

	(void)state;
	provide_all();
	assert_int_equal(finalize(getpid()), 1);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_NONE);
	assert_int_equal(hand_try(channel, UMEM_OP_ZERO, 0, 1), -EPIPE);
	/* One that is opened afterwards has nothing to do. */
	again = hand_open(region, 0);
	assert_true(hand_none(again));
	hand_data(again, 0, 1);
	assert_int_equal(test_status(region).answers_stale, 1);
	assert_int_equal(finalize(0), 0);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_NONE);
	close(again);
}

static void no_such_process(void **state)
{
	pid_t child;

	(void)state;
	provide_all();
	assert_int_equal(finalize(-1), -ESRCH);
	assert_int_equal(finalize(1 << 30), -ESRCH);
	/* kthreadd */
	assert_int_equal(finalize(2), -EINVAL);
	/* One that has ended and is not buried. */
	child = fork();
	if (!child)
		_exit(0);
	AWAIT(task_state(child, child) == 'Z');
	assert_int_equal(finalize(child), -ESRCH);
	waitpid(child, NULL, 0);
	/* Nothing was changed by all this. */
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	assert_false(is_plain(mem));
	/* One that has nothing to do with it. */
	assert_int_equal(finalize(1), 0);
	assert_false(is_plain(mem));
}

static void rights_are_a_providers(void **state)
{
	struct umem_finalize args = { .flags = 1 };
	char path[64];
	int ro, status;

	(void)state;
	provide_all();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", region);
	ro = open(path, O_RDONLY);
	assert_int_equal(finalize_by(ro, 0), -EBADF);
	close(ro);
	if (!fork()) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(finalize(0) != -EPERM);
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(ioctl(region, UMEM_IOC_FINALIZE, &args), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ioctl(region, UMEM_IOC_FINALIZE, 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ioctl(channel, UMEM_IOC_FINALIZE, &args), -1);
	assert_int_equal(errno, ENOTTY);
	assert_false(is_plain(mem));
}

/* ---- What it reaches ---------------------------------------------------- */

/* Says on a pipe when it is ready, answers on exit whether its mapping is plain. */
static pid_t other_process(int ready[2], int go[2])
{
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (child)
		return child;
	close(go[1]);
	if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1))
		_exit(2);
	_exit(!is_plain(mem) || !pattern_matches(mem + 7 * TEST_PAGE, 7));
}

static void by_pid(void **state)
{
	int ready[2], go[2], status;
	pid_t child;
	char byte;

	(void)state;
	provide_all();
	child = other_process(ready, go);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(finalize(child), 1);
	/* Ours are as they were. */
	assert_false(is_plain(mem));
	close(go[1]);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(finalize(0), 1);
	assert_true(is_plain(mem));
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
}

/* The number of a process is the caller's. */
static void by_pid_of_a_namespace(void **state)
{
	int status;

	(void)state;
	provide_all();
	if (!fork()) {
		if (unshare(CLONE_NEWPID))
			_exit(1);
		/* Number 1 of its namespace. */
		if (!fork())
			_exit(finalize(1) != 1 || !is_plain(mem));
		wait(&status);
		_exit(status != 0);
	}
	wait(&status);
	assert_int_equal(status, 0);
}

static void all_its_mappings(void **state)
{
	char *more = map_at(NULL, SIZE / 2, PROT_READ, MAP_SHARED, SIZE / 2);
	char *own = map_at(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);

	(void)state;
	provide_all();
	own[3 * TEST_PAGE] = 'o';
	/* In three pieces. */
	assert_int_equal(mprotect(mem + HUGE / 2, HUGE, PROT_READ), 0);
	assert_int_equal(finalize(0), 5);
	assert_true(is_plain(mem));
	assert_true(is_plain(mem + HUGE / 2));
	assert_true(is_plain(mem + HUGE / 2 + HUGE));
	assert_true(is_plain(more));
	assert_true(is_plain(own));
	/* The pieces join again. */
	assert_int_equal(mprotect(mem, SIZE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(smaps_kilobytes(mem, "Size"), SIZE / 1024);
	/* Copies stay copies, and what is shared is shared. */
	assert_int_equal(own[3 * TEST_PAGE], 'o');
	assert_true(pattern_matches(mem + 3 * TEST_PAGE, 3));
	mem[(BLOCK + 1) * TEST_PAGE] = 'w';
	assert_int_equal(more[TEST_PAGE], 'w');
	assert_int_equal(own[(BLOCK + 1) * TEST_PAGE], 'w');
	munmap(more, SIZE / 2);
	munmap(own, SIZE);
}

static void what_is_mapped_later(void **state)
{
	char *later;
	int status;

	(void)state;
	provide_all();
	assert_int_equal(finalize(0), 1);
	later = map_at(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	assert_true(is_plain(later));
	check_pages(later, 0, PAGES);
	if (!fork())
		_exit(!is_plain(mem) || !is_plain(later) ||
		      !pattern_matches(later + TEST_PAGE, 1));
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(syscall(SYS_remap_file_pages, later, 4 * TEST_PAGE, 0,
				 64, 0), 0);
	check_pages(later, 64, 4);
	check_pages(later + 4 * TEST_PAGE, 4, 4);
	assert_true(is_plain(later));
	assert_int_equal(finalize(0), 0);
	munmap(later, SIZE);
}

/* Plain and gated ones of one region, side by side. */
static void beside_a_gated_one(void **state)
{
	int ready[2], go[2], status;
	pid_t child;
	char byte;

	(void)state;
	provide_all();
	child = other_process(ready, go);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(finalize(0), 1);
	/* The child's is gated, and sees what we write. */
	memcpy(mem + 7 * TEST_PAGE, mem + 8 * TEST_PAGE, TEST_PAGE);
	pattern_fill(mem + 7 * TEST_PAGE, 7);
	assert_int_equal(finalize(child), 1);
	close(go[1]);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
}

static void outlives_its_descriptors(void **state)
{
	(void)state;
	provide_all();
	assert_int_equal(finalize(0), 1);
	close(region);
	close(channel);
	check_pages(mem, 0, PAGES);
	assert_int_equal(madvise(mem, SIZE, MADV_DONTNEED), 0);
	check_pages(mem, 0, PAGES);
	munmap(mem, SIZE);
	setup(NULL);
}

/* ---- What plain memory can do ------------------------------------------- */

/* Huge pages of the mapping at @at; the kernel's way to say it differs. */
static long huge_kilobytes(const char *at)
{
	return smaps_kilobytes(at, "ShmemPmdMapped");
}

static void collapses(void **state)
{
	(void)state;
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		skip();
	provide_all();
	check_pages(mem, 0, PAGES);
	assert_int_equal(madvise(mem, SIZE, MADV_COLLAPSE), -1);
	assert_int_equal(huge_kilobytes(mem), 0);
	assert_int_equal(finalize(0), 1);
	if (madvise(mem, SIZE, MADV_COLLAPSE))
		fail_msg("MADV_COLLAPSE: %s", strerror(errno));
	check_pages(mem, 0, PAGES);
	assert_int_equal(huge_kilobytes(mem), SIZE / 1024);
	/* By a mapping of its own, made later. */
	munmap(mem, SIZE);
	mem = map_at(room(SIZE), SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	check_pages(mem, 0, PAGES);
	assert_int_equal(huge_kilobytes(mem), SIZE / 1024);
}

#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged/"

static unsigned long full_scans(void)
{
	FILE *file = fopen(KHUGEPAGED "full_scans", "r");
	unsigned long count;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &count), 1);
	fclose(file);
	return count;
}

/* khugepaged works for those who ask, on what is plain. */
static void khugepaged_collapses(void **state)
{
	unsigned long scans;
	char *own;

	(void)state;
	if (access(KHUGEPAGED, F_OK))
		skip();
	/* Not always: it would be busy with the memory of others. */
	assert_true(setting_try("/sys/kernel/mm/transparent_hugepage/enabled",
				"madvise"));
	assert_true(setting_try(KHUGEPAGED "scan_sleep_millisecs", "10"));
	assert_true(setting_try(KHUGEPAGED "alloc_sleep_millisecs", "10"));
	assert_true(setting_try(KHUGEPAGED "pages_to_scan", "65536"));
	provide_all();
	check_pages(mem, 0, PAGES);
	/* A process is scanned after a fault in what is its own and may be huge. */
	own = room(HUGE);
	assert_int_equal(mprotect(own, HUGE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(madvise(own, HUGE, MADV_HUGEPAGE), 0);
	*own = 1;
	madvise(mem, SIZE, MADV_HUGEPAGE);
	scans = full_scans();
	AWAIT(full_scans() > scans + 2);
	assert_int_equal(huge_kilobytes(mem), 0);
	assert_int_equal(finalize(0), 1);
	madvise(mem, SIZE, MADV_HUGEPAGE);
	scans = full_scans();
	AWAIT(full_scans() > scans + 2);
	/* It makes huge pages, the next touch maps them. */
	AWAIT((check_pages(mem, 0, PAGES), huge_kilobytes(mem) > 0));
	assert_true(setting_try(KHUGEPAGED "scan_sleep_millisecs", "10000"));
}

/* A gated hole has no huge page by advice: its neighbours would be fetched. */
static void advice_fetches_nothing(void **state)
{
	struct toucher toucher;

	(void)state;
	madvise(mem, SIZE, MADV_HUGEPAGE);
	assert_int_equal(fallocate(region, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 5 * TEST_PAGE,
				   TEST_PAGE), 0);
	toucher_start(&toucher, mem + 5 * TEST_PAGE);
	AWAIT(toucher_is_over(&toucher));
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(toucher.value, 0);
	assert_int_equal(test_status(region).requests, 0);
	assert_int_equal(huge_kilobytes(mem), 0);
	hand_data(channel, 0, PAGES);
	assert_true(pattern_matches(mem + 4 * TEST_PAGE, 4));
}

static void grows(void **state)
{
	char *half = map_at(NULL, SIZE / 2, PROT_READ, MAP_SHARED, 0);
	char *whole;

	(void)state;
	provide_all();
	assert_ptr_equal(mremap(half, SIZE / 2, SIZE, MREMAP_MAYMOVE),
			 MAP_FAILED);
	assert_int_equal(finalize(0), 2);
	whole = mremap(half, SIZE / 2, 2 * SIZE, MREMAP_MAYMOVE);
	assert_true(whole != MAP_FAILED);
	check_pages(whole, 0, PAGES);
	/* As behind the end of every file. */
	assert_int_equal(touch_read(whole + SIZE), SIGBUS);
	munmap(whole, 2 * SIZE);
}

static void locks(void **state)
{
	(void)state;
	provide_all();
	assert_int_equal(mlock(mem, HUGE), 0);
	assert_false(smaps_flag(mem, "lo"));
	assert_int_equal(finalize(0), 1);
	assert_int_equal(mlock(mem, HUGE), 0);
	assert_true(smaps_flag(mem, "lo"));
	assert_int_equal(smaps_kilobytes(mem, "Locked"), HUGE / 1024);
	assert_int_equal(munlock(mem, HUGE), 0);
}

static void registers_with_userfaultfd(void **state)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	(void)state;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		skip();
	provide_all();
	assert_int_equal(ioctl(uffd, UFFDIO_REGISTER, &reg), -1);
	assert_int_equal(finalize(0), 1);
	assert_int_equal(ioctl(uffd, UFFDIO_REGISTER, &reg), 0);
	check_pages(mem, 0, PAGES);
	close(uffd);
}

/* It stays out of core dumps until the process wants it there. */
static void dumps_on_demand(void **state)
{
	(void)state;
	provide_all();
	assert_int_equal(madvise(mem, SIZE, MADV_DODUMP), -1);
	assert_int_equal(finalize(0), 1);
	assert_true(smaps_flag(mem, "dd"));
	assert_int_equal(madvise(mem, SIZE, MADV_DODUMP), 0);
	assert_false(smaps_flag(mem, "dd"));
}

/* What a gated mapping may be unable to take back, a plain one can. */
static void forks_get_it_again(void **state)
{
	(void)state;
	provide_all();
	assert_int_equal(madvise(mem, SIZE, MADV_DONTFORK), 0);
	assert_int_equal(finalize(0), 1);
	assert_true(smaps_flag(mem, "dc"));
	assert_int_equal(madvise(mem, SIZE, MADV_DOFORK), 0);
	assert_false(smaps_flag(mem, "dc"));
}

/* ---- At the same time --------------------------------------------------- */

static _Atomic bool stop;

static void *touch_all_the_time(void *arg)
{
	unsigned int page = (uintptr_t)arg;
	long wrong = 0;

	while (!stop) {
		page = (page * 5 + 3) % PAGES;
		wrong += !pattern_matches(mem + page * TEST_PAGE, page);
		/* So that the next touch is a fault again. */
		if (page % 7 == 0)
			madvise(mem + page * TEST_PAGE, 4 * TEST_PAGE,
				MADV_DONTNEED);
	}
	return (void *)wrong;
}

/* In the middle of faults, with the old operations and with the new ones. */
static void while_others_fault(void **state)
{
	pthread_t threads[3];
	unsigned int i, round;
	void *wrong;

	(void)state;
	for (round = 0; round < 8; round++) {
		provide_all();
		stop = false;
		for (i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, touch_all_the_time,
				       (void *)(uintptr_t)(i + 1));
		for (i = 0; i < 20; i++)
			test_pause();
		assert_int_equal(finalize(0), 1);
		for (i = 0; i < 20; i++)
			test_pause();
		stop = true;
		for (i = 0; i < 3; i++) {
			pthread_join(threads[i], &wrong);
			assert_ptr_equal(wrong, NULL);
		}
		assert_true(is_plain(mem));
		teardown(NULL);
		setup(NULL);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(refused_while_one_is_missing),
		TEST(ends_the_provider),
		TEST(no_such_process),
		TEST(rights_are_a_providers),
		TEST(by_pid),
		TEST(by_pid_of_a_namespace),
		TEST(all_its_mappings),
		TEST(what_is_mapped_later),
		TEST(beside_a_gated_one),
		TEST(outlives_its_descriptors),
		TEST(collapses),
		TEST(khugepaged_collapses),
		TEST(advice_fetches_nothing),
		TEST(grows),
		TEST(locks),
		TEST(registers_with_userfaultfd),
		TEST(dumps_on_demand),
		TEST(forks_get_it_again),
		TEST(while_others_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
