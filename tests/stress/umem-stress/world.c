// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "word.h"
#include "world.h"

struct world *world;

void world_create(void)
{
	pthread_rwlockattr_t attr;

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (world == MAP_FAILED) {
		perror("umem-stress: shared memory");
		exit(1);
	}
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	/* Else those who want a page for themselves starve. */
	pthread_rwlockattr_setkind_np(&attr,
			PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (unsigned int i = 0; i < MAX_PAGES; i++)
		pthread_rwlock_init(&world->pages[i].lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

void world_reset(void)
{
	for (unsigned int i = 0; i < MAX_PAGES; i++) {
		struct shadow *shadow = &world->pages[i];

		shadow->started = 0;
		shadow->completed = 0;
		shadow->punched = 0;
		memset((void *)shadow->words, 0, sizeof(shadow->words));
	}
	memset(world->slots, 0, sizeof(world->slots));
	world->stop = false;
	world->quiet = false;
}

long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

bool may_fail(void)
{
	return world->round.fails || world->round.policy != UMEM_WAIT_HARD;
}

bool op_available(enum stress_op op)
{
	if (op == OP_PUNCH || op == OP_REMOVE)
		return world->features & UMEM_FEATURE_PUNCH;
	return true;
}

void stress_fail(const char *format, ...)
{
	char text[1024];
	va_list args;
	int length;

	/* One write(), and no lock of stdio's: this may be a forked child. */
	length = snprintf(text, sizeof(text), "# WRONG (round %llu, thread %d): ",
			  (unsigned long long)world->round.number, gettid());
	va_start(args, format);
	length += vsnprintf(text + length, sizeof(text) - length - 1, format,
			    args);
	va_end(args);
	if (length > (int)sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length++] = '\n';
	if (write(STDOUT_FILENO, text, length) < 0)
		abort();
	world->failed = true;
	world->stop = true;
}

/* ---- What a word may hold ------------------------------------------------ */

bool supplied_as_zero(unsigned int page)
{
	return rng_mix(world->seed ^ (page + 1)) % 16 == 0;
}

static uint64_t word_of(unsigned int page, unsigned int index, uint32_t gen)
{
	struct word w = {
		.tag = word_tag(world->seed, gen ? world->round.number + 1 : 0),
		.page = page,
		.index = index,
		.gen = gen,
	};

	if (!gen && supplied_as_zero(page))
		return 0;
	return word_encode(&w);
}

uint64_t word_of_shadow(unsigned int page, unsigned int index, uint16_t shadow)
{
	if (shadow & SHADOW_ZERO)
		return 0;
	return word_of(page, index, shadow & SHADOW_GEN);
}

uint64_t word_now(unsigned int page, unsigned int word)
{
	return word_of_shadow(page, word, world->pages[page].words[word]);
}

void page_fill_supplied(void *at, unsigned int page)
{
	uint64_t *words = at;

	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = word_of(page, i, 0);
}

static void wrong(const char *how, unsigned int page, unsigned int index,
		  uint64_t got, uint16_t before, const char *what)
{
	const struct shadow *shadow = &world->pages[page];
	struct word w = word_decode(got);

	stress_fail("%s: page %u word %u: %s: got %016llx (tag %u page %u word %u generation %u), shadow %s%u, started %u, completed %u, newest punch %u; tags %u and %u",
		    how, page, index, what, (unsigned long long)got, w.tag,
		    w.page, w.index, w.gen,
		    before & SHADOW_ZERO ? "punched at " : "",
		    before & SHADOW_GEN, shadow->started, shadow->completed,
		    shadow->punched, word_tag(world->seed, 0),
		    word_tag(world->seed, world->round.number + 1));
}

void view_take(struct view *view, unsigned int page, unsigned int from,
	       unsigned int count)
{
	const struct shadow *shadow = &world->pages[page];

	view->page = page;
	view->from = from;
	view->count = count;
	view->completed = shadow->completed;
	for (unsigned int i = 0; i < count; i++)
		view->before[i] = shadow->words[from + i];
}

static bool zero_is_right(const struct shadow *shadow, unsigned int page,
			  uint16_t before)
{
	if (before & SHADOW_ZERO || (!before && supplied_as_zero(page)))
		return true;
	return shadow->punched > before;
}

static bool is_of_this_place(const struct word *w, unsigned int page,
			     unsigned int index)
{
	return w->page == page && w->index == index &&
	       w->tag == word_tag(world->seed,
				  w->gen ? world->round.number + 1 : 0);
}

bool view_check(const struct view *view, const uint64_t *got, const char *how)
{
	const struct shadow *shadow = &world->pages[view->page];
	bool busy = shadow->started != view->completed;

	for (unsigned int i = 0; i < view->count; i++) {
		unsigned int index = view->from + i;
		uint16_t before = view->before[i];
		struct word w;

		if (got[i] == word_of_shadow(view->page, index, before))
			continue;
		if (!got[i] && zero_is_right(shadow, view->page, before))
			continue;
		w = word_decode(got[i]);
		if (is_of_this_place(&w, view->page, index) &&
		    w.gen > (before & SHADOW_GEN) && w.gen <= shadow->started)
			continue;
		if (busy && got[i] && !is_of_this_place(&w, view->page, index)) {
			count_note(NOTE_TORN);
			continue;
		}
		wrong(how, view->page, index, got[i], before, !got[i] ?
		      "zero, and nobody punched" : "not what it may hold");
		return false;
	}
	return true;
}

bool page_check_exactly(unsigned int page, const uint64_t *got, const char *how)
{
	for (unsigned int i = 0; i < WORDS; i++) {
		if (got[i] == word_now(page, i))
			continue;
		wrong(how, page, i, got[i], world->pages[page].words[i],
		      "not exactly what it holds");
		return false;
	}
	return true;
}

bool stray_check(unsigned int word, uint64_t got, uint16_t before)
{
	struct word w = word_decode(got);

	/* Half-written, or punched: nothing is known. */
	if (w.page >= world->round.pages ||
	    !is_of_this_place(&w, w.page, word))
		return true;
	if (w.gen >= (before & SHADOW_GEN) &&
	    w.gen <= world->pages[w.page].started)
		return true;
	wrong("replaced mapping", w.page, word, got, before, "stale");
	return false;
}

/* ---- Writes -------------------------------------------------------------- */

uint32_t write_begin(unsigned int page, bool punch)
{
	struct shadow *shadow = &world->pages[page];
	uint32_t gen = atomic_fetch_add(&shadow->started, 1) + 1;

	if (gen > SHADOW_GEN)
		stress_fail("page %u: too many generations", page);
	if (punch)
		shadow->punched = gen;
	return gen;
}

void write_end(unsigned int page, unsigned int from, unsigned int count,
	       uint32_t gen, bool punch)
{
	struct shadow *shadow = &world->pages[page];

	for (unsigned int i = 0; i < count; i++)
		shadow->words[from + i] = gen | (punch ? SHADOW_ZERO : 0);
	atomic_fetch_add(&shadow->completed, 1);
}
