// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out while the simulated provider attaches: each allocation fails
 * once. The channel is as before.
 *
 * needs: umem umem_sim
 * timeout: 120
 * walk: 4
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/sim_attach.h"
#include "provider/lib/region.h"

#define PAGES	16
#define SIZE	(PAGES * TEST_PAGE)

static int region, channel, sim, source;

static void before(void)
{
	/* So many that its table is more than kmalloc() has at once. */
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 1000);
	channel = hand_open(region, 0);
	sim = sim_open();
}

static int act(void)
{
	struct umem_sim_attach arg = sim_arg(0);

	arg.content = UMEM_SIM_COPY;
	arg.source_fd = source;
	return sim_attach_channel(sim, channel, &arg);
}

static void refused(void)
{
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	hand_zero(channel, PAGES - 1, 1);
}

static void end(void)
{
	assert_int_equal(umem_region_detach(region), 0);
	close(sim);
	close(channel);
	close(region);
}

static void after(void)
{
	static char page[TEST_PAGE];

	assert_int_equal(pread(region, page, sizeof(page), 3 * TEST_PAGE),
			 sizeof(page));
	assert_true(pattern_matches(page, 3));
	end();
}

static void attaching(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "attach of umem_sim", .least = 5, .all = true,
		.before = before, .act = act,
		.refused = refused, .after = after,
	});
}

/* ---- Without a source ---------------------------------------------------- */

#define SEED	3

static int act_pattern(void)
{
	struct umem_sim_attach arg = sim_arg(SEED);

	return sim_attach_channel(sim, channel, &arg);
}

/* What it made up is that, also where the channel was given back before. */
static void after_pattern(void)
{
	static char page[TEST_PAGE];

	assert_int_equal(pread(region, page, sizeof(page), 3 * TEST_PAGE),
			 sizeof(page));
	assert_true(sim_page_is(page, SEED, 3));
	end();
}

static void attaching_with_a_pattern(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "attach of umem_sim, PATTERN", .least = 2, .all = true,
		.before = before, .act = act_pattern,
		.refused = refused, .after = after_pattern,
	});
}

/* ---- Granules of 2 MiB --------------------------------------------------- */

#define GRANULES 2

static void before_huge(void)
{
	region = huge_region(GRANULES, 100);
	channel = hand_open(region, 0);
	sim = sim_open();
}

static void refused_huge(void)
{
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	assert_int_equal(huge_answer(channel, UMEM_OP_ZERO, TEST_HUGE, TEST_HUGE,
				     NULL), 0);
}

/* The last page of the granule. */
static void after_huge(void)
{
	static char page[TEST_PAGE];

	assert_int_equal(pread(region, page, sizeof(page),
			       TEST_HUGE - TEST_PAGE), sizeof(page));
	assert_true(sim_page_is(page, SEED, TEST_HUGE_PAGES - 1));
	end();
}

static void attaching_to_huge_granules(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "attach of umem_sim, huge", .least = 2, .all = true,
		.before = before_huge, .act = act_pattern,
		.refused = refused_huge, .after = after_huge,
	});
}

static int make_source(void **state)
{
	static char page[TEST_PAGE];
	unsigned int i;

	(void)state;
	source = memfd_create("source", MFD_CLOEXEC);
	for (i = 0; i < PAGES; i++) {
		pattern_fill(page, i);
		if (write(source, page, sizeof(page)) != sizeof(page))
			return -1;
	}
	return 0;
}

static int close_source(void **state)
{
	(void)state;
	sim_wait_unused();
	return close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaching),
		cmocka_unit_test(attaching_with_a_pattern),
		cmocka_unit_test(attaching_to_huge_granules),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, make_source, close_source);
}
