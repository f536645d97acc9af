// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a hostile provider may try with a mapping of its channel: to see or to
 * write what is not, or no longer, its own.
 *
 * needs: umem
 * timeout: 240
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)

/* A thread waits for granule 0, and the channel has it. */
struct fixture {
	int region;
	int channel;
	char *mem;
	char *map;
	struct toucher toucher;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->region = test_region(SIZE, UMEM_WAIT_HARD, 0, 16);
	f->channel = hand_open(f->region, 0);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->region,
		      0);
	assert_true(f->mem != MAP_FAILED);
	f->map = hand_map(f->channel, SIZE);
	toucher_start(&f->toucher, f->mem);
	assert_int_equal(hand_take(f->channel), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hand_release(f->region);
	toucher_join(&f->toucher);
	munmap(f->mem, SIZE);
	munmap(f->map, SIZE);
	close(f->region);
	close(f->channel);
	free(f);
	return 0;
}

/* ---- Mappings of other kinds -------------------------------------------- */

static void assert_no_mmap(int fd, int prot, int flags, int err)
{
	assert_ptr_equal(mmap(NULL, SIZE, prot, flags, fd, 0), MAP_FAILED);
	assert_int_equal(errno, err);
}

static void kinds_of_mapping(void **state)
{
	struct fixture *f = *state;
	char *map;

	assert_no_mmap(f->channel, PROT_READ, MAP_PRIVATE, EINVAL);
	assert_no_mmap(f->channel, PROT_READ | PROT_WRITE, MAP_PRIVATE, EINVAL);
	assert_no_mmap(f->channel, PROT_READ | PROT_EXEC, MAP_SHARED, EPERM);
	assert_int_equal(mprotect(f->map, SIZE, PROT_READ | PROT_EXEC), -1);
	assert_int_equal(errno, EACCES);
	/* Read-only, and then not. */
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, f->channel, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(touch_read(map), 0);
	assert_int_equal(touch_write(map, 1), SIGSEGV);
	assert_int_equal(mprotect(map, SIZE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(touch_write(map, 1), 0);
	assert_int_equal(f->map[0], 1);
	munmap(map, SIZE);
}

static void mremap_and_fixed(void **state)
{
	struct fixture *f = *state;
	char *there = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	f->map[8] = 8;
	assert_ptr_equal(mremap(f->map, SIZE, 2 * SIZE, MREMAP_MAYMOVE),
			 MAP_FAILED);
	assert_ptr_equal(mremap(f->map, 0, SIZE, MREMAP_MAYMOVE), MAP_FAILED);
	assert_ptr_equal(mremap(f->map, SIZE, SIZE,
				MREMAP_MAYMOVE | MREMAP_FIXED, there), there);
	f->map = there;
	assert_int_equal(f->map[8], 8);
	assert_int_equal(touch_read(f->map + TEST_PAGE), SIGBUS);
	hand_cached(f->channel, 0, 1);
	assert_int_equal(touch_read(f->map), SIGBUS);
	assert_int_equal(f->mem[8], 8);
}

/* Maps the VMA's own file anew, at another offset. */
static void remap_file_pages_shows_no_more(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	hand_data(f->channel, 8, 8);
	assert_int_equal(syscall(SYS_remap_file_pages, f->map + 4 * TEST_PAGE,
				 4 * TEST_PAGE, 0, 8, 0), 0);
	assert_int_equal(syscall(SYS_remap_file_pages, f->map + 16 * TEST_PAGE,
				 TEST_PAGE, 0, 0, 0), 0);
	for (i = 1; i < 16; i++)
		assert_int_equal(touch_read(f->map + i * TEST_PAGE), SIGBUS);
	/* The second shows granule 0. */
	pattern_fill(f->map + 16 * TEST_PAGE, 0);
	assert_true(pattern_matches(f->map, 0));
	hand_cached(f->channel, 0, 1);
	assert_int_equal(touch_read(f->map + 16 * TEST_PAGE), SIGBUS);
	assert_true(pattern_matches(f->mem, 0));
}

static void madvise_changes_nothing(void **state)
{
	struct fixture *f = *state;
	static const int advice[] = {
		MADV_REMOVE, MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT,
		MADV_WILLNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DODUMP,
		MADV_MERGEABLE, 25 /* COLLAPSE */, MADV_DOFORK,
	};
	unsigned int i;

	hand_data(f->channel, 1, 16);
	pattern_fill(f->map, 0);
	assert_int_equal(madvise(f->map, SIZE, MADV_REMOVE), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	for (i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		madvise(f->map, SIZE, advice[i]);
		assert_true(pattern_matches(f->map, 0));
		assert_int_equal(touch_read(f->map + TEST_PAGE), SIGBUS);
	}
	mlock(f->map, TEST_PAGE);
	msync(f->map, SIZE, MS_SYNC);
	hand_cached(f->channel, 0, 1);
	for (i = 0; i <= 16; i++)
		assert_true(pattern_matches(f->mem + i * TEST_PAGE, i));
}

static void map_files_is_closed(void **state)
{
	struct fixture *f = *state;
	char path[96];

	pattern_fill(f->map, 0);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (long)f->map, (long)f->map + SIZE);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(open(path, O_RDONLY), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(open(path, O_RDWR), -1);
	assert_int_equal(truncate(path, 0), -1);
	assert_int_equal(errno, EPERM);
	hand_cached(f->channel, 0, 1);
	assert_true(pattern_matches(f->mem, 0));
	/* Nor once the region is gone, and only this mapping is left. */
	toucher_join(&f->toucher);
	munmap(f->mem, SIZE);
	close(f->region);
	AWAIT(test_status(f->channel).provider_kind == UMEM_PROVIDER_NONE);
	assert_int_equal(open(path, O_RDONLY), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(truncate(path, 0), -1);
	assert_int_equal(errno, EPERM);
	/* For teardown. */
	munmap(f->map, SIZE);
	close(f->channel);
	setup(state);
	free(f);
}

/* smaps and its like take the inode for tmpfs's, which it has to be. */
static void proc_is_readable(void **state)
{
	struct fixture *f = *state;
	static const char * const names[] = {
		"maps", "smaps", "smaps_rollup", "numa_maps", "pagemap",
	};
	unsigned char core[PAGES];
	char path[64], line[4096];
	bool seen = false;
	unsigned int i;
	FILE *file;

	pattern_fill(f->map, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", names[i]);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (!strcmp(names[i], "pagemap"))
			fseek(file, (long)f->map / TEST_PAGE * 8, SEEK_SET);
		while (fgets(line, sizeof(line), file) &&
		       strcmp(names[i], "pagemap"))
			seen |= !!strstr(line, "umem-channel");
		fclose(file);
	}
	assert_true(seen);
	mincore(f->map, SIZE, core);
}

/* ---- References that outlive the mapping -------------------------------- */

/*
 * Direct I/O of a provider that was replaced may still be under way: what it
 * writes must not land in what its successor provides. A pipe that holds the
 * page stands for it, and shows whether the page is another one.
 */
static void pinned_page_of_a_replaced_provider(void **state)
{
	struct fixture *f = *state;
	struct iovec iov = { f->map, TEST_PAGE };
	int old = f->channel, pipes[2];
	char page[TEST_PAGE];
	unsigned int i;

	assert_int_equal(pipe(pipes), 0);
	memset(f->map, 'g', TEST_PAGE);
	assert_int_equal(vmsplice(pipes[1], &iov, 1, 0), TEST_PAGE);
	f->channel = hand_open(f->region, UMEM_CHANNEL_REPLACE);
	assert_int_equal(hand_take(f->channel), 0);
	hand_data(f->channel, 0, 1);
	AWAIT(toucher_is_over(&f->toucher));
	assert_true(pattern_matches(f->mem, 0));
	assert_int_equal(read(pipes[0], page, TEST_PAGE), TEST_PAGE);
	for (i = 0; i < TEST_PAGE; i++)
		assert_int_equal(page[i], 'g');
	assert_true(pattern_matches(f->mem, 0));
	close(pipes[0]);
	close(pipes[1]);
	close(old);
}

/* ---- Races -------------------------------------------------------------- */

struct hammer {
	char *map;
	_Atomic bool stop;
	pthread_t thread;
	unsigned long hits;
};

/* Writes to whatever the mapping shows. */
static void *hammer(void *arg)
{
	struct hammer *h = arg;
	unsigned int i;

	while (!h->stop)
		for (i = 0; i < PAGES; i++)
			h->hits += !touch_write(h->map + i * TEST_PAGE + 64,
						'h');
	return NULL;
}

static void hammer_start(struct hammer *h, char *map)
{
	*h = (struct hammer){ .map = map };
	pthread_create(&h->thread, NULL, hammer, h);
}

static void hammer_stop(struct hammer *h)
{
	h->stop = true;
	pthread_join(h->thread, NULL);
}

struct settler {
	char *mem;
	unsigned int first;
	_Atomic bool over;
	pthread_t thread;
	unsigned int wrong;
};

/*
 * Touches granules and, once they are there, makes them its own: nobody may
 * write them any more.
 */
static void *settle(void *arg)
{
	struct settler *s = arg;
	unsigned int i;

	for (i = s->first; i < PAGES; i += 2) {
		if (touch_read(s->mem + i * TEST_PAGE)) {
			s->wrong++;
			continue;
		}
		memset(s->mem + i * TEST_PAGE, i, TEST_PAGE);
	}
	for (i = s->first; i < PAGES; i += 2)
		for (unsigned int k = 0; k < TEST_PAGE; k++)
			s->wrong += s->mem[i * TEST_PAGE + k] != (char)i;
	s->over = true;
	return NULL;
}

/* One way to serve a request; some do not end it. */
static void serve(int *channel, int region, char **map, struct hammer *h,
		  unsigned int how)
{
	static const int ops[] = {
		UMEM_OP_CACHED, UMEM_OP_DATA, UMEM_OP_CACHED, UMEM_OP_ZERO,
	};
	uint64_t granule;

	granule = hand_take(*channel);
	touch_write(*map + granule * TEST_PAGE, 'p');
	if (how % 7 == 3) {
		umem_channel_requeue(*channel);
	} else if (how % 31 == 5) {
		int old = *channel;
		char *old_map = *map;

		*channel = hand_open(region, UMEM_CHANNEL_REPLACE);
		hammer_stop(h);
		*map = hand_map(*channel, SIZE);
		hammer_start(h, *map);
		close(old);
		munmap(old_map, SIZE);
	} else {
		hand_try(*channel, ops[how % 4], granule, 1);
	}
}

static void nothing_is_written_after_publication(void **state)
{
	unsigned int round, how = 0;

	(void)state;
	for (round = 0; round < (getenv("UMEM_DEBUG_KERNEL") ? 4 : 15); round++) {
		int region = test_region(SIZE, UMEM_WAIT_HARD, 0, 4);
		int channel = hand_open(region, 0);
		char *map = hand_map(channel, SIZE);
		char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				 region, 0);
		struct settler settlers[2];
		struct hammer h;
		unsigned int i;

		hammer_start(&h, map);
		for (i = 0; i < 2; i++) {
			settlers[i] = (struct settler){ .mem = mem, .first = i };
			pthread_create(&settlers[i].thread, NULL, settle,
				       &settlers[i]);
		}
		while (!settlers[0].over || !settlers[1].over)
			if (test_status(region).requests_queued)
				serve(&channel, region, &map, &h, how++);
		for (i = 0; i < 2; i++) {
			pthread_join(settlers[i].thread, NULL);
			assert_int_equal(settlers[i].wrong, 0);
		}
		hammer_stop(&h);
		munmap(mem, SIZE);
		munmap(map, SIZE);
		close(region);
		close(channel);
	}
}

/* mmap(), munmap() and the end of the region at once. */
static void *map_and_unmap(void *arg)
{
	int channel = *(int *)arg;
	unsigned int i;
	char *map;

	for (i = 0; i < 300; i++) {
		map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   channel, 0);
		if (map == MAP_FAILED)
			break;
		touch_write(map, 1);
		munmap(map, SIZE);
	}
	return NULL;
}

static void mapped_while_the_region_goes(void **state)
{
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 20; round++) {
		int region = test_region(SIZE, UMEM_WAIT_TIMEOUT, 1, 4);
		int channel = hand_open(region, 0);
		char *mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
		pthread_t threads[2];

		touch_read(mem);
		hand_take(channel);
		for (i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, map_and_unmap,
				       &channel);
		usleep(round * 500);
		munmap(mem, SIZE);
		close(region);
		for (i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		close(channel);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(kinds_of_mapping),
		TEST(mremap_and_fixed),
		TEST(remap_file_pages_shows_no_more),
		TEST(madvise_changes_nothing),
		TEST(map_files_is_closed),
		TEST(proc_is_readable),
		TEST(pinned_page_of_a_replaced_provider),
		cmocka_unit_test(nothing_is_written_after_publication),
		cmocka_unit_test(mapped_while_the_region_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
