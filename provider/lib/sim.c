// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sim:WORD,WORD... and UMEM_SIM_IOC_ATTACH.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/umem.h>

#include "sim.h"
#include "size.h"

/* ---- Words --------------------------------------------------------------- */

enum word_kind {
	WORD_CONTENT,		/* the value of the field comes beside @value */
	WORD_NUMBER,
	WORD_PERMILLE,
	WORD_TIME,
	WORD_SIZE,
};

#define FIELD(name) offsetof(struct umem_sim_attach, name)

static const struct word {
	const char *name;
	enum word_kind kind;
	size_t field;
	uint32_t content;
} words[] = {
	{ "zero", WORD_CONTENT, 0, UMEM_SIM_ZERO },
	{ "pattern", WORD_CONTENT, FIELD(pattern_seed), UMEM_SIM_PATTERN },
	{ "file", WORD_CONTENT, 0, UMEM_SIM_COPY },
	{ "seed", WORD_NUMBER, FIELD(seed), 0 },
	{ "latency", WORD_TIME, FIELD(latency_ns), 0 },
	{ "jitter", WORD_TIME, FIELD(jitter_ns), 0 },
	{ "bandwidth", WORD_SIZE, FIELD(bandwidth), 0 },
	{ "reorder", WORD_PERMILLE, FIELD(reorder_permille), 0 },
	{ "error", WORD_PERMILLE, FIELD(error_permille), 0 },
	{ "hang", WORD_PERMILLE, FIELD(hang_permille), 0 },
	{ "refuse", WORD_PERMILLE, FIELD(refuse_permille), 0 },
	{ "hang-from", WORD_NUMBER, FIELD(hang_from), 0 },
	{ "gone-after", WORD_NUMBER, FIELD(gone_after), 0 },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static const struct word *word_find(const char *text, size_t length)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strlen(words[i].name) == length &&
		    !strncmp(words[i].name, text, length))
			return &words[i];
	return NULL;
}

static int time_parse(const char *text, uint64_t *ns, struct umem_why *why)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", 1 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 },
	};
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t value;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].name))
			continue;
		snprintf(number, sizeof(number), "%.*s", (int)digits, text);
		if (umem_number_parse(number, 0, UMEM_SIM_DELAY_MAX / units[i].ns,
				      &value, NULL))
			break;
		*ns = value * units[i].ns;
		return 0;
	}
	return umem_because(why, -EINVAL,
			    "\"%s\" is not a time of at most 60s, such as 3us",
			    text);
}

static int permille_parse(const char *text, uint32_t *to, struct umem_why *why)
{
	uint64_t value;
	int err = umem_number_parse(text, 0, UMEM_SIM_PERMILLE, &value, why);

	if (!err)
		*to = (uint32_t)value;
	return err ? -EINVAL : 0;
}

static int bandwidth_parse(const char *text, uint64_t *to, struct umem_why *why)
{
	if (umem_size_parse(text, to, why))
		return -EINVAL;
	if (*to < UMEM_SIM_BANDWIDTH_MIN)
		return umem_because(why, -EINVAL,
				    "%s bytes a second are less than %llu",
				    text, UMEM_SIM_BANDWIDTH_MIN);
	return 0;
}

static int content_parse(const struct word *word, const char *value,
			 struct umem_sim_source *sim, struct umem_why *why)
{
	uint64_t seed = 0;
	bool wanted = word->content != UMEM_SIM_ZERO;

	if (sim->arg.content)
		return umem_because(why, -EINVAL,
				    "only one of zero, pattern and file can be");
	if (!*value == wanted)
		return umem_because(why, -EINVAL, "\"%s\" %s", word->name,
				    wanted ? "needs a value" : "has no value");
	if (word->content == UMEM_SIM_COPY)
		sim->path = value;
	else if (wanted && umem_number_parse(value, 0, UINT64_MAX, &seed, why))
		return -EINVAL;
	sim->arg.content = word->content;
	sim->arg.pattern_seed = seed;
	return 0;
}

static int value_parse(const struct word *word, const char *value,
		       struct umem_sim_source *sim, struct umem_why *why)
{
	void *field = (char *)&sim->arg + word->field;

	switch (word->kind) {
	case WORD_CONTENT:
		return content_parse(word, value, sim, why);
	case WORD_NUMBER:
		return umem_number_parse(value, 0, UINT64_MAX, field, why) ?
		       -EINVAL : 0;
	case WORD_PERMILLE:
		return permille_parse(value, field, why);
	case WORD_TIME:
		return time_parse(value, field, why);
	case WORD_SIZE:
		return bandwidth_parse(value, field, why);
	}
	return -EINVAL;
}

/* One word at @text; *@rest is set behind it and its comma. */
static int word_parse(const char *text, const char **rest, unsigned int *seen,
		      struct umem_sim_source *sim, struct umem_why *why)
{
	size_t name = strcspn(text, "=,");
	size_t length = strcspn(text, ",");
	const struct word *word = word_find(text, name);
	const char *value = text + name + (text[name] == '=');
	char copy[32];

	if (!word)
		return umem_because(why, -EINVAL,
				    "\"%.*s\" is no word of sim:, such as latency=3us or pattern=7",
				    (int)name, text);
	if (*seen & 1U << (word - words))
		return umem_because(why, -EINVAL, "\"%s\" is there twice",
				    word->name);
	*seen |= 1U << (word - words);
	if (word->content == UMEM_SIM_COPY) {
		*rest = text + strlen(text);
		return content_parse(word, value, sim, why);
	}
	snprintf(copy, sizeof(copy), "%.*s", (int)(text + length - value), value);
	*rest = text + length + (text[length] == ',');
	return value_parse(word, copy, sim, why);
}

int umem_sim_parse(const char *text, struct umem_sim_source *sim,
		   struct umem_why *why)
{
	unsigned int seen = 0;

	*sim = (struct umem_sim_source){ .arg.source_fd = -1 };
	while (*text) {
		int err = word_parse(text, &text, &seen, sim, why);

		if (err)
			return err;
	}
	if (!sim->arg.content)
		sim->arg.content = UMEM_SIM_PATTERN;
	if (sim->arg.error_permille)
		sim->arg.error_status = UMEM_STATUS_IO;
	if (sim->arg.reorder_permille && !sim->arg.latency_ns)
		return umem_because(why, -EINVAL,
				    "\"reorder\" needs \"latency\"");
	return 0;
}

/* ---- UMEM_SIM_IOC_ATTACH ------------------------------------------------- */

static const struct umem_clause device_clauses[] = {
	{ ENOENT, "the umem_sim module is not loaded; it is test equipment, try modprobe umem_sim" },
	{ EACCES, "only root may attach it" },
	{ 0, "the device cannot be opened" },
};

static const struct umem_clause attach_clauses[] = {
	{ EBUSY, "the channel belongs to another provider already" },
	{ EPIPE, "the channel was ended meanwhile, or its region is gone" },
	{ ERANGE, "the region is larger than the file" },
	{ EINVAL, "the file is not a regular one, or the module is older than this tool" },
	{ E2BIG, "this tool is newer than the module and asks for what that does not know" },
	{ EIO, "the file cannot be read, or became shorter meanwhile" },
	{ ENOMEM, "no memory for a copy of the file" },
	{ EINTR, "a signal came first; try again" },
	{ 0, "it was refused" },
};

static int attach_open(const struct umem_sim_attach *arg, struct umem_why *why)
{
	int device = open(UMEM_SIM_DEVICE, O_RDWR | O_CLOEXEC);
	int err;

	if (device < 0)
		return umem_because(why, -errno, "%s: %s", UMEM_SIM_DEVICE,
				    umem_clause_find(device_clauses, errno));
	if (!ioctl(device, UMEM_SIM_IOC_ATTACH, arg))
		return device;
	err = -errno;
	close(device);
	return umem_because(why, err, "%s",
			    umem_clause_find(attach_clauses, err));
}

int umem_sim_attach(int channel, const struct umem_sim_source *sim,
		    struct umem_why *why)
{
	struct umem_sim_attach arg = sim->arg;
	int device;

	arg.channel_fd = channel;
	if (sim->path) {
		arg.source_fd = open(sim->path, O_RDONLY | O_CLOEXEC);
		if (arg.source_fd < 0)
			return umem_because(why, -errno,
					    "%s cannot be opened", sim->path);
	}
	device = attach_open(&arg, why);
	if (sim->path)
		close(arg.source_fd);
	return device;
}
