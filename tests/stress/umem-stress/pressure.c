// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pressure.h"

/* What the processes need besides the region. */
#define OTHER_BYTES	(6UL << 20)

static const char *group;
static long swapped_before;

static void put(const char *file, const char *text, bool must)
{
	char path[256];
	ssize_t done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_WRONLY);
	done = write(fd, text, strlen(text));
	if (done < 0 && must) {
		fprintf(stderr, "umem-stress: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	close(fd);
}

static void put_number(const char *file, unsigned long number, bool must)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", number);
	put(file, text, must);
}

static long swapped_out(void)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char line[128];
	long pages = 0;

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "pswpout %ld", &pages);
	if (file)
		fclose(file);
	return pages;
}

void pressure_configure(const char *path)
{
	group = path;
	if (!group)
		return;
	if (mkdir(group, 0755) && errno != EEXIST) {
		fprintf(stderr, "umem-stress: %s: %s\n", group,
			strerror(errno));
		exit(1);
	}
	swapped_before = swapped_out();
}

static unsigned long region_bytes(void)
{
	return world->round.pages * PAGE;
}

void pressure_begin(void)
{
	if (!group)
		return;
	put("memory.high", "max", true);
	put_number("memory.max", region_bytes() * 3 / 4 + OTHER_BYTES, true);
}

void pressure_join(void)
{
	if (group)
		put("cgroup.procs", "0", true);
}

/*
 * The hard limit stays, as one that cannot be met kills somebody. A lower
 * memory.high is met at once, as far as that is possible, and goes again: who
 * is above it is slowed down to a crawl.
 */
void pressure_event(struct rng *rng)
{
	if (!group)
		return;
	if (rng_once_in(rng, 2)) {
		put_number("memory.high",
			   region_bytes() / rng_between(rng, 2, 8), true);
		put("memory.high", "max", true);
		count_event(EV_LIMIT);
	} else {
		/* EAGAIN when it is not to be had. */
		put_number("memory.reclaim",
			   region_bytes() / rng_between(rng, 2, 8), false);
		count_event(EV_RECLAIM);
	}
}

long pressure_swapped(void)
{
	return group ? swapped_out() - swapped_before : -1;
}
