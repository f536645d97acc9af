// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records that a provider writes: each rule by hand, then random ones against
 * the rules said a second time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/record.c"

#define GRANULE		4096u
#define GRANULES	64u
#define MAX_DATA	(8 * GRANULE)

static const struct umem_geometry geometry = {
	.size = GRANULES * GRANULE,
	.granule = GRANULE,
	.max_data = MAX_DATA,
};

static struct umem_record make(uint64_t offset, uint32_t length, uint8_t op)
{
	return (struct umem_record){
		.offset = htole64(offset),
		.length = htole32(length),
		.op = op,
		.status = htole16(op == UMEM_OP_FAIL ? UMEM_STATUS_IO : 0),
	};
}

static int check(const struct umem_record *record)
{
	struct umem_answer answer;

	return umem_record_check_answer(record, &geometry, &answer);
}

static int check_made(uint64_t offset, uint32_t length, uint8_t op)
{
	struct umem_record record = make(offset, length, op);

	return check(&record);
}

static const uint8_t answers[] = {
	UMEM_OP_DATA, UMEM_OP_ZERO, UMEM_OP_FAIL, UMEM_OP_CACHED,
};

#define FOR_EACH_ANSWER(op) \
	for (const uint8_t *op = answers; op < answers + sizeof(answers); op++)

static void bytes_are_as_documented(void **state)
{
	static const unsigned char bytes[16] = {
		0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x20, 0x00, 0x00, 19, 0, 0x04, 0x00,
	};
	struct umem_record record;
	struct umem_answer answer;

	(void)state;
	assert_int_equal(sizeof(record), sizeof(bytes));
	memcpy(&record, bytes, sizeof(bytes));
	assert_int_equal(umem_record_check_answer(&record, &geometry, &answer),
			 0);
	assert_int_equal(answer.offset, 0x3000);
	assert_int_equal(answer.length, 0x2000);
	assert_int_equal(answer.op, UMEM_OP_FAIL);
	assert_int_equal(answer.status, UMEM_STATUS_DENIED);
	assert_int_equal(answer.payload, 0);
}

static void requests_are_as_documented(void **state)
{
	static const unsigned char bytes[16] = {
		0x00, 0x10, 0x32, 0x54, 0x76, 0x98, 0x0a, 0x00,
		0x00, 0x10, 0x00, 0x00, 1, 0, 0, 0,
	};
	struct umem_record record;

	(void)state;
	memset(&record, 0xff, sizeof(record));
	umem_record_make_request(&record, UMEM_OP_FETCH, 0x000a987654321000,
				 GRANULE);
	assert_memory_equal(&record, bytes, sizeof(bytes));
}

static void every_op(void **state)
{
	(void)state;
	for (unsigned int op = 0; op < 256; op++) {
		int want = -EINVAL;

		if (op == UMEM_OP_DATA || op == UMEM_OP_ZERO ||
		    op == UMEM_OP_FAIL || op == UMEM_OP_CACHED)
			want = 0;
		assert_int_equal(check_made(0, GRANULE, op), want);
	}
}

static void only_data_has_a_payload(void **state)
{
	(void)state;
	FOR_EACH_ANSWER(op) {
		struct umem_record record = make(GRANULE, 3 * GRANULE, *op);
		struct umem_answer answer;

		assert_int_equal(umem_record_check_answer(&record, &geometry,
							  &answer), 0);
		assert_int_equal(answer.payload, *op == UMEM_OP_DATA ?
				 3 * GRANULE : 0);
	}
}

static void every_flag(void **state)
{
	(void)state;
	for (unsigned int flags = 0; flags < 256; flags++) {
		FOR_EACH_ANSWER(op) {
			struct umem_record record = make(0, GRANULE, *op);

			record.flags = flags;
			assert_int_equal(check(&record), flags ? -EINVAL : 0);
		}
	}
}

static void every_status(void **state)
{
	(void)state;
	for (unsigned int status = 0; status < 65536; status++) {
		FOR_EACH_ANSWER(op) {
			struct umem_record record = make(0, GRANULE, *op);
			int ok = *op == UMEM_OP_FAIL ?
				 status >= 1 && status <= 4 : status == 0;

			record.status = htole16(status);
			assert_int_equal(check(&record), ok ? 0 : -EINVAL);
		}
	}
}

static void alignment(void **state)
{
	(void)state;
	FOR_EACH_ANSWER(op) {
		for (unsigned int bit = 1; bit < GRANULE; bit <<= 1) {
			assert_int_equal(check_made(bit, GRANULE, *op),
					 -EINVAL);
			assert_int_equal(check_made(0, GRANULE + bit, *op),
					 -EINVAL);
			assert_int_equal(check_made(0, bit, *op), -EINVAL);
			/* Neither is out of range only. */
			assert_int_equal(check_made(geometry.size + bit,
						    GRANULE, *op), -EINVAL);
		}
		assert_int_equal(check_made(0, 0, *op), -EINVAL);
		assert_int_equal(check_made(geometry.size, 0, *op), -EINVAL);
	}
}

static void range(void **state)
{
	(void)state;
	FOR_EACH_ANSWER(op) {
		uint64_t size = geometry.size;

		assert_int_equal(check_made(size - GRANULE, GRANULE, *op), 0);
		assert_int_equal(check_made(size - GRANULE, 2 * GRANULE, *op),
				 -ERANGE);
		assert_int_equal(check_made(size, GRANULE, *op), -ERANGE);
		assert_int_equal(check_made(size + GRANULE, GRANULE, *op),
				 -ERANGE);
		assert_int_equal(check_made(0, size + GRANULE, *op), -ERANGE);
		assert_int_equal(check_made(1ULL << 63, GRANULE, *op), -ERANGE);
		assert_int_equal(check_made(1ULL << 32, GRANULE, *op), -ERANGE);
	}
	assert_int_equal(check_made(0, geometry.size, UMEM_OP_ZERO), 0);
	assert_int_equal(check_made(0, geometry.size, UMEM_OP_FAIL), 0);
}

/* offset + length wraps to something small. */
static void sum_overflows(void **state)
{
	(void)state;
	FOR_EACH_ANSWER(op) {
		for (unsigned int n = 1; n <= 16; n++) {
			uint64_t offset = -(uint64_t)n * GRANULE;

			for (unsigned int m = 1; m <= 32; m++)
				assert_int_equal(check_made(offset, m * GRANULE,
							    *op), -ERANGE);
		}
		assert_int_equal(check_made(-(uint64_t)GRANULE, 0xfffff000, *op),
				 -ERANGE);
		assert_int_equal(check_made(GRANULE, 0xfffff000, *op), -ERANGE);
	}
}

/* The whole of the largest region there can be. */
static void large_region(void **state)
{
	struct umem_geometry large = {
		.size = 1ULL << 44,
		.granule = GRANULE,
		.max_data = MAX_DATA,
	};
	struct umem_answer answer;
	struct umem_record record;

	(void)state;
	record = make(large.size - GRANULE, GRANULE, UMEM_OP_DATA);
	assert_int_equal(umem_record_check_answer(&record, &large, &answer), 0);
	assert_int_equal(answer.offset, large.size - GRANULE);
	record = make(large.size - GRANULE, 2 * GRANULE, UMEM_OP_DATA);
	assert_int_equal(umem_record_check_answer(&record, &large, &answer),
			 -ERANGE);
	record = make(0, 0xfffff000, UMEM_OP_ZERO);
	assert_int_equal(umem_record_check_answer(&record, &large, &answer), 0);
	assert_int_equal(answer.length, 0xfffff000);
}

static void payload_limit(void **state)
{
	(void)state;
	assert_int_equal(check_made(0, MAX_DATA, UMEM_OP_DATA), 0);
	assert_int_equal(check_made(0, MAX_DATA + GRANULE, UMEM_OP_DATA),
			 -EMSGSIZE);
	assert_int_equal(check_made(0, MAX_DATA + GRANULE, UMEM_OP_ZERO), 0);
	assert_int_equal(check_made(0, MAX_DATA + GRANULE, UMEM_OP_FAIL), 0);
}

/* ---- The rules a second time, against random records -------------------- */

static int expected(const unsigned char b[16])
{
	uint64_t offset = 0, length = 0, end;
	unsigned int i, status = b[14] + 256 * b[15];

	for (i = 0; i < 8; i++)
		offset |= (uint64_t)b[i] << 8 * i;
	for (i = 0; i < 4; i++)
		length |= (uint64_t)b[8 + i] << 8 * i;
	if (b[13])
		return -EINVAL;
	if (b[12] < 16 || b[12] > 19)
		return -EINVAL;
	if (b[12] == 19 ? status - 1 > 3 : status != 0)
		return -EINVAL;
	if (offset % GRANULE || length % GRANULE || !length)
		return -EINVAL;
	if (__builtin_add_overflow(offset, length, &end) ||
	    end > geometry.size)
		return -ERANGE;
	if (b[12] == 17 && length > MAX_DATA)
		return -EMSGSIZE;
	return 0;
}

static uint64_t pick(const uint64_t *from, size_t n)
{
	uint64_t value = from[rand() % n];

	switch (rand() % 16) {
	case 0:
		return value + GRANULE;
	case 1:
		return value - GRANULE;
	case 2:
		return value ^ 1ULL << rand() % 64;
	default:
		return value;
	}
}

static void random_records(void **state)
{
	static const uint64_t offsets[] = {
		0, GRANULE, GRANULES * GRANULE, UINT64_MAX - GRANULE + 1,
		(GRANULES - 1) * GRANULE, 1ULL << 32, 1ULL << 63,
	};
	static const uint64_t lengths[] = {
		0, GRANULE, MAX_DATA, GRANULES * GRANULE, 0xfffff000, 1,
	};
	static const uint64_t ops[] = { 1, 3, 16, 17, 18, 19, 20 };
	static const uint64_t statuses[] = { 0, 0, 1, 4, 5, 256 };
	unsigned int good = 0;

	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 300000; i++) {
		struct umem_record record = {
			.offset = htole64(pick(offsets, 7)),
			.length = htole32(pick(lengths, 6)),
			.op = pick(ops, 7),
			.flags = rand() % 16 ? 0 : rand(),
		};
		unsigned char bytes[16];
		int want;

		record.status = htole16(rand() % 4 ? record.op == UMEM_OP_FAIL :
					statuses[rand() % 6]);
		memcpy(bytes, &record, sizeof(bytes));
		want = expected(bytes);
		if (check(&record) != want)
			fail_msg("record %u: %d in place of %d: offset %llx length %x op %u flags %u status %u",
				 i, check(&record), want,
				 (unsigned long long)le64toh(record.offset),
				 le32toh(record.length), record.op,
				 record.flags, le16toh(record.status));
		good += !want;
	}
	/* It did not just reject everything. */
	assert_true(good > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_as_documented),
		cmocka_unit_test(requests_are_as_documented),
		cmocka_unit_test(every_op),
		cmocka_unit_test(only_data_has_a_payload),
		cmocka_unit_test(every_flag),
		cmocka_unit_test(every_status),
		cmocka_unit_test(alignment),
		cmocka_unit_test(range),
		cmocka_unit_test(sum_overflows),
		cmocka_unit_test(large_region),
		cmocka_unit_test(payload_limit),
		cmocka_unit_test(random_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
