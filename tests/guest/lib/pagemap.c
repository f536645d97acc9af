// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "pagemap.h"
#include "provider/lib/region.h"
#include "hand_provider.h"

#define PM_PRESENT	(1ULL << 63)
#define PM_PFN		((1ULL << 55) - 1)

static uint64_t entry_of(const volatile void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &entry, sizeof(entry),
			       (uintptr_t)at / TEST_PAGE * sizeof(entry)),
			 sizeof(entry));
	close(fd);
	return entry;
}

bool pagemap_present(const volatile void *at)
{
	return entry_of(at) & PM_PRESENT;
}

uint64_t pagemap_pfn(const volatile void *at)
{
	uint64_t entry = entry_of(at);

	assert_true(entry & PM_PRESENT);
	return entry & PM_PFN;
}
