// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "provider/lib/region.h"
#include "provider/pattern.h"
#include "sim_attach.h"
#include "touch.h"

struct umem_sim_attach sim_arg(uint64_t seed)
{
	return (struct umem_sim_attach){
		.content = UMEM_SIM_PATTERN,
		.source_fd = -1,
		.pattern_seed = seed,
	};
}

int sim_open(void)
{
	int sim = open("/dev/umem-sim", O_RDWR | O_CLOEXEC);

	if (sim < 0)
		fail_msg("/dev/umem-sim: %s", strerror(errno));
	return sim;
}

int sim_attach_channel(int sim, int channel, const struct umem_sim_attach *arg)
{
	struct umem_sim_attach with_channel = *arg;

	with_channel.channel_fd = channel;
	return ioctl(sim, UMEM_SIM_IOC_ATTACH, &with_channel) ? errno : 0;
}

int sim_provide(int region, const struct umem_sim_attach *arg)
{
	int channel = umem_region_channel(region, UMEM_CHANNEL_REPLACE);
	int sim = sim_open();
	int err;

	if (channel < 0)
		fail_msg("channel: %s", strerror(-channel));
	err = sim_attach_channel(sim, channel, arg);
	if (err)
		fail_msg("UMEM_SIM_IOC_ATTACH: %s", strerror(err));
	close(channel);
	return sim;
}

struct umem_sim_stats sim_stats(int sim)
{
	struct umem_sim_stats stats;

	if (ioctl(sim, UMEM_SIM_IOC_STATS, &stats))
		fail_msg("UMEM_SIM_IOC_STATS: %s", strerror(errno));
	return stats;
}

bool sim_page_is(const void *page, uint64_t seed, uint64_t granule)
{
	uint64_t words[TEST_PAGE / sizeof(uint64_t)];

	umem_pattern_fill(seed, granule * TEST_PAGE, words,
			  TEST_PAGE / sizeof(uint64_t));
	return !memcmp(page, words, sizeof(words));
}

static int module_users(void)
{
	FILE *f = fopen("/sys/module/umem_sim/refcnt", "r");
	int users = -1;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &users), 1);
	fclose(f);
	return users;
}

void sim_wait_unused(void)
{
	AWAIT(!module_users());
}
