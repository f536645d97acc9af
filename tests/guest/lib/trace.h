/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: what the tracepoints of umem told. A region is named by
 * the inode number of its fd.
 */
#ifndef UMEM_TEST_TRACE_H
#define UMEM_TEST_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACING		"/sys/kernel/tracing"

/* Whether this kernel has tracefs and the events; mounts it. */
bool trace_possible(void);

/* Forgets what was told, and begins. */
void trace_start(void);
void trace_stop(void);

/* How a fault on a missing granule ended. */
struct trace_fault {
	uint64_t offset;
	uint64_t latency_ns;
	char how[16];
};

/*
 * The first @most faults of a region in the order of their ends, those at @offset
 * or, when that is TRACE_ALL, all. Returns how many there were.
 */
#define TRACE_ALL	UINT64_MAX
unsigned int trace_faults(ino_t region, uint64_t offset,
			  struct trace_fault *faults, unsigned int most);

/* "free -> queued, queued -> issued": what became of a granule's requests. */
const char *trace_requests(ino_t region, uint64_t offset);

/* "user, none": who provided. */
const char *trace_providers(ino_t region);

#endif /* UMEM_TEST_TRACE_H */
