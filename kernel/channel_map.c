// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a channel, and the answer CACHED.
 *
 * A mapping shows the pages of granules that are ISSUED to its channel and of
 * no others; what it may not show is SIGBUS, at once. A page is shown only
 * while its request says so (umem_request.mapped), and that changes only
 * under the folio lock:
 *
 *   fault:    lock folio; ISSUED to us? mapped = true; insert; unlock
 *   answer:   lock folio; zap; mapped = false; publish; unlock
 *   it leaves the channel in another way:
 *             lock folio; drop the folio from the page cache, which zaps;
 *             end the request; unlock. Those who wait look again, and ask
 *             anew.
 *
 * So no fault shows a page again between zap and publication. The page is
 * dropped because direct I/O of the old provider may still have a reference
 * to it: its bytes must not land in what the next provider writes.
 *
 * VMAs refer to a file of their own, one for each channel: on the backing's
 * inode, so that the rmap finds them and /proc can tell what they map, but not
 * the backing file, which would keep the region for as long as its provider
 * maps it.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include "channel.h"
#include "compat/compat.h"
#include "region.h"

/* Caller holds the folio lock, so that nobody takes the page meanwhile. */
static vm_fault_t show_page(struct vm_fault *vmf, struct umem_channel *channel,
			    struct umem_request *req)
{
	/* A hole is being made: who has this page mapped would not be found. */
	if (!umem_page_is_current(channel->region, req->data.page))
		return VM_FAULT_SIGBUS;
	if (!umem_request_set_mapped(req, channel))
		return VM_FAULT_SIGBUS;
	/* Nobody else writes it now, and what it held is not the provider's. */
	umem_page_zero_unwritten(req->data.page);
	/* This one page: its neighbours in a large folio are not ours. */
	return vmf_insert_page(vmf->vma, vmf->address, req->data.page);
}

static vm_fault_t map_fault(struct vm_fault *vmf)
{
	struct umem_channel *channel = vmf->vma->vm_file->private_data;
	struct umem_region *region = channel->region;
	struct umem_request *req;
	struct folio *folio;
	vm_fault_t ret;

	/* The granule is the page. */
	if (vmf->pgoff >= region->granules)
		return VM_FAULT_SIGBUS;
	req = umem_request_find_owned(region, vmf->pgoff, channel);
	if (!req)
		return VM_FAULT_SIGBUS;
	folio = page_folio(req->data.page);
	if (!folio_trylock(folio)) {
		if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT) {
			umem_request_put(req);
			return VM_FAULT_RETRY;
		}
		folio_lock(folio);
	}
	ret = show_page(vmf, channel, req);
	folio_unlock(folio);
	umem_request_put(req);
	return ret;
}

static const struct vm_operations_struct map_vm_ops = {
	.fault = map_fault,
};

/* The channel's fd is closed, and its last VMA is gone. */
static int map_release(struct inode *inode, struct file *file)
{
	struct umem_channel *channel = file->private_data;

	umem_backing_inode_put(channel->region, inode);
	umem_channel_put(channel);
	return 0;
}

/* Also reached by remap_file_pages(2): @vma refers to our file already. */
static int map_mmap(struct file *file, struct vm_area_struct *vma)
{
	/* A private mapping would keep copies that no zap finds. */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	/* A child shares the mapping as it shares the fd: workers may fork. */
	umem_vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP);
	umem_vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_ops = &map_vm_ops;
	return 0;
}

/*
 * No fallocate: MADV_REMOVE is refused. No get_unmapped_area: an alignment for
 * huge pages would be of no use.
 */
static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.mmap = map_mmap,
	.release = map_release,
};

static struct file *map_file_create(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;
	struct file *pin = umem_region_pin(region);
	struct file *file;

	if (!pin)
		return ERR_PTR(-EPIPE);
	file = umem_backing_alias(region, &map_fops);
	if (!IS_ERR(file)) {
		kref_get(&channel->ref);
		file->private_data = channel;
	}
	fput(pin);
	return file;
}

/* The file for the VMAs of @channel, made when it is first wanted. */
static struct file *map_file_get(struct umem_channel *channel)
{
	/* Pairs with cmpxchg() below: the file is seen made. */
	struct file *file = smp_load_acquire(&channel->map);
	struct file *first;

	if (file)
		return file;
	file = map_file_create(channel);
	if (IS_ERR(file))
		return file;
	first = cmpxchg(&channel->map, NULL, file);
	if (!first)
		return file;
	fput(file);
	return first;
}

/* mmap() of a channel fd. */
int umem_channel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct umem_channel *channel = file->private_data;
	struct file *map;
	int err;

	/* The folio lock of one page does not speak for a granule of many. */
	if (channel->region->granule_order)
		return -EOPNOTSUPP;
	err = umem_channel_usable(channel);
	if (err)
		return err;
	map = map_file_get(channel);
	if (IS_ERR(map))
		return PTR_ERR(map);
	err = map_mmap(map, vma);
	if (!err)
		vma_set_file(vma, map);
	return err;
}

/* The fd is closed: nobody maps the channel any more. */
void umem_channel_map_release(struct umem_channel *channel)
{
	struct file *map = xchg(&channel->map, NULL);

	if (map)
		fput(map);
}

/*
 * Take a granule's page from the mappings of @channel. Caller holds the folio
 * lock, and keeps it until it has published the granule.
 */
static void zap(struct umem_request *req)
{
	struct umem_region *region = req->region;

	unmap_mapping_range(region->mapping, req->data.offset,
			    region->geometry.granule, 0);
	umem_request_clear_mapped(req);
}

static void zap_if_mapped(struct umem_request *req, const void *owner)
{
	if (umem_request_mapped_by(req, owner))
		zap(req);
}

/**
 * umem_channel_map_zap - take a granule from the mappings of its channel
 * @region: the region.
 * @granule: its index; its folio is locked by the caller, and stays so until
 *	the granule is published.
 * @owner: who is about to write and to publish it; perhaps its channel.
 *
 * Sleeps.
 */
void umem_channel_map_zap(struct umem_region *region, unsigned long granule,
			  const void *owner)
{
	struct umem_request *req;

	/* No channel is mapped, or only later, to wait for the folio. */
	if (atomic_read(&region->backing_users) == 1)
		return;
	req = umem_request_find_owned(region, granule, owner);
	if (!req)
		return;
	zap_if_mapped(req, owner);
	umem_request_put(req);
}

/**
 * umem_channel_map_publish - the answer CACHED for one granule
 * @channel: the channel; its io lock is held, its region's backing pinned.
 * @granule: its index.
 *
 * Only what a mapping of the channel has shown since it was asked for can have
 * been written: anything else would be a page of zeroes. Sleeps.
 *
 * Return: whether this provided it.
 */
bool umem_channel_map_publish(struct umem_channel *channel,
			      unsigned long granule)
{
	struct umem_region *region = channel->region;
	bool published = false;
	struct umem_request *req;
	struct folio *folio;

	req = umem_request_find_owned(region, granule, channel);
	if (!req)
		return false;
	folio = page_folio(req->data.page);
	folio_lock(folio);
	if (umem_request_mapped_by(req, channel)) {
		zap(req);
		folio_mark_dirty(folio);
		published = umem_request_publish(region, granule, channel);
	}
	folio_unlock(folio);
	umem_request_put(req);
	return published;
}

/* Caller holds the folio lock, which keeps the page from being shown again. */
static void drop_folio(struct umem_request *req, struct folio *folio)
{
	struct umem_region *region = req->region;

	if (folio_size(folio) <= region->geometry.granule)
		umem_remove_folio(region->mapping, folio);
	else /* Others have a share in it, under shmem_enabled=force. */
		zap(req);
}

/*
 * End a request that a mapping of @channel may show. Returns false when it is
 * not such a one any more.
 */
static bool end_mapped(struct umem_channel *channel, struct umem_request *req,
		       int error)
{
	struct folio *folio = page_folio(req->data.page);
	bool ended = false;

	folio_lock(folio);
	if (umem_request_mapped_by(req, channel)) {
		drop_folio(req, folio);
		ended = umem_request_end_mapped(req, channel, error);
	}
	folio_unlock(folio);
	return ended;
}

static bool end_mapped_granule(struct umem_channel *channel,
			       unsigned long granule, int error)
{
	struct umem_request *req;
	bool ended;

	req = umem_request_find_owned(channel->region, granule, channel);
	if (!req)
		return false;
	ended = end_mapped(channel, req, error);
	umem_request_put(req);
	return ended;
}

/**
 * umem_channel_map_fail - FAIL for a granule that a mapping may show
 * @channel: the channel; its io lock is held.
 * @granule: its index.
 * @error: negative errno for the waiters.
 *
 * Sleeps.
 *
 * Return: false when no mapping may show it.
 */
bool umem_channel_map_fail(struct umem_channel *channel, unsigned long granule,
			   int error)
{
	struct umem_region *region = channel->region;
	bool failed = end_mapped_granule(channel, granule, error);

	if (failed)
		umem_stat_inc(region, UMEM_STAT_FAILED);
	return failed;
}

/**
 * umem_channel_settle - an answer came that may not write
 * @channel: the channel; its io lock is held.
 * @granule: its index.
 *
 * As umem_request_settle(), also where a mapping may show the granule. Sleeps.
 */
void umem_channel_settle(struct umem_channel *channel, unsigned long granule)
{
	umem_request_settle(channel->region, granule, channel);
	end_mapped_granule(channel, granule, 0);
}

/**
 * umem_channel_cancel - end a request that needs no answer
 * @channel: the channel that will be told; its io lock is held.
 * @req: a request with a reference, from umem_queue_pop_cancel().
 *
 * Sleeps.
 *
 * Return: false when it needs an answer, or one will come: see
 * umem_request_cancel().
 */
bool umem_channel_cancel(struct umem_channel *channel, struct umem_request *req)
{
	struct folio *folio = page_folio(req->data.page);

	/* A hole was made: the mapping does not show it again. */
	if (umem_granule_provided(channel->region, req->granule)) {
		folio_lock(folio);
		zap_if_mapped(req, channel);
		folio_unlock(folio);
	}
	return umem_request_cancel(req, channel);
}

/**
 * umem_channel_requeue - give back everything that a channel has
 * @channel: a channel that has ended or whose io lock is held.
 *
 * What its mappings may show is ended, with the page; who waits asks anew.
 * Sleeps.
 */
void umem_channel_requeue(struct umem_channel *channel)
{
	struct umem_region *region = channel->region;
	struct umem_request *req;
	unsigned int tag = 0;

	umem_requests_requeue(region, channel);
	while ((req = umem_request_next_mapped(region, channel, &tag))) {
		if (end_mapped(channel, req, 0))
			umem_stat_inc(region, UMEM_STAT_REQUEUED);
		umem_request_put(req);
		cond_resched();
	}
}

/**
 * umem_channel_requeue_one - give back one request
 * @channel: a channel whose io lock is held.
 * @req: a request with a reference; no effect when @channel does not have it.
 *
 * Sleeps.
 */
void umem_channel_requeue_one(struct umem_channel *channel,
			      struct umem_request *req)
{
	if (umem_request_requeue_owned(req, channel))
		umem_queue_notify(channel->region);
	else
		end_mapped(channel, req, 0);
}
