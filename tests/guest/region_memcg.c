// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who is charged for a region's pages: who faults; for what comes in the
 * background, who made the region, and nobody is killed for that.
 *
 * needs: umem
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/setting.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 1024
#define SIZE (PAGES * TEST_PAGE)
#define CREATOR "/sys/fs/cgroup/umem-creator"
#define TOUCHER "/sys/fs/cgroup/umem-toucher"

/* Pages of shared memory charged to a cgroup. */
static long shmem_pages(const char *directory)
{
	char path[128], line[128];
	long bytes = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.stat", directory);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "shmem %ld", &bytes) == 1)
			break;
	fclose(f);
	return bytes / (long)TEST_PAGE;
}

static int setup(void **state)
{
	(void)state;
	mkdir(CREATOR, 0755);
	mkdir(TOUCHER, 0755);
	return access(CREATOR "/memory.stat", R_OK) ? 77 : 0;
}

static int teardown(void **state)
{
	(void)state;
	setting_try("/sys/fs/cgroup/cgroup.procs", "0");
	rmdir(CREATOR);
	rmdir(TOUCHER);
	return 0;
}

/* Counters of a cgroup are flushed now and then: nearly, within a while. */
static void becomes(const char *directory, long pages)
{
	AWAIT(labs(shmem_pages(directory) - pages) <= 8);
}

static void who_is_charged(void **state)
{
	struct pattern_provider provider = {};
	int region, channel;
	unsigned int i;
	char *mem;

	(void)state;
	assert_true(setting_try(CREATOR "/cgroup.procs", "0"));
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 512);
	channel = hand_open(region, 0);
	assert_true(setting_try(TOUCHER "/cgroup.procs", "0"));
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);

	/* A push is nobody's fault. */
	hand_data(channel, 0, 128);
	becomes(CREATOR, 128);
	becomes(TOUCHER, 0);

	/* A prefetch is charged when it is asked for. */
	assert_int_equal(posix_fadvise(region, 128 * TEST_PAGE, 128 * TEST_PAGE,
				       POSIX_FADV_WILLNEED), 0);
	becomes(CREATOR, 256);
	becomes(TOUCHER, 0);
	close(channel);

	/* A fault is the toucher's, whoever answers. */
	pattern_provider_start(&provider, region);
	for (i = 256; i < 512; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	becomes(TOUCHER, 256);
	becomes(CREATOR, 256);
	pattern_provider_stop(&provider);
	munmap(mem, SIZE);
	close(region);
}

static long event(const char *directory, const char *name)
{
	char path[128], line[128], key[64];
	long count = -1, value;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.events", directory);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", key, &value) == 2 &&
		    !strcmp(key, name))
			count = value;
	fclose(f);
	return count;
}

static bool none_is_open(int region)
{
	struct umem_region_status status = test_status(region);

	return !status.requests_queued && !status.requests_issued;
}

/* Prefetches end where the creator's memory does. */
static void nobody_is_killed(void **state)
{
	struct pattern_provider provider = {};
	const unsigned int pages = 4 * PAGES;
	unsigned int i;
	int region;

	(void)state;
	assert_true(setting_try(CREATOR "/cgroup.procs", "0"));
	region = test_region(pages * TEST_PAGE, UMEM_WAIT_HARD, 0, 512);
	assert_true(setting_try(TOUCHER "/cgroup.procs", "0"));
	assert_true(setting_try(CREATOR "/memory.max", "8M"));
	pattern_provider_start(&provider, region);
	for (i = 0; i < pages; i += 128) {
		assert_int_equal(posix_fadvise(region, i * TEST_PAGE,
					       128 * TEST_PAGE,
					       POSIX_FADV_WILLNEED), 0);
		AWAIT(none_is_open(region));
	}
	assert_true(test_status(region).prefetches_dropped > 0);
	assert_true(event(CREATOR, "max") > 0);
	assert_int_equal(event(CREATOR, "oom_kill"), 0);
	assert_int_equal(event(CREATOR, "oom"), 0);
	pattern_provider_stop(&provider);
	close(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_charged),
		cmocka_unit_test(nobody_is_killed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
