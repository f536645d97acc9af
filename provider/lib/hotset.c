// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The file format of hot sets.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hotset.h"
#include "io.h"

/* CRC-32C, bits reversed. */
#define POLYNOMIAL	0x82f63b78U

static_assert(sizeof(struct umem_hotset_header) == 40, "file format");
static_assert(sizeof(struct umem_hotset_range) == 16, "file format");

static uint32_t crc32c(uint32_t crc, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return crc;
}

static uint32_t checksum(const struct umem_hotset *set)
{
	struct umem_hotset_header header = *set->file;
	uint32_t crc;

	header.checksum = 0;
	crc = crc32c(~0U, &header, sizeof(header));
	return ~crc32c(crc, set->file + 1, set->length - sizeof(header));
}

uint64_t umem_hotset_bytes(const struct umem_hotset *set)
{
	const struct umem_hotset_range *range = umem_hotset_ranges(set);
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < le64toh(set->file->count); i++)
		bytes += le64toh(range[i].length);
	return bytes;
}

int umem_hotset_new(struct umem_hotset *set, uint64_t size, uint32_t granule)
{
	set->file = calloc(1, sizeof(*set->file));
	if (!set->file)
		return -ENOMEM;
	set->length = sizeof(*set->file);
	memcpy(set->file->magic, UMEM_HOTSET_MAGIC, sizeof(set->file->magic));
	set->file->version = htole32(UMEM_HOTSET_VERSION);
	set->file->size = htole64(size);
	set->file->granule = htole32(granule);
	return 0;
}

int umem_hotset_add(struct umem_hotset *set, uint64_t offset, uint64_t length)
{
	struct umem_hotset_range range = {
		.offset = htole64(offset),
		.length = htole64(length),
	};
	uint64_t count = le64toh(set->file->count);
	void *file = set->file;

	/* Room for a power of two of them. */
	if (!(count & (count - 1))) {
		file = realloc(set->file, sizeof(*set->file) +
			       (count ? 2 * count : 1) * sizeof(range));
		if (!file)
			return -ENOMEM;
	}
	set->file = file;
	memcpy((char *)file + set->length, &range, sizeof(range));
	set->length += sizeof(range);
	set->file->count = htole64(count + 1);
	return 0;
}

void umem_hotset_seal(struct umem_hotset *set)
{
	set->file->checksum = htole32(checksum(set));
}

void umem_hotset_free(struct umem_hotset *set)
{
	free(set->file);
	set->file = NULL;
}

/* ---- Checking ------------------------------------------------------------ */

static int check_header(const struct umem_hotset *set, struct umem_why *why)
{
	const struct umem_hotset_header *header = set->file;
	uint64_t follows = set->length - sizeof(*header);

	if (set->length < sizeof(*header) ||
	    memcmp(header->magic, UMEM_HOTSET_MAGIC, sizeof(header->magic)))
		return umem_because(why, -EINVAL, "it is no recorded hot set");
	if (le32toh(header->version) != UMEM_HOTSET_VERSION)
		return umem_because(why, -EINVAL,
				    "its format has version %u, and this program knows %u only",
				    le32toh(header->version),
				    UMEM_HOTSET_VERSION);
	if (follows % sizeof(struct umem_hotset_range) ||
	    follows / sizeof(struct umem_hotset_range) !=
	    le64toh(header->count))
		return umem_because(why, -EINVAL,
				    "it is cut short or has more behind it: %" PRIu64
				    " bytes follow the header, which announces %" PRIu64
				    " ranges of %zu", follows,
				    (uint64_t)le64toh(header->count),
				    sizeof(struct umem_hotset_range));
	if (le32toh(header->checksum) != checksum(set))
		return umem_because(why, -EINVAL,
				    "its checksum is wrong: record it anew");
	if (header->reserved)
		return umem_because(why, -EINVAL,
				    "a field that must be 0 is not");
	return 0;
}

static int check_range(const struct umem_hotset_range *range, uint64_t index,
		       uint64_t size, uint32_t granule, struct umem_why *why)
{
	uint64_t offset = le64toh(range->offset);
	uint64_t length = le64toh(range->length);

	if (offset % granule || length % granule || !length)
		return umem_because(why, -EINVAL,
				    "range %" PRIu64 " (offset %" PRIu64
				    ", length %" PRIu64
				    ") is not a number of granules of %u",
				    index, offset, length, granule);
	if (offset >= size || length > size - offset)
		return umem_because(why, -EINVAL,
				    "range %" PRIu64 " (offset %" PRIu64
				    ", length %" PRIu64
				    ") ends behind the region's %" PRIu64 " bytes",
				    index, offset, length, size);
	return 0;
}

int umem_hotset_check(const struct umem_hotset *set, uint64_t size,
		      uint32_t granule, struct umem_why *why)
{
	const struct umem_hotset_range *range;
	int err = check_header(set, why);

	if (err)
		return err;
	if (le64toh(set->file->size) != size)
		return umem_because(why, -ERANGE,
				    "it was recorded of a region of %" PRIu64
				    " bytes, and this one has %" PRIu64,
				    (uint64_t)le64toh(set->file->size), size);
	if (le32toh(set->file->granule) != granule)
		return umem_because(why, -ERANGE,
				    "it was recorded of a region with granules of %u bytes, and here they have %u",
				    le32toh(set->file->granule), granule);
	range = umem_hotset_ranges(set);
	for (uint64_t i = 0; !err && i < le64toh(set->file->count); i++)
		err = check_range(&range[i], i, size, granule, why);
	return err;
}

/* ---- Files --------------------------------------------------------------- */

int umem_hotset_save(const struct umem_hotset *set, const char *path,
		     struct umem_why *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err;

	if (fd < 0)
		return umem_because(why, -errno, "it cannot be created");
	err = umem_write_all(fd, set->file, set->length);
	if (close(fd) && !err)
		err = -errno;
	if (err)
		umem_because(why, err, "it cannot be written");
	return err;
}

static int load_from(struct umem_hotset *set, int fd, uint64_t most,
		     struct umem_why *why)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return umem_because(why, -errno, "it cannot be looked at");
	if (!S_ISREG(st.st_mode))
		return umem_because(why, -EINVAL, "it is no regular file");
	if ((uint64_t)st.st_size > sizeof(*set->file) +
				   most * sizeof(struct umem_hotset_range))
		return umem_because(why, -EINVAL,
				    "it is larger than a hot set of %" PRIu64
				    " granules can be", most);
	set->length = (size_t)st.st_size;
	/* At least a header, so that it can be looked at. */
	set->file = calloc(1, set->length + sizeof(*set->file));
	if (!set->file)
		return umem_because(why, -ENOMEM, "no memory for %zu bytes",
				    set->length);
	err = umem_read_all(fd, set->file, set->length);
	if (err)
		umem_hotset_free(set);
	return err ? umem_because(why, err, "it cannot be read") : 0;
}

int umem_hotset_load(struct umem_hotset *set, const char *path, uint64_t most,
		     struct umem_why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	set->file = NULL;
	if (fd < 0)
		return umem_because(why, -errno, "it cannot be opened");
	err = load_from(set, fd, most, why);
	close(fd);
	return err;
}
