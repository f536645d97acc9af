// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writing: own words beside those of others, and whole ranges under an
 * exclusive lock. A write that is refused is repeated, until it is done: a FAIL
 * does not stick, and a provider comes again.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "word.h"
#include "worker.h"

#define MOST_PAGES	16U

/* Words from @from on, @count in all, of pages in a row. */
struct run {
	unsigned int page;
	unsigned int from;
	unsigned int count;
};

static unsigned int run_pages(const struct run *run)
{
	return (run->from + run->count + WORDS - 1) / WORDS;
}

/* The part of the run in its @i-th page. */
static void run_part(const struct run *run, unsigned int i, unsigned int *from,
		     unsigned int *count)
{
	unsigned int start = i ? i * WORDS : run->from;
	unsigned int end = run->from + run->count;

	if (end > (i + 1) * WORDS)
		end = (i + 1) * WORDS;
	*from = start - i * WORDS;
	*count = end - start;
}

static void make_words(uint64_t *to, unsigned int page, unsigned int from,
		       unsigned int count, uint32_t gen)
{
	struct word word = {
		.tag = word_tag(world->seed, world->round.number + 1),
		.page = page,
		.gen = gen,
	};

	for (unsigned int i = 0; i < count; i++) {
		word.index = from + i;
		to[i] = word_encode(&word);
	}
}

static void try_later(void)
{
	usleep(2000);
}

static void store_all(struct worker *w, loff_t offset, const uint64_t *from,
		      unsigned int words)
{
	unsigned int part, done;
	int err;

	/* Page by page: one that is there does not fail any more. */
	for (done = 0; done < words && !world->failed; done += part) {
		part = WORDS - (offset / 8 + done) % WORDS;
		if (part > words - done)
			part = words - done;
		for (;;) {
			err = guarded_write(w->mem + offset + done * 8,
					    from + done, part);
			if (!err || !refusal_is_right("store", offset / PAGE,
						      err))
				break;
			try_later();
		}
	}
}

static void pwrite_all(struct worker *w, loff_t offset, const void *from,
		       size_t length)
{
	size_t done = 0;
	ssize_t put;

	while (done < length && !world->failed) {
		put = pwrite(w->region, (const char *)from + done,
			     length - done, offset + done);
		if (put > 0) {
			done += put;
			continue;
		}
		if (!refusal_is_right("pwrite", (offset + done) / PAGE,
				      put ? errno : ENODATA))
			break;
		try_later();
	}
}

/* ---- Own words, under a shared lock -------------------------------------- */

static struct run draw_own(struct worker *w)
{
	struct run run = { .page = any_page(w) };
	unsigned int chunk = rng_below(&w->rng, CHUNKS);
	unsigned int at;

	while ((run.page + chunk) % WORKERS != w->number)
		chunk = (chunk + 1) % CHUNKS;
	at = rng_below(&w->rng, CHUNK_WORDS);
	run.from = chunk * CHUNK_WORDS + at;
	run.count = rng_between(&w->rng, 1, CHUNK_WORDS - at);
	return run;
}

void op_touch_write(struct worker *w)
{
	unsigned int page = any_page(w);
	unsigned int word = rng_below(&w->rng, WORDS);
	int err;

	world->slots[w->number].page = page;
	err = guarded_touch(page_at(w, page) + word * 8);
	if (err)
		refusal_is_right("write touch", page, err);
}

void op_store(struct worker *w)
{
	struct run run = draw_own(w);
	struct shadow *shadow = &world->pages[run.page];
	uint32_t gen;

	world->slots[w->number].page = run.page;
	pthread_rwlock_rdlock(&shadow->lock);
	gen = write_begin(run.page, false);
	make_words(w->buffer, run.page, run.from, run.count, gen);
	store_all(w, run.page * PAGE + run.from * 8, w->buffer, run.count);
	write_end(run.page, run.from, run.count, gen, false);
	pthread_rwlock_unlock(&shadow->lock);
}

/*
 * Starts and ends anywhere: bytes of the words at its ends are written as they
 * are.
 */
void op_pwrite(struct worker *w)
{
	struct run run = draw_own(w);
	struct shadow *shadow = &world->pages[run.page];
	unsigned int skip = 0, drop = 0, from = run.from, count = run.count;
	uint32_t gen;

	if (count > 2 && rng_once_in(&w->rng, 2)) {
		skip = rng_between(&w->rng, 1, 7);
		drop = rng_between(&w->rng, 1, 7);
		from++;
		count -= 2;
	}
	world->slots[w->number].page = run.page;
	pthread_rwlock_rdlock(&shadow->lock);
	gen = write_begin(run.page, false);
	w->buffer[0] = word_now(run.page, run.from);
	w->buffer[run.count - 1] = word_now(run.page, run.from + run.count - 1);
	make_words(w->buffer + (from - run.from), run.page, from, count, gen);
	pwrite_all(w, run.page * PAGE + run.from * 8 + skip,
		   (char *)w->buffer + skip, run.count * 8 - skip - drop);
	write_end(run.page, from, count, gen, false);
	pthread_rwlock_unlock(&shadow->lock);
}

/* ---- Whole ranges, under exclusive locks --------------------------------- */

static struct run draw_range(struct worker *w, bool whole_pages)
{
	struct run run = { .page = any_page(w) };
	unsigned int room = world->round.pages - run.page;
	unsigned int pages;

	/* Mostly few, sometimes many. */
	pages = rng_once_in(&w->rng, 4) ?
		rng_between(&w->rng, 1, MOST_PAGES) :
		rng_between(&w->rng, 1, 2);
	if (pages > room)
		pages = room;
	if (!whole_pages && rng_once_in(&w->rng, 2)) {
		run.from = rng_below(&w->rng, WORDS);
		run.count = rng_between(&w->rng, 1, pages * WORDS - run.from);
	} else {
		run.count = pages * WORDS;
	}
	return run;
}

/* In the order of the pages, so that nobody waits in a circle. */
static void lock_run(const struct run *run)
{
	for (unsigned int i = 0; i < run_pages(run); i++)
		pthread_rwlock_wrlock(&world->pages[run->page + i].lock);
}

static void unlock_run(const struct run *run)
{
	for (unsigned int i = 0; i < run_pages(run); i++)
		pthread_rwlock_unlock(&world->pages[run->page + i].lock);
}

static void begin_run(const struct run *run, uint32_t *gens, bool punch)
{
	for (unsigned int i = 0; i < run_pages(run); i++)
		gens[i] = write_begin(run->page + i, punch);
}

static void end_run(const struct run *run, const uint32_t *gens, bool punch)
{
	unsigned int from, count;

	for (unsigned int i = 0; i < run_pages(run); i++) {
		run_part(run, i, &from, &count);
		write_end(run->page + i, from, count, gens[i], punch);
	}
}

void op_write_pages(struct worker *w, bool by_mapping)
{
	struct run run = draw_range(w, false);
	loff_t offset = run.page * PAGE + run.from * 8;
	uint32_t gens[MOST_PAGES];
	unsigned int from, count;

	world->slots[w->number].page = run.page;
	lock_run(&run);
	begin_run(&run, gens, false);
	for (unsigned int i = 0; i < run_pages(&run); i++) {
		run_part(&run, i, &from, &count);
		make_words(w->buffer + i * WORDS + from - run.from,
			   run.page + i, from, count, gens[i]);
	}
	if (by_mapping)
		store_all(w, offset, w->buffer, run.count);
	else
		pwrite_all(w, offset, w->buffer, run.count * 8);
	end_run(&run, gens, false);
	unlock_run(&run);
}

static int punch(struct worker *w, loff_t offset, size_t length,
		 bool by_mapping)
{
	int err = by_mapping ?
		madvise(w->mem + offset, length, MADV_REMOVE) :
		fallocate(w->region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  offset, length);

	return err ? errno : 0;
}

/* Where a hole is no whole granule, the rest is fetched, and may fail. */
void op_punch(struct worker *w, bool by_mapping)
{
	struct run run = draw_range(w, by_mapping);
	uint32_t gens[MOST_PAGES];
	int err;

	world->slots[w->number].page = run.page;
	lock_run(&run);
	begin_run(&run, gens, true);
	while (!world->failed) {
		err = punch(w, run.page * PAGE + run.from * 8, run.count * 8,
			    by_mapping);
		if (!err || !refusal_is_right("punch", run.page, err))
			break;
		try_later();
	}
	end_run(&run, gens, true);
	unlock_run(&run);
}
