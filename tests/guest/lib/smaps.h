/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: what /proc/self/smaps tells of the mapping that begins
 * at an address.
 */
#ifndef UMEM_TEST_SMAPS_H
#define UMEM_TEST_SMAPS_H

#include <stdbool.h>

/* The number behind "@field:", kB; fails the test when there is none. */
long smaps_kilobytes(const void *mem, const char *field);

/* Whether two-letter @flag is among its VmFlags. */
bool smaps_flag(const void *mem, const char *flag);

#endif /* UMEM_TEST_SMAPS_H */
