// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which slots of the request table are free.
 *
 * Each CPU keeps one that was used last, so that a fault that is followed by
 * another takes and gives back a slot without looking for one. Who finds no
 * other takes those of all CPUs.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "request.h"

int umem_slots_init(struct umem_request_table *table)
{
	table->spare = alloc_percpu_gfp(*table->spare, GFP_KERNEL_ACCOUNT);
	if (!table->spare)
		return -ENOMEM;
	if (!sbitmap_init_node(&table->tags, table->depth, -1,
			       GFP_KERNEL_ACCOUNT, NUMA_NO_NODE, false, true))
		return 0;
	free_percpu(table->spare);
	return -ENOMEM;
}

/* A slot that some CPU keeps, or NULL. */
static struct umem_request *take_any_spare(struct umem_request_table *table)
{
	struct umem_request **spare, *kept;
	int cpu;

	for_each_possible_cpu(cpu) {
		spare = per_cpu_ptr(table->spare, cpu);
		/* Their cache lines stay theirs where there is nothing to take. */
		kept = READ_ONCE(*spare) ? xchg(spare, NULL) : NULL;
		if (kept)
			return kept;
	}
	return NULL;
}

void umem_slots_destroy(struct umem_request_table *table)
{
	struct umem_request *req;

	while ((req = take_any_spare(table)))
		sbitmap_clear_bit(&table->tags, req->data.tag);
	WARN_ON_ONCE(sbitmap_any_bit_set(&table->tags));
	sbitmap_free(&table->tags);
	free_percpu(table->spare);
}

size_t umem_slots_memory(const struct umem_request_table *table)
{
	return table->tags.map_nr * sizeof(*table->tags.map) +
	       num_possible_cpus() * sizeof(*table->spare);
}

/* Whether all slots are in use. */
bool umem_slots_full(const struct umem_request_table *table)
{
	int cpu;

	if (sbitmap_weight(&table->tags) < table->depth)
		return false;
	for_each_possible_cpu(cpu)
		if (READ_ONCE(*per_cpu_ptr(table->spare, cpu)))
			return false;
	return true;
}

/* A slot where this CPU keeps none, or NULL. */
struct umem_request *umem_slot_find(struct umem_request_table *table)
{
	int tag = sbitmap_get(&table->tags);

	return tag >= 0 ? &table->slots[tag] : take_any_spare(table);
}

/* umem_slot_free() where this CPU keeps another already. */
void umem_slot_release(struct umem_request_table *table,
		       struct umem_request *req)
{
	/* All use of the slot comes before the next owner's. */
	smp_mb__before_atomic();
	sbitmap_clear_bit(&table->tags, req->data.tag);
}
