// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the granules hold.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "provider/pattern.h"
#include "sim.h"

/* So that a long read heeds signals. */
#define CHUNK	SZ_1M

static int read_all(struct file *file, char *to, u64 size)
{
	loff_t at = 0;
	ssize_t n;

	while (at < size) {
		if (fatal_signal_pending(current))
			return -EINTR;
		n = kernel_read(file, to + at, min_t(u64, size - at, CHUNK),
				&at);
		if (n <= 0)
			return n ? n : -EIO;
	}
	return 0;
}

static int check_file(const struct file *file, u64 size)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!S_ISREG(file_inode(file)->i_mode))
		return -EINVAL;
	return i_size_read(file_inode(file)) < size ? -ERANGE : 0;
}

/**
 * umem_sim_content_load - read the source of UMEM_SIM_COPY into memory
 * @sim: the provider, not attached yet; no effect with another content.
 *
 * Sleeps. Returns 0 or one of the errors that struct umem_sim_attach documents.
 */
int umem_sim_content_load(struct umem_sim *sim)
{
	struct file *file;
	int err;

	if (sim->arg.content != UMEM_SIM_COPY)
		return 0;
	file = fget(sim->arg.source_fd);
	if (!file)
		return -EBADF;
	err = check_file(file, sim->info.size);
	if (err)
		goto put;
	err = -ENOMEM;
	sim->source = __vmalloc(sim->info.size,
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (sim->source)
		err = read_all(file, sim->source, sim->info.size);
put:
	fput(file);
	return err;
}

static void fill_page(const struct umem_sim *sim, u64 offset,
		      struct page *page)
{
	void *to = kmap_local_page(page);

	switch (sim->arg.content) {
	case UMEM_SIM_ZERO:
		clear_page(to);
		break;
	case UMEM_SIM_PATTERN:
		umem_pattern_fill(sim->arg.pattern_seed, offset, to,
				  PAGE_SIZE / sizeof(__le64));
		break;
	case UMEM_SIM_COPY:
		copy_page(to, sim->source + offset);
		break;
	}
	kunmap_local(to);
	flush_dcache_page(page);
}

/**
 * umem_sim_content_make - put the bytes of a request into its pages
 * @sim: the provider.
 * @req: the request, which belongs to the caller.
 *
 * Any context but hard interrupt.
 */
void umem_sim_content_make(const struct umem_sim *sim,
			   const struct umem_request *req)
{
	u64 start = umem_request_data(req)->offset;
	u32 offset, length, at;
	unsigned long pfn;

	for (offset = 0; offset < sim->info.granule; offset += length) {
		pfn = page_to_pfn(umem_request_segment(req, offset, &length));
		for (at = 0; at < length; at += PAGE_SIZE)
			fill_page(sim, start + offset + at,
				  pfn_to_page(pfn++));
	}
}
