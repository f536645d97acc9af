// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every errno that the headers in uapi/ document has a clause of its own, in
 * every table of provider/lib.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach.h"
#include "region.h"

#define ERRNO_MAX 134

static const char *explain_attach(int action, int err)
{
	(void)action;
	return umem_attach_explain(err);
}

static const char *explain_region(int action, int err)
{
	return umem_explain((enum umem_action)action, err);
}

/* All clauses of one table differ, and each of @known is in it. */
static void check_table(const char *(*explain)(int action, int err), int action,
			const int *known)
{
	const char *unknown = explain(action, ERRNO_MAX + 1);
	int a, b;

	for (; *known; known++) {
		if (!strcmp(explain(action, *known), unknown))
			fail_msg("action %d: %s has no clause", action,
				 strerror(*known));
		assert_ptr_equal(explain(action, *known), explain(action, -*known));
	}
	for (a = 1; a < ERRNO_MAX; a++)
		for (b = a + 1; b <= ERRNO_MAX; b++) {
			if (!strcmp(explain(action, a), unknown) ||
			    strcmp(explain(action, a), explain(action, b)))
				continue;
			fail_msg("action %d: %s and %s share a clause", action,
				 strerror(a), strerror(b));
		}
}

static void attach(void **state)
{
	static const int known[] = {
		EPERM, EBADF, ENOTTY, EBUSY, EPIPE, EAFNOSUPPORT, EINVAL,
		EADDRNOTAVAIL, ENODEV, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT,
		ECONNREFUSED, ENOENT, EPROTONOSUPPORT, EPROTO, EKEYREJECTED,
		EUSERS, EREMOTEIO, ERANGE, ENOMEM, EINTR, 0
	};

	(void)state;
	check_table(explain_attach, 0, known);
}

static void region(void **state)
{
	static const int known[UMEM_ACTIONS][16] = {
		[UMEM_DO_OPEN] = { ENOENT, ENODEV, EACCES },
		[UMEM_DO_FEATURES] = { ENOTTY, EINVAL, E2BIG, EFAULT },
		[UMEM_DO_CREATE] = { EINVAL, EFBIG, EOPNOTSUPP, E2BIG, ENOTTY,
				     ENOMEM, EMFILE, ENFILE },
		[UMEM_DO_CHANNEL] = { EBADF, EPERM, EBUSY, EINVAL, E2BIG,
				      ENOTTY },
		[UMEM_DO_DETACH] = { ENOENT, EBADF, EPERM, ENOTTY },
		[UMEM_DO_STATUS] = { ENOTTY, EINVAL, E2BIG },
		[UMEM_DO_REQUEUE] = { ENOTTY, EBUSY, EPIPE },
		[UMEM_DO_FINALIZE] = { EBUSY, EBADF, EPERM, ESRCH, EINVAL },
		[UMEM_DO_FILL] = { EINVAL, EBADF, EPERM, EINTR, ENOMEM },
	};
	int action;

	(void)state;
	for (action = 0; action < UMEM_ACTIONS; action++)
		check_table(explain_region, action, known[action]);
}

static void create_says(struct umem_create create, int err, const char *clause)
{
	static const struct umem_features features = {
		.granule = 4096,
		.max_size = 1ULL << 40,
		.max_inflight = 1024,
		.max_data = 1 << 20,
	};
	struct umem_why why;

	assert_int_equal(umem_create_because(&why, err, &create, &features), -err);
	assert_string_equal(why.text, clause);
}

static void create(void **state)
{
	const struct umem_create fine = {
		.size = 8192,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 16,
		.max_data = 4096,
	};
	struct umem_create c;

	(void)state;
	c = fine;
	c.size = 0;
	create_says(c, EINVAL, "size must not be 0");
	c = fine;
	c.size = 5000;
	create_says(c, EINVAL, "size must be a multiple of 4096");
	c = fine;
	c.size = 1ULL << 60;
	create_says(c, EFBIG, "size must be at most 1099511627776 bytes");
	c = fine;
	c.wait_policy = 0;
	create_says(c, EINVAL,
		    "wait policy 0 is none; use hard, timeout=MS or fail-fast");
	c = fine;
	c.wait_policy = UMEM_WAIT_TIMEOUT;
	create_says(c, EINVAL, "the timeout must be at least 1 ms");
	c = fine;
	c.timeout_ms = 5;
	create_says(c, EINVAL, "only the wait policy timeout=MS has a timeout");
	c = fine;
	c.max_inflight = 1025;
	create_says(c, EINVAL, "max-inflight 1025 must be between 1 and 1024");
	c = fine;
	c.max_data = 6000;
	create_says(c, EINVAL, "max-data 6000 must be a multiple of 4096 and not 0");
	c = fine;
	c.max_data = 2 << 20;
	create_says(c, EINVAL, "max-data must not exceed 1048576");
	c = fine;
	c.readahead = 5000;
	create_says(c, EINVAL, "readahead 5000 must be a multiple of 4096");
	create_says(fine, EINVAL, umem_explain(UMEM_DO_CREATE, EINVAL));
	create_says(fine, ENOMEM, umem_explain(UMEM_DO_CREATE, ENOMEM));
}

/* What umem_say() and umem_say_failed() put on stderr. */
static void catch_stderr(char *line, size_t size, int err, const char *why_text,
			 const char *what)
{
	struct umem_why why;
	int saved = dup(STDERR_FILENO), pipes[2];
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	umem_because(&why, err, "%s", why_text);
	umem_say_failed(err, &why, "doing %s", what);
	dup2(saved, STDERR_FILENO);
	n = read(pipes[0], line, size - 1);
	line[n < 0 ? 0 : n] = '\0';
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
}

static void lines(void **state)
{
	char line[2048], what[2000];

	(void)state;
	umem_say_as("test");
	catch_stderr(line, sizeof(line), -EINVAL, "it is bad", "this");
	assert_string_equal(line, "test: doing this: it is bad (Invalid argument)\n");
	catch_stderr(line, sizeof(line), -EINVAL, "", "this");
	assert_string_equal(line, "test: doing this: Invalid argument\n");
	catch_stderr(line, sizeof(line), 0, "it is bad", "this");
	assert_string_equal(line, "test: doing this: it is bad\n");
	/* One line, whatever an argument holds. */
	catch_stderr(line, sizeof(line), 0, "x", "a\nb\033[31m");
	assert_string_equal(line, "test: doing a?b?[31m: x\n");
	memset(what, 'w', sizeof(what) - 1);
	what[sizeof(what) - 1] = '\0';
	catch_stderr(line, sizeof(line), -EINVAL, what, what);
	assert_true(strlen(line) < 1024);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach),
		cmocka_unit_test(region),
		cmocka_unit_test(create),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
