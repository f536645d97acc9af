// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * File descriptors and mappings of a worker. Their number is limited: a new one
 * takes the place of another.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/umem.h>

#include "fuzz.h"

/* The first two are the devices, and stay. */
#define FIXED_FDS	2

struct fuzz_fd *find_fd(struct fuzz *f, enum fd_type type, bool soft)
{
	unsigned int start = draw(f, NR_FDS);

	for (unsigned int i = 0; i < NR_FDS; i++) {
		struct fuzz_fd *slot = &f->fds[(start + i) % NR_FDS];

		if (slot->type == type && (!soft || slot->soft))
			return slot;
	}
	return NULL;
}

const struct fuzz_fd *draw_fd(struct fuzz *f, enum fd_type type)
{
	static struct fuzz_fd bad = { .fd = -1, .size = PAGE };
	const struct fuzz_fd *slot = NULL;

	if (!once_in(f, 20))
		slot = find_fd(f, type, false);
	else if (once_in(f, 2))
		slot = &f->fds[draw(f, NR_FDS)];
	if (!slot || slot->type == FD_NONE)
		slot = &bad;
	if (slot->type != type)
		f->other_type = true;
	return slot;
}

void drop_fd(struct fuzz_fd *slot)
{
	close(slot->fd);
	slot->type = FD_NONE;
}

void forget_fd(struct fuzz *f, int fd)
{
	for (unsigned int i = FIXED_FDS; i < NR_FDS; i++)
		if (f->fds[i].type != FD_NONE && f->fds[i].fd == fd)
			return drop_fd(&f->fds[i]);
}

static struct fuzz_fd *free_slot(struct fuzz *f)
{
	struct fuzz_fd *slot = find_fd(f, FD_NONE, false);

	if (slot)
		return slot;
	slot = &f->fds[FIXED_FDS + draw(f, NR_FDS - FIXED_FDS)];
	drop_fd(slot);
	return slot;
}

const struct fuzz_fd *keep_fd(struct fuzz *f, int fd, enum fd_type type,
			      bool soft, uint64_t size)
{
	struct fuzz_fd *slot = free_slot(f);

	*slot = (struct fuzz_fd){
		.fd = fd,
		.type = type,
		.soft = soft,
		.size = size,
	};
	return slot;
}

void adopt_fd(struct fuzz *f, int fd)
{
	struct umem_region_status status;
	enum fd_type type = FD_OTHER;
	struct stat stat;

	memset(&status, 0, sizeof(status));
	if (!ioctl(fd, UMEM_IOC_STATUS, &status))
		type = !fstat(fd, &stat) && S_ISREG(stat.st_mode) ?
			FD_REGION : FD_CHANNEL;
	if (status.size > USUAL_SIZE)
		close(fd);
	else
		keep_fd(f, fd, type, status.wait_policy == UMEM_WAIT_TIMEOUT,
			status.size ?: PAGE);
}

struct fuzz_map *find_map(struct fuzz *f, bool soft)
{
	unsigned int start = draw(f, NR_MAPS);

	for (unsigned int i = 0; i < NR_MAPS; i++) {
		struct fuzz_map *map = &f->maps[(start + i) % NR_MAPS];

		if (map->at && (!soft || map->soft))
			return map;
	}
	return NULL;
}

/* ---- A page of nothing lies below and above each mapping ---------------- */

static void *take_place(size_t length)
{
	char *place = mmap(NULL, length + 2 * PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return place == MAP_FAILED ? place : place + PAGE;
}

static void leave_place(char *at, size_t length)
{
	munmap(at - PAGE, length + 2 * PAGE);
}

/* What was to be put there, or the place is left. */
static void *placed(void *result, char *at, size_t length)
{
	int err = errno;

	if (result == MAP_FAILED)
		leave_place(at, length);
	errno = err;
	return result;
}

void *map_aside(size_t length, int prot, int flags, int fd, off_t offset)
{
	char *at = take_place(length);

	if (at == MAP_FAILED)
		return at;
	return placed(mmap(at, length, prot, flags | MAP_FIXED, fd, offset),
		      at, length);
}

void *move_aside(void *from, size_t length, size_t new_length)
{
	char *at = take_place(new_length);

	if (at == MAP_FAILED)
		return at;
	return placed(mremap(from, length, new_length,
			     MREMAP_MAYMOVE | MREMAP_FIXED, at),
		      at, new_length);
}

void drop_map(struct fuzz_map *map)
{
	leave_place(map->at, map->length);
	map->at = NULL;
}

void keep_map(struct fuzz *f, void *at, size_t length, bool soft)
{
	struct fuzz_map *map = &f->maps[draw(f, NR_MAPS)];

	for (unsigned int i = 0; i < NR_MAPS && map->at; i++)
		if (!f->maps[i].at)
			map = &f->maps[i];
	if (map->at)
		drop_map(map);
	*map = (struct fuzz_map){ at, (length + PAGE - 1) & -PAGE, soft };
}
