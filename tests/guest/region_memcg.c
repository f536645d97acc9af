// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who is charged for a region's pages: who faults, reads or writes; for what comes
 * in the background, who made the region, and nobody is killed for that.
 *
 * needs: umem umem_sim
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
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/setting.h"
#include "lib/sim_attach.h"
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

static bool none_is_open(int region)
{
	struct umem_region_status status = test_status(region);

	return !status.requests_queued && !status.requests_issued;
}

static void be_in(const char *directory)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	assert_true(setting_try(path, "0"));
}

static void pages_are(long creators, long touchers)
{
	becomes(CREATOR, creators);
	becomes(TOUCHER, touchers);
}

/* Made by one cgroup, used by another from then on. */
static int creators_region(unsigned int readahead_pages)
{
	struct umem_create create = {
		.size = SIZE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 512,
		.max_data = TEST_MAX_DATA,
		.readahead = readahead_pages * TEST_PAGE,
	};
	int device = umem_device_open(), region;

	be_in(CREATOR);
	region = umem_region_create(device, &create);
	assert_true(region >= 0);
	close(device);
	be_in(TOUCHER);
	pages_are(0, 0);
	return region;
}

static char *map_region(int region, size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region,
			 0);

	assert_true(mem != MAP_FAILED);
	return mem;
}

static void who_is_charged(void **state)
{
	struct pattern_provider provider = {};
	int region = creators_region(0);
	int channel = hand_open(region, 0);
	char *mem = map_region(region, SIZE);
	unsigned int i;

	(void)state;
	/* A push is nobody's fault. */
	hand_data(channel, 0, 128);
	pages_are(128, 0);

	/* A prefetch is charged when it is asked for. */
	assert_int_equal(posix_fadvise(region, 128 * TEST_PAGE, 128 * TEST_PAGE,
				       POSIX_FADV_WILLNEED), 0);
	pages_are(256, 0);
	close(channel);

	/* A fault is the toucher's, whoever answers. */
	pattern_provider_start(&provider, region);
	for (i = 256; i < 512; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	pages_are(256, 256);
	pattern_provider_stop(&provider);
	munmap(mem, SIZE);
	close(region);
}

/*
 * Who may only write must not be able to spend the memory of who made the
 * region, whether a granule has to be fetched for it or not.
 */
static void who_writes_is_charged(void **state)
{
	struct pattern_provider provider = {};
	char *bytes = calloc(256, TEST_PAGE);
	int region = creators_region(0);
	unsigned int i;

	(void)state;
	assert_int_equal(pwrite(region, bytes, 256 * TEST_PAGE, 0),
			 256 * TEST_PAGE);
	assert_int_equal(test_status(region).granules_written, 256);
	pages_are(0, 256);
	pattern_provider_start(&provider, region);
	for (i = 256; i < 384; i++)
		assert_int_equal(pwrite(region, bytes, 1, i * TEST_PAGE), 1);
	pages_are(0, 384);
	for (i = 384; i < 512; i += 64)
		assert_int_equal(pread(region, bytes, 64 * TEST_PAGE,
				       i * TEST_PAGE), 64 * TEST_PAGE);
	pages_are(0, 512);
	assert_int_equal(test_status(region).granules_written, 256);
	pattern_provider_stop(&provider);
	close(region);
	free(bytes);
}

static void who_made_it_is_charged_for_a_fill(void **state)
{
	struct pattern_provider provider = {};
	int region = creators_region(0);

	(void)state;
	pattern_provider_start(&provider, region);
	assert_int_equal(umem_region_fill(region, 64), 0);
	AWAIT(test_status(region).granules_provided == PAGES);
	pages_are(PAGES, 0);
	pattern_provider_stop(&provider);
	close(region);
}

/* What was a guess is the creator's, also where it turned out to be wanted. */
static void who_made_it_is_charged_for_read_ahead(void **state)
{
	struct pattern_provider provider = {};
	int region = creators_region(64);
	char *mem = map_region(region, SIZE);
	struct umem_region_status status;
	unsigned int i;

	(void)state;
	pattern_provider_start(&provider, region);
	for (i = 0; i < 512; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	AWAIT(none_is_open(region));
	status = test_status(region);
	assert_true(status.readahead_asked > 256);
	pages_are(status.readahead_asked,
		  status.requests - status.readahead_asked);
	pattern_provider_stop(&provider);
	munmap(mem, SIZE);
	close(region);
}

static void faults_served_in_the_kernel(void **state)
{
	struct umem_sim_attach arg = sim_arg(7);
	int region = creators_region(0);
	char *mem = map_region(region, SIZE);
	int sim = sim_provide(region, &arg);
	unsigned int i;

	(void)state;
	for (i = 0; i < 256; i++)
		assert_true(sim_page_is(mem + i * TEST_PAGE, 7, i));
	pages_are(0, 256);
	assert_int_equal(posix_fadvise(region, 256 * TEST_PAGE, 128 * TEST_PAGE,
				       POSIX_FADV_WILLNEED), 0);
	AWAIT(test_status(region).granules_provided == 384);
	pages_are(128, 256);
	munmap(mem, SIZE);
	close(region);
	close(sim);
	sim_wait_unused();
}

/* A provider in the creator's cgroup, which writes into the pages themselves. */
static void provide_cached(int channel, unsigned int count)
{
	char *pages = hand_map(channel, SIZE);
	unsigned int i;
	uint64_t granule;

	be_in(CREATOR);
	for (i = 0; i < count; i++) {
		granule = hand_take(channel);
		pattern_fill(pages + granule * TEST_PAGE, granule);
		hand_cached(channel, granule, 1);
	}
	_exit(0);
}

static void who_touches_is_charged_for_cached(void **state)
{
	int region = creators_region(0);
	int channel = hand_open(region, 0);
	char *mem = map_region(region, SIZE);
	pid_t provider = fork();
	unsigned int i;
	int status;

	(void)state;
	if (!provider)
		provide_cached(channel, 128);
	for (i = 0; i < 128; i++)
		assert_true(pattern_matches(mem + i * TEST_PAGE, i));
	assert_int_equal(waitpid(provider, &status, 0), provider);
	assert_int_equal(status, 0);
	assert_int_equal(test_status(region).bytes_mapped, 128 * TEST_PAGE);
	pages_are(0, 128);
	close(channel);
	munmap(mem, SIZE);
	close(region);
}

/* The same rules where a granule has 512 pages. */
static void huge_granules(void **state)
{
	struct toucher toucher;
	int region, channel;
	char *mem, *bytes;

	(void)state;
	be_in(CREATOR);
	region = huge_region(4, 4);
	be_in(TOUCHER);
	pages_are(0, 0);
	channel = hand_open(region, 0);
	mem = map_region(region, 4 * TEST_HUGE);
	toucher_start(&toucher, mem);
	assert_int_equal(huge_take(channel), 0);
	pages_are(0, TEST_HUGE_PAGES);
	huge_data(channel, 0);
	assert_int_equal(toucher_join(&toucher), 0);
	huge_data(channel, 1);
	pages_are(TEST_HUGE_PAGES, TEST_HUGE_PAGES);
	assert_int_equal(posix_fadvise(region, 2 * TEST_HUGE, TEST_HUGE,
				       POSIX_FADV_WILLNEED), 0);
	pages_are(2 * TEST_HUGE_PAGES, TEST_HUGE_PAGES);
	bytes = huge_pattern(3);
	assert_int_equal(pwrite(region, bytes, TEST_HUGE, 3 * TEST_HUGE),
			 TEST_HUGE);
	assert_int_equal(test_status(region).granules_written, 1);
	pages_are(2 * TEST_HUGE_PAGES, 2 * TEST_HUGE_PAGES);
	free(bytes);
	close(channel);
	munmap(mem, 4 * TEST_HUGE);
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

/* Prefetches end where the creator's memory does. */
static void nobody_is_killed(void **state)
{
	struct pattern_provider provider = {};
	const unsigned int pages = 4 * PAGES;
	unsigned int i;
	int region;

	(void)state;
	be_in(CREATOR);
	region = test_region(pages * TEST_PAGE, UMEM_WAIT_HARD, 0, 512);
	be_in(TOUCHER);
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
		cmocka_unit_test(who_writes_is_charged),
		cmocka_unit_test(who_made_it_is_charged_for_a_fill),
		cmocka_unit_test(who_made_it_is_charged_for_read_ahead),
		cmocka_unit_test(faults_served_in_the_kernel),
		cmocka_unit_test(who_touches_is_charged_for_cached),
		cmocka_unit_test(huge_granules),
		cmocka_unit_test(nobody_is_killed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
