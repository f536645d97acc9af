// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Chance in umem_sim.ko: bounds, shares, independence, and that a seed decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/sim/fate.c"

#define DRAWS 100000

static void delays_stay_in_bounds(void **state)
{
	struct umem_sim_attach arg = {
		.latency_ns = UMEM_SIM_DELAY_MAX,
		.jitter_ns = UMEM_SIM_DELAY_MAX,
	};
	uint64_t low = UINT64_MAX, high = 0;

	(void)state;
	for (uint64_t n = 1; n <= DRAWS; n++) {
		struct umem_sim_fate fate;

		umem_sim_draw(&arg, n, &fate);
		low = fate.delay_ns < low ? fate.delay_ns : low;
		high = fate.delay_ns > high ? fate.delay_ns : high;
		assert_false(fate.hang || fate.error);
	}
	assert_true(low >= UMEM_SIM_DELAY_MAX);
	assert_true(low < UMEM_SIM_DELAY_MAX + UMEM_SIM_DELAY_MAX / 100);
	assert_true(high <= 2 * UMEM_SIM_DELAY_MAX);
	assert_true(high > 2 * UMEM_SIM_DELAY_MAX - UMEM_SIM_DELAY_MAX / 100);
}

/* Within a twentieth of what is expected of @draws. */
static void about(uint64_t count, double expected)
{
	if (count < expected * 0.95 || count > expected * 1.05)
		fail_msg("%llu, expected about %.0f",
			 (unsigned long long)count, expected);
}

static void shares_are_kept_and_independent(void **state)
{
	struct umem_sim_attach arg = {
		.seed = 42, .latency_ns = 10, .reorder_permille = 100,
		.error_permille = 200, .hang_permille = 300,
		.refuse_permille = 400,
	};
	uint64_t late = 0, errors = 0, hangs = 0, refused = 0, both = 0;

	(void)state;
	for (uint64_t n = 1; n <= DRAWS; n++) {
		struct umem_sim_fate fate;

		umem_sim_draw(&arg, n, &fate);
		late += fate.delay_ns == 20;
		errors += fate.error;
		hangs += fate.hang;
		both += fate.error && fate.hang;
		refused += umem_sim_draw_refusal(&arg, n);
	}
	about(late, DRAWS * 0.1);
	about(errors, DRAWS * 0.2);
	about(hangs, DRAWS * 0.3);
	about(both, DRAWS * 0.06);
	about(refused, DRAWS * 0.4);
}

static void none_and_all(void **state)
{
	struct umem_sim_attach none = { .seed = 1 };
	struct umem_sim_attach all = {
		.error_permille = 1000, .hang_permille = 1000,
		.refuse_permille = 1000,
	};

	(void)state;
	assert_false(umem_sim_chancy(&none));
	assert_true(umem_sim_chancy(&all));
	for (uint64_t n = 1; n <= DRAWS; n++) {
		struct umem_sim_fate fate;

		umem_sim_draw(&none, n, &fate);
		assert_false(fate.error || fate.hang || fate.delay_ns);
		assert_false(umem_sim_draw_refusal(&none, n));
		umem_sim_draw(&all, n, &fate);
		assert_true(fate.error && fate.hang);
		assert_true(umem_sim_draw_refusal(&all, n));
	}
}

static void from_a_number_on(void **state)
{
	struct umem_sim_attach arg = { .hang_from = 5 };
	struct umem_sim_fate fate;

	(void)state;
	assert_true(umem_sim_chancy(&arg));
	umem_sim_draw(&arg, 4, &fate);
	assert_false(fate.hang);
	umem_sim_draw(&arg, 5, &fate);
	assert_true(fate.hang);
	umem_sim_draw(&arg, UINT64_MAX, &fate);
	assert_true(fate.hang);
}

static void a_seed_decides(void **state)
{
	struct umem_sim_attach a = { .seed = 1, .error_permille = 500 };
	struct umem_sim_attach b = { .seed = 2, .error_permille = 500 };
	unsigned int differ = 0;

	(void)state;
	for (uint64_t n = 1; n <= 1000; n++) {
		struct umem_sim_fate first, again, other;

		umem_sim_draw(&a, n, &first);
		umem_sim_draw(&a, n, &again);
		umem_sim_draw(&b, n, &other);
		assert_true(first.error == again.error);
		differ += first.error != other.error;
	}
	assert_in_range(differ, 400, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_stay_in_bounds),
		cmocka_unit_test(shares_are_kept_and_independent),
		cmocka_unit_test(none_and_all),
		cmocka_unit_test(from_a_number_on),
		cmocka_unit_test(a_seed_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
