// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"

uint64_t draw_odd(struct fuzz *f)
{
	static const uint64_t odd[] = {
		0, 1, 2, 3, 7, 8, 15, 16, 255, 256, 4095, 4096, 4097, 8192,
		65535, 65536, 1UL << 20, (2UL << 20) - 1, 2UL << 20,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		1UL << 40, 1UL << 44, (1UL << 44) + 4096, 0x7ffffffffffff000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000,
		~0UL,
	};
	uint64_t value = odd[draw(f, sizeof(odd) / sizeof(*odd))];

	switch (draw(f, 6)) {
	case 0:
		return rng_next(&f->rng);
	case 1:
		return value + draw(f, 3) - 1;
	case 2:
		return 1UL << draw(f, 64);
	default:
		return value;
	}
}

uint64_t draw_offset(struct fuzz *f, uint64_t size)
{
	uint64_t pages = size / PAGE ?: 1;

	switch (draw(f, 12)) {
	case 0:
		return draw_odd(f);
	case 1:
		return size - draw(f, 2) * PAGE;
	case 2:
		return draw(f, size ?: 1);
	default:
		return draw(f, pages) * PAGE;
	}
}

uint64_t draw_length(struct fuzz *f, uint64_t size)
{
	uint64_t pages = size / PAGE ?: 1;

	switch (draw(f, 12)) {
	case 0:
		return draw_odd(f);
	case 1:
		return size;
	case 2:
		return draw(f, 3 * PAGE);
	default:
		return (1 + draw(f, pages < 16 ? pages : 16)) * PAGE;
	}
}

/* The buffer ends where nothing is mapped. */
static void *at_the_end(struct fuzz *f, size_t length)
{
	return f->buffer + BUFFER - (length ? draw(f, length) : 0);
}

void *draw_pointer(struct fuzz *f, size_t length)
{
	struct fuzz_map *map;

	switch (draw(f, 24)) {
	case 0:
		return NULL;
	case 1:
		return (void *)0xffff888000000000;
	case 2:
		return (void *)(uintptr_t)draw_odd(f);
	case 3:
		return f->readonly;
	case 4:
		return at_the_end(f, length);
	case 5:
		/* Memory of a region, for the kernel to fault in. */
		map = find_map(f, true);
		if (map)
			return map->at + draw(f, map->length);
		/* fall through */
	default:
		return f->buffer + (length < BUFFER ?
				    draw(f, BUFFER - length) & ~7UL : 0);
	}
}

struct iovec *draw_iov(struct fuzz *f, int *count, size_t length)
{
	int parts = 1 + draw(f, 4);
	struct iovec *iov = f->vector_end - parts;
	size_t part;

	for (int i = 0; i < parts; i++) {
		part = i == parts - 1 ? length : draw(f, length + 1);
		length -= part;
		iov[i].iov_base = draw_pointer(f, part);
		iov[i].iov_len = once_in(f, 64) ? draw_odd(f) : part;
	}
	*count = once_in(f, 100) ? (int)draw_odd(f) : parts;
	return iov;
}

void mutate(struct fuzz *f, void *bytes, size_t length)
{
	unsigned int times = 1 + draw(f, 3);
	uint64_t value;
	size_t at, size;

	while (times--) {
		size = 1UL << draw(f, 4);
		at = draw(f, length) & ~(size - 1);
		if (at + size > length)
			continue;
		value = draw_odd(f);
		memcpy((char *)bytes + at, &value, size);
	}
}

static unsigned long with_size(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

/* Where a program of 32 bits could have it. */
static void *make_compat(struct fuzz *f, const void *arg, size_t size)
{
	f->compat = true;
	return memcpy(f->low_end - size, arg, size);
}

/* Mostly as it is; or longer with a zero or another tail, or shorter. */
void *ioctl_arg(struct fuzz *f, unsigned long *cmd, void *arg, size_t size)
{
	size_t other = draw(f, 4) ? size + draw(f, 64) : draw(f, 1 << 13);

	switch (draw(f, 10)) {
	case 0:
		*cmd = with_size(*cmd, draw(f, size));
		return arg;
	case 1:
		memset(f->buffer, once_in(f, 2) ? 0 : 1, other);
		memcpy(f->buffer, arg, size);
		*cmd = with_size(*cmd, other);
		return f->buffer;
	case 2:
		return draw_pointer(f, size);
	case 3:
	case 4:
		return make_compat(f, arg, size);
	default:
		return arg;
	}
}

#define NR_IOCTL_32	54

long fuzz_ioctl(struct fuzz *f, int fd, unsigned long cmd, void *arg)
{
	int ret;

	if (!f->compat)
		return done(ioctl(fd, cmd, arg), errno);
	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(NR_IOCTL_32), "b"(fd), "c"(cmd), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}
