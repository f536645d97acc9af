// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading without a lock, while others write, punch and provide.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "worker.h"

/* What is read: words of some pages in a row. */
struct extent {
	unsigned int page, pages;
	unsigned int from, count;	/* in each of the pages */
};

static struct extent draw_extent(struct worker *w, enum stress_op op)
{
	struct extent e = { .page = any_page(w), .pages = 1 };

	if (op == OP_READ_MAP || op == OP_READ_PIPE || rng_once_in(&w->rng, 2)) {
		e.from = rng_below(&w->rng, WORDS);
		e.count = rng_between(&w->rng, 1, WORDS - e.from);
		return e;
	}
	e.pages = rng_between(&w->rng, 1, 8);
	if (e.pages > world->round.pages - e.page)
		e.pages = world->round.pages - e.page;
	e.count = WORDS;
	return e;
}

static size_t length_of(const struct extent *e)
{
	return (e->pages - 1) * PAGE + e->count * 8;
}

static ssize_t drain_pipe(struct worker *w, size_t length)
{
	size_t done = 0;
	ssize_t got;

	while (done < length) {
		got = read(w->pipe[0], (char *)w->buffer + done, length - done);
		if (got <= 0)
			return -1;
		done += got;
	}
	return done;
}

static ssize_t read_splice(struct worker *w, loff_t offset, size_t length)
{
	ssize_t moved = splice(w->region, &offset, w->pipe[1], NULL, length, 0);

	return moved > 0 ? drain_pipe(w, moved) : moved;
}

static ssize_t read_pipe(struct worker *w, const void *at, size_t length)
{
	ssize_t moved = write(w->pipe[1], at, length);

	return moved > 0 ? drain_pipe(w, moved) : moved;
}

static ssize_t read_vm(struct worker *w, void *at, size_t length)
{
	struct iovec to = { w->buffer, length };
	struct iovec from = { at, length };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0);
}

/* The bytes read into the worker's buffer, or a negative errno or signal. */
static ssize_t read_extent(struct worker *w, const struct extent *e,
			   enum stress_op op)
{
	loff_t offset = e->page * PAGE + e->from * 8;
	size_t length = length_of(e);
	ssize_t got;

	switch (op) {
	case OP_READ_PREAD:
		got = pread(w->region, w->buffer, length, offset);
		break;
	case OP_READ_SPLICE:
		got = read_splice(w, offset, length);
		break;
	case OP_READ_VM:
		got = read_vm(w, w->mem + offset, length);
		break;
	case OP_READ_PIPE:
		got = read_pipe(w, w->mem + offset, length);
		break;
	default:
		got = guarded_read(w->buffer, w->mem + offset, e->count);
		return got ? -got : (ssize_t)length;
	}
	return got < 0 ? -errno : got;
}

void op_read(struct worker *w, enum stress_op op)
{
	static __thread struct view views[8];
	struct extent e = draw_extent(w, op);
	ssize_t got;

	world->slots[w->number].page = e.page;
	for (unsigned int i = 0; i < e.pages; i++)
		view_take(&views[i], e.page + i, e.from, e.count);
	got = read_extent(w, &e, op);
	if (got < 0) {
		refusal_is_right("read", e.page, -got);
		return;
	}
	for (unsigned int i = 0; i < e.pages; i++) {
		size_t there = got / 8 - i * WORDS;

		/* A short read, as when a later page fails. */
		if ((ssize_t)(i * PAGE) >= got)
			break;
		if (there < views[i].count)
			views[i].count = there;
		if (!view_check(&views[i], w->buffer + i * WORDS, "read"))
			return;
	}
	if (got != (ssize_t)length_of(&e) && op != OP_READ_SPLICE)
		refusal_is_right("short read", e.page, EIO);
}

/* Two pages at once under an exclusive lock would need an order; one does. */
void op_check(struct worker *w)
{
	unsigned int page = any_page(w);
	struct shadow *shadow = &world->pages[page];
	bool by_mapping = rng_once_in(&w->rng, 2);
	int err;

	world->slots[w->number].page = page;
	pthread_rwlock_wrlock(&shadow->lock);
	if (by_mapping)
		err = guarded_read(w->buffer, page_at(w, page), WORDS);
	else
		err = pread(w->region, w->buffer, PAGE, page * PAGE) ==
			(ssize_t)PAGE ? 0 : errno;
	if (err)
		refusal_is_right("exact check", page, err);
	else
		page_check_exactly(page, w->buffer, by_mapping ?
				   "exact check by mapping" :
				   "exact check by pread");
	pthread_rwlock_unlock(&shadow->lock);
}
