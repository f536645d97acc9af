/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What hostile_server can do wrong. The client chooses by the export id that it
 * asks for, so that one server serves for all.
 */
#ifndef UMEM_TEST_HOSTILE_H
#define UMEM_TEST_HOSTILE_H

#include <stdint.h>

#include <linux/umem_rdma.h>

#define HOSTILE_SIZE	(4U << 20)	/* of the export, where it has one */

/*
 * name, errno that an attaching client must get. Those named LIVE_* accept, and
 * misbehave HOSTILE_LIVE_MS later; LIVE_DEAF takes no message but AUTH.
 */
#define HOSTILE_MODES(X) \
	X(GOOD, 0) \
	X(REQUEST_IGNORED, ETIMEDOUT) \
	X(REJECT_PLAIN, ECONNREFUSED) \
	X(REJECT_GARBAGE, EPROTO) \
	X(REJECT_VERSION, EPROTONOSUPPORT) \
	X(REJECT_NO_EXPORT, ENOENT) \
	X(REJECT_AUTH, EKEYREJECTED) \
	X(REJECT_BUSY, EUSERS) \
	X(REJECT_MALFORMED, EPROTO) \
	X(REJECT_IO, EREMOTEIO) \
	X(REJECT_UNKNOWN, EPROTO) \
	X(REJECT_OK, EPROTO) \
	X(ACCEPT_PLAIN, EPROTO) \
	X(ACCEPT_GARBAGE, EPROTO) \
	X(ACCEPT_VERSION, EPROTONOSUPPORT) \
	X(ACCEPT_SHORT, EPROTO) \
	X(ACCEPT_FLAGS, EPROTO) \
	X(ACCEPT_PSK, EKEYREJECTED) \
	X(ACCEPT_STATUS, EPROTO) \
	X(ACCEPT_NO_READS, EPROTO) \
	X(ACCEPT_NO_RECV, ETIMEDOUT) \
	X(ACCEPT_MUTE, ETIMEDOUT) \
	X(ACCEPT_LEAVE, EPROTO) \
	X(MSG_EMPTY, EPROTO) \
	X(MSG_SHORT, EPROTO) \
	X(MSG_LONG, EPROTO) \
	X(MSG_TYPE_0, EPROTO) \
	X(MSG_TYPE_99, EPROTO) \
	X(MSG_RESERVED, EPROTO) \
	X(MSG_AUTH, EPROTO) \
	X(MSG_BYE, EPROTO) \
	X(EXPORT_OVERFLOW, EPROTO) \
	X(EXPORT_EMPTY, EPROTO) \
	X(EXPORT_ODD, EPROTO) \
	X(EXPORT_GRANULE_0, EPROTO) \
	X(EXPORT_GRANULE_3, EPROTO) \
	X(EXPORT_GRANULE_2M, EPROTO) \
	X(EXPORT_SMALL, ERANGE) \
	X(ERROR_NO_EXPORT, ENOENT) \
	X(ERROR_OK, EPROTO) \
	X(ERROR_UNKNOWN, EPROTO) \
	X(ERROR_LEAVE, EKEYREJECTED) \
	X(KEEPALIVE_FIRST, 0) \
	X(LIVE_FLOOD, 0) \
	X(LIVE_DEAF, 0) \
	X(LIVE_EXPORT, 0) \
	X(LIVE_ERROR, 0) \
	X(LIVE_GARBAGE, 0) \
	X(LIVE_LONG, 0) \
	X(LIVE_BYE, 0) \
	X(LIVE_LEAVE, 0) \
	X(LIVE_REVOKE, 0) \
	X(LIVE_AT_ONCE, 0)

enum hostile_mode {
#define X(name, err) HOSTILE_##name,
	HOSTILE_MODES(X)
#undef X
	HOSTILE_NR_MODES
};

#define HOSTILE_LIVE_MS	200

/* The server's memory, by 8. */
static inline uint64_t hostile_word(uint64_t offset)
{
	return (offset + 8) * 0x9e3779b97f4a7c15ULL;
}

/* Where that word is; at HOSTILE_SIZE or above it is none of the server's. */
static inline uint64_t hostile_offset(uint64_t word)
{
	return word * 0xf1de83e19937733dULL - 8;
}

/*
 * The export id that asks for a mode, and for an export that begins @from bytes
 * into the server's memory: whole pages, and not 0 only for those that are good.
 */
static inline uint64_t hostile_id(enum hostile_mode mode, uint64_t from)
{
	return from << 4 | mode;
}

static inline uint64_t hostile_id_mode(uint64_t id)
{
	return id & 0xffff;
}

static inline uint64_t hostile_id_from(uint64_t id)
{
	return (id & ~0xffffULL) >> 4;
}

#endif /* UMEM_TEST_HOSTILE_H */
