// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl detach-provider
 */
#include <fcntl.h>

#include "region.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static int detach(int region, void *arg, struct umem_why *why)
{
	int err = umem_region_detach(region);

	(void)arg;
	return umem_because(why, err, "%s", umem_explain(UMEM_DO_DETACH, err));
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const char *target;

	while (option_next(verb, argc, argv) >= 0)
		;
	target = only_argument(verb, argc, argv, "the target");
	return with_region(target, O_RDWR, detach, NULL,
			   "detaching the provider of %s", target);
}

const struct verb verb_detach_provider = {
	.name = "detach-provider",
	.summary = "take a region's provider away; its requests wait for the next",
	.help =
"usage: umemctl detach-provider TARGET\n\n"
"Ends the provider of the region TARGET and returns when it is gone. What it had\n"
"begun goes back to the queue, for the next provider.\n\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":h",
	.run = run,
};
