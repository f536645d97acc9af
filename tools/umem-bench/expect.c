// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What each page of the source must hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "expect.h"
#include "pattern.h"

struct expect {
	int fd;			/* -1: a pattern */
	uint64_t seed;
	uint64_t pages;
	const char *path;
	char pattern_name[40];
};

static int open_file(struct expect *expect, const char *path,
		     struct umem_why *why)
{
	struct stat st;

	expect->path = path;
	expect->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (expect->fd < 0)
		return umem_because(why, -errno, "cannot be opened");
	if (fstat(expect->fd, &st))
		return umem_because(why, -errno, "cannot be examined");
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return umem_because(why, -EINVAL,
				    "a regular file that is not empty is wanted");
	expect->pages = ((uint64_t)st.st_size + BENCH_PAGE - 1) / BENCH_PAGE;
	return 0;
}

struct expect *expect_new(const char *path, uint64_t seed, int *err,
			  struct umem_why *why)
{
	struct expect *expect = calloc(1, sizeof(*expect));

	*err = 0;
	if (!expect) {
		*err = umem_because(why, -ENOMEM, "no memory");
		return NULL;
	}
	expect->fd = -1;
	expect->seed = seed;
	expect->pages = UINT64_MAX;
	if (path)
		*err = open_file(expect, path, why);
	if (*err) {
		expect_free(expect);
		return NULL;
	}
	snprintf(expect->pattern_name, sizeof(expect->pattern_name),
		 "pattern:%" PRIu64, seed);
	return expect;
}

void expect_free(struct expect *expect)
{
	if (!expect)
		return;
	if (expect->fd >= 0)
		close(expect->fd);
	free(expect);
}

uint64_t expect_pages(const struct expect *expect)
{
	return expect->pages;
}

const char *expect_name(const struct expect *expect)
{
	return expect->path ? expect->path : expect->pattern_name;
}

int expect_page(const struct expect *expect, uint64_t index, void *page)
{
	size_t have = 0;

	if (!expect->path) {
		pattern_page(expect->seed, index, page);
		return 0;
	}
	if (index >= expect->pages)
		return -ERANGE;
	while (have < BENCH_PAGE) {
		ssize_t n = pread(expect->fd, (char *)page + have,
				  BENCH_PAGE - have,
				  (off_t)(index * BENCH_PAGE + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += n;
	}
	memset((char *)page + have, 0, BENCH_PAGE - have);
	return 0;
}

int expect_difference(const void *expected, const void *got)
{
	const char *a = expected;
	const char *b = got;

	for (int at = 0; at < (int)BENCH_PAGE; at += sizeof(uint64_t))
		if (memcmp(a + at, b + at, sizeof(uint64_t)))
			return at;
	return -1;
}
