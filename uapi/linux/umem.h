/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note OR BSD-2-Clause) */
/*
 * umem: provider-backed memory.
 *
 * Interface of /dev/umem, of region file descriptors and of channel file
 * descriptors. This header can be read alone; docs/protocol.md tells who may
 * send what and when.
 *
 *   /dev/umem --UMEM_IOC_CREATE--> region fd --mmap, read, write--> pages
 *                                     |
 *                              UMEM_IOC_CHANNEL
 *                                     v
 *                                 channel fd   read()  = requests
 *                                              write() = answers
 *
 * Rules that hold for every ioctl here:
 *  - No structure holds a pointer or a field whose size depends on the word
 *    size: 32-bit and 64-bit programs see one layout.
 *  - Structures grow at their end. The kernel reads the size from the ioctl
 *    number (_IOC_SIZE): an older, shorter structure is extended by zeroes; of
 *    a newer, longer one the unknown tail must be zero (else E2BIG). A
 *    structure shorter than its first version is EINVAL.
 *  - Unknown flags and non-zero reserved fields are EINVAL. A structure that
 *    cannot be read or written is EFAULT.
 *  - An ioctl that the file does not know is ENOTTY.
 */
#ifndef _UAPI_LINUX_UMEM_H
#define _UAPI_LINUX_UMEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * A granule is the unit that is provided: missing at first, provided once,
 * never missing again. All granules of a region have one size.
 */
#define UMEM_GRANULE_SIZE	4096U
#define UMEM_GRANULE_HUGE	(2U << 20)	/* with UMEM_CREATE_HUGE */

/* ---- Records -------------------------------------------------------------
 *
 * What flows over a channel in both directions, and over TCP between a
 * provider and a memory server. Little-endian, 16 bytes.
 */
struct umem_record {
	__le64 offset;		/* first byte, from the start of the region */
	__le32 length;		/* bytes; multiple of the granule, not 0 */
	__u8 op;		/* enum umem_op */
	__u8 flags;		/* must be 0 */
	__le16 status;		/* enum umem_status in FAIL, else 0 */
};

/**
 * enum umem_op - what a record asks or says
 * @UMEM_OP_FETCH: request: a program waits for these bytes.
 * @UMEM_OP_PREFETCH: request: nobody waits yet; may be served late.
 * @UMEM_OP_CANCEL: request: advice that an earlier request needs no answer:
 *	nobody waits for it any more, or the granule was provided otherwise. An
 *	answer after it is a push. If the granule is wanted again, there is a
 *	new request.
 * @UMEM_OP_CACHED: answer: the bytes are in the buffer already, written there
 *	through mmap() of the channel. Only for granules that this channel was
 *	asked for and has not answered, and that were touched in a mapping of it
 *	since; others are consumed, and count as answers_stale.
 * @UMEM_OP_DATA: answer: @length bytes of payload follow the record in the
 *	same write(). They are copied only into missing granules.
 * @UMEM_OP_ZERO: answer: the bytes are all zero; no payload.
 * @UMEM_OP_FAIL: answer: the data cannot be had; @status says why. Those who
 *	wait now get SIGBUS or EIO; a later touch asks again.
 */
enum umem_op {
	UMEM_OP_FETCH = 1,
	UMEM_OP_PREFETCH = 2,
	UMEM_OP_CANCEL = 3,

	UMEM_OP_CACHED = 16,
	UMEM_OP_DATA = 17,
	UMEM_OP_ZERO = 18,
	UMEM_OP_FAIL = 19,
};

/**
 * enum umem_status - the verdict in a FAIL record
 * @UMEM_STATUS_OK: no failure; the only value allowed outside FAIL.
 * @UMEM_STATUS_IO: the source reported a read error.
 * @UMEM_STATUS_RANGE: the source does not reach that far.
 * @UMEM_STATUS_INTEGRITY: the source's bytes failed a check.
 * @UMEM_STATUS_DENIED: the source refused.
 */
enum umem_status {
	UMEM_STATUS_OK = 0,
	UMEM_STATUS_IO = 1,
	UMEM_STATUS_RANGE = 2,
	UMEM_STATUS_INTEGRITY = 3,
	UMEM_STATUS_DENIED = 4,
};

/* ---- /dev/umem ---------------------------------------------------------- */

/* What a kernel can do, and what a region may ask for in @features. */
#define UMEM_FEATURE_DATA	(1ULL << 0)	/* answers by DATA, ZERO, FAIL */
#define UMEM_FEATURE_KPROVIDER	(1ULL << 1)	/* providers in the kernel */
#define UMEM_FEATURE_PUNCH	(1ULL << 2)	/* FALLOC_FL_PUNCH_HOLE, MADV_REMOVE */
#define UMEM_FEATURE_PREFETCH	(1ULL << 3)	/* PREFETCH, CANCEL; posix_fadvise() */
#define UMEM_FEATURE_CACHED	(1ULL << 4)	/* mmap() of the channel, CACHED */
#define UMEM_FEATURE_HUGE	(1ULL << 5)	/* UMEM_CREATE_HUGE */
#define UMEM_FEATURE_USER_ONLY	(1ULL << 6)	/* UMEM_CREATE_USER_ONLY */
#define UMEM_FEATURE_FINALIZE	(1ULL << 7)	/* UMEM_IOC_FINALIZE */
#define UMEM_FEATURE_FILL	(1ULL << 8)	/* UMEM_IOC_FILL */
#define UMEM_FEATURE_READAHEAD	(1ULL << 9)	/* &umem_create.readahead */

/**
 * struct umem_features - UMEM_IOC_FEATURES: what this kernel offers
 * @features: out: every UMEM_FEATURE_* known here.
 * @max_size: out: largest region, bytes.
 * @protocol: out: version of the records, UMEM_PROTOCOL_VERSION.
 * @granule: out: size of a granule without UMEM_CREATE_HUGE, bytes.
 * @max_inflight: out: largest @max_inflight that UMEM_IOC_CREATE takes.
 * @max_data: out: largest @max_data that UMEM_IOC_CREATE takes, bytes.
 */
struct umem_features {
	__aligned_u64 features;
	__aligned_u64 max_size;
	__u32 protocol;
	__u32 granule;
	__u32 max_inflight;
	__u32 max_data;
};

#define UMEM_PROTOCOL_VERSION	1U

/**
 * enum umem_wait_policy - what a touch of a missing granule does meanwhile
 * @UMEM_WAIT_HARD: waits until the data comes; killable, a new provider may
 *	be attached any time.
 * @UMEM_WAIT_TIMEOUT: waits for @timeout_ms, then SIGBUS or EIO.
 * @UMEM_WAIT_FAILFAST: as HARD while a provider is attached; SIGBUS or EIO at
 *	once when none is.
 */
enum umem_wait_policy {
	UMEM_WAIT_HARD = 1,
	UMEM_WAIT_TIMEOUT = 2,
	UMEM_WAIT_FAILFAST = 3,
};

#define UMEM_CREATE_CLOEXEC	(1U << 0)	/* close the new fd on exec */
/*
 * Granules of UMEM_GRANULE_HUGE. The pages are huge where the machine has
 * some (not under shmem_enabled=deny), and mapped as such; a granule may also
 * be made of small pages. A channel of such a region cannot be mapped
 * (EOPNOTSUPP).
 */
#define UMEM_CREATE_HUGE	(1U << 1)
/*
 * Accesses by the kernel (system calls, KVM) to a missing granule by way of a
 * mapping are not served: they fail with EFAULT, and so does KVM_RUN; but where
 * KVM fetches pages asynchronously it tries again and again, and heeds signals.
 * For those who must not be able to make the kernel wait. read() and write() of
 * the region fd are served.
 */
#define UMEM_CREATE_USER_ONLY	(1U << 2)

/**
 * struct umem_create - UMEM_IOC_CREATE: make a region
 * @size: bytes; multiple of the granule, not 0 (EINVAL), at most
 *	&umem_features.max_size (EFBIG).
 * @features: UMEM_FEATURE_* that the caller relies on; EOPNOTSUPP for one
 *	that this kernel lacks.
 * @flags: UMEM_CREATE_*.
 * @wait_policy: enum umem_wait_policy; there is no default.
 * @timeout_ms: milliseconds, 1 to 2^31 - 1 with UMEM_WAIT_TIMEOUT, 0 otherwise.
 * @max_inflight: requests that may be open at once, 1 to
 *	&umem_features.max_inflight. Faults beyond it wait. Each pins a granule.
 * @max_data: largest payload of one DATA record, bytes; a multiple of the
 *	granule, 1 granule to &umem_features.max_data.
 * @readahead: how far to read ahead of those who touch the region in a
 *	recognisable order, bytes; a multiple of the granule, 0: not at all.
 *	What is read ahead never takes more than half of @max_inflight. (Was
 *	reserved, and 0, before UMEM_FEATURE_READAHEAD.)
 * @spin_ns: the longest time that a fault may poll a provider in the kernel which
 *	as a rule answers within it, before it sleeps; at most UMEM_MAX_SPIN_NS.
 *	0: a fault never polls.
 * @reserved: 0.
 *
 * Returns the new region fd, opened read-write. What the region costs beside
 * its pages (&umem_region_status.memory) is charged to the caller's memory
 * cgroup, and so are pages that nobody waits for: what is prefetched, read ahead
 * or filled, and answers that were not asked for. All other pages are charged to
 * who touches, reads or writes them first. EMFILE or ENFILE when the process or
 * the system has too many files open, ENOMEM.
 */
struct umem_create {
	__aligned_u64 size;
	__aligned_u64 features;
	__u32 flags;
	__u32 wait_policy;
	__u32 timeout_ms;
	__u32 max_inflight;
	__u32 max_data;
	__u32 readahead;
	__u32 spin_ns;
	__u32 reserved;
};

#define UMEM_MAX_SPIN_NS	1000000U

/* ---- Region fd ---------------------------------------------------------- */

#define UMEM_CHANNEL_CLOEXEC	(1U << 0)	/* close the new fd on exec */
#define UMEM_CHANNEL_NONBLOCK	(1U << 1)	/* as O_NONBLOCK on the new fd */
#define UMEM_CHANNEL_REPLACE	(1U << 2)	/* end the present channel or provider */

/**
 * struct umem_channel_open - UMEM_IOC_CHANNEL: become the provider
 * @flags: UMEM_CHANNEL_*.
 * @reserved: 0.
 *
 * Returns a channel fd. Needs a region fd open for writing (EBADF) and the
 * creator's effective uid or CAP_SYS_PTRACE (EPERM). EBUSY while another
 * channel or provider is there and UMEM_CHANNEL_REPLACE is not given. EMFILE or
 * ENFILE when the process or the system has too many files open, ENOMEM; then
 * the present provider stays.
 */
struct umem_channel_open {
	__u32 flags;
	__u32 reserved;
};

/**
 * enum umem_provider_kind - who holds the channel
 * @UMEM_PROVIDER_NONE: nobody.
 * @UMEM_PROVIDER_USER: a channel fd is open.
 * @UMEM_PROVIDER_KERNEL: a provider in the kernel is attached.
 * @UMEM_PROVIDER_ATTACHING: a provider in the kernel is being attached.
 */
enum umem_provider_kind {
	UMEM_PROVIDER_NONE = 0,
	UMEM_PROVIDER_USER = 1,
	UMEM_PROVIDER_KERNEL = 2,
	UMEM_PROVIDER_ATTACHING = 3,
};

#define UMEM_PROVIDER_DESC	128

/**
 * struct umem_finalize - UMEM_IOC_FINALIZE: make a process's mappings plain
 * @pid: the process, as the caller's pid namespace numbers it; 0: the caller.
 * @flags: 0.
 *
 * Turns every mapping of this region in that process into a plain shared
 * memory mapping of tmpfs, by which huge page policy (MADV_COLLAPSE, khugepaged)
 * applies to it and a fault costs what it costs there. The provider and its
 * channel are ended; a channel that is opened afterwards has nothing to do.
 * Mappings made afterwards, by anybody, are plain at once. May be repeated, for
 * other processes.
 *
 * Returns the number of mappings changed. Needs the rights of
 * UMEM_IOC_CHANNEL. EBUSY while a granule is missing (nothing is changed),
 * ESRCH when there is no such process, EINVAL for a kernel thread, EINTR for a
 * fatal signal.
 */
struct umem_finalize {
	__s32 pid;
	__u32 flags;
};

/**
 * struct umem_fill_args - UMEM_IOC_FILL: fetch all that is missing
 * @window: prefetches that may be open at once, 1 to max(max_inflight / 2, 1)
 *	(EINVAL); those for posix_fadvise() count as well. 0 stops.
 * @flags: 0.
 *
 * In the background, until every granule is there; it goes on behind the
 * granule that somebody waited for last, and leaves slots and provider to those
 * who wait. Asks again, a second later, for what was answered by FAIL or found
 * no memory; its pages are charged to the creator's memory cgroup. Waits for a
 * provider where there is none. Called again it changes the window.
 *
 * Returns 0. Needs the rights of UMEM_IOC_CHANNEL. EINTR for a signal, ENOMEM.
 */
struct umem_fill_args {
	__u32 window;
	__u32 flags;
};

/**
 * struct umem_region_status - UMEM_IOC_STATUS: on region and channel fds
 * @size: out: bytes.
 * @granules: out: granules in the region.
 * @granules_provided: out: granules that are there.
 * @faults: out: page faults that found their granule missing; a fault that is
 *	retried, as after a signal, counts again.
 * @reads: out: read() and write() calls that needed a granule that was missing,
 *	once each. A write() of whole granules needs none of them.
 * @requests: out: requests made since creation, prefetches included.
 * @requests_queued: out: requests that no provider has taken yet.
 * @requests_issued: out: requests that a provider has taken.
 * @requests_requeued: out: times that a request went back to the queue
 *	because its provider left.
 * @answers_provided: out: granules provided by answers of any kind.
 * @answers_failed: out: granules answered by FAIL.
 * @answers_stale: out: granules answered that were already provided; the
 *	answer changed nothing.
 * @bytes_copied: out: bytes that umem copied into pages. 0 for ever where the
 *	provider writes into the page itself (RDMA).
 * @bytes_direct: out: bytes that a provider put into the page itself.
 * @timeouts: out: waits that ended by @timeout_ms.
 * @granule: out: bytes.
 * @wait_policy: out: as created.
 * @timeout_ms: out: as created.
 * @max_inflight: out: as created.
 * @max_data: out: as created.
 * @provider_kind: out: enum umem_provider_kind.
 * @provider: out: NUL-terminated description by the provider in the kernel,
 *	such as "rdma://10.0.0.1:7471/7"; empty otherwise.
 * @flags: out: as created.
 * @reserved: out: 0.
 * @granules_punched: out: granules that became provided by a hole: nobody
 *	fetched them.
 * @granules_written: out: granules that became provided by a write() of the
 *	whole granule, of whatever size: nobody fetched them. One that a provider
 *	was asked for already is waited for, and does not count; nor does a huge
 *	one whose bytes could not all be read at once, which is fetched.
 * @prefetches: out: requests made before somebody waited: because of
 *	posix_fadvise(), UMEM_IOC_FILL and read-ahead.
 * @prefetches_dropped: out: granules advised that were not looked at, as
 *	there was no room for the first of them.
 * @cancels: out: CANCEL records read by a provider.
 * @bytes_mapped: out: bytes that a provider wrote through its mapping of the
 *	channel (CACHED), without a copy by umem.
 * @memory: out: bytes that the region costs beside its pages.
 * @fills: out: requests made because of UMEM_IOC_FILL.
 * @fill_window: out: as in &umem_fill_args; 0 when all is there or nobody fills.
 * @reserved2: out: 0.
 * @readahead: out: how far is read ahead at most, bytes: as created, or half
 *	of @max_inflight where that is less.
 * @readahead_asked: out: requests made by read-ahead.
 * @readahead_hits: out: of these, those that were then touched, as far as that
 *	is noticed: by a fault that found one missing still, or by a later
 *	touch of the same run, which counts all of the run before it.
 * @readahead_late: out: of @readahead_hits, those that were missing still when
 *	they were touched: they count as @faults as well.
 * @readahead_wasted: out: of @readahead_asked, those whose run turned
 *	elsewhere or was forgotten. The rest is ahead of a run.
 */
struct umem_region_status {
	__aligned_u64 size;
	__aligned_u64 granules;
	__aligned_u64 granules_provided;
	__aligned_u64 faults;
	__aligned_u64 reads;
	__aligned_u64 requests;
	__aligned_u64 requests_queued;
	__aligned_u64 requests_issued;
	__aligned_u64 requests_requeued;
	__aligned_u64 answers_provided;
	__aligned_u64 answers_failed;
	__aligned_u64 answers_stale;
	__aligned_u64 bytes_copied;
	__aligned_u64 bytes_direct;
	__aligned_u64 timeouts;
	__u32 granule;
	__u32 wait_policy;
	__u32 timeout_ms;
	__u32 max_inflight;
	__u32 max_data;
	__u32 provider_kind;
	char provider[UMEM_PROVIDER_DESC];
	__u32 flags;
	__u32 reserved;
	__aligned_u64 granules_punched;
	__aligned_u64 granules_written;
	__aligned_u64 prefetches;
	__aligned_u64 prefetches_dropped;
	__aligned_u64 cancels;
	__aligned_u64 bytes_mapped;
	__aligned_u64 memory;
	__aligned_u64 fills;
	__u32 fill_window;
	__u32 reserved2;
	__aligned_u64 readahead;
	__aligned_u64 readahead_asked;
	__aligned_u64 readahead_hits;
	__aligned_u64 readahead_late;
	__aligned_u64 readahead_wasted;
};

#define UMEM_IOC_MAGIC		0xE7

/* On /dev/umem. */
#define UMEM_IOC_FEATURES	_IOR(UMEM_IOC_MAGIC, 0x00, struct umem_features)
#define UMEM_IOC_CREATE		_IOW(UMEM_IOC_MAGIC, 0x01, struct umem_create)

/* On a region fd. */
#define UMEM_IOC_CHANNEL	_IOW(UMEM_IOC_MAGIC, 0x10, struct umem_channel_open)
/*
 * End the present channel or provider, if any, and return when it is gone.
 * What it had taken goes back to the queue. Same rights as UMEM_IOC_CHANNEL.
 * ENOENT when there is none. EINTR for a fatal signal while a provider in the
 * kernel lets go: it goes all the same.
 */
#define UMEM_IOC_DETACH		_IO(UMEM_IOC_MAGIC, 0x11)

#define UMEM_IOC_FINALIZE	_IOW(UMEM_IOC_MAGIC, 0x13, struct umem_finalize)
#define UMEM_IOC_FILL		_IOW(UMEM_IOC_MAGIC, 0x14, struct umem_fill_args)

/* On a region fd or a channel fd. */
#define UMEM_IOC_STATUS		_IOR(UMEM_IOC_MAGIC, 0x12, struct umem_region_status)

/* ---- Channel fd ----------------------------------------------------------
 *
 * While a provider in the kernel has the channel, or attaches to it, read(),
 * write(), mmap() and UMEM_CHANNEL_IOC_REQUEUE are EBUSY, and poll() says
 * EPOLLERR. When the channel was ended, or its region is gone, read() returns 0,
 * the others are EPIPE, and poll() says EPOLLHUP.
 *
 * read(): EINVAL for a buffer of less than a record; EAGAIN when there is none,
 * under O_NONBLOCK, else EINTR for a signal; EFAULT.
 *
 * write(): EINVAL, ERANGE, EMSGSIZE, EFAULT, ENOMEM and EINTR, as
 * docs/protocol.md tells of the first record.
 *
 * mmap(): EOPNOTSUPP with UMEM_CREATE_HUGE, EINVAL without MAP_SHARED, EPERM with
 * PROT_EXEC, ENFILE, ENOMEM.
 */

/* Put back into the queue everything that the channel has taken. */
#define UMEM_CHANNEL_IOC_REQUEUE	_IO(UMEM_IOC_MAGIC, 0x20)

#endif /* _UAPI_LINUX_UMEM_H */
