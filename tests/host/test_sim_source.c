// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * provider/lib/sim: sim:WORD,WORD...
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/umem.h>

#include "sim.h"
#include "source.h"

static struct umem_sim_attach parsed(const char *text)
{
	struct umem_why why = { "" };
	struct umem_source source;

	if (umem_source_parse(text, &source, &why))
		fail_msg("\"%s\": %s", text, why.text);
	assert_int_equal(source.kind, UMEM_SOURCE_SIM);
	return source.sim.arg;
}

static void bad(const char *text, const char *clause)
{
	struct umem_why why = { "" };
	struct umem_source source;

	assert_int_equal(umem_source_parse(text, &source, &why), -EINVAL);
	if (!strstr(why.text, clause))
		fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, why.text, clause);
}

static void contents(void **state)
{
	struct umem_sim_source sim;

	(void)state;
	assert_int_equal(parsed("sim:").content, UMEM_SIM_PATTERN);
	assert_true(parsed("sim:").pattern_seed == 0);
	assert_int_equal(parsed("sim:").source_fd, -1);
	assert_true(parsed("sim:pattern=0x10").pattern_seed == 16);
	assert_int_equal(parsed("sim:zero").content, UMEM_SIM_ZERO);
	assert_int_equal(umem_sim_parse("seed=1,file=/a,b=c", &sim, NULL), 0);
	assert_int_equal(sim.arg.content, UMEM_SIM_COPY);
	assert_string_equal(sim.path, "/a,b=c");
	bad("sim:zero,pattern=1", "only one of");
	bad("sim:pattern=1,pattern=2", "twice");
	bad("sim:pattern", "needs a value");
	bad("sim:pattern=x", "not a whole number");
	bad("sim:zero=1", "has no value");
	bad("sim:file=", "needs a value");
}

static void numbers(void **state)
{
	struct umem_sim_attach arg =
		parsed("sim:latency=3us,jitter=5,bandwidth=12G,reorder=1,error=2,hang=3,refuse=1000,hang-from=4,gone-after=5,seed=6");

	(void)state;
	assert_true(arg.latency_ns == 3000);
	assert_true(arg.jitter_ns == 5);
	assert_true(arg.bandwidth == 12ULL << 30);
	assert_int_equal(arg.reorder_permille, 1);
	assert_int_equal(arg.error_permille, 2);
	assert_int_equal(arg.error_status, UMEM_STATUS_IO);
	assert_int_equal(arg.hang_permille, 3);
	assert_int_equal(arg.refuse_permille, 1000);
	assert_true(arg.hang_from == 4);
	assert_true(arg.gone_after == 5);
	assert_true(arg.seed == 6);
	assert_int_equal(parsed("sim:hang=3").error_status, 0);
}

static void times(void **state)
{
	(void)state;
	assert_true(parsed("sim:latency=0").latency_ns == 0);
	assert_true(parsed("sim:latency=7ns").latency_ns == 7);
	assert_true(parsed("sim:latency=7ms").latency_ns == 7000000);
	assert_true(parsed("sim:latency=60s").latency_ns == UMEM_SIM_DELAY_MAX);
	bad("sim:latency=61s", "at most 60s");
	bad("sim:latency=99999999999999999999999999", "at most 60s");
	bad("sim:latency=3 us", "at most 60s");
	bad("sim:latency=-3us", "at most 60s");
	bad("sim:latency=us", "at most 60s");
	bad("sim:latency=3min", "at most 60s");
	bad("sim:latency=", "at most 60s");
	bad("sim:latency", "at most 60s");
}

static void nonsense(void **state)
{
	(void)state;
	bad("sim:latencies=1", "is no word of sim:");
	bad("sim:,", "is no word of sim:");
	bad("sim:=1", "is no word of sim:");
	bad("sim:hang=1001", "is not between");
	bad("sim:hang=", "not a whole number");
	bad("sim:seed=1x", "not a whole number");
	bad("sim:bandwidth=1K", "less than 65536");
	bad("sim:bandwidth=fast", "not a size");
	bad("sim:reorder=1", "needs \"latency\"");
	bad("sim:latency=1,latency=1", "twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents),
		cmocka_unit_test(numbers),
		cmocka_unit_test(times),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
