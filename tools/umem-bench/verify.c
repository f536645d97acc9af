// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether the pages that a row touched hold what they must.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "expect.h"
#include "fabric.h"
#include "verify.h"

/* Eight bytes as they lie in memory. */
struct word_text {
	char text[24];
};

static struct word_text word_text(const char *page, int at)
{
	static const char digits[] = "0123456789abcdef";
	struct word_text word;
	char *out = word.text;

	for (int i = 0; i < 8; i++) {
		unsigned char byte = page[at + i];

		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
		*out++ = i < 7 ? ' ' : '\0';
	}
	return word;
}

static int expected_page(const struct row *row, uint64_t page, char *out)
{
	const struct bench *bench = row->bench;
	int err = 0;

	if (row->ops->zeroes)
		memset(out, 0, BENCH_PAGE);
	else if (bench->fabric)
		memcpy(out, fabric_page(bench->fabric, page), BENCH_PAGE);
	else
		err = expect_page(bench->expect, page, out);
	if (bench->opt.write && row->map) {
		uint64_t mark = verify_mark(page);

		memcpy(out, &mark, sizeof(mark));
	}
	return err;
}

int verify_page(struct row *row, uint64_t page, size_t slot)
{
	static char expected[BENCH_PAGE];
	const char *got = row_view(row, page, slot);
	int err = expected_page(row, page, expected);
	int at;

	if (err) {
		umem_say_failed(err, NULL, "reading page %" PRIu64 " of %s",
				page, expect_name(row->bench->expect));
		return err;
	}
	row->verified++;
	if (!memcmp(expected, got, BENCH_PAGE))
		return 0;
	at = expect_difference(expected, got);
	umem_say("row %s: wrong bytes at offset %" PRIu64
		 ": expected %s (%s), got %s",
		 row->ops->name, page * BENCH_PAGE + at,
		 word_text(expected, at).text,
		 row->ops->zeroes ? "a hole" : expect_name(row->bench->expect),
		 word_text(got, at).text);
	return -EBADMSG;
}
