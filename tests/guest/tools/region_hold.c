// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * region_hold WHAT  -  make a region, keep only WHAT of it, say "held", and wait
 * until standard input ends:
 *
 *   region    the descriptor
 *   reopened  a read-only descriptor opened by path
 *   path      a descriptor opened with O_PATH
 *   mapping   a mapping
 *   private   a private mapping with a page written
 *   channel   a channel whose region is gone
 *   waiter    a thread that waits for a page (its mapping is gone)
 *   socket    a descriptor inside a socket
 *   nothing   nothing: for a loop of insmod, work, rmmod
 *
 * With each, pages were provided and read before.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/guest/lib/hand_provider.h"
#include "tests/guest/lib/pass_fd.h"
#include "tests/guest/lib/touch.h"

#define PAGES 16
#define SIZE (PAGES * TEST_PAGE)

static const char *what;
static int region, channel;
static char *mem;

static bool keep(const char *name)
{
	return !strcmp(what, name);
}

static void reopen(int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", region);
	assert_true(open(path, flags) >= 0);
}

static void work(void)
{
	int i;

	hand_data(channel, 0, PAGES - 1);
	for (i = 0; i < PAGES - 1; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
}

static void hold(void **state)
{
	static struct toucher waiter;
	int sockets[2];
	char byte;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 4);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	work();

	if (keep("reopened"))
		reopen(O_RDONLY);
	if (keep("path"))
		reopen(O_PATH);
	if (keep("private")) {
		char *priv = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE, region, 0);

		priv[0] = 1;
	}
	if (keep("socket")) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets),
				 0);
		pass_fd(sockets[0], region);
	}
	if (keep("waiter")) {
		toucher_start(&waiter, mem + (PAGES - 1) * TEST_PAGE);
		hand_take(channel);
		AWAIT(task_state(getpid(), waiter.tid) == 'S');
	}
	if (!keep("mapping"))
		munmap(mem, SIZE);
	if (!keep("region"))
		close(region);
	/* Without it nobody could ever answer, and the wait would end. */
	if (!keep("channel") && !keep("waiter"))
		close(channel);
	if (keep("nothing"))
		return;
	dprintf(3, "held\n");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hold) };

	if (argc != 2) {
		fprintf(stderr, "usage: region_hold WHAT\n");
		return 2;
	}
	what = argv[1];
	return cmocka_run_group_tests_name(what, tests, NULL, NULL);
}
