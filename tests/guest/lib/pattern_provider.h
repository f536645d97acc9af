/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: a region, and a provider in a thread that answers with
 * a pattern, so that the core can be tested without a network.
 */
#ifndef UMEM_TEST_PATTERN_PROVIDER_H
#define UMEM_TEST_PATTERN_PROVIDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/umem.h>

#define TEST_PAGE 4096UL
#define TEST_MAX_DATA (16 * TEST_PAGE)	/* of what test_region() makes */

/* Word @word of granule @granule in the pattern. Never 0. */
static inline uint64_t pattern_word(uint64_t granule, unsigned int word)
{
	return (granule * 512 + word + 1) * 0x9e3779b97f4a7c15ULL | 1;
}

void pattern_fill(void *page, uint64_t granule);

/* Whether a whole page holds the pattern of @granule. */
bool pattern_matches(const void *page, uint64_t granule);

/* Whether a whole page, which must not change meanwhile, is zero. */
bool test_is_zero(const void *page);

/* Creates a region or aborts the test; @policy is enum umem_wait_policy. */
int test_region(size_t size, unsigned int policy, unsigned int timeout_ms,
		unsigned int max_inflight);

/* STATUS of a region or channel; aborts the test on failure. */
struct umem_region_status test_status(int fd);

struct pattern_provider {
	int channel;
	int stop_pipe[2];
	pthread_t thread;
	unsigned int fail_every;	/* FAIL each n-th granule; 0: none */
};

/* Opens the region's channel and serves it from a thread. */
void pattern_provider_start(struct pattern_provider *provider, int region);
/* The same, in place of the present provider. */
void pattern_provider_take_over(struct pattern_provider *provider, int region);
void pattern_provider_stop(struct pattern_provider *provider);

/* A region under the policy hard, served with the pattern: a test's state. */
struct test_fixture {
	int region;
	struct pattern_provider provider;
};

int test_fixture_make(void **state, size_t size, unsigned int max_inflight);
int test_fixture_drop(void **state);

#endif /* UMEM_TEST_PATTERN_PROVIDER_H */
