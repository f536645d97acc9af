/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note OR BSD-2-Clause) */
/*
 * umem over RDMA: the interface of /dev/umem-rdma, and the messages between
 * an RDMA provider (in the kernel or in userspace) and a memory server.
 *
 * Transport: a reliable connected QP made by rdma_cm in port space RDMA_PS_TCP.
 *
 *   provider                                    memory server
 *   REQ   struct umem_rdma_cm_req  ------------>
 *         <------------ REP   struct umem_rdma_cm_rep  (or REJ with the same)
 *   SEND  AUTH    (client_mac)     ------------>
 *         <------------ SEND  EXPORT  (or ERROR, then disconnect)
 *   RDMA READ ...                  ------------>
 *   SEND  KEEPALIVE either way; SEND BYE before an orderly disconnect
 *
 * Private data of rdma_cm reaches the receiver padded to the maximum of the
 * transport, so the structures carry their own length. The receiver ignores
 * what comes after the length that it knows.
 *
 * The remote key is sent only in EXPORT, after the client's proof. Without a
 * pre-shared key both MACs are all zero, UMEM_RDMA_F_PSK is clear, and both
 * ends say so in their log. With one: HMAC-SHA-256 under the key over
 *   server_mac: "umem-rdma server" || client_nonce || server_nonce || req
 *   client_mac: "umem-rdma client" || client_nonce || server_nonce || req
 * where req is the whole struct umem_rdma_cm_req as sent.
 */
#ifndef _UAPI_LINUX_UMEM_RDMA_H
#define _UAPI_LINUX_UMEM_RDMA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* ---- Wire ---------------------------------------------------------------
 *
 * All fields little-endian.
 */
#define UMEM_RDMA_MAGIC		0x6d656d75U	/* "umem" as bytes on the wire */
#define UMEM_RDMA_VERSION	1U
#define UMEM_RDMA_NONCE		16
#define UMEM_RDMA_MAC		32
#define UMEM_RDMA_MSG_SIZE	64
#define UMEM_RDMA_CONTENT_ID	24

#define UMEM_RDMA_F_PSK		(1U << 0)	/* the sender has a pre-shared key */

/**
 * enum umem_rdma_status - why a server refuses
 * @UMEM_RDMA_STATUS_OK: accepted.
 * @UMEM_RDMA_STATUS_VERSION: the server speaks another version; @version of
 *	the answer tells which.
 * @UMEM_RDMA_STATUS_NO_EXPORT: no export of that id.
 * @UMEM_RDMA_STATUS_AUTH: the proof is wrong, or one end has a key and the
 *	other has none.
 * @UMEM_RDMA_STATUS_BUSY: no room for another client.
 * @UMEM_RDMA_STATUS_MALFORMED: the request could not be read.
 * @UMEM_RDMA_STATUS_IO: the export cannot be read or registered.
 */
enum umem_rdma_status {
	UMEM_RDMA_STATUS_OK = 0,
	UMEM_RDMA_STATUS_VERSION = 1,
	UMEM_RDMA_STATUS_NO_EXPORT = 2,
	UMEM_RDMA_STATUS_AUTH = 3,
	UMEM_RDMA_STATUS_BUSY = 4,
	UMEM_RDMA_STATUS_MALFORMED = 5,
	UMEM_RDMA_STATUS_IO = 6,
};

/**
 * struct umem_rdma_cm_req - private data of the connection request
 * @magic: UMEM_RDMA_MAGIC.
 * @version: UMEM_RDMA_VERSION of the sender.
 * @length: bytes of this structure as the sender knows it.
 * @flags: UMEM_RDMA_F_*.
 * @reserved: 0.
 * @export_id: the export that the client wants.
 * @nonce: fresh random bytes of the client.
 */
struct umem_rdma_cm_req {
	__le32 magic;
	__le16 version;
	__le16 length;
	__le32 flags;
	__le32 reserved;
	__le64 export_id;
	__u8 nonce[UMEM_RDMA_NONCE];
};

/**
 * struct umem_rdma_cm_rep - private data of the answer, accept or reject
 * @magic: UMEM_RDMA_MAGIC.
 * @version: UMEM_RDMA_VERSION of the sender.
 * @length: bytes of this structure as the sender knows it.
 * @flags: UMEM_RDMA_F_*.
 * @status: enum umem_rdma_status; not 0 only in a reject.
 * @reserved: 0.
 * @nonce: fresh random bytes of the server.
 * @mac: the server's proof.
 */
struct umem_rdma_cm_rep {
	__le32 magic;
	__le16 version;
	__le16 length;
	__le32 flags;
	__le16 status;
	__le16 reserved;
	__u8 nonce[UMEM_RDMA_NONCE];
	__u8 mac[UMEM_RDMA_MAC];
};

/**
 * enum umem_rdma_msg_type - control messages, SEND of UMEM_RDMA_MSG_SIZE bytes
 * @UMEM_RDMA_MSG_AUTH: client: its proof.
 * @UMEM_RDMA_MSG_EXPORT: server: where the export's bytes are.
 * @UMEM_RDMA_MSG_ERROR: server: why it gives no EXPORT.
 * @UMEM_RDMA_MSG_KEEPALIVE: either: I am here.
 * @UMEM_RDMA_MSG_BYE: either: I am going to disconnect.
 */
enum umem_rdma_msg_type {
	UMEM_RDMA_MSG_AUTH = 1,
	UMEM_RDMA_MSG_EXPORT = 2,
	UMEM_RDMA_MSG_ERROR = 3,
	UMEM_RDMA_MSG_KEEPALIVE = 4,
	UMEM_RDMA_MSG_BYE = 5,
};

/**
 * struct umem_rdma_msg - a control message
 * @type: enum umem_rdma_msg_type.
 * @reserved: 0.
 * @auth.mac: the client's proof.
 * @export.base: remote address of the export's first byte.
 * @export.size: bytes of the export, a multiple of the granule; a short last
 *	page of the file is padded by zeroes.
 * @export.rkey: remote key for RDMA READ, valid until the disconnect.
 * @export.granule: smallest unit that may be read, bytes, a power of two.
 * @export.content_id: tells whether two connections see the same bytes.
 * @error.status: enum umem_rdma_status.
 */
struct umem_rdma_msg {
	__le16 type;
	__le16 reserved[3];
	union {
		struct {
			__u8 mac[UMEM_RDMA_MAC];
		} auth;
		struct {
			__le64 base;
			__le64 size;
			__le32 rkey;
			__le32 granule;
			__u8 content_id[UMEM_RDMA_CONTENT_ID];
		} export;
		struct {
			__le16 status;
		} error;
		__u8 pad[56];
	};
};

/* ---- /dev/umem-rdma ------------------------------------------------------ */

#define UMEM_RDMA_ADDR_MAX	28	/* sizeof(struct sockaddr_in6) */

/**
 * struct umem_rdma_attach - UMEM_RDMA_IOC_ATTACH: provide a region over RDMA
 * @channel_fd: in: an open channel fd. On success the channel belongs to the
 *	region's provider and this fd answers EBUSY; the caller may exit. On
 *	failure the fd works as before.
 * @flags: in: 0.
 * @export_id: in: the export on that server.
 * @dst: in: struct sockaddr_in or sockaddr_in6 of the server, zero-padded.
 * @reads_inflight: in: RDMA READs kept open at once, at least 1; capped by
 *	what device and server allow (the responder's resources). Prefetches
 *	get three quarters of them, the rest is for those who wait.
 * @connect_timeout_ms: in: limit for each step of the connection (address,
 *	route, connect, handshake), milliseconds, at least 1.
 * @ack_timeout_ms: in: about how long the transport waits for an acknowledgment
 *	before it retries, milliseconds, at least 1. A dead server is noticed
 *	after about 8 of these.
 * @reserved: in: 0.
 *
 * Needs CAP_NET_ADMIN (EPERM). Returns 0 once the connection is live, else:
 *
 * EBADF: @channel_fd is no open fd.
 * ENOTTY: @channel_fd is not a channel.
 * EBUSY: the channel is already a provider's.
 * EPIPE: the channel was ended, or its region is gone.
 * EAFNOSUPPORT, EINVAL: @dst is neither IPv4 nor IPv6; a field is bad.
 * EADDRNOTAVAIL, ENODEV: no RDMA device reaches @dst, or only one of iWARP:
 *	that needs remotely writable sinks, which are not made.
 * EHOSTUNREACH, ENETUNREACH: no route to @dst.
 * ETIMEDOUT: the server did not answer in time.
 * ECONNREFUSED: no memory server listens at @dst.
 * ENOENT: the server has no such export.
 * EPROTONOSUPPORT: the server speaks another version.
 * EPROTO: what answers at @dst is no umem server, or broke the protocol.
 * EKEYREJECTED: the pre-shared keys do not match, or one end has none.
 * EUSERS: the server has no room for another client.
 * EREMOTEIO: the server cannot read or register the export.
 * ERANGE: the region is larger than the export.
 * ENOMEM, EINTR: as usual.
 */
struct umem_rdma_attach {
	__s32 channel_fd;
	__u32 flags;
	__aligned_u64 export_id;
	__u8 dst[UMEM_RDMA_ADDR_MAX];
	__u32 reads_inflight;
	__u32 connect_timeout_ms;
	__u32 ack_timeout_ms;
	__u32 reserved[2];
};

#define UMEM_RDMA_IOC_MAGIC	0xE8
#define UMEM_RDMA_IOC_ATTACH	_IOW(UMEM_RDMA_IOC_MAGIC, 0x00, struct umem_rdma_attach)

#endif /* _UAPI_LINUX_UMEM_RDMA_H */
