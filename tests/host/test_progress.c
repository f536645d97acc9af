// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/umemctl/progress.c"

#define S 1000000000ULL

static void nothing_is_known_at_first(void **state)
{
	struct progress p = { 0 };
	double eta;

	(void)state;
	assert_false(progress_eta(&p, 100, &eta));
	progress_look(&p, 5 * S, 10);
	assert_false(progress_eta(&p, 100, &eta));
	/* Twice at the same time. */
	progress_look(&p, 5 * S, 20);
	assert_false(progress_eta(&p, 100, &eta));
}

static void a_steady_rate_tells_the_end(void **state)
{
	struct progress p = { 0 };
	double eta;

	(void)state;
	for (unsigned int i = 0; i <= 5; i++)
		progress_look(&p, i * S, i * 10);
	assert_true(progress_eta(&p, 100, &eta));
	assert_float_equal(p.rate, 10.0, 1e-9);
	assert_float_equal(eta, 5.0, 1e-9);
	assert_true(progress_eta(&p, 50, &eta));
	assert_float_equal(eta, 0.0, 1e-9);
}

static void the_rate_follows_what_happens_lately(void **state)
{
	struct progress p = { 0 };
	double eta;

	(void)state;
	progress_look(&p, 0, 0);
	progress_look(&p, 1 * S, 1000);
	for (unsigned int i = 2; i < 200; i++)
		progress_look(&p, i * S, 1000 + i);
	assert_true(p.rate > 0.9 && p.rate < 1.5);
	/* It stands still. */
	for (unsigned int i = 200; i < 2000; i++)
		progress_look(&p, i * S, 1199);
	assert_true(!progress_eta(&p, 2000, &eta) || eta > 1e6);
}

static void durations_read_well(void **state)
{
	char buf[DURATION_TEXT];

	(void)state;
	assert_string_equal(duration_text(0.2, buf), "0 s");
	assert_string_equal(duration_text(59.4, buf), "59 s");
	assert_string_equal(duration_text(59.6, buf), "1 min 0 s");
	assert_string_equal(duration_text(200, buf), "3 min 20 s");
	assert_string_equal(duration_text(7500, buf), "2 h 5 min");
	assert_string_equal(duration_text(273600, buf), "3 d 4 h");
	assert_string_equal(duration_text(1e30, buf), "more than 1000 d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_steady_rate_tells_the_end),
		cmocka_unit_test(the_rate_follows_what_happens_lately),
		cmocka_unit_test(durations_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
