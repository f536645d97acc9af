// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "hand_provider.h"
#include "provider/lib/region.h"
#include "touch.h"

int hand_open(int region, unsigned int flags)
{
	int channel = umem_region_channel(region, flags | UMEM_CHANNEL_NONBLOCK);

	if (channel < 0)
		fail_msg("channel: %s", strerror(-channel));
	return channel;
}

uint64_t hand_take(int channel)
{
	return hand_take_op(channel, UMEM_OP_FETCH);
}

uint64_t hand_take_op(int channel, int op)
{
	struct pollfd pfd = { .fd = channel, .events = POLLIN };
	double end = test_now() + TEST_SECONDS;
	struct umem_record request;
	ssize_t got;

	/* Another reader may be faster than poll() promised. */
	do {
		poll(&pfd, 1, 100);
		got = read(channel, &request, sizeof(request));
	} while (got < 0 && errno == EAGAIN && test_now() < end);
	if (got != sizeof(request))
		fail_msg("no request came: read %zd: %s", got, strerror(errno));
	assert_int_equal(request.op, op);
	assert_int_equal(request.flags, 0);
	assert_int_equal(request.status, 0);
	assert_int_equal(le32toh(request.length), TEST_PAGE);
	assert_int_equal(le64toh(request.offset) % TEST_PAGE, 0);
	return le64toh(request.offset) / TEST_PAGE;
}

void hand_take_all(int channel, uint64_t first, unsigned int count)
{
	bool *seen = calloc(count, sizeof(*seen));
	unsigned int i;

	for (i = 0; i < count; i++) {
		uint64_t granule = hand_take(channel);

		assert_in_range(granule, first, first + count - 1);
		assert_false(seen[granule - first]);
		seen[granule - first] = true;
	}
	free(seen);
}

void hand_release(int region)
{
	int channel = hand_open(region, UMEM_CHANNEL_REPLACE);

	hand_zero(channel, 0, test_status(region).granules);
	close(channel);
}

bool hand_none(int channel)
{
	struct umem_record request;

	return read(channel, &request, sizeof(request)) < 0 && errno == EAGAIN;
}

long hand_try(int channel, int op, uint64_t first, unsigned int count)
{
	size_t length = sizeof(struct umem_record);
	struct umem_record *record;
	unsigned int i;
	long done;

	record = malloc(length + count * TEST_PAGE);
	memset(record, 0, sizeof(*record));
	record->offset = htole64(first * TEST_PAGE);
	record->length = htole32(count * TEST_PAGE);
	record->op = op;
	if (op == UMEM_OP_FAIL)
		record->status = htole16(UMEM_STATUS_IO);
	if (op == UMEM_OP_DATA) {
		for (i = 0; i < count; i++)
			pattern_fill((char *)(record + 1) + i * TEST_PAGE,
				     first + i);
		length += count * TEST_PAGE;
	}
	done = write(channel, record, length);
	if (done < 0)
		done = -errno;
	else if (done == (long)length)
		done = 0;
	free(record);
	return done;
}

static void must(int channel, int op, uint64_t first, unsigned int count)
{
	long err = hand_try(channel, op, first, count);

	if (err)
		fail_msg("answer %d for granule %llu: %ld", op,
			 (unsigned long long)first, err);
}

void hand_data(int channel, uint64_t first, unsigned int count)
{
	const unsigned int most = TEST_MAX_DATA / TEST_PAGE;

	for (; count > most; first += most, count -= most)
		must(channel, UMEM_OP_DATA, first, most);
	must(channel, UMEM_OP_DATA, first, count);
}

void hand_zero(int channel, uint64_t first, unsigned int count)
{
	must(channel, UMEM_OP_ZERO, first, count);
}

void hand_fail(int channel, uint64_t first, unsigned int count)
{
	must(channel, UMEM_OP_FAIL, first, count);
}

void hand_cached(int channel, uint64_t first, unsigned int count)
{
	must(channel, UMEM_OP_CACHED, first, count);
}

char *hand_map(int channel, size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 channel, 0);

	if (map == MAP_FAILED)
		fail_msg("mmap of the channel: %s", strerror(errno));
	return map;
}

/* ---- A test's state ------------------------------------------------------ */

void hand_fixture_init(struct hand_fixture *f, size_t size,
		       unsigned int max_inflight, unsigned int policy,
		       unsigned int timeout_ms)
{
	f->size = size;
	f->region = test_region(size, policy, timeout_ms, max_inflight);
	f->channel = hand_open(f->region, 0);
	f->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      f->region, 0);
	assert_true(f->mem != MAP_FAILED);
}

void hand_fixture_exit(struct hand_fixture *f)
{
	hand_release(f->region);
	munmap(f->mem, f->size);
	close(f->region);
	close(f->channel);
}

int hand_fixture_make(void **state, size_t size, unsigned int max_inflight)
{
	struct hand_fixture *f = calloc(1, sizeof(*f));

	hand_fixture_init(f, size, max_inflight, UMEM_WAIT_HARD, 0);
	*state = f;
	return 0;
}

int hand_fixture_drop(void **state)
{
	struct hand_fixture *f = *state;

	hand_fixture_exit(f);
	free(f);
	return 0;
}
