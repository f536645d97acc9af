// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records of a channel as a provider in userspace reads and writes them.
 */
#include <errno.h>
#include <string.h>

#include "../byteorder.h"
#include "record.h"

static_assert(sizeof(struct umem_record) == 16, "a record is 16 bytes");
static_assert(offsetof(struct umem_record, length) == 8, "record.length");
static_assert(offsetof(struct umem_record, op) == 12, "record.op");
static_assert(offsetof(struct umem_record, status) == 14, "record.status");

int umem_record_read_request(const struct umem_record *record,
			     struct umem_wanted *wanted)
{
	wanted->offset = le64_to_cpu(record->offset);
	wanted->length = le32_to_cpu(record->length);
	wanted->op = record->op;

	switch (wanted->op) {
	case UMEM_OP_FETCH:
	case UMEM_OP_PREFETCH:
	case UMEM_OP_CANCEL:
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (record->flags || record->status || !wanted->length ||
	    wanted->offset + wanted->length < wanted->offset)
		return -EPROTO;
	return 0;
}

static void make(struct umem_record *record, enum umem_op op, uint64_t offset,
		 uint32_t length)
{
	memset(record, 0, sizeof(*record));
	record->offset = cpu_to_le64(offset);
	record->length = cpu_to_le32(length);
	record->op = op;
}

void umem_record_make_data(struct umem_record *record, uint64_t offset,
			   uint32_t length)
{
	make(record, UMEM_OP_DATA, offset, length);
}

void umem_record_make_fail(struct umem_record *record, uint64_t offset,
			   uint32_t length, enum umem_status status)
{
	make(record, UMEM_OP_FAIL, offset, length);
	record->status = cpu_to_le16(status);
}
