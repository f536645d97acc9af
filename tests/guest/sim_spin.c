// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Faults poll a provider that answers soon, where the region's creator allows
 * it; and whatever happens while they poll, they get their bytes.
 *
 * needs: umem umem_sim cpus=2
 * timeout: 240
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"
#include "provider/pattern.h"

#define GRANULES	8192UL
#define SIZE		(GRANULES * TEST_PAGE)
#define SEED		7
#define SPIN_NS		UMEM_MAX_SPIN_NS
/* With what an emulator takes for the rest it is well below SPIN_NS. */
#define LATENCY_NS	5000
#define THREADS		4
#define PROVIDERS	20

static char *map;

static int make_with(uint32_t spin_ns, uint32_t readahead)
{
	struct umem_create create = {
		.size = SIZE,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 16,
		.max_data = TEST_PAGE,
		.spin_ns = spin_ns,
		.readahead = readahead,
	};
	int device = umem_device_open();
	int region;

	assert_true(device >= 0);
	region = umem_region_create(device, &create);
	close(device);
	assert_true(region >= 0);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(map != MAP_FAILED);
	return region;
}

static int make(uint32_t spin_ns)
{
	return make_with(spin_ns, 0);
}

static void drop(int region)
{
	munmap(map, SIZE);
	close(region);
	sim_wait_unused();
}

/* Only the debug kernel may be too slow for it: there the test ends as skipped. */
static void is_not_polled(int sim, int region)
{
	close(sim);
	drop(region);
	if (!getenv("UMEM_DEBUG_KERNEL"))
		fail_msg("none of the providers was polled");
	skip();
}

static bool is_right(uint64_t granule)
{
	return sim_page_is(map + granule * TEST_PAGE, SEED, granule);
}

static struct umem_sim_attach fast(void)
{
	struct umem_sim_attach arg = sim_arg(SEED);

	arg.latency_ns = LATENCY_NS;
	return arg;
}

static uint64_t in_order(uint64_t i)
{
	return i;
}

/* In no order that read-ahead would find, in half of the region. */
static uint64_t scattered(uint64_t i)
{
	return (i * i * 2654435761u >> 7) % (GRANULES / 2);
}

/* Touches by which a provider shows whether it is polled. */
#define TRIAL	256

/*
 * A provider that is polled. A timer of the host that is late makes the first
 * answers slow; then none is polled for, and nothing teaches better: another
 * provider, which nothing is known of, gets the next touches. @next is the first
 * touch after, in half of the region.
 */
static int provide_polled(int region, const struct umem_sim_attach *arg,
			  uint64_t (*place)(uint64_t i), uint64_t *next)
{
	double end = test_now() + TEST_SECONDS;
	int sim = sim_provide(region, arg);
	uint64_t before = 0, polled;

	for (*next = 0; (polled = sim_stats(sim).polled) < 64; ++*next) {
		if (*next == GRANULES / 2 || test_now() > end)
			is_not_polled(sim, region);
		if (*next % TRIAL == TRIAL - 1) {
			if (polled == before) {
				close(sim);
				sim = sim_provide(region, arg);
				polled = 0;
			}
			before = polled;
		}
		assert_true(is_right(place(*next)));
	}
	return sim;
}

static void polls_a_fast_provider(void **state)
{
	struct umem_sim_attach arg = fast();
	int region = make(SPIN_NS);
	uint64_t next;

	(void)state;
	close(provide_polled(region, &arg, in_order, &next));
	drop(region);
}

static void polls_never(uint32_t spin_ns)
{
	struct umem_sim_attach arg = fast();
	int region = make(spin_ns);
	int sim = sim_provide(region, &arg);
	uint64_t i;

	for (i = 0; i < 256; i++)
		assert_true(is_right(i));
	assert_int_equal(sim_stats(sim).polled, 0);
	close(sim);
	drop(region);
}

static void polls_only_where_allowed(void **state)
{
	(void)state;
	polls_never(0);
}

static void polls_no_slow_provider(void **state)
{
	(void)state;
	polls_never(1000);
}

/* One that answers fast at first, then not at all: the fault sleeps. */
static void sleeps_when_nothing_comes(void **state)
{
	struct umem_sim_attach arg = fast();
	struct toucher touchers[THREADS];
	int region = make(SPIN_NS);
	unsigned int i;
	int sim;

	(void)state;
	arg.hang_from = 1000;
	sim = sim_provide(region, &arg);
	for (i = 0; i < 999; i++)
		assert_true(is_right(i));
	/* Two for each granule: one made the request, the other found it. */
	for (i = 0; i < THREADS; i++)
		toucher_start(&touchers[i],
			      map + (2000 + i / 2) * TEST_PAGE);
	AWAIT(sim_stats(sim).hung == THREADS / 2);
	for (i = 0; i < THREADS; i++)
		AWAIT(task_state(getpid(), touchers[i].tid) == 'D' ||
		      task_state(getpid(), touchers[i].tid) == 'S');
	assert_int_equal(ioctl(sim, UMEM_SIM_IOC_RELEASE), THREADS / 2);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
	close(sim);
	drop(region);
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET(cpu, &set);
	for (int i = 0; cpu < 0 && i < CPU_SETSIZE; i++)
		CPU_SET(i, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Of a thread that is asleep. */
static uint64_t cpu_ns(const struct toucher *toucher)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(toucher->thread, &clock), 0);
	clock_gettime(clock, &used);
	return used.tv_sec * 1000000000ULL + used.tv_nsec;
}

/* One that is polled still when its next answer is the first that does not come. */
static int provide_until_it_hangs(int region)
{
	struct umem_sim_attach arg = fast();
	uint64_t first, polled = 0;
	unsigned int i;
	int sim;

	arg.hang_from = 1000;
	for (first = 0; first < 6000; first += 1000) {
		sim = sim_provide(region, &arg);
		for (i = 0; i < 999; i++) {
			if (i == 900)
				polled = sim_stats(sim).polled;
			assert_true(is_right(first + i));
		}
		if (sim_stats(sim).polled > polled)
			return sim;
		close(sim);
	}
	is_not_polled(-1, region);
	return -1;
}

/*
 * Alone on its CPU nothing but the clock ends a spin for what does not come. By the
 * least of several: what the host takes from the machine counts as used.
 */
static void spins_no_longer_than_allowed(void **state)
{
	struct toucher touchers[8];
	int region = make(SPIN_NS);
	uint64_t least = UINT64_MAX;
	unsigned int i;
	int sim;

	(void)state;
	sim = provide_until_it_hangs(region);
	for (i = 0; i < 8; i++) {
		uint64_t ns;

		run_on(1);
		toucher_start(&touchers[i], map + (7000 + i) * TEST_PAGE);
		run_on(0);
		AWAIT(sim_stats(sim).hung == i + 1);
		AWAIT(task_state(getpid(), touchers[i].tid) == 'D' ||
		      task_state(getpid(), touchers[i].tid) == 'S');
		ns = cpu_ns(&touchers[i]);
		least = ns < least ? ns : least;
	}
	run_on(-1);
	print_message("# %lu ns of CPU time\n", least);
	assert_int_equal(ioctl(sim, UMEM_SIM_IOC_RELEASE), 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
	close(sim);
	drop(region);
	assert_true(least < 30 * SPIN_NS);
}

/*
 * What answers in the middle of the longest spin, so that all that it takes to
 * end one comes while it lasts. The first granules have taught that it is fast.
 */
static int provide_midway(int region, uint64_t (*place)(uint64_t i),
			  uint64_t *next)
{
	struct umem_sim_attach arg = fast();

	arg.latency_ns = SPIN_NS / 2;
	return provide_polled(region, &arg, place, next);
}

static int copy_to;
static uint64_t copy_from;
static _Atomic bool copied;

static void *copy_rest(void *unused)
{
	size_t size = (GRANULES - copy_from) * TEST_PAGE;

	/* One call, which only a fatal signal would end. */
	if (write(copy_to, map + copy_from * TEST_PAGE, size) != (ssize_t)size)
		abort();
	copied = true;
	return unused;
}

static void ignore(int signal)
{
	(void)signal;
}

/*
 * With a signal pending nothing is polled for: if it is a fatal one, the task
 * is to end. Any other stays pending for as long as this call takes.
 */
static void yields_to_signals(void **state)
{
	struct sigaction action = { .sa_handler = ignore };
	uint64_t next, polled, done;
	int region = make(SPIN_NS);
	struct umem_sim_stats stats;
	pthread_t thread;
	int sim;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	sim = provide_midway(region, in_order, &copy_from);
	copy_to = memfd_create("copy", 0);
	copied = false;
	next = sim_stats(sim).polled;
	assert_int_equal(pthread_create(&thread, NULL, copy_rest, NULL), 0);
	AWAIT(sim_stats(sim).polled > next + 16 || copied);
	assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
	stats = sim_stats(sim);
	pthread_join(thread, NULL);
	polled = sim_stats(sim).polled - stats.polled;
	done = sim_stats(sim).done - stats.done;
	print_message("# %lu of %lu were polled for\n", polled, done);
	close(copy_to);
	close(sim);
	drop(region);
	assert_true(done > 256);
	/* A first look may find an answer, where the machine stood still before. */
	assert_true(polled < done / 16);
}

static _Atomic bool wrong;

static void *touch_all(void *unused)
{
	uint64_t i;

	(void)unused;
	for (i = 0; i < GRANULES; i++)
		if (!is_right(i))
			wrong = true;
	return NULL;
}

/* Threads poll for the same granules while their provider is replaced. */
static void replaced_while_polling(void **state)
{
	struct umem_sim_attach arg = fast();
	int region = make(SPIN_NS);
	pthread_t threads[THREADS];
	int sims[PROVIDERS];
	unsigned int i;

	(void)state;
	sims[0] = sim_provide(region, &arg);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, touch_all,
						NULL), 0);
	for (i = 1; i < PROVIDERS; i++) {
		test_pause();
		sims[i] = sim_provide(region, &arg);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_false(wrong);
	for (i = 0; i < PROVIDERS; i++)
		close(sims[i]);
	drop(region);
}

/* A hole may be made while this looks. */
static bool is_right_or_hole(uint64_t granule)
{
	const volatile uint64_t *words =
		(uint64_t *)(map + granule * TEST_PAGE);
	uint64_t pattern[TEST_PAGE / sizeof(*words)];
	size_t i;

	umem_pattern_fill(SEED, granule * TEST_PAGE, pattern,
			  TEST_PAGE / sizeof(*words));
	for (i = 0; i < TEST_PAGE / sizeof(*words); i++) {
		uint64_t word = words[i];

		if (word && word != pattern[i])
			return false;
	}
	return true;
}

/* Every other granule becomes a hole. */
static void *touch_all_or_holes(void *unused)
{
	uint64_t i;

	(void)unused;
	for (i = 0; i < GRANULES; i += 2)
		if (!is_right_or_hole(i) || !is_right(i + 1))
			wrong = true;
	return NULL;
}

static bool is_hole(uint64_t granule)
{
	return test_is_zero(map + granule * TEST_PAGE);
}

static void make_holes(int region)
{
	struct umem_sim_attach arg = fast();
	int sim = sim_provide(region, &arg);
	pthread_t threads[THREADS];
	uint64_t i;
	unsigned int t;

	wrong = false;
	for (t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL,
						touch_all_or_holes, NULL), 0);
	/* Behind those who touch, with them, and before them. */
	for (i = 0; i < GRANULES; i += 2) {
		assert_int_equal(fallocate(region, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE,
					   i * TEST_PAGE, TEST_PAGE), 0);
		if (!is_hole(i))
			wrong = true;
	}
	for (t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	for (i = 0; i < GRANULES; i += 2)
		assert_true(is_hole(i) && is_right(i + 1));
	print_message("# %lu were polled for\n",
		      (unsigned long)sim_stats(sim).polled);
	assert_false(wrong);
	/* What nobody wants any more has to end all the same. */
	AWAIT(!test_status(region).requests_issued);
	close(sim);
	drop(region);
}

/* A fault that polls keeps its folio locked, which whoever makes a hole wants. */
static void holes_while_polling(void **state)
{
	(void)state;
	make_holes(make(SPIN_NS));
}

/* With read-ahead it does not: the hole may be there before the answer. */
static void holes_while_polling_ahead(void **state)
{
	(void)state;
	make_holes(make_with(SPIN_NS, 16 * TEST_PAGE));
}

#define HOLES 256

/* How many places the toucher may have, has begun with, and is ready with. */
static _Atomic uint64_t allowed, begun, ready;

static uint64_t place_of(uint64_t i)
{
	return GRANULES / 2 + scattered(i);
}

static void *touch_places(void *unused)
{
	uint64_t i;

	for (i = 0; i < HOLES; i++) {
		while (allowed <= i)
			sched_yield();
		begun = i + 1;
		if (!is_right_or_hole(place_of(i)))
			wrong = true;
		ready = i + 1;
	}
	return unused;
}

/* Each hole where a fault has just begun to poll: its provider goes on alone. */
static void holes_under_pollers(void **state)
{
	int region = make_with(SPIN_NS, 16 * TEST_PAGE);
	uint64_t i, next, polled;
	pthread_t thread;
	int sim;

	(void)state;
	wrong = false;
	allowed = begun = ready = 0;
	sim = provide_midway(region, scattered, &next);
	polled = sim_stats(sim).polled;
	assert_int_equal(pthread_create(&thread, NULL, touch_places, NULL), 0);
	for (i = 0; i < HOLES; i++) {
		allowed = i + 1;
		while (begun <= i)
			sched_yield();
		assert_int_equal(fallocate(region, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE,
					   place_of(i) * TEST_PAGE,
					   TEST_PAGE), 0);
		while (ready <= i)
			sched_yield();
		/* Nobody polls any more, the next fault may not help. */
		AWAIT(!test_status(region).requests_issued);
	}
	pthread_join(thread, NULL);
	print_message("# %lu were polled for\n",
		      (unsigned long)(sim_stats(sim).polled - polled));
	assert_false(wrong);
	close(sim);
	drop(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls_a_fast_provider),
		cmocka_unit_test(polls_only_where_allowed),
		cmocka_unit_test(polls_no_slow_provider),
		cmocka_unit_test(sleeps_when_nothing_comes),
		cmocka_unit_test(spins_no_longer_than_allowed),
		cmocka_unit_test(yields_to_signals),
		cmocka_unit_test(replaced_while_polling),
		cmocka_unit_test(holes_while_polling),
		cmocka_unit_test(holes_while_polling_ahead),
		cmocka_unit_test(holes_under_pollers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
