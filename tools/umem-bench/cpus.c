// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * On which CPUs threads run.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"

/* One number at *@text, which moves behind it. -1: there is none. */
static long take_cpu(const char **text)
{
	char *end;
	long cpu;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	cpu = strtol(*text, &end, 10);
	*text = end;
	return errno || cpu >= CPU_SETSIZE ? CPU_SETSIZE : cpu;
}

int cpus_parse(const char *text, struct bench_cpus *cpus, struct umem_why *why)
{
	const char *at = text;

	cpus->text = text;
	CPU_ZERO(&cpus->set);
	if (!strcmp(text, BENCH_CPUS_ANY))
		return 0;
	do {
		long first = take_cpu(&at);
		long last = first;

		if (first >= 0 && *at == '-') {
			at++;
			last = take_cpu(&at);
		}
		if (first < 0 || last < first || (*at && *at != ','))
			return umem_because(why, -EINVAL,
					    "\"%s\" is no list of CPUs such as 0,2-3",
					    text);
		if (last >= CPU_SETSIZE)
			return umem_because(why, -ERANGE,
					    "\"%s\": CPUs are numbered below %d",
					    text, CPU_SETSIZE);
		for (long cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, &cpus->set);
	} while (*at++ == ',');
	return 0;
}

void cpus_first(struct bench_cpus *cpus)
{
	static char text[16];
	cpu_set_t usable;
	int cpu = 0;

	if (!sched_getaffinity(0, sizeof(usable), &usable))
		while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &usable))
			cpu++;
	snprintf(text, sizeof(text), "%d", cpu);
	cpus->text = text;
	CPU_ZERO(&cpus->set);
	CPU_SET(cpu, &cpus->set);
}

int cpus_apply(const struct bench_cpus *cpus)
{
	if (!CPU_COUNT(&cpus->set))
		return 0;
	return sched_setaffinity(0, sizeof(cpus->set), &cpus->set) ? -errno : 0;
}

unsigned int cpus_usable(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return CPU_COUNT(&set);
}
