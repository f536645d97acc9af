// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a region tells of itself by fdinfo, and what it costs.
 *
 * needs: umem mem=2G
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "lib/huge.h"
#include "provider/lib/region.h"

#define PAGES 16
#define SIZE (PAGES * TEST_PAGE)

static char text[1 << 16];

/* The file's text, in a buffer of its own until the next call. */
static const char *slurp(const char *path)
{
	size_t length = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	while (length < sizeof(text) - 1 &&
	       (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += got;
	close(fd);
	text[length] = '\0';
	return text;
}

static void has(const char *line)
{
	if (!strstr(text, line))
		fail_msg("no \"%s\" in:\n%s", line, text);
}

static void read_fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	slurp(path);
}

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void fdinfo(void **state)
{
	int region = test_region(SIZE, UMEM_WAIT_TIMEOUT, 500, 8);
	char line[128];
	int channel;

	(void)state;
	read_fdinfo(region);
	snprintf(line, sizeof(line), "umem-region:\t%lu\n",
		 (unsigned long)inode_of(region));
	has(line);
	has("umem-size:\t65536\n");
	has("umem-granule:\t4096\n");
	has("umem-provided:\t0\n");
	has("umem-wait-policy:\ttimeout\n");
	has("umem-provider:\tnone\n");
	has("umem-requests:\t0 queued 0 issued 8 max\n");
	snprintf(line, sizeof(line), "umem-memory:\t%llu\n",
		 (unsigned long long)test_status(region).memory);
	has(line);

	channel = hand_open(region, 0);
	hand_data(channel, 0, 3);
	read_fdinfo(channel);
	has("umem-provider:\tuser\n");
	has("umem-provided:\t12288\n");
	close(region);
	/* The channel outlives its region. */
	read_fdinfo(channel);
	has("umem-provider:\tnone\n");
	close(channel);
}

/*
 * Free memory in KiB: MemFree and, which MemFree leaves out, the pages that the
 * CPUs keep at hand. An allocation of 32 MiB makes Linux 6.12 keep 7 MiB more.
 */
static long free_kib(void)
{
	long kib = meminfo_kilobytes("MemFree:");
	const char *at;

	slurp("/proc/zoneinfo");
	for (at = text; (at = strstr(at, " count:")); at++)
		kib += strtol(at + 7, NULL, 10) * (TEST_PAGE >> 10);
	return kib;
}

/* A bit for each granule and little else. */
/* Those that needed what was missing, by however many granules. */
static void reads_are_calls(void **state)
{
	const size_t size = 200 * TEST_PAGE;
	struct pattern_provider provider = {};
	int region = test_region(2 * size, UMEM_WAIT_HARD, 0, 64);
	char *buf = malloc(size);

	(void)state;
	pattern_provider_start(&provider, region);
	assert_int_equal(pread(region, buf, size, 100), size);
	assert_int_equal(test_status(region).reads, 1);
	assert_int_equal(test_status(region).requests, 201);
	assert_int_equal(pread(region, buf, size, 0), size);
	assert_int_equal(test_status(region).reads, 1);
	/* A part of a granule; whole ones; both. */
	assert_int_equal(pwrite(region, buf, 1, 300 * TEST_PAGE), 1);
	assert_int_equal(test_status(region).reads, 2);
	assert_int_equal(pwrite(region, buf, 90 * TEST_PAGE, 210 * TEST_PAGE),
			 90 * TEST_PAGE);
	assert_int_equal(test_status(region).reads, 2);
	assert_int_equal(pwrite(region, buf, 80 * TEST_PAGE,
				310 * TEST_PAGE + 1), 80 * TEST_PAGE);
	assert_int_equal(test_status(region).reads, 3);
	assert_int_equal(test_status(region).faults, 0);
	pattern_provider_stop(&provider);
	close(region);
	free(buf);
}

static void a_terabyte_costs_33_mebibytes(void **state)
{
	struct umem_create create = {
		.size = 1ULL << 40,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 256,
		.max_data = TEST_PAGE,
	};
	int device = umem_device_open();
	struct umem_region_status status;
	long before, cost, least = LONG_MAX;
	int regions[3], i;

	(void)state;
	assert_true(device >= 0);
	/* What the first region ever allocates once is not the cost of one. */
	close(test_region(SIZE, UMEM_WAIT_HARD, 0, 8));
	/* Pages may go from a CPU to the rest between two looks: the least of three. */
	for (i = 0; i < 3; i++) {
		before = free_kib();
		regions[i] = umem_region_create(device, &create);
		assert_true(regions[i] >= 0);
		cost = before - free_kib();
		least = cost < least ? cost : least;
	}
	status = test_status(regions[0]);
	/* Not before: what comes back late would count for the next. */
	while (i--)
		close(regions[i]);
	print_message("1 TiB: %ld KiB less are free, memory is %llu bytes\n",
		      least, (unsigned long long)status.memory);
	/* A debug kernel has shadows for it. */
	if (!getenv("UMEM_DEBUG_KERNEL") || !*getenv("UMEM_DEBUG_KERNEL"))
		assert_true(least <= 33 << 10);
	assert_true(status.memory >= 32ULL << 20);
	assert_true(status.memory <= 33ULL << 20);
	close(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fdinfo),
		cmocka_unit_test(reads_are_calls),
		cmocka_unit_test(a_terabyte_costs_33_mebibytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
