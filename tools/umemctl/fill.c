// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl fill: all that is missing is fetched in the background.
 */
#include <errno.h>
#include <fcntl.h>

#include "region.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ }
};

struct fill_choice {
	const char *target;
	uint32_t window;	/* 0: as large as may be */
	bool stop;
};

static void parse(const struct verb *verb, int argc, char **argv,
		  struct fill_choice *choice)
{
	int opt;

	while ((opt = option_next(verb, argc, argv)) >= 0) {
		if (opt == OPT_WINDOW)
			choice->window = option_number(verb, "--window",
						       UINT32_MAX);
		else if (opt == OPT_STOP)
			choice->stop = true;
	}
	if (choice->stop && choice->window)
		usage_fail(verb, "--stop and --window exclude each other");
	choice->target = only_argument(verb, argc, argv, "the target");
}

static uint32_t largest_window(const struct umem_region_status *status)
{
	return status->max_inflight > 1 ? status->max_inflight / 2 : 1;
}

static int set_window(int region, void *arg, struct umem_why *why)
{
	const struct fill_choice *choice = arg;
	struct umem_region_status status;
	uint32_t window = choice->window;
	int err = umem_region_status(region, &status);

	if (err)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_STATUS, err));
	if (window > largest_window(&status))
		return umem_because(why, -EINVAL,
				    "--window: at most half of the %u requests that the region may have in flight, %u",
				    status.max_inflight,
				    largest_window(&status));
	if (!window && !choice->stop)
		window = largest_window(&status);
	err = umem_region_fill(region, window);
	return umem_because(why, err, "%s", umem_explain(UMEM_DO_FILL, err));
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct fill_choice choice = { 0 };

	parse(verb, argc, argv, &choice);
	return with_region(choice.target, O_RDWR, set_window, &choice,
			   "filling %s", choice.target);
}

const struct verb verb_fill = {
	.name = "fill",
	.summary = "fetch all that is missing, in the background",
	.help =
"usage: umemctl fill [--window N] TARGET\n"
"       umemctl fill --stop TARGET\n\n"
"The kernel asks the provider of the region TARGET for everything that is missing, a\n"
"window of requests at a time, and gives way to those who wait for memory. Returns at\n"
"once; umemctl wait tells how far it is. May be repeated, with another window.\n\n"
"  --window N           requests open at once, at most half of what the region may have\n"
"                       in flight, which is the default\n"
"  --stop               no more of it; what was asked for still comes\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":h",
	.run = run,
};
