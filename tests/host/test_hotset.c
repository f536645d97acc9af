// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Hot sets: the format to the byte, and files that are not what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "provider/lib/hotset.c"

#define GRANULE 4096U
#define SIZE (1000ULL * GRANULE)

static void make(struct umem_hotset *set)
{
	assert_int_equal(umem_hotset_new(set, SIZE, GRANULE), 0);
	assert_int_equal(umem_hotset_add(set, 5 * GRANULE, 2 * GRANULE), 0);
	assert_int_equal(umem_hotset_add(set, 0, GRANULE), 0);
	assert_int_equal(umem_hotset_add(set, SIZE - GRANULE, GRANULE), 0);
	umem_hotset_seal(set);
}

static int check(const struct umem_hotset *set, struct umem_why *why)
{
	return umem_hotset_check(set, SIZE, GRANULE, why);
}

static void refused(const struct umem_hotset *set, int err, const char *what)
{
	struct umem_why why = { "" };

	assert_int_equal(check(set, &why), -err);
	if (!strstr(why.text, what))
		fail_msg("\"%s\" does not say \"%s\"", why.text, what);
}

static void every_byte_of_the_file(void **state)
{
	static const uint8_t expected[] = {
		'u', 'm', 'e', 'm', 'h', 'o', 't', 0, 1, 0, 0, 0,
		0, 0, 0, 0,	/* the checksum, looked at below */
		0, 0x80, 0x3e, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
		3, 0, 0, 0, 0, 0, 0, 0,
		0, 0x50, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
		0, 0x70, 0x3e, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
	};
	struct umem_why why;
	struct umem_hotset set;
	uint32_t sum;

	(void)state;
	/* The check value of CRC-32C. */
	assert_int_equal(~crc32c(~0U, "123456789", 9), 0xe3069283U);
	make(&set);
	assert_int_equal(check(&set, &why), 0);
	assert_int_equal(umem_hotset_bytes(&set), 4 * GRANULE);
	sum = ~crc32c(~0U, expected, sizeof(expected));
	assert_int_equal(le32toh(set.file->checksum), sum);
	set.file->checksum = 0;
	assert_int_equal(set.length, sizeof(expected));
	assert_memory_equal(set.file, expected, sizeof(expected));
	umem_hotset_free(&set);
}

/* Each bit of the file, and each length of it. */
static void nothing_is_changed_unnoticed(void **state)
{
	struct umem_hotset set, cut;
	struct umem_why why;

	(void)state;
	make(&set);
	for (size_t bit = 0; bit < 8 * set.length; bit++) {
		((uint8_t *)set.file)[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(check(&set, &why), 0);
		((uint8_t *)set.file)[bit / 8] ^= 1 << bit % 8;
	}
	for (size_t length = 0; length < set.length; length++) {
		/* A copy of just that size, for what finds reads beyond. */
		cut.file = malloc(length + !length);
		cut.length = length;
		memcpy(cut.file, set.file, length);
		assert_int_equal(check(&cut, &why), -EINVAL);
		umem_hotset_free(&cut);
	}
	assert_int_equal(check(&set, &why), 0);
	umem_hotset_free(&set);
}

static void each_mistake_has_its_words(void **state)
{
	struct umem_hotset_range *range;
	struct umem_hotset set;
	struct umem_why why;

	(void)state;
	make(&set);
	range = (void *)(set.file + 1);
	set.file->magic[0] = 'x';
	refused(&set, EINVAL, "no recorded hot set");
	set.file->magic[0] = 'u';
	set.file->version = htole32(2);
	refused(&set, EINVAL, "version 2");
	set.file->version = htole32(1);
	set.file->count = htole64(4);
	refused(&set, EINVAL, "announces 4 ranges");
	/* As many as make the product overflow. */
	set.file->count = htole64(3 + (1ULL << 60));
	refused(&set, EINVAL, "cut short");
	set.file->count = htole64(3);
	set.file->checksum ^= 1;
	refused(&set, EINVAL, "checksum");
	set.file->reserved = 1;
	umem_hotset_seal(&set);
	refused(&set, EINVAL, "must be 0");
	set.file->reserved = 0;
	range[1].length = 0;
	umem_hotset_seal(&set);
	refused(&set, EINVAL, "range 1 (offset 0, length 0) is not a number of granules");
	range[1].length = htole64(SIZE + GRANULE);
	umem_hotset_seal(&set);
	refused(&set, EINVAL, "behind the region's");
	range[1].offset = htole64(UINT64_MAX - GRANULE + 1);
	range[1].length = htole64(2 * GRANULE);
	umem_hotset_seal(&set);
	refused(&set, EINVAL, "behind the region's");
	umem_hotset_free(&set);

	make(&set);
	assert_int_equal(umem_hotset_check(&set, SIZE + GRANULE, GRANULE, &why),
			 -ERANGE);
	assert_non_null(strstr(why.text, "4096000 bytes, and this one has 4100096"));
	assert_int_equal(umem_hotset_check(&set, SIZE, 2 << 20, &why), -ERANGE);
	assert_non_null(strstr(why.text, "granules of 4096"));
	umem_hotset_free(&set);
}

static void files_come_back_as_they_went(void **state)
{
	char path[] = "/tmp/test_hotset.XXXXXX";
	struct umem_hotset set, back;
	struct umem_why why;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	/* Empty. */
	assert_int_equal(umem_hotset_load(&back, path, 1000, &why), 0);
	refused(&back, EINVAL, "no recorded hot set");
	umem_hotset_free(&back);

	assert_int_equal(umem_hotset_new(&set, SIZE, GRANULE), 0);
	for (unsigned int i = 0; i < 500; i++)
		assert_int_equal(umem_hotset_add(&set, 2ULL * i * GRANULE,
						 GRANULE), 0);
	umem_hotset_seal(&set);
	assert_int_equal(umem_hotset_save(&set, path, &why), 0);
	assert_int_equal(umem_hotset_load(&back, path, 1000, &why), 0);
	assert_int_equal(back.length, set.length);
	assert_memory_equal(back.file, set.file, set.length);
	assert_int_equal(check(&back, &why), 0);
	umem_hotset_free(&back);
	umem_hotset_free(&set);
	/* Not read into memory, however large. */
	assert_int_equal(truncate(path, 1LL << 40), 0);
	assert_int_equal(umem_hotset_load(&back, path, 1000, &why), -EINVAL);
	assert_non_null(strstr(why.text, "larger than"));
	unlink(path);

	assert_int_equal(umem_hotset_load(&back, path, 1000, &why), -ENOENT);
	assert_int_equal(umem_hotset_load(&back, "/dev/null", 1000, &why), -EINVAL);
	assert_int_equal(umem_hotset_load(&back, "/tmp", 1000, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_of_the_file),
		cmocka_unit_test(nothing_is_changed_unnoticed),
		cmocka_unit_test(each_mistake_has_its_words),
		cmocka_unit_test(files_come_back_as_they_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
