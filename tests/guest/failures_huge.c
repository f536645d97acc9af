// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under a region with granules of 2 MiB, and under its answers
 * and touches: each allocation fails once, the huge page and those in its place
 * too. A granule that got only a part of its pages is as missing as before.
 *
 * needs: umem
 * timeout: 120
 * walk: 4
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/huge.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	2
#define SIZE		(GRANULES * TEST_HUGE)
#define GRANULE		1

static int device, region, channel;
static char *mem, *bytes;
static pthread_t provider;

static int act_create(void)
{
	struct umem_create create = {
		.size = SIZE,
		.features = UMEM_FEATURE_HUGE,
		.flags = UMEM_CREATE_HUGE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = GRANULES,
		.max_data = TEST_HUGE,
	};

	region = umem_region_create(device, &create);
	return region < 0 ? -region : 0;
}

static void after_create(void)
{
	close(region);
}

static void creation(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "create, huge", .least = 20,
		.act = act_create, .after = after_create,
	});
}

static void before(void)
{
	assert_int_equal(act_create(), 0);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static int act_data(void)
{
	return -huge_answer(channel, UMEM_OP_DATA, GRANULE * TEST_HUGE,
			    TEST_HUGE, bytes);
}

static void refused_data(void)
{
	assert_int_equal(test_status(region).granules_provided, 0);
}

static void after_bytes(uint64_t copied)
{
	assert_true(huge_matches(mem + GRANULE * TEST_HUGE, GRANULE));
	assert_int_equal(test_status(region).bytes_copied, copied);
	assert_int_equal(test_status(region).granules_provided, 1);
	munmap(mem, SIZE);
	close(channel);
	close(region);
}

static void after(void)
{
	after_bytes(TEST_HUGE);
}

static void answer(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "DATA, huge", .least = 1, .all = true,
		.before = before, .act = act_data,
		.refused = refused_data, .after = after,
	});
}

static int act_write(void)
{
	ssize_t done = pwrite(region, bytes, TEST_HUGE, GRANULE * TEST_HUGE);

	if (done < 0)
		return errno;
	return done == (ssize_t)TEST_HUGE ? 0 : EIO;
}

static void after_write(void)
{
	assert_int_equal(test_status(region).requests, 0);
	after_bytes(0);
}

static void writing(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "write, huge", .least = 1, .all = true,
		.before = before, .act = act_write,
		.refused = refused_data, .after = after_write,
	});
}

static void *provide(void *arg)
{
	(void)arg;
	assert_int_equal(huge_take(channel), GRANULE);
	assert_int_equal(act_data(), 0);
	return NULL;
}

static void before_touch(void)
{
	before();
	assert_int_equal(pthread_create(&provider, NULL, provide, NULL), 0);
}

static int act_touch(void)
{
	return touch_read(mem + GRANULE * TEST_HUGE + TEST_PAGE) ? EFAULT : 0;
}

static void after_touch(void)
{
	pthread_join(provider, NULL);
	after();
}

static void touching(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "touch, huge", .least = 2,
		.before = before_touch, .act = act_touch, .after = after_touch,
	});
}

static int make_bytes(void **state)
{
	(void)state;
	device = umem_device_open();
	bytes = huge_pattern(GRANULE);
	return device < 0;
}

static int drop_bytes(void **state)
{
	(void)state;
	free(bytes);
	return close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation),
		cmocka_unit_test(answer),
		cmocka_unit_test(writing),
		cmocka_unit_test(touching),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, make_bytes, drop_bytes);
}
