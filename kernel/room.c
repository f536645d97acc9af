// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether memory is so plentiful that a page can be had in whatever way without
 * somebody being killed for it.
 *
 * tmpfs gives a page that it has not zeroed only by its write_begin, which lets
 * nobody say that an allocation may fail. Work that nobody waits for asks here
 * first, and takes the slower way when memory is short.
 */
#include <linux/cpuset.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "region.h"

/*
 * Far more than the background work of a jiffy. Who takes all that between two
 * looks has to be killed anyway.
 */
#define ROOM_PAGES	(SZ_64M >> PAGE_SHIFT)

#ifdef CONFIG_MEMCG
/* Whether a group and those around it are far below what they are limited to. */
static bool memcg_has_room(struct mem_cgroup *memcg)
{
	/* There a limit for memory and swap together may be nearer. */
	if (!cgroup_subsys_on_dfl(memory_cgrp_subsys))
		return mem_cgroup_disabled();
	for (; memcg; memcg = parent_mem_cgroup(memcg))
		if (page_counter_read(&memcg->memory) + ROOM_PAGES >
		    READ_ONCE(memcg->memory.max))
			return false;
	return true;
}
#else
static bool memcg_has_room(struct mem_cgroup *memcg)
{
	return true;
}
#endif

/* Whether the page may come from nodes of which others are full. */
static bool node_is_chosen(const struct umem_region *region)
{
	if (nr_online_nodes == 1)
		return false;
#ifdef CONFIG_NUMA
	if (current->mempolicy)
		return true;
#endif
	return READ_ONCE(region->has_policy) ||
	       !nodes_subset(node_states[N_MEMORY], cpuset_current_mems_allowed);
}

/**
 * umem_region_has_room - whether memory for background work is plentiful
 * @region: the region.
 *
 * Looks anew every jiffy. Process context, does not sleep.
 */
bool umem_region_has_room(struct umem_region *region)
{
	unsigned long now = jiffies;

	if (unlikely(node_is_chosen(region)))
		return false;
	/* Pairs with the release below. */
	if (unlikely(smp_load_acquire(&region->room_seen) != now)) {
		WRITE_ONCE(region->room,
			   si_mem_available() > ROOM_PAGES &&
			   memcg_has_room(region->memcg));
		/* Who sees the time sees what was seen then, or later. */
		smp_store_release(&region->room_seen, now);
	}
	return READ_ONCE(region->room);
}
