// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <infiniband/verbs.h>

#include "hostile.h"
#include "pattern_provider.h"
#include "wrong_bytes.h"

#define DEVICE		"rxe0"
#define COUNTERS	"/sys/class/infiniband/" DEVICE "/ports/1/hw_counters"
#define WORDS		(TEST_PAGE / sizeof(uint64_t))
/* Of runs that are printed; a page that is all noise has 512. */
#define MOST_RUNS	16
#define LATER		2	/* seconds */

/* ---- The device ---------------------------------------------------------- */

static struct counter {
	char name[48];
	uint64_t value;
} counters[32];

/* How many there are; into @now. */
static unsigned int read_counters(struct counter *now)
{
	DIR *dir = opendir(COUNTERS);
	unsigned int count = 0;
	struct dirent *entry;
	char path[320];
	FILE *f;

	while (dir && count < 32 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), COUNTERS "/%s", entry->d_name);
		f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!f)
			continue;
		snprintf(now[count].name, sizeof(now[count].name), "%.47s",
			 entry->d_name);
		if (fscanf(f, "%" SCNu64, &now[count].value) == 1)
			count++;
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return count;
}

static uint64_t counter_before(const char *name)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	return 0;
}

static void tell_counters(void)
{
	struct counter now[32];
	unsigned int i, count = read_counters(now);

	print_message("# " DEVICE ", for this region:");
	for (i = 0; i < count; i++)
		if (now[i].value != counter_before(now[i].name))
			print_message(" %s +%" PRIu64, now[i].name,
				      now[i].value -
				      counter_before(now[i].name));
	print_message("\n");
}

static void tell_mtu(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *verbs;
	struct ibv_port_attr attr;
	unsigned int i;

	for (i = 0; list && list[i]; i++) {
		if (strcmp(ibv_get_device_name(list[i]), DEVICE))
			continue;
		verbs = ibv_open_device(list[i]);
		if (verbs && !ibv_query_port(verbs, 1, &attr))
			print_message("# " DEVICE ": packets of %u bytes\n",
				      128U << attr.active_mtu);
		if (verbs)
			ibv_close_device(verbs);
	}
	if (list)
		ibv_free_device_list(list);
}

/* ---- The words ----------------------------------------------------------- */

enum kind { RIGHT, ZERO, ELSEWHERE, NOISE };

/* Also by how much it is @misplaced. */
static enum kind judge(uint64_t word, uint64_t from, uint64_t *misplaced)
{
	uint64_t at = hostile_offset(word);

	*misplaced = 0;
	if (word == hostile_word(from))
		return RIGHT;
	if (!word)
		return ZERO;
	if (at >= HOSTILE_SIZE || at % sizeof(word))
		return NOISE;
	*misplaced = at - from;
	return ELSEWHERE;
}

static void tell_run(unsigned int first, unsigned int end, enum kind kind,
		     uint64_t word, uint64_t from)
{
	char what[80];

	if (kind == ZERO)
		snprintf(what, sizeof(what), "zeroes");
	else if (kind == ELSEWHERE)
		snprintf(what, sizeof(what), "the server's from %#" PRIx64
			 " on", hostile_offset(word));
	else
		snprintf(what, sizeof(what), "%#" PRIx64 " and so on", word);
	print_message("# bytes %u to %u of the page: %s, not from %#" PRIx64
		      "\n", first * 8, end * 8, what, from + first * 8);
}

/* Returns how many are wrong. */
static unsigned int tell_words(const uint64_t *words, uint64_t from)
{
	unsigned int first, end, wrong = 0, runs = 0;
	uint64_t misplaced, other;
	enum kind kind;

	for (first = 0; first < WORDS; first = end) {
		kind = judge(words[first], from + first * 8, &misplaced);
		for (end = first + 1; end < WORDS; end++)
			if (judge(words[end], from + end * 8, &other) != kind ||
			    other != misplaced)
				break;
		if (kind == RIGHT)
			continue;
		wrong += end - first;
		if (runs++ < MOST_RUNS)
			tell_run(first, end, kind, words[first], from);
	}
	if (runs > MOST_RUNS)
		print_message("# and %u runs more\n", runs - MOST_RUNS);
	return wrong;
}

void wrong_bytes_begin(void)
{
	memset(counters, 0, sizeof(counters));
	read_counters(counters);
}

void wrong_bytes_tell(int region, uint64_t offset, const uint64_t *words,
		      uint64_t from)
{
	uint64_t again[WORDS];
	unsigned int wrong;

	print_message("# wrong bytes in the page at %#" PRIx64 "\n", offset);
	wrong = tell_words(words, from);
	tell_counters();
	tell_mtu();
	sleep(LATER);
	if (pread(region, again, sizeof(again), offset) != sizeof(again)) {
		print_message("# %u words are wrong; then it cannot be read\n",
			      wrong);
		return;
	}
	print_message("# %u words are wrong; %u s later they are %s\n", wrong,
		      LATER, memcmp(again, words, sizeof(again)) ?
		      "others:" : "the same");
	if (memcmp(again, words, sizeof(again)))
		print_message("# then %u are wrong\n",
			      tell_words(again, from));
}
