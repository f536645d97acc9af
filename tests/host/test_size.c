// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * provider/lib/size: numbers and sizes as people write them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "size.h"

static void good(const char *text, uint64_t wanted)
{
	struct umem_why why = { "" };
	uint64_t size = 12345;

	if (umem_size_parse(text, &size, &why))
		fail_msg("\"%s\": %s", text, why.text);
	assert_int_equal(size, wanted);
}

static void bad(const char *text, int err, const char *clause)
{
	struct umem_why why = { "" };
	uint64_t size = 12345;

	assert_int_equal(umem_size_parse(text, &size, &why), err);
	assert_int_equal(size, 12345);
	if (!strstr(why.text, clause))
		fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, why.text, clause);
}

static void sizes(void **state)
{
	(void)state;
	good("0", 0);
	good("1", 1);
	good("4096", 4096);
	good("010", 10);
	good("0x1000", 4096);
	good("64K", 64 << 10);
	good("64k", 64 << 10);
	good("64KiB", 64 << 10);
	good("64kB", 64 << 10);
	good("4096B", 4096);
	good("256M", 256 << 20);
	good("1G", 1ULL << 30);
	good("2T", 2ULL << 40);
	good("3P", 3ULL << 50);
	good("15E", 15ULL << 60);
	good("18446744073709551615", UINT64_MAX);
	good("18014398509481983K", UINT64_MAX - 1023);
}

static void no_sizes(void **state)
{
	(void)state;
	bad("", -EINVAL, "is not a size");
	bad("K", -EINVAL, "is not a size");
	bad("-1", -EINVAL, "is not a size");
	bad("+1", -EINVAL, "is not a size");
	bad(" 1", -EINVAL, "is not a size");
	bad("1 ", -EINVAL, "is not a size");
	bad("1.5G", -EINVAL, "is not a size");
	bad("1X", -EINVAL, "is not a size");
	bad("1KK", -EINVAL, "is not a size");
	bad("1Ki", -EINVAL, "is not a size");
	bad("1iB", -EINVAL, "is not a size");
	bad("1BB", -EINVAL, "is not a size");
	bad("0x", -EINVAL, "is not a size");
	bad("0xg", -EINVAL, "is not a size");
	bad("18446744073709551616", -ERANGE, "64 bits");
	bad("18014398509481984K", -ERANGE, "64 bits");
	bad("16E", -ERANGE, "64 bits");
	bad("99999999999999999999999T", -ERANGE, "64 bits");
	/* Both wrong: the letters are the reason to name. */
	bad("99999999999999999999999X", -EINVAL, "is not a size");
}

static void numbers(void **state)
{
	struct umem_why why;
	uint64_t n = 7;

	(void)state;
	assert_int_equal(umem_number_parse("1", 1, 3, &n, &why), 0);
	assert_int_equal(n, 1);
	assert_int_equal(umem_number_parse("0xffffffffffffffff", 0, UINT64_MAX,
					   &n, &why), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(umem_number_parse("0", 1, 3, &n, &why), -ERANGE);
	assert_string_equal(why.text, "0 is not between 1 and 3");
	assert_int_equal(umem_number_parse("4", 1, 3, &n, &why), -ERANGE);
	assert_int_equal(umem_number_parse("18446744073709551616", 0, UINT64_MAX,
					   &n, &why), -ERANGE);
	assert_int_equal(umem_number_parse("3x", 1, 3, &n, &why), -EINVAL);
	assert_string_equal(why.text, "\"3x\" is not a whole number");
	assert_int_equal(umem_number_parse("", 0, 3, &n, &why), -EINVAL);
	assert_int_equal(umem_number_parse("-1", 0, 3, &n, NULL), -EINVAL);
	assert_true(n == UINT64_MAX);
}

static void says(uint64_t size, const char *wanted)
{
	char text[UMEM_SIZE_TEXT];

	assert_string_equal(umem_size_text(size, text), wanted);
}

static void texts(void **state)
{
	(void)state;
	says(0, "0 B");
	says(1023, "1023 B");
	says(1024, "1 KiB");
	says(1536, "1.5 KiB");
	says(65536, "64 KiB");
	says((1 << 20) - 1, "1023.9 KiB");
	says(256 << 20, "256 MiB");
	says((1ULL << 30) - 4096, "1023.9 MiB");
	says(1ULL << 40, "1 TiB");
	says(UINT64_MAX, "15.9 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(no_sizes),
		cmocka_unit_test(numbers),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
