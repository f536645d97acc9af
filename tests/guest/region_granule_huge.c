// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UMEM_CREATE_HUGE: a granule of 2 MiB comes as a whole or not at all, whatever
 * pages it is made of, and is mapped as a huge page when it is one.
 *
 * needs: umem swap=256M mem=2G
 * timeout: 300
 * klog-allow: Call Trace:
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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

#include "lib/huge.h"
#include "lib/pagemap.h"
#include "lib/setting.h"
#include "lib/smaps.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	4
#define SIZE		(GRANULES * TEST_HUGE)
#define PAGES		(GRANULES * TEST_HUGE_PAGES)

static int region = -1, channel = -1;
static char *mem;
static char shmem_was[32];

static int open_region(void **state)
{
	(void)state;
	region = huge_region(GRANULES, 8);
	channel = hand_open(region, 0);
	/* As any program maps it: no address, no alignment of its own. */
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	return 0;
}

static int close_region(void **state)
{
	(void)state;
	munmap(mem, SIZE);
	close(region);
	close(channel);
	if (shmem_was[0])
		setting_try(SHMEM_ENABLED, shmem_was);
	return 0;
}

static void zero(uint64_t granule)
{
	assert_int_equal(huge_answer(channel, UMEM_OP_ZERO, granule * TEST_HUGE,
				     TEST_HUGE, NULL), 0);
}

static bool is_zero(const char *at)
{
	return !*at && !memcmp(at, at + 1, TEST_HUGE - 1);
}

/* A toucher of byte @at, whose granule was taken. */
static void touch_and_take(struct toucher *toucher, size_t at)
{
	toucher_start(toucher, mem + at);
	assert_int_equal(huge_take(channel), at / TEST_HUGE);
}

static unsigned int mapped_pages(const char *at, size_t granule)
{
	unsigned int i, count = 0;

	for (i = 0; i < TEST_HUGE_PAGES; i++)
		count += pagemap_present(at + granule * TEST_HUGE + i * TEST_PAGE);
	return count;
}

/* ---- Creation ----------------------------------------------------------- */

static int create(uint64_t size, uint32_t max_data, uint32_t max_inflight)
{
	struct umem_create arg = {
		.size = size,
		.flags = UMEM_CREATE_HUGE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = max_inflight,
		.max_data = max_data,
	};
	int device = umem_device_open();
	int made = umem_region_create(device, &arg);

	close(device);
	if (made < 0)
		return made;
	close(made);
	return 0;
}

static void creation(void **state)
{
	struct umem_features features;
	int device = umem_device_open();

	(void)state;
	assert_int_equal(umem_device_features(device, &features), 0);
	close(device);
	assert_true(features.features & UMEM_FEATURE_HUGE);
	assert_int_equal(features.granule, TEST_PAGE);

	assert_int_equal(create(TEST_PAGE, TEST_HUGE, 1), -EINVAL);
	assert_int_equal(create(TEST_HUGE + TEST_PAGE, TEST_HUGE, 1), -EINVAL);
	assert_int_equal(create(TEST_HUGE, TEST_PAGE, 1), -EINVAL);
	assert_int_equal(create(TEST_HUGE, TEST_HUGE + TEST_PAGE, 1), -EINVAL);
	assert_int_equal(create(TEST_HUGE, 3 * TEST_HUGE, 1), -EINVAL);
	assert_int_equal(create(features.max_size + TEST_HUGE, TEST_HUGE, 1),
			 -EFBIG);
	assert_int_equal(create(TEST_HUGE, TEST_HUGE, 1), 0);
	assert_int_equal(create(features.max_size, 2 * TEST_HUGE, 64), 0);
}

static void status_tells(void **state)
{
	struct umem_region_status status = test_status(region);

	(void)state;
	assert_int_equal(status.granule, TEST_HUGE);
	assert_int_equal(status.granules, GRANULES);
	assert_int_equal(status.flags & UMEM_CREATE_HUGE, UMEM_CREATE_HUGE);
	/* A list of 512 pages for each of 8 requests. */
	assert_true(status.memory > 8 * TEST_HUGE_PAGES * sizeof(void *));
}

/* ---- A granule as a whole ----------------------------------------------- */

static void one_request_a_granule(void **state)
{
	struct toucher first, second;
	struct umem_region_status status;

	(void)state;
	touch_and_take(&first, TEST_HUGE + 5 * TEST_PAGE);
	toucher_start(&second, mem + 2 * TEST_HUGE - 1);
	AWAIT(task_state(getpid(), second.tid) == 'S');
	assert_true(hand_none(channel));
	huge_data(channel, 1);
	assert_int_equal(toucher_join(&first), 0);
	assert_int_equal(toucher_join(&second), 0);
	assert_true(huge_matches(mem + TEST_HUGE, 1));
	status = test_status(region);
	assert_int_equal(status.requests, 1);
	assert_int_equal(status.granules_provided, 1);
	assert_int_equal(status.bytes_copied, TEST_HUGE);
}

/* What is no whole granule is refused, and writes nothing. */
static void parts_are_refused(void **state)
{
	static const struct {
		uint64_t offset;
		uint32_t length;
	} parts[] = {
		{ 0, TEST_PAGE }, { 0, UMEM_GRANULE_HUGE / 2 },
		{ TEST_PAGE, UMEM_GRANULE_HUGE },
		{ 0, UMEM_GRANULE_HUGE + TEST_PAGE },
	};
	static const int ops[] = { UMEM_OP_DATA, UMEM_OP_ZERO, UMEM_OP_FAIL };
	char *bytes = malloc(2 * TEST_HUGE);
	struct toucher toucher;
	unsigned int i, j;

	(void)state;
	memset(bytes, 0xee, 2 * TEST_HUGE);
	touch_and_take(&toucher, 0);
	for (i = 0; i < 4; i++)
		for (j = 0; j < 3; j++)
			assert_int_equal(huge_answer(channel, ops[j],
						     parts[i].offset,
						     parts[i].length,
						     ops[j] == UMEM_OP_DATA ?
						     bytes : NULL), -EINVAL);
	assert_int_equal(huge_answer(channel, UMEM_OP_DATA, 0, 3 * TEST_HUGE,
				     bytes), -EMSGSIZE);
	assert_false(toucher_is_over(&toucher));
	assert_int_equal(test_status(region).granules_provided, 0);
	huge_data(channel, 0);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(huge_matches(mem, 0));
	free(bytes);
}

/* Two granules in one DATA, one ZERO over what is left of the region. */
static void ranges_of_granules(void **state)
{
	char *bytes = malloc(2 * TEST_HUGE);
	long shmem;

	(void)state;
	for (unsigned int i = 0; i < 2 * TEST_HUGE_PAGES; i++)
		pattern_fill(bytes + i * TEST_PAGE, TEST_HUGE_PAGES + i);
	assert_int_equal(huge_answer(channel, UMEM_OP_DATA, TEST_HUGE,
				     2 * TEST_HUGE, bytes), 0);
	free(bytes);
	shmem = meminfo_kilobytes("Shmem:");
	assert_int_equal(huge_answer(channel, UMEM_OP_ZERO, 0, SIZE, NULL), 0);
	/* Zeroes need no memory. */
	assert_true(meminfo_kilobytes("Shmem:") - shmem < 1024);
	assert_int_equal(test_status(region).answers_stale, 2);
	assert_true(is_zero(mem));
	assert_true(huge_matches(mem + TEST_HUGE, 1));
	assert_true(huge_matches(mem + 2 * TEST_HUGE, 2));
	assert_true(is_zero(mem + 3 * TEST_HUGE));
}

/* A payload that ends in a hole half-way leaves the granule missing. */
static void short_copy(void **state)
{
	char *bytes = mmap(NULL, TEST_HUGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct toucher toucher;

	(void)state;
	memset(bytes, 0xee, TEST_HUGE);
	mprotect(bytes + TEST_HUGE / 2, TEST_PAGE, PROT_NONE);
	touch_and_take(&toucher, 0);
	assert_int_equal(huge_answer(channel, UMEM_OP_DATA, 0, TEST_HUGE,
				     bytes), -EFAULT);
	assert_int_equal(huge_answer(channel, UMEM_OP_DATA, TEST_HUGE,
				     TEST_HUGE, bytes), -EFAULT);
	assert_false(toucher_is_over(&toucher));
	assert_int_equal(test_status(region).granules_provided, 0);
	assert_int_equal(test_status(region).bytes_copied, 0);
	/* What was copied is not seen after ZERO either. */
	zero(0);
	zero(1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(is_zero(mem));
	assert_true(is_zero(mem + TEST_HUGE));
	munmap(bytes, TEST_HUGE);
}

static void *answer_from_itself(void *arg)
{
	(void)arg;
	return (void *)huge_answer(channel, UMEM_OP_DATA, 0, TEST_HUGE, mem);
}

/* The source of an answer may be the very granule that it is for. */
static void source_is_the_granule(void **state)
{
	pthread_t thread;
	void *result;

	(void)state;
	pthread_create(&thread, NULL, answer_from_itself, NULL);
	assert_int_equal(huge_take(channel), 0);
	huge_data(channel, 0);
	pthread_join(thread, &result);
	assert_int_equal((long)result, 0);
	assert_true(huge_matches(mem, 0));
	assert_int_equal(test_status(region).answers_stale, 1);
}

struct writer {
	pthread_t thread;
	pthread_barrier_t *start;
	char *bytes;
	bool fault;
};

/* Bytes of a file that are not mapped now: the copy has to fault. */
static void *write_rounds(void *arg)
{
	struct writer *w = arg;
	long err;

	for (unsigned int i = 0; i < GRANULES; i++) {
		if (w->fault)
			madvise(w->bytes, TEST_HUGE, MADV_DONTNEED);
		pthread_barrier_wait(w->start);
		err = huge_answer(channel, UMEM_OP_DATA, i * TEST_HUGE,
				  TEST_HUGE, w->bytes);
		if (err)
			return (void *)err;
	}
	return NULL;
}

/* Two answers for one granule do not mix. */
static void two_writers(void **state)
{
	pthread_barrier_t start;
	struct writer writers[3];
	void *result;

	(void)state;
	pthread_barrier_init(&start, NULL, 3);
	for (unsigned int i = 0; i < 3; i++) {
		int fd = memfd_create("source", 0);

		assert_int_equal(ftruncate(fd, TEST_HUGE), 0);
		writers[i].start = &start;
		writers[i].fault = i != 2;
		writers[i].bytes = mmap(NULL, TEST_HUGE, PROT_READ | PROT_WRITE,
					MAP_SHARED, fd, 0);
		memset(writers[i].bytes, 'a' + i, TEST_HUGE);
		close(fd);
		pthread_create(&writers[i].thread, NULL, write_rounds,
			       &writers[i]);
	}
	for (unsigned int i = 0; i < 3; i++) {
		pthread_join(writers[i].thread, &result);
		assert_null(result);
		munmap(writers[i].bytes, TEST_HUGE);
	}
	for (unsigned int i = 0; i < GRANULES; i++) {
		const char *at = mem + i * TEST_HUGE;

		assert_in_range(*at, 'a', 'c');
		assert_memory_equal(at, at + 1, TEST_HUGE - 1);
	}
	assert_int_equal(test_status(region).granules_provided, GRANULES);
	assert_int_equal(test_status(region).answers_stale, 2 * GRANULES);
	pthread_barrier_destroy(&start);
}

static void failed_and_asked_again(void **state)
{
	struct toucher toucher;

	(void)state;
	touch_and_take(&toucher, 3 * TEST_HUGE + 9 * TEST_PAGE);
	assert_int_equal(huge_answer(channel, UMEM_OP_FAIL, 3 * TEST_HUGE,
				     TEST_HUGE, NULL), 0);
	assert_int_equal(toucher_join(&toucher), SIGBUS);
	touch_and_take(&toucher, 3 * TEST_HUGE);
	huge_data(channel, 3);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(huge_matches(mem + 3 * TEST_HUGE, 3));
}

static void next_provider_gets_it(void **state)
{
	struct toucher toucher;

	(void)state;
	touch_and_take(&toucher, TEST_HUGE);
	close(channel);
	channel = hand_open(region, 0);
	assert_int_equal(huge_take(channel), 1);
	huge_data(channel, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(huge_matches(mem + TEST_HUGE, 1));
}

/* One folio's lock does not speak for a granule of many. */
static void channel_is_not_mapped(void **state)
{
	struct toucher toucher;

	(void)state;
	assert_ptr_equal(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      channel, 0), MAP_FAILED);
	assert_int_equal(errno, EOPNOTSUPP);
	touch_and_take(&toucher, 0);
	assert_int_equal(huge_answer(channel, UMEM_OP_CACHED, 0, TEST_HUGE,
				     NULL), 0);
	assert_int_equal(test_status(region).answers_stale, 1);
	assert_false(toucher_is_over(&toucher));
	huge_data(channel, 0);
	assert_int_equal(toucher_join(&toucher), 0);
}

/* ---- Reading and writing ------------------------------------------------ */

struct reader {
	pthread_t thread;
	off_t at;
	size_t length;
	bool write;
	char bytes[2 * TEST_PAGE];
	ssize_t done;
};

static void *read_range(void *arg)
{
	struct reader *r = arg;

	r->done = r->write ? pwrite(region, r->bytes, r->length, r->at) :
			     pread(region, r->bytes, r->length, r->at);
	return NULL;
}

static void read_over_a_border(void **state)
{
	struct reader r = { .at = TEST_HUGE - TEST_PAGE, .length = 2 * TEST_PAGE };

	(void)state;
	pthread_create(&r.thread, NULL, read_range, &r);
	assert_int_equal(huge_take(channel), 0);
	huge_data(channel, 0);
	assert_int_equal(huge_take(channel), 1);
	huge_data(channel, 1);
	pthread_join(r.thread, NULL);
	assert_int_equal(r.done, 2 * TEST_PAGE);
	assert_true(pattern_matches(r.bytes, TEST_HUGE_PAGES - 1));
	assert_true(pattern_matches(r.bytes + TEST_PAGE, TEST_HUGE_PAGES));
}

/* A page is a part of a granule: the rest is fetched. */
static void write_of_a_page(void **state)
{
	struct reader w = { .at = TEST_PAGE, .length = TEST_PAGE, .write = true };

	(void)state;
	memset(w.bytes, 'w', TEST_PAGE);
	pthread_create(&w.thread, NULL, read_range, &w);
	assert_int_equal(huge_take(channel), 0);
	huge_data(channel, 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.done, TEST_PAGE);
	assert_true(pattern_matches(mem, 0));
	assert_memory_equal(mem + TEST_PAGE, w.bytes, TEST_PAGE);
	assert_true(pattern_matches(mem + 2 * TEST_PAGE, 2));
}

/* ---- Holes and advice --------------------------------------------------- */

static int punch(off_t offset, off_t length)
{
	return fallocate(region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 offset, length) ? -errno : 0;
}

static void *punch_a_page(void *arg)
{
	return (void *)(long)punch((off_t)arg, TEST_PAGE);
}

/* A page of a missing granule: the rest of it is data. */
static void hole_in_a_missing_granule(void **state)
{
	off_t at = TEST_HUGE + 3 * TEST_PAGE;
	pthread_t thread;
	void *result;

	(void)state;
	pthread_create(&thread, NULL, punch_a_page, (void *)at);
	assert_int_equal(huge_take(channel), 1);
	huge_data(channel, 1);
	pthread_join(thread, &result);
	assert_null(result);
	assert_true(pattern_matches(mem + at - TEST_PAGE,
				    at / TEST_PAGE - 1));
	assert_false(mem[at] || memcmp(mem + at, mem + at + 1, TEST_PAGE - 1));
	assert_true(pattern_matches(mem + at + TEST_PAGE, at / TEST_PAGE + 1));
}

/* Of one that is mapped as a huge page, in part and then whole. */
static void hole_in_a_huge_page(void **state)
{
	unsigned int i;

	(void)state;
	huge_data(channel, 2);
	assert_int_equal(touch_write(mem + 2 * TEST_HUGE, 'h'), 0);
	assert_int_equal(punch(2 * TEST_HUGE + TEST_PAGE, 5 * TEST_PAGE), 0);
	assert_int_equal(mem[2 * TEST_HUGE], 'h');
	for (i = 1; i < TEST_HUGE_PAGES; i++) {
		const char *at = mem + 2 * TEST_HUGE + i * TEST_PAGE;

		if (i <= 5)
			assert_false(*at || memcmp(at, at + 1, TEST_PAGE - 1));
		else
			assert_true(pattern_matches(at, 2 * TEST_HUGE_PAGES + i));
	}
	assert_int_equal(punch(TEST_HUGE, 3 * TEST_HUGE), 0);
	for (i = 1; i < GRANULES; i++)
		assert_true(is_zero(mem + i * TEST_HUGE));
	assert_int_equal(test_status(region).requests, 0);
	assert_int_equal(test_status(region).granules_punched, 2);
}

/* A hole while the provider has the granule; its answer comes too late. */
static void hole_under_a_fetch(void **state)
{
	struct toucher toucher;

	(void)state;
	touch_and_take(&toucher, 3 * TEST_HUGE + TEST_PAGE);
	assert_int_equal(punch(3 * TEST_HUGE, TEST_HUGE), 0);
	assert_int_equal(toucher_join(&toucher), 0);
	mem[3 * TEST_HUGE] = 'm';
	huge_data(channel, 3);
	zero(3);
	assert_int_equal(mem[3 * TEST_HUGE], 'm');
	assert_int_equal(mem[3 * TEST_HUGE + TEST_PAGE], 0);
	assert_int_equal(test_status(region).answers_stale, 2);
}

static void data_and_holes_are_found(void **state)
{
	(void)state;
	huge_data(channel, 1);
	assert_int_equal(lseek(region, 0, SEEK_DATA), TEST_HUGE);
	assert_int_equal(lseek(region, TEST_HUGE + 9, SEEK_HOLE),
			 2 * TEST_HUGE);
}

static void advice_asks_for_granules(void **state)
{
	struct umem_record request[3];

	(void)state;
	assert_int_equal(posix_fadvise(region, TEST_HUGE - 1, 2,
				       POSIX_FADV_WILLNEED), 0);
	assert_int_equal(read(channel, request, sizeof(request)),
			 2 * sizeof(request[0]));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(request[i].op, UMEM_OP_PREFETCH);
		assert_int_equal(le64toh(request[i].offset), i * TEST_HUGE);
		assert_int_equal(le32toh(request[i].length), TEST_HUGE);
		huge_data(channel, i);
	}
	assert_true(huge_matches(mem, 0));
	assert_int_equal(test_status(region).prefetches, 2);
}

/* ---- How it is mapped --------------------------------------------------- */

/* Pages that are mapped of all granules but 1, which are missing. */
static unsigned int others_mapped(const char *at)
{
	unsigned int i, count = 0;

	for (i = 0; i < GRANULES; i++)
		count += i == 1 ? 0 : mapped_pages(at, i);
	return count;
}

/* Whether granule 1 holds the pattern but for page @hole, which is zero. */
static bool has_hole(const char *at, unsigned int hole)
{
	for (unsigned int i = 0; i < TEST_HUGE_PAGES; i++) {
		const char *page = at + TEST_HUGE + i * TEST_PAGE;

		if (i == hole ? !test_is_zero(page) :
				!pattern_matches(page, TEST_HUGE_PAGES + i))
			return false;
	}
	return true;
}

#define HOLE	9
#define COPY	(TEST_HUGE + 20 * TEST_PAGE)

/* In the child: what is shared is shared, what is private is its own. */
static int use_copies(char *priv)
{
	if (!has_hole(mem, HOLE) || priv[COPY] != 'p')
		return 1;
	priv[COPY + TEST_PAGE] = 'c';
	mem[TEST_HUGE + HOLE * TEST_PAGE] = 'c';
	return others_mapped(mem) || others_mapped(priv) ? 2 : 0;
}

/* A page of granule 1 is punched, another copied, and all of it forked. */
static void check_hole_and_copies(void)
{
	char *hole = mem + TEST_HUGE + HOLE * TEST_PAGE;
	char *priv = map_aligned(region, SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE);
	int status;
	pid_t pid;

	assert_int_equal(punch(TEST_HUGE + HOLE * TEST_PAGE, TEST_PAGE), 0);
	assert_true(has_hole(mem, HOLE));
	assert_true(has_hole(priv, HOLE));
	priv[COPY] = 'p';
	assert_true(has_hole(mem, HOLE));
	pid = fork();
	if (!pid)
		_exit(use_copies(priv));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(*hole, 'c');
	*hole = 0;
	assert_true(has_hole(mem, HOLE));
	assert_int_equal(priv[COPY], 'p');
	priv[COPY] = mem[COPY];
	assert_true(has_hole(priv, HOLE));
	assert_int_equal(others_mapped(mem), 0);
	assert_int_equal(others_mapped(priv), 0);
	munmap(priv, SIZE);
}

/* Some accesses; nothing of a missing granule may be mapped by any of them. */
static void check_one_granule(long huge_kilobytes)
{
	struct toucher toucher;

	open_region(NULL);
	touch_and_take(&toucher, TEST_HUGE + 100 * TEST_PAGE);
	assert_int_equal(mapped_pages(mem, 1), 0);
	huge_data(channel, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(touch_write(mem + TEST_HUGE + 8, 0), 0);
	mem[TEST_HUGE + 8] = ((char *)(uint64_t[]){
		pattern_word(TEST_HUGE_PAGES, 1) })[0];
	assert_true(huge_matches(mem + TEST_HUGE, 1));
	assert_int_equal(mapped_pages(mem, 1), TEST_HUGE_PAGES);
	assert_int_equal(others_mapped(mem), 0);
	assert_int_equal(smaps_kilobytes(mem, "ShmemPmdMapped"),
			 huge_kilobytes);
	check_hole_and_copies();
	assert_int_equal(test_status(region).requests, 1);
	assert_int_equal(test_status(region).granules_provided, 1);
	close_region(NULL);
}

static void remember_setting(void)
{
	setting_read(SHMEM_ENABLED, shmem_was, sizeof(shmem_was));
	if (!shmem_was[0])
		skip();
}

/* No matter what the machine wants, and huge unless it forbids that. */
static void under_every_setting(void **state)
{
	static const char * const settings[] = {
		"always", "within_size", "advise", "never", "force", "deny",
	};

	(void)state;
	remember_setting();
	for (unsigned int i = 0; i < 6; i++) {
		print_message("shmem_enabled=%s\n", settings[i]);
		assert_true(setting_try(SHMEM_ENABLED, settings[i]));
		check_one_granule(i < 5 ? 2048 : 0);
	}
}

static void check_one_huge_granule(void)
{
	check_one_granule(2048);
}

static void under_every_size(void **state)
{
	(void)state;
	remember_setting();
	huge_each_size(check_one_huge_granule);
}

/*
 * Small pages of a granule that is asked for stay; so a setting may change
 * between the request and the answer, or a granule be made of small ones.
 */
static void small_pages_first(void **state)
{
	struct toucher toucher;

	(void)state;
	remember_setting();
	assert_true(setting_try(SHMEM_ENABLED, "deny"));
	touch_and_take(&toucher, 0);
	assert_true(setting_try(SHMEM_ENABLED, "force"));
	huge_data(channel, 0);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(huge_matches(mem, 0));
	assert_int_equal(smaps_kilobytes(mem, "ShmemPmdMapped"), 0);
	huge_data(channel, 1);
	assert_true(huge_matches(mem + TEST_HUGE, 1));
	assert_int_equal(smaps_kilobytes(mem, "ShmemPmdMapped"), 2048);
}

/* A mapping that is not aligned has small pages, and no others. */
static void mapped_askew(void **state)
{
	char *at = mmap(NULL, SIZE + TEST_HUGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *askew = at + -(uintptr_t)at % TEST_HUGE + TEST_PAGE;

	(void)state;
	assert_ptr_equal(mmap(askew, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED,
			      region, 0), askew);
	huge_data(channel, 1);
	huge_data(channel, 3);
	assert_int_equal(touch_read(askew + TEST_HUGE), 0);
	assert_int_equal(touch_read(askew + 2 * TEST_HUGE - 1), 0);
	assert_int_equal(touch_read(askew + SIZE - 1), 0);
	assert_int_equal(mapped_pages(askew, 0), 0);
	assert_int_equal(mapped_pages(askew, 2), 0);
	assert_true(huge_matches(askew + TEST_HUGE, 1));
	assert_true(huge_matches(askew + 3 * TEST_HUGE, 3));
	assert_int_equal(smaps_kilobytes(askew, "ShmemPmdMapped"), 0);
	munmap(at, SIZE + TEST_HUGE);
}

static void private_and_fork(void **state)
{
	char *priv = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  region, 0);
	int status;
	pid_t pid;

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		huge_data(channel, i);
	assert_true(huge_matches(priv, 0));
	priv[0] = 'p';
	priv[TEST_HUGE + 7 * TEST_PAGE] = 'p';
	pid = fork();
	if (!pid) {
		/* The shared mapping is shared, the private one is copied. */
		mem[2 * TEST_HUGE] = 'c';
		priv[1] = 'c';
		_exit(priv[0] != 'p' || !huge_matches(mem, 0) ||
		      priv[TEST_HUGE + 7 * TEST_PAGE] != 'p');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(mem[2 * TEST_HUGE], 'c');
	assert_true(huge_matches(mem, 0));
	assert_true(huge_matches(mem + TEST_HUGE, 1));
	assert_int_equal(priv[0], 'p');
	assert_int_not_equal(priv[1], 'c');
	assert_int_equal(mapped_pages(priv, 3), 0);
	munmap(priv, SIZE);
}

/* ---- Memory ------------------------------------------------------------- */

static void swapped_out_and_in(void **state)
{
	(void)state;
	huge_data(channel, 0);
	huge_data(channel, 2);
	assert_int_equal(touch_read(mem), 0);
	assert_int_equal(touch_write(mem + 2 * TEST_HUGE + 70 * TEST_PAGE + 1,
				     's'), 0);
	AWAIT(!madvise(mem, SIZE, MADV_PAGEOUT) &&
	      smaps_kilobytes(mem, "Swap") > 3000);
	assert_true(huge_matches(mem, 0));
	assert_int_equal(mem[2 * TEST_HUGE + 70 * TEST_PAGE + 1], 's');
	assert_true(pattern_matches(mem + 2 * TEST_HUGE + 69 * TEST_PAGE,
				    2 * TEST_HUGE_PAGES + 69));
	assert_int_equal(mapped_pages(mem, 1), 0);
	assert_int_equal(test_status(region).requests, 0);
}

#define CGROUP "/sys/fs/cgroup/umem-huge"

static long cgroup_bytes(void)
{
	FILE *file = fopen(CGROUP "/memory.current", "r");
	long bytes = -1;

	if (file && fscanf(file, "%ld", &bytes) != 1)
		bytes = -1;
	if (file)
		fclose(file);
	return bytes;
}

/* In a cgroup that has no room for a granule. */
static void read_without_memory(void)
{
	char byte;

	if (!setting_try(CGROUP "/cgroup.procs", "0"))
		_exit(99);
	_exit(pread(region, &byte, 1, 0) < 0 && errno == ENOMEM ? 1 : 2);
}

/*
 * The pages that a request could have are let go when it cannot have all of
 * them; whoever has the memory gets the granule.
 */
static void not_enough_memory(void **state)
{
	struct umem_region_status status;
	struct toucher toucher;
	int end;
	pid_t pid;

	(void)state;
	remember_setting();
	if (mkdir(CGROUP, 0755) || access(CGROUP "/memory.max", W_OK)) {
		rmdir(CGROUP);
		skip();
	}
	assert_true(setting_try(SHMEM_ENABLED, "deny"));
	assert_true(setting_try(CGROUP "/memory.max", "1536K"));
	pid = fork();
	if (!pid)
		read_without_memory();
	assert_int_equal(waitpid(pid, &end, 0), pid);
	assert_true((WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL) ||
		    (WIFEXITED(end) && WEXITSTATUS(end) == 1));
	status = test_status(region);
	assert_int_equal(status.requests_queued + status.requests_issued, 0);
	assert_true(hand_none(channel));
	/* Pinned pages could not be reclaimed. */
	AWAIT((setting_try(CGROUP "/memory.reclaim", "2M"),
	       cgroup_bytes() < 512 << 10));
	touch_and_take(&toucher, 0);
	huge_data(channel, 0);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_true(huge_matches(mem, 0));
	rmdir(CGROUP);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, open_region, close_region)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation),
		TEST(status_tells),
		TEST(one_request_a_granule),
		TEST(parts_are_refused),
		TEST(ranges_of_granules),
		TEST(short_copy),
		TEST(source_is_the_granule),
		TEST(two_writers),
		TEST(failed_and_asked_again),
		TEST(next_provider_gets_it),
		TEST(channel_is_not_mapped),
		TEST(read_over_a_border),
		TEST(write_of_a_page),
		TEST(hole_in_a_missing_granule),
		TEST(hole_in_a_huge_page),
		TEST(hole_under_a_fetch),
		TEST(data_and_holes_are_found),
		TEST(advice_asks_for_granules),
		cmocka_unit_test(under_every_setting),
		cmocka_unit_test(under_every_size),
		TEST(small_pages_first),
		TEST(mapped_askew),
		TEST(private_and_fork),
		TEST(swapped_out_and_in),
		TEST(not_enough_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
