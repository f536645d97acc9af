// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench: the order of touches, percentiles, lists of CPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/umem-bench/cpus.c"
#include "tools/umem-bench/hist.c"
#include "tools/umem-bench/perm.c"

static void each_once(uint64_t count, uint64_t seed)
{
	unsigned char *seen = calloc(count, 1);
	struct perm perm;

	assert_non_null(seen);
	perm_init(&perm, count, seed);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = perm_at(&perm, i);

		assert_true(at < count);
		assert_int_equal(seen[at], 0);
		seen[at] = 1;
	}
	free(seen);
}

static void permutes(void **state)
{
	static const uint64_t counts[] = {
		1, 2, 3, 4, 5, 16, 17, 1000, 4096, 65536, 65537, 100003,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (uint64_t seed = 0; seed < 3; seed++)
			each_once(counts[i], seed);
}

/* Same seed, same order; neighbours are rarely touched one after the other. */
static void is_random(void **state)
{
	enum { COUNT = 65536 };
	struct perm a, same, other;
	int equal = 0, near = 0;

	(void)state;
	perm_init(&a, COUNT, 1);
	perm_init(&same, COUNT, 1);
	perm_init(&other, COUNT, 2);
	for (uint64_t i = 0; i + 1 < COUNT; i++) {
		int64_t step = (int64_t)(perm_at(&a, i + 1) - perm_at(&a, i));

		assert_int_equal(perm_at(&a, i), perm_at(&same, i));
		equal += perm_at(&a, i) == perm_at(&other, i);
		near += step >= -16 && step <= 16;
	}
	/* Expected of true randomness: 1 and 32. */
	assert_in_range(equal, 0, 10);
	assert_in_range(near, 10, 70);
}

static void large(void **state)
{
	struct perm perm;

	(void)state;
	perm_init(&perm, (1ULL << 40) + 12345, 9);
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(perm_at(&perm, i) < perm.count);
}

static void percentiles(void **state)
{
	struct hist *hist = hist_new();
	struct hist_summary sum;

	(void)state;
	assert_non_null(hist);
	hist_summarize(hist, &sum);
	assert_true(sum.p50 == 0 && sum.mean == 0 && sum.max == 0);
	for (uint64_t ns = 1; ns <= 100000; ns++)
		hist_add(hist, ns);
	hist_summarize(hist, &sum);
	/* Three significant digits. */
	assert_in_range((int)sum.p50, 49950, 50050);
	assert_in_range((int)sum.p90, 89910, 90090);
	assert_in_range((int)sum.p99, 98901, 99099);
	assert_in_range((int)sum.p99_9, 99800, 100000);
	assert_true(sum.max == 100000 && sum.min == 1);
	assert_true(sum.mean == 50000.5);
	hist_free(hist);
}

static void extremes(void **state)
{
	struct hist *hist = hist_new();
	struct hist_summary sum;

	(void)state;
	assert_non_null(hist);
	hist_add(hist, 0);
	hist_add(hist, UINT64_MAX);
	hist_summarize(hist, &sum);
	assert_true(sum.min == 0 && sum.max == 3600e9);
	hist_free(hist);
}

static void cpu_lists(void **state)
{
	struct bench_cpus cpus;
	struct umem_why why;

	(void)state;
	assert_int_equal(cpus_parse("0,2-4,7", &cpus, &why), 0);
	assert_int_equal(CPU_COUNT(&cpus.set), 5);
	assert_true(CPU_ISSET(0, &cpus.set) && !CPU_ISSET(1, &cpus.set) &&
		    CPU_ISSET(4, &cpus.set) && CPU_ISSET(7, &cpus.set));
	assert_int_equal(cpus_parse("5", &cpus, &why), 0);
	assert_int_equal(CPU_COUNT(&cpus.set), 1);
	assert_int_equal(cpus_parse("1023", &cpus, &why), 0);
	assert_int_equal(cpus_parse("any", &cpus, &why), 0);
	assert_int_equal(CPU_COUNT(&cpus.set), 0);
	cpus_first(&cpus);
	assert_int_equal(CPU_COUNT(&cpus.set), 1);
}

static void no_cpu_lists(void **state)
{
	static const char *const bad[] = {
		"", ",", "1,", ",1", "2-", "-2", "3-1", "a", "1a", "1-2-3",
		"1 2", " 1", "+1",
	};
	struct bench_cpus cpus;
	struct umem_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cpus_parse(bad[i], &cpus, &why) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(cpus_parse("1024", &cpus, &why), -ERANGE);
	assert_int_equal(cpus_parse("0-99999999999999999999", &cpus, &why),
			 -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permutes),
		cmocka_unit_test(is_random),
		cmocka_unit_test(large),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(extremes),
		cmocka_unit_test(cpu_lists),
		cmocka_unit_test(no_cpu_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
