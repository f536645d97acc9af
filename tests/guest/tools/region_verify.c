// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * region_verify WAY REGION IMAGE  -  whether a region has the bytes of a file.
 *
 * REGION is a path, such as /proc/self/fd/3 (what {} stands for in umemctl run).
 * Whatever the region is longer than IMAGE must be zero. WAY is one of
 *
 *   mmap      read through a shared mapping
 *   pread     pread(), in pieces of odd sizes
 *   reopen    another process opens /proc/PID/fd/N of this one and maps it
 *   same      8 threads, the same pages in the same order
 *   apart     8 threads, each its own pages
 *   fork      a child with the parent's mapping, at the same time as the parent
 *   private   a private mapping is written; the region stays as it was
 *   write     a shared mapping is written; the rest of each page is right
 *   swap      as write, with the pages out in swap in between
 *   splice    sendfile() to a file
 *
 * Silent and 0 when all is right; else one line and 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define THREADS 8

static int region;
static size_t size, pages;
static const char *image;	/* mapped, padded with zeroes to @size */

static void die(const char *what)
{
	fprintf(stderr, "region_verify: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void wrong(const char *where, size_t offset)
{
	fprintf(stderr, "region_verify: %s: wrong byte in page %zu (offset %zu)\n",
		where, offset / PAGE, offset);
	exit(1);
}

static void compare(const char *where, const char *got, size_t offset,
		    size_t length)
{
	size_t i;

	if (!memcmp(got, image + offset, length))
		return;
	for (i = 0; got[i] == image[offset + i]; i++)
		;
	wrong(where, offset + i);
}

static void load_image(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *at;
	ssize_t got;
	off_t done;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		die("memory for the image");
	for (done = 0; done < st.st_size && done < (off_t)size; done += got) {
		got = pread(fd, at + done, size - done, done);
		if (got <= 0)
			die(path);
	}
	close(fd);
	image = at;
}

static char *map(int fd, int prot, int flags)
{
	char *mem = mmap(NULL, size, prot, flags, fd, 0);

	if (mem == MAP_FAILED)
		die("mmap");
	return mem;
}

static void compare_all(const char *where, const char *mem)
{
	size_t i;

	for (i = 0; i < pages; i++)
		compare(where, mem + i * PAGE, i * PAGE, PAGE);
}

static void by_mmap(void)
{
	compare_all("mmap", map(region, PROT_READ, MAP_SHARED));
}

static void by_pread(void)
{
	static const size_t lengths[] = { 1, PAGE, 100, 3 * PAGE + 5, 1 << 20 };
	static char buf[1 << 20];
	size_t at, n = 0;
	ssize_t got;

	for (at = 0; at < size; at += got) {
		got = pread(region, buf, lengths[n++ % 5], at);
		if (got <= 0)
			die("pread");
		compare("pread", buf, at, got);
	}
	if (pread(region, buf, 1, size) != 0)
		die("pread at the end");
}

static void end_of(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		exit(1);
}

static void by_reopen(void)
{
	char path[64];
	pid_t child;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), region);
	child = fork();
	if (!child) {
		close(region);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			die(path);
		compare_all("reopen", map(fd, PROT_READ, MAP_SHARED));
		exit(0);
	}
	end_of(child);
}

struct worker {
	pthread_t thread;
	const char *mem;
	size_t first, step;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	size_t i;

	for (i = w->first; i < pages; i += w->step)
		compare("thread", w->mem + i * PAGE, i * PAGE, PAGE);
	return NULL;
}

static void by_threads(bool apart)
{
	const char *mem = map(region, PROT_READ, MAP_SHARED);
	struct worker workers[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.mem = mem, .first = apart ? i : 0,
			.step = apart ? THREADS : 1,
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("thread");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void by_same(void)
{
	by_threads(false);
}

static void by_apart(void)
{
	by_threads(true);
}

static void by_fork(void)
{
	const char *mem = map(region, PROT_READ, MAP_SHARED);
	pid_t child = fork();

	compare_all(child ? "parent" : "child", mem);
	if (!child)
		exit(0);
	end_of(child);
}

static void by_private(void)
{
	char *mem = map(region, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	size_t i;

	for (i = 0; i < pages; i += 3)
		mem[i * PAGE + i % PAGE] ^= 0xff;
	for (i = 0; i < pages; i++) {
		if (i % 3 == 0) {
			char *at = mem + i * PAGE + i % PAGE;

			if (*at == image[i * PAGE + i % PAGE])
				wrong("private copy", i * PAGE + i % PAGE);
			*at ^= 0xff;
		}
		compare("private", mem + i * PAGE, i * PAGE, PAGE);
	}
	compare_all("region after private writes",
		    map(region, PROT_READ, MAP_SHARED));
}

static long free_swap(void)
{
	struct sysinfo info;

	if (sysinfo(&info))
		die("sysinfo");
	return info.freeswap * info.mem_unit;
}

/* Sends all of it to swap; at least half must arrive there. */
static void page_out(char *mem)
{
	long before = free_swap();
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (madvise(mem, size, MADV_PAGEOUT))
			die("MADV_PAGEOUT");
		if (before - free_swap() > (long)(size / 2))
			return;
		usleep(100000);
	}
	errno = ETIMEDOUT;
	die("pages do not go to swap");
}

static void write_and_compare(bool swap)
{
	char *mem = map(region, PROT_READ | PROT_WRITE, MAP_SHARED);
	size_t i;

	for (i = 0; i < pages; i++)
		mem[i * PAGE + i % PAGE] ^= 0xff;
	if (swap)
		page_out(mem);
	for (i = 0; i < pages; i++) {
		mem[i * PAGE + i % PAGE] ^= 0xff;
		compare("write", mem + i * PAGE, i * PAGE, PAGE);
	}
}

static void by_write(void)
{
	write_and_compare(false);
}

static void by_swap(void)
{
	write_and_compare(true);
}

static void by_splice(void)
{
	int file = memfd_create("copy", 0);
	off_t at = 0;

	while (at < (off_t)size)
		if (sendfile(file, region, &at, size - at) <= 0)
			die("sendfile");
	compare_all("sendfile", map(file, PROT_READ, MAP_SHARED));
}

static const struct {
	const char *name;
	void (*verify)(void);
} ways[] = {
	{ "mmap", by_mmap }, { "pread", by_pread }, { "reopen", by_reopen },
	{ "same", by_same }, { "apart", by_apart }, { "fork", by_fork },
	{ "private", by_private }, { "write", by_write },
	{ "swap", by_swap },
	{ "splice", by_splice },
};

int main(int argc, char **argv)
{
	struct stat st;
	size_t i;

	if (argc != 4) {
		fprintf(stderr, "usage: region_verify WAY REGION IMAGE\n");
		return 2;
	}
	region = open(argv[2], O_RDWR);
	if (region < 0 || fstat(region, &st))
		die(argv[2]);
	size = st.st_size;
	pages = size / PAGE;
	load_image(argv[3]);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].verify();
			return 0;
		}
	fprintf(stderr, "region_verify: unknown way %s\n", argv[1]);
	return 2;
}
