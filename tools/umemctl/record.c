// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl record
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "hotset.h"
#include "region.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* All ranges of @region that are provided. 0 or a negative errno. */
static int collect(int region, struct umem_hotset *set)
{
	off_t data = lseek(region, 0, SEEK_DATA);
	off_t hole;
	int err;

	while (data >= 0) {
		hole = lseek(region, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		err = umem_hotset_add(set, (uint64_t)data,
				      (uint64_t)(hole - data));
		if (err)
			return err;
		data = lseek(region, hole, SEEK_DATA);
	}
	/* Nothing is provided from there on. */
	return errno == ENXIO ? 0 : -errno;
}

static int record(int region, void *path, struct umem_why *why)
{
	struct umem_region_status st;
	struct umem_hotset set;
	int err;

	err = umem_region_status(region, &st);
	if (err)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_STATUS, err));
	err = umem_hotset_new(&set, st.size, st.granule);
	if (err)
		return err;
	err = collect(region, &set);
	if (!err) {
		umem_hotset_seal(&set);
		err = umem_hotset_save(&set, path, why);
	}
	if (!err)
		printf("%" PRIu64 " granules of %u bytes, %" PRIu64 " ranges\n",
		       umem_hotset_bytes(&set) / st.granule, st.granule,
		       umem_hotset_count(&set));
	umem_hotset_free(&set);
	return err;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	char *target, *path;

	two_arguments(verb, argc, argv, "the target", &target, "the file",
		      &path);
	return with_region(target, O_RDONLY, record, path,
			   "recording %s to %s", target, path);
}

const struct verb verb_record = {
	.name = "record",
	.summary = "note what of a region is there now, for replay",
	.help =
"usage: umemctl record TARGET FILE\n\n"
"Writes to FILE which granules of the region TARGET are provided at this moment:\n"
"what was touched so far, and what was read ahead, filled or pushed. Another region\n"
"of the same size gets them by umemctl replay, or run --replay.\n\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":h",
	.run = run,
};
