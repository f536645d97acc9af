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
	status->provider_kind = umem_provider_kind(region);
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
	u64 direct = umem_stat_sum(stats, UMEM_STAT_DIRECT);

	memset(status, 0, sizeof(*status));
	status->size = region->geometry.size;
	status->granules = region->granules;
	status->granules_punched = umem_stat_sum(stats, UMEM_STAT_PUNCHED);
	status->granules_written = umem_stat_sum(stats, UMEM_STAT_WRITTEN);
	status->answers_provided = umem_stat_sum(stats, UMEM_STAT_PROVIDED) + direct;
	status->granules_provided = status->answers_provided +
				    status->granules_punched +
				    status->granules_written;
	status->faults = umem_stat_sum(stats, UMEM_STAT_FAULTS);
	status->reads = umem_stat_sum(stats, UMEM_STAT_READS);
	status->requests = umem_stat_sum(stats, UMEM_STAT_REQUESTS);
	umem_requests_count(region, &status->requests_queued,
			    &status->requests_issued);
	status->requests_requeued = umem_stat_sum(stats, UMEM_STAT_REQUEUED);
	status->answers_failed = umem_stat_sum(stats, UMEM_STAT_FAILED);
	status->answers_stale = umem_stat_sum(stats, UMEM_STAT_STALE);
	status->bytes_copied = umem_stat_sum(stats, UMEM_STAT_BYTES_COPIED);
	status->bytes_direct = direct * region->geometry.granule;
	status->timeouts = umem_stat_sum(stats, UMEM_STAT_TIMEOUTS);
	status->prefetches = umem_stat_sum(stats, UMEM_STAT_PREFETCHES);
	status->prefetches_dropped =
		umem_stat_sum(stats, UMEM_STAT_PREFETCHES_DROPPED);
	status->cancels = umem_stat_sum(stats, UMEM_STAT_CANCELS);
	status->bytes_mapped = umem_stat_sum(stats, UMEM_STAT_BYTES_MAPPED);
	umem_streams_status(region, status);
	status->memory = umem_region_memory(region);
	status->fills = umem_stat_sum(stats, UMEM_STAT_FILLS);
	if (status->granules_provided < status->granules)
		status->fill_window = READ_ONCE(region->fill.window);
	status->granule = region->geometry.granule;
	status->flags = region->flags;
	status->wait_policy = region->wait_policy;
	status->timeout_ms = region->timeout_ms;
	status->max_inflight = region->requests.depth;
	status->max_data = region->geometry.max_data;
	fill_provider(region, status);
}

static const char *policy_name(u32 wait_policy)
{
	switch (wait_policy) {
	case UMEM_WAIT_HARD:
		return "hard";
	case UMEM_WAIT_TIMEOUT:
		return "timeout";
	default:
		return "fail-fast";
	}
}

static const char *provider_name(u32 provider_kind)
{
	switch (provider_kind) {
	case UMEM_PROVIDER_USER:
		return "user";
	case UMEM_PROVIDER_KERNEL:
		return "kernel";
	case UMEM_PROVIDER_ATTACHING:
		return "attaching";
	default:
		return "none";
	}
}

/**
 * umem_region_fdinfo - show the region behind an fd in /proc/PID/fdinfo
 * @seq: where to.
 * @region: the region.
 *
 * Sleeps.
 */
void umem_region_fdinfo(struct seq_file *seq, struct umem_region *region)
{
	struct umem_region_status status;

	umem_region_status(region, &status);
	seq_printf(seq, "umem-region:\t%lu\n", region->ino);
	seq_printf(seq, "umem-size:\t%llu\n", status.size);
	seq_printf(seq, "umem-granule:\t%u\n", status.granule);
	seq_printf(seq, "umem-provided:\t%llu\n",
		   status.granules_provided * status.granule);
	seq_printf(seq, "umem-memory:\t%llu\n", status.memory);
	seq_printf(seq, "umem-wait-policy:\t%s\n",
		   policy_name(status.wait_policy));
	seq_printf(seq, "umem-provider:\t%s\n",
		   provider_name(status.provider_kind));
	if (status.provider[0])
		seq_printf(seq, "umem-source:\t%s\n", status.provider);
	seq_printf(seq, "umem-faults:\t%llu\n", status.faults);
	if (status.readahead)
		seq_printf(seq, "umem-readahead:\t%llu max %llu asked %llu hits %llu late %llu wasted\n",
			   status.readahead, status.readahead_asked,
			   status.readahead_hits, status.readahead_late,
			   status.readahead_wasted);
	seq_printf(seq, "umem-requests:\t%llu queued %llu issued %u max\n",
		   status.requests_queued, status.requests_issued,
		   status.max_inflight);
}
