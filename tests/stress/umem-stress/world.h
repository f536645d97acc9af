/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all processes of the stress test share: its parameters, and the shadow
 * of the region, which tells what each word may hold.
 *
 * Every 8 bytes of the region name their page, their place in it, and the
 * generation that wrote them, scrambled (see word.h). Generation 0 is what
 * providers supply. A write or a punch of a page takes the page's next
 * generation:
 *
 *   started++  ->  the bytes change  ->  shadow of each word  ->  completed++
 *
 * Each word has one writer at a time: a thread that owns it and holds the
 * page's lock shared, or one that holds the lock exclusively. So the holder of
 * an exclusive lock knows each word exactly. Others read without a lock, during
 * writes, punches and fetches: a word must be no older than its shadow before
 * the read and no newer than what was started after it, and 0 only where a punch
 * or a provider can have put it. A word that is half one thing and half another
 * is allowed only while a write of its page was under way.
 */
#ifndef UMEM_STRESS_WORLD_H
#define UMEM_STRESS_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/umem.h>

#include "rng.h"

#define PAGE		4096UL
#define WORDS		512
#define MAX_PAGES	3072
#define PROCESSES	2
#define THREADS		3
#define WORKERS		(PROCESSES * THREADS)
/* Words of a page that one thread owns: chunk c of page p is (p + c)'s. */
#define CHUNK_WORDS	32
#define CHUNKS		(WORDS / CHUNK_WORDS)

/* Of a word's shadow: its generation, and whether that was a punch. */
#define SHADOW_ZERO	0x8000
#define SHADOW_GEN	0x7fff

/* What is done and counted. */
#define STRESS_OPS(X) \
	X(READ_MAP, "read by a mapping") \
	X(READ_PREAD, "pread") \
	X(READ_SPLICE, "splice") \
	X(READ_VM, "process_vm_readv") \
	X(READ_PIPE, "write() out of the mapping") \
	X(TOUCH_WRITE, "write touch without a change") \
	X(STORE, "store to own words") \
	X(PWRITE, "pwrite of own words") \
	X(WRITE_PAGES, "pwrite of pages") \
	X(STORE_PAGES, "store to pages") \
	X(PUNCH, "FALLOC_FL_PUNCH_HOLE") \
	X(REMOVE, "MADV_REMOVE") \
	X(CHECK, "exact check") \
	X(ADVISE_FILE, "posix_fadvise") \
	X(ADVISE_MAP, "madvise") \
	X(PRIVATE, "MAP_PRIVATE") \
	X(REMAP, "mapping replaced") \
	X(ROVE, "read during a replacement") \
	X(MOVE, "mremap and partial munmap") \
	X(FORK, "fork") \
	X(KILL, "fork and kill")

enum stress_op {
#define X(name, text) OP_##name,
	STRESS_OPS(X)
#undef X
	NR_OPS
};

/* What happens to the provider. */
#define STRESS_EVENTS(X) \
	X(CLOSED, "provider closed its channel") \
	X(KILLED, "provider killed") \
	X(REPLACED, "replaced by another") \
	X(STALLED, "stopped, replaced, continued") \
	X(REQUEUED, "killed, its channel requeued to another") \
	X(DETACHED, "UMEM_IOC_DETACH") \
	X(SIMULATED, "umem_sim attached") \
	X(POLLED, "answer of umem_sim that a fault polled for") \
	X(ATTACHED, "umem_rdma attached") \
	X(SERVER_KILLED, "memory server killed") \
	X(RECLAIM, "memory reclaimed") \
	X(LIMIT, "memory limit moved")

enum stress_event {
#define X(name, text) EV_##name,
	STRESS_EVENTS(X)
#undef X
	NR_EVENTS
};

/* What providers do, and what workers met. */
#define STRESS_NOTES(X) \
	X(DATA, "DATA") X(ZERO, "ZERO") X(FAIL, "FAIL") X(CACHED, "CACHED") \
	X(PUSH, "pushes") X(FETCH, "FETCH") X(PREFETCH, "PREFETCH") \
	X(CANCEL, "CANCEL") \
	X(TORN, "words caught half-written") \
	X(REFUSED, "accesses ended by SIGBUS or EIO")

enum stress_note {
#define X(name, text) NOTE_##name,
	STRESS_NOTES(X)
#undef X
	NR_NOTES
};

struct shadow {
	pthread_rwlock_t lock;
	_Atomic uint32_t started;	/* newest generation */
	_Atomic uint32_t completed;	/* how many are over */
	_Atomic uint32_t punched;	/* newest that is a punch */
	_Atomic uint16_t words[WORDS];
};

/* One round is the life of one region. All of it is drawn from the seed. */
struct round {
	uint64_t number;
	unsigned int pages;
	unsigned int granule;
	unsigned int policy;
	unsigned int timeout_ms;
	unsigned int inflight;
	unsigned int max_data;
	unsigned int spin_ns;
	unsigned int ahead;		/* granules of read-ahead */
	unsigned int steps;		/* of each worker */
	bool fails;			/* providers answer FAIL at times */
	bool zeros;			/* and ZERO */
	bool huge;
};

/* What a worker is at, for the watchdog. */
struct slot {
	_Atomic long long since_ms;	/* 0: between two steps */
	_Atomic int op;
	_Atomic unsigned int page;
	_Atomic pid_t tid;
};

struct world {
	uint64_t seed;
	uint64_t features;
	long long patience_ms;
	struct round round;
	_Atomic bool stop;		/* workers end after their step */
	_Atomic bool quiet;		/* providers answer what is asked, at once */
	_Atomic bool failed;
	_Atomic unsigned long ops[NR_OPS];
	_Atomic unsigned long op_ms[NR_OPS];	/* spent in them */
	_Atomic unsigned long events[NR_EVENTS];
	_Atomic unsigned long notes[NR_NOTES];
	struct slot slots[WORKERS];
	struct shadow pages[MAX_PAGES];
};

extern struct world *world;

void world_create(void);
/* Forget the region of the last round. */
void world_reset(void);

long long now_ms(void);

/* Whether an access may end in SIGBUS or EIO in this round. */
bool may_fail(void);
bool op_available(enum stress_op op);

static inline void count_op(enum stress_op op, unsigned long ms)
{
	atomic_fetch_add(&world->ops[op], 1);
	atomic_fetch_add(&world->op_ms[op], ms);
}

static inline void count_event(enum stress_event event)
{
	atomic_fetch_add(&world->events[event], 1);
}

static inline void count_note(enum stress_note note)
{
	atomic_fetch_add(&world->notes[note], 1);
}

/* Says what is wrong, and ends the test. Returns, so that locks are let go. */
__attribute__((format(printf, 1, 2)))
void stress_fail(const char *format, ...);

/* ---- The shadow ---------------------------------------------------------- */

/* What was known of a run of words before they were read. */
struct view {
	unsigned int page, from, count;
	uint32_t completed;
	uint16_t before[WORDS];
};

void view_take(struct view *view, unsigned int page, unsigned int from,
	       unsigned int count);
/* @got: the words that were read after view_take(); @how for the message. */
bool view_check(const struct view *view, const uint64_t *got, const char *how);

/* Caller holds the page's lock exclusively, or nobody writes. */
bool page_check_exactly(unsigned int page, const uint64_t *got,
			const char *how);

/*
 * A word from a mapping that others replace. @before is the shadow of the page
 * that it names.
 */
bool stray_check(unsigned int word, uint64_t got, uint16_t before);

/* What a word with this shadow holds. */
uint64_t word_of_shadow(unsigned int page, unsigned int word, uint16_t shadow);
/* The word as it is now; the caller is its only writer. */
uint64_t word_now(unsigned int page, unsigned int word);

/* Take the next generation; all of @count words from @from will get it. */
uint32_t write_begin(unsigned int page, bool punch);
void write_end(unsigned int page, unsigned int from, unsigned int count,
	       uint32_t gen, bool punch);

/* What providers supply. */
void page_fill_supplied(void *at, unsigned int page);
/* Pages that the source has as zeroes, so that ZERO can be answered. */
bool supplied_as_zero(unsigned int page);

#endif /* UMEM_STRESS_WORLD_H */
