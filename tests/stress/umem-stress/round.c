// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A round: workers on a new region, events that come over its provider and its
 * memory, and in the end every byte and every counter.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handover.h"
#include "pressure.h"
#include "provider/lib/region.h"
#include "round.h"
#include "worker.h"

#define HUGE_PAGES	(UMEM_GRANULE_HUGE / PAGE)

/* ---- What kind of round -------------------------------------------------- */

static void draw_region(struct round *r, struct rng *rng)
{
	r->granule = PAGE;
	r->pages = rng_between(rng, 128, rng_once_in(rng, 4) ? MAX_PAGES : 768);
	r->max_data = PAGE << rng_below(rng, 6);
	r->huge = rng_once_in(rng, 6) && world->features & UMEM_FEATURE_HUGE;
	if (!r->huge)
		return;
	r->granule = UMEM_GRANULE_HUGE;
	r->pages = rng_between(rng, 1, MAX_PAGES / HUGE_PAGES) * HUGE_PAGES;
	r->max_data = UMEM_GRANULE_HUGE;
}

static void draw_policy(struct round *r, struct rng *rng)
{
	r->policy = UMEM_WAIT_HARD;
	r->timeout_ms = 0;
	if (rng_once_in(rng, 5)) {
		r->policy = UMEM_WAIT_TIMEOUT;
		r->timeout_ms = rng_between(rng, 1, 200);
	} else if (rng_once_in(rng, 5)) {
		r->policy = UMEM_WAIT_FAILFAST;
	}
}

static void draw_round(struct round *r, uint64_t number)
{
	struct rng rng = rng_stream(world->seed, number, 3000, 0);

	memset(r, 0, sizeof(*r));
	r->number = number;
	draw_region(r, &rng);
	draw_policy(r, &rng);
	r->inflight = 1U << rng_between(&rng, 0, 7);
	r->steps = rng_between(&rng, 50, 400);
	r->fails = rng_once_in(&rng, 4);
	r->zeros = rng_once_in(&rng, 2);
	if (rng_once_in(&rng, 2) && world->features & UMEM_FEATURE_READAHEAD)
		r->ahead = rng_between(&rng, 1, 64);
	if (!rng_once_in(&rng, 3))
		r->spin_ns = rng_between(&rng, 1, 1000) * 1000;
}

static void print_round(const struct round *r)
{
	printf("# round %llu: %u pages, granule %u, policy %u, %u ms, %u in flight, max_data %u, %u ahead, spins %u ns, %u steps%s%s\n",
	       (unsigned long long)r->number, r->pages, r->granule, r->policy,
	       r->timeout_ms, r->inflight, r->max_data, r->ahead, r->spin_ns,
	       r->steps,
	       r->fails ? ", FAIL" : "", r->zeros ? ", ZERO" : "");
}

static int create_region(const struct round *r)
{
	struct umem_create create = {
		.size = r->pages * PAGE,
		.flags = r->huge ? UMEM_CREATE_HUGE : 0,
		.wait_policy = r->policy,
		.timeout_ms = r->timeout_ms,
		.max_inflight = r->inflight,
		.max_data = r->max_data,
		.spin_ns = r->spin_ns,
		.readahead = r->ahead * r->granule,
	};
	int device = umem_device_open();
	int region;

	if (device < 0) {
		stress_fail("%s: %s", UMEM_DEVICE, strerror(-device));
		return device;
	}
	region = umem_region_create(device, &create);
	close(device);
	if (region < 0)
		stress_fail("region of %u pages: %s", r->pages,
			    strerror(-region));
	return region;
}

/* ---- Watchdog ------------------------------------------------------------ */

static void show(const char *path)
{
	char line[256];
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file))
		printf("#     %s", line);
	if (file)
		fclose(file);
}

static void show_stack(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stack", tid);
	printf("#   thread %d:\n", tid);
	show(path);
}

static void show_status(int region)
{
	struct umem_region_status s;

	if (umem_region_status(region, &s))
		return;
	printf("#   provider kind %u, %llu of %llu granules, requests: %llu queued, %llu issued, %llu requeued\n",
	       s.provider_kind, s.granules_provided, s.granules,
	       s.requests_queued, s.requests_issued, s.requests_requeued);
}

/* An access that lasts too long though there is a provider is a lost one. */
static void watch(int region)
{
	static const char *const names[] = {
#define X(name, text) text,
		STRESS_OPS(X)
#undef X
	};
	long long now = now_ms();

	for (unsigned int i = 0; i < WORKERS && !world->failed; i++) {
		struct slot *slot = &world->slots[i];
		long long since = slot->since_ms;

		if (!since || now - since < world->patience_ms)
			continue;
		stress_fail("worker %u: %s, page %u: no end after %lld s", i,
			    names[slot->op], slot->page, (now - since) / 1000);
		show_status(region);
		for (unsigned int j = 0; j < WORKERS; j++)
			show_stack(world->slots[j].tid);
		fflush(stdout);
	}
}

/* ---- While the workers work ---------------------------------------------- */

struct crew {
	pid_t pids[PROCESSES];
	unsigned int left;
};

static void crew_start(struct crew *crew, int region)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		crew->pids[i] = fork();
		if (crew->pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pressure_join();
		workers_run(region, i * THREADS);
	}
	crew->left = PROCESSES;
}

static void crew_reap(struct crew *crew)
{
	int status;

	for (unsigned int i = 0; i < PROCESSES; i++) {
		if (!crew->pids[i] ||
		    waitpid(crew->pids[i], &status, WNOHANG) <= 0)
			continue;
		if (status)
			stress_fail("workers ended with status %#x", status);
		crew->pids[i] = 0;
		crew->left--;
	}
}

static void crew_kill(struct crew *crew)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		if (!crew->pids[i])
			continue;
		kill(crew->pids[i], SIGKILL);
		waitpid(crew->pids[i], NULL, 0);
	}
}

/* Providers that were replaced leave by themselves. */
static void reap_providers(struct handover *h)
{
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < h->count; i++) {
		pid = waitpid(h->pids[i], &status, WNOHANG);
		if (pid > 0)
			handover_reap(h, pid, status);
	}
}

static void supervise(struct crew *crew, struct handover *h, long long end_ms)
{
	struct rng rng = rng_stream(world->seed, world->round.number, 4000, 0);
	long long next_event = now_ms() + rng_below(&rng, 300);
	long long next_pressure = now_ms();

	while (crew->left && !world->failed) {
		if (now_ms() >= end_ms)
			world->stop = true;
		if (now_ms() >= next_event) {
			handover_event(h);
			next_event = now_ms() + rng_below(&rng, 300);
		}
		if (now_ms() >= next_pressure) {
			pressure_event(&rng);
			next_pressure = now_ms() + rng_below(&rng, 1000);
		}
		usleep(5000);
		reap_providers(h);
		crew_reap(crew);
		watch(h->region);
	}
	crew_kill(crew);
}

/* ---- In the end ---------------------------------------------------------- */

/* Counters follow what they count: nothing may have moved in between. */
static bool settled(int region, struct umem_region_status *s)
{
	struct umem_region_status before;

	if (umem_region_status(region, &before))
		return false;
	usleep(20000);
	return !umem_region_status(region, s) && !s->requests_queued &&
	       !s->requests_issued && !memcmp(&before, s, sizeof(before));
}

/* Nobody asks any more, and what was asked for comes. */
static void await_answers(int region, struct umem_region_status *s)
{
	long long end = now_ms() + world->patience_ms;

	while (!settled(region, s)) {
		if (now_ms() > end) {
			stress_fail("requests without a waiter have no answer after %lld s",
				    world->patience_ms / 1000);
			show_status(region);
			fflush(stdout);
			return;
		}
		usleep(5000);
	}
}

/* By SEEK_DATA and SEEK_HOLE, or -1 where they tell nothing. */
static long long count_data(int region)
{
	off_t size = world->round.pages * PAGE;
	off_t data, hole = 0;
	long long sum = 0;

	while (hole < size) {
		data = lseek(region, hole, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? sum : -1;
		hole = lseek(region, data, SEEK_HOLE);
		if (hole <= data)
			return -1;
		sum += (hole - data) / world->round.granule;
	}
	return sum;
}

static void check_sums(const struct umem_region_status *s)
{
	unsigned long long by_kind = s->answers_provided + s->granules_punched +
				     s->granules_written;
	unsigned long long bytes = s->bytes_copied + s->bytes_direct +
				   s->bytes_mapped;
	unsigned long long answered = s->answers_provided * s->granule;

	if (s->granules_provided != by_kind)
		stress_fail("counters: %llu granules provided, but %llu answered, %llu punched, %llu written",
			    s->granules_provided, s->answers_provided,
			    s->granules_punched, s->granules_written);
	/* Those answered by ZERO have no bytes. */
	if (bytes > answered || (bytes != answered && !world->round.zeros))
		stress_fail("counters: %llu bytes for %llu granules answered",
			    bytes, s->answers_provided);
	if (s->answers_failed && !world->round.fails)
		stress_fail("counters: %llu answers failed",
			    s->answers_failed);
}

static void check_counters(int region, bool data_is_told)
{
	struct umem_region_status s;
	long long data;

	await_answers(region, &s);
	if (world->failed)
		return;
	check_sums(&s);
	data = data_is_told ? count_data(region) : -1;
	if (data >= 0 && (unsigned long long)data != s.granules_provided)
		stress_fail("%lld granules of data, %llu provided", data,
			    s.granules_provided);
}

/* Under a time limit it may take several tries. */
static bool read_page(int region, unsigned int page, uint64_t *words)
{
	long long end = now_ms() + world->patience_ms;
	ssize_t got;

	do {
		got = pread(region, words, PAGE, page * PAGE);
		if (got == (ssize_t)PAGE)
			return true;
	} while (world->round.policy == UMEM_WAIT_TIMEOUT && got < 0 &&
		 errno == EIO && now_ms() < end);
	stress_fail("pread of page %u: %zd, %s", page, got,
		    got < 0 ? strerror(errno) : "short");
	return false;
}

/* Reads it all, what is missing as well. */
static void check_bytes(int region)
{
	bool by_mapping = world->round.policy != UMEM_WAIT_TIMEOUT;
	static uint64_t words[WORDS];
	size_t length = world->round.pages * PAGE;
	char *mem = mmap(NULL, length, PROT_READ, MAP_SHARED, region, 0);

	if (mem == MAP_FAILED)
		return stress_fail("mmap: %s", strerror(errno));
	for (unsigned int page = 0; page < world->round.pages; page++) {
		if (by_mapping && page % 2)
			memcpy(words, mem + page * PAGE, PAGE);
		else if (!read_page(region, page, words))
			return;
		if (!page_check_exactly(page, words, "in the end"))
			return;
	}
	munmap(mem, length);
}

/* In a process of its own: its signals, and a hang, are noticed. */
static void verify(int region)
{
	long long end = now_ms() + 2 * world->patience_ms;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		check_bytes(region);
		_exit(world->failed);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() > end) {
			stress_fail("reading it all has no end");
			show_status(region);
			show_stack(pid);
			fflush(stdout);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return;
		}
		usleep(2000);
	}
	if (status && !world->failed)
		stress_fail("reading it all ended with status %#x", status);
}

static void check_full(int region)
{
	struct umem_region_status s;

	await_answers(region, &s);
	if (!world->failed && s.granules_provided != s.granules)
		stress_fail("every byte was read, but only %llu of %llu granules are provided",
			    s.granules_provided, s.granules);
	check_sums(&s);
}

static void conclude(struct handover *h, bool data_is_told)
{
	world->quiet = true;
	handover_settle(h);
	check_counters(h->region, data_is_told);
	if (!world->failed)
		verify(h->region);
}

void round_run(uint64_t number, long long end_ms)
{
	struct handover h;
	struct crew crew;
	bool data_is_told;
	int region;

	world_reset();
	draw_round(&world->round, number);
	print_round(&world->round);
	pressure_begin();
	region = create_region(&world->round);
	if (region < 0)
		return;
	data_is_told = lseek(region, 0, SEEK_HOLE) == 0;
	crew_start(&crew, region);
	handover_begin(&h, region);
	supervise(&crew, &h, end_ms);
	if (!world->failed) {
		conclude(&h, data_is_told);
		if (!world->failed)
			check_full(region);
	}
	handover_end(&h);
	close(region);
}
