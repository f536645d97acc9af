// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl attach-provider
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "target.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	PROVIDER_OPTIONS,
	{ }
};

/* umem-provider's messages shall name the region as the user did. */
static void name_target(const struct umem_target *target,
			struct provider_choice *choice)
{
	if (target->pid && target->pid != getpid())
		snprintf(choice->target, sizeof(choice->target), "%d:%d",
			 (int)target->pid, target->fd);
}

static int attach(const char *text, struct provider_choice *choice)
{
	struct umem_target target;
	struct umem_why why;
	int region, err;

	region = umem_target_parse(text, &target, &why);
	if (!region) {
		name_target(&target, choice);
		region = umem_target_open(&target, O_RDWR, &why);
	}
	if (region < 0) {
		umem_say_failed(region, &why, "attaching %s to %s",
				choice->source.text, text);
		return EXIT_FAILURE;
	}
	err = provider_start(region, text, choice);
	close(region);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct provider_choice choice;
	int opt;

	provider_defaults(&choice);
	choice.background = true;
	while ((opt = option_next(verb, argc, argv)) >= 0)
		provider_option(verb, opt, &choice);
	if (optind >= argc)
		usage_fail(verb, "the target is missing");
	if (optind + 1 >= argc)
		usage_fail(verb, "the source is missing");
	if (optind + 2 < argc)
		usage_fail(verb, "\"%s\" is one argument too many",
			   argv[optind + 2]);
	provider_source(verb, argv[optind + 1], &choice);
	return attach(argv[optind], &choice);
}

const struct verb verb_attach_provider = {
	.name = "attach-provider",
	.summary = "give a region its provider",
	.help =
"usage: umemctl attach-provider [OPTION]... TARGET SOURCE\n\n"
"Gives the region TARGET a provider that gets its bytes from SOURCE, and returns\n"
"when that is live.\n\n"
"  --replace            take over from the provider that is there\n"
PROVIDER_HELP
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":h",
	.run = run,
};
