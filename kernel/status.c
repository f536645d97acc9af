// SPDX-License-Identifier: GPL-2.0-only
/*
 * UMEM_IOC_STATUS.
 */
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "attach.h"
#include "channel.h"
#include "region.h"

static void fill_provider(struct umem_region *region,
			  struct umem_region_status *status)
{
	struct umem_attachment *att;

	mutex_lock(&region->channel_lock);
	if (!region->channel)
		status->provider_kind = UMEM_PROVIDER_NONE;
	else if (region->channel->state == UMEM_CHANNEL_OPEN)
		status->provider_kind = UMEM_PROVIDER_USER;
	else if (region->channel->attachment)
		status->provider_kind = UMEM_PROVIDER_KERNEL;
	else
		status->provider_kind = UMEM_PROVIDER_ATTACHING;
	mutex_unlock(&region->channel_lock);

	rcu_read_lock();
	att = rcu_dereference(region->attachment);
	if (att)
		umem_attachment_describe(att, status->provider,
					 sizeof(status->provider));
	rcu_read_unlock();
	status->provider[sizeof(status->provider) - 1] = '\0';
}

/**
 * umem_region_status - collect what UMEM_IOC_STATUS tells
 * @region: the region.
 * @status: out.
 *
 * Counters are read one by one while the region works: they need not agree to
 * the last unit. Sleeps.
 */
void umem_region_status(struct umem_region *region,
			struct umem_region_status *status)
{
	struct umem_stats __percpu *stats = region->stats;

	memset(status, 0, sizeof(*status));
	status->size = region->geometry.size;
	status->granules = region->granules;
	status->granules_provided = umem_stat_sum(stats, UMEM_STAT_PROVIDED);
	status->faults = umem_stat_sum(stats, UMEM_STAT_FAULTS);
	status->reads = umem_stat_sum(stats, UMEM_STAT_READS);
	status->requests = umem_stat_sum(stats, UMEM_STAT_REQUESTS);
	umem_requests_count(region, &status->requests_queued,
			    &status->requests_issued);
	status->requests_requeued = umem_stat_sum(stats, UMEM_STAT_REQUEUED);
	status->answers_provided = umem_stat_sum(stats, UMEM_STAT_PROVIDED);
	status->answers_failed = umem_stat_sum(stats, UMEM_STAT_FAILED);
	status->answers_stale = umem_stat_sum(stats, UMEM_STAT_STALE);
	status->bytes_copied = umem_stat_sum(stats, UMEM_STAT_BYTES_COPIED);
	status->bytes_direct = umem_stat_sum(stats, UMEM_STAT_BYTES_DIRECT);
	status->timeouts = umem_stat_sum(stats, UMEM_STAT_TIMEOUTS);
	status->granule = region->geometry.granule;
	status->wait_policy = region->wait_policy;
	status->timeout_ms = region->timeout_ms;
	status->max_inflight = region->requests.depth;
	status->max_data = region->geometry.max_data;
	fill_provider(region, status);
}
