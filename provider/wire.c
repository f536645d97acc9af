// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The handshake of umem over RDMA as pure logic. See wire.h.
 *
 * Whatever comes in is hostile: it is copied out of its buffer before a field
 * is read, because private data of rdma_cm has no alignment and the buffer of
 * a RECV may change once it is posted again.
 */
#include "wire.h"
#include "byteorder.h"

/* The layouts are the protocol. */
static_assert(sizeof(struct umem_rdma_cm_req) == 40, "cm_req is 40 bytes");
static_assert(offsetof(struct umem_rdma_cm_req, version) == 4, "req.version");
static_assert(offsetof(struct umem_rdma_cm_req, length) == 6, "req.length");
static_assert(offsetof(struct umem_rdma_cm_req, flags) == 8, "req.flags");
static_assert(offsetof(struct umem_rdma_cm_req, export_id) == 16, "req.id");
static_assert(offsetof(struct umem_rdma_cm_req, nonce) == 24, "req.nonce");
static_assert(sizeof(struct umem_rdma_cm_rep) == 64, "cm_rep is 64 bytes");
static_assert(offsetof(struct umem_rdma_cm_rep, version) == 4, "rep.version");
static_assert(offsetof(struct umem_rdma_cm_rep, length) == 6, "rep.length");
static_assert(offsetof(struct umem_rdma_cm_rep, flags) == 8, "rep.flags");
static_assert(offsetof(struct umem_rdma_cm_rep, status) == 12, "rep.status");
static_assert(offsetof(struct umem_rdma_cm_rep, nonce) == 16, "rep.nonce");
static_assert(offsetof(struct umem_rdma_cm_rep, mac) == 32, "rep.mac");
static_assert(sizeof(struct umem_rdma_msg) == UMEM_RDMA_MSG_SIZE, "msg");
static_assert(offsetof(struct umem_rdma_msg, auth.mac) == 8, "auth.mac");
static_assert(offsetof(struct umem_rdma_msg, export.base) == 8, "base");
static_assert(offsetof(struct umem_rdma_msg, export.size) == 16, "size");
static_assert(offsetof(struct umem_rdma_msg, export.rkey) == 24, "rkey");
static_assert(offsetof(struct umem_rdma_msg, export.granule) == 28, "granule");
static_assert(offsetof(struct umem_rdma_msg, export.content_id) == 32, "id");
static_assert(offsetof(struct umem_rdma_msg, error.status) == 8, "status");

/* What rdma_cm carries in port space TCP over IB: REQ 56, REJ 148, REP 196. */
static_assert(sizeof(struct umem_rdma_cm_req) <= 56, "fits into a REQ");
static_assert(sizeof(struct umem_rdma_cm_rep) <= 148, "fits into a REJ");

/* Magic, version and length: the part that no version of ours will change. */
#define WIRE_PREFIX	8

/* ---- Connection request and its answer ---------------------------------- */

void umem_wire_make_req(struct umem_rdma_cm_req *req, __u64 export_id,
			__u32 flags, const __u8 nonce[UMEM_RDMA_NONCE])
{
	memset(req, 0, sizeof(*req));
	req->magic = cpu_to_le32(UMEM_RDMA_MAGIC);
	req->version = cpu_to_le16(UMEM_RDMA_VERSION);
	req->length = cpu_to_le16(sizeof(*req));
	req->flags = cpu_to_le32(flags);
	req->export_id = cpu_to_le64(export_id);
	memcpy(req->nonce, nonce, UMEM_RDMA_NONCE);
}

enum umem_rdma_status umem_wire_check_req(const void *data, size_t len,
					  struct umem_rdma_cm_req *req)
{
	memset(req, 0, sizeof(*req));
	if (!data || len < WIRE_PREFIX)
		return UMEM_RDMA_STATUS_MALFORMED;
	memcpy(req, data, len < sizeof(*req) ? len : sizeof(*req));

	if (le32_to_cpu(req->magic) != UMEM_RDMA_MAGIC)
		return UMEM_RDMA_STATUS_MALFORMED;
	/* Before the length: another version may have another. */
	if (le16_to_cpu(req->version) != UMEM_RDMA_VERSION)
		return UMEM_RDMA_STATUS_VERSION;
	if (le16_to_cpu(req->length) < sizeof(*req) ||
	    le16_to_cpu(req->length) > len)
		return UMEM_RDMA_STATUS_MALFORMED;
	if (le32_to_cpu(req->flags) & ~UMEM_RDMA_F_PSK || req->reserved)
		return UMEM_RDMA_STATUS_MALFORMED;
	return UMEM_RDMA_STATUS_OK;
}

void umem_wire_make_rep(struct umem_rdma_cm_rep *rep,
			enum umem_rdma_status status, __u32 flags,
			const __u8 nonce[UMEM_RDMA_NONCE],
			const __u8 mac[UMEM_RDMA_MAC])
{
	memset(rep, 0, sizeof(*rep));
	rep->magic = cpu_to_le32(UMEM_RDMA_MAGIC);
	rep->version = cpu_to_le16(UMEM_RDMA_VERSION);
	rep->length = cpu_to_le16(sizeof(*rep));
	rep->flags = cpu_to_le32(flags);
	rep->status = cpu_to_le16(status);
	if (nonce)
		memcpy(rep->nonce, nonce, UMEM_RDMA_NONCE);
	if (mac)
		memcpy(rep->mac, mac, UMEM_RDMA_MAC);
}

int umem_wire_check_rep(const void *data, size_t len, int rejected,
			struct umem_rdma_cm_rep *rep)
{
	__u16 status;

	memset(rep, 0, sizeof(*rep));
	if (data)
		memcpy(rep, data, len < sizeof(*rep) ? len : sizeof(*rep));

	/* Where nobody listens some transports reject without a word. */
	if (rejected && !rep->magic)
		return -ECONNREFUSED;
	if (!data || len < WIRE_PREFIX)
		return -EPROTO;
	if (le32_to_cpu(rep->magic) != UMEM_RDMA_MAGIC)
		return -EPROTO;
	if (le16_to_cpu(rep->version) != UMEM_RDMA_VERSION)
		return -EPROTONOSUPPORT;
	if (le16_to_cpu(rep->length) < sizeof(*rep) ||
	    le16_to_cpu(rep->length) > len)
		return -EPROTO;
	if (le32_to_cpu(rep->flags) & ~UMEM_RDMA_F_PSK || rep->reserved)
		return -EPROTO;

	status = le16_to_cpu(rep->status);
	if (!rejected)
		return status == UMEM_RDMA_STATUS_OK ? 0 : -EPROTO;
	if (status == UMEM_RDMA_STATUS_OK)
		return -EPROTO;
	return umem_wire_status_errno(status);
}

/* ---- Control messages --------------------------------------------------- */

int umem_wire_msg_type(const void *data, size_t len)
{
	struct umem_rdma_msg msg;
	__u16 type;

	if (!data || len != sizeof(msg))
		return -EPROTO;
	memcpy(&msg, data, sizeof(msg));
	if (msg.reserved[0] || msg.reserved[1] || msg.reserved[2])
		return -EPROTO;
	type = le16_to_cpu(msg.type);
	if (type < UMEM_RDMA_MSG_AUTH || type > UMEM_RDMA_MSG_BYE)
		return -EPROTO;
	return type;
}

void umem_wire_make_plain(struct umem_rdma_msg *msg,
			  enum umem_rdma_msg_type type)
{
	memset(msg, 0, sizeof(*msg));
	msg->type = cpu_to_le16(type);
}

void umem_wire_make_auth(struct umem_rdma_msg *msg,
			 const __u8 mac[UMEM_RDMA_MAC])
{
	umem_wire_make_plain(msg, UMEM_RDMA_MSG_AUTH);
	if (mac)
		memcpy(msg->auth.mac, mac, UMEM_RDMA_MAC);
}

enum umem_rdma_status umem_wire_check_auth(const void *data, size_t len,
					   __u8 mac[UMEM_RDMA_MAC])
{
	struct umem_rdma_msg msg;

	if (umem_wire_msg_type(data, len) != UMEM_RDMA_MSG_AUTH)
		return UMEM_RDMA_STATUS_MALFORMED;
	memcpy(&msg, data, sizeof(msg));
	memcpy(mac, msg.auth.mac, UMEM_RDMA_MAC);
	return UMEM_RDMA_STATUS_OK;
}

void umem_wire_make_export(struct umem_rdma_msg *msg,
			   const struct umem_wire_export *exp)
{
	umem_wire_make_plain(msg, UMEM_RDMA_MSG_EXPORT);
	msg->export.base = cpu_to_le64(exp->base);
	msg->export.size = cpu_to_le64(exp->size);
	msg->export.rkey = cpu_to_le32(exp->rkey);
	msg->export.granule = cpu_to_le32(exp->granule);
	memcpy(msg->export.content_id, exp->content_id, UMEM_RDMA_CONTENT_ID);
}

void umem_wire_make_error(struct umem_rdma_msg *msg,
			  enum umem_rdma_status status)
{
	umem_wire_make_plain(msg, UMEM_RDMA_MSG_ERROR);
	msg->error.status = cpu_to_le16(status);
}

/* The verdict of an ERROR message, never 0. */
static int error_errno(const struct umem_rdma_msg *msg)
{
	__u16 status = le16_to_cpu(msg->error.status);

	if (status == UMEM_RDMA_STATUS_OK)
		return -EPROTO;
	return umem_wire_status_errno(status);
}

int umem_wire_check_export(const void *data, size_t len,
			   struct umem_wire_export *exp)
{
	struct umem_rdma_msg msg;
	int type = umem_wire_msg_type(data, len);

	memset(exp, 0, sizeof(*exp));
	if (type < 0)
		return type;
	memcpy(&msg, data, sizeof(msg));
	if (type == UMEM_RDMA_MSG_ERROR)
		return error_errno(&msg);
	if (type != UMEM_RDMA_MSG_EXPORT)
		return -EPROTO;

	exp->base = le64_to_cpu(msg.export.base);
	exp->size = le64_to_cpu(msg.export.size);
	exp->rkey = le32_to_cpu(msg.export.rkey);
	exp->granule = le32_to_cpu(msg.export.granule);
	memcpy(exp->content_id, msg.export.content_id, UMEM_RDMA_CONTENT_ID);

	if (!exp->granule || exp->granule & (exp->granule - 1))
		return -EPROTO;
	if (!exp->size || exp->size & (exp->granule - 1))
		return -EPROTO;
	if (exp->base + exp->size < exp->base)
		return -EPROTO;
	return 0;
}

int umem_wire_export_fits(const struct umem_wire_export *exp, __u64 size,
			  __u32 granule)
{
	if (size > exp->size)
		return -ERANGE;
	return granule < exp->granule ? -EPROTO : 0;
}

/* ---- Status -------------------------------------------------------------- */

int umem_wire_status_errno(enum umem_rdma_status status)
{
	switch (status) {
	case UMEM_RDMA_STATUS_OK:
		return 0;
	case UMEM_RDMA_STATUS_VERSION:
		return -EPROTONOSUPPORT;
	case UMEM_RDMA_STATUS_NO_EXPORT:
		return -ENOENT;
	case UMEM_RDMA_STATUS_AUTH:
		return -EKEYREJECTED;
	case UMEM_RDMA_STATUS_BUSY:
		return -EUSERS;
	case UMEM_RDMA_STATUS_MALFORMED:
		return -EPROTO;
	case UMEM_RDMA_STATUS_IO:
		return -EREMOTEIO;
	}
	return -EPROTO;
}
