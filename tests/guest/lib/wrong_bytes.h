/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: a granule that came over Soft-RoCE does not hold what
 * hostile_server exports. Such a thing is seen once in a thousand runs, so all that
 * tells where it comes from is printed at once.
 */
#ifndef UMEM_TEST_WRONG_BYTES_H
#define UMEM_TEST_WRONG_BYTES_H

#include <stdint.h>

/* Notes the device's counters: from here on it is told how they changed. */
void wrong_bytes_begin(void);

/*
 * The page at @offset of the region read as @words; it should have been what the
 * server has at @from. Prints, by runs of words of one kind: zeroes (the page was
 * new and was not written), the server's words of another place, or others. Where
 * a run begins and ends at the MTU, packets are missing. Then reads once more, two
 * seconds later: a READ may have landed after it was said to be over.
 */
void wrong_bytes_tell(int region, uint64_t offset, const uint64_t *words,
		      uint64_t from);

#endif /* UMEM_TEST_WRONG_BYTES_H */
