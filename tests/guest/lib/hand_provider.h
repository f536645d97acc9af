/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: a provider by hand, one request and one answer at a
 * time. What does not come in time fails the test.
 */
#ifndef UMEM_TEST_HAND_PROVIDER_H
#define UMEM_TEST_HAND_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pattern_provider.h"

/* A nonblocking channel of @region; @flags besides. */
int hand_open(int region, unsigned int flags);

/* Waits for a request, which must be a FETCH of one granule: its index. */
uint64_t hand_take(int channel);

/* The same for a PREFETCH or a CANCEL. */
uint64_t hand_take_op(int channel, int op);

/* Waits for @count requests and checks that they are those from @first on. */
void hand_take_all(int channel, uint64_t first, unsigned int count);

/* Provides all that is missing, by a channel of its own: nobody waits after it. */
void hand_release(int region);

/* Whether no request is there now. */
bool hand_none(int channel);

/* Answers for @count granules; the pattern as content. Must be consumed. */
void hand_data(int channel, uint64_t first, unsigned int count);
void hand_zero(int channel, uint64_t first, unsigned int count);
void hand_fail(int channel, uint64_t first, unsigned int count);
void hand_cached(int channel, uint64_t first, unsigned int count);

/* The same: 0 when consumed whole, else the bytes consumed or a negative errno. */
long hand_try(int channel, int op, uint64_t first, unsigned int count);

/* Maps the whole region by its channel, to write what is then CACHED. */
char *hand_map(int channel, size_t size);

/* A region, a channel of it and a mapping, writable: a test's state. */
struct hand_fixture {
	int region;
	int channel;
	char *mem;
	size_t size;
};

void hand_fixture_init(struct hand_fixture *f, size_t size,
		       unsigned int max_inflight, unsigned int policy,
		       unsigned int timeout_ms);
/* Lets go of all who wait first. */
void hand_fixture_exit(struct hand_fixture *f);

/* The same under the policy hard, allocated: for cmocka. */
int hand_fixture_make(void **state, size_t size, unsigned int max_inflight);
int hand_fixture_drop(void **state);

#endif /* UMEM_TEST_HAND_PROVIDER_H */
