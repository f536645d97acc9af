/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The handshake of umem over RDMA as pure logic: what to put into each
 * message, and whether one that came in can be believed.
 *
 * Compiled into umem_rdma.ko and into the userspace programs: no allocation,
 * no I/O, no logging. Every function may be called in any context. Errors are
 * negative errno, the ones that struct umem_rdma_attach documents.
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

/* Client side. */
void umem_wire_make_req(struct umem_rdma_cm_req *req, __u64 export_id,
			__u32 flags, const __u8 nonce[UMEM_RDMA_NONCE]);
int umem_wire_check_rep(const void *data, size_t len, int rejected,
			struct umem_rdma_cm_rep *rep);
void umem_wire_make_auth(struct umem_rdma_msg *msg,
			 const __u8 mac[UMEM_RDMA_MAC]);
int umem_wire_check_export(const void *data, size_t len,
			   struct umem_wire_export *exp);

/* Server side. */
enum umem_rdma_status umem_wire_check_req(const void *data, size_t len,
					  struct umem_rdma_cm_req *req);
void umem_wire_make_rep(struct umem_rdma_cm_rep *rep,
			enum umem_rdma_status status, __u32 flags,
			const __u8 nonce[UMEM_RDMA_NONCE],
			const __u8 mac[UMEM_RDMA_MAC]);
enum umem_rdma_status umem_wire_check_auth(const void *data, size_t len,
					   __u8 mac[UMEM_RDMA_MAC]);
void umem_wire_make_export(struct umem_rdma_msg *msg,
			   const struct umem_wire_export *exp);
void umem_wire_make_error(struct umem_rdma_msg *msg,
			  enum umem_rdma_status status);

/* Both. */
int umem_wire_msg_type(const void *data, size_t len);
void umem_wire_make_plain(struct umem_rdma_msg *msg,
			  enum umem_rdma_msg_type type);
int umem_wire_status_errno(enum umem_rdma_status status);

#endif /* UMEM_PROVIDER_WIRE_H */
