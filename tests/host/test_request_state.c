// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a request: every move, and what holds for every life.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/request_state.c"

#define N UMEM_REQUEST_STATES

/* Row: from; column: to; in the order free, queued, issued, done, failed. */
static const char *const expected[N] = {
	[UMEM_REQUEST_FREE]	= ".xx..",
	[UMEM_REQUEST_QUEUED]	= "..xxx",
	[UMEM_REQUEST_ISSUED]	= ".x.xx",
	[UMEM_REQUEST_DONE]	= "x....",
	[UMEM_REQUEST_FAILED]	= "x....",
};

static void every_move(void **state)
{
	(void)state;
	assert_int_equal(N, 5);
	for (unsigned int from = 0; from < N; from++)
		for (unsigned int to = 0; to < N; to++)
			if (umem_request_may_move(from, to) !=
			    (expected[from][to] == 'x'))
				fail_msg("%s -> %s", umem_request_state_name(from),
					 umem_request_state_name(to));
}

static void nonsense_is_refused(void **state)
{
	const unsigned int bad[] = { N, N + 1, 64, 255, 256, 0x80000000,
				     UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (unsigned int good = 0; good < N; good++) {
			assert_false(umem_request_may_move(good, bad[i]));
			assert_false(umem_request_may_move(bad[i], good));
		}
		assert_false(umem_request_may_move(bad[i], bad[i]));
		assert_string_equal(umem_request_state_name(bad[i]), "invalid");
	}
}

/* wait.c takes whatever is not below DONE for the end. */
static void the_end_compares_greater(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < N; s++) {
		bool over = umem_request_may_move(s, UMEM_REQUEST_FREE);

		assert_int_equal(over, s >= UMEM_REQUEST_DONE);
	}
	assert_int_equal(UMEM_REQUEST_FREE, 0);
}

/* Whoever is open can end, by data or by a verdict, without the other. */
static void every_open_request_can_end(void **state)
{
	const unsigned int open[] = { UMEM_REQUEST_QUEUED, UMEM_REQUEST_ISSUED };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(umem_request_may_move(open[i], UMEM_REQUEST_DONE));
		assert_true(umem_request_may_move(open[i], UMEM_REQUEST_FAILED));
		assert_false(umem_request_may_move(open[i], UMEM_REQUEST_FREE));
		assert_false(umem_request_may_move(open[i], open[i]));
	}
}

static void names_differ(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < N; a++)
		for (unsigned int b = 0; b < a; b++)
			assert_string_not_equal(umem_request_state_name(a),
						umem_request_state_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(the_end_compares_greater),
		cmocka_unit_test(every_open_request_can_end),
		cmocka_unit_test(names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
