// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl list: regions have no names in the kernel, so they are found by the
 * descriptors and mappings that processes have of them.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region.h"
#include "size.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ }
};

/**
 * struct found - a region in a process
 * @pid: of the process.
 * @fd: its descriptor, or -1 when it has mappings only.
 * @inode: number of the region's file; the same region has the same one. That
 *	of its buffer when @fd is -1.
 * @comm: name of the process.
 * @status: valid when @fd is not -1.
 */
struct found {
	int pid;
	int fd;
	uint64_t inode;
	char comm[COMM_TEXT];
	struct umem_region_status status;
};

struct listing {
	struct json_object *json;	/* an array, or NULL */
	unsigned int shown;
	unsigned int skipped;		/* processes that could not be looked into */
};

/* ---- Showing ------------------------------------------------------------ */

static void show_json(struct listing *l, const struct found *f)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "pid", json_object_new_int(f->pid));
	json_object_object_add(object, "comm", json_object_new_string(f->comm));
	json_object_object_add(object, "mapped_only",
			       json_object_new_boolean(f->fd < 0));
	json_object_object_add(object, f->fd < 0 ? "buffer_inode" : "inode",
			       json_object_new_uint64(f->inode));
	if (f->fd >= 0) {
		json_object_object_add(object, "fd", json_object_new_int(f->fd));
		status_json(object, &f->status);
	}
	json_object_array_add(l->json, object);
}

static void show(struct listing *l, const struct found *f)
{
	char size[UMEM_SIZE_TEXT], percent[PERCENT_TEXT];
	char policy[POLICY_TEXT], provider[PROVIDER_TEXT];
	char target[32];

	l->shown++;
	if (l->json) {
		show_json(l, f);
		return;
	}
	if (l->shown == 1)
		printf("%-12s %-15s %8s %10s %8s %-13s %s\n", "TARGET", "COMM",
		       "INODE", "SIZE", "PROVIDED", "POLICY", "PROVIDER");
	if (f->fd < 0) {
		printf("%-12d %-15s %8s mapped, without a descriptor\n", f->pid,
		       f->comm, "-");
		return;
	}
	snprintf(target, sizeof(target), "%d:%d", f->pid, f->fd);
	printf("%-12s %-15s %8" PRIu64 " %10s %8s %-13s %s\n", target, f->comm,
	       f->inode, umem_size_text(f->status.size, size),
	       status_percent_text(&f->status, percent),
	       status_policy(&f->status, policy),
	       status_provider(&f->status, provider));
}

/* ---- Looking ------------------------------------------------------------ */

/* What readlink() says of a region starts so; it saves opening everything. */
static bool may_be_region(const char *link)
{
	return !strncmp(link, "umem:", 5) || !strncmp(link, "/umem", 5);
}

static bool look_at(int pid, const char *name, struct found *f)
{
	char path[320], link[64];
	struct stat st;
	ssize_t n;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, name);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return false;
	link[n] = '\0';
	if (!may_be_region(link) || stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	err = umem_region_status(fd, &f->status);
	close(fd);
	f->pid = pid;
	f->fd = atoi(name);
	f->inode = st.st_ino;
	return !err;
}

/* Shows the regions that @pid has open; their number, or a negative errno. */
static int look_at_fds(struct listing *l, int pid)
{
	struct dirent *entry;
	struct found f;
	char path[32];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !look_at(pid, entry->d_name, &f))
			continue;
		process_comm(pid, f.comm);
		show(l, &f);
		n++;
	}
	closedir(dir);
	return n;
}

struct mapped {
	struct listing *l;
	int pid;
};

static void look_at_mapped(void *arg, uint64_t inode)
{
	const struct mapped *m = arg;
	struct found f = { .pid = m->pid, .fd = -1, .inode = inode };

	process_comm(f.pid, f.comm);
	show(m->l, &f);
}

static void look_at_process(void *arg, int pid)
{
	struct listing *l = arg;
	int n = look_at_fds(l, pid);

	/* One that ended meanwhile is not worth a note. */
	if (n == -EACCES || n == -EPERM)
		l->skipped++;
	else if (!n) /* None open, but perhaps mapped. */
		process_mapped(pid, look_at_mapped,
			       &(struct mapped){ .l = l, .pid = pid });
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct listing l = { 0 };
	struct json_object *object;
	int opt, err;

	while ((opt = option_next(verb, argc, argv)) >= 0)
		if (opt == 'j' && !l.json)
			l.json = json_object_new_array();
	if (optind < argc)
		usage_fail(verb, "\"%s\" is one argument too many", argv[optind]);
	err = process_each(look_at_process, &l);
	if (err) {
		umem_say_failed(err, NULL, "reading /proc");
		return EXIT_FAILURE;
	}
	if (l.json) {
		object = json_object_new_object();
		json_object_object_add(object, "regions", l.json);
		json_object_object_add(object, "processes_skipped",
				       json_object_new_int((int)l.skipped));
		print_json(object);
	}
	if (l.skipped)
		umem_say("list: %u processes were skipped, for they belong to others; be root to see all",
			 l.skipped);
	return EXIT_SUCCESS;
}

const struct verb verb_list = {
	.name = "list",
	.summary = "find all regions by the processes that have them",
	.help =
"usage: umemctl list [-j]\n\n"
"Lists the regions that processes have open, one line a descriptor, and those that a\n"
"process has mapped without a descriptor. Processes of other users need root.\n\n"
"  -j, --json           as JSON\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":hj",
	.run = run,
};
