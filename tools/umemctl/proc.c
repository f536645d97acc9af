// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Looking for regions in /proc.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "umemctl.h"

int process_each(void (*look)(void *arg, int pid), void *arg)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	while ((entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			look(arg, atoi(entry->d_name));
	closedir(proc);
	return 0;
}

void process_comm(int pid, char comm[COMM_TEXT])
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, comm, COMM_TEXT - 1);
		close(fd);
	}
	if (n < 0)
		n = 0;
	comm[n] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	printable(comm);
}

/* What /proc/PID/maps calls a mapped region: its buffer is a file by itself. */
#define MAPPED_NAME "/umem (deleted)"

/* The inode of a line of /proc/PID/maps that maps a region, or 0. */
static uint64_t maps_line(const char *line)
{
	uint64_t inode;
	int used = 0;

	if (sscanf(line, "%*s %*s %*s %*s %" SCNu64 " %n", &inode, &used) != 1 ||
	    !used || strcmp(line + used, MAPPED_NAME "\n"))
		return 0;
	return inode;
}

int process_mapped(int pid, void (*found)(void *arg, uint64_t inode), void *arg)
{
	uint64_t inode, last = 0;
	char *line = NULL;
	size_t size = 0;
	char path[32];
	FILE *maps;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (getline(&line, &size, maps) > 0) {
		inode = maps_line(line);
		if (!inode || inode == last)
			continue;
		last = inode;
		n++;
		if (found)
			found(arg, inode);
	}
	free(line);
	fclose(maps);
	return n;
}
