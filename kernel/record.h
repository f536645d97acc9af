/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checking of the records that a provider writes, as pure logic: compiles in
 * userspace too, where unit tests feed it hostile input.
 */
#ifndef UMEM_RECORD_H
#define UMEM_RECORD_H

#include <linux/types.h>
#include <linux/umem.h>

/**
 * struct umem_geometry - what records are checked against
 * @size: bytes of the region.
 * @granule: bytes of a granule, a power of two.
 * @max_data: largest payload of one DATA record, bytes.
 */
struct umem_geometry {
	__u64 size;
	__u32 granule;
	__u32 max_data;
};

/**
 * struct umem_answer - a checked answer, in the host's byte order
 * @offset: first byte in the region.
 * @length: bytes answered.
 * @payload: bytes that follow the record.
 * @op: enum umem_op, one of the answers.
 * @status: enum umem_status.
 */
struct umem_answer {
	__u64 offset;
	__u32 length;
	__u32 payload;
	__u8 op;
	__u16 status;
};

int umem_record_check_answer(const struct umem_record *record,
			     const struct umem_geometry *geometry,
			     struct umem_answer *answer);
void umem_record_make_request(struct umem_record *record, enum umem_op op,
			      __u64 offset, __u32 length);

#endif /* UMEM_RECORD_H */
