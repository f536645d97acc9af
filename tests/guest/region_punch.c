// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Holes: what is punched is zero and never fetched, whatever is under way.
 *
 * needs: umem umem_sim
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/setting.h"
#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define PAGES 1024
#define SIZE (PAGES * TEST_PAGE)
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int setup(void **state)
{
	return hand_fixture_make(state, SIZE, 64);
}

static int teardown(void **state)
{
	setting_try(SHMEM_ENABLED, "never");
	return hand_fixture_drop(state);
}

static void punch(struct hand_fixture *f, unsigned long first,
		  unsigned long count)
{
	assert_int_equal(fallocate(f->region, PUNCH, first * TEST_PAGE,
				   count * TEST_PAGE), 0);
}

static bool is_zero(const char *at, size_t length)
{
	const volatile char *bytes = at;

	while (length--)
		if (bytes[length])
			return false;
	return true;
}

static bool page_is_zero(struct hand_fixture *f, unsigned long page)
{
	return is_zero(f->mem + page * TEST_PAGE, TEST_PAGE);
}

/* ---- Simple holes ------------------------------------------------------- */

static void missing_becomes_zero_unasked(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_region_status status;
	unsigned int i;

	punch(f, 3, 100);
	for (i = 3; i < 103; i++)
		assert_true(page_is_zero(f, i));
	assert_true(hand_none(f->channel));
	status = test_status(f->region);
	assert_int_equal(status.granules_punched, 100);
	assert_int_equal(status.granules_provided, 100);
	assert_int_equal(status.requests, 0);
	/* And can be written like any other memory. */
	f->mem[5 * TEST_PAGE] = 'x';
	assert_int_equal(f->mem[5 * TEST_PAGE], 'x');
}

static void provided_becomes_zero(void **state)
{
	struct hand_fixture *f = *state;

	hand_data(f->channel, 8, 4);
	assert_true(pattern_matches(f->mem + 9 * TEST_PAGE, 9));
	punch(f, 9, 2);
	assert_true(pattern_matches(f->mem + 8 * TEST_PAGE, 8));
	assert_true(page_is_zero(f, 9));
	assert_true(page_is_zero(f, 10));
	assert_true(pattern_matches(f->mem + 11 * TEST_PAGE, 11));
	/* Not missing before: not counted as made by the hole. */
	assert_int_equal(test_status(f->region).granules_punched, 0);
	/* A late answer does not bring it back. */
	hand_data(f->channel, 9, 1);
	assert_true(page_is_zero(f, 9));
	assert_int_equal(test_status(f->region).answers_stale, 1);
}

static void madv_remove_is_a_hole(void **state)
{
	struct hand_fixture *f = *state;

	hand_data(f->channel, 0, 1);
	assert_int_equal(f->mem[0], (char)pattern_word(0, 0));
	assert_int_equal(madvise(f->mem, 4 * TEST_PAGE, MADV_REMOVE), 0);
	assert_true(is_zero(f->mem, 4 * TEST_PAGE));
	assert_true(hand_none(f->channel));
	assert_int_equal(test_status(f->region).granules_punched, 3);
}

static void every_bit_of_odd_ranges(void **state)
{
	static const unsigned int ends[][2] = {
		{ 0, 1 }, { 63, 65 }, { 127, 129 }, { 192, 256 }, { 257, 319 },
		{ 400, 400 + 64 }, { 500, 700 }, { 1023, 1024 },
	};
	struct hand_fixture *f = *state;
	unsigned int i, page, provided = 0;
	off_t at;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		punch(f, ends[i][0], ends[i][1] - ends[i][0]);
		provided += ends[i][1] - ends[i][0];
		assert_int_equal(test_status(f->region).granules_punched,
				 provided);
	}
	/* Exactly those: SEEK_DATA and SEEK_HOLE tell the edges. */
	for (i = 0, page = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		at = lseek(f->region, page * TEST_PAGE, SEEK_DATA);
		assert_int_equal(at, ends[i][0] * TEST_PAGE);
		page = lseek(f->region, at, SEEK_HOLE) / TEST_PAGE;
		assert_int_equal(page, ends[i][1]);
	}
	assert_int_equal(lseek(f->region, SIZE, SEEK_DATA), -1);
	assert_int_equal(errno, ENXIO);
}

static void beyond_the_end_and_bad_modes(void **state)
{
	struct hand_fixture *f = *state;
	int ro;
	char path[64];

	assert_int_equal(fallocate(f->region, PUNCH, SIZE, TEST_PAGE), 0);
	assert_int_equal(fallocate(f->region, PUNCH, SIZE - TEST_PAGE,
				   1L << 50), 0);
	assert_true(page_is_zero(f, PAGES - 1));
	assert_int_equal(test_status(f->region).granules_punched, 1);
	assert_int_equal(fallocate(f->region, 0, 0, SIZE), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(fallocate(f->region, FALLOC_FL_KEEP_SIZE, 0, SIZE), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(fallocate(f->region, FALLOC_FL_ZERO_RANGE, 0, SIZE), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(fallocate(f->region, PUNCH, -1, TEST_PAGE), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fallocate(f->region, PUNCH, 0, 0), -1);
	assert_int_equal(errno, EINVAL);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->region);
	ro = open(path, O_RDONLY);
	assert_true(ro >= 0);
	assert_int_equal(fallocate(ro, PUNCH, 0, TEST_PAGE), -1);
	assert_int_equal(errno, EBADF);
	close(ro);
	assert_int_equal(test_status(f->region).granules_punched, 1);
}

/* ---- Holes that end within a granule ------------------------------------ */

struct puncher {
	int region;
	off_t offset, length;
	int result;
	_Atomic pid_t tid;
	_Atomic bool over;
	pthread_t thread;
};

static void *puncher_run(void *arg)
{
	struct puncher *p = arg;

	p->tid = gettid();
	p->result = fallocate(p->region, PUNCH, p->offset, p->length) ?
		    errno : 0;
	p->over = true;
	return NULL;
}

static void puncher_start(struct puncher *p, struct hand_fixture *f,
			  off_t offset, off_t length)
{
	*p = (struct puncher){ .region = f->region, .offset = offset,
			       .length = length };
	assert_int_equal(pthread_create(&p->thread, NULL, puncher_run, p), 0);
}

static int puncher_join(struct puncher *p)
{
	AWAIT(p->over);
	pthread_join(p->thread, NULL);
	return p->result;
}

static void parts_of_granules_are_fetched_first(void **state)
{
	struct hand_fixture *f = *state;
	char page[TEST_PAGE];
	struct puncher p;

	puncher_start(&p, f, 20 * TEST_PAGE + 100, 2 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 20);
	assert_false(p.over);
	hand_data(f->channel, 20, 1);
	assert_int_equal(hand_take(f->channel), 22);
	hand_data(f->channel, 22, 1);
	assert_int_equal(puncher_join(&p), 0);
	assert_true(hand_none(f->channel));

	pattern_fill(page, 20);
	assert_memory_equal(f->mem + 20 * TEST_PAGE, page, 100);
	assert_true(is_zero(f->mem + 20 * TEST_PAGE + 100, 2 * TEST_PAGE));
	pattern_fill(page, 22);
	assert_memory_equal(f->mem + 22 * TEST_PAGE + 100, page + 100,
			    TEST_PAGE - 100);
	assert_int_equal(test_status(f->region).granules_punched, 1);
}

static void part_that_cannot_be_fetched(void **state)
{
	struct hand_fixture *f = *state;
	struct puncher p;

	puncher_start(&p, f, 5 * TEST_PAGE, TEST_PAGE + 1);
	assert_int_equal(hand_take(f->channel), 6);
	hand_fail(f->channel, 6, 1);
	assert_int_equal(puncher_join(&p), EIO);
	/* Nothing has changed. */
	assert_int_equal(test_status(f->region).granules_punched, 0);
	assert_int_equal(lseek(f->region, 0, SEEK_DATA), -1);
}

/* ---- Against a fetch that is under way ---------------------------------- */

static void waiting_reader_gets_zeroes(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_record cancel;
	struct toucher queued, issued;

	toucher_start(&issued, f->mem + 30 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 30);
	toucher_start(&queued, f->mem + 31 * TEST_PAGE);
	AWAIT(test_status(f->region).requests == 2);

	punch(f, 30, 2);
	assert_int_equal(toucher_join(&issued), 0);
	assert_int_equal(toucher_join(&queued), 0);
	assert_int_equal(issued.value, 0);
	assert_int_equal(queued.value, 0);

	/* The provider is told that its answer is not needed ... */
	assert_int_equal(read(f->channel, &cancel, sizeof(cancel)),
			 sizeof(cancel));
	assert_int_equal(cancel.op, UMEM_OP_CANCEL);
	assert_int_equal(cancel.offset, 30 * TEST_PAGE);
	assert_int_equal(cancel.length, TEST_PAGE);
	/* ... and the request that was queued is never told. */
	assert_true(hand_none(f->channel));
	assert_int_equal(test_status(f->region).cancels, 1);
	assert_int_equal(test_status(f->region).requests_issued, 0);
	/* It may answer all the same. */
	hand_data(f->channel, 30, 1);
	assert_true(page_is_zero(f, 30));
	assert_int_equal(test_status(f->region).answers_stale, 1);
}

/* The answer comes without the cancellation having been read. */
static void late_answer_ends_its_request(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	toucher_start(&toucher, f->mem + 40 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 40);
	punch(f, 40, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(test_status(f->region).requests_issued, 1);
	hand_data(f->channel, 40, 1);
	assert_int_equal(test_status(f->region).requests_issued, 0);
	assert_true(page_is_zero(f, 40));
	assert_true(hand_none(f->channel));
}

/* What was issued when the hole was made is not given to the next provider. */
static void successor_is_not_asked(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;
	int next;

	toucher_start(&toucher, f->mem + 50 * TEST_PAGE);
	assert_int_equal(hand_take(f->channel), 50);
	punch(f, 50, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	next = hand_open(f->region, UMEM_CHANNEL_REPLACE);
	assert_true(hand_none(next));
	assert_int_equal(test_status(f->region).requests_issued, 0);
	assert_int_equal(test_status(f->region).requests_queued, 0);
	assert_true(page_is_zero(f, 50));
	close(next);
}

/* ---- In a large folio --------------------------------------------------- */

/*
 * tmpfs clears a part of a large folio in place: a fetch into that part must
 * be over first, else it lands on the zeroes.
 */
#define PART 600

/* Starts a touch; its page is a part of a large folio once it is asked for. */
static void touch_large(struct hand_fixture *f, struct toucher *toucher,
			unsigned long page)
{
	setting_need(SHMEM_ENABLED, "force");
	toucher_start(toucher, f->mem + page * TEST_PAGE);
	AWAIT(test_status(f->region).requests);
	if (meminfo_kilobytes("ShmemHugePages:") <= 0)
		fail_msg("no large folio was used: this shows nothing");
}

/* Returns when the punch of the part waits; it must not end by itself. */
static void punch_of_part_waits(struct hand_fixture *f, struct puncher *p)
{
	puncher_start(p, f, PART * TEST_PAGE, TEST_PAGE);
	AWAIT(p->over || (p->tid && task_state(getpid(), p->tid) == 'D'));
	usleep(200000);
	assert_false(p->over);
	assert_int_equal(test_status(f->region).granules_punched, 0);
}

/* What the late bytes were to be; a read looks at no other part of the folio. */
static void part_is_a_hole(struct hand_fixture *f, struct puncher *p)
{
	char page[TEST_PAGE];

	assert_int_equal(puncher_join(p), 0);
	assert_int_equal(pread(f->region, page, TEST_PAGE, PART * TEST_PAGE),
			 TEST_PAGE);
	assert_true(test_is_zero(page));
}

/* Who touches a large folio waits for all of it. */
static void part_is_touched(struct hand_fixture *f, struct toucher *toucher)
{
	hand_release(f->region);
	assert_int_equal(toucher_join(toucher), 0);
	assert_int_equal(toucher->value, 0);
	assert_true(page_is_zero(f, PART));
}

static void late_cached_in_a_large_folio(void **state)
{
	struct hand_fixture *f = *state;
	char *map = hand_map(f->channel, SIZE);
	struct toucher toucher;
	struct puncher p;

	touch_large(f, &toucher, PART);
	assert_int_equal(hand_take(f->channel), PART);
	/* Some of the bytes are there, the others come late. */
	map[PART * TEST_PAGE] = 1;
	punch_of_part_waits(f, &p);
	pattern_fill(map + PART * TEST_PAGE, PART);
	hand_cached(f->channel, PART, 1);
	part_is_a_hole(f, &p);
	part_is_touched(f, &toucher);
	munmap(map, SIZE);
}

static void late_data_in_a_large_folio(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;
	struct puncher p;

	touch_large(f, &toucher, PART);
	assert_int_equal(hand_take(f->channel), PART);
	punch_of_part_waits(f, &p);
	hand_data(f->channel, PART, 1);
	part_is_a_hole(f, &p);
	part_is_touched(f, &toucher);
}

/* A provider in the kernel writes into the page itself, whenever it does. */
static void late_provider_in_a_large_folio(void **state)
{
	struct hand_fixture *f = *state;
	struct umem_sim_attach arg = sim_arg(1);
	struct toucher toucher;
	struct puncher p;
	int sim;

	arg.hang_from = 1;
	sim = sim_provide(f->region, &arg);
	touch_large(f, &toucher, PART);
	AWAIT(sim_stats(sim).hung == 1);
	punch_of_part_waits(f, &p);
	assert_int_equal(ioctl(sim, UMEM_SIM_IOC_RELEASE), 1);
	part_is_a_hole(f, &p);
	/* Gives back what else the toucher asked for. */
	assert_int_equal(umem_region_detach(f->region), 0);
	part_is_touched(f, &toucher);
	close(sim);
	sim_wait_unused();
}

static void hole_over_a_large_folio_waits_for_nobody(void **state)
{
	struct hand_fixture *f = *state;
	struct toucher toucher;

	touch_large(f, &toucher, 100);
	assert_int_equal(hand_take(f->channel), 100);
	punch(f, 0, 512);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_int_equal(toucher.value, 0);
}

/* ---- While everything else goes on -------------------------------------- */

struct racer {
	struct hand_fixture *f;
	unsigned int seed;
	_Atomic bool stop;
	bool wrong;
	pthread_t thread;
};

static void *touch_at_random(void *arg)
{
	struct racer *r = arg;
	uint64_t word;
	unsigned int page, at;

	while (!r->stop) {
		page = rand_r(&r->seed) % PAGES;
		at = rand_r(&r->seed) % 512;
		word = ((volatile uint64_t *)(r->f->mem +
					      page * TEST_PAGE))[at];
		if (!word || word == pattern_word(page, at))
			continue;
		print_error("page %u word %u is 0x%llx\n", page, at,
			    (unsigned long long)word);
		r->wrong = true;
		break;
	}
	return NULL;
}

/*
 * Readers see the provider's bytes or zeroes; after a hole was made, zeroes
 * for ever, though every answer may come too late.
 */
static void holes_among_faults(void **state)
{
	struct hand_fixture *f = *state;
	struct pattern_provider provider = {};
	struct racer readers[3];
	unsigned int seed = 1, i, page;

	close(f->channel);
	pattern_provider_start(&provider, f->region);
	for (i = 0; i < 3; i++) {
		readers[i] = (struct racer){ .f = f, .seed = 10 + i };
		pthread_create(&readers[i].thread, NULL, touch_at_random,
			       &readers[i]);
	}
	for (i = 0; i < 400; i++) {
		page = rand_r(&seed) % PAGES;
		punch(f, page, 1);
		if (!page_is_zero(f, page))
			fail_msg("page %u is not zero after its hole", page);
	}
	for (i = 0; i < 3; i++)
		readers[i].stop = true;
	for (i = 0; i < 3; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_false(readers[i].wrong);
	}
	for (seed = 1, i = 0; i < 400; i++)
		assert_true(page_is_zero(f, rand_r(&seed) % PAGES));
	pattern_provider_stop(&provider);
	f->channel = hand_open(f->region, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(missing_becomes_zero_unasked),
		TEST(provided_becomes_zero),
		TEST(madv_remove_is_a_hole),
		TEST(every_bit_of_odd_ranges),
		TEST(beyond_the_end_and_bad_modes),
		TEST(parts_of_granules_are_fetched_first),
		TEST(part_that_cannot_be_fetched),
		TEST(waiting_reader_gets_zeroes),
		TEST(late_answer_ends_its_request),
		TEST(successor_is_not_asked),
		TEST(late_cached_in_a_large_folio),
		TEST(late_data_in_a_large_folio),
		TEST(late_provider_in_a_large_folio),
		TEST(hole_over_a_large_folio_waits_for_nobody),
		TEST(holes_among_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
