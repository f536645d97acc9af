/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-ahead of a region: who touches, and asking for what readahead.c guesses.
 *
 * Each task has a slot by its hash, so that CPUs do not share one. What is asked
 * for is asked for by the task that touches: a miss while its own request is
 * under way, a touch before it goes on.
 */
#ifndef UMEM_STREAMS_H
#define UMEM_STREAMS_H

#include <linux/types.h>

struct umem_region;
struct umem_region_status;
struct umem_request;
struct umem_stream;

/**
 * struct umem_streams - read-ahead of a region
 * @slots: fixed: array of 1 << @bits, or NULL where there is no read-ahead.
 * @bits: fixed.
 * @most: fixed: granules that a run may be ahead; 0: no read-ahead.
 */
struct umem_streams {
	struct umem_stream *slots;
	unsigned int bits;
	u32 most;
};

int umem_streams_init(struct umem_region *region, u32 bytes);
void umem_streams_destroy(struct umem_region *region);
size_t umem_streams_memory(const struct umem_region *region);
void umem_streams_status(const struct umem_region *region,
			 struct umem_region_status *status);

void umem_streams_missed(struct umem_region *region, unsigned long granule,
			 struct umem_request *req);
bool umem_streams_touched(struct umem_region *region, unsigned long granule);
bool umem_streams_follow(const struct umem_region *region,
			 unsigned long granule);
bool umem_streams_narrow(const struct umem_region *region, pgoff_t index,
			 pgoff_t *start, pgoff_t *end);

#endif /* UMEM_STREAMS_H */
