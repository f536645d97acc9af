// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl wait: until a region is complete.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"
#include "region.h"
#include "size.h"
#include "umemctl.h"

#define NS_PER_S 1000000000ULL
#define LOOK_MS 100
/* A terminal's line is written anew each time, others get one in so many looks. */
#define LOOKS_A_LINE 10

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ }
};

/**
 * struct waiting - what is waited for
 * @target: the region, as given.
 * @region: its descriptor.
 * @timeout_s: 0: for ever.
 * @quiet: no lines of progress.
 * @json: the end is told as JSON.
 * @terminal: the line of progress can be written over.
 * @idle_told: it was said that nobody fills.
 * @begun_ns: of the first look.
 * @begun_bytes: that were there then.
 * @progress: in bytes.
 * @status: of the last look.
 */
struct waiting {
	const char *target;
	int region;
	uint32_t timeout_s;
	bool quiet, json, terminal, idle_told;
	uint64_t begun_ns, begun_bytes;
	struct progress progress;
	struct umem_region_status status;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t provided_bytes(const struct waiting *w)
{
	return w->status.granules_provided * w->status.granule;
}

static bool is_complete(const struct waiting *w)
{
	return w->status.granules_provided >= w->status.granules;
}

static int look(struct waiting *w)
{
	struct umem_why why;
	int err = umem_region_status(w->region, &w->status);

	if (err) {
		umem_because(&why, err, "%s", umem_explain(UMEM_DO_STATUS, err));
		umem_say_failed(err, &why, "asking %s for its status",
				w->target);
		return err;
	}
	progress_look(&w->progress, now_ns(), provided_bytes(w));
	return 0;
}

static void print_progress(struct waiting *w)
{
	char percent[PERCENT_TEXT], done[UMEM_SIZE_TEXT], rate[UMEM_SIZE_TEXT];
	char left[DURATION_TEXT];
	double seconds;
	bool known = progress_eta(&w->progress, w->status.size, &seconds);

	printf("%s%s, %s, %s/s, %s%s%s", w->terminal ? "\r" : "",
	       status_percent_text(&w->status, percent),
	       umem_size_text(provided_bytes(w), done),
	       umem_size_text((uint64_t)w->progress.rate, rate),
	       known ? duration_text(seconds, left) : "no end in sight",
	       known ? " left" : "", w->terminal ? "\033[K" : "\n");
	fflush(stdout);
}

/* It may still be touched until it is complete. */
static void tell_when_idle(struct waiting *w)
{
	if (w->idle_told || w->status.fill_window || is_complete(w))
		return;
	w->idle_told = true;
	umem_say("wait: nobody fills %s; umemctl fill would", w->target);
}

static bool is_late(const struct waiting *w)
{
	return w->timeout_s &&
	       now_ns() - w->begun_ns >= w->timeout_s * NS_PER_S;
}

static int wait_for_it(struct waiting *w)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	unsigned int looks = 0;

	w->begun_ns = now_ns();
	if (look(w))
		return -1;
	w->begun_bytes = provided_bytes(w);
	tell_when_idle(w);
	while (!is_complete(w) && !is_late(w)) {
		if (!w->quiet && looks++ % (w->terminal ? 1 : LOOKS_A_LINE) == 0)
			print_progress(w);
		nanosleep(&pause, NULL);
		if (look(w))
			return -1;
	}
	if (w->terminal && looks)
		fputs("\r\033[K", stdout);
	return 0;
}

static double seconds_waited(const struct waiting *w)
{
	return (double)(w->progress.time_ns - w->begun_ns) / (double)NS_PER_S;
}

static void print_end_json(const struct waiting *w)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "target",
			       json_object_new_string(w->target));
	json_object_object_add(object, "complete",
			       json_object_new_boolean(is_complete(w)));
	json_object_object_add(object, "seconds",
			       json_object_new_double(seconds_waited(w)));
	json_object_object_add(object, "bytes",
			       json_object_new_uint64(provided_bytes(w) -
						      w->begun_bytes));
	status_json(object, &w->status);
	print_json(object);
}

static void print_end(const struct waiting *w)
{
	uint64_t bytes = provided_bytes(w) - w->begun_bytes;
	char size[UMEM_SIZE_TEXT], rate[UMEM_SIZE_TEXT];
	double seconds = seconds_waited(w);

	if (w->json) {
		print_end_json(w);
		return;
	}
	if (!is_complete(w))
		return;
	printf("complete: %s in %.1f s", umem_size_text(bytes, size), seconds);
	if (seconds > 0 && bytes)
		printf(", %s/s", umem_size_text((uint64_t)((double)bytes /
							   seconds), rate));
	putchar('\n');
}

static int wait_and_tell(int region, void *arg, struct umem_why *why)
{
	struct waiting *w = arg;

	(void)why;
	w->region = region;
	if (wait_for_it(w))
		return 1;
	print_end(w);
	if (is_complete(w))
		return 0;
	umem_say("wait: after %u s %llu of %llu granules are missing",
		 w->timeout_s,
		 (unsigned long long)(w->status.granules -
				      w->status.granules_provided),
		 (unsigned long long)w->status.granules);
	return 1;
}

static void parse(const struct verb *verb, int argc, char **argv,
		  struct waiting *w)
{
	int opt;

	while ((opt = option_next(verb, argc, argv)) >= 0) {
		if (opt == 'j')
			w->json = true;
		else if (opt == 'q')
			w->quiet = true;
		else if (opt == OPT_TIMEOUT)
			w->timeout_s = option_number(verb, "--timeout",
						     UINT32_MAX);
	}
	w->target = only_argument(verb, argc, argv, "the target");
	w->quiet |= w->json;
	w->terminal = !w->quiet && isatty(STDOUT_FILENO);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct waiting w = { 0 };

	parse(verb, argc, argv, &w);
	return with_region(w.target, O_RDONLY, wait_and_tell, &w,
			   "waiting for %s", w.target);
}

const struct verb verb_wait = {
	.name = "wait",
	.summary = "wait until nothing of a region is missing, and tell how far it is",
	.help =
"usage: umemctl wait [-j | -q] [--timeout SECONDS] TARGET\n\n"
"Returns when everything of the region TARGET is there. Until then a line tells how\n"
"much is, how fast it comes, and how long it will take. Fetches nothing by itself:\n"
"umemctl fill does.\n\n"
"  --timeout SECONDS    give up then, with status 1\n"
"  -q, --quiet          no lines meanwhile\n"
"  -j, --json           no lines meanwhile, the end as JSON\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":hjq",
	.run = run,
};
