// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem_rdma and servers that break the protocol, one test for each way: the
 * errno that is documented, the channel as before, no complaint of the kernel.
 * From a server that misbehaves later no wrong byte comes, and the region goes
 * on with another.
 *
 * needs: rxe umem umem_rdma
 * timeout: 300
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "lib/pattern_provider.h"
#include "lib/rdma_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	(HOSTILE_SIZE / TEST_PAGE)
#define INFLIGHT	32
/* A second of these, or as many as show that a server serves. */
#define KEPT		256

static pid_t server;

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

static void provides(int region)
{
	assert_int_equal(read_granule(region, 1), 0);
	assert_int_equal(read_granule(region, GRANULES - 1), 0);
	assert_int_equal(test_status(region).bytes_copied, 0);
}

static void refused(enum hostile_mode mode, int region)
{
	int channel = umem_region_channel(region, 0);
	struct umem_rdma_attach arg = attach_arg(channel, mode);
	long long took = test_now_ms();

	assert_int_equal(attach(&arg), hostile_ways[mode].err);
	took = test_now_ms() - took;
	assert_true(took < arg.connect_timeout_ms + 1000 * TEST_SECONDS);
	if (hostile_ways[mode].err == ETIMEDOUT)
		assert_true(took >= arg.connect_timeout_ms - 20);

	/* The channel is the caller's again, and good for another server. */
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	assert_int_equal(test_status(channel).requests, 0);
	arg = attach_arg(channel, HOSTILE_GOOD);
	assert_int_equal(attach(&arg), 0);
	close(channel);
	provides(region);
}

/*
 * Read one granule after the other, one in @pause_ms, until the server is lost:
 * how many were read.
 */
static unsigned int read_until_lost(int region, unsigned int count,
				    unsigned int pause_ms)
{
	unsigned int granule;

	for (granule = 0; granule < count; granule++) {
		int err = read_granule(region, granule);

		if (err) {
			assert_int_equal(err, EIO);
			break;
		}
		usleep(1000 * pause_ms);
	}
	return granule;
}

/* There are enough granules to wait for it for half a minute. */
static void lost(enum hostile_mode mode, int region)
{
	int err, i;

	err = attach_region(region, mode);
	for (i = 1; i < HOSTILE_TRIES && hostile_was_early(mode, err); i++)
		err = attach_region(region, mode);
	/* This one may be lost before we are through. */
	if (mode != HOSTILE_LIVE_AT_ONCE || err != EPROTO)
		assert_int_equal(err, 0);
	assert_true(read_until_lost(region, GRANULES, 25) < GRANULES);
	assert_true(wait_detached(region));

	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	assert_int_equal(read_until_lost(region, KEPT, 0), KEPT);
	assert_int_equal(test_status(region).bytes_copied, 0);
}

/* Its NIC would serve READs for ever, but it takes no KEEPALIVE. */
static void deaf(int region)
{
	int channel = umem_region_channel(region, 0);
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_LIVE_DEAF);

	assert_int_equal(attach(&arg), 0);
	close(channel);
	assert_int_equal(read_granule(region, 0), 0);
	assert_true(wait_detached(region));
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	assert_int_equal(read_granule(region, 1), 0);
}

static void kept(enum hostile_mode mode, int region)
{
	assert_int_equal(attach_region(region, mode), 0);
	assert_int_equal(read_until_lost(region, KEPT, 4), KEPT);
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_KERNEL);
	assert_int_equal(umem_region_detach(region), 0);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_NONE);
}

static void one_mode(void **state)
{
	enum hostile_mode mode = (uintptr_t)*state;
	int region = test_region(GRANULES * TEST_PAGE, UMEM_WAIT_FAILFAST, 0,
				 INFLIGHT);

	if (hostile_ways[mode].err)
		refused(mode, region);
	else if (mode == HOSTILE_LIVE_DEAF)
		deaf(region);
	else if (mode > HOSTILE_LIVE_DEAF)
		lost(mode, region);
	else
		kept(mode, region);
	close(region);
}

int main(void)
{
	struct CMUnitTest tests[HOSTILE_NR_MODES];

	for (unsigned int i = 0; i < HOSTILE_NR_MODES; i++)
		tests[i] = (struct CMUnitTest){
			.name = hostile_ways[i].name,
			.test_func = one_mode,
			.initial_state = (void *)(uintptr_t)i,
		};
	return cmocka_run_group_tests(tests, start, stop);
}
