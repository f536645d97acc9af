/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note OR BSD-2-Clause) */
/*
 * umem's simulated provider: the interface of /dev/umem-sim.
 *
 * Test equipment. It provides a region with bytes that it makes up or copies
 * from memory, as late and as badly as it is told to: the fabric of the
 * performance lab and the fault injector of the tests.
 *
 * One open of /dev/umem-sim attaches one provider and is then its control:
 * UMEM_SIM_IOC_RELEASE and UMEM_SIM_IOC_STATS mean that one. Closing it changes
 * nothing: the provider stays until it is detached as any other, or the region
 * is gone.
 *
 * Everything random comes from @seed and from the number of the request in the
 * order in which they came, so that one thread that touches the same granules
 * in the same order meets the same fate in each run.
 *
 * Structures follow the rules of <linux/umem.h>: no pointers, they grow at
 * their end, unknown flags and non-zero reserved fields are EINVAL.
 */
#ifndef _UAPI_LINUX_UMEM_SIM_H
#define _UAPI_LINUX_UMEM_SIM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * enum umem_sim_content - what the granules hold
 * @UMEM_SIM_ZERO: zeroes.
 * @UMEM_SIM_PATTERN: the pattern of @pattern_seed: what "umem-bench pattern"
 *	writes. Computed word by word, which costs more than a copy.
 * @UMEM_SIM_COPY: what the file @source_fd held when the provider was
 *	attached; it is read into memory of the kernel then, and copied from
 *	there by the same routine that copies any page.
 */
enum umem_sim_content {
	UMEM_SIM_ZERO = 1,
	UMEM_SIM_PATTERN = 2,
	UMEM_SIM_COPY = 3,
};

/* Latency and jitter, nanoseconds, and bandwidth, bytes a second. */
#define UMEM_SIM_DELAY_MAX	60000000000ULL
#define UMEM_SIM_BANDWIDTH_MIN	65536ULL

#define UMEM_SIM_PERMILLE	1000U

/**
 * struct umem_sim_attach - UMEM_SIM_IOC_ATTACH: provide a region
 * @channel_fd: in: an open channel fd. On success the channel belongs to the
 *	provider and this fd answers EBUSY; the caller may exit. On failure the
 *	fd works as before.
 * @flags: in: 0.
 * @content: in: enum umem_sim_content.
 * @source_fd: in: with UMEM_SIM_COPY a regular file, open for reading, of at
 *	least the region's size; else -1.
 * @pattern_seed: in: with UMEM_SIM_PATTERN which pattern; else 0.
 * @seed: in: of everything random.
 * @latency_ns: in: from taking a request to its answer, at most
 *	UMEM_SIM_DELAY_MAX. The clock starts when the request is submitted. When
 *	this, @jitter_ns and @bandwidth are 0, the answer is there before the
 *	submission returns.
 * @jitter_ns: in: up to so much more, evenly distributed, at most
 *	UMEM_SIM_DELAY_MAX.
 * @bandwidth: in: bytes a second that pass before the latency begins, one
 *	granule after the other; 0: no limit, else at least
 *	UMEM_SIM_BANDWIDTH_MIN.
 * @reorder_permille: in: share of requests that take @latency_ns twice, so that
 *	later ones overtake them; needs a latency.
 * @error_permille: in: share of requests that are answered by @error_status.
 * @error_status: in: enum umem_status, not 0 when there are errors, else 0.
 * @hang_permille: in: share of requests that are not answered until
 *	UMEM_SIM_IOC_RELEASE or the provider's end.
 * @refuse_permille: in: share of submissions that are turned away as if the
 *	provider were full; the core then queues the request, and it is taken
 *	from the queue.
 * @hang_from: in: the number, from 1, of the request from which on all hang; 0:
 *	never.
 * @gone_after: in: when so many requests have been taken the provider loses its
 *	source: it takes no more and is detached, and what is open is given back;
 *	0: never.
 * @reserved: in: 0.
 *
 * Returns 0, else:
 *
 * EBADF: @channel_fd or @source_fd is no open fd, or the latter not readable.
 * ENOTTY: @channel_fd is not a channel.
 * EBUSY: the channel is already a provider's.
 * EISCONN: a provider was attached through this open of the device.
 * EPIPE: the channel was ended, or its region is gone.
 * EINVAL: a field is bad, or @source_fd is no regular file.
 * ERANGE: the region is larger than the file.
 * EIO: the file became shorter while it was read.
 * ENOMEM, EINTR: as usual; other errors come from reading the file.
 */
struct umem_sim_attach {
	__s32 channel_fd;
	__u32 flags;
	__u32 content;
	__s32 source_fd;
	__aligned_u64 pattern_seed;
	__aligned_u64 seed;
	__aligned_u64 latency_ns;
	__aligned_u64 jitter_ns;
	__aligned_u64 bandwidth;
	__u32 reorder_permille;
	__u32 error_permille;
	__u32 error_status;
	__u32 hang_permille;
	__u32 refuse_permille;
	__u32 reserved;
	__aligned_u64 hang_from;
	__aligned_u64 gone_after;
};

#define UMEM_SIM_ATTACHED	(1U << 0)	/* it has not been detached yet */
#define UMEM_SIM_GONE		(1U << 1)	/* @gone_after was reached */

/**
 * struct umem_sim_stats - UMEM_SIM_IOC_STATS: what the provider did
 * @taken: out: requests taken, from submissions and from the queue.
 * @done: out: of these, answered with bytes.
 * @failed: out: answered by @error_status.
 * @returned: out: given back when the provider was detached.
 * @hung: out: not answered now, until released.
 * @refused: out: submissions turned away.
 * @polled: out: of @done and @failed, those that a waiter found by polling.
 * @flags: out: UMEM_SIM_ATTACHED, UMEM_SIM_GONE.
 * @reserved: out: 0.
 *
 * Counted without locks: exact when nothing is under way. ENOTCONN when no
 * provider was attached through this open of the device. The figures stay when
 * the provider is detached.
 */
struct umem_sim_stats {
	__aligned_u64 taken;
	__aligned_u64 done;
	__aligned_u64 failed;
	__aligned_u64 returned;
	__aligned_u64 hung;
	__aligned_u64 refused;
	__aligned_u64 polled;
	__u32 flags;
	__u32 reserved;
};

#define UMEM_SIM_IOC_MAGIC	0xE9
#define UMEM_SIM_IOC_ATTACH	_IOW(UMEM_SIM_IOC_MAGIC, 0x00, struct umem_sim_attach)
/*
 * Answer, with the bytes, all requests that hang now. Returns how many; later
 * ones hang as before. ENOTCONN without a provider, or when it was detached.
 */
#define UMEM_SIM_IOC_RELEASE	_IO(UMEM_SIM_IOC_MAGIC, 0x01)
#define UMEM_SIM_IOC_STATS	_IOR(UMEM_SIM_IOC_MAGIC, 0x02, struct umem_sim_stats)

#endif /* _UAPI_LINUX_UMEM_SIM_H */
