// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * write() to granules of 2 MiB that are missing: whole ones are not fetched, and
 * come as a whole or not at all, whatever happens to their source meanwhile.
 *
 * needs: umem mem=2G cpus=2
 * timeout: 240
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/huge.h"
#include "lib/pagemap.h"
#include "lib/smaps.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	4
#define SIZE		(GRANULES * TEST_HUGE)

static int region = -1, channel = -1;
static char *mem;

static int open_region(void **state)
{
	(void)state;
	region = huge_region(GRANULES, 8);
	channel = hand_open(region, 0);
	mem = map_aligned(region, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	return 0;
}

static int close_region(void **state)
{
	(void)state;
	munmap(mem, SIZE);
	close(region);
	close(channel);
	return 0;
}

static char *bytes(void)
{
	char *at = malloc(TEST_HUGE * 2);
	unsigned int i;

	for (i = 0; i < 2 * TEST_HUGE / TEST_PAGE; i++)
		memset(at + i * TEST_PAGE, 'A' + i % 53, TEST_PAGE);
	return at;
}

static bool is_all(const char *at, char what)
{
	return *at == what && !memcmp(at, at + 1, TEST_HUGE - 1);
}

/* The next granule that is asked for, if any. */
static bool next_request(uint64_t *granule)
{
	struct umem_record request;

	if (read(channel, &request, sizeof(request)) != sizeof(request))
		return false;
	*granule = le64toh(request.offset) / TEST_HUGE;
	return true;
}

static bool is_mapped(size_t granule)
{
	for (unsigned int i = 0; i < TEST_HUGE_PAGES; i++)
		if (pagemap_present(mem + granule * TEST_HUGE + i * TEST_PAGE))
			return true;
	return false;
}

struct writer {
	pthread_t thread;
	const char *from;
	size_t length;
	off_t at;
	ssize_t result;
	_Atomic bool over;
};

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	w->result = pwrite(region, w->from, w->length, w->at);
	if (w->result < 0)
		w->result = -errno;
	w->over = true;
	return NULL;
}

static void writer_start(struct writer *w, const char *from, size_t length,
			 off_t at)
{
	*w = (struct writer){ .from = from, .length = length, .at = at };
	assert_int_equal(pthread_create(&w->thread, NULL, writer_run, w), 0);
}

static ssize_t writer_join(struct writer *w)
{
	AWAIT(w->over);
	pthread_join(w->thread, NULL);
	return w->result;
}

/* ---- What is fetched ----------------------------------------------------- */

static void whole_granules_are_not_fetched(void **state)
{
	struct umem_region_status status;
	char *from = bytes();

	(void)state;
	assert_int_equal(pwrite(region, from, 2 * TEST_HUGE, TEST_HUGE),
			 2 * TEST_HUGE);
	assert_true(hand_none(channel));
	status = test_status(region);
	assert_int_equal(status.granules_written, 2);
	assert_int_equal(status.granules_provided, 2);
	assert_int_equal(status.requests, 0);
	assert_int_equal(status.reads, 0);
	assert_int_equal(status.bytes_copied, 0);
	assert_memory_equal(mem + TEST_HUGE, from, 2 * TEST_HUGE);
	/* Its neighbours are as they were. */
	assert_int_equal(lseek(region, 0, SEEK_DATA), TEST_HUGE);
	assert_int_equal(lseek(region, TEST_HUGE, SEEK_HOLE), 3 * TEST_HUGE);
	assert_false(is_mapped(0));
	assert_false(is_mapped(3));
	assert_int_equal(smaps_kilobytes(mem, "ShmemPmdMapped"), 4096);
	/* A push comes too late. */
	huge_data(channel, 1);
	assert_memory_equal(mem + TEST_HUGE, from, 2 * TEST_HUGE);
	assert_int_equal(test_status(region).answers_stale, 1);
	assert_int_equal(test_status(region).requests, 0);
	free(from);
}

/* From the middle of 0 to the middle of 2. */
static void parts_are_fetched_first(void **state)
{
	char *from = bytes(), *was = huge_pattern(0);
	struct writer w;

	(void)state;
	writer_start(&w, from, 2 * TEST_HUGE, TEST_HUGE / 2);
	assert_int_equal(huge_take(channel), 0);
	assert_false(w.over);
	huge_data(channel, 0);
	assert_int_equal(huge_take(channel), 2);
	huge_data(channel, 2);
	assert_int_equal(writer_join(&w), 2 * TEST_HUGE);
	assert_memory_equal(mem, was, TEST_HUGE / 2);
	assert_memory_equal(mem + TEST_HUGE / 2, from, 2 * TEST_HUGE);
	assert_int_equal(test_status(region).requests, 2);
	assert_int_equal(test_status(region).granules_written, 1);
	assert_int_equal(test_status(region).reads, 1);
	free(from);
	free(was);
}

/* Of one who waits, nobody has taken the request: the write provides. */
static void who_waits_gets_what_was_written(void **state)
{
	char *from = bytes();
	struct toucher toucher;

	(void)state;
	toucher_start(&toucher, mem + TEST_HUGE + 70 * TEST_PAGE);
	AWAIT(test_status(region).requests_queued == 1);
	assert_int_equal(pwrite(region, from, TEST_HUGE, TEST_HUGE), TEST_HUGE);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(toucher.value, from[70 * TEST_PAGE]);
	assert_true(hand_none(channel));
	assert_int_equal(test_status(region).requests, 1);
	assert_int_equal(test_status(region).requests_queued, 0);
	assert_memory_equal(mem + TEST_HUGE, from, TEST_HUGE);
	free(from);
}

static void a_fetch_under_way_comes_first(void **state)
{
	char *from = bytes();
	struct toucher toucher;
	struct writer w;

	(void)state;
	toucher_start(&toucher, mem + TEST_HUGE);
	assert_int_equal(huge_take(channel), 1);
	writer_start(&w, from, TEST_HUGE, TEST_HUGE);
	usleep(100000);
	assert_false(w.over);
	huge_data(channel, 1);
	assert_int_equal(writer_join(&w), TEST_HUGE);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_memory_equal(mem + TEST_HUGE, from, TEST_HUGE);
	assert_int_equal(test_status(region).granules_written, 0);
	free(from);
}

/* ---- Where the bytes come from ------------------------------------------- */

/* From another missing granule, and from the very one that is written. */
static void from_a_missing_granule(void **state)
{
	struct writer w;

	(void)state;
	writer_start(&w, mem, TEST_HUGE, TEST_HUGE);
	assert_int_equal(huge_take(channel), 0);
	huge_data(channel, 0);
	assert_int_equal(writer_join(&w), TEST_HUGE);
	assert_true(huge_matches(mem + TEST_HUGE, 0));
	assert_int_equal(test_status(region).granules_written, 1);

	writer_start(&w, mem + 2 * TEST_HUGE, TEST_HUGE, 2 * TEST_HUGE);
	assert_int_equal(huge_take(channel), 2);
	huge_data(channel, 2);
	assert_int_equal(writer_join(&w), TEST_HUGE);
	assert_true(huge_matches(mem + 2 * TEST_HUGE, 2));
	assert_int_equal(test_status(region).granules_written, 1);
}

/* The source ends half-way: the rest is the provider's. */
static void a_source_that_ends(void **state)
{
	char *from = bytes(), *was = huge_pattern(1);
	char *area = mmap(NULL, TEST_HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const size_t half = TEST_HUGE / 2;
	struct writer w;

	(void)state;
	memcpy(area, from, TEST_HUGE);
	mprotect(area + half, TEST_PAGE, PROT_NONE);
	writer_start(&w, area, TEST_HUGE, TEST_HUGE);
	assert_int_equal(huge_take(channel), 1);
	assert_int_equal(test_status(region).granules_provided, 0);
	assert_false(w.over);
	assert_int_equal(huge_answer(channel, UMEM_OP_FAIL, TEST_HUGE, TEST_HUGE,
				     NULL), 0);
	assert_int_equal(writer_join(&w), -EIO);
	assert_int_equal(test_status(region).granules_provided, 0);

	writer_start(&w, area, TEST_HUGE, TEST_HUGE);
	assert_int_equal(huge_take(channel), 1);
	huge_data(channel, 1);
	assert_int_equal(writer_join(&w), half);
	assert_memory_equal(mem + TEST_HUGE, from, half);
	assert_memory_equal(mem + TEST_HUGE + half, was + half, half);
	assert_int_equal(test_status(region).granules_written, 0);
	munmap(area, TEST_HUGE);
	free(from);
	free(was);
}

/* Memory of a file, to be mapped and gone again. */
static char *source(char what)
{
	int fd = memfd_create("source", 0);
	char *at;

	assert_int_equal(ftruncate(fd, TEST_HUGE), 0);
	at = mmap(NULL, TEST_HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(at, what, TEST_HUGE);
	close(fd);
	return at;
}

/* Nothing of it is mapped: the copy needs a fault for each page. */
static void a_source_to_be_faulted_in(void **state)
{
	char *from = source('s');

	(void)state;
	for (unsigned int i = 0; i < GRANULES; i++) {
		madvise(from, TEST_HUGE, MADV_DONTNEED);
		assert_int_equal(pwrite(region, from, TEST_HUGE,
					i * TEST_HUGE), TEST_HUGE);
		assert_true(is_all(mem + i * TEST_HUGE, 's'));
	}
	assert_int_equal(test_status(region).granules_written, GRANULES);
	assert_int_equal(test_status(region).requests, 0);
	munmap(from, TEST_HUGE);
}

/* What a granule holds after a write of @done bytes to what the provider has. */
static void check_written(const struct writer *w, char what)
{
	size_t done = w->result > 0 ? w->result : 0;
	char *want = huge_pattern(w->at / TEST_HUGE);

	memset(want, what, done);
	assert_memory_equal(mem + w->at, want, TEST_HUGE);
	free(want);
}

/*
 * The source goes while it is copied. Who waits for the granule, and everybody
 * afterwards, sees what the write says that it wrote, and else the provider's
 * bytes. One round after the other the source goes a little later.
 */
static void a_source_that_goes(void **state)
{
	unsigned int whole = 0, round, delay = 0;

	(void)state;
	for (round = 0; round < 120 && whole < 4; round++) {
		char *from = source('g');
		struct toucher toucher;
		struct writer w;
		uint64_t granule;

		toucher_start(&toucher, mem + TEST_HUGE + TEST_PAGE);
		AWAIT(test_status(region).requests_queued == 1);
		writer_start(&w, from, TEST_HUGE, TEST_HUGE);
		usleep(delay);
		delay += delay / 8 + 20;
		mprotect(from, TEST_HUGE, PROT_NONE);
		while (!w.over || !toucher_is_over(&toucher))
			if (next_request(&granule))
				huge_data(channel, granule);
		writer_join(&w);
		assert_int_equal(toucher_join(&toucher), 0);
		assert_true(w.result > 0 || w.result == -EFAULT);
		whole += w.result == TEST_HUGE;
		check_written(&w, 'g');
		munmap(from, TEST_HUGE);
		close_region(NULL);
		open_region(NULL);
	}
	print_message("%u of %u were whole\n", whole, round);
	assert_in_range(whole, 1, round - 1);
}

/* ---- Together with others ------------------------------------------------ */

static _Atomic bool stop;

/* The source is unmapped again and again: the copy begins anew, or is fetched. */
static void *unmap_all_the_time(void *arg)
{
	while (!stop)
		madvise(arg, TEST_HUGE, MADV_DONTNEED);
	return NULL;
}

/* Provides what is asked for, and pushes besides. */
static void *provide_all_the_time(void *arg)
{
	unsigned int i = 0;
	uint64_t granule;

	while (!stop) {
		if (!next_request(&granule))
			granule = i++ % GRANULES;
		huge_answer(channel, UMEM_OP_DATA, granule * TEST_HUGE,
			    TEST_HUGE, arg);
	}
	return NULL;
}

static void *touch_all_the_time(void *arg)
{
	unsigned int i = 0;

	(void)arg;
	while (!stop)
		touch_read(mem + i++ * 997 * TEST_PAGE % SIZE);
	return NULL;
}

/* Answers come before a write or not at all: never over it, nor half. */
static void among_answers(void **state)
{
	char *theirs = malloc(TEST_HUGE), *ours = source('w');
	pthread_t threads[3];

	(void)state;
	memset(theirs, 't', TEST_HUGE);
	for (unsigned int round = 0; round < 12; round++) {
		stop = false;
		pthread_create(&threads[0], NULL, provide_all_the_time, theirs);
		pthread_create(&threads[1], NULL, unmap_all_the_time, ours);
		pthread_create(&threads[2], NULL, touch_all_the_time, NULL);
		for (unsigned int i = 0; i < GRANULES; i++)
			assert_int_equal(pwrite(region, ours, TEST_HUGE,
						i * TEST_HUGE), TEST_HUGE);
		stop = true;
		/* Whoever waits still has it from the write. */
		for (unsigned int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		for (unsigned int i = 0; i < GRANULES; i++)
			assert_true(is_all(mem + i * TEST_HUGE, 'w'));
		assert_int_equal(test_status(region).granules_provided,
				 GRANULES);
		close_region(NULL);
		open_region(NULL);
	}
	munmap(ours, TEST_HUGE);
	free(theirs);
}

static void *punch_granules(void *arg)
{
	unsigned int i = 0;

	(void)arg;
	while (!stop)
		fallocate(region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  i++ % GRANULES * TEST_HUGE, TEST_HUGE);
	return NULL;
}

/* A hole comes before a write or after it. */
static void among_holes(void **state)
{
	char *from = malloc(TEST_HUGE);
	pthread_t thread;

	(void)state;
	memset(from, 'h', TEST_HUGE);
	for (unsigned int round = 0; round < 12; round++) {
		stop = false;
		pthread_create(&thread, NULL, punch_granules, NULL);
		for (unsigned int i = GRANULES; i--;)
			assert_int_equal(pwrite(region, from, TEST_HUGE,
						i * TEST_HUGE), TEST_HUGE);
		stop = true;
		pthread_join(thread, NULL);
		for (unsigned int i = 0; i < GRANULES; i++)
			assert_true(is_all(mem + i * TEST_HUGE, 'h') ||
				    is_all(mem + i * TEST_HUGE, 0));
		assert_int_equal(test_status(region).requests, 0);
		close_region(NULL);
		open_region(NULL);
	}
	free(from);
}

/* ---- Without a provider -------------------------------------------------- */

static void *write_granules(void *arg)
{
	for (unsigned int i = 0; i < GRANULES; i++)
		if (pwrite(region, arg, TEST_HUGE, i * TEST_HUGE) !=
		    (ssize_t)TEST_HUGE)
			return (void *)1;
	return NULL;
}

/* Three writers at once and room for one request: nobody needs a provider. */
static void without_a_provider(void **state)
{
	struct umem_create create = {
		.size = SIZE,
		.flags = UMEM_CREATE_HUGE,
		.wait_policy = UMEM_WAIT_FAILFAST,
		.max_inflight = 1,
		.max_data = TEST_HUGE,
	};
	int device = umem_device_open();
	pthread_t threads[3];
	char *from = bytes();
	void *result;

	(void)state;
	for (unsigned int round = 0; round < 4; round++) {
		region = umem_region_create(device, &create);
		assert_true(region >= 0);
		for (unsigned int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, write_granules, from);
		for (unsigned int i = 0; i < 3; i++) {
			pthread_join(threads[i], &result);
			assert_null(result);
		}
		assert_int_equal(test_status(region).granules_written,
				 GRANULES);
		close(region);
	}
	region = umem_region_create(device, &create);
	assert_int_equal(pwrite(region, from, TEST_PAGE, 0), -1);
	assert_int_equal(errno, EIO);
	close(region);
	close(device);
	free(from);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, open_region, close_region)
	const struct CMUnitTest tests[] = {
		TEST(whole_granules_are_not_fetched),
		TEST(parts_are_fetched_first),
		TEST(who_waits_gets_what_was_written),
		TEST(a_fetch_under_way_comes_first),
		TEST(from_a_missing_granule),
		TEST(a_source_that_ends),
		TEST(a_source_to_be_faulted_in),
		TEST(a_source_that_goes),
		TEST(among_answers),
		TEST(among_holes),
		cmocka_unit_test(without_a_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
