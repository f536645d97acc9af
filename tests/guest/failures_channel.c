// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out under a region's and a channel's creation, and under
 * answers: each allocation fails once. The operation says so and changes
 * nothing, or copes; once more, it succeeds.
 *
 * needs: umem
 * timeout: 300
 * walk: 10
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"
#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES	64
#define SIZE	(PAGES * TEST_PAGE)

static int device, region, channel, other;
static int lowest;		/* descriptor that was free */

static int next_fd(void)
{
	int fd = dup(device);

	close(fd);
	return fd;
}

/* ---- Regions ------------------------------------------------------------ */

static struct umem_create create = {
	.wait_policy = UMEM_WAIT_HARD,
	.max_data = TEST_MAX_DATA,
};

static void before_create(void)
{
	lowest = next_fd();
}

static int act_create(void)
{
	region = umem_region_create(device, &create);
	return region < 0 ? -region : 0;
}

static void refused_fd(void)
{
	assert_int_equal(next_fd(), lowest);
}

static bool holds_pattern(uint64_t granule)
{
	static char page[TEST_PAGE];

	assert_int_equal(pread(region, page, sizeof(page),
			       granule * TEST_PAGE), sizeof(page));
	return pattern_matches(page, granule);
}

static void after_create(void)
{
	channel = hand_open(region, 0);
	hand_data(channel, PAGES - 1, 1);
	assert_true(holds_pattern(PAGES - 1));
	close(channel);
	close(region);
}

static void walk_create(const char *what)
{
	failures_walk(&(struct failing){
		.what = what, .least = 20, .all = true,
		.before = before_create, .act = act_create,
		.refused = refused_fd, .after = after_create,
	});
}

static void region_create(void **state)
{
	(void)state;
	create.size = SIZE;
	create.max_inflight = 4;
	walk_create("create");
}

/* Its tables are more than kmalloc() has at once, so vmalloc() comes second. */
static void region_create_big(void **state)
{
	(void)state;
	create.size = 1UL << 30;
	create.max_inflight = 1000;
	walk_create("create, big");
}

/* The table of those who are read ahead of comes last: all else goes again. */
static void region_create_ahead(void **state)
{
	(void)state;
	create.size = SIZE;
	create.max_inflight = 4;
	create.readahead = 2 * TEST_PAGE;
	walk_create("create, with read-ahead");
	create.readahead = 0;
}

static void before_region(void)
{
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 4);
	lowest = next_fd();
}

static void after_region(void)
{
	close(region);
}

static int act_status(void)
{
	struct umem_region_status status;

	return -umem_region_status(region, &status);
}

/* Monitoring needs no memory. */
static void region_status(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "status", .all = true,
		.before = before_region, .act = act_status,
		.after = after_region,
	});
}

/* ---- Channels ----------------------------------------------------------- */

static int act_channel(void)
{
	channel = umem_region_channel(region, UMEM_CHANNEL_NONBLOCK);
	return channel < 0 ? -channel : 0;
}

static void refused_channel(void)
{
	refused_fd();
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_NONE);
}

static void after_channel(void)
{
	hand_data(channel, 3, 1);
	assert_true(holds_pattern(3));
	close(channel);
	close(region);
}

static void channel_open(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "channel", .least = 4, .all = true,
		.before = before_region, .act = act_channel,
		.refused = refused_channel, .after = after_channel,
	});
}

static void before_replace(void)
{
	before_region();
	other = hand_open(region, 0);
	lowest = next_fd();
}

static int act_replace(void)
{
	channel = umem_region_channel(region, UMEM_CHANNEL_REPLACE);
	return channel < 0 ? -channel : 0;
}

/* Who could not be replaced goes on. */
static void refused_replace(void)
{
	refused_fd();
	hand_data(other, 7, 1);
}

static void after_replace(void)
{
	assert_int_equal(hand_try(other, UMEM_OP_ZERO, 8, 1), -EPIPE);
	close(other);
	after_channel();
}

static void channel_replace(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "channel, REPLACE", .least = 4, .all = true,
		.before = before_replace, .act = act_replace,
		.refused = refused_replace, .after = after_replace,
	});
}

/* ---- Answers ------------------------------------------------------------ */

#define RECORD_PAGES	4
#define RECORDS		(PAGES / RECORD_PAGES)

static struct data_record {
	struct umem_record record;
	char bytes[RECORD_PAGES * TEST_PAGE];
} data[RECORDS];

static void make_data(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		pattern_fill(data[i / RECORD_PAGES].bytes +
			     i % RECORD_PAGES * TEST_PAGE, i);
	for (i = 0; i < RECORDS; i++) {
		data[i].record.offset = htole64(i * sizeof(data[i].bytes));
		data[i].record.length = htole32(sizeof(data[i].bytes));
		data[i].record.op = UMEM_OP_DATA;
	}
}

static void before_answer(void)
{
	before_region();
	channel = hand_open(region, 0);
}

/* A short count tells that there was an error behind it: once more. */
static int act_data(void)
{
	size_t done = 0;
	ssize_t n;

	while (done < sizeof(data)) {
		n = write(channel, (char *)data + done, sizeof(data) - done);
		if (n <= 0)
			return n ? errno : EPROTO;
		/* Whole records. */
		if (n % sizeof(data[0]))
			return EPROTO;
		done += n;
	}
	return 0;
}

static void after_data(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		assert_true(holds_pattern(i));
	/* What came before the failure was not copied a second time. */
	assert_int_equal(test_status(region).bytes_copied, SIZE);
	close(channel);
	close(region);
}

static void answer_data(void **state)
{
	(void)state;
	make_data();
	failures_walk(&(struct failing){
		.what = "DATA", .least = PAGES, .all = true,
		.before = before_answer, .act = act_data,
		.after = after_data,
	});
}

static int act_zero(void)
{
	return -hand_try(channel, UMEM_OP_ZERO, 0, PAGES);
}

static void after_zero(void)
{
	assert_int_equal(test_status(region).granules_provided, PAGES);
	close(channel);
	close(region);
}

/* Zeroes need no page until somebody looks at them. */
static void answer_zero(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "ZERO", .all = true,
		.before = before_answer, .act = act_zero,
		.after = after_zero,
	});
}

/*
 * A writer that waits for its own payload (which is missing memory of another
 * region) has the channel's bounce page. Another gets one of its own or, when
 * there is none, waits for the first.
 */
static int source, source_channel;
static char *payload;
static pthread_t first_writer, releaser;

static void *write_first(void *arg)
{
	(void)arg;
	assert_int_equal(write(channel, payload, sizeof(data[0])),
			 sizeof(data[0]));
	return NULL;
}

static void *release_later(void *arg)
{
	(void)arg;
	usleep(200000);
	hand_data(source_channel, 1, RECORD_PAGES);
	return NULL;
}

static void before_bounce(void)
{
	before_answer();
	source = test_region(SIZE, UMEM_WAIT_HARD, 0, 4);
	source_channel = hand_open(source, 0);
	payload = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, source,
		       0);
	assert_true(payload != MAP_FAILED);
	/* The record is there, its payload begins in a page that is not. */
	hand_zero(source_channel, 0, 1);
	payload += TEST_PAGE - sizeof(struct umem_record);
	memcpy(payload, &data[0].record, sizeof(struct umem_record));
	assert_int_equal(pthread_create(&first_writer, NULL, write_first,
					NULL), 0);
	assert_int_equal(hand_take(source_channel), 1);
	assert_int_equal(pthread_create(&releaser, NULL, release_later, NULL),
			 0);
}

static int act_bounce(void)
{
	return -hand_try(channel, UMEM_OP_DATA, 9, 1);
}

static void after_bounce(void)
{
	pthread_join(first_writer, NULL);
	pthread_join(releaser, NULL);
	assert_true(holds_pattern(9));
	assert_int_equal(test_status(region).granules_provided,
			 RECORD_PAGES + 1);
	munmap(payload - TEST_PAGE + sizeof(struct umem_record), SIZE);
	close(source_channel);
	close(source);
	close(channel);
	close(region);
}

static void answer_of_two_writers(void **state)
{
	(void)state;
	failures_walk(&(struct failing){
		.what = "DATA beside another writer", .least = 2, .all = true,
		.before = before_bounce, .act = act_bounce,
		.after = after_bounce,
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(region_create),
		cmocka_unit_test(region_create_big),
		cmocka_unit_test(region_create_ahead),
		cmocka_unit_test(region_status),
		cmocka_unit_test(channel_open),
		cmocka_unit_test(channel_replace),
		cmocka_unit_test(answer_data),
		cmocka_unit_test(answer_zero),
		cmocka_unit_test(answer_of_two_writers),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	device = umem_device_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
