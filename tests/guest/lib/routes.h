/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: routes to a page of a region, and what must hold for
 * each of them. A route is a function that gets at missing granules from 0 on;
 * it runs in a child, so that it may be killed or die of SIGBUS.
 */
#ifndef UMEM_TEST_ROUTES_H
#define UMEM_TEST_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "pattern_provider.h"

#define ROUTE_PAGES	16
#define ROUTE_SIZE	(ROUTE_PAGES * TEST_PAGE)

/* What a route's function returns besides 0 and a positive errno. */
#define ROUTE_SKIP	77	/* this kernel has no such route */
#define ROUTE_WRONG	200	/* other bytes than the provider's */

enum route_wait {
	ROUTE_WAITS,		/* as the policy says */
	ROUTE_ENDS,		/* after a while, whatever the policy */
	ROUTE_MAY_END,		/* the one or the other, by the kernel's version */
};

/**
 * struct route - a way to a page
 * @name: for the report.
 * @run: goes that way; called in a child.
 * @failure: what comes of it when the data cannot be had: an errno, or -SIGNAL.
 * @wait: how long under the policy hard.
 */
struct route {
	const char *name;
	int (*run)(void);
	int failure;
	enum route_wait wait;
};

#define ROUTE(name, run, failure) { name, run, failure, ROUTE_WAITS }

/* The region, and a shared mapping of all of it, writable. */
extern int route_region;
extern char *route_mem;

/* Word @word of page @page of the mapping. */
static inline uint64_t *route_word(unsigned int page, unsigned int word)
{
	return (uint64_t *)(route_mem + page * TEST_PAGE) + word;
}

/* 0 when @ret is @wanted, errno of a call that failed, else ROUTE_WRONG. */
int route_result(long ret, long wanted);

/* The same for @count bytes in @buf, which must be those from @offset on. */
int route_check(long ret, const void *buf, size_t count, uint64_t offset);

/*
 * For each route: it returns the provider's bytes; fails as it should after
 * FAIL; can be killed while it waits; fails at once under fail-fast without
 * provider; if it must end without an answer, does. Then @more tests, without any of
 * this. Returns what main() returns.
 */
#define routes_run(routes, more)					\
	routes_run_counted(routes, sizeof(routes) / sizeof((routes)[0]),	\
			   more, sizeof(more) / sizeof((more)[0]))
int routes_run_counted(const struct route *routes, unsigned int count,
		       const struct CMUnitTest *more, unsigned int count_more);

/* The region and its mapping; the latter is a teardown of cmocka's. */
void routes_make(unsigned int policy);
int routes_drop(void **state);

/* A child that holds the mapping and does nothing; dies with its parent. */
int route_idle_child(void);

/* Runs @run in a child; its exit status, or -SIGNAL. Fails when it hangs. */
int route_in_child(int (*run)(void));

#endif /* UMEM_TEST_ROUTES_H */
