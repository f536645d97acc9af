// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of a request, and all it costs in the lab: an entry that is there
 * already, its timer, one copy of the page. No allocation, no lock, no division.
 */
#include <linux/bottom_half.h>
#include <linux/ktime.h>

#include "compat/compat.h"
#include "fate.h"
#include "sim.h"

static struct umem_sim_entry *entry_of(struct umem_sim *sim,
				       const struct umem_request *req)
{
	return &sim->entries[umem_request_data(req)->tag];
}

/* ---- The end of a request ------------------------------------------------ */

static bool is_open(unsigned int life)
{
	return life & 1;
}

/* What is read of the entry after this is of this life, or a later one. */
static unsigned int life_of(const struct umem_sim_entry *e)
{
	/* Pairs with the release in begin(). */
	return smp_load_acquire(&e->life);
}

/*
 * Take the request away from its entry, unless somebody else was faster or the
 * entry has another request by now. Then it is the caller's.
 */
static inline struct umem_request *claim(struct umem_sim_entry *e, unsigned int life)
{
	if (cmpxchg(&e->life, life, life + 1) != life)
		return NULL;
	return e->req;
}

/* What the lab does by the thousand: a page is copied. */
static __always_inline void fill(const struct umem_sim *sim,
				 const struct umem_request *req)
{
	const struct umem_request_data *data = umem_request_data(req);

	if (likely(sim->source && sim->info.granule == PAGE_SIZE) &&
	    !IS_ENABLED(CONFIG_HIGHMEM)) {
		copy_page(page_address(data->page), sim->source + data->offset);
		flush_dcache_page(data->page);
		return;
	}
	umem_sim_content_make(sim, req);
}

/* Counts come first: with the end of @req its tag is another's. Bottom halves are off. */
static __always_inline void answer(struct umem_sim_entry *e, struct umem_request *req)
{
	struct umem_sim *sim = e->sim;

	if (unlikely(e->error)) {
		e->failed++;
		umem_request_done_bh(req, sim->arg.error_status);
		return;
	}
	fill(sim, req);
	e->done++;
	umem_request_done_bh(req, UMEM_STATUS_OK);
}

/* The same in process context. */
static void answer_in_process(struct umem_sim_entry *e, struct umem_request *req)
{
	local_bh_disable();
	answer(e, req);
	local_bh_enable();
}

static enum hrtimer_restart timer_fires(struct hrtimer *timer)
{
	struct umem_sim_entry *e =
		container_of(timer, struct umem_sim_entry, timer);
	unsigned int life = life_of(e);
	ktime_t deadline = READ_ONCE(e->deadline);
	struct umem_request *req;

	if (!is_open(life) || deadline == KTIME_MAX)
		return HRTIMER_NORESTART;
	/*
	 * Set for an earlier request of this entry, which ended by polling.
	 */
	if (unlikely(ktime_before(ktime_get(), deadline))) {
		hrtimer_start(timer, deadline, HRTIMER_MODE_ABS_PINNED_SOFT);
		return HRTIMER_NORESTART;
	}
	req = claim(e, life);
	if (req)
		answer(e, req);
	return HRTIMER_NORESTART;
}

/**
 * umem_sim_poll - end a request from a waiter's context if it is due
 * @priv: the provider.
 * @req: a request that the caller has a reference to; of whatever state.
 */
void umem_sim_poll(void *priv, struct umem_request *req)
{
	struct umem_sim_entry *e = entry_of(priv, req);
	unsigned int life = life_of(e);
	ktime_t deadline = READ_ONCE(e->deadline);

	if (!is_open(life) || ktime_before(ktime_get(), deadline))
		return;
	req = claim(e, life);
	if (!req)
		return;
	e->polled++;
	answer_in_process(e, req);
}

/**
 * umem_sim_arm - end a request without anybody polling it
 * @priv: the provider.
 * @req: as for umem_sim_poll().
 */
void umem_sim_arm(void *priv, struct umem_request *req)
{
	struct umem_sim_entry *e = entry_of(priv, req);
	unsigned int life = life_of(e);
	ktime_t deadline = READ_ONCE(e->deadline);

	if (is_open(life) && deadline != KTIME_MAX)
		hrtimer_start(&e->timer, deadline,
			      HRTIMER_MODE_ABS_PINNED_SOFT);
}

/**
 * umem_sim_hangs - whether a request waits to be released
 * @entry: its entry.
 */
bool umem_sim_hangs(const struct umem_sim_entry *entry)
{
	return is_open(life_of(entry)) &&
	       READ_ONCE(entry->deadline) == KTIME_MAX;
}

/**
 * umem_sim_release - answer a request that hangs
 * @entry: its entry.
 *
 * Caller holds &umem_sim.lock and found it not detached. Returns whether there
 * was one.
 */
bool umem_sim_release(struct umem_sim_entry *entry)
{
	unsigned int life = life_of(entry);
	struct umem_request *req;

	if (!umem_sim_hangs(entry))
		return false;
	req = claim(entry, life);
	if (!req)
		return false;
	answer_in_process(entry, req);
	return true;
}

/**
 * umem_sim_return - give a request back, for the next provider
 * @entry: its entry; no submit, kick, poll or release runs any more.
 *
 * Sleeps.
 */
void umem_sim_return(struct umem_sim_entry *entry)
{
	struct umem_request *req;

	hrtimer_cancel(&entry->timer);
	if (!is_open(entry->life))
		return;
	req = claim(entry, entry->life);
	entry->returned++;
	umem_request_requeue(req);
}

/* ---- Its beginning ------------------------------------------------------- */

/* One granule after the other goes over the link, then each takes its time. */
static ktime_t transferred(struct umem_sim *sim, ktime_t now)
{
	s64 free = atomic64_read(&sim->link_free);
	s64 end;

	do {
		end = max(now, free) + sim->transfer_ns;
	} while (!atomic64_try_cmpxchg(&sim->link_free, &free, end));
	return end;
}

static ktime_t deadline_after(struct umem_sim *sim, u64 delay_ns)
{
	ktime_t now = ktime_get();

	if (sim->transfer_ns)
		now = transferred(sim, now);
	return ktime_add_ns(now, delay_ns);
}

/*
 * The request is the entry's from here on, and may end any time; at @deadline if
 * that is not KTIME_MAX.
 */
static void begin(struct umem_sim_entry *e, ktime_t deadline, bool polled)
{
	WRITE_ONCE(e->deadline, deadline);
	/* Pairs with life_of(): all of the above comes before. */
	smp_store_release(&e->life, e->life + 1);
	if (deadline != KTIME_MAX && !polled)
		hrtimer_start(&e->timer, deadline,
			      HRTIMER_MODE_ABS_PINNED_SOFT);
}

/*
 * What befalls the next request. False when the provider lost its source
 * before: the request is not taken.
 */
static bool next_fate(struct umem_sim *sim, struct umem_sim_fate *fate)
{
	u64 number = atomic64_inc_return(&sim->numbers);

	umem_sim_draw(&sim->arg, number, fate);
	if (!sim->arg.gone_after || number < sim->arg.gone_after)
		return true;
	/*
	 * First of all: whoever gives a request back is kicked for it, and would
	 * come here again and again, deeper each time.
	 */
	WRITE_ONCE(sim->gone, true);
	if (number > sim->arg.gone_after)
		return false;
	umem_provider_gone(sim->att);
	return true;
}

/* Bottom halves are off. */
static __always_inline void serve(struct umem_sim *sim,
				  struct umem_request *req,
				  const struct umem_sim_fate *fate, bool polled)
{
	struct umem_sim_entry *e = entry_of(sim, req);

	e->taken++;
	e->error = fate->error;
	e->req = req;
	if (fate->hang)
		begin(e, KTIME_MAX, polled);
	else if (fate->delay_ns || sim->transfer_ns)
		begin(e, deadline_after(sim, fate->delay_ns), polled);
	else
		answer(e, req);
}

static noinline bool take_by_chance(struct umem_sim *sim,
				    struct umem_request *req, bool polled)
{
	struct umem_sim_fate fate;

	if (!next_fate(sim, &fate))
		return false;
	serve(sim, req, &fate, polled);
	return true;
}

/* Returns false when @req is still the caller's. Bottom halves are off. */
static __always_inline bool take(struct umem_sim *sim, struct umem_request *req,
				 bool polled)
{
	const struct umem_sim_fate fate = { .delay_ns = sim->arg.latency_ns };

	if (unlikely(sim->chancy))
		return take_by_chance(sim, req, polled);
	serve(sim, req, &fate, polled);
	return true;
}

static bool refuses(struct umem_sim *sim)
{
	if (READ_ONCE(sim->gone))
		return true;
	if (!sim->arg.refuse_permille)
		return false;
	if (!umem_sim_draw_refusal(&sim->arg,
				   atomic64_inc_return(&sim->submissions)))
		return false;
	atomic64_inc(&sim->refused);
	return true;
}

/**
 * umem_sim_submit - take a request from the context that faults
 * @priv: the provider.
 * @req: the request.
 * @polled: no timer is needed before umem_sim_arm().
 *
 * Returns 0 when @req was taken, -EAGAIN when it must be queued.
 */
int umem_sim_submit(void *priv, struct umem_request *req, bool polled)
{
	struct umem_sim *sim = priv;

	if (unlikely(sim->chancy) && refuses(sim))
		return -EAGAIN;
	return take(sim, req, polled) ? 0 : -EAGAIN;
}

/**
 * umem_sim_kick - take what is queued
 * @priv: the provider.
 *
 * Any context. There is an entry for every request, so none is left behind.
 */
void umem_sim_kick(void *priv)
{
	struct umem_sim *sim = priv;
	struct umem_request *req;

	while (!READ_ONCE(sim->gone)) {
		bool taken;

		req = umem_provider_pull(sim->att, true);
		if (!req)
			return;
		local_bh_disable();
		taken = take(sim, req, false);
		local_bh_enable();
		if (!taken)
			umem_request_requeue(req);
	}
}

/**
 * umem_sim_entry_init - prepare an entry
 * @sim: its provider.
 * @entry: the entry, all zero.
 */
void umem_sim_entry_init(struct umem_sim *sim, struct umem_sim_entry *entry)
{
	entry->sim = sim;
	umem_hrtimer_setup(&entry->timer, timer_fires, CLOCK_MONOTONIC,
			   HRTIMER_MODE_ABS_PINNED_SOFT);
}
