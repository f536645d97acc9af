// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl finalize: a complete region's mappings become plain memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "region.h"
#include "umemctl.h"

#define MOST_PIDS 64

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "pid", required_argument, NULL, 'p' },
	{ }
};

/**
 * struct finalizing - what is done and was done
 * @target: the region, as given.
 * @region: its descriptor.
 * @pids: processes that were named; none: all that have it mapped.
 * @named: number of @pids.
 * @json: an array, or NULL for lines of text.
 * @mappings: changed so far.
 * @skipped: processes that could not be looked into.
 * @failed: an error was told.
 */
struct finalizing {
	const char *target;
	int region;
	int pids[MOST_PIDS];
	unsigned int named;
	struct json_object *json;
	unsigned int mappings;
	unsigned int skipped;
	bool failed;
};

static void show(struct finalizing *f, int pid, int mappings)
{
	struct json_object *object;
	char comm[COMM_TEXT];

	process_comm(pid, comm);
	if (!f->json) {
		printf("%-12d %-15s %d mapping%s\n", pid, comm, mappings,
		       mappings == 1 ? "" : "s");
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "pid", json_object_new_int(pid));
	json_object_object_add(object, "comm", json_object_new_string(comm));
	json_object_object_add(object, "mappings",
			       json_object_new_int(mappings));
	json_object_array_add(f->json, object);
}

static void failed(struct finalizing *f, int pid, int err)
{
	struct umem_why why;

	umem_because(&why, err, "%s", umem_explain(UMEM_DO_FINALIZE, err));
	if (pid)
		umem_say_failed(err, &why, "finalizing %s in process %d",
				f->target, pid);
	else
		umem_say_failed(err, &why, "finalizing %s", f->target);
	f->failed = true;
}

static void finalize_named(struct finalizing *f, int pid)
{
	int ret = umem_region_finalize(f->region, pid);

	if (ret < 0) {
		failed(f, pid, ret);
		return;
	}
	f->mappings += ret;
	show(f, pid, ret);
}

static void finalize_found(void *arg, int pid)
{
	struct finalizing *f = arg;
	int ret = process_mapped(pid, NULL, NULL);

	if (ret == -EACCES || ret == -EPERM)
		f->skipped++;
	if (ret <= 0)
		return;
	ret = umem_region_finalize(f->region, pid);
	/* It ended meanwhile. */
	if (ret == -ESRCH)
		return;
	if (ret < 0) {
		failed(f, pid, ret);
		return;
	}
	/* Else it is another region that it maps, or plain already. */
	if (ret) {
		f->mappings += ret;
		show(f, pid, ret);
	}
}

static void finalize_all(struct finalizing *f)
{
	unsigned int i;
	int err;

	/* Of ourselves, who map nothing: it tells whether it can be done. */
	err = umem_region_finalize(f->region, 0);
	if (err < 0) {
		failed(f, 0, err);
		return;
	}
	for (i = 0; i < f->named; i++)
		finalize_named(f, f->pids[i]);
	if (f->named)
		return;
	err = process_each(finalize_found, f);
	if (err) {
		umem_say_failed(err, NULL, "reading /proc");
		f->failed = true;
	}
}

static void summary(struct finalizing *f)
{
	struct json_object *object;

	if (f->json) {
		object = json_object_new_object();
		json_object_object_add(object, "target",
				       json_object_new_string(f->target));
		json_object_object_add(object, "mappings",
				       json_object_new_int((int)f->mappings));
		json_object_object_add(object, "processes", f->json);
		json_object_object_add(object, "processes_skipped",
				       json_object_new_int((int)f->skipped));
		print_json(object);
	}
	if (f->skipped)
		umem_say("finalize: %u processes were skipped, for they belong to others; be root, or name them by --pid",
			 f->skipped);
}

static int finalize(int region, void *arg, struct umem_why *why)
{
	struct finalizing *f = arg;

	(void)why;
	f->region = region;
	finalize_all(f);
	summary(f);
	return f->failed;
}

static void parse(const struct verb *verb, int argc, char **argv,
		  struct finalizing *f)
{
	int opt;

	while ((opt = option_next(verb, argc, argv)) >= 0) {
		if (opt == 'j' && !f->json)
			f->json = json_object_new_array();
		if (opt != 'p')
			continue;
		if (f->named == MOST_PIDS)
			usage_fail(verb, "--pid: at most %u processes at once",
				   MOST_PIDS);
		f->pids[f->named++] = (int)option_number(verb, "--pid", INT_MAX);
	}
	f->target = only_argument(verb, argc, argv, "the target");
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct finalizing f = { 0 };

	parse(verb, argc, argv, &f);
	return with_region(f.target, O_RDWR, finalize, &f,
			   "finalizing %s", f.target);
}

const struct verb verb_finalize = {
	.name = "finalize",
	.summary = "make a complete region plain memory, for huge pages to apply",
	.help =
"usage: umemctl finalize [-j] [--pid PID]... TARGET\n\n"
"Ends the provider of the region TARGET, of which nothing may be missing, and makes\n"
"its mappings plain shared memory: huge pages, mlock and mremap apply to them, and a\n"
"fault costs what it costs there. Tells the processes of which mappings were changed.\n\n"
"  --pid PID            only in this process; may be given several times. Without it\n"
"                       in all processes that have the region mapped\n"
"  -j, --json           as JSON\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":hj",
	.run = run,
};
