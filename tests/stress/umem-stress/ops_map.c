// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Advice, private mappings, mappings that come and go, and forks.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "word.h"
#include "worker.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

static unsigned int draw_pages(struct worker *w, unsigned int page,
			       unsigned int most)
{
	unsigned int pages = rng_between(&w->rng, 1, most);

	return pages < world->round.pages - page ?
		pages : world->round.pages - page;
}

void op_advise_file(struct worker *w)
{
	static const int advices[] = {
		POSIX_FADV_WILLNEED, POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,
		POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL, POSIX_FADV_NORMAL,
	};
	int advice = advices[rng_below(&w->rng, 6)];
	unsigned int page = any_page(w);
	unsigned int pages = draw_pages(w, page, 64);
	int err = posix_fadvise(w->region, page * PAGE, pages * PAGE, advice);

	if (err)
		stress_fail("posix_fadvise(%d) of %u pages: %s", advice, pages,
			    strerror(err));
}

void op_advise_map(struct worker *w)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_PAGEOUT, MADV_COLD, MADV_WILLNEED,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	int advice = advices[rng_below(&w->rng, 6)];
	unsigned int page = any_page(w);
	unsigned int pages = draw_pages(w, page, 32);

	world->slots[w->number].page = page;
	if (!madvise(page_at(w, page), pages * PAGE, advice))
		return;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		refusal_is_right("populate", page, errno);
	else
		stress_fail("madvise(%d) of %u pages: %s", advice, pages,
			    strerror(errno));
}

/* ---- Private mappings ---------------------------------------------------- */

/*
 * After the first write of ours the page is a copy, which nobody else changes:
 * our words as we wrote them, the others as they were at some moment.
 */
static void check_copy(struct worker *w, uint64_t *copy, unsigned int page)
{
	unsigned int word = rng_below(&w->rng, WORDS);
	uint64_t mine = rng_next(&w->rng);
	struct view view;
	int err;

	view_take(&view, page, 0, WORDS);
	err = guarded_write(copy + word, &mine, 1);
	if (!err)
		err = guarded_read(w->expected, copy, WORDS);
	if (err) {
		refusal_is_right("private mapping", page, err);
		return;
	}
	if (w->expected[word] != mine) {
		stress_fail("private mapping: page %u: a write is lost", page);
		return;
	}
	/* Nothing is known of what was there before. */
	w->expected[word] = word_of_shadow(page, word, view.before[word]);
	if (!view_check(&view, w->expected, "private mapping"))
		return;
	w->expected[word] = mine;
	if (rng_once_in(&w->rng, 2))
		madvise(copy, PAGE, MADV_PAGEOUT);
	usleep(rng_below(&w->rng, 3000));
	if (guarded_read(w->buffer, copy, WORDS) ||
	    memcmp(w->buffer, w->expected, PAGE))
		stress_fail("private mapping: page %u: the copy changed", page);
}

void op_private(struct worker *w)
{
	unsigned int page = any_page(w);
	unsigned int pages = draw_pages(w, page, 4);
	char *copy = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE, w->region, page * PAGE);

	world->slots[w->number].page = page;
	if (copy == MAP_FAILED) {
		stress_fail("private mmap: %s", strerror(errno));
		return;
	}
	for (unsigned int i = 0; i < pages; i++)
		check_copy(w, (uint64_t *)(copy + i * PAGE), page + i);
	munmap(copy, pages * PAGE);
}

/* ---- Mappings that come and go ------------------------------------------- */

/*
 * Puts other pages in the place of some of the roving mapping, or none at all,
 * while threads read there, or sleep in a fault.
 */
void op_remap(struct worker *w)
{
	unsigned int at = rng_below(&w->rng, ROVE_PAGES);
	unsigned int pages = rng_between(&w->rng, 1, ROVE_PAGES - at);
	unsigned int page = rng_below(&w->rng, world->round.pages - ROVE_PAGES);
	bool none = rng_once_in(&w->rng, 4);
	void *got;

	got = none ? mmap(w->rove + at * PAGE, pages * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) :
		     mmap(w->rove + at * PAGE, pages * PAGE,
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			  w->region, page * PAGE);
	if (got == MAP_FAILED)
		stress_fail("mmap in place of a mapping: %s", strerror(errno));
}

/* A word names the page it is of; then its shadow is known, and is a bound. */
void op_rove(struct worker *w)
{
	unsigned int word = rng_below(&w->rng, WORDS);
	const uint64_t *at = (uint64_t *)(w->rove + PAGE *
				rng_below(&w->rng, ROVE_PAGES)) + word;
	uint64_t first, second;
	uint16_t before;
	struct word name;
	int err;

	err = guarded_read(&first, at, 1);
	name = word_decode(first);
	if (!err && name.page < world->round.pages) {
		before = world->pages[name.page].words[word];
		err = guarded_read(&second, at, 1);
		if (!err && word_decode(second).page == name.page)
			stray_check(word, second, before);
	}
	if (err && err != SIGSEGV)
		refusal_is_right("replaced mapping", 0, err);
}

static bool check_moved(struct worker *w, const char *at, unsigned int page,
			const char *how)
{
	struct view view;
	int err;

	view_take(&view, page, 0, WORDS);
	err = guarded_read(w->buffer, at, WORDS);
	if (err)
		return refusal_is_right(how, page, err);
	return view_check(&view, w->buffer, how);
}

void op_move(struct worker *w)
{
	unsigned int page = rng_below(&w->rng, world->round.pages - 8);
	unsigned int hole = rng_between(&w->rng, 1, 6);
	char *at, *to;

	world->slots[w->number].page = page;
	at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  w->region, page * PAGE);
	to = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	if (at == MAP_FAILED || to == MAP_FAILED) {
		stress_fail("mmap: %s", strerror(errno));
		return;
	}
	check_moved(w, at + hole * PAGE, page + hole, "before mremap");
	if (mremap(at, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   to) != to) {
		stress_fail("mremap: %s", strerror(errno));
		return;
	}
	check_moved(w, to + hole * PAGE, page + hole, "after mremap");
	munmap(to + hole * PAGE, PAGE);
	check_moved(w, to + (hole + 1) * PAGE, page + hole + 1,
		    "behind a partial munmap");
	check_moved(w, to + (hole - 1) * PAGE, page + hole - 1,
		    "before a partial munmap");
	munmap(to, 8 * PAGE);
}

/* ---- Forks --------------------------------------------------------------- */

static void read_as_child(struct worker *w)
{
	unsigned int reads = rng_between(&w->rng, 1, 16);

	for (unsigned int i = 0; i < reads && !world->failed; i++) {
		op_read(w, rng_once_in(&w->rng, 3) ? OP_READ_PREAD :
			OP_READ_MAP);
		if (rng_once_in(&w->rng, 4))
			op_private(w);
	}
	_exit(world->failed);
}

/* The child may be asleep in a fault when it is killed. */
void op_fork(struct worker *w, bool kill_it)
{
	useconds_t pause = rng_below(&w->rng, 10000);
	pid_t pid = fork();
	int status;

	if (pid < 0) {
		stress_fail("fork: %s", strerror(errno));
		return;
	}
	if (!pid)
		read_as_child(w);
	if (kill_it) {
		usleep(pause);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || world->failed)
		return;
	if (!(kill_it && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
	    status)
		stress_fail("a forked child ended with status %#x", status);
}
