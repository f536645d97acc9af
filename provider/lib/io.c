// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <unistd.h>

#include "io.h"

int umem_write_all(int fd, const void *data, size_t length)
{
	const char *at = data;
	ssize_t done;

	while (length) {
		done = write(fd, at, length);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			at += done;
			length -= (size_t)done;
		}
	}
	return 0;
}

int umem_read_all(int fd, void *data, size_t length)
{
	char *at = data;
	ssize_t done;

	while (length) {
		done = read(fd, at, length);
		if (!done)
			return -EIO;
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			at += done;
			length -= (size_t)done;
		}
	}
	return 0;
}
