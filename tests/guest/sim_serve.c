// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem_sim does what it is told: content, delays, order, errors, refusals. What
 * befalls which request is computed here as the module computes it, so every
 * single answer is known beforehand.
 *
 * needs: umem umem_sim
 * timeout: 180
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/sim/fate.c"
#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	64UL
#define SIZE		(GRANULES * TEST_PAGE)
#define SEED		7
#define MS		1000000ULL

static int region;
static char *map;

static int make(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	return map == MAP_FAILED;
}

static int drop(void **state)
{
	(void)state;
	munmap(map, SIZE);
	close(region);
	sim_wait_unused();
	return 0;
}

/* ---- Content ------------------------------------------------------------- */

static void pattern_by_mapping(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	int sim = sim_provide(region, &arg);

	(void)state;
	for (uint64_t i = 0; i < GRANULES; i++)
		assert_true(sim_page_is(map + i * TEST_PAGE, SEED, i));
	assert_int_equal(sim_stats(sim).taken, GRANULES);
	assert_int_equal(sim_stats(sim).done, GRANULES);
	assert_int_equal(sim_stats(sim).flags, UMEM_SIM_ATTACHED);
	assert_int_equal(test_status(region).bytes_copied, 0);
	assert_int_equal(test_status(region).bytes_direct, SIZE);
	assert_string_equal(test_status(region).provider,
			    "sim:latency=0ns,pattern=7");
	close(sim);
}

static void pattern_by_read(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	char *page = malloc(SIZE);
	int sim;

	(void)state;
	/* By the timer, from softirq. */
	arg.latency_ns = 1;
	sim = sim_provide(region, &arg);
	assert_int_equal(pread(region, page, SIZE, 0), SIZE);
	for (uint64_t i = 0; i < GRANULES; i++)
		assert_true(sim_page_is(page + i * TEST_PAGE, SEED, i));
	assert_int_equal(sim_stats(sim).done, GRANULES);
	free(page);
	close(sim);
}

static void written_page_keeps_the_rest(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	char first;

	(void)state;
	close(sim_provide(region, &arg));
	assert_int_equal(touch_write(map + 5 * TEST_PAGE, 'x'), 0);
	/* The device was closed: the provider went on. */
	assert_int_equal(map[5 * TEST_PAGE], 'x');
	assert_int_equal(pread(region, &first, 1, 6 * TEST_PAGE), 1);
	map[5 * TEST_PAGE] = first;
	assert_false(sim_page_is(map + 5 * TEST_PAGE, SEED, 5));
	assert_true(sim_page_is(map + 6 * TEST_PAGE, SEED, 6));
}

static void zeroes(void **state)
{
	struct umem_sim_attach arg = sim_arg(0);
	static const char zero[TEST_PAGE];

	(void)state;
	arg.content = UMEM_SIM_ZERO;
	close(sim_provide(region, &arg));
	for (uint64_t i = 0; i < GRANULES; i++)
		assert_memory_equal(map + i * TEST_PAGE, zero, TEST_PAGE);
	assert_int_equal(test_status(region).granules_provided, GRANULES);
}

static int pattern_file(uint64_t seed, size_t size)
{
	int fd = memfd_create("source", MFD_CLOEXEC);
	uint64_t words[TEST_PAGE / 8];

	for (uint64_t at = 0; at < size; at += TEST_PAGE) {
		for (unsigned int i = 0; i < TEST_PAGE / 8; i++)
			words[i] = umem_mix64(seed + at + i);
		assert_int_equal(write(fd, words, TEST_PAGE), TEST_PAGE);
	}
	return fd;
}

static void copy_of_a_file(void **state)
{
	struct umem_sim_attach arg = sim_arg(0);
	/* Not a multiple of what is read at once, and larger than the region. */
	int file = pattern_file(99, SIZE + TEST_PAGE);
	char *want = malloc(SIZE);

	(void)state;
	arg.content = UMEM_SIM_COPY;
	arg.source_fd = file;
	assert_int_equal(pread(file, want, SIZE, 0), SIZE);
	close(sim_provide(region, &arg));
	/* What the file holds later does not matter. */
	assert_int_equal(ftruncate(file, 0), 0);
	close(file);
	assert_memory_equal(map, want, SIZE);
	free(want);
}

/* A granule of many pages is filled to its end, by the timer too. */
static void huge_granules(void **state)
{
	struct umem_create create = {
		.size = 2 * UMEM_GRANULE_HUGE, .flags = UMEM_CREATE_HUGE,
		.wait_policy = UMEM_WAIT_HARD, .max_inflight = 2,
		.max_data = UMEM_GRANULE_HUGE,
	};
	struct umem_sim_attach arg = sim_arg(SEED);
	int device = umem_device_open();
	int huge = umem_region_create(device, &create);
	char *all;

	(void)state;
	close(device);
	if (huge == -EOPNOTSUPP)
		skip();
	assert_true(huge >= 0);
	all = mmap(NULL, create.size, PROT_READ, MAP_SHARED, huge, 0);
	assert_true(all != MAP_FAILED);
	arg.latency_ns = 1000;
	close(sim_provide(huge, &arg));
	for (uint64_t i = 0; i < create.size / TEST_PAGE; i++)
		assert_true(sim_page_is(all + i * TEST_PAGE, SEED, i));
	assert_int_equal(test_status(huge).bytes_direct, create.size);
	munmap(all, create.size);
	close(huge);
}

/* ---- Delays -------------------------------------------------------------- */

static double touch_time(uint64_t granule)
{
	double start = test_now();

	assert_int_equal(touch_read(map + granule * TEST_PAGE), 0);
	return test_now() - start;
}

static void latency(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);

	(void)state;
	arg.latency_ns = 20 * MS;
	close(sim_provide(region, &arg));
	for (uint64_t i = 0; i < 8; i++)
		assert_true(touch_time(i) >= 0.020);
}

static void jitter(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	struct umem_sim_fate fate;

	(void)state;
	arg.latency_ns = 2 * MS;
	arg.jitter_ns = 50 * MS;
	arg.seed = 3;
	close(sim_provide(region, &arg));
	for (uint64_t i = 0; i < 8; i++) {
		umem_sim_draw(&arg, i + 1, &fate);
		assert_in_range(fate.delay_ns, 2 * MS, 52 * MS);
		assert_true(touch_time(i) >= fate.delay_ns / 1e9);
	}
}

#define THREADS 8

/* Many at once: returns how long all of the region takes. */
static void *touch_share(void *arg)
{
	for (uintptr_t i = (uintptr_t)arg; i < GRANULES; i += THREADS)
		if (touch_read(map + i * TEST_PAGE) ||
		    !sim_page_is(map + i * TEST_PAGE, SEED, i))
			return "wrong";
	return NULL;
}

static double touch_all(void)
{
	double start = test_now();
	pthread_t thread[THREADS];
	void *wrong;

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, touch_share,
						(void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], &wrong), 0);
		assert_null(wrong);
	}
	return test_now() - start;
}

static void latencies_overlap(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	double took;

	(void)state;
	arg.latency_ns = 500 * MS;
	close(sim_provide(region, &arg));
	took = touch_all();
	/* One after the other: GRANULES * 0.5 s. */
	assert_true(took >= GRANULES / THREADS * 0.5);
	assert_true(took < GRANULES * 0.5 * 0.6);
}

static void bandwidth_is_shared(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);

	(void)state;
	arg.bandwidth = 1 << 20;
	close(sim_provide(region, &arg));
	/* However many wait: one link. */
	assert_true(touch_all() >= (double)SIZE / (1 << 20));
}

/* ---- Order --------------------------------------------------------------- */

struct timed {
	pthread_t thread;
	uint64_t granule;
	double end;
};

static void *touch_timed(void *arg)
{
	struct timed *timed = arg;

	if (!touch_read(map + timed->granule * TEST_PAGE))
		timed->end = test_now();
	return NULL;
}

static void start_timed(struct timed *timed, uint64_t granule)
{
	uint64_t before = test_status(region).requests;

	timed->granule = granule;
	assert_int_equal(pthread_create(&timed->thread, NULL, touch_timed,
					timed), 0);
	AWAIT(test_status(region).requests > before);
}

static bool is_late(const struct umem_sim_attach *arg, uint64_t number)
{
	struct umem_sim_fate fate;

	umem_sim_draw(arg, number, &fate);
	return fate.delay_ns > arg->latency_ns;
}

static void later_ones_overtake(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	struct timed first = { }, second = { };

	(void)state;
	arg.latency_ns = 2000 * MS;
	arg.reorder_permille = 500;
	while (!is_late(&arg, 1) || is_late(&arg, 2))
		arg.seed++;
	close(sim_provide(region, &arg));
	start_timed(&first, 0);
	start_timed(&second, 1);
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	assert_true(second.end > 0);
	assert_true(first.end > second.end);
	assert_true(sim_page_is(map, SEED, 0));
	assert_true(sim_page_is(map + TEST_PAGE, SEED, 1));
}

/* ---- Errors, refusals ---------------------------------------------------- */

static void every_request_fails(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	char byte;
	int sim;

	(void)state;
	arg.error_permille = 1000;
	arg.error_status = UMEM_STATUS_INTEGRITY;
	sim = sim_provide(region, &arg);
	assert_int_equal(touch_read(map), SIGBUS);
	assert_int_equal(touch_write(map, 'x'), SIGBUS);
	assert_int_equal(pread(region, &byte, 1, 0), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(sim_stats(sim).failed, 3);
	assert_int_equal(sim_stats(sim).done, 0);
	assert_int_equal(test_status(region).granules_provided, 0);
	close(sim);
}

/* Also: not sticky; a granule that failed is had by a later try. */
static void errors_come_as_drawn(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	uint64_t failures = 0, number = 0;
	struct umem_sim_fate fate;
	int sim;

	(void)state;
	arg.error_permille = 300;
	arg.error_status = UMEM_STATUS_IO;
	arg.seed = 11;
	sim = sim_provide(region, &arg);
	for (uint64_t i = 0; i < GRANULES; i++) {
		do {
			umem_sim_draw(&arg, ++number, &fate);
			failures += fate.error;
			assert_int_equal(touch_read(map + i * TEST_PAGE),
					 fate.error ? SIGBUS : 0);
		} while (fate.error);
		assert_true(sim_page_is(map + i * TEST_PAGE, SEED, i));
	}
	assert_true(failures > 0);
	assert_int_equal(sim_stats(sim).failed, failures);
	assert_int_equal(sim_stats(sim).done, GRANULES);
	close(sim);
}

/* The core queues what is turned away and kicks: nobody notices. */
static void refused_are_queued(void **state)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	uint64_t refusals = 0;
	int sim;

	(void)state;
	arg.refuse_permille = 400;
	arg.seed = 5;
	sim = sim_provide(region, &arg);
	for (uint64_t i = 0; i < GRANULES; i++) {
		refusals += umem_sim_draw_refusal(&arg, i + 1);
		assert_true(sim_page_is(map + i * TEST_PAGE, SEED, i));
	}
	assert_true(refusals > 0);
	assert_int_equal(sim_stats(sim).refused, refusals);
	assert_int_equal(sim_stats(sim).taken, GRANULES);
	close(sim);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pattern_by_mapping),
		TEST(pattern_by_read),
		TEST(written_page_keeps_the_rest),
		TEST(zeroes),
		TEST(copy_of_a_file),
		TEST(huge_granules),
		TEST(latency),
		TEST(jitter),
		TEST(latencies_overlap),
		TEST(bandwidth_is_shared),
		TEST(later_ones_overtake),
		TEST(every_request_fails),
		TEST(errors_come_as_drawn),
		TEST(refused_are_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
