// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "setting.h"

bool setting_try(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	ssize_t done;

	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value));
	close(fd);
	return done == (ssize_t)strlen(value);
}

void setting_need(const char *path, const char *value)
{
	if (access(path, F_OK))
		skip();
	if (!setting_try(path, value))
		fail_msg("%s does not take %s: %s", path, value,
			 strerror(errno));
}

void setting_read(const char *path, char *value, size_t size)
{
	char line[256] = "", *start, *end;
	int fd = open(path, O_RDONLY);

	value[0] = '\0';
	if (fd < 0)
		return;
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = '\0';
	close(fd);
	start = strchr(line, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end)
		snprintf(value, size, "%.*s", (int)(end - start - 1),
			 start + 1);
}
