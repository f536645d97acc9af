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

/* What is there without end. */
#define PLENTY		(1 << 30)

static const char *const kinds[] = { "failslab", "fail_page_alloc" };
enum pool { SLAB, PAGES };

static int nth_fd = -1;

/* ---- The kernel's knobs ------------------------------------------------- */

static int try_set(const char *kind, const char *name, unsigned long value)
{
	char path[128], text[32];
	int fd, length;
	ssize_t done;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kind, name);
	/* Not %#lx: to those that are yes or no, 0x1 is no. */
	length = snprintf(text, sizeof(text), "%lu", value);
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

static unsigned long get(const char *kind, const char *name)
{
	char path[128], text[32] = "";
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kind, name);
	fd = open(path, O_RDONLY);
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		fail_msg("%s: %s", path, strerror(errno));
	return strtoul(text, NULL, 0);
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

/*
 * The functions of one driver lie side by side in the kernel, but for parts of
 * them that are seldom run; its beginning and end are behind all others.
 */
static void find_driver(const char *prefix, unsigned long *start,
			unsigned long *end)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	unsigned long address;
	char kind, name[256];

	*start = ULONG_MAX;
	*end = 0;
	while (fscanf(symbols, "%lx %c %255s%*[^\n]", &address, &kind,
		      name) == 3 && strcmp(name, "_etext")) {
		if (!strchr("tT", kind) || strstr(name, ".cold") ||
		    strncmp(name, prefix, strlen(prefix)))
			continue;
		if (address < *start)
			*start = address;
		if (address > *end)
			*end = address;
	}
	fclose(symbols);
	if (!*end || *end - *start > 1 << 20)
		fail_msg("no driver %s: %#lx to %#lx", prefix, *start, *end);
}

static void spare_driver(const char *prefix)
{
	unsigned long start = 0, end = 0;

	if (prefix)
		find_driver(prefix, &start, &end);
	set_both("reject-start", start);
	set_both("reject-end", end);
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

static void mark_thread(const char *yes)
{
	int fd = open("/proc/self/make-it-fail", O_WRONLY);

	assert_int_equal(write(fd, yes, 1), 1);
	close(fd);
}

/* This thread has @space bytes of objects, or pages, and no more. */
static void restrict_to(enum pool which, unsigned long space)
{
	mark_thread("1");
	set(kinds[which], "task-filter", 1);
	set(kinds[which], "times", PLENTY);
	set(kinds[which], "space", space);
	set(kinds[which], "probability", 100);
}

/* Whether it wanted more. */
static bool restrict_no_more(enum pool which)
{
	set(kinds[which], "probability", 0);
	mark_thread("0");
	return get(kinds[which], "times") != PLENTY;
}

void failures_at_random(unsigned int percent, const char *spare)
{
	/* Nothing fails while the filter changes. */
	set_both("probability", 0);
	spare_driver(spare);
	set_both("task-filter", 0);
	set_both("times", PLENTY);
	set_both("space", 0);
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
	unsigned int wrong;		/* of those: not as it should */
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

unsigned int failures_share(unsigned int rounds)
{
	unsigned int first, step;

	parse_slice(&first, &step);
	return rounds / step ? rounds / step : 1;
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

/* An error must be one that is documented, and the last one. All are told. */
static void conclude(const struct failing *op, int err, struct tally *tally)
{
	tally->failed++;
	if (err) {
		tally->refused++;
		if (!is_allowed(op, err)) {
			tally->wrong++;
			print_message("# %s: failure %u: %s\n", op->what,
				      tally->failed, strerror(err));
		}
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

/* One after the other. Returns how many were seen. */
static unsigned int walk_nth(const struct failing *op, struct tally *tally)
{
	unsigned int nth, step, left;
	int err;

	parse_slice(&nth, &step);
	for (;; nth += step) {
		before(op);
		arm(nth);
		err = op->act();
		left = disarm();
		if (left)
			break;
		conclude(op, err, tally);
		if (nth > MOST)
			fail_msg("%s: no end of allocations", op->what);
	}
	/* Nothing failed this time. */
	assert_int_equal(err, 0);
	if (op->after)
		op->after();
	return nth - left;
}

/* All that come after some, so that what is tried in their place fails too. */
static void walk_rest(const struct failing *op, enum pool which,
		      struct tally *tally)
{
	unsigned long space = 0, unit = which == SLAB ? 64 : 1;
	unsigned int first, step, round;
	bool failed = true;
	int err;

	parse_slice(&first, &step);
	for (round = 1; failed; round++, space += unit + space / 8) {
		if (round % step != first % step)
			continue;
		before(op);
		restrict_to(which, space);
		err = op->act();
		failed = restrict_no_more(which);
		if (failed) {
			conclude(op, err, tally);
			continue;
		}
		assert_int_equal(err, 0);
		if (op->after)
			op->after();
	}
}

void failures_walk(const struct failing *op)
{
	struct tally one = { 0 }, rest = { 0 };
	unsigned int seen;

	count_stacks(op->whole);
	spare_driver(op->spare);
	seen = walk_nth(op, &one);
	if (op->all) {
		walk_rest(op, SLAB, &rest);
		walk_rest(op, PAGES, &rest);
	}
	count_stacks(false);
	spare_driver(NULL);

	print_message("# %s: %u allocations; %u failed alone, %u told so;",
		      op->what, seen, one.failed, one.refused);
	print_message(" %u with all after them, %u told so\n", rest.failed,
		      rest.refused);
	/* The walk went past @seen, so it failed each of them that it chose. */
	assert_in_range(seen, op->least, MOST);
	assert_int_equal(one.wrong + rest.wrong, 0);
}
