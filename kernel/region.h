/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The region: what the core's files share.
 *
 * Lifetimes (docs/locking.md has the whole story):
 *
 *   region fd(s) -> front inode -> backing file -> struct umem_region
 *   VMA, sleeping fault ---------> backing file
 *   channel, attachment -------------------------> struct umem_region (kref)
 *
 * The backing file owns the region. When its last reference goes, no fault, no
 * read and no mapping is left; the memory of struct umem_region lives on while
 * a channel fd or a provider still refers to it.
 */
#ifndef UMEM_REGION_H
#define UMEM_REGION_H

#include <linux/bitops.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/umem.h>

#include "fill.h"
#include "punch.h"
#include "record.h"
#include "request.h"
#include "stats.h"
#include "retry.h"
#include "streams.h"

struct iov_iter;
struct mem_cgroup;
struct umem_attachment;
struct umem_channel;

/* 2^32 granules of 4 KiB: a bitmap of 512 MiB. */
#define UMEM_MAX_SIZE		BIT_ULL(44)
#define UMEM_MAX_INFLIGHT	65536U
#define UMEM_MAX_DATA		(4U << 20)
/* The largest folio that tmpfs may use, and a huge granule: 2 MiB. */
#define UMEM_BLOCK_ORDER	(ilog2(UMEM_GRANULE_HUGE) - PAGE_SHIFT)
#define UMEM_BLOCK_PAGES	BIT(UMEM_BLOCK_ORDER)

/**
 * struct umem_region - one region
 * @ref: memory of this structure: backing file, channel, attachment.
 * @geometry: fixed at creation.
 * @granules: fixed: number of granules.
 * @granule_order: fixed: a granule has 1 << @granule_order pages; 0, or
 *	UMEM_BLOCK_ORDER with UMEM_CREATE_HUGE.
 * @flags: fixed: UMEM_CREATE_*.
 * @wait_policy: fixed: enum umem_wait_policy.
 * @timeout_ms: fixed.
 * @timeout: fixed: the same in jiffies, 1 at least.
 * @spin_ns: fixed: how long a fault may poll; 0 never.
 * @creator: fixed: effective uid at creation.
 * @memcg: fixed: memory cgroup at creation, counted; may be NULL.
 * @ino: fixed: inode number of the region fd, which names it in traces.
 * @mapping: page cache of the backing file; valid while that file is pinned.
 * @backing: the backing file, NULL once its last reference is gone; read by
 *	umem_region_pin(), not counted.
 * @backing_users: files that keep the backing's inode: its own, and one for
 *	each channel that was mapped.
 * @provided: one bit per granule; set once, under the granule's bucket lock,
 *	read without a lock by umem_granule_provided().
 * @requests: open requests.
 * @punch: the hole that is being made.
 * @fill: what asks for the rest.
 * @streams: read-ahead.
 * @room: umem_region_has_room() when it looked last.
 * @room_seen: when that was, in jiffies.
 * @has_policy: a NUMA policy was set by a mapping; only ever set.
 * @retries: notes of faults that had to let go, for their retry.
 * @channel_lock: protects @channel, @front_gone and attaching; outermost.
 * @channel: the present channel, uncounted (the channel takes itself out), or
 *	NULL. Written under @channel_lock, read anywhere as a hint.
 * @front_gone: no region fd is open and none can be opened again.
 * @orphan: nobody can ever provide again; set once under @channel_lock, read
 *	without a lock.
 * @wary: a fault may have to fail at once: @orphan, or what was chosen at creation
 *	(fail-fast, UMEM_CREATE_USER_ONLY). Else there is one thing to look at.
 * @attachment: live provider in the kernel, RCU.
 * @draining: attachments that were ended and are not fully detached yet.
 * @drained: those who wait until @draining is 0.
 * @finalized: new mappings are plain ones of tmpfs; set once everything is
 *	provided, read under mmap_lock.
 * @stats: counters.
 */
struct umem_region {
	struct kref ref;
	struct umem_geometry geometry;
	unsigned long granules;
	unsigned int granule_order;
	u32 flags;
	u32 wait_policy;
	u32 timeout_ms;
	unsigned long timeout;
	u32 spin_ns;
	kuid_t creator;
	struct mem_cgroup *memcg;
	unsigned long ino;

	struct address_space *mapping;
	struct file *backing;
	atomic_t backing_users;
	unsigned long *provided;

	struct umem_request_table requests;
	struct umem_punch punch;
	struct umem_fill fill;
	struct umem_streams streams;
	struct umem_retries retries;
	unsigned long room_seen;
	bool room;
	bool has_policy;

	struct mutex channel_lock;
	struct umem_channel *channel;
	bool front_gone;
	bool orphan;
	bool wary;
	struct umem_attachment __rcu *attachment;
	atomic_t draining;
	wait_queue_head_t drained;
	bool finalized;

	struct umem_stats __percpu *stats;
};

static inline bool umem_granule_provided(const struct umem_region *region,
					 unsigned long granule)
{
	/* Pairs with the barrier of test_and_set_bit() when publishing. */
	return test_bit_acquire(granule, region->provided);
}

/*
 * Whether a hole is being made there: no request, no answer. Looked at under the
 * granule's bucket lock, which the maker of the hole passes after announcing it;
 * and before the granule's bit, which is set before the hole is forgotten.
 */
static inline bool umem_granule_punching(const struct umem_region *region,
					 unsigned long granule)
{
	/* Pairs with smp_store_release() in punch.c. */
	unsigned long end = smp_load_acquire(&region->punch.end);

	return granule < end && granule >= READ_ONCE(region->punch.first);
}

static inline struct umem_bucket *umem_bucket_of(struct umem_region *region,
						 unsigned long granule)
{
	return umem_table_bucket(&region->requests, granule);
}

static inline u64 umem_granule_offset(const struct umem_region *region,
				      unsigned long granule)
{
	return (u64)granule * region->geometry.granule;
}

static inline unsigned int umem_granule_pages(const struct umem_region *region)
{
	return 1U << region->granule_order;
}

/* The granule of a page, by its index in the region. */
static inline unsigned long umem_granule_of(const struct umem_region *region,
					    pgoff_t index)
{
	return index >> region->granule_order;
}

/* The first page of a granule, as an index in the region. */
static inline pgoff_t umem_granule_index(const struct umem_region *region,
					 unsigned long granule)
{
	return granule << region->granule_order;
}

/* Whether somebody provides, or may yet: else waiting is vain. */
static inline bool umem_region_servable(const struct umem_region *region)
{
	if (READ_ONCE(region->orphan))
		return false;
	if (region->wait_policy == UMEM_WAIT_FAILFAST)
		return READ_ONCE(region->channel);
	return true;
}

static inline u32 umem_create_granule(const struct umem_create *create)
{
	return create->flags & UMEM_CREATE_HUGE ? UMEM_GRANULE_HUGE :
						  UMEM_GRANULE_SIZE;
}

/* region.c */
struct file *umem_region_create(const struct umem_create *create);
void umem_region_put(struct umem_region *region);
void umem_region_front_gone(struct umem_region *region);
void umem_region_backing_gone(struct umem_region *region);
void umem_region_drop_if_gone(struct umem_region *region);
struct file *umem_region_pin(struct umem_region *region);
size_t umem_region_memory(const struct umem_region *region);
void umem_region_update_orphan(struct umem_region *region);

/*
 * Whether @page is still the one of its granule, and was not dropped since a
 * reference was taken: under the folio lock, or the lock of the granule's
 * bucket where no request of it was open meanwhile.
 */
static inline bool umem_page_is_current(const struct umem_region *region,
					struct page *page)
{
	return READ_ONCE(page_folio(page)->mapping) == region->mapping;
}

/*
 * All bytes of @page are there: tmpfs need not zero it any more. Before the
 * granule is provided, by whoever has the right to write it. Any context.
 */
static inline void umem_folio_written(struct folio *folio)
{
	/* A large one was zeroed when it was got. */
	if (!folio_test_uptodate(folio))
		folio_mark_uptodate(folio);
}

/* backing.c: the tmpfs file that holds the pages */
int umem_backing_init(void);
void umem_backing_exit(void);
struct file *umem_backing_create(struct umem_region *region);
void umem_page_zero_unwritten(struct page *page);
struct page *umem_backing_get_page_charged(struct umem_region *region,
					   pgoff_t index);
struct page *umem_backing_get_page_background(struct umem_region *region,
					      pgoff_t index);
int umem_backing_punch(struct umem_region *region, u64 offset, u64 length);
struct page *umem_backing_find_page(struct umem_region *region, pgoff_t index);
int umem_backing_mmap(struct file *file, struct vm_area_struct *vma);
struct file *umem_backing_alias(struct umem_region *region,
				const struct file_operations *fops);
bool umem_backing_inode_put(struct umem_region *region, struct inode *inode);

/* room.c */
bool umem_region_has_room(struct umem_region *region);

/* front.c: the inode that a region fd refers to */
int umem_front_pin(void);
void umem_front_unpin(void);
struct file *umem_front_create(struct file *backing, loff_t size);

/* file.c: reading and writing a region fd, its mmap and ioctls */
extern const struct file_operations umem_region_fops;

/* fault.c */
extern const struct vm_operations_struct umem_vm_ops;
void umem_fault_set_backing_ops(const struct vm_operations_struct *ops);
const struct vm_operations_struct *umem_fault_backing_ops(void);

/* put.c: answers and writes of a whole granule */
int umem_granule_put(struct umem_region *region, unsigned long granule,
		     struct page *bytes, const void *owner);

/* write_huge.c: the same for granules of many pages */
int umem_granule_write(struct umem_region *region, unsigned long granule,
		       struct iov_iter *from);

/* finalize.c */
long umem_region_finalize(struct umem_region *region, pid_t pid);

/* status.c */
void umem_region_fdinfo(struct seq_file *seq, struct umem_region *region);
void umem_region_status(struct umem_region *region,
			struct umem_region_status *status);

#endif /* UMEM_REGION_H */
