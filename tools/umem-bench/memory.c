// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fresh shared memory for rows that are not umem.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "memory.h"

char *memory_map(int fd, uint64_t bytes, int *err, struct umem_why *why)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*err = 0;
	if (map != MAP_FAILED)
		return map;
	*err = umem_because(why, -errno, "mmap of %" PRIu64 " bytes failed",
			    bytes);
	return NULL;
}

int memory_new(uint64_t bytes, char **map, struct umem_why *why)
{
	int fd = memfd_create("umem-bench", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return umem_because(why, -errno, "memfd_create failed");
	if (ftruncate(fd, (off_t)bytes)) {
		err = umem_because(why, -errno,
				   "a memfd of %" PRIu64 " bytes cannot be had",
				   bytes);
		goto close;
	}
	*map = memory_map(fd, bytes, &err, why);
	if (!*map)
		goto close;
	/* One touch, one page: also where tmpfs is told to use huge ones. */
	madvise(*map, bytes, MADV_NOHUGEPAGE);
	return fd;
close:
	close(fd);
	return err;
}

void memory_touch(char *map, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += BENCH_PAGE)
		((volatile char *)map)[at] = 0;
}

int memory_hold(uint64_t bytes, void **held, struct umem_why *why)
{
	*held = NULL;
	if (!bytes)
		return 0;
	*held = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (*held != MAP_FAILED)
		return 0;
	*held = NULL;
	return umem_because(why, -ENOMEM,
			    "no memory for the %" PRIu64 " bytes of --hold",
			    bytes);
}

void memory_let_go(uint64_t bytes, void *held)
{
	if (held)
		munmap(held, bytes);
}
