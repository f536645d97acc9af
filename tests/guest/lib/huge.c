// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <endian.h>
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "huge.h"
#include "provider/lib/region.h"
#include "setting.h"
#include "touch.h"

int huge_region(unsigned int granules, unsigned int max_inflight)
{
	struct umem_create create = {
		.size = granules * TEST_HUGE,
		.features = UMEM_FEATURE_HUGE,
		.flags = UMEM_CREATE_HUGE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = max_inflight,
		.max_data = 2 * TEST_HUGE,
	};
	int device = umem_device_open();
	int region;

	assert_true(device >= 0);
	region = umem_region_create(device, &create);
	close(device);
	if (region < 0)
		fail_msg("region of %u huge granules: %s", granules,
			 strerror(-region));
	return region;
}

uint64_t huge_take(int channel)
{
	struct pollfd pfd = { .fd = channel, .events = POLLIN };
	struct umem_record request;
	ssize_t got;

	poll(&pfd, 1, TEST_SECONDS * 1000);
	got = read(channel, &request, sizeof(request));
	if (got != sizeof(request))
		fail_msg("no request came: read %zd: %s", got, strerror(errno));
	assert_int_equal(request.op, UMEM_OP_FETCH);
	assert_int_equal(le32toh(request.length), TEST_HUGE);
	assert_int_equal(le64toh(request.offset) % TEST_HUGE, 0);
	return le64toh(request.offset) / TEST_HUGE;
}

long huge_answer(int channel, int op, uint64_t offset, uint32_t length,
		 const void *payload)
{
	struct umem_record record = {
		.offset = htole64(offset),
		.length = htole32(length),
		.op = op,
		.status = htole16(op == UMEM_OP_FAIL ? UMEM_STATUS_IO : 0),
	};
	struct iovec iov[2] = {
		{ .iov_base = &record, .iov_len = sizeof(record) },
		{ .iov_base = (void *)payload, .iov_len = length },
	};
	ssize_t all = sizeof(record) + (payload ? length : 0);
	ssize_t done = writev(channel, iov, payload ? 2 : 1);

	if (done < 0)
		return -errno;
	return done == all ? 0 : done;
}

char *huge_pattern(uint64_t granule)
{
	char *bytes = malloc(TEST_HUGE);
	unsigned int i;

	for (i = 0; i < TEST_HUGE_PAGES; i++)
		pattern_fill(bytes + i * TEST_PAGE,
			     granule * TEST_HUGE_PAGES + i);
	return bytes;
}

void huge_data(int channel, uint64_t granule)
{
	char *bytes = huge_pattern(granule);
	long err = huge_answer(channel, UMEM_OP_DATA, granule * TEST_HUGE,
			       TEST_HUGE, bytes);

	free(bytes);
	if (err)
		fail_msg("DATA for granule %llu: %ld",
			 (unsigned long long)granule, err);
}

bool huge_matches(const char *at, uint64_t granule)
{
	unsigned int i;

	for (i = 0; i < TEST_HUGE_PAGES; i++)
		if (!pattern_matches(at + i * TEST_PAGE,
				     granule * TEST_HUGE_PAGES + i))
			return false;
	return true;
}

char *map_aligned(int fd, size_t size, int prot, int flags)
{
	char *at = mmap(NULL, size + TEST_HUGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	at += -(uintptr_t)at % TEST_HUGE;
	assert_ptr_equal(mmap(at, size, prot, flags | MAP_FIXED, fd, 0), at);
	return at;
}

#define SIZES	"/sys/kernel/mm/transparent_hugepage/hugepages-*kB/shmem_enabled"

static void check_each_value(const char *path, void (*check)(void))
{
	static const char * const values[] = {
		"always", "inherit", "within_size", "advise", "never",
	};
	unsigned int i, taken = 0;
	char was[32];

	setting_read(path, was, sizeof(was));
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!setting_try(path, values[i]))
			continue;
		print_message("%s=%s\n", path, values[i]);
		check();
		taken++;
	}
	assert_true(taken > 0);
	assert_true(setting_try(path, was));
}

void huge_each_size(void (*check)(void))
{
	glob_t sizes;
	size_t i;

	if (glob(SIZES, 0, NULL, &sizes))
		skip();
	for (i = 0; i < sizes.gl_pathc; i++)
		check_each_value(sizes.gl_pathv[i], check);
	globfree(&sizes);
}

/* "Field:   123 kB" */
static bool field_of(const char *line, const char *field, long *kilobytes)
{
	size_t length = strlen(field);

	return !strncmp(line, field, length) &&
	       sscanf(line + length, "%ld", kilobytes) == 1;
}

long meminfo_kilobytes(const char *field)
{
	FILE *meminfo = fopen("/proc/meminfo", "r");
	char line[128];
	long kilobytes = -1;

	assert_non_null(meminfo);
	while (fgets(line, sizeof(line), meminfo))
		if (field_of(line, field, &kilobytes))
			break;
	fclose(meminfo);
	return kilobytes;
}
