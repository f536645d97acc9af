/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records of a channel as a provider in userspace reads and writes them.
 */
#ifndef UMEM_LIB_RECORD_H
#define UMEM_LIB_RECORD_H

#include <stdint.h>

#include <linux/umem.h>

/* A request in the host's byte order. */
struct umem_wanted {
	uint64_t offset;
	uint64_t length;
	enum umem_op op;
};

/*
 * What a record that was read from a channel asks for. 0; -EOPNOTSUPP for an
 * op that this provider does not know; -EPROTO for what makes no sense.
 */
int umem_record_read_request(const struct umem_record *record,
			     struct umem_wanted *wanted);

/* DATA; @length bytes of payload follow in the same write. */
void umem_record_make_data(struct umem_record *record, uint64_t offset,
			   uint32_t length);

void umem_record_make_fail(struct umem_record *record, uint64_t offset,
			   uint32_t length, enum umem_status status);

#endif /* UMEM_LIB_RECORD_H */
