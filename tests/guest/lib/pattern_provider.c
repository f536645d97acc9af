// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern_provider.h"
#include "provider/lib/region.h"

void pattern_fill(void *page, uint64_t granule)
{
	uint64_t *words = page;
	unsigned int i;

	for (i = 0; i < TEST_PAGE / sizeof(*words); i++)
		words[i] = pattern_word(granule, i);
}

bool test_is_zero(const void *page)
{
	const char *bytes = page;

	return !bytes[0] && !memcmp(bytes, bytes + 1, TEST_PAGE - 1);
}

bool pattern_matches(const void *page, uint64_t granule)
{
	const volatile uint64_t *words = page;
	unsigned int i;

	for (i = 0; i < TEST_PAGE / sizeof(*words); i++)
		if (words[i] != pattern_word(granule, i))
			return false;
	return true;
}

int test_region(size_t size, unsigned int policy, unsigned int timeout_ms,
		unsigned int max_inflight)
{
	struct umem_create create = {
		.size = size,
		.wait_policy = policy,
		.timeout_ms = timeout_ms,
		.max_inflight = max_inflight,
		.max_data = TEST_MAX_DATA,
	};
	int device = umem_device_open();
	int region;

	assert_true(device >= 0);
	region = umem_region_create(device, &create);
	close(device);
	if (region < 0)
		fail_msg("region of %zu bytes: %s", size, strerror(-region));
	return region;
}

struct umem_region_status test_status(int fd)
{
	struct umem_region_status status;

	assert_int_equal(umem_region_status(fd, &status), 0);
	return status;
}

static void answer(struct pattern_provider *provider,
		   const struct umem_record *request)
{
	static __thread struct {
		struct umem_record record;
		char page[TEST_PAGE];
	} out;
	uint64_t granule = le64toh(request->offset) / TEST_PAGE;
	size_t length = sizeof(out);

	memset(&out.record, 0, sizeof(out.record));
	out.record.offset = request->offset;
	out.record.length = request->length;
	if (provider->fail_every && granule % provider->fail_every == 0) {
		out.record.op = UMEM_OP_FAIL;
		out.record.status = htole16(UMEM_STATUS_IO);
		length = sizeof(out.record);
	} else {
		out.record.op = UMEM_OP_DATA;
		pattern_fill(out.page, granule);
	}
	if (write(provider->channel, &out, length) != (ssize_t)length &&
	    errno != EPIPE)
		print_error("answer for granule %llu: %s\n",
			    (unsigned long long)granule, strerror(errno));
}

static void *serve(void *arg)
{
	struct pattern_provider *provider = arg;
	struct pollfd fds[2] = {
		{ .fd = provider->channel, .events = POLLIN },
		{ .fd = provider->stop_pipe[0], .events = POLLIN },
	};
	struct umem_record requests[16];
	ssize_t got;
	size_t i;

	while (poll(fds, 2, -1) >= 0 && !fds[1].revents) {
		got = read(provider->channel, requests, sizeof(requests));
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got <= 0)
			break;
		for (i = 0; i < got / sizeof(requests[0]); i++)
			answer(provider, &requests[i]);
	}
	return NULL;
}

static void start(struct pattern_provider *provider, int region,
		  unsigned int flags)
{
	provider->channel = umem_region_channel(region, flags |
						UMEM_CHANNEL_NONBLOCK);
	assert_true(provider->channel >= 0);
	assert_int_equal(pipe(provider->stop_pipe), 0);
	assert_int_equal(pthread_create(&provider->thread, NULL, serve,
					provider), 0);
}

void pattern_provider_start(struct pattern_provider *provider, int region)
{
	start(provider, region, 0);
}

void pattern_provider_take_over(struct pattern_provider *provider, int region)
{
	start(provider, region, UMEM_CHANNEL_REPLACE);
}

void pattern_provider_stop(struct pattern_provider *provider)
{
	assert_int_equal(write(provider->stop_pipe[1], "x", 1), 1);
	pthread_join(provider->thread, NULL);
	close(provider->stop_pipe[0]);
	close(provider->stop_pipe[1]);
	close(provider->channel);
}

int test_fixture_make(void **state, size_t size, unsigned int max_inflight)
{
	struct test_fixture *f = calloc(1, sizeof(*f));

	f->region = test_region(size, UMEM_WAIT_HARD, 0, max_inflight);
	pattern_provider_start(&f->provider, f->region);
	*state = f;
	return 0;
}

int test_fixture_drop(void **state)
{
	struct test_fixture *f = *state;

	pattern_provider_stop(&f->provider);
	close(f->region);
	free(f);
	return 0;
}
