// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation and end of a region.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "channel.h"
#include "compat/compat.h"
#include "region.h"

static void region_free(struct kref *ref)
{
	struct umem_region *region =
		container_of(ref, struct umem_region, ref);

	umem_retries_destroy(&region->retries);
	umem_streams_destroy(region);
	umem_requests_destroy(region);
	free_percpu(region->stats);
	vfree(region->provided);
	mem_cgroup_put(region->memcg);
	kfree(region);
}

/**
 * umem_region_put - drop a reference to the region's memory
 * @region: the region.
 *
 * May sleep.
 */
void umem_region_put(struct umem_region *region)
{
	kref_put(&region->ref, region_free);
}

/*
 * The bitmap is padded to whole blocks of 2 MiB, see fault.c; with huge granules
 * that is more than enough.
 */
static unsigned long bitmap_bits(unsigned long granules)
{
	return round_up(granules, UMEM_BLOCK_PAGES);
}

static unsigned long *bitmap_create(unsigned long granules)
{
	unsigned long padded = bitmap_bits(granules);
	unsigned long *bitmap;

	/* Up to 512 MiB: what the caller may not have is no fault of ours. */
	bitmap = __vmalloc(padded / BITS_PER_BYTE,
			   GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	/* What lies beyond the end is not missing. */
	if (bitmap)
		bitmap_set(bitmap, granules, padded - granules);
	return bitmap;
}

/**
 * umem_region_memory - what a region costs beside its pages
 * @region: the region.
 *
 * Any context.
 *
 * Return: bytes.
 */
size_t umem_region_memory(const struct umem_region *region)
{
	return sizeof(*region) +
	       PAGE_ALIGN(bitmap_bits(region->granules) / BITS_PER_BYTE) +
	       umem_requests_memory(region) + umem_streams_memory(region) +
	       num_possible_cpus() * sizeof(*region->stats);
}

static struct umem_region *region_alloc(const struct umem_create *create)
{
	struct umem_region *region;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;
	kref_init(&region->ref);
	mutex_init(&region->channel_lock);
	init_waitqueue_head(&region->drained);
	umem_punch_init(&region->punch);
	umem_fill_init(&region->fill);
	umem_retries_init(&region->retries);
	region->geometry.size = create->size;
	region->geometry.granule = umem_create_granule(create);
	region->geometry.max_data = create->max_data;
	region->granules = create->size / region->geometry.granule;
	region->granule_order = get_order(region->geometry.granule);
	region->flags = create->flags;
	region->wait_policy = create->wait_policy;
	region->timeout_ms = create->timeout_ms;
	region->timeout = max(msecs_to_jiffies(create->timeout_ms), 1UL);
	region->spin_ns = create->spin_ns;
	region->wary = region->flags & UMEM_CREATE_USER_ONLY ||
		       region->wait_policy == UMEM_WAIT_FAILFAST;
	region->creator = current_euid();

	region->stats = alloc_percpu_gfp(struct umem_stats, GFP_KERNEL_ACCOUNT);
	if (!region->stats)
		goto free_region;
	region->provided = bitmap_create(region->granules);
	if (!region->provided)
		goto free_stats;
	if (umem_requests_init(region, create->max_inflight))
		goto free_bitmap;
	if (umem_streams_init(region, create->readahead))
		goto destroy_requests;
	region->memcg = get_mem_cgroup_from_mm(current->mm);
	return region;

destroy_requests:
	umem_requests_destroy(region);
free_bitmap:
	vfree(region->provided);
free_stats:
	free_percpu(region->stats);
free_region:
	kfree(region);
	return NULL;
}

/**
 * umem_region_create - make a region
 * @create: checked arguments of UMEM_IOC_CREATE.
 *
 * May sleep.
 *
 * Return: the region fd's file, or ERR_PTR.
 */
struct file *umem_region_create(const struct umem_create *create)
{
	struct umem_region *region;
	struct file *backing, *front;
	int err;

	/* The granule is the page, or the largest folio of tmpfs. */
	BUILD_BUG_ON(UMEM_GRANULE_SIZE != PAGE_SIZE);

	err = umem_front_pin();
	if (err)
		return ERR_PTR(err);
	region = region_alloc(create);
	if (!region) {
		err = -ENOMEM;
		goto unpin_front;
	}
	backing = umem_backing_create(region);
	if (IS_ERR(backing)) {
		err = PTR_ERR(backing);
		goto put_region;
	}
	region->mapping = backing->f_mapping;
	WRITE_ONCE(region->backing, backing);

	front = umem_front_create(backing, create->size);
	if (!IS_ERR(front))
		region->ino = file_inode(front)->i_ino;
	/* The backing file's release drops the region and the front's pin. */
	if (IS_ERR(front))
		fput(backing);
	return front;

put_region:
	umem_region_put(region);
unpin_front:
	umem_front_unpin();
	return ERR_PTR(err);
}

/**
 * umem_region_pin - keep the region's pages for a while
 * @region: the region.
 *
 * Any context.
 *
 * Return: the backing file with a reference, or NULL when the region is gone.
 */
struct file *umem_region_pin(struct umem_region *region)
{
	return umem_file_get_active(&region->backing);
}

/* Caller holds region->channel_lock. */
void umem_region_update_orphan(struct umem_region *region)
{
	lockdep_assert_held(&region->channel_lock);
	if (!region->front_gone || region->channel)
		return;
	WRITE_ONCE(region->orphan, true);
	WRITE_ONCE(region->wary, true);
}

/* No region fd is left: nobody can open a channel any more. Sleeps. */
void umem_region_front_gone(struct umem_region *region)
{
	mutex_lock(&region->channel_lock);
	region->front_gone = true;
	umem_region_update_orphan(region);
	mutex_unlock(&region->channel_lock);
	umem_requests_wake_all(region);
}

/* Ends what nobody can wait for any more, once the region is gone. */
void umem_region_drop_if_gone(struct umem_region *region)
{
	if (!READ_ONCE(region->backing))
		umem_requests_fail_queued(region, -EPIPE);
}

/*
 * No VMA, no sleeping fault and no region fd is left. A provider in the kernel
 * is detached from a workqueue, until then it may write into pages that only
 * its requests hold. Sleeps.
 */
void umem_region_backing_gone(struct umem_region *region)
{
	umem_fill_stop(region);
	WRITE_ONCE(region->backing, NULL);
	umem_channel_end(region);
	umem_region_drop_if_gone(region);
	umem_region_put(region);
	umem_front_unpin();
}
