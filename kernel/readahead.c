// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs, their trends, and windows.
 *
 * A miss belongs to the run that expects it, or to one that was near by last.
 * The steps between the misses of a run vote for its trend, as in Leap
 * (Maruf and Chowdhury, 2020): the majority of the last few, or else of some
 * more, so that a stray touch does not end it. A run with a trend has a window:
 * granules ahead of the last touch that were asked for. Touches that are no
 * misses are seen in the second half of the window only, where they push it on.
 */
#include "readahead.h"

/* A miss no further than this from a run's last one may belong to it. */
#define NEAR		16
/* The same for the second miss of a run that follows the first at once. */
#define FAR		1024
/* Steps that vote first. */
#define FEW_STEPS	4
/* Window of a trend in the beginning. */
#define START_WINDOW	4

static __s64 distance(__s64 a, __s64 b)
{
	return a < b ? b - a : a - b;
}

/* ---- Trend --------------------------------------------------------------- */

static __s32 step_back(const struct umem_run *run, __u32 back)
{
	return run->steps[(run->newest - back) % UMEM_READAHEAD_STEPS];
}

/* The step that more than half of the last @n are, or 0 (Boyer and Moore). */
static __s32 majority(const struct umem_run *run, __u32 n)
{
	__s32 candidate = 0;
	__u32 votes = 0, i;

	for (i = 0; i < n; i++) {
		if (!votes)
			candidate = step_back(run, i);
		votes += step_back(run, i) == candidate ? 1 : -1;
	}
	for (votes = 0, i = 0; i < n; i++)
		votes += step_back(run, i) == candidate;
	return votes * 2 > n ? candidate : 0;
}

static __s32 trend_of(const struct umem_run *run)
{
	__s32 trend;

	if (run->count < 2)
		return 0;
	if (run->count <= FEW_STEPS)
		return majority(run, run->count);
	trend = majority(run, FEW_STEPS);
	return trend ? trend : majority(run, run->count);
}

static void add_step(struct umem_run *run, __s32 step)
{
	run->newest = (run->newest + 1) % UMEM_READAHEAD_STEPS;
	run->steps[run->newest] = step;
	if (run->count < UMEM_READAHEAD_STEPS)
		run->count++;
}

/* ---- Window -------------------------------------------------------------- */

/* Which touches push the window on. @over: nothing follows @next. */
static void set_zone(struct umem_run *run, bool over)
{
	__s64 from, to;

	run->low = 1;
	run->high = 0;
	if (!run->ahead)
		return;
	to = run->next - run->stride;
	from = over ? to : to - (__s64)(run->ahead / 2) * run->stride;
	run->low = run->stride > 0 ? from : to;
	run->high = run->stride > 0 ? to : from;
}

/* How many of @want granules from @next on lie in the region. */
static __u32 room(const struct umem_run *run,
		  const struct umem_readahead_limits *limits, __u32 want)
{
	__s64 left;

	if (run->next < 0 || run->next >= limits->granules)
		return 0;
	left = run->stride > 0 ?
		(limits->granules - 1 - run->next) / run->stride :
		run->next / -run->stride;
	return left + 1 < want ? left + 1 : want;
}

/* Plan as many as @run lacks to be its window ahead. */
static void push(struct umem_run *run,
		 const struct umem_readahead_limits *limits,
		 struct umem_readahead_plan *plan)
{
	__u32 want;

	if (run->window > limits->most)
		run->window = limits->most;
	want = run->window > run->ahead ? run->window - run->ahead : 0;
	plan->run = run;
	plan->first = run->next;
	plan->stride = run->stride;
	plan->count = room(run, limits, want);
	run->next += (__s64)plan->count * run->stride;
	run->ahead += plan->count;
	set_zone(run, plan->count < want);
}

/* What was asked for is touched: more of it, and trust in the next trend. */
static void grow(struct umem_readahead *ra, struct umem_run *run,
		 const struct umem_readahead_limits *limits)
{
	if (ra->start < START_WINDOW)
		ra->start *= 2;
	run->window = run->window < limits->most / 2 ? run->window * 2 :
						       limits->most;
}

/*
 * The touches have come to the @steps-th granule from @last on. Returns how many
 * of these were asked for.
 */
static __u32 advance(struct umem_readahead *ra, struct umem_run *run,
		     __u32 steps)
{
	__u32 hits = steps < run->ahead ? steps : run->ahead;

	run->last += (__s64)steps * run->stride;
	run->ahead -= hits;
	if (hits > run->asked)
		hits = run->asked;
	run->asked -= hits;
	run->hits += hits;
	ra->hits += hits;
	return hits;
}

/*
 * What was asked for will not be touched, as far as one can tell. If it was more
 * than what was touched before, the next trend begins with less.
 */
static void give_up(struct umem_readahead *ra, struct umem_run *run)
{
	if (run->asked > run->hits && ra->start > 1)
		ra->start /= 2;
	ra->wasted += run->asked;
	run->asked = 0;
	run->hits = 0;
	run->ahead = 0;
	set_zone(run, true);
}

/* ---- Runs ---------------------------------------------------------------- */

/* Whether @granule lies on the trend, up to the first one not asked for. */
static bool expects(const struct umem_run *run, __s64 granule)
{
	if (run->stride > 0 ? granule <= run->last || granule > run->next :
	    !run->stride || granule >= run->last || granule < run->next)
		return false;
	return !((granule - run->last) % run->stride);
}

/* Whether @granule may be the next miss of a run, which none expects. */
static bool is_near(const struct umem_readahead *ra, const struct umem_run *run,
		    __s64 granule)
{
	bool second = !run->count && run->used == ra->clock;

	if (!run->used)
		return false;
	/* The last step once more, however long. */
	if (run->count && granule - run->last == step_back(run, 0))
		return true;
	return distance(run->last, granule) <= (second ? FAR : NEAR);
}

/* The run that @granule belongs to, else the one unused for longest, anew. */
static struct umem_run *find_run(struct umem_readahead *ra, __s64 granule,
				 bool *found)
{
	struct umem_run *run, *near = NULL, *oldest = ra->runs;

	*found = true;
	for (run = ra->runs; run < ra->runs + UMEM_READAHEAD_RUNS; run++) {
		if (expects(run, granule))
			return run;
		if (is_near(ra, run, granule) &&
		    (!near || distance(run->last, granule) <
			      distance(near->last, granule)))
			near = run;
		if (run->used < oldest->used)
			oldest = run;
	}
	*found = near;
	return near ? near : oldest;
}

static void begin_run(struct umem_readahead *ra, struct umem_run *run,
		      __s64 granule)
{
	if (run->stride)
		give_up(ra, run);
	run->last = granule;
	run->stride = 0;
	run->count = 0;
}

/* A miss that was not expected: has the run a trend now? */
static void vote(struct umem_readahead *ra, struct umem_run *run, __s64 granule)
{
	__s32 trend;

	add_step(run, granule - run->last);
	trend = trend_of(run);
	if (run->stride) {
		run->window = run->window > 1 ? run->window / 2 : 1;
		give_up(ra, run);
	} else if (trend) {
		run->window = ra->start;
	}
	run->last = granule;
	run->stride = trend;
	run->next = granule + trend;
}

/**
 * umem_readahead_init - begin without knowing anything
 * @ra: out; all zero before.
 */
void umem_readahead_init(struct umem_readahead *ra)
{
	struct umem_run *run;

	ra->start = START_WINDOW;
	for (run = ra->runs; run < ra->runs + UMEM_READAHEAD_RUNS; run++)
		run->low = 1;
}

/**
 * umem_readahead_miss - a granule was touched and is not there
 * @ra: the toucher.
 * @limits: how far to go.
 * @granule: the granule; it is asked for already.
 * @plan: out: what to ask for besides.
 */
void umem_readahead_miss(struct umem_readahead *ra,
			 const struct umem_readahead_limits *limits,
			 __s64 granule, struct umem_readahead_plan *plan)
{
	struct umem_run *run;
	bool found, late;
	__u32 steps;

	plan->count = 0;
	run = find_run(ra, granule, &found);
	/* 0 is for runs that never were. */
	if (found && run->last == granule)
		return;
	if (!found) {
		begin_run(ra, run, granule);
		run->used = ++ra->clock;
		return;
	}
	run->used = ++ra->clock;
	if (!expects(run, granule)) {
		vote(ra, run, granule);
	} else {
		late = granule != run->next;
		if (!late)
			run->next += run->stride;
		steps = (granule - run->last) / run->stride;
		/* Asked for, but the window was too small to be in time. */
		if (advance(ra, run, steps) && late) {
			ra->late++;
			grow(ra, run, limits);
		}
	}
	if (run->stride)
		push(run, limits, plan);
}

/**
 * umem_readahead_touch - a granule that is there was touched
 * @ra: the toucher.
 * @limits: how far to go.
 * @granule: the granule; this is worth a call only if it is between @low and
 *	@high of a run.
 * @plan: out: what to ask for.
 */
void umem_readahead_touch(struct umem_readahead *ra,
			  const struct umem_readahead_limits *limits,
			  __s64 granule, struct umem_readahead_plan *plan)
{
	struct umem_run *run;

	plan->count = 0;
	for (run = ra->runs; run < ra->runs + UMEM_READAHEAD_RUNS; run++) {
		if (granule < run->low || granule > run->high ||
		    !expects(run, granule))
			continue;
		run->used = ++ra->clock;
		advance(ra, run, (granule - run->last) / run->stride);
		grow(ra, run, limits);
		push(run, limits, plan);
		return;
	}
}

/**
 * umem_readahead_asked - tell what became of a plan
 * @ra: the toucher.
 * @plan: the plan.
 * @tried: how many granules of it were looked at, from the first on.
 * @asked: how many of these had to be asked for.
 */
void umem_readahead_asked(struct umem_readahead *ra,
			  const struct umem_readahead_plan *plan,
			  __u32 tried, __u32 asked)
{
	struct umem_run *run = plan->run;
	__s64 end = plan->first + (__s64)plan->count * plan->stride;
	__u32 untried = plan->count - tried;

	ra->asked += asked;
	/* Another of the same toucher's slot may have taken the run. */
	if (run->stride != plan->stride || run->next != end ||
	    run->ahead < untried) {
		ra->wasted += asked;
		return;
	}
	run->asked += asked;
	if (!untried)
		return;
	run->ahead -= untried;
	run->next -= (__s64)untried * run->stride;
	set_zone(run, false);
}
