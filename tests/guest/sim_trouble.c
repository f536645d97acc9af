// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem_sim hangs, loses its source, is replaced, detached and unloaded, in every
 * state that a request can be in. Nothing is lost, and no byte of a provider
 * that is gone lands later.
 *
 * needs: umem umem_sim
 * timeout: 180
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	64UL
#define SIZE		(GRANULES * TEST_PAGE)
#define INFLIGHT	32
#define WAITERS		8
#define OLD		1
#define NEW		2
#define MS		1000000ULL

static char *map_region(int region)
{
	char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region,
			 0);

	assert_true(map != MAP_FAILED);
	return map;
}

struct setting {
	int region;
	char *map;
	struct toucher waiter[WAITERS];
};

static void setting_make(struct setting *s, unsigned int policy,
			 unsigned int timeout_ms)
{
	memset(s, 0, sizeof(*s));
	s->region = test_region(SIZE, policy, timeout_ms, INFLIGHT);
	s->map = map_region(s->region);
}

static void setting_drop(struct setting *s)
{
	munmap(s->map, SIZE);
	close(s->region);
	sim_wait_unused();
}

/* Threads that wait, each for the granule of its number. */
static void waiters_start(struct setting *s)
{
	for (int i = 0; i < WAITERS; i++)
		toucher_start(&s->waiter[i], s->map + i * TEST_PAGE);
}

static void waiters_end(struct setting *s, uint64_t seed)
{
	for (int i = 0; i < WAITERS; i++) {
		assert_int_equal(toucher_join(&s->waiter[i]), 0);
		assert_true(sim_page_is(s->map + i * TEST_PAGE, seed, i));
	}
}

static struct umem_sim_attach hanging(void)
{
	struct umem_sim_attach arg = sim_arg(OLD);

	arg.hang_from = 1;
	return arg;
}

static int release(int sim)
{
	int count = ioctl(sim, UMEM_SIM_IOC_RELEASE);

	return count < 0 ? -errno : count;
}

/* ---- Hanging ------------------------------------------------------------- */

static void hang_and_release(void **state)
{
	struct umem_sim_attach arg = hanging();
	struct setting s;
	int sim;

	(void)state;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	assert_int_equal(release(sim), 0);
	waiters_start(&s);
	AWAIT(sim_stats(sim).hung == WAITERS);
	assert_int_equal(sim_stats(sim).done, 0);
	assert_int_equal(release(sim), WAITERS);
	waiters_end(&s, OLD);
	assert_int_equal(sim_stats(sim).hung, 0);
	assert_int_equal(sim_stats(sim).done, WAITERS);
	close(sim);
	setting_drop(&s);
}

static void hang_and_replace(void **state)
{
	struct umem_sim_attach arg = hanging(), next = sim_arg(NEW);
	struct setting s;
	int old, new;

	(void)state;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	old = sim_provide(s.region, &arg);
	waiters_start(&s);
	AWAIT(sim_stats(old).hung == WAITERS);
	new = sim_provide(s.region, &next);
	waiters_end(&s, NEW);
	AWAIT(!(sim_stats(old).flags & UMEM_SIM_ATTACHED));
	assert_int_equal(sim_stats(old).returned, WAITERS);
	assert_int_equal(sim_stats(old).hung, 0);
	assert_int_equal(sim_stats(new).done, WAITERS);
	/* Too late for the old one. */
	assert_int_equal(release(old), -ENOTCONN);
	for (int i = 0; i < WAITERS; i++)
		assert_true(sim_page_is(s.map + i * TEST_PAGE, NEW, i));
	close(old);
	close(new);
	setting_drop(&s);
}

static void hang_and_detach(void **state)
{
	struct umem_sim_attach arg = hanging(), next = sim_arg(NEW);
	struct setting s;
	int sim;

	(void)state;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	waiters_start(&s);
	AWAIT(sim_stats(sim).hung == WAITERS);
	assert_int_equal(umem_region_detach(s.region), 0);
	/* It has returned: all is given back, nobody has it. */
	assert_int_equal(sim_stats(sim).flags & UMEM_SIM_ATTACHED, 0);
	assert_int_equal(sim_stats(sim).returned, WAITERS);
	assert_int_equal(test_status(s.region).requests_issued, 0);
	assert_int_equal(test_status(s.region).requests_queued, WAITERS);
	close(sim);
	close(sim_provide(s.region, &next));
	waiters_end(&s, NEW);
	setting_drop(&s);
}

static void hang_and_kill(void **state)
{
	struct umem_sim_attach arg = hanging();
	struct setting s;
	int sim, status;
	pid_t pid;

	(void)state;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(s.map[0]);
	AWAIT(sim_stats(sim).hung == 1);
	kill(pid, SIGKILL);
	AWAIT(waitpid(pid, &status, WNOHANG) == pid);
	assert_true(WIFSIGNALED(status));
	/* The request outlives who waited for it. */
	assert_int_equal(sim_stats(sim).hung, 1);
	assert_int_equal(release(sim), 1);
	assert_true(sim_page_is(s.map, OLD, 0));
	close(sim);
	setting_drop(&s);
}

/* The time limit lets go of the waiter, not of the request. */
static void hang_and_time_out(void **state)
{
	struct umem_sim_attach arg = hanging();
	struct setting s;
	int sim;

	(void)state;
	setting_make(&s, UMEM_WAIT_TIMEOUT, 100);
	sim = sim_provide(s.region, &arg);
	assert_int_equal(touch_read(s.map), SIGBUS);
	assert_int_equal(touch_read(s.map), SIGBUS);
	assert_int_equal(sim_stats(sim).taken, 1);
	assert_int_equal(test_status(s.region).requests_issued, 1);
	assert_int_equal(release(sim), 1);
	assert_true(sim_page_is(s.map, OLD, 0));
	close(sim);
	setting_drop(&s);
}

static void some_hang(void **state)
{
	struct umem_sim_attach arg = sim_arg(OLD);
	struct setting s;
	int sim;

	(void)state;
	arg.hang_from = 4;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	waiters_start(&s);
	AWAIT(sim_stats(sim).hung == WAITERS - 3);
	AWAIT(sim_stats(sim).done == 3);
	assert_int_equal(release(sim), WAITERS - 3);
	waiters_end(&s, OLD);
	close(sim);
	setting_drop(&s);
}

/* ---- The source is lost -------------------------------------------------- */

static void gone_under_failfast(void **state)
{
	struct umem_sim_attach arg = sim_arg(OLD), next = sim_arg(NEW);
	struct setting s;
	int sim;

	(void)state;
	arg.gone_after = 3;
	setting_make(&s, UMEM_WAIT_FAILFAST, 0);
	sim = sim_provide(s.region, &arg);
	for (int i = 0; i < 3; i++)
		assert_int_equal(touch_read(s.map + i * TEST_PAGE), 0);
	assert_int_equal(touch_read(s.map + 3 * TEST_PAGE), SIGBUS);
	AWAIT(sim_stats(sim).flags == UMEM_SIM_GONE);
	assert_int_equal(sim_stats(sim).taken, 3);
	close(sim);
	close(sim_provide(s.region, &next));
	assert_true(sim_page_is(s.map + 3 * TEST_PAGE, NEW, 3));
	assert_true(sim_page_is(s.map, OLD, 0));
	setting_drop(&s);
}

/* Those that were taken and those that were not both go to the next one. */
static void gone_under_hard(void **state)
{
	struct umem_sim_attach arg = sim_arg(OLD), next = sim_arg(NEW);
	struct setting s;
	int sim;

	(void)state;
	arg.gone_after = WAITERS / 2;
	arg.latency_ns = 20000 * MS;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	waiters_start(&s);
	AWAIT(sim_stats(sim).flags == UMEM_SIM_GONE);
	assert_int_equal(sim_stats(sim).taken, WAITERS / 2);
	assert_int_equal(sim_stats(sim).returned, WAITERS / 2);
	AWAIT(test_status(s.region).requests_queued == WAITERS);
	close(sim);
	close(sim_provide(s.region, &next));
	waiters_end(&s, NEW);
	setting_drop(&s);
}

struct late_reader {
	pthread_barrier_t *start;
	int region;
	unsigned int granule;
	ssize_t got;
};

static void *read_late(void *arg)
{
	struct late_reader *reader = arg;
	char byte;

	pthread_barrier_wait(reader->start);
	reader->got = pread(reader->region, &byte, 1,
			    reader->granule * TEST_PAGE);
	return NULL;
}

/* They come while the source is being lost: what it turns away is kept. */
static void gone_under_many(void **state)
{
	struct umem_sim_attach arg = sim_arg(OLD), next = sim_arg(NEW);
	struct late_reader reader[WAITERS];
	pthread_t thread[WAITERS];
	pthread_barrier_t start;
	struct setting s;
	int sim;

	(void)state;
	arg.gone_after = 1;
	arg.latency_ns = 20000 * MS;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	pthread_barrier_init(&start, NULL, WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		reader[i] = (struct late_reader){ &start, s.region, i, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, read_late,
						&reader[i]), 0);
	}
	AWAIT(sim_stats(sim).flags == UMEM_SIM_GONE);
	AWAIT(test_status(s.region).requests_queued == WAITERS);
	close(sim);
	close(sim_provide(s.region, &next));
	for (int i = 0; i < WAITERS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(reader[i].got, 1);
		assert_true(sim_page_is(s.map + i * TEST_PAGE, NEW, i));
	}
	pthread_barrier_destroy(&start);
	setting_drop(&s);
}

/* ---- Ends with requests under way ---------------------------------------- */

static void closed_in_every_state(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct umem_sim_attach arg = sim_arg(OLD);
			struct setting s;
			int sim;

			arg.latency_ns = i % 2 ? 5 * MS : 60000 * MS;
			arg.hang_permille = 300;
			arg.seed = i;
			setting_make(&s, UMEM_WAIT_HARD, 0);
			sim = sim_provide(s.region, &arg);
			waiters_start(&s);
			AWAIT(sim_stats(sim).taken == WAITERS);
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	sim_wait_unused();
}

struct storm {
	char *map;
	pthread_t thread[WAITERS];
	_Atomic unsigned int started;
	_Atomic unsigned int over;
};

static void *storm_reader(void *arg)
{
	struct storm *storm = arg;
	unsigned int me = storm->started++;

	for (uint64_t i = 0; i < GRANULES; i++)
		(void)*(volatile char *)(storm->map +
			(i * 37 + me / 2 * 11) % GRANULES * TEST_PAGE);
	storm->over++;
	return NULL;
}

static bool is_of_one(const char *page, uint64_t granule)
{
	return sim_page_is(page, OLD, granule) || sim_page_is(page, NEW, granule);
}

/* Replaced again and again under load: each page is wholly of one provider. */
static void replaced_under_load(void **state)
{
	static char copy[GRANULES * TEST_PAGE];
	struct storm storm = { };
	struct setting s;

	(void)state;
	setting_make(&s, UMEM_WAIT_HARD, 0);
	storm.map = s.map;
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(pthread_create(&storm.thread[i], NULL,
						storm_reader, &storm), 0);
	for (unsigned int i = 0; storm.over < WAITERS && i < 40; i++) {
		struct umem_sim_attach arg = sim_arg(i % 2 ? NEW : OLD);

		arg.latency_ns = MS;
		arg.jitter_ns = 10 * MS;
		arg.hang_permille = 200;
		arg.refuse_permille = 200;
		arg.seed = i;
		close(sim_provide(s.region, &arg));
		usleep(5000);
	}
	close(sim_provide(s.region, &(struct umem_sim_attach){
		.content = UMEM_SIM_PATTERN, .source_fd = -1,
		.pattern_seed = NEW }));
	for (int i = 0; i < WAITERS; i++)
		pthread_join(storm.thread[i], NULL);
	memcpy(copy, s.map, SIZE);
	for (uint64_t i = 0; i < GRANULES; i++)
		assert_true(is_of_one(copy + i * TEST_PAGE, i));
	usleep(50000);
	assert_memory_equal(copy, s.map, SIZE);
	setting_drop(&s);
}

/* ---- The module's end ---------------------------------------------------- */

static void unload_fails(void)
{
	assert_int_equal(syscall(SYS_delete_module, "umem_sim", O_NONBLOCK), -1);
	assert_int_equal(errno, EWOULDBLOCK);
}

static void unload(void **state)
{
	struct umem_sim_attach arg = hanging();
	struct setting s;
	int sim;

	(void)state;
	sim = sim_open();
	unload_fails();
	close(sim);

	setting_make(&s, UMEM_WAIT_HARD, 0);
	sim = sim_provide(s.region, &arg);
	toucher_start(&s.waiter[0], s.map);
	AWAIT(sim_stats(sim).hung == 1);
	close(sim);
	unload_fails();
	assert_int_equal(umem_region_detach(s.region), 0);
	sim_wait_unused();

	assert_int_equal(syscall(SYS_delete_module, "umem_sim", O_NONBLOCK), 0);
	assert_int_equal(access("/dev/umem-sim", F_OK), -1);
	/* Its request is in the core's queue, and found by the next. */
	assert_int_equal(system("insmod $UMEM_MODULES/umem_sim.ko"), 0);
	arg = sim_arg(NEW);
	close(sim_provide(s.region, &arg));
	assert_int_equal(toucher_join(&s.waiter[0]), 0);
	assert_true(sim_page_is(s.map, NEW, 0));
	setting_drop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hang_and_release),
		cmocka_unit_test(hang_and_replace),
		cmocka_unit_test(hang_and_detach),
		cmocka_unit_test(hang_and_kill),
		cmocka_unit_test(hang_and_time_out),
		cmocka_unit_test(some_hang),
		cmocka_unit_test(gone_under_failfast),
		cmocka_unit_test(gone_under_hard),
		cmocka_unit_test(gone_under_many),
		cmocka_unit_test(closed_in_every_state),
		cmocka_unit_test(replaced_under_load),
		cmocka_unit_test(unload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
