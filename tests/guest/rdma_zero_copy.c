// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The page that the NIC writes is the page that the program maps: the tracepoint
 * umem_rdma:read_post names the page frame of each READ, /proc/self/pagemap the
 * one that is mapped.
 *
 * needs: rxe umem umem_rdma
 * timeout: 120
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pagemap.h"
#include "lib/pattern_provider.h"
#include "lib/rdma_attach.h"
#include "lib/setting.h"
#include "provider/lib/region.h"

#define TRACING		"/sys/kernel/tracing/"
#define GRANULES	256

/* Frames by granule from lines "... EVENT: offset=0x.. pfn=0x.. ...". */
static unsigned int traced_pfns(const char *event, uint64_t pfn[GRANULES])
{
	unsigned int lines = 0;
	uint64_t offset, frame;
	char line[512], *at;
	FILE *f = fopen(TRACING "trace", "r");

	assert_non_null(f);
	memset(pfn, 0, GRANULES * sizeof(*pfn));
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, event);
		if (!at || sscanf(at + strlen(event), ": offset=%" SCNx64
				  " pfn=%" SCNx64, &offset, &frame) != 2)
			continue;
		assert_true(offset / TEST_PAGE < GRANULES);
		assert_int_equal(pfn[offset / TEST_PAGE], 0);
		pfn[offset / TEST_PAGE] = frame;
		lines++;
	}
	fclose(f);
	return lines;
}

static void nic_writes_the_mapped_page(void **state)
{
	int region = test_region(GRANULES * TEST_PAGE, UMEM_WAIT_HARD, 0, 32);
	uint64_t posted[GRANULES], done[GRANULES];
	pid_t server = hostile_start();
	volatile uint64_t *words;

	(void)state;
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	words = mmap(NULL, GRANULES * TEST_PAGE, PROT_READ, MAP_SHARED, region,
		     0);
	assert_ptr_not_equal(words, MAP_FAILED);

	setting_need(TRACING "trace", "");
	setting_need(TRACING "events/umem_rdma/enable", "1");
	for (uint64_t i = 0; i < GRANULES; i++)
		assert_int_equal(words[i * 512], hostile_word(i * TEST_PAGE));
	setting_need(TRACING "events/umem_rdma/enable", "0");

	assert_int_equal(traced_pfns("read_post", posted), GRANULES);
	assert_int_equal(traced_pfns("read_done", done), GRANULES);
	for (unsigned int i = 0; i < GRANULES; i++) {
		assert_int_equal(posted[i], pagemap_pfn(&words[i * 512]));
		assert_int_equal(done[i], posted[i]);
	}

	assert_int_equal(test_status(region).bytes_copied, 0);
	assert_int_equal(test_status(region).bytes_direct,
			 GRANULES * TEST_PAGE);
	munmap((void *)words, GRANULES * TEST_PAGE);
	close(region);
	hostile_kill(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nic_writes_the_mapped_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
