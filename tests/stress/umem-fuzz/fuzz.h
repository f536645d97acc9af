/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of the fuzzer share.
 *
 * Some processes (workers) make calls, each drawn from the seed, the worker and
 * the number of the call. They share no memory but this, and pass each other
 * file descriptors. A signal comes 100 times a second, so that a call which can
 * be interrupted does not last; the supervisor looks after the others.
 */
#ifndef UMEM_FUZZ_H
#define UMEM_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "tests/stress/umem-stress/rng.h"

#define PAGE		4096UL
#define WORKERS		4
#define NR_FDS		40
#define NR_MAPS		16
#define BUFFER		(64UL << 10)
#define NR_ERRNOS	134
/* Regions of more are closed at once: their bitmaps are large. */
#define USUAL_SIZE	(1UL << 30)
#define LARGEST_SIZE	(1UL << 36)
/* Regions of more are not provided by copies: each takes so much memory. */
#define SOURCE_SIZE	(1UL << 20)
#define FUZZ_ARGS	120
#define TICK_MS		10

/* name, weight, function, whether it has to succeed now and then. */
#define FUZZ_KINDS(X) \
	X(FEATURES, 20, call_features, true) \
	X(CREATE, 60, call_create, true) \
	X(CHANNEL, 60, call_channel, true) \
	X(DETACH, 20, call_detach, true) \
	X(STATUS, 40, call_status, true) \
	X(FINALIZE, 10, call_finalize, false) \
	X(FILL, 20, call_fill, true) \
	X(REQUEUE, 20, call_requeue, true) \
	X(IOCTL, 40, call_ioctl, false) \
	X(ATTACH, 20, call_attach, false) \
	X(SIM_ATTACH, 30, call_sim_attach, true) \
	X(SIM_RELEASE, 10, call_sim_release, true) \
	X(SIM_STATS, 10, call_sim_stats, true) \
	X(CHANNEL_READ, 80, call_channel_read, true) \
	X(ANSWER, 160, call_answer, true) \
	X(RECORDS, 200, call_records, true) \
	X(POLL, 30, call_poll, true) \
	X(CHANNEL_MMAP, 15, call_channel_mmap, false) \
	X(CHANNEL_FILE, 15, call_channel_file, false) \
	X(READ, 80, call_read, true) \
	X(WRITE, 80, call_write, true) \
	X(LSEEK, 40, call_lseek, true) \
	X(FALLOCATE, 50, call_fallocate, false) \
	X(FADVISE, 40, call_fadvise, true) \
	X(FTRUNCATE, 20, call_ftruncate, true) \
	X(SYNC, 15, call_sync, true) \
	X(SPLICE, 30, call_splice, true) \
	X(SENDFILE, 15, call_sendfile, true) \
	X(COPY_RANGE, 15, call_copy_range, false) \
	X(OPEN, 30, call_open, true) \
	X(INODE, 20, call_inode, true) \
	X(FCNTL, 20, call_fcntl, true) \
	X(MMAP, 60, call_mmap, true) \
	X(MUNMAP, 30, call_munmap, true) \
	X(MREMAP, 30, call_mremap, true) \
	X(MADVISE, 80, call_madvise, true) \
	X(MPROTECT, 30, call_mprotect, true) \
	X(MLOCK, 20, call_mlock, true) \
	X(MSYNC, 20, call_msync, true) \
	X(REMAP_PAGES, 15, call_remap_pages, false) \
	X(MINCORE, 10, call_mincore, true) \
	X(TOUCH, 80, call_touch, true) \
	X(VM_READV, 20, call_vm_readv, true) \
	X(DUP, 20, call_dup, true) \
	X(CLOSE, 60, call_close, true) \
	X(SEND, 15, call_send, true) \
	X(RECEIVE, 15, call_receive, true) \
	X(FORK, 1, call_fork, true) \
	X(HARD, 1, call_hard, true)

enum fuzz_kind {
#define X(name, weight, function, must) KIND_##name,
	FUZZ_KINDS(X)
#undef X
	NR_KINDS
};

enum fd_type {
	FD_NONE, FD_DEVICE, FD_RDMA, FD_SIM, FD_REGION, FD_CHANNEL, FD_OTHER,
};

/*
 * @soft: of a region whose policy is a time limit: only by its mappings may the
 * kernel be sent to missing memory, as no other wait ends without a kill.
 */
struct fuzz_fd {
	int fd;
	enum fd_type type;
	bool soft;
	uint64_t size;		/* of the region */
};

struct fuzz_map {
	char *at;		/* NULL: none */
	size_t length;
	bool soft;
};

struct fuzz {
	unsigned int worker;
	struct rng rng;			/* of this call */
	struct fuzz_fd fds[NR_FDS];
	struct fuzz_map maps[NR_MAPS];
	char *buffer;			/* BUFFER bytes, nothing behind */
	char *readonly;			/* a page */
	char *low_end;			/* as readonly, below 2 GiB, writable */
	int source;			/* a file, for umem_sim to copy */
	struct iovec *vector_end;	/* of draw_iov(), nothing behind */
	int pipe[2];
	int sockets[WORKERS];		/* to send to each worker; own: receive */
	pid_t children[2];
	long long children_end[2];
	bool compat;			/* this call's ioctl is of 32 bits */
	bool other_type;		/* this call's fd is not what it takes */
	char *args;			/* of this call, for a finding */
};

struct fuzz_slot {
	_Atomic unsigned long next;	/* call */
	_Atomic long long since_ms;
	_Atomic int kind;
	_Atomic pid_t pid;
	_Atomic bool finished;
	char args[FUZZ_ARGS];
};

struct fuzz_shared {
	uint64_t seed;
	unsigned long calls_each;
	struct fuzz_slot slots[WORKERS];
	int sockets[WORKERS][2];
	char server[64];		/* address for ATTACH, or empty */
	unsigned int port;
	_Atomic unsigned long calls[NR_KINDS];
	_Atomic unsigned long good[NR_KINDS];
	_Atomic unsigned long errors[NR_KINDS][NR_ERRNOS];
	_Atomic unsigned long long slowest_ms[NR_KINDS];
	char first[NR_KINDS][NR_ERRNOS][192];	/* call that had it */
	_Atomic bool wrong;
	char wrong_text[256];
};

extern struct fuzz_shared *shared;

long long fuzz_now_ms(void);
/* A result that no errno tells; @format as printf. */
__attribute__((format(printf, 1, 2)))
void fuzz_wrong(const char *format, ...);

/* Whether @err is documented for @kind. */
bool errno_is_documented(enum fuzz_kind kind, int err);
/* Whether a file of another type may answer so. */
bool errno_is_of_other_type(int err);

/* ---- worker.c ------------------------------------------------------------ */

__attribute__((noreturn)) void worker_run(unsigned int worker);
/* From now on the signal comes. */
void worker_tick(void);
/* One call by number; used by forked children as well. */
void worker_call(struct fuzz *f, uint64_t number);
/* Touch memory: 0 or -EFAULT; given up after a tick, as -EINTR. */
long touch_guarded(volatile char *at, bool write);
void call_args(struct fuzz *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- draw.c: values ------------------------------------------------------ */

static inline uint64_t draw(struct fuzz *f, uint64_t n)
{
	return rng_below(&f->rng, n);
}

static inline bool once_in(struct fuzz *f, uint64_t n)
{
	return rng_once_in(&f->rng, n);
}

/* Any number, the likes of which have broken things before. */
uint64_t draw_odd(struct fuzz *f);
/* An offset or a length, mostly inside of @size, mostly of whole pages. */
uint64_t draw_offset(struct fuzz *f, uint64_t size);
uint64_t draw_length(struct fuzz *f, uint64_t size);
/* Memory for @length bytes: mostly the buffer, at times nothing good. */
void *draw_pointer(struct fuzz *f, size_t length);
/* A vector, good until the next one. Behind it nothing is mapped: *count may lie. */
struct iovec *draw_iov(struct fuzz *f, int *count, size_t length);
/* Overwrites some of @length bytes. */
void mutate(struct fuzz *f, void *bytes, size_t length);
/* What an ioctl gets: @arg, perhaps of another size, or somewhere else. */
void *ioctl_arg(struct fuzz *f, unsigned long *cmd, void *arg, size_t size);
/* 0 or more, or a negative errno; as a program of 32 bits if ioctl_arg() says so. */
long fuzz_ioctl(struct fuzz *f, int fd, unsigned long cmd, void *arg);

/* ---- pool.c: what is open and mapped ------------------------------------- */

/* One of @type, at times of another, at times no fd at all. Never NULL. */
const struct fuzz_fd *draw_fd(struct fuzz *f, enum fd_type type);
/* Exactly of @type, or NULL. */
struct fuzz_fd *find_fd(struct fuzz *f, enum fd_type type, bool soft);
/* Takes over @fd; an older one may have to go. */
const struct fuzz_fd *keep_fd(struct fuzz *f, int fd, enum fd_type type,
			      bool soft, uint64_t size);
void drop_fd(struct fuzz_fd *slot);
/* The same, by number. */
void forget_fd(struct fuzz *f, int fd);
/* Takes note of an fd of which nothing is known. */
void adopt_fd(struct fuzz *f, int fd);
struct fuzz_map *find_map(struct fuzz *f, bool soft);
/*
 * mmap() and mremap() to where nothing lies beside: a call that runs beyond the
 * end of a mapping must not get into one that may be waited for without end,
 * nor write into our own memory.
 */
void *map_aside(size_t length, int prot, int flags, int fd, off_t offset);
void *move_aside(void *from, size_t length, size_t new_length);
/* Takes over what is aside. */
void keep_map(struct fuzz *f, void *at, size_t length, bool soft);
void drop_map(struct fuzz_map *map);

/* ---- Calls: negative errno, or what the call returned -------------------- */

#define X(name, weight, function, must) long function(struct fuzz *f);
FUZZ_KINDS(X)
#undef X

/* A macro, so that errno is looked at after the call. */
#define done(call, err) ({						\
	long done_ret = (call);						\
									\
	done_ret < 0 ? -(err) : done_ret;				\
})

#endif /* UMEM_FUZZ_H */
