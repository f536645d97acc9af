// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl replay
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "hotset.h"
#include "region.h"
#include "umemctl.h"

/* So often a piece is asked for with nothing under way before it is left out. */
#define TRIES		3
/* Nanoseconds between two looks, at first and at most. */
#define PAUSE_FIRST	100000L
#define PAUSE_LONGEST	5000000L

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/**
 * struct replay - what is prefetched
 * @region: where.
 * @set: what.
 * @piece: how much is asked for at once, bytes: a quarter of the slots, as
 *	prefetches may have half of them.
 * @failed: bytes that could not be had.
 */
struct replay {
	int region;
	const struct umem_hotset *set;
	uint64_t piece;
	uint64_t failed;
};

/* A place in the set. */
struct place {
	uint64_t range;
	uint64_t done;		/* bytes of it */
};

/* The piece at @place; false at the end. */
static bool piece_at(const struct replay *r, const struct place *place,
		     uint64_t *offset, uint64_t *length)
{
	const struct umem_hotset_range *range;
	uint64_t rest;

	if (place->range == umem_hotset_count(r->set))
		return false;
	range = umem_hotset_ranges(r->set) + place->range;
	rest = le64toh(range->length) - place->done;
	*offset = le64toh(range->offset) + place->done;
	*length = rest < r->piece ? rest : r->piece;
	return true;
}

static void step(const struct replay *r, struct place *place, uint64_t length)
{
	const struct umem_hotset_range *range =
		umem_hotset_ranges(r->set) + place->range;

	place->done += length;
	if (place->done == le64toh(range->length)) {
		place->range++;
		place->done = 0;
	}
}

/* What is provided, or under way, is not asked for again. */
static void ask(const struct replay *r, uint64_t offset, uint64_t length)
{
	posix_fadvise(r->region, (off_t)offset, (off_t)length,
		      POSIX_FADV_WILLNEED);
}

static bool is_there(const struct replay *r, uint64_t offset, uint64_t length)
{
	off_t hole = lseek(r->region, (off_t)offset, SEEK_HOLE);

	return hole >= 0 && (uint64_t)hole >= offset + length;
}

static bool is_busy(const struct replay *r)
{
	struct umem_region_status st;

	return !umem_region_status(r->region, &st) &&
	       st.requests_queued + st.requests_issued;
}

/* Waits for a piece, which may have found no room when it was asked for. */
static bool wait_for(const struct replay *r, uint64_t offset, uint64_t length)
{
	struct timespec pause = { .tv_nsec = PAUSE_FIRST };
	unsigned int tries = 0;

	while (!is_there(r, offset, length)) {
		ask(r, offset, length);
		if (is_there(r, offset, length))
			break;
		if (!is_busy(r) && ++tries > TRIES)
			return is_there(r, offset, length);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_LONGEST)
			pause.tv_nsec *= 2;
	}
	return true;
}

/* One piece is waited for while the next is under way. */
static void replay(struct replay *r)
{
	struct place front = { 0 }, back = { 0 };
	uint64_t offset, length;

	if (piece_at(r, &front, &offset, &length)) {
		ask(r, offset, length);
		step(r, &front, length);
	}
	while (piece_at(r, &back, &offset, &length)) {
		uint64_t next, next_length;

		if (piece_at(r, &front, &next, &next_length)) {
			ask(r, next, next_length);
			step(r, &front, next_length);
		}
		if (!wait_for(r, offset, length))
			r->failed += length;
		step(r, &back, length);
	}
}

static int load(struct replay *r, struct umem_hotset *set, const char *path,
		struct umem_why *why)
{
	struct umem_region_status st;
	uint32_t granules;
	int err;

	err = umem_region_status(r->region, &st);
	if (err)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_STATUS, err));
	granules = st.max_inflight > 4 ? st.max_inflight / 4 : 1;
	r->piece = (uint64_t)granules * st.granule;
	err = umem_hotset_load(set, path, st.granules, why);
	if (err)
		return err;
	err = umem_hotset_check(set, st.size, st.granule, why);
	if (err)
		umem_hotset_free(set);
	return err;
}

int replay_file(int region, const char *subject, const char *path)
{
	struct umem_why why = { "" };
	struct umem_hotset set;
	struct replay r = { .region = region, .set = &set };
	int err = load(&r, &set, path, &why);

	if (err) {
		umem_say_failed(err, &why, "replaying %s for %s", path,
				subject);
		return err;
	}
	replay(&r);
	umem_hotset_free(&set);
	if (!r.failed)
		return 0;
	umem_say("replaying %s for %s: %" PRIu64
		 " bytes could not be had; is there a provider, and what does it say?",
		 path, subject, r.failed);
	return -EIO;
}

struct replay_choice {
	char *target, *path;
};

static int replay_target(int region, void *arg, struct umem_why *why)
{
	const struct replay_choice *choice = arg;

	(void)why;
	return replay_file(region, choice->target, choice->path) ? 1 : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct replay_choice choice;

	two_arguments(verb, argc, argv, "the target", &choice.target,
		      "the file", &choice.path);
	return with_region(choice.target, O_RDONLY, replay_target, &choice,
			   "replaying %s for %s", choice.path, choice.target);
}

const struct verb verb_replay = {
	.name = "replay",
	.summary = "prefetch what record noted, and wait for it",
	.help =
"usage: umemctl replay TARGET FILE\n\n"
"Prefetches into the region TARGET what umemctl record wrote to FILE, and returns when\n"
"it is there. Who touches the region meanwhile comes first. The region must have the\n"
"size and granule of the one that was recorded.\n\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":h",
	.run = run,
};
