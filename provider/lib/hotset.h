/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hot sets: which ranges of a region were there at a time, kept in a file to be
 * prefetched another time. docs/protocol.md describes the format.
 */
#ifndef UMEM_LIB_HOTSET_H
#define UMEM_LIB_HOTSET_H

#include <endian.h>
#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "say.h"

#define UMEM_HOTSET_MAGIC	"umemhot"	/* and its NUL */
#define UMEM_HOTSET_VERSION	1U

/**
 * struct umem_hotset_header - what the file begins with; little-endian
 * @magic: UMEM_HOTSET_MAGIC.
 * @version: UMEM_HOTSET_VERSION.
 * @checksum: CRC-32C of the whole file, this field being 0.
 * @size: of the region, bytes.
 * @granule: of the region, bytes.
 * @reserved: 0.
 * @count: ranges that follow; nothing follows those.
 */
struct umem_hotset_header {
	char magic[8];
	__le32 version;
	__le32 checksum;
	__le64 size;
	__le32 granule;
	__le32 reserved;
	__le64 count;
};

/**
 * struct umem_hotset_range - some granules; little-endian
 * @offset: first byte, a multiple of the granule.
 * @length: bytes, a multiple of the granule, not 0.
 */
struct umem_hotset_range {
	__le64 offset;
	__le64 length;
};

/* A hot set in memory: the file as it is. */
struct umem_hotset {
	struct umem_hotset_header *file;
	size_t length;
};

static inline const struct umem_hotset_range *
umem_hotset_ranges(const struct umem_hotset *set)
{
	return (const void *)(set->file + 1);
}

static inline uint64_t umem_hotset_count(const struct umem_hotset *set)
{
	return le64toh(set->file->count);
}

/* Bytes of all ranges. */
uint64_t umem_hotset_bytes(const struct umem_hotset *set);

/* Begins an empty one. 0 or -ENOMEM. */
int umem_hotset_new(struct umem_hotset *set, uint64_t size, uint32_t granule);
/* 0 or -ENOMEM. */
int umem_hotset_add(struct umem_hotset *set, uint64_t offset, uint64_t length);
/* Computes the checksum: nothing may be added afterwards. */
void umem_hotset_seal(struct umem_hotset *set);
void umem_hotset_free(struct umem_hotset *set);

/*
 * Whether what was read from a file is a hot set for a region of @size bytes in
 * granules of @granule. 0, or -EINVAL and which part is bad; -ERANGE: it is for
 * another region.
 */
int umem_hotset_check(const struct umem_hotset *set, uint64_t size,
		      uint32_t granule, struct umem_why *why);

/* 0 or a negative errno. */
int umem_hotset_save(const struct umem_hotset *set, const char *path,
		     struct umem_why *why);
/* The same, for a region of @most granules; not checked yet. */
int umem_hotset_load(struct umem_hotset *set, const char *path, uint64_t most,
		     struct umem_why *why);

#endif /* UMEM_LIB_HOTSET_H */
