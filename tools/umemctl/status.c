// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl status
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "region.h"
#include "size.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ }
};

/* The kernel's fields are unsigned long long, which PRIu64 may not be. */
static void print_count(const char *name, uint64_t value, const char *what)
{
	printf("%-12s %" PRIu64 " %s\n", name, value, what);
}

static void print_bytes(const char *name, uint64_t value, const char *what)
{
	char text[UMEM_SIZE_TEXT];

	printf("%-12s %s %s\n", name, umem_size_text(value, text), what);
}

static void print_region(const char *target, const struct umem_region_status *st)
{
	char size[UMEM_SIZE_TEXT], granule[UMEM_SIZE_TEXT];
	char provided[UMEM_SIZE_TEXT], data[UMEM_SIZE_TEXT];
	char provider[PROVIDER_TEXT], policy[POLICY_TEXT];
	char percent[PERCENT_TEXT], flags[FLAGS_TEXT];

	printf("region       %s\n", target);
	printf("size         %s (%" PRIu64 " bytes), %" PRIu64 " granules of %s\n",
	       umem_size_text(st->size, size), (uint64_t)st->size,
	       (uint64_t)st->granules, umem_size_text(st->granule, granule));
	printf("provided     %s, %" PRIu64 " granules, %s\n",
	       status_percent_text(st, percent), (uint64_t)st->granules_provided,
	       umem_size_text(st->granules_provided * st->granule, provided));
	printf("provider     %s\n", status_provider(st, provider));
	printf("wait policy  %s\n", status_policy(st, policy));
	if (*status_flags(st, flags))
		printf("flags        %s\n", flags);
	printf("limits       %u requests in flight, %s in a DATA record\n",
	       st->max_inflight, umem_size_text(st->max_data, data));
}

static void print_readahead(const struct umem_region_status *st)
{
	char size[UMEM_SIZE_TEXT];

	if (!st->readahead)
		return;
	printf("read-ahead   %s at most, %" PRIu64 " asked, %" PRIu64
	       " hits (%" PRIu64 " late), %" PRIu64 " wasted\n",
	       umem_size_text(st->readahead, size),
	       (uint64_t)st->readahead_asked, (uint64_t)st->readahead_hits,
	       (uint64_t)st->readahead_late, (uint64_t)st->readahead_wasted);
	printf("             accuracy %.1f%%, coverage %.1f%%\n",
	       readahead_accuracy(st), readahead_coverage(st));
}

static void print_counters(const struct umem_region_status *st)
{
	print_count("faults", st->faults, "found their granule missing");
	print_count("reads", st->reads, "by read() or write() did");
	printf("requests     %" PRIu64 " made, %" PRIu64 " queued, %" PRIu64
	       " issued, %" PRIu64 " requeued\n", (uint64_t)st->requests,
	       (uint64_t)st->requests_queued, (uint64_t)st->requests_issued,
	       (uint64_t)st->requests_requeued);
	printf("answers      %" PRIu64 " provided, %" PRIu64 " failed, %" PRIu64
	       " stale\n", (uint64_t)st->answers_provided,
	       (uint64_t)st->answers_failed, (uint64_t)st->answers_stale);
	printf("unasked      %" PRIu64 " granules punched, %" PRIu64
	       " written whole\n", (uint64_t)st->granules_punched,
	       (uint64_t)st->granules_written);
	printf("prefetches   %" PRIu64 " made, %" PRIu64 " granules dropped\n",
	       (uint64_t)st->prefetches, (uint64_t)st->prefetches_dropped);
	printf("fill         %" PRIu64 " of them, ", (uint64_t)st->fills);
	if (st->fill_window)
		printf("at most %u at once\n", st->fill_window);
	else
		printf("not under way\n");
	print_readahead(st);
	print_count("cancels", st->cancels, "told to a provider");
	print_bytes("copied", st->bytes_copied, "by umem into pages");
	print_bytes("direct", st->bytes_direct, "by the provider, without a copy");
	print_bytes("mapped", st->bytes_mapped,
		    "by the provider, through its mapping");
	print_bytes("memory", st->memory, "that the region costs beside its pages");
	print_count("timeouts", st->timeouts, "waits ended by the wait policy");
}

static int get_status(int region, void *st, struct umem_why *why)
{
	int err = umem_region_status(region, st);

	return umem_because(why, err, "%s", umem_explain(UMEM_DO_STATUS, err));
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct umem_region_status st;
	struct json_object *object;
	const char *target;
	bool json = false;
	int opt;

	while ((opt = option_next(verb, argc, argv)) >= 0)
		if (opt == 'j')
			json = true;
	target = only_argument(verb, argc, argv, "the target");
	if (with_region(target, O_RDONLY, get_status, &st,
			"asking %s for its status", target))
		return EXIT_FAILURE;
	if (json) {
		object = json_object_new_object();
		json_object_object_add(object, "target",
				       json_object_new_string(target));
		status_json(object, &st);
		print_json(object);
		return EXIT_SUCCESS;
	}
	print_region(target, &st);
	print_counters(&st);
	return EXIT_SUCCESS;
}

const struct verb verb_status = {
	.name = "status",
	.summary = "tell everything about one region",
	.help =
"usage: umemctl status [-j] TARGET\n\n"
"Tells size, provider, wait policy and all counters of the region TARGET.\n\n"
"  -j, --json           as JSON\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":hj",
	.run = run,
};
