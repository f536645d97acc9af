// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-bench: the pattern, what is expected of a page, and that a page which
 * differs in a single byte is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/umem-bench/expect.c"
#include "tools/umem-bench/pattern.c"
#include "tools/umem-bench/perm.c"
#include "tools/umem-bench/verify.c"

/* The content of files that exist: it must never change. */
static void pattern_is_fixed(void **state)
{
	static const unsigned char start[] = {
		0x6f, 0x7e, 0x19, 0x4d, 0x2f, 0xdd, 0x06, 0xa7,
	};
	char page[BENCH_PAGE];

	(void)state;
	pattern_page(0, 0, page);
	assert_memory_equal(page, start, sizeof(start));
}

static void pattern_differs(void **state)
{
	char a[BENCH_PAGE], b[BENCH_PAGE];

	(void)state;
	pattern_page(0, 7, a);
	pattern_page(0, 8, b);
	for (int at = 0; at < (int)BENCH_PAGE; at += 8)
		assert_memory_not_equal(a + at, b + at, 8);
	pattern_page(1, 7, b);
	for (int at = 0; at < (int)BENCH_PAGE; at += 8)
		assert_memory_not_equal(a + at, b + at, 8);
	pattern_page(0, 7, b);
	assert_memory_equal(a, b, BENCH_PAGE);
}

static struct expect *expect_file(const char *data, size_t length, char *path)
{
	struct umem_why why;
	struct expect *expect;
	int fd = mkstemp(path);
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, length), length);
	close(fd);
	expect = expect_new(path, 0, &err, &why);
	unlink(path);
	return expect;
}

static void short_last_page(void **state)
{
	char path[] = "/tmp/umem-test-XXXXXX";
	char data[BENCH_PAGE + 10], page[BENCH_PAGE], zeroes[BENCH_PAGE] = "";
	struct expect *expect;

	(void)state;
	memset(data, 'x', sizeof(data));
	expect = expect_file(data, sizeof(data), path);
	assert_non_null(expect);
	assert_int_equal(expect_pages(expect), 2);
	assert_int_equal(expect_page(expect, 0, page), 0);
	assert_memory_equal(page, data, BENCH_PAGE);
	assert_int_equal(expect_page(expect, 1, page), 0);
	assert_memory_equal(page, data, 10);
	assert_memory_equal(page + 10, zeroes, BENCH_PAGE - 10);
	assert_int_equal(expect_page(expect, 2, page), -ERANGE);
	expect_free(expect);
}

static void no_file(void **state)
{
	struct umem_why why;
	int err = 0;

	(void)state;
	assert_null(expect_new("/nonexistent/file", 0, &err, &why));
	assert_int_equal(err, -ENOENT);
	assert_null(expect_new("/", 0, &err, &why));
	assert_int_equal(err, -EINVAL);
}

static void differences(void **state)
{
	char a[BENCH_PAGE], b[BENCH_PAGE];

	(void)state;
	pattern_page(0, 1, a);
	memcpy(b, a, BENCH_PAGE);
	assert_int_equal(expect_difference(a, b), -1);
	b[BENCH_PAGE - 1] ^= 1;
	assert_int_equal(expect_difference(a, b), BENCH_PAGE - 8);
	b[17] ^= 0x80;
	assert_int_equal(expect_difference(a, b), 16);
}

/* A row whose slot 0 holds page 3 of pattern 0. */
static void verifies(void **state)
{
	static const struct row_ops ops = { .name = "test" };
	struct umem_why why;
	struct bench bench = { 0 };
	struct row row = { .ops = &ops, .bench = &bench };
	char page[BENCH_PAGE];
	int err;

	(void)state;
	bench.expect = expect_new(NULL, 0, &err, &why);
	assert_non_null(bench.expect);
	pattern_page(0, 3, page);
	row.buffer = page;
	assert_int_equal(verify_page(&row, 3, 0), 0);
	assert_int_equal(row.verified, 1);
	page[4000] ^= 4;
	assert_int_equal(verify_page(&row, 3, 0), -EBADMSG);
	page[4000] ^= 4;
	assert_int_equal(verify_page(&row, 4, 0), -EBADMSG);
	expect_free(bench.expect);
}

/* After a write touch the mark must be there, and the rest as before. */
static void verifies_writes(void **state)
{
	static const struct row_ops ops = { .name = "test" };
	struct umem_why why;
	struct bench bench = { .opt.write = true };
	struct row row = { .ops = &ops, .bench = &bench };
	uint64_t mark = verify_mark(0);
	char page[BENCH_PAGE];
	int err;

	(void)state;
	bench.expect = expect_new(NULL, 5, &err, &why);
	assert_non_null(bench.expect);
	pattern_page(5, 0, page);
	row.map = page;
	assert_int_equal(verify_page(&row, 0, 0), -EBADMSG);
	memcpy(page, &mark, sizeof(mark));
	assert_int_equal(verify_page(&row, 0, 0), 0);
	page[8] ^= 1;
	assert_int_equal(verify_page(&row, 0, 0), -EBADMSG);
	expect_free(bench.expect);
}

static void verifies_holes(void **state)
{
	static const struct row_ops ops = { .name = "test", .zeroes = true };
	struct bench bench = { 0 };
	struct row row = { .ops = &ops, .bench = &bench };
	char page[BENCH_PAGE] = "";

	(void)state;
	row.map = page;
	assert_int_equal(verify_page(&row, 0, 0), 0);
	page[BENCH_PAGE - 1] = 1;
	assert_int_equal(verify_page(&row, 0, 0), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_is_fixed),
		cmocka_unit_test(pattern_differs),
		cmocka_unit_test(short_last_page),
		cmocka_unit_test(no_file),
		cmocka_unit_test(differences),
		cmocka_unit_test(verifies),
		cmocka_unit_test(verifies_writes),
		cmocka_unit_test(verifies_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
