// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records on a channel: everything a provider writes is hostile until checked
 * here.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#else
#include <endian.h>
#include <errno.h>
#include <string.h>
#define le16_to_cpu(x)	le16toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le64_to_cpu(x)	le64toh(x)
#define cpu_to_le32(x)	htole32(x)
#define cpu_to_le64(x)	htole64(x)
#endif
#include "record.h"

static int check_range(const struct umem_answer *answer,
		       const struct umem_geometry *geometry)
{
	__u32 mask = geometry->granule - 1;

	if (!answer->length || (answer->length & mask) ||
	    (answer->offset & mask))
		return -EINVAL;
	if (answer->offset >= geometry->size ||
	    answer->length > geometry->size - answer->offset)
		return -ERANGE;
	return 0;
}

/**
 * umem_record_check_answer - check one record that a provider wrote
 * @record: the record, as written.
 * @geometry: of the region.
 * @answer: out: the record's meaning; valid when 0 is returned.
 *
 * Any context.
 *
 * Return: 0, or
 * -EINVAL: a range that is empty or no multiple of the granule, flags or
 *	status that must be 0 and are not, a FAIL without a known status, or an
 *	op that is no answer.
 * -ERANGE: reaches beyond the end of the region.
 * -EMSGSIZE: DATA longer than the region's max_data.
 */
int umem_record_check_answer(const struct umem_record *record,
			     const struct umem_geometry *geometry,
			     struct umem_answer *answer)
{
	int err;

	answer->offset = le64_to_cpu(record->offset);
	answer->length = le32_to_cpu(record->length);
	answer->status = le16_to_cpu(record->status);
	answer->op = record->op;
	answer->payload = 0;

	if (record->flags)
		return -EINVAL;
	switch (answer->op) {
	case UMEM_OP_DATA:
		answer->payload = answer->length;
		break;
	case UMEM_OP_CACHED:
	case UMEM_OP_ZERO:
	case UMEM_OP_FAIL:
		break;
	default:
		return -EINVAL;
	}
	if (answer->op == UMEM_OP_FAIL) {
		if (answer->status < UMEM_STATUS_IO ||
		    answer->status > UMEM_STATUS_DENIED)
			return -EINVAL;
	} else if (answer->status) {
		return -EINVAL;
	}
	err = check_range(answer, geometry);
	if (err)
		return err;
	if (answer->payload > geometry->max_data)
		return -EMSGSIZE;
	return 0;
}

/**
 * umem_record_make_request - fill in a request
 * @record: out: the record.
 * @op: UMEM_OP_FETCH, UMEM_OP_PREFETCH or UMEM_OP_CANCEL.
 * @offset: first byte in the region.
 * @length: bytes.
 *
 * Any context.
 */
void umem_record_make_request(struct umem_record *record, enum umem_op op,
			      __u64 offset, __u32 length)
{
	memset(record, 0, sizeof(*record));
	record->offset = cpu_to_le64(offset);
	record->length = cpu_to_le32(length);
	record->op = op;
}
