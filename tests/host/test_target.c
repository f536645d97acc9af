// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * provider/lib/target: PID:FD, /proc/PID/fd/FD, PATH; and what is no region.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "target.h"

static void good(const char *text, int pid, int fd, const char *path)
{
	struct umem_why why = { "" };
	struct umem_target t;

	if (umem_target_parse(text, &t, &why))
		fail_msg("\"%s\": %s", text, why.text);
	assert_int_equal(t.pid, pid);
	assert_int_equal(t.fd, fd);
	assert_string_equal(t.path, path);
}

static void bad(const char *text, int err, const char *clause)
{
	struct umem_why why = { "" };
	struct umem_target t;

	assert_int_equal(umem_target_parse(text, &t, &why), err);
	if (!strstr(why.text, clause))
		fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, why.text, clause);
}

static void forms(void **state)
{
	(void)state;
	good("12:3", 12, 3, "/proc/12/fd/3");
	good("1:0", 1, 0, "/proc/1/fd/0");
	good("/proc/12/fd/3", 12, 3, "/proc/12/fd/3");
	good("/proc/self/fd/3", getpid(), 3, "/proc/self/fd/3");
	good("/proc/12/fd/3x", 0, -1, "/proc/12/fd/3x");
	good("/run/region", 0, -1, "/run/region");
	good("region", 0, -1, "region");
	good("./12:x", 0, -1, "./12:x");
}

static void no_forms(void **state)
{
	static char path[PATH_MAX + 10];

	(void)state;
	bad("", -EINVAL, "the target is empty");
	bad("12:", -EINVAL, "PID:FD");
	bad(":3", -EINVAL, "PID:FD");
	bad("x:3", -EINVAL, "PID:FD");
	bad("0:3", -EINVAL, "PID:FD");
	bad("12:-1", -EINVAL, "PID:FD");
	bad("12:3:4", -EINVAL, "PID:FD");
	bad("99999999999:3", -EINVAL, "PID:FD");
	bad("12:99999999999", -EINVAL, "PID:FD");
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	bad(path, -ENAMETOOLONG, "too long");
}

static void refused(const char *text, int err, const char *clause)
{
	struct umem_why why = { "" };

	assert_int_equal(umem_target_get(text, O_RDONLY, &why), err);
	if (!strstr(why.text, clause))
		fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, why.text, clause);
}

static void no_regions(void **state)
{
	int memfd = memfd_create("none", 0), pipes[2];
	char text[64];

	(void)state;
	refused("/nonexistent", -ENOENT, "no such");
	refused("/", -EISDIR, "directory");
	refused("/dev/null", -ENXIO, "no umem region");
	refused("/proc/self/exe", -ENOTTY, "no umem region");
	refused("2147483647:0", -ENOENT, "no such");

	snprintf(text, sizeof(text), "%d:%d", getpid(), memfd);
	refused(text, -ENOTTY, "no umem region");
	close(memfd);
	refused(text, -ENOENT, "no such");

	/* Cannot be opened anew: goes by pidfd_getfd(), and is no region. */
	assert_int_equal(pipe(pipes), 0);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", pipes[0]);
	refused(text, -ENOTTY, "no umem region");
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(no_forms),
		cmocka_unit_test(no_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
