/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C of the RDMA provider in the kernel: hostile_server on
 * this machine, and UMEM_RDMA_IOC_ATTACH as the test wants it.
 *
 * A region gets its pages as they are, not zeroed: one that was never written
 * holds what it held in another region. Tests that make many regions and look for
 * such pages have each of them show other bytes of the server.
 */
#ifndef UMEM_TEST_RDMA_ATTACH_H
#define UMEM_TEST_RDMA_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/umem.h>
#include <linux/umem_rdma.h>

#include "hostile.h"

#define HOSTILE_PORT	7475

/* Runs hostile_server; returns when it listens. */
pid_t hostile_start(void);
void hostile_kill(pid_t pid);

/*
 * From here on attach_arg() asks for a good export that begins elsewhere in the
 * server's memory. Of 64 in a row no two have a byte of their first HOSTILE_STEP
 * bytes in common.
 */
#define HOSTILE_STEP	(HOSTILE_SIZE / 64)
void hostile_move(void);

/* The good export is all of the server's memory again. */
void hostile_move_back(void);

/* By enum hostile_mode. */
extern const struct hostile_way {
	const char *name;
	int err;			/* that an attaching client must get */
} hostile_ways[];

/*
 * What a client may take to connect: not long where it must notice by that, else
 * as long as a busy machine needs.
 */
unsigned int hostile_timeout_ms(enum hostile_mode mode);

/*
 * Whether the server of a LIVE_* mode may have misbehaved while the client, kept
 * from its CPU, was not attached yet: worth another of HOSTILE_TRIES.
 */
#define HOSTILE_TRIES	5
bool hostile_was_early(enum hostile_mode mode, int err);

/* The argument for @mode of hostile_server on this machine. */
struct umem_rdma_attach attach_arg(int channel, enum hostile_mode mode);

/* The ioctl: 0 or a positive errno. */
int attach(const struct umem_rdma_attach *arg);

/* A new channel of @region, attached to @mode: 0 or a positive errno. */
int attach_region(int region, enum hostile_mode mode);

/*
 * Wait until the region has no provider and every request is back in the
 * queue; false when that does not come.
 */
bool wait_detached(int region);

/*
 * pread() of one granule: 0 when it holds what hostile_server exports, EILSEQ
 * when it holds anything else, ENODATA when it was short, or errno. What is wrong
 * is told by wrong_bytes_tell().
 */
int read_granule(int region, uint64_t granule);

long long test_now_ms(void);

#endif /* UMEM_TEST_RDMA_ATTACH_H */
