// SPDX-License-Identifier: GPL-2.0-only
/*
 * Polling in the fault: where the provider answers sooner than a sleep and a
 * wake-up take, as far as the region's creator allows.
 *
 * Each attachment learns how long its provider takes as a rule. When that is no
 * more than the creator allows, who makes a request says so to the provider
 * (umem_request.polled) and polls. Whoever sleeps, because the spin has lasted
 * too long or something else wants the CPU, or because the request is another's,
 * has the provider end the request by itself first.
 */
#include <linux/interrupt.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>

#include "attach.h"
#include "region.h"
#include "spin.h"
#include "wait.h"

/* Looks at the request before one at what else wants the CPU, as costly. */
#define LOOKS	4
/* And before one at the clock, more costly than both; a multiple of that. */
#define CLOCK_LOOKS	16
static_assert(CLOCK_LOOKS % LOOKS == 0);

/*
 * Completions of some devices are softirqs, which may be waiting for us; with
 * those that ksoftirqd will run the tick may be far.
 */
static bool softirq_is_waiting(void)
{
	bool waiting;

	preempt_disable();
	waiting = local_softirq_pending();
	preempt_enable();
	return waiting;
}

static bool somebody_wants_the_cpu(void)
{
	return need_resched() || signal_pending(current) ||
	       softirq_is_waiting();
}

/* The result of @req, or -EINPROGRESS when it is time to sleep. */
static int poll_until(struct umem_attachment *att, struct umem_request *req,
		      u64 end)
{
	unsigned int looks = 0;
	int result;

	for (;;) {
		att->ops->poll(att->priv, req);
		result = umem_request_state_result(req);
		if (result != -EINPROGRESS)
			return result;
		if (++looks % LOOKS)
			continue;
		if (somebody_wants_the_cpu())
			return result;
		if (looks % CLOCK_LOOKS)
			continue;
		/* A hole that is made does not end what a provider has. */
		if (umem_granule_provided(req->region, req->granule))
			return 0;
		if (local_clock() >= end)
			return result;
		cpu_relax();
	}
}

/**
 * umem_request_spin - poll for a request for a while
 * @req: a request with a reference, found with @req->polled set.
 *
 * Process context, does not sleep.
 *
 * Return: as umem_request_result(); after -EINPROGRESS the provider ends @req
 * without being polled.
 */
int umem_request_spin(struct umem_request *req)
{
	struct umem_region *region = req->region;
	u64 submitted = READ_ONCE(req->submitted);
	struct umem_attachment *att;
	int result = -EINPROGRESS;

	rcu_read_lock();
	att = rcu_dereference(region->attachment);
	/* Else it is ended by detaching; or another came, which polls not. */
	if (att && att->spin_ns)
		result = poll_until(att, req, local_clock() + region->spin_ns);
	if (result != -EINPROGRESS && submitted)
		umem_attachment_learn(att, local_clock() - submitted);
	rcu_read_unlock();
	/* Also where a hole was made meanwhile, and the provider goes on. */
	umem_request_arm_open(req);
	return result;
}

/* umem_request_look() where nobody but pollers may end @req. */
int umem_request_poll_once(struct umem_request *req)
{
	struct umem_attachment *att;

	rcu_read_lock();
	att = rcu_dereference(req->region->attachment);
	if (att)
		umem_attachment_poll(att, req);
	rcu_read_unlock();
	return umem_request_result(req);
}

/**
 * umem_request_end_polling - somebody is going to sleep until @req ends
 * @req: a request with a reference, found with @req->polled set.
 *
 * Any context but hard interrupt.
 */
void umem_request_end_polling(struct umem_request *req)
{
	struct umem_attachment *att;

	/* From here on the time that it takes is counted by its end. */
	WRITE_ONCE(req->polled, false);
	/* Pairs with umem_attachment_submit(). */
	smp_mb();
	rcu_read_lock();
	att = rcu_dereference(req->region->attachment);
	if (att)
		umem_attachment_arm(att, req);
	rcu_read_unlock();
}
