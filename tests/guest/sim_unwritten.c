// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The page of a missing granule is not zeroed when it is allocated; where memory
 * is short, tmpfs does that when it is asked for it in the background. It must not
 * while a provider writes the page: the bytes would be zeroes that somebody
 * provided.
 *
 * needs: umem umem_sim cpus=2
 * timeout: 240
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/setting.h"
#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "provider/pattern.h"

#define GRANULES	2048UL
#define SIZE		(GRANULES * TEST_PAGE)
#define SEED		9
#define WRITTEN		0x77
#define RACE_SECONDS	10
#define TIGHT		"/sys/fs/cgroup/umem-tight"

/* What happens to a granule while it is touched. */
typedef void (*rival_fn)(int region, uint64_t granule);

static struct {
	int region;
	unsigned char *map;
	rival_fn rival;
	_Atomic uint64_t begun;		/* 1 + the granule that is touched */
	_Atomic uint64_t ended;		/* 1 + what the rival is through with */
} race;

static void prefetch(int region, uint64_t granule)
{
	if (posix_fadvise(region, granule * TEST_PAGE, TEST_PAGE,
			  POSIX_FADV_WILLNEED))
		abort();
}

static void overwrite(int region, uint64_t granule)
{
	unsigned char page[TEST_PAGE];

	memset(page, WRITTEN, sizeof(page));
	if (pwrite(region, page, TEST_PAGE, granule * TEST_PAGE) != TEST_PAGE)
		abort();
}

/* So that each comes first at times. */
static void dawdle(unsigned int *seed)
{
	unsigned int i;

	for (i = rand_r(seed) % 4096; i; i--)
		__asm__ volatile("");
}

static void *rival_thread(void *unused)
{
	unsigned int seed = 1;
	uint64_t i;

	(void)unused;
	for (i = 0; i < GRANULES; i++) {
		while (atomic_load(&race.begun) <= i)
			;
		dawdle(&seed);
		race.rival(race.region, i);
		atomic_store(&race.ended, i + 1);
	}
	return NULL;
}

/* Every byte is the provider's or the rival's. */
static bool is_right(const unsigned char *page, uint64_t granule)
{
	unsigned char expected[TEST_PAGE], seen;
	unsigned int i;

	umem_pattern_fill(SEED, granule * TEST_PAGE, expected,
			  TEST_PAGE / sizeof(uint64_t));
	for (i = 0; i < TEST_PAGE; i++) {
		seen = __atomic_load_n(&page[i], __ATOMIC_RELAXED);
		if (seen != expected[i] &&
		    (race.rival != overwrite || seen != WRITTEN))
			return false;
	}
	return true;
}

static void run_region(uint32_t latency_ns)
{
	struct umem_sim_attach arg = sim_arg(SEED);
	unsigned int seed = 2;
	pthread_t thread;
	uint64_t i, wrong = 0;
	int sim;

	arg.latency_ns = latency_ns;
	race.region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	sim = sim_provide(race.region, &arg);
	race.map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			race.region, 0);
	assert_true(race.map != MAP_FAILED);
	atomic_store(&race.begun, 0);
	atomic_store(&race.ended, 0);
	assert_int_equal(pthread_create(&thread, NULL, rival_thread, NULL), 0);
	for (i = 0; i < GRANULES; i++) {
		atomic_store(&race.begun, i + 1);
		dawdle(&seed);
		wrong += !is_right(race.map + i * TEST_PAGE, i);
		while (atomic_load(&race.ended) <= i)
			;
		wrong += !is_right(race.map + i * TEST_PAGE, i);
	}
	pthread_join(thread, NULL);
	munmap(race.map, SIZE);
	close(race.region);
	close(sim);
	sim_wait_unused();
	assert_int_equal(wrong, 0);
}

static void run(rival_fn rival)
{
	double end = test_now() + RACE_SECONDS;

	race.rival = rival;
	do {
		/* The bytes come in the task that touches; in a softirq. */
		run_region(0);
		run_region(5000);
	} while (test_now() < end);
}

/* Regions are made where there is memory for one, and not for much more. */
static int move_to_tight_memory(void **state)
{
	(void)state;
	if (mkdir(TIGHT, 0755))
		return -1;
	assert_true(setting_try(TIGHT "/memory.max", "48M"));
	assert_true(setting_try(TIGHT "/cgroup.procs", "0"));
	return 0;
}

static int move_back(void **state)
{
	(void)state;
	assert_true(setting_try("/sys/fs/cgroup/cgroup.procs", "0"));
	return rmdir(TIGHT);
}

static void prefetched_while_fetched(void **state)
{
	(void)state;
	run(prefetch);
}

static void overwritten_while_fetched(void **state)
{
	(void)state;
	run(overwrite);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefetched_while_fetched),
		cmocka_unit_test(overwritten_while_fetched),
		{ "prefetched_in_tight_memory", prefetched_while_fetched,
		  move_to_tight_memory, move_back, NULL },
		{ "overwritten_in_tight_memory", overwritten_while_fetched,
		  move_to_tight_memory, move_back, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
