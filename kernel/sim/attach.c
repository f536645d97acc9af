// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a channel fd to a region that is provided, and back.
 */
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "fate.h"
#include "sim.h"

static void sim_free(struct kref *ref)
{
	struct umem_sim *sim = container_of(ref, struct umem_sim, ref);

	vfree(sim->source);
	kvfree(sim->entries);
	kfree(sim);
}

/**
 * umem_sim_put - drop a reference
 * @sim: the provider.
 *
 * Sleeps.
 */
void umem_sim_put(struct umem_sim *sim)
{
	kref_put(&sim->ref, sim_free);
}

/* The core calls neither submit, kick, poll nor arm any more. */
static void umem_sim_detach(void *priv)
{
	struct umem_sim *sim = priv;
	u32 i;

	/* From here on nobody releases. */
	mutex_lock(&sim->lock);
	sim->detached = true;
	mutex_unlock(&sim->lock);
	for (i = 0; i < sim->info.max_inflight; i++)
		umem_sim_return(&sim->entries[i]);
	/* The rest stays for statistics, as long as the device is open. */
	vfree(sim->source);
	sim->source = NULL;
	umem_sim_put(sim);
}

static void umem_sim_describe(void *priv, char *buf, size_t size)
{
	const struct umem_sim_attach *arg = &((struct umem_sim *)priv)->arg;
	int n = scnprintf(buf, size, "sim:latency=%lluns,", arg->latency_ns);

	switch (arg->content) {
	case UMEM_SIM_PATTERN:
		scnprintf(buf + n, size - n, "pattern=%llu", arg->pattern_seed);
		break;
	case UMEM_SIM_COPY:
		scnprintf(buf + n, size - n, "copy");
		break;
	default:
		scnprintf(buf + n, size - n, "zero");
		break;
	}
}

static const struct umem_provider_ops umem_sim_ops = {
	.owner = THIS_MODULE,
	.name = "sim",
	.submit = umem_sim_submit,
	.kick = umem_sim_kick,
	.poll = umem_sim_poll,
	.arm = umem_sim_arm,
	.detach = umem_sim_detach,
	.describe = umem_sim_describe,
};

static struct umem_sim *sim_new(struct umem_attachment *att,
				const struct umem_attach_info *info,
				const struct umem_sim_attach *arg)
{
	struct umem_sim *sim;
	u32 i;

	sim = kzalloc(sizeof(*sim), GFP_KERNEL_ACCOUNT);
	if (!sim)
		return NULL;
	sim->entries = kvcalloc(info->max_inflight, sizeof(*sim->entries),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!sim->entries) {
		kfree(sim);
		return NULL;
	}
	kref_init(&sim->ref);
	sim->att = att;
	sim->info = *info;
	sim->arg = *arg;
	sim->chancy = umem_sim_chancy(arg);
	if (arg->bandwidth)
		sim->transfer_ns = max(div64_u64((u64)info->granule * NSEC_PER_SEC,
						 arg->bandwidth), 1ULL);
	mutex_init(&sim->lock);
	for (i = 0; i < info->max_inflight; i++)
		umem_sim_entry_init(sim, &sim->entries[i]);
	return sim;
}

/**
 * umem_sim_attach - UMEM_SIM_IOC_ATTACH with its argument validated
 * @arg: the argument.
 *
 * Returns the provider with a reference for the caller, or an ERR_PTR with one
 * of the errors that struct umem_sim_attach documents.
 */
struct umem_sim *umem_sim_attach(const struct umem_sim_attach *arg)
{
	struct umem_attach_info info;
	struct umem_attachment *att;
	struct umem_sim *sim;
	int err;

	att = umem_attach_begin(arg->channel_fd, &info);
	if (IS_ERR(att))
		return ERR_CAST(att);
	err = -ENOMEM;
	sim = sim_new(att, &info, arg);
	if (!sim)
		goto abort;
	err = umem_sim_content_load(sim);
	if (err)
		goto put;
	/* Once committed it may be detached any time. */
	kref_get(&sim->ref);
	err = umem_attach_commit(att, &umem_sim_ops, sim);
	if (err)
		goto put_attachment;
	return sim;

put_attachment:
	umem_sim_put(sim);
put:
	umem_sim_put(sim);
abort:
	umem_attach_abort(att);
	return ERR_PTR(err);
}
