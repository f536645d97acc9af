// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mappings of regions. Where a call makes the kernel touch them, they are soft
 * ones: others could be waited for until a kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

/* A part of a mapping, at times not of pages, but never of what lies behind. */
struct part {
	struct fuzz_map *map;
	char *at;
	size_t length;
};

static bool draw_part(struct fuzz *f, struct part *part, bool soft)
{
	size_t pages, room;

	part->map = find_map(f, soft);
	if (!part->map)
		return false;
	pages = part->map->length / PAGE;
	part->at = part->map->at + draw(f, pages) * PAGE;
	part->length = (1 + draw(f, pages < 32 ? pages : 32)) * PAGE;
	if (once_in(f, 20))
		part->at += draw(f, PAGE);
	if (once_in(f, 20))
		part->length += draw(f, 2 * PAGE);
	room = part->map->at + part->map->length - part->at;
	if (part->length > room)
		part->length = room;
	call_args(f, "offset %#lx of %#zx length %#zx%s",
		  part->at - part->map->at, part->map->length, part->length,
		  part->map->soft ? " soft" : "");
	return true;
}

long call_mmap(struct fuzz *f)
{
	const struct fuzz_fd *fd = draw_fd(f, FD_REGION);
	size_t length = draw_length(f, fd->size);
	int prot = once_in(f, 4) ? (int)draw(f, 8) : PROT_READ | PROT_WRITE;
	int flags = once_in(f, 4) ? MAP_PRIVATE : MAP_SHARED;
	off_t offset = once_in(f, 2) ? 0 : draw_offset(f, fd->size);
	void *at;
	int err;

	if (once_in(f, 8))
		flags |= draw_odd(f) & ~(MAP_FIXED | MAP_FIXED_NOREPLACE |
					 MAP_GROWSDOWN | MAP_HUGETLB);
	if (once_in(f, 8) && fd->soft)
		flags |= MAP_POPULATE;
	if (!fd->soft)
		flags &= ~(MAP_POPULATE | MAP_LOCKED);
	/* Anonymous memory in such a place is not what this is about. */
	flags &= ~MAP_ANONYMOUS;
	call_args(f, "type %d length %#zx prot %d flags %#x offset %#lx",
		  fd->type, length, prot, flags, offset);
	at = map_aside(length, prot, flags, fd->fd, offset);
	err = errno;
	if (at == MAP_FAILED)
		return -err;
	keep_map(f, at, length, fd->soft);
	return 0;
}

/* All of it, or so that one or two mappings are left; those are not kept. */
long call_munmap(struct fuzz *f)
{
	struct part part;
	long ret;

	if (!draw_part(f, &part, false))
		return -EINVAL;
	ret = done(munmap(part.at, part.length), errno);
	drop_map(part.map);
	return ret;
}

long call_mremap(struct fuzz *f)
{
	struct part part;
	size_t length;
	bool soft;
	void *to;

	if (!draw_part(f, &part, false))
		return -EINVAL;
	/* The whole mapping moves, is split, shrinks, or would grow. */
	length = once_in(f, 4) ? part.length + PAGE : part.length;
	if (once_in(f, 30))
		length = draw_odd(f) & ((1UL << 40) - 1);
	to = once_in(f, 3) || !part.map->soft ?
		mremap(part.at, part.length, length, 0) :
		move_aside(part.at, part.length, length);
	if (to == MAP_FAILED)
		return -errno;
	if (to == part.at && length == part.length)
		return 0;
	/* No hole stays behind, where something else may come to lie. */
	soft = part.map->soft;
	drop_map(part.map);
	if (to != part.at)
		keep_map(f, to, length, soft);
	return 0;
}

static bool makes_the_kernel_touch(int advice)
{
	return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE ||
	       advice == MADV_COLLAPSE;
}

long call_madvise(struct fuzz *f)
{
	static const int advices[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_REMOVE,
		MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE,
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP,
		MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_COLLAPSE, 77,
	};
	int advice = advices[draw(f, sizeof(advices) / sizeof(*advices))];
	struct part part;

	if (!draw_part(f, &part, makes_the_kernel_touch(advice)))
		return -EINVAL;
	call_args(f, "advice %d offset %#lx of %#zx length %#zx", advice,
		  part.at - part.map->at, part.map->length, part.length);
	return done(madvise(part.at, part.length, advice), errno);
}

long call_mprotect(struct fuzz *f)
{
	struct part part;

	/* Of a locked one, what becomes writable is touched. */
	if (!draw_part(f, &part, true))
		return -EINVAL;
	return done(mprotect(part.at, part.length, draw(f, 16)), errno);
}

long call_mlock(struct fuzz *f)
{
	struct part part;

	if (!draw_part(f, &part, true))
		return -EINVAL;
	if (once_in(f, 3))
		return done(munlock(part.at, part.length), errno);
	return done(once_in(f, 2) ? mlock(part.at, part.length) :
		    mlock2(part.at, part.length, draw(f, 3)), errno);
}

long call_msync(struct fuzz *f)
{
	struct part part;

	if (!draw_part(f, &part, false))
		return -EINVAL;
	return done(msync(part.at, part.length, draw(f, 8)), errno);
}

/* Maps the file of the mapping anew. */
long call_remap_pages(struct fuzz *f)
{
	struct part part;

	if (!draw_part(f, &part, true))
		return -EINVAL;
	return done(remap_file_pages(part.at, part.length, 0,
				     draw(f, part.map->length / PAGE + 2),
				     once_in(f, 4) ? (int)draw_odd(f) : 0),
		    errno);
}

long call_mincore(struct fuzz *f)
{
	struct part part;

	if (!draw_part(f, &part, false))
		return -EINVAL;
	if (part.length > BUFFER)
		part.length = BUFFER;
	return done(mincore(part.at, part.length, (void *)f->buffer), errno);
}

long call_touch(struct fuzz *f)
{
	struct part part;

	if (!draw_part(f, &part, false))
		return -EFAULT;
	return touch_guarded(part.at + draw(f, PAGE), once_in(f, 2));
}

long call_vm_readv(struct fuzz *f)
{
	struct iovec local = { f->buffer, PAGE }, remote;
	struct part part;

	if (!draw_part(f, &part, true))
		return -EFAULT;
	remote = (struct iovec){ part.at, PAGE };
	return done(once_in(f, 2) ?
		    process_vm_readv(getpid(), &local, 1, &remote, 1, 0) :
		    process_vm_writev(getpid(), &local, 1, &remote, 1, 0),
		    errno);
}
