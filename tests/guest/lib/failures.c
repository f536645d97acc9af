// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "failures.h"

#define DEBUGFS		"/sys/kernel/debug/"
/*
 * All but our modules is built into a debug kernel, so what lies here is ours
 * (arch/x86: MODULES_VADDR to MODULES_END), module_init functions included.
 */
#define MODULES_START	0xffffffffa0000000UL
#define MODULES_END	0xffffffffff000000UL
/* More than any operation has: where a walk does not end, it tells so. */
#define MOST		5000

static const char *const kinds[] = { "failslab", "fail_page_alloc" };
enum { SLAB = 1, PAGES = 2 };

static int nth_fd = -1;

/* ---- The kernel's knobs ------------------------------------------------- */

static int try_set(const char *kind, const char *name, unsigned long value)
{
	char path[128], text[32];
	int fd, length;
	ssize_t done;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kind, name);
	length = snprintf(text, sizeof(text), "%#lx", value);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	done = write(fd, text, length);
	close(fd);
	return done == length ? 0 : -EIO;
}

static void set(const char *kind, const char *name, unsigned long value)
{
	int err = try_set(kind, name, value);

	if (err)
		fail_msg("%s/%s: %s", kind, name, strerror(-err));
}

static void set_both(const char *name, unsigned long value)
{
	set(kinds[0], name, value);
	set(kinds[1], name, value);
}

static void count_stacks(bool whole)
{
	set_both("require-start", whole ? 0 : MODULES_START);
	set_both("require-end", whole ? ULONG_MAX : MODULES_END);
}

static void set_up(void)
{
	set_both("probability", 0);
	set_both("interval", 1);
	/* A line for each failure, with a stack, is what a mistake looks like. */
	set_both("verbose", 0);
	set_both("stacktrace-depth", 32);
	count_stacks(false);
	/* Those that may sleep fail as well, and single pages. */
	set("failslab", "ignore-gfp-wait", 0);
	set("fail_page_alloc", "ignore-gfp-wait", 0);
	set("fail_page_alloc", "ignore-gfp-highmem", 0);
	set("fail_page_alloc", "min-order", 0);
}

/* The @nth allocation of this thread from here on fails. */
static void arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, length, 0) != length)
		fail_msg("fail-nth: %s", strerror(errno));
}

/* How many more it would have taken; 0 when one failed. */
static unsigned int disarm(void)
{
	char text[16] = "";
	unsigned int left;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		fail_msg("fail-nth: %s", strerror(errno));
	left = strtoul(text, NULL, 10);
	arm(0);
	return left;
}

/* Every allocation of this thread fails, of the @which kinds, or none (0). */
static void fail_all(unsigned int which)
{
	int fd = open("/proc/self/make-it-fail", O_WRONLY);

	assert_int_equal(write(fd, which ? "1" : "0", 1), 1);
	close(fd);
	set_both("task-filter", 1);
	set_both("times", INT_MAX);
	set("failslab", "probability", which & SLAB ? 100 : 0);
	set("fail_page_alloc", "probability", which & PAGES ? 100 : 0);
}

void failures_at_random(unsigned int percent)
{
	set_both("task-filter", 0);
	set_both("times", INT_MAX);
	set_both("probability", percent);
}

const char *failures_impossible(void)
{
	unsigned int left;
	int pipes[2];

	nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		return "this kernel has no fault injection (KERNEL=debug has)";
	if (try_set("failslab", "require-start", 0) ||
	    try_set("fail_page_alloc", "require-start", 0))
		return "this kernel does not filter failures by the stack";
	set_up();
	/* A pipe is none of our allocations. */
	arm(1);
	if (!pipe(pipes)) {
		close(pipes[0]);
		close(pipes[1]);
	}
	left = disarm();
	return left == 1 ? NULL :
		"this kernel's fail-nth does not heed the stack (vm/kernels/debug.patch)";
}

/* ---- The walk ----------------------------------------------------------- */

/* What came of it. */
struct tally {
	unsigned int failed;		/* allocations */
	unsigned int refused;		/* of those: the operation told */
};

static void parse_slice(unsigned int *first, unsigned int *step)
{
	const char *slice = getenv("UMEM_WALK");

	*first = 1;
	*step = 1;
	if (!slice)
		return;
	if (sscanf(slice, "%u/%u", first, step) != 2 || !*first ||
	    *first > *step)
		fail_msg("UMEM_WALK=%s is not I/N", slice);
}

static bool is_allowed(const struct failing *op, int err)
{
	unsigned int i;

	if (err == ENOMEM)
		return true;
	for (i = 0; i < sizeof(op->errors) / sizeof(op->errors[0]); i++)
		if (op->errors[i] && op->errors[i] == err)
			return true;
	return false;
}

static void before(const struct failing *op)
{
	if (op->before)
		op->before();
}

/* An error must be one that is documented, and the last one. */
static void conclude(const struct failing *op, int err, struct tally *tally)
{
	tally->failed++;
	if (err) {
		tally->refused++;
		if (!is_allowed(op, err))
			fail_msg("%s: failure %u: %s", op->what, tally->failed,
				 strerror(err));
		if (op->refused)
			op->refused();
		err = op->act();
		if (err)
			fail_msg("%s: after failure %u, once more: %s",
				 op->what, tally->failed, strerror(err));
	}
	if (op->after)
		op->after();
}

static void deny_all(const struct failing *op, unsigned int which,
		     struct tally *tally)
{
	int err;

	before(op);
	fail_all(which);
	err = op->act();
	fail_all(0);
	conclude(op, err, tally);
}

void failures_walk(const struct failing *op)
{
	unsigned int nth, step, left, which, seen;
	struct tally tally = { 0 };
	int err;

	parse_slice(&nth, &step);
	count_stacks(op->whole);
	for (;; nth += step) {
		before(op);
		arm(nth);
		err = op->act();
		left = disarm();
		if (left)
			break;
		conclude(op, err, &tally);
		if (nth > MOST)
			fail_msg("%s: no end of allocations", op->what);
	}
	seen = nth - left;
	/* Nothing failed this time. */
	assert_int_equal(err, 0);
	if (op->after)
		op->after();
	for (which = SLAB; op->all && which <= (SLAB | PAGES); which++)
		deny_all(op, which, &tally);
	count_stacks(false);

	print_message("# %s: %u allocations; %u failed, %u times it told so\n",
		      op->what, seen, tally.failed, tally.refused);
	/* The walk went past @seen, so it failed each of them that it chose. */
	assert_in_range(seen, op->least, MOST);
}
