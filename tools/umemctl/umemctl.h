/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * umemctl: one file a verb, main.c has their table.
 */
#ifndef UMEMCTL_H
#define UMEMCTL_H

#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/umem.h>

#include "attach.h"
#include "say.h"
#include "source.h"

#define UMEMCTL_VERSION "0.1"

#define EXIT_USAGE 2

/**
 * struct verb - one word after umemctl
 * @name: the word.
 * @summary: half a line for umemctl --help.
 * @help: what umemctl VERB --help prints.
 * @options: long options; every verb has --help.
 * @shorts: short options, for getopt_long().
 * @run: argv[0] is the verb. Returns an exit status.
 */
struct verb {
	const char *name;
	const char *summary;
	const char *help;
	const struct option *options;
	const char *shorts;
	int (*run)(const struct verb *verb, int argc, char **argv);
};

extern const struct verb verb_run;
extern const struct verb verb_attach_provider;
extern const struct verb verb_detach_provider;
extern const struct verb verb_status;
extern const struct verb verb_list;
extern const struct verb verb_fill;
extern const struct verb verb_wait;
extern const struct verb verb_record;
extern const struct verb verb_replay;
extern const struct verb verb_finalize;
extern const struct verb verb_features;

/* ---- options.c: every function ends the program with status 2 on a mistake */

/* Values of long options that have no letter. */
enum {
	OPT_SIZE = 256,
	OPT_WAIT_POLICY,
	OPT_PROVIDER,
	OPT_USER,
	OPT_USER_ONLY,
	OPT_SPIN,
	OPT_REPLACE,
	OPT_MAX_INFLIGHT,
	OPT_MAX_DATA,
	OPT_HUGE,
	OPT_READAHEAD,
	OPT_REPLAY,
	OPT_READS_INFLIGHT,
	OPT_CONNECT_TIMEOUT,
	OPT_ACK_TIMEOUT,
	OPT_WINDOW,
	OPT_STOP,
	OPT_TIMEOUT,
};

void usage_fail(const struct verb *verb, const char *fmt, ...)
	UMEM_PRINTF(2, 3) __attribute__((noreturn));

/* The next option or -1. Answers --help itself. */
int option_next(const struct verb *verb, int argc, char **argv);

uint64_t option_size(const struct verb *verb, const char *name);
uint32_t option_number(const struct verb *verb, const char *name, uint32_t max);

/* The one argument of a verb such as status; @what names it in the error. */
const char *only_argument(const struct verb *verb, int argc, char **argv,
			  const char *what);

/* The two arguments of a verb such as record, which has no options. */
void two_arguments(const struct verb *verb, int argc, char **argv,
		   const char *what, char **first,
		   const char *what_else, char **second);

/* ---- with_region.c */

/* 0, a negative errno and why, or 1 when it has said itself what went wrong. */
typedef int region_act(int region, void *arg, struct umem_why *why);

/*
 * Opens the region @target, does @act and closes it. Returns an exit status; what
 * went wrong is said after what was tried, @doing.
 */
int with_region(const char *target, int access, region_act *act, void *arg,
		const char *doing, ...) UMEM_PRINTF(5, 6);

/* ---- replay.c */

/*
 * Prefetches the hot set in the file @path into @region, and waits for it. Says
 * why it fails, with @subject as the region's name; a negative errno then, -EIO
 * when a part could not be had.
 */
int replay_file(int region, const char *subject, const char *path);

/* ---- provider.c: which provider, and starting it */

struct provider_choice {
	struct umem_source source;
	struct umem_attach_limits limits;
	bool user;		/* umem-provider instead of umem_rdma.ko */
	bool replace;
	bool background;	/* umem-provider gets a log of its own */
	char target[32];	/* what umem-provider opens; empty: by our fd */
};

#define PROVIDER_OPTIONS \
	{ "user", no_argument, NULL, OPT_USER }, \
	{ "reads-inflight", required_argument, NULL, OPT_READS_INFLIGHT }, \
	{ "connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT }, \
	{ "ack-timeout", required_argument, NULL, OPT_ACK_TIMEOUT }

#define PROVIDER_HELP \
"  --user               start umem-provider instead of the provider in the kernel\n" \
"  --reads-inflight N   RDMA READs open at once (16: what most devices allow)\n" \
"  --connect-timeout MS limit for each step of connecting (5000)\n" \
"  --ack-timeout MS     a dead server is noticed after about 8 of these (500)\n"

void provider_defaults(struct provider_choice *choice);
bool provider_option(const struct verb *verb, int opt,
		     struct provider_choice *choice);
void provider_source(const struct verb *verb, const char *text,
		     struct provider_choice *choice);

/*
 * Starts the provider of @region and returns 0 when it is live. Otherwise says
 * why, with @subject as the thing provided, and returns a negative errno.
 */
int provider_start(int region, const char *subject,
		   const struct provider_choice *choice);

/* ---- spawn.c */

/*
 * Starts umem-provider for @region, as a daemon, and waits until it is live. It
 * says itself why it cannot.
 */
int provider_spawn(int region, const struct provider_choice *choice);

/* ---- child.c: the program under umemctl run */

/* The region as the program sees it. */
#define CHILD_REGION_FD		3
#define CHILD_REGION_PATH	"/proc/self/fd/3"

/* Copies @argv with every {} replaced; never NULL. */
char **child_arguments(char **argv);

/*
 * Runs argv with @region as its descriptor 3, closes @region here, passes
 * signals on, and returns the exit status that umemctl shall have.
 */
int child_run(int region, char **argv);

/* ---- proc.c: looking for regions in /proc */

/* Calls @look for every process; 0, or a negative errno. */
int process_each(void (*look)(void *arg, int pid), void *arg);

/* The name of a process, harmless to print; empty when it is gone. */
#define COMM_TEXT 32
void process_comm(int pid, char comm[COMM_TEXT]);

/*
 * Calls @found (unless NULL) for the regions that @pid has mapped, with the inode
 * of their buffers; once for mappings in a row. Their number, or a negative errno.
 */
int process_mapped(int pid, void (*found)(void *arg, uint64_t inode), void *arg);

/* ---- output.c */

/* Everything of @status, with the names of struct umem_region_status. */
void status_json(struct json_object *to, const struct umem_region_status *status);

double status_percent(const struct umem_region_status *status);

/* Of what was read ahead and decided, how much was touched: percent. */
double readahead_accuracy(const struct umem_region_status *status);

/*
 * Of what was touched and not there at first, how much came before it was touched:
 * percent.
 */
double readahead_coverage(const struct umem_region_status *status);

/* "99.9%", rounded down: 100% is said of complete regions only. Returns @buf. */
#define PERCENT_TEXT 24
const char *status_percent_text(const struct umem_region_status *status,
				char buf[PERCENT_TEXT]);

/* "kernel rdma://10.0.0.1:7471/7", "user", "none". Returns @buf. */
#define PROVIDER_TEXT (UMEM_PROVIDER_DESC + 16)
const char *status_provider(const struct umem_region_status *status,
			    char buf[PROVIDER_TEXT]);

/* "hard", "timeout=500", "fail-fast". Returns @buf. */
#define POLICY_TEXT 24
const char *status_policy(const struct umem_region_status *status,
			  char buf[POLICY_TEXT]);

/* "huge user-only": how the region was created. Empty without any. Returns @buf. */
#define FLAGS_TEXT 64
const char *status_flags(const struct umem_region_status *status,
			 char buf[FLAGS_TEXT]);

/* Prints @object and drops it. */
void print_json(struct json_object *object);

/* Makes control characters of a foreign string harmless, in place. */
char *printable(char *text);

#endif /* UMEMCTL_H */
