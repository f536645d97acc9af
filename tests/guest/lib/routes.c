// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "hand_provider.h"
#include "routes.h"
#include "touch.h"

int route_region = -1;
char *route_mem;

int route_result(long ret, long wanted)
{
	if (ret < 0)
		return errno;
	return ret == wanted ? 0 : ROUTE_WRONG;
}

int route_check(long ret, const void *buf, size_t count, uint64_t offset)
{
	const unsigned char *bytes = buf;
	int result = route_result(ret, count);
	size_t i;

	for (i = 0; !result && i < count; i++, offset++) {
		uint64_t word = pattern_word(offset / TEST_PAGE,
					     offset % TEST_PAGE / 8);

		if (bytes[i] != (unsigned char)(word >> offset % 8 * 8))
			result = ROUTE_WRONG;
	}
	return result;
}

/* ---- The child ---------------------------------------------------------- */

static pid_t start(int (*run)(void), int channel)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	if (channel >= 0)
		close(channel);
	_exit(run());
}

static int outcome(int status)
{
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int finish(pid_t child)
{
	int status;

	AWAIT(waitpid(child, &status, WNOHANG) == child);
	return outcome(status);
}

int route_in_child(int (*run)(void))
{
	return finish(start(run, -1));
}

int route_idle_child(void)
{
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1)
		child = -1;
	close(ready[0]);
	close(ready[1]);
	return child;
}

/* ---- The region --------------------------------------------------------- */

void routes_make(unsigned int policy)
{
	route_region = test_region(ROUTE_SIZE, policy, 0, ROUTE_PAGES);
	route_mem = mmap(NULL, ROUTE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 route_region, 0);
	assert_true(route_mem != MAP_FAILED);
}

/* Also after a check that failed. */
int routes_drop(void **state)
{
	(void)state;
	if (route_region < 0)
		return 0;
	munmap(route_mem, ROUTE_SIZE);
	close(route_region);
	route_region = -1;
	return 0;
}

static void expect(const struct route *route, int got, int wanted)
{
	if (got == ROUTE_SKIP)
		skip();
	if (got == ROUTE_WRONG)
		fail_msg("%s: other bytes than the provider's", route->name);
	if (got != wanted)
		fail_msg("%s: %d (%s) in place of %d", route->name, got,
			 got > 0 ? strerror(got) : got ? strsignal(-got) : "good",
			 wanted);
}

/* ---- What must hold ----------------------------------------------------- */

static void fetches(void **state)
{
	const struct route *route = *state;
	static struct pattern_provider provider;
	int got;

	routes_make(UMEM_WAIT_HARD);
	pattern_provider_start(&provider, route_region);
	got = finish(start(route->run, provider.channel));
	/* It asked: what it saw did not come from elsewhere. */
	if (!got)
		assert_true(test_status(route_region).requests > 0);
	pattern_provider_stop(&provider);
	expect(route, got, 0);
}

static void fails(void **state)
{
	const struct route *route = *state;
	static struct pattern_provider provider;
	char page[TEST_PAGE];
	int got;

	routes_make(UMEM_WAIT_HARD);
	provider.fail_every = 1;
	pattern_provider_start(&provider, route_region);
	got = finish(start(route->run, provider.channel));
	/* No verdict is for ever, and none is zeroes. */
	assert_int_equal(test_status(route_region).granules_provided, 0);
	provider.fail_every = 0;
	assert_int_equal(pread(route_region, page, TEST_PAGE, 0), TEST_PAGE);
	assert_true(pattern_matches(page, 0));
	pattern_provider_stop(&provider);
	expect(route, got, route->failure);
}

static void can_be_killed(void **state)
{
	const struct route *route = *state;
	int channel, status = 0, got;
	pid_t child;

	routes_make(UMEM_WAIT_HARD);
	channel = hand_open(route_region, 0);
	child = start(route->run, channel);
	AWAIT(waitpid(child, &status, WNOHANG) == child ||
	      (test_status(route_region).requests > 0 && task_sleeps(child, child)));
	if (kill(child, SIGKILL)) {
		close(channel);
		expect(route, outcome(status), route->wait ?
		       route->failure : -SIGKILL);
		return;
	}
	got = finish(child);
	hand_release(route_region);
	close(channel);
	if (!route->wait || got != route->failure)
		expect(route, got, -SIGKILL);
}

static void fails_fast(void **state)
{
	const struct route *route = *state;
	double started;
	int got;

	routes_make(UMEM_WAIT_FAILFAST);
	started = test_now();
	got = finish(start(route->run, -1));
	expect(route, got, route->failure);
	assert_true(test_now() - started < TEST_SECONDS / 3);
	assert_int_equal(test_status(route_region).granules_provided, 0);
}

static void ends_without_answer(void **state)
{
	const struct route *route = *state;
	int channel, got;

	routes_make(UMEM_WAIT_HARD);
	channel = hand_open(route_region, 0);
	got = finish(start(route->run, channel));
	hand_release(route_region);
	close(channel);
	expect(route, got, route->failure);
}

static const struct {
	const char *name;
	CMUnitTestFunction check;
} checks[] = {
	{ "fetches", fetches },
	{ "fails after FAIL", fails },
	{ "can be killed", can_be_killed },
	{ "fails fast", fails_fast },
	{ "ends without an answer", ends_without_answer },
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

int routes_run_counted(const struct route *routes, unsigned int count,
		       const struct CMUnitTest *more, unsigned int count_more)
{
	struct CMUnitTest *tests = calloc(count * CHECKS + count_more,
					  sizeof(*tests));
	unsigned int i, j, used = 0;
	int failed;

	for (i = 0; i < count; i++)
		for (j = 0; j < CHECKS; j++) {
			char *name;

			if (checks[j].check == ends_without_answer &&
			    routes[i].wait != ROUTE_ENDS)
				continue;
			if (asprintf(&name, "%s: %s", routes[i].name,
				     checks[j].name) < 0)
				abort();
			tests[used++] = (struct CMUnitTest){
				.name = name,
				.test_func = checks[j].check,
				.teardown_func = routes_drop,
				.initial_state = (void *)&routes[i],
			};
		}
	if (count_more)
		memcpy(&tests[used], more, count_more * sizeof(*more));
	failed = _cmocka_run_group_tests("routes", tests, used + count_more,
					 NULL, NULL);
	while (used--)
		free((char *)tests[used].name);
	free(tests);
	return failed;
}
