// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The RDMA handshake: every message, and what is refused of each.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provider/byteorder.h"
#include "provider/wire.h"

static const __u8 nonce[UMEM_RDMA_NONCE] = "0123456789abcde";
static const __u8 mac[UMEM_RDMA_MAC] = "the server's or the client's mac";

/* What rdma_cm hands over: the sender's bytes, padded by zeroes. */
#define PADDED_REQ	56
#define PADDED_REJ	148
#define PADDED_REP	196

/* ---- REQ ----------------------------------------------------------------- */

static __u8 *good_req(void)
{
	static __u8 buf[PADDED_REQ];
	struct umem_rdma_cm_req req;

	memset(buf, 0, sizeof(buf));
	umem_wire_make_req(&req, 0x1122334455667788ULL, 0, nonce);
	memcpy(buf, &req, sizeof(req));
	return buf;
}

static enum umem_rdma_status judge_req(const __u8 *buf, size_t len)
{
	struct umem_rdma_cm_req req;

	return umem_wire_check_req(buf, len, &req);
}

/* The protocol, byte for byte: this must never change. */
static void req_bytes(void **state)
{
	static const __u8 wanted[40] = {
		'u', 'm', 'e', 'm', 1, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		'0', '1', '2', '3', '4', '5', '6', '7',
		'8', '9', 'a', 'b', 'c', 'd', 'e', 0,
	};

	(void)state;
	assert_memory_equal(good_req(), wanted, sizeof(wanted));
}

static void req_round_trip(void **state)
{
	struct umem_rdma_cm_req req;

	(void)state;
	assert_int_equal(umem_wire_check_req(good_req(), PADDED_REQ, &req), 0);
	assert_true(le64_to_cpu(req.export_id) == 0x1122334455667788ULL);
	assert_memory_equal(req.nonce, nonce, sizeof(nonce));
	/* Without padding as well. */
	assert_int_equal(judge_req(good_req(), sizeof(req)), 0);
}

static void req_unaligned(void **state)
{
	__u8 buf[1 + PADDED_REQ];

	(void)state;
	memcpy(buf + 1, good_req(), PADDED_REQ);
	assert_int_equal(judge_req(buf + 1, PADDED_REQ), UMEM_RDMA_STATUS_OK);
}

static void req_short(void **state)
{
	struct umem_rdma_cm_req req;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(req); len++)
		assert_int_equal(judge_req(good_req(), len),
				 UMEM_RDMA_STATUS_MALFORMED);
	assert_int_equal(judge_req(NULL, 0), UMEM_RDMA_STATUS_MALFORMED);
	assert_int_equal(judge_req(NULL, 56), UMEM_RDMA_STATUS_MALFORMED);
}

static void req_wrong_magic(void **state)
{
	__u8 *buf = good_req();

	(void)state;
	buf[0] ^= 0x20;
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_MALFORMED);
	memset(buf, 0, PADDED_REQ);
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_MALFORMED);
}

/* Told from garbage whatever its length is, and its version can be named. */
static void req_other_version(void **state)
{
	struct umem_rdma_cm_req req;
	__u8 *buf = good_req();

	(void)state;
	buf[4] = 2;
	buf[6] = 12;
	assert_int_equal(umem_wire_check_req(buf, 12, &req),
			 UMEM_RDMA_STATUS_VERSION);
	assert_int_equal(le16_to_cpu(req.version), 2);
	buf[4] = 0;
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_VERSION);
}

static void req_wrong_length(void **state)
{
	__u8 *buf = good_req();

	(void)state;
	buf[6] = 39;
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_MALFORMED);
	buf[6] = PADDED_REQ + 1;
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_MALFORMED);
	buf[6] = 40;
	buf[7] = 1;
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_MALFORMED);
}

/* A sender that knows more fields: they are ignored. */
static void req_longer_sender(void **state)
{
	__u8 *buf = good_req();

	(void)state;
	buf[6] = 48;
	memset(buf + 40, 0xee, 16);
	assert_int_equal(judge_req(buf, PADDED_REQ), UMEM_RDMA_STATUS_OK);
}

static void req_flags(void **state)
{
	__u8 *buf = good_req();
	int bit;

	(void)state;
	for (bit = 0; bit < 32; bit++) {
		memset(buf + 8, 0, 4);
		buf[8 + bit / 8] = 1 << bit % 8;
		assert_int_equal(judge_req(buf, PADDED_REQ), bit ?
				 UMEM_RDMA_STATUS_MALFORMED :
				 UMEM_RDMA_STATUS_OK);
	}
}

static void req_reserved(void **state)
{
	int byte;

	(void)state;
	for (byte = 12; byte < 16; byte++) {
		__u8 *buf = good_req();

		buf[byte] = 1;
		assert_int_equal(judge_req(buf, PADDED_REQ),
				 UMEM_RDMA_STATUS_MALFORMED);
	}
}

/* ---- REP and REJ --------------------------------------------------------- */

static __u8 *good_rep(enum umem_rdma_status status)
{
	static __u8 buf[PADDED_REP];
	struct umem_rdma_cm_rep rep;

	memset(buf, 0, sizeof(buf));
	umem_wire_make_rep(&rep, status, 0, nonce, mac);
	memcpy(buf, &rep, sizeof(rep));
	return buf;
}

static int judge_rep(const __u8 *buf, size_t len, int rejected)
{
	struct umem_rdma_cm_rep rep;

	return umem_wire_check_rep(buf, len, rejected, &rep);
}

static void rep_bytes(void **state)
{
	static const __u8 wanted[16] = {
		'u', 'm', 'e', 'm', 1, 0, 64, 0, 0, 0, 0, 0, 4, 0, 0, 0,
	};
	const __u8 *buf = good_rep(UMEM_RDMA_STATUS_BUSY);

	(void)state;
	assert_memory_equal(buf, wanted, sizeof(wanted));
	assert_memory_equal(buf + 16, nonce, sizeof(nonce));
	assert_memory_equal(buf + 32, mac, sizeof(mac));
}

static void rep_accepted(void **state)
{
	struct umem_rdma_cm_rep rep;
	__u8 *buf = good_rep(UMEM_RDMA_STATUS_OK);

	(void)state;
	assert_int_equal(umem_wire_check_rep(buf, PADDED_REP, 0, &rep), 0);
	assert_memory_equal(rep.nonce, nonce, sizeof(nonce));
	assert_memory_equal(rep.mac, mac, sizeof(mac));
	buf[8] = UMEM_RDMA_F_PSK;
	assert_int_equal(umem_wire_check_rep(buf, PADDED_REP, 0, &rep), 0);
	assert_int_equal(le32_to_cpu(rep.flags), UMEM_RDMA_F_PSK);
}

static void rep_without_nonce(void **state)
{
	static const __u8 zero[48];
	struct umem_rdma_cm_rep rep;

	(void)state;
	umem_wire_make_rep(&rep, UMEM_RDMA_STATUS_BUSY, 0, NULL, NULL);
	assert_memory_equal(rep.nonce, zero, sizeof(zero));
}

static void rep_contradicts_itself(void **state)
{
	(void)state;
	assert_int_equal(judge_rep(good_rep(UMEM_RDMA_STATUS_OK), PADDED_REJ, 1),
			 -EPROTO);
	assert_int_equal(judge_rep(good_rep(UMEM_RDMA_STATUS_BUSY), PADDED_REP, 0),
			 -EPROTO);
}

static void rep_every_status(void **state)
{
	static const int wanted[] = {
		[UMEM_RDMA_STATUS_VERSION] = -EPROTONOSUPPORT,
		[UMEM_RDMA_STATUS_NO_EXPORT] = -ENOENT,
		[UMEM_RDMA_STATUS_AUTH] = -EKEYREJECTED,
		[UMEM_RDMA_STATUS_BUSY] = -EUSERS,
		[UMEM_RDMA_STATUS_MALFORMED] = -EPROTO,
		[UMEM_RDMA_STATUS_IO] = -EREMOTEIO,
		[7] = -EPROTO,
	};
	enum umem_rdma_status status;

	(void)state;
	for (status = 1; status <= 7; status++) {
		assert_int_equal(judge_rep(good_rep(status), PADDED_REJ, 1),
				 wanted[status]);
		assert_int_equal(umem_wire_status_errno(status), wanted[status]);
	}
	assert_int_equal(judge_rep(good_rep(0xffff), PADDED_REJ, 1), -EPROTO);
	assert_int_equal(umem_wire_status_errno(UMEM_RDMA_STATUS_OK), 0);
}

static void rep_other_version(void **state)
{
	struct umem_rdma_cm_rep rep;
	__u8 *buf = good_rep(UMEM_RDMA_STATUS_VERSION);

	(void)state;
	buf[4] = 9;
	buf[6] = 200;
	assert_int_equal(umem_wire_check_rep(buf, 12, 1, &rep), -EPROTONOSUPPORT);
	assert_int_equal(le16_to_cpu(rep.version), 9);
	assert_int_equal(judge_rep(buf, PADDED_REP, 0), -EPROTONOSUPPORT);
}

static void rep_malformed(void **state)
{
	struct umem_rdma_cm_rep rep;
	__u8 *buf;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(rep); len++)
		assert_int_equal(judge_rep(good_rep(0), len, 0), -EPROTO);
	assert_int_equal(judge_rep(NULL, 0, 0), -EPROTO);
	buf = good_rep(0);
	buf[3] = 'n';
	assert_int_equal(judge_rep(buf, PADDED_REP, 0), -EPROTO);
	assert_int_equal(judge_rep(buf, PADDED_REJ, 1), -EPROTO);
	buf = good_rep(0);
	buf[6] = 63;
	assert_int_equal(judge_rep(buf, PADDED_REP, 0), -EPROTO);
	buf[6] = PADDED_REP + 1;
	assert_int_equal(judge_rep(buf, PADDED_REP, 0), -EPROTO);
	buf = good_rep(0);
	buf[8] = 2;
	assert_int_equal(judge_rep(buf, PADDED_REP, 0), -EPROTO);
	buf = good_rep(0);
	buf[14] = 1;
	assert_int_equal(judge_rep(buf, PADDED_REP, 0), -EPROTO);
}

/* A reject that says nothing: nobody of ours listens there. */
static void rep_silent_reject(void **state)
{
	static const __u8 zero[PADDED_REJ];

	(void)state;
	assert_int_equal(judge_rep(zero, sizeof(zero), 1), -ECONNREFUSED);
	assert_int_equal(judge_rep(NULL, 0, 1), -ECONNREFUSED);
	assert_int_equal(judge_rep(zero, sizeof(zero), 0), -EPROTO);
}

/* ---- Messages ------------------------------------------------------------ */

static const struct umem_wire_export sane = {
	.base = 0x7f0000001000ULL,
	.size = 64 << 20,
	.rkey = 0xdeadbeef,
	.granule = 4096,
	.content_id = "size, mtime, inode, run",
};

static void msg_types(void **state)
{
	struct umem_rdma_msg msg;
	int type;

	(void)state;
	for (type = UMEM_RDMA_MSG_AUTH; type <= UMEM_RDMA_MSG_BYE; type++) {
		umem_wire_make_plain(&msg, type);
		assert_int_equal(umem_wire_msg_type(&msg, sizeof(msg)), type);
	}
	umem_wire_make_plain(&msg, 0);
	assert_int_equal(umem_wire_msg_type(&msg, sizeof(msg)), -EPROTO);
	umem_wire_make_plain(&msg, UMEM_RDMA_MSG_BYE + 1);
	assert_int_equal(umem_wire_msg_type(&msg, sizeof(msg)), -EPROTO);
	umem_wire_make_plain(&msg, 0xffff);
	assert_int_equal(umem_wire_msg_type(&msg, sizeof(msg)), -EPROTO);
}

static void msg_length(void **state)
{
	__u8 buf[2 * UMEM_RDMA_MSG_SIZE] = { UMEM_RDMA_MSG_BYE };
	size_t len;

	(void)state;
	for (len = 0; len <= sizeof(buf); len++)
		assert_int_equal(umem_wire_msg_type(buf, len),
				 len == UMEM_RDMA_MSG_SIZE ?
				 UMEM_RDMA_MSG_BYE : -EPROTO);
	assert_int_equal(umem_wire_msg_type(NULL, UMEM_RDMA_MSG_SIZE), -EPROTO);
}

static void msg_reserved(void **state)
{
	int byte;

	(void)state;
	for (byte = 2; byte < 8; byte++) {
		__u8 buf[UMEM_RDMA_MSG_SIZE] = { UMEM_RDMA_MSG_KEEPALIVE };

		buf[byte] = 0x80;
		assert_int_equal(umem_wire_msg_type(buf, sizeof(buf)), -EPROTO);
	}
}

static void auth(void **state)
{
	static const __u8 zero[UMEM_RDMA_MAC];
	__u8 got[UMEM_RDMA_MAC];
	struct umem_rdma_msg msg;

	(void)state;
	umem_wire_make_auth(&msg, mac);
	assert_int_equal(umem_wire_check_auth(&msg, sizeof(msg), got), 0);
	assert_memory_equal(got, mac, sizeof(mac));
	umem_wire_make_auth(&msg, NULL);
	assert_int_equal(umem_wire_check_auth(&msg, sizeof(msg), got), 0);
	assert_memory_equal(got, zero, sizeof(zero));
	assert_int_equal(umem_wire_check_auth(&msg, sizeof(msg) - 1, got),
			 UMEM_RDMA_STATUS_MALFORMED);
	umem_wire_make_plain(&msg, UMEM_RDMA_MSG_EXPORT);
	assert_int_equal(umem_wire_check_auth(&msg, sizeof(msg), got),
			 UMEM_RDMA_STATUS_MALFORMED);
}

static void export_bytes(void **state)
{
	static const __u8 wanted[32] = {
		2, 0, 0, 0, 0, 0, 0, 0,
		0x00, 0x10, 0x00, 0x00, 0x00, 0x7f, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00,
		0xef, 0xbe, 0xad, 0xde, 0x00, 0x10, 0x00, 0x00,
	};
	struct umem_rdma_msg msg;

	(void)state;
	umem_wire_make_export(&msg, &sane);
	assert_memory_equal(&msg, wanted, sizeof(wanted));
	assert_memory_equal((__u8 *)&msg + 32, sane.content_id,
			    sizeof(sane.content_id));
}

static int judge_export(__u64 base, __u64 size, __u32 granule)
{
	struct umem_wire_export exp = sane, got;
	struct umem_rdma_msg msg;

	exp.base = base;
	exp.size = size;
	exp.granule = granule;
	umem_wire_make_export(&msg, &exp);
	return umem_wire_check_export(&msg, sizeof(msg), &got);
}

static void export_round_trip(void **state)
{
	struct umem_wire_export got;
	struct umem_rdma_msg msg;

	(void)state;
	umem_wire_make_export(&msg, &sane);
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg), &got), 0);
	assert_memory_equal(&got, &sane, sizeof(got));
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg) + 1, &got),
			 -EPROTO);
	assert_int_equal(umem_wire_check_export(&msg, 40, &got), -EPROTO);
}

static void export_sizes(void **state)
{
	(void)state;
	assert_int_equal(judge_export(0, 4096, 4096), 0);
	assert_int_equal(judge_export(0, 0, 4096), -EPROTO);
	assert_int_equal(judge_export(0, 4095, 4096), -EPROTO);
	assert_int_equal(judge_export(0, 6144, 4096), -EPROTO);
	/* Virtual addresses are the server's business: any base is fine. */
	assert_int_equal(judge_export(0x123, 4096, 4096), 0);
}

static void export_overflow(void **state)
{
	(void)state;
	assert_int_equal(judge_export(~0ULL - 4095, 4096, 4096), -EPROTO);
	assert_int_equal(judge_export(~0ULL - 4096, 4096, 4096), 0);
	assert_int_equal(judge_export(~0ULL, 4096, 4096), -EPROTO);
	assert_int_equal(judge_export(4096, -4096ULL, 4096), -EPROTO);
}

static void export_granule(void **state)
{
	(void)state;
	assert_int_equal(judge_export(0, 8192, 0), -EPROTO);
	assert_int_equal(judge_export(0, 12288, 12288), -EPROTO);
	assert_int_equal(judge_export(0, 8192, 4097), -EPROTO);
	assert_int_equal(judge_export(0, 8192, 1), 0);
	assert_int_equal(judge_export(0, 1ULL << 31, 1U << 31), 0);
	assert_int_equal(judge_export(0, 4096, 1U << 31), -EPROTO);
}

static void export_fits(void **state)
{
	(void)state;
	assert_int_equal(umem_wire_export_fits(&sane, sane.size, 4096), 0);
	assert_int_equal(umem_wire_export_fits(&sane, 4096, 4096), 0);
	assert_int_equal(umem_wire_export_fits(&sane, sane.size + 1, 4096), -ERANGE);
	assert_int_equal(umem_wire_export_fits(&sane, 4096, 2 << 20), 0);
	assert_int_equal(umem_wire_export_fits(&sane, 4096, 2048), -EPROTO);
}

static void error_in_place_of_export(void **state)
{
	struct umem_wire_export exp;
	struct umem_rdma_msg msg;

	(void)state;
	umem_wire_make_error(&msg, UMEM_RDMA_STATUS_IO);
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg), &exp),
			 -EREMOTEIO);
	umem_wire_make_error(&msg, UMEM_RDMA_STATUS_AUTH);
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg), &exp),
			 -EKEYREJECTED);
	umem_wire_make_error(&msg, UMEM_RDMA_STATUS_OK);
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg), &exp), -EPROTO);
	umem_wire_make_error(&msg, 0xfffe);
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg), &exp), -EPROTO);
	umem_wire_make_plain(&msg, UMEM_RDMA_MSG_BYE);
	assert_int_equal(umem_wire_check_export(&msg, sizeof(msg), &exp), -EPROTO);
}

/* ---- Anything ------------------------------------------------------------ */

/*
 * Sane messages with bytes changed, in a buffer of exactly their size, so that
 * a sanitizer sees a read behind its end; what is taken must make sense.
 */
static void damage(__u8 *buf, size_t len)
{
	int n = random() % 4;

	while (n-- && len)
		buf[random() % len] = random();
}

static void fuzz_export(void)
{
	struct umem_wire_export exp;
	struct umem_rdma_msg msg;
	size_t len = random() % 8 ? sizeof(msg) : (size_t)random() % 80;
	__u8 *buf = calloc(1, len ? len : 1);

	umem_wire_make_export(&msg, &sane);
	memcpy(buf, &msg, len < sizeof(msg) ? len : sizeof(msg));
	damage(buf, len);
	if (!umem_wire_check_export(buf, len, &exp)) {
		assert_int_equal(len, UMEM_RDMA_MSG_SIZE);
		assert_true(exp.size && exp.granule);
		assert_true(exp.size % exp.granule == 0);
		assert_true(exp.base <= exp.base + exp.size);
	}
	free(buf);
}

static void fuzz_connection(void)
{
	size_t len = random() % (PADDED_REP + 1);
	__u8 *buf = calloc(1, len ? len : 1);
	struct umem_rdma_cm_req req;
	struct umem_rdma_cm_rep rep;

	memcpy(buf, good_req(), len < PADDED_REQ ? len : PADDED_REQ);
	damage(buf, len);
	if (umem_wire_check_req(buf, len, &req) == UMEM_RDMA_STATUS_OK)
		assert_true(len >= sizeof(req));
	memcpy(buf, good_rep(random() % 9), len);
	damage(buf, len);
	if (!umem_wire_check_rep(buf, len, random() % 2, &rep))
		assert_true(len >= sizeof(rep));
	free(buf);
}

static void fuzz(void **state)
{
	int i;

	(void)state;
	srandom(1);
	for (i = 0; i < 200000; i++) {
		fuzz_export();
		fuzz_connection();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(req_bytes),
		cmocka_unit_test(req_round_trip),
		cmocka_unit_test(req_unaligned),
		cmocka_unit_test(req_short),
		cmocka_unit_test(req_wrong_magic),
		cmocka_unit_test(req_other_version),
		cmocka_unit_test(req_wrong_length),
		cmocka_unit_test(req_longer_sender),
		cmocka_unit_test(req_flags),
		cmocka_unit_test(req_reserved),
		cmocka_unit_test(rep_bytes),
		cmocka_unit_test(rep_accepted),
		cmocka_unit_test(rep_without_nonce),
		cmocka_unit_test(rep_contradicts_itself),
		cmocka_unit_test(rep_every_status),
		cmocka_unit_test(rep_other_version),
		cmocka_unit_test(rep_malformed),
		cmocka_unit_test(rep_silent_reject),
		cmocka_unit_test(msg_types),
		cmocka_unit_test(msg_length),
		cmocka_unit_test(msg_reserved),
		cmocka_unit_test(auth),
		cmocka_unit_test(export_bytes),
		cmocka_unit_test(export_round_trip),
		cmocka_unit_test(export_sizes),
		cmocka_unit_test(export_overflow),
		cmocka_unit_test(export_granule),
		cmocka_unit_test(export_fits),
		cmocka_unit_test(error_in_place_of_export),
		cmocka_unit_test(fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
