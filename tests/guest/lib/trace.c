// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cmocka.h>

#include "setting.h"
#include "trace.h"

bool trace_possible(void)
{
	if (access(TRACING "/events", F_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	return !access(TRACING "/events/umem", F_OK);
}

void trace_start(void)
{
	assert_true(setting_try(TRACING "/trace", ""));
	assert_true(setting_try(TRACING "/events/umem/enable", "1"));
}

void trace_stop(void)
{
	assert_true(setting_try(TRACING "/events/umem/enable", "0"));
}

static FILE *trace_open(void)
{
	FILE *trace = fopen(TRACING "/trace", "r");

	if (!trace)
		fail_msg(TRACING "/trace: %s", strerror(errno));
	return trace;
}

/* What follows "@event: " in the next such line, or NULL at the end. */
static const char *next_event(FILE *trace, const char *event, char *line,
			      size_t size)
{
	char *at;

	while (fgets(line, size, trace)) {
		at = strstr(line, event);
		/* Not in the name of the task. */
		if (at && at[-1] == ' ' && !strncmp(at + strlen(event), ": ", 2)) {
			at[strcspn(at, "\n")] = '\0';
			return at + strlen(event) + 2;
		}
	}
	return NULL;
}

unsigned int trace_faults(ino_t region, uint64_t offset,
			  struct trace_fault *faults, unsigned int most)
{
	struct trace_fault fault;
	FILE *trace = trace_open();
	unsigned long ino, at, ns;
	unsigned int count = 0;
	const char *text;
	char line[256];

	while ((text = next_event(trace, "fault_end", line, sizeof(line)))) {
		if (sscanf(text, "region=%lu offset=0x%lx latency_ns=%lu how=%15s",
			   &ino, &at, &ns, fault.how) != 4)
			fail_msg("fault_end: %s", text);
		if (ino != region || (offset != TRACE_ALL && at != offset))
			continue;
		fault.offset = at;
		fault.latency_ns = ns;
		if (count < most)
			faults[count] = fault;
		count++;
	}
	fclose(trace);
	return count;
}

static char told[4096];

static void tell(const char *what)
{
	size_t length = strlen(told);

	snprintf(told + length, sizeof(told) - length, "%s%s",
		 length ? ", " : "", what);
}

const char *trace_requests(ino_t region, uint64_t offset)
{
	FILE *trace = trace_open();
	char line[256], begin[64];
	const char *text, *moved;

	told[0] = '\0';
	snprintf(begin, sizeof(begin), "region=%lu offset=0x%lx tag=",
		 (unsigned long)region, (unsigned long)offset);
	while ((text = next_event(trace, "request_state", line, sizeof(line)))) {
		moved = strchr(text + strlen(begin), ' ');
		if (!strncmp(text, begin, strlen(begin)) && moved)
			tell(moved + 1);
	}
	fclose(trace);
	return told;
}

const char *trace_providers(ino_t region)
{
	FILE *trace = trace_open();
	char line[256], begin[64];
	const char *text;

	told[0] = '\0';
	snprintf(begin, sizeof(begin), "region=%lu provider=",
		 (unsigned long)region);
	while ((text = next_event(trace, "provider_state", line, sizeof(line))))
		if (!strncmp(text, begin, strlen(begin)))
			tell(text + strlen(begin));
	fclose(trace);
	return told;
}
