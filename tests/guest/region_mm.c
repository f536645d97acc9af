// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that change a mapping, and advice, while granules are missing or on their
 * way: nothing but the provider's bytes may show.
 *
 * needs: umem
 * timeout: 240
 */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/setting.h"
#include "lib/touch.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PAGES	1024		/* two blocks of 2 MiB */
#define SIZE	(PAGES * TEST_PAGE)

static int region, channel;
static char *mem;

static char *map(int flags)
{
	return map_aligned(region, SIZE, PROT_READ | PROT_WRITE, flags);
}

static int setup(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	channel = hand_open(region, 0);
	mem = map(MAP_SHARED);
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

static bool right(unsigned int page)
{
	return pattern_matches(mem + page * TEST_PAGE, page);
}

/* Starts a touch and takes its request. */
static void begin(struct toucher *toucher, unsigned int page)
{
	toucher_start(toucher, mem + page * TEST_PAGE);
	assert_int_equal(hand_take(channel), page);
	AWAIT(task_state(getpid(), toucher->tid) == 'S');
}

/* ---- Changing a mapping under those who wait ---------------------------- */

static void mprotect_splits(void **state)
{
	struct toucher toucher;

	(void)state;
	hand_data(channel, 0, 4);
	assert_int_equal(mprotect(mem + TEST_PAGE, TEST_PAGE, PROT_READ), 0);
	assert_int_equal(mprotect(mem + 5 * TEST_PAGE, TEST_PAGE, PROT_READ), 0);
	assert_int_equal(touch_write(mem + TEST_PAGE, 1), SIGSEGV);
	assert_int_equal(touch_write(mem + 5 * TEST_PAGE, 1), SIGSEGV);
	assert_true(right(0) && right(1) && right(2));
	begin(&toucher, 5);
	hand_data(channel, 5, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(right(5));
	begin(&toucher, 6);
	hand_data(channel, 6, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(right(6));
	/* Whole again, and writable. */
	assert_int_equal(mprotect(mem, SIZE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(touch_write(mem + 5 * TEST_PAGE, 1), 0);
	assert_int_equal(test_status(region).requests, 2);
}

/* Those who wait hold no lock that these need. */
static void protected_while_waiting(void **state)
{
	struct toucher toucher;

	(void)state;
	begin(&toucher, 3);
	assert_int_equal(mprotect(mem, SIZE, PROT_NONE), 0);
	hand_data(channel, 3, 1);
	assert_int_equal(toucher_join(&toucher), SIGSEGV);
	assert_int_equal(mprotect(mem, SIZE, PROT_READ), 0);
	assert_true(right(3));
}

static void moved_while_waiting(void **state)
{
	char *there = map(MAP_SHARED);
	struct toucher toucher;

	(void)state;
	hand_data(channel, 4, 1);
	begin(&toucher, 3);
	assert_ptr_equal(mremap(mem, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				there), there);
	hand_data(channel, 3, 1);
	assert_int_equal(toucher_join(&toucher), SIGSEGV);
	mem = there;
	assert_true(right(3) && right(4));
	begin(&toucher, 5);
	hand_data(channel, 5, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(right(5));
}

/*
 * The middle of a mapping goes while threads wait there, with requests that are
 * taken and that are not: nobody is lost, and no request.
 */
static void unmapped_in_part(int flags)
{
	struct toucher touchers[5];
	unsigned int i;
	char *at = mem;

	if (flags == MAP_PRIVATE)
		at = map(flags);
	for (i = 0; i < 5; i++)
		toucher_start(&touchers[i], at + (10 + i) * TEST_PAGE);
	AWAIT(test_status(region).requests == 5);
	hand_take(channel);
	hand_take(channel);
	for (i = 0; i < 5; i++)
		AWAIT(task_state(getpid(), touchers[i].tid) == 'S');
	assert_int_equal(munmap(at + 11 * TEST_PAGE, 3 * TEST_PAGE), 0);
	for (i = 0; i < 5; i++)
		assert_false(toucher_is_over(&touchers[i]));
	assert_int_equal(test_status(region).requests_issued, 2);
	assert_int_equal(test_status(region).requests_queued, 3);

	hand_data(channel, 10, 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(toucher_join(&touchers[i]),
				 i % 4 ? SIGSEGV : 0);
	assert_true(pattern_matches(at + 10 * TEST_PAGE, 10));
	assert_true(pattern_matches(at + 14 * TEST_PAGE, 14));
	/* What lies beside it is served as ever; the hole has come too. */
	begin(&touchers[0], 15);
	hand_data(channel, 15, 1);
	assert_int_equal(toucher_join(&touchers[0]), 0);
	assert_ptr_equal(mmap(at + 11 * TEST_PAGE, 3 * TEST_PAGE, PROT_READ,
			      MAP_SHARED | MAP_FIXED, region, 11 * TEST_PAGE),
			 at + 11 * TEST_PAGE);
	for (i = 10; i < 16; i++)
		assert_true(pattern_matches(at + i * TEST_PAGE, i));
	assert_int_equal(test_status(region).requests, 6);
	assert_int_equal(test_status(region).granules_provided, 6);
	if (at != mem)
		munmap(at, SIZE);
}

static void unmapped_in_part_while_waiting(void **state)
{
	(void)state;
	unmapped_in_part(MAP_SHARED);
}

static void unmapped_in_part_private(void **state)
{
	(void)state;
	unmapped_in_part(MAP_PRIVATE);
}

/* It would leave a mapping behind whose pages are gone. */
static void no_mremap_dontunmap(void **state)
{
	char *moved;

	(void)state;
	hand_data(channel, 0, 1);
	moved = mremap(mem, SIZE, SIZE, MREMAP_MAYMOVE | 4 /* DONTUNMAP */,
		       NULL);
	if (moved != MAP_FAILED)
		munmap(moved, SIZE);
	assert_ptr_equal(moved, MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_true(right(0));
}

/* Another file takes the place: the answer must not show there. */
static void replaced_while_waiting(void **state)
{
	struct toucher toucher;

	(void)state;
	begin(&toucher, 3);
	assert_ptr_equal(mmap(mem, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			      MAP_ANONYMOUS | MAP_FIXED, -1, 0), mem);
	hand_data(channel, 3, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(toucher.value, 0);
	assert_ptr_equal(mmap(mem, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED,
			      region, 0), mem);
	assert_true(right(3));
}

static void forked_while_waiting(void **state)
{
	struct toucher toucher;
	pid_t child;
	int status;

	(void)state;
	begin(&toucher, 3);
	child = fork();
	if (!child)
		_exit(!right(3));
	AWAIT(test_status(region).faults >= 2);
	hand_data(channel, 3, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	AWAIT(waitpid(child, &status, WNOHANG) == child);
	assert_int_equal(status, 0);
	assert_int_equal(test_status(region).requests, 1);
}

/* ---- Advice ------------------------------------------------------------- */

/* A child sees page 1, and page 0 unless it was kept from it. */
static void fork_sees(bool page_0)
{
	int status;

	if (!fork()) {
		if (page_0 ? !right(0) : touch_read(mem) != SIGSEGV)
			_exit(1);
		_exit(!right(1));
	}
	wait(&status);
	assert_int_equal(status, 0);
}

static void advice_about_forks(void **state)
{
	bool dofork;

	(void)state;
	hand_data(channel, 0, 2);
	fork_sees(true);
	assert_int_equal(madvise(mem, TEST_PAGE, MADV_DONTFORK), 0);
	fork_sees(false);
	/* Newer kernels refuse it for VM_DONTEXPAND; then nothing changes. */
	dofork = !madvise(mem, TEST_PAGE, MADV_DOFORK);
	if (!dofork)
		assert_int_equal(errno, EINVAL);
	fork_sees(dofork);
	/* Zeroes in the child are for anonymous memory only. */
	assert_int_equal(madvise(mem, SIZE, MADV_WIPEONFORK), -1);
	assert_int_equal(errno, EINVAL);
}

static long number_in(const char *path)
{
	FILE *file = fopen(path, "r");
	long number = -1;

	if (file && fscanf(file, "%ld", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

/* Equal pages of the region and of private copies stay what they are. */
static void mergeable(void **state)
{
	char *private = map(MAP_PRIVATE), *anonymous;
	long scans;
	int i;

	(void)state;
	setting_need("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	setting_need("/sys/kernel/mm/ksm/run", "1");
	hand_data(channel, 0, 4);
	hand_zero(channel, 4, 4);
	for (i = 0; i < 8; i++)
		assert_int_equal(touch_write(private + i * TEST_PAGE, 0), 0);
	assert_int_equal(madvise(mem, SIZE, MADV_MERGEABLE), 0);
	assert_int_equal(madvise(private, SIZE, MADV_MERGEABLE), 0);
	/* The kernel scans while anything at all may be merged. */
	anonymous = mmap(NULL, 2 * TEST_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(anonymous, 'a', 2 * TEST_PAGE);
	assert_int_equal(madvise(anonymous, 2 * TEST_PAGE, MADV_MERGEABLE), 0);
	scans = number_in("/sys/kernel/mm/ksm/full_scans");
	AWAIT(number_in("/sys/kernel/mm/ksm/full_scans") > scans + 2);
	setting_need("/sys/kernel/mm/ksm/run", "2");
	for (i = 0; i < 4; i++)
		assert_true(right(i));
	for (i = 4; i < 8; i++)
		assert_int_equal(mem[i * TEST_PAGE], 0);
	assert_int_equal(touch_write(mem + 4 * TEST_PAGE, 'x'), 0);
	assert_int_equal(mem[5 * TEST_PAGE], 0);
	assert_int_equal(private[4 * TEST_PAGE], 0);
	assert_int_equal(test_status(region).requests, 0);
	munmap(private, SIZE);
	munmap(anonymous, 2 * TEST_PAGE);
}

/* Everything but page 7 and a quarter is there, in small pages. */
static void collapse(void **state)
{
	static const char *const settings[] = {
		"never", "always", "within_size", "advise", "force",
	};
	struct toucher toucher;
	unsigned int i, page;

	(void)state;
	hand_data(channel, 0, 7);
	hand_data(channel, 8, 376);
	for (page = 0; page < 384; page++)
		if (page != 7)
			assert_int_equal(touch_read(mem + page * TEST_PAGE), 0);
	begin(&toucher, 7);
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		setting_need(SHMEM_ENABLED, settings[i]);
		assert_int_equal(madvise(mem, SIZE, MADV_HUGEPAGE), 0);
		assert_int_equal(madvise(mem, TEST_HUGE, MADV_COLLAPSE), -1);
		assert_int_equal(errno, EINVAL);
		for (page = 0; page < 384; page++)
			if (page != 7)
				assert_true(right(page));
		assert_false(toucher_is_over(&toucher));
	}
	setting_need(SHMEM_ENABLED, "never");
	assert_int_equal(test_status(region).granules_provided, 383);
	hand_data(channel, 7, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(right(7));
	/* The rest is missing yet: a touch asks. */
	begin(&toucher, 400);
	hand_data(channel, 400, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(right(400));
}

/* The pages of a private mapping are the program's own, but not all there. */
static void collapse_of_private_copies(void **state)
{
	char *private = map(MAP_PRIVATE);
	struct toucher toucher;
	unsigned int page;

	(void)state;
	hand_data(channel, 0, 256);
	for (page = 0; page < 256; page++)
		private[page * TEST_PAGE] = 'w';
	assert_int_equal(madvise(private, TEST_HUGE, MADV_COLLAPSE), -1);
	toucher_start(&toucher, private + 300 * TEST_PAGE);
	assert_int_equal(hand_take(channel), 300);
	hand_data(channel, 300, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(pattern_matches(private + 300 * TEST_PAGE, 300));
	assert_int_equal(private[255 * TEST_PAGE], 'w');
	munmap(private, SIZE);
}

static _Atomic bool populated;

static void *populate(void *arg)
{
	*(_Atomic pid_t *)arg = gettid();
	if (!madvise(mem, 2 * TEST_PAGE, MADV_POPULATE_READ))
		populated = true;
	return NULL;
}

static volatile sig_atomic_t handled;

static void count_signal(int signal)
{
	(void)signal;
	handled++;
}

/* A signal with a handler comes meanwhile: it neither spins nor fails. */
static void populate_under_a_signal(void **state)
{
	struct sigaction action = { .sa_handler = count_signal };
	_Atomic pid_t tid = 0;
	pthread_t thread;

	(void)state;
	handled = 0;
	populated = false;
	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&thread, NULL, populate, (void *)&tid);
	assert_int_equal(hand_take(channel), 0);
	AWAIT(task_state(getpid(), tid) != 'R');
	pthread_kill(thread, SIGUSR1);
	usleep(200000);
	assert_int_equal(test_status(region).requests, 1);
	hand_data(channel, 0, 2);
	pthread_join(thread, NULL);
	assert_true(populated);
	assert_int_equal(handled, 1);
}

static void advice_by_another_process(void **state)
{
	static const int advice[] = { MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED };
	struct iovec range = { mem, SIZE };
	unsigned int i;
	pid_t child;
	int pidfd;

	(void)state;
	hand_data(channel, 0, 8);
	assert_int_equal(touch_read(mem), 0);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	pidfd = syscall(SYS_pidfd_open, child, 0);
	for (i = 0; i < 3; i++)
		syscall(SYS_process_madvise, pidfd, &range, 1, advice[i], 0);
	for (i = 0; i < 8; i++)
		assert_true(right(i));
	assert_int_equal(test_status(region).requests, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(pidfd);
}

/* Who maps it privately may not take over its faults either. */
static void no_userfaultfd(void **state)
{
	static const int modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
	};
	struct uffdio_api api = { .api = UFFD_API };
	char *private = map(MAP_PRIVATE);
	unsigned int i;
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	(void)state;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		skip();
	for (i = 0; i < 6; i++) {
		struct uffdio_register reg = {
			.range = { (uintptr_t)(i & 1 ? private : mem), SIZE },
			.mode = modes[i / 2],
		};

		assert_int_equal(ioctl(uffd, UFFDIO_REGISTER, &reg), -1);
		assert_int_equal(errno, EINVAL);
	}
	close(uffd);
	munmap(private, SIZE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(mprotect_splits),
		TEST(protected_while_waiting),
		TEST(moved_while_waiting),
		TEST(unmapped_in_part_while_waiting),
		TEST(unmapped_in_part_private),
		TEST(no_mremap_dontunmap),
		TEST(replaced_while_waiting),
		TEST(forked_while_waiting),
		TEST(advice_about_forks),
		TEST(mergeable),
		TEST(collapse),
		TEST(collapse_of_private_copies),
		TEST(populate_under_a_signal),
		TEST(advice_by_another_process),
		TEST(no_userfaultfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
