// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smaps.h"

/* What stands behind "@field:". */
static void smaps_line(const void *mem, const char *field, char *text,
		       size_t size)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	size_t length = strlen(field);
	bool inside = false, found = false;
	char start[32], line[512];

	assert_non_null(smaps);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)mem);
	while (!found && fgets(line, sizeof(line), smaps)) {
		if (!strncmp(line, start, strlen(start)))
			inside = true;
		found = inside && !strncmp(line, field, length) &&
			line[length] == ':';
	}
	fclose(smaps);
	if (!found)
		fail_msg("smaps has no %s for %p", field, mem);
	snprintf(text, size, "%s", line + length + 1);
}

long smaps_kilobytes(const void *mem, const char *field)
{
	char text[512];

	smaps_line(mem, field, text, sizeof(text));
	return atol(text);
}

bool smaps_flag(const void *mem, const char *flag)
{
	char text[512], word[8];

	smaps_line(mem, "VmFlags", text, sizeof(text));
	snprintf(word, sizeof(word), " %s ", flag);
	return strstr(text, word);
}
