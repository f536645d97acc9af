// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records as a provider in userspace reads and writes them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "provider/byteorder.h"
#include "provider/lib/record.h"

static struct umem_record request(uint64_t offset, uint32_t length, int op)
{
	struct umem_record record = {
		.offset = cpu_to_le64(offset),
		.length = cpu_to_le32(length),
		.op = op,
	};

	return record;
}

static int judge(uint64_t offset, uint32_t length, int op)
{
	struct umem_record record = request(offset, length, op);
	struct umem_wanted wanted;

	return umem_record_read_request(&record, &wanted);
}

static void requests(void **state)
{
	struct umem_record record = request(0x123456789000, 8192, UMEM_OP_FETCH);
	struct umem_wanted wanted;

	(void)state;
	assert_int_equal(umem_record_read_request(&record, &wanted), 0);
	assert_true(wanted.offset == 0x123456789000);
	assert_int_equal(wanted.length, 8192);
	assert_int_equal(wanted.op, UMEM_OP_FETCH);
	assert_int_equal(judge(0, 4096, UMEM_OP_PREFETCH), 0);
	assert_int_equal(judge(0, 4096, UMEM_OP_CANCEL), 0);
}

static void unknown_ops(void **state)
{
	int op;

	(void)state;
	for (op = 0; op < 256; op++)
		assert_int_equal(judge(0, 4096, op),
				 op >= UMEM_OP_FETCH && op <= UMEM_OP_CANCEL ?
				 0 : -EOPNOTSUPP);
}

static void senseless(void **state)
{
	struct umem_record record = request(0, 4096, UMEM_OP_FETCH);
	struct umem_wanted wanted;

	(void)state;
	assert_int_equal(judge(0, 0, UMEM_OP_FETCH), -EPROTO);
	assert_int_equal(judge(~0ULL, 4096, UMEM_OP_FETCH), -EPROTO);
	record.flags = 1;
	assert_int_equal(umem_record_read_request(&record, &wanted), -EPROTO);
	record.flags = 0;
	record.status = cpu_to_le16(UMEM_STATUS_IO);
	assert_int_equal(umem_record_read_request(&record, &wanted), -EPROTO);
}

/* The protocol, byte for byte: this must never change. */
static void answers(void **state)
{
	static const uint8_t data[16] = {
		0x00, 0x10, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x20, 0x00, 0x00, 17, 0, 0, 0,
	};
	static const uint8_t fail[16] = {
		0x00, 0x10, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x20, 0x00, 0x00, 19, 0, 2, 0,
	};
	struct umem_record record;

	(void)state;
	umem_record_make_data(&record, 0x201000, 8192);
	assert_memory_equal(&record, data, sizeof(data));
	umem_record_make_fail(&record, 0x201000, 8192, UMEM_STATUS_RANGE);
	assert_memory_equal(&record, fail, sizeof(fail));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(unknown_ops),
		cmocka_unit_test(senseless),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
