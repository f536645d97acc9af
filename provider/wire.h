/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The handshake of umem over RDMA as pure logic: what to put into each
 * message, and whether one that came in can be believed.
 *
 * Compiled into umem_rdma.ko and into the userspace programs: no allocation,
 * no I/O, no logging. Every function may be called in any context. Errors are
 * negative errno, the ones that struct umem_rdma_attach documents.
 *
 * What comes after the fields of a message's type is ignored by the receiver
 * and sent as zero; reserved fields and flags that are not known are refused.
 */
#ifndef UMEM_PROVIDER_WIRE_H
#define UMEM_PROVIDER_WIRE_H

#include <linux/umem_rdma.h>

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

/* What an EXPORT message says, in the host's byte order. */
struct umem_wire_export {
	__u64 base;
	__u64 size;
	__u32 rkey;
	__u32 granule;
	__u8 content_id[UMEM_RDMA_CONTENT_ID];
};

/* ---- Client side --------------------------------------------------------- */

void umem_wire_make_req(struct umem_rdma_cm_req *req, __u64 export_id,
			__u32 flags, const __u8 nonce[UMEM_RDMA_NONCE]);

/*
 * The private data of the server's accept, or of its reject when @rejected.
 * For a reject only call it if the peer itself rejected, not the transport.
 *
 * 0 when the server accepts, else the negative errno of its status.
 * -ECONNREFUSED for a reject without any message, which is what rdma_cm sends
 * when the port is taken, but not for that address. -EPROTO
 * when this is no message of ours or contradicts itself, -EPROTONOSUPPORT when
 * it is of another version: then @rep->version tells which. @rep is filled as
 * far as @len reaches, with zeroes behind.
 */
int umem_wire_check_rep(const void *data, size_t len, int rejected,
			struct umem_rdma_cm_rep *rep);

/* @mac: NULL without a pre-shared key. */
void umem_wire_make_auth(struct umem_rdma_msg *msg,
			 const __u8 mac[UMEM_RDMA_MAC]);

/*
 * An EXPORT: 0 and its content in @exp. An ERROR: the negative errno of its
 * status. All else, and an EXPORT that makes no sense: -EPROTO. Call
 * umem_wire_msg_type() first where a KEEPALIVE or BYE may come.
 */
int umem_wire_check_export(const void *data, size_t len,
			   struct umem_wire_export *exp);

/*
 * Can this export provide a region of @size bytes with this @granule?
 * 0, -ERANGE when the region is larger, -EPROTO when the server allows only
 * reads that are larger than a granule.
 */
int umem_wire_export_fits(const struct umem_wire_export *exp, __u64 size,
			  __u32 granule);

/* ---- Server side --------------------------------------------------------- */

/* @req is filled as far as @len reaches, with zeroes behind. */
enum umem_rdma_status umem_wire_check_req(const void *data, size_t len,
					  struct umem_rdma_cm_req *req);

/* @nonce, @mac: NULL for zeroes, as in a reject. */
void umem_wire_make_rep(struct umem_rdma_cm_rep *rep,
			enum umem_rdma_status status, __u32 flags,
			const __u8 nonce[UMEM_RDMA_NONCE],
			const __u8 mac[UMEM_RDMA_MAC]);

/* Fills @mac when it returns UMEM_RDMA_STATUS_OK; comparing is the caller's. */
enum umem_rdma_status umem_wire_check_auth(const void *data, size_t len,
					   __u8 mac[UMEM_RDMA_MAC]);

void umem_wire_make_export(struct umem_rdma_msg *msg,
			   const struct umem_wire_export *exp);
void umem_wire_make_error(struct umem_rdma_msg *msg,
			  enum umem_rdma_status status);

/* ---- Both ---------------------------------------------------------------- */

/* enum umem_rdma_msg_type, or -EPROTO when it is no message of ours. */
int umem_wire_msg_type(const void *data, size_t len);

/* A message of a type alone: KEEPALIVE, BYE. */
void umem_wire_make_plain(struct umem_rdma_msg *msg,
			  enum umem_rdma_msg_type type);

/* 0 for OK, else negative; -EPROTO for a status that is not known. */
int umem_wire_status_errno(enum umem_rdma_status status);

#endif /* UMEM_PROVIDER_WIRE_H */
