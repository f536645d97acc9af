/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers and sizes as people write them, and back.
 */
#ifndef UMEM_LIB_SIZE_H
#define UMEM_LIB_SIZE_H

#include <stddef.h>
#include <stdint.h>

#include "say.h"

/*
 * "4096", "64K", "256M", "1G", "2T" (powers of 1024; a small letter, and "iB"
 * or "B" behind it, are taken too). 0 or -EINVAL, -ERANGE. Zero is a size: who
 * cannot use it says so.
 */
int umem_size_parse(const char *text, uint64_t *size, struct umem_why *why);

/* Decimal or 0x, from @min to @max, nothing behind it. 0 or -EINVAL, -ERANGE. */
int umem_number_parse(const char *text, uint64_t min, uint64_t max,
		      uint64_t *number, struct umem_why *why);

/* "64 KiB", "1.5 GiB", "17 B"; at most three digits and a tenth. Returns @buf. */
#define UMEM_SIZE_TEXT 16
const char *umem_size_text(uint64_t size, char buf[UMEM_SIZE_TEXT]);

#endif /* UMEM_LIB_SIZE_H */
