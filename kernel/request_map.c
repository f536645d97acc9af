// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests whose page a mapping of their channel may show.
 *
 * From umem_request_set_mapped() on, whoever wants to end such a request or
 * give it back holds the lock of its folio, takes the page from the mappings,
 * and says so. Everybody else leaves it alone.
 */
#include <linux/mm.h>

#include "region.h"

static bool is_owned(const struct umem_request *req, const void *owner)
{
	return req->state == UMEM_REQUEST_ISSUED && req->owner == owner;
}

/**
 * umem_request_find_owned - find the request that a provider has of a granule
 * @region: the region.
 * @granule: its index.
 * @owner: channel.
 *
 * Return: the request with a reference; NULL when there is none, or it is not
 * ISSUED to @owner.
 */
struct umem_request *umem_request_find_owned(struct umem_region *region,
					     unsigned long granule,
					     const void *owner)
{
	struct umem_bucket *bucket = umem_bucket_of(region, granule);
	struct umem_request *req;

	spin_lock_bh(&bucket->lock);
	req = umem_bucket_find(bucket, granule);
	if (req && is_owned(req, owner))
		refcount_inc(&req->ref);
	else
		req = NULL;
	spin_unlock_bh(&bucket->lock);
	return req;
}

/**
 * umem_request_set_mapped - a mapping is about to show the page
 * @req: a request with a reference; its folio is locked.
 * @owner: the mapping's channel.
 *
 * Return: false when @owner does not have it any more, or the granule was
 * provided meanwhile by a hole.
 */
bool umem_request_set_mapped(struct umem_request *req, const void *owner)
{
	struct umem_bucket *bucket = req->bucket;
	bool owned;

	spin_lock_bh(&bucket->lock);
	owned = is_owned(req, owner) &&
		!umem_granule_provided(req->region, req->granule);
	if (owned)
		req->mapped = true;
	spin_unlock_bh(&bucket->lock);
	return owned;
}

/**
 * umem_request_clear_mapped - no mapping shows the page any more
 * @req: a request with a reference; its folio is locked.
 */
void umem_request_clear_mapped(struct umem_request *req)
{
	struct umem_bucket *bucket = req->bucket;

	spin_lock_bh(&bucket->lock);
	req->mapped = false;
	spin_unlock_bh(&bucket->lock);
}

/**
 * umem_request_mapped_by - whether a mapping may show the page
 * @req: a request with a reference; its folio is locked, else the answer is
 *	old.
 * @owner: the mapping's channel.
 */
bool umem_request_mapped_by(struct umem_request *req, const void *owner)
{
	struct umem_bucket *bucket = req->bucket;
	bool mapped;

	spin_lock_bh(&bucket->lock);
	mapped = is_owned(req, owner) && req->mapped;
	spin_unlock_bh(&bucket->lock);
	return mapped;
}

/*
 * Takes a reference to a slot's request if it is one of those. What the slot tells is
 * true only if the request is found where it says to be, under the lock: else it is
 * free, or becomes another's. One that is mapped stays where it is.
 */
static bool get_mapped(struct umem_request *req, const void *owner)
{
	struct umem_bucket *bucket = READ_ONCE(req->bucket);
	bool mapped;

	spin_lock_bh(&bucket->lock);
	mapped = umem_bucket_find(bucket, READ_ONCE(req->granule)) == req &&
		 is_owned(req, owner) && req->mapped;
	if (mapped)
		refcount_inc(&req->ref);
	spin_unlock_bh(&bucket->lock);
	return mapped;
}

/**
 * umem_request_next_mapped - walk the requests that a channel's mappings show
 * @region: the region.
 * @owner: the channel.
 * @tag: where to go on; 0 at first.
 *
 * Looks at every slot once, so that it ends whatever the provider does.
 *
 * Return: a request with a reference, or NULL at the end.
 */
struct umem_request *umem_request_next_mapped(struct umem_region *region,
					      const void *owner,
					      unsigned int *tag)
{
	struct umem_request_table *table = &region->requests;
	struct umem_request *req;

	while (*tag < table->depth) {
		req = &table->slots[(*tag)++];
		if (get_mapped(req, owner))
			return req;
	}
	return NULL;
}
