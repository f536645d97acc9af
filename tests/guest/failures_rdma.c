// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under UMEM_RDMA_IOC_ATTACH and under RDMA READs: each
 * allocation of the thread that attaches, or touches, fails once. The channel
 * is as before, or the provider is lost like one whose server is; another
 * attach goes on. Whatever fails, no page is wrong; it would show, since regions
 * in a row have no bytes in common.
 *
 * needs: rxe umem umem_rdma
 * timeout: 300
 * walk: 10
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/rdma_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define SIZE	HOSTILE_STEP
#define PAGES	(SIZE / TEST_PAGE)

static pid_t server;
static int region, channel;
static char *mem;

/*
 * Where its own allocations fail while a queue pair is made, Soft-RoCE of 6.1
 * warns, and stops timers that it has not begun to use: it is spared there.
 */
#define DRIVER	"rxe_"

static int start(void **state)
{
	(void)state;
	server = hostile_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	hostile_kill(server);
	return 0;
}

/* ---- Attaching ---------------------------------------------------------- */

static void before_attach(void)
{
	hostile_move();
	region = test_region(SIZE, UMEM_WAIT_FAILFAST, 0, 4);
	channel = hand_open(region, 0);
}

static int act_attach(void)
{
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);

	return attach(&arg);
}

/* The channel's descriptor works as before. */
static void refused_attach(void)
{
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	hand_zero(channel, PAGES - 1, 1);
}

static void after_attach(void)
{
	assert_int_equal(read_granule(region, 3), 0);
	assert_int_equal(umem_region_detach(region), 0);
	close(channel);
	close(region);
}

static void attaching(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "attach", .least = 30, .all = true,
		.spare = DRIVER,
		.before = before_attach, .act = act_attach,
		.refused = refused_attach, .after = after_attach,
	});
}

/* The whole export: as many READs as there may be are reserved for a granule. */
static void before_attach_huge(void)
{
	hostile_move_back();
	region = huge_region(HOSTILE_SIZE / TEST_HUGE, 4);
	channel = hand_open(region, 0);
}

static void refused_attach_huge(void)
{
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	assert_int_equal(huge_answer(channel, UMEM_OP_ZERO, TEST_HUGE, TEST_HUGE,
				     NULL), 0);
}

/* A READ of 2 MiB takes seconds here; that it succeeds other tests show. */
static void after_attach_huge(void)
{
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_KERNEL);
	assert_int_equal(umem_region_detach(region), 0);
	close(channel);
	close(region);
}

static void attaching_to_huge_granules(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "attach, huge", .least = 30, .all = true,
		.spare = DRIVER,
		.before = before_attach_huge, .act = act_attach,
		.refused = refused_attach_huge, .after = after_attach_huge,
	});
}

/* ---- Reading ------------------------------------------------------------ */

static void before_read(void)
{
	hostile_move();
	region = test_region(SIZE, UMEM_WAIT_FAILFAST, 0, 4);
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
}

static int act_read(void)
{
	return read_granule(region, 5);
}

static int act_touch(void)
{
	return touch_read(mem + 5 * TEST_PAGE) == SIGBUS ? EIO : 0;
}

/* A READ that could not be sent ends the connection, under fail-fast the wait. */
static void refused_read(void)
{
	if (wait_detached(region))
		assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
}

static void after_read(void)
{
	assert_int_equal(read_granule(region, 5), 0);
	assert_int_equal(test_status(region).bytes_copied, 0);
	munmap(mem, SIZE);
	close(region);
}

static void reading(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "read over RDMA", .least = 2, .errors = { EIO },
		.before = before_read, .act = act_read,
		.refused = refused_read, .after = after_read,
	});
}

static void touching(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "touch over RDMA", .least = 2, .errors = { EIO },
		.before = before_read, .act = act_touch,
		.refused = refused_read, .after = after_read,
	});
}

/* ---- Everywhere --------------------------------------------------------- */

/* 0, or how it ended early; what is left is for the region's end to clear away. */
static int attach_and_read(unsigned int timeout_ms)
{
	int channel = umem_region_channel(region, 0);
	struct umem_rdma_attach arg;
	uint64_t granule;
	int err;

	if (channel < 0)
		return -channel;
	arg = attach_arg(channel, HOSTILE_GOOD);
	arg.connect_timeout_ms = timeout_ms;
	err = attach(&arg);
	close(channel);
	for (granule = 0; !err && granule < PAGES; granule++)
		err = read_granule(region, granule);
	return err;
}

/*
 * Completions and the work that detaches have no thread of ours to count in. No
 * errno is wrong here, but a byte is, and what does not end.
 */
static void at_random(void **state)
{
	const unsigned int all = 40, times = failures_share(all);
	unsigned int i, bad = 0;
	int err;

	(void)state;
	for (i = 0; i < times; i++) {
		hostile_move();
		region = test_region(SIZE, UMEM_WAIT_FAILFAST, 0, 4);
		failures_at_random(2, DRIVER);
		/* A message that is never sent is waited for. */
		err = attach_and_read(2000);
		assert_int_not_equal(err, EILSEQ);
		bad += !!err;
		err = umem_region_detach(region);
		failures_at_random(0, NULL);
		assert_true(!err || err == -ENOENT);
		assert_int_equal(attach_and_read(1000 * TEST_SECONDS), 0);
		close(region);
	}
	print_message("# at random: %u of %u times it did not get through\n",
		      bad, times);
	/* Each time the chance is one to two; a few may have luck. */
	assert_in_range(bad, times == all, times);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaching),
		cmocka_unit_test(attaching_to_huge_granules),
		cmocka_unit_test(reading),
		cmocka_unit_test(touching),
		cmocka_unit_test(at_random),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
