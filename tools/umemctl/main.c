// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl VERB ...
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "umemctl.h"

static const struct verb *const verbs[] = {
	&verb_run,
	&verb_attach_provider,
	&verb_detach_provider,
	&verb_status,
	&verb_list,
	&verb_fill,
	&verb_wait,
	&verb_record,
	&verb_replay,
	&verb_finalize,
	&verb_features,
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(void)
{
	size_t i;

	printf("usage: umemctl VERB [OPTION]... [ARGUMENT]...\n\n"
	       "Memory that a provider fills on demand: make regions, attach providers, look.\n\n");
	for (i = 0; i < VERBS; i++)
		printf("  %-17s %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\n"
	       "umemctl VERB --help tells the options. umemctl --version tells the version.\n"
	       "TARGET is PID:FD, /proc/PID/fd/FD or a path that opens to a region.\n"
	       "SOURCE is rdma://HOST:PORT/ID, or sim:WORD,WORD... for tests (umemctl(8)).\n"
	       "Exit status: 0, 1 after a failure, 2 after a mistake on the command line.\n");
}

static const struct verb *verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

/* So that no descriptor of ours becomes one of 0, 1 and 2. */
static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What was printed must have arrived. */
static int close_output(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		umem_say_failed(errno, NULL, "writing to standard output");
		return EXIT_FAILURE;
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	umem_say_as("umemctl");
	open_standard();
	if (argc < 2) {
		umem_say("a verb is missing; umemctl --help lists them");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return close_output(EXIT_SUCCESS);
	}
	if (!strcmp(argv[1], "--version")) {
		printf("umemctl %s, records version %u\n", UMEMCTL_VERSION,
		       UMEM_PROTOCOL_VERSION);
		return close_output(EXIT_SUCCESS);
	}
	verb = verb_find(argv[1]);
	if (!verb) {
		umem_say("\"%s\" is no verb; umemctl --help lists them", argv[1]);
		return EXIT_USAGE;
	}
	return close_output(verb->run(verb, argc - 1, argv + 1));
}
