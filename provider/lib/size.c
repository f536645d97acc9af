// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Numbers and sizes as people write them.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

static const char size_units[] = "KMGTPE";

/* strtoull() takes blanks, signs and octal; none of them is meant here. */
static int number_scan(const char *text, uint64_t *number, const char **end)
{
	int hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *stop;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	if (hex && !isxdigit((unsigned char)text[2]))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &stop, hex ? 16 : 10);
	*end = stop;
	return errno ? -ERANGE : 0;
}

int umem_number_parse(const char *text, uint64_t min, uint64_t max,
		      uint64_t *number, struct umem_why *why)
{
	const char *end = text;
	uint64_t value = 0;
	int err = number_scan(text, &value, &end);

	if (err == -EINVAL || (!err && *end))
		return umem_because(why, -EINVAL,
				    "\"%s\" is not a whole number", text);
	if (err || value < min || value > max)
		return umem_because(why, -ERANGE,
				    "%s is not between %" PRIu64 " and %" PRIu64,
				    text, min, max);
	*number = value;
	return 0;
}

/* The power of two that a unit such as "K", "kB" or "MiB" stands for, or -1. */
static int unit_shift(const char *unit)
{
	const char *letter;
	int shift = 0;

	if (*unit && *unit != 'B') {
		letter = strchr(size_units, toupper((unsigned char)*unit));
		if (!letter)
			return -1;
		shift = 10 * (int)(letter - size_units + 1);
		unit++;
		if (unit[0] == 'i' && unit[1] == 'B')
			unit++;
	}
	if (*unit == 'B')
		unit++;
	return *unit ? -1 : shift;
}

int umem_size_parse(const char *text, uint64_t *size, struct umem_why *why)
{
	const char *unit = text;
	uint64_t value = 0;
	int err, shift;

	err = number_scan(text, &value, &unit);
	shift = unit_shift(unit);
	if (err == -EINVAL || shift < 0)
		return umem_because(why, -EINVAL,
				    "\"%s\" is not a size such as 4096, 64K, 256M, 1G or 2T",
				    text);
	if (err || value > UINT64_MAX >> shift)
		return umem_because(why, -ERANGE,
				    "%s is more than 64 bits can hold", text);
	*size = value << shift;
	return 0;
}

const char *umem_size_text(uint64_t size, char buf[UMEM_SIZE_TEXT])
{
	unsigned int tenths;
	int unit = 0;

	if (size < 1024) {
		snprintf(buf, UMEM_SIZE_TEXT, "%u B", (unsigned int)size);
		return buf;
	}
	while (unit < 5 && size >> (10 * (unit + 2)))
		unit++;
	/* Rounded down: a region that is not complete never looks it. */
	tenths = (size >> (10 * unit)) * 10 / 1024;
	if (tenths % 10)
		snprintf(buf, UMEM_SIZE_TEXT, "%u.%u %ciB", tenths / 10 % 10000,
			 tenths % 10, size_units[unit]);
	else
		snprintf(buf, UMEM_SIZE_TEXT, "%u %ciB", tenths / 10,
			 size_units[unit]);
	return buf;
}
