// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A client of umem-serve that does wrong what can be done wrong.
 *
 *	serve_hostile ADDRESS PORT EXPORT-ID WAY
 *
 * Prints one line: how the server took it.
 *	rejected STATUS		by enum umem_rdma_status, or by "nothing"
 *	error STATUS		in an ERROR message
 *	live, bye, dropped, silent
 *	COMPLETION-STATUS	of an RDMA operation, as a number of the verbs
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rdma/rdma_cma.h>

#include "provider/byteorder.h"
#include "provider/wire.h"
#include "tests/guest/lib/touch.h"

#define RECVS	8
#define BUFFER	4096

struct hostile {
	struct rdma_event_channel *channel;
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	struct umem_wire_export exp;
	char buffer[(RECVS + 1) * BUFFER];	/* the last one is ours to send */
};

static const char *address, *port;
static uint64_t export_id;

static void die(const char *what)
{
	fprintf(stderr, "serve_hostile: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(const char *what, int number)
{
	if (number < 0)
		printf("%s\n", what);
	else
		printf("%s %d\n", what, number);
	fflush(stdout);
}

static char *out(struct hostile *h)
{
	return h->buffer + RECVS * BUFFER;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* ---- Connecting ---------------------------------------------------------- */

/* The next event; its copy of private data is good until the one after. */
static struct rdma_cm_event *event(struct hostile *h)
{
	static struct rdma_cm_event *ev;

	if (ev)
		rdma_ack_cm_event(ev);
	ev = NULL;
	if (rdma_get_cm_event(h->channel, &ev))
		die("event");
	return ev;
}

static void expect(struct hostile *h, enum rdma_cm_event_type type)
{
	if (event(h)->event != type)
		die(rdma_event_str(type));
}

static void post_recv(struct hostile *h, unsigned int i)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)(h->buffer + i * BUFFER),
		.length = BUFFER,
		.lkey = h->mr->lkey,
	};
	struct ibv_recv_wr *bad, wr = {
		.wr_id = i, .sg_list = &sge, .num_sge = 1,
	};

	if (ibv_post_recv(h->id->qp, &wr, &bad))
		die("RECV");
}

static void prepare(struct hostile *h)
{
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = { 256, RECVS, 1, 1, 0 },
	};
	struct addrinfo *info;
	unsigned int i;

	memset(h, 0, sizeof(*h));
	if (getaddrinfo(address, port, NULL, &info))
		die("address");
	h->channel = rdma_create_event_channel();
	if (!h->channel || rdma_create_id(h->channel, &h->id, NULL, RDMA_PS_TCP) ||
	    rdma_resolve_addr(h->id, NULL, info->ai_addr, 1000 * TEST_SECONDS))
		die("id");
	freeaddrinfo(info);
	expect(h, RDMA_CM_EVENT_ADDR_RESOLVED);
	if (rdma_resolve_route(h->id, 1000 * TEST_SECONDS))
		die("route");
	expect(h, RDMA_CM_EVENT_ROUTE_RESOLVED);
	h->pd = ibv_alloc_pd(h->id->verbs);
	h->cq = ibv_create_cq(h->id->verbs, 512, NULL, NULL, 0);
	attr.send_cq = h->cq;
	attr.recv_cq = h->cq;
	if (!h->pd || !h->cq || rdma_create_qp(h->id, h->pd, &attr))
		die("queues");
	h->mr = ibv_reg_mr(h->pd, h->buffer, sizeof(h->buffer),
			   IBV_ACCESS_LOCAL_WRITE);
	if (!h->mr)
		die("registering");
	for (i = 0; i < RECVS; i++)
		post_recv(h, i);
}

/* True when it was accepted; else prints how it was rejected. */
static bool connect_with(struct hostile *h, const void *data, size_t len)
{
	struct rdma_conn_param param = {
		.private_data = data, .private_data_len = len,
		.initiator_depth = 4, .retry_count = 7, .rnr_retry_count = 6,
	};
	const struct umem_rdma_cm_rep *rep;
	struct rdma_cm_event *ev;

	if (rdma_connect(h->id, &param))
		die("connect");
	ev = event(h);
	if (ev->event == RDMA_CM_EVENT_ESTABLISHED)
		return true;
	rep = ev->param.conn.private_data;
	if (ev->event != RDMA_CM_EVENT_REJECTED)
		say(rdma_event_str(ev->event), -1);
	else if (!rep || le32_to_cpu(rep->magic) != UMEM_RDMA_MAGIC)
		say("rejected by nothing", -1);
	else
		say("rejected", le16_to_cpu(rep->status));
	return false;
}

static struct umem_rdma_cm_req good_request(void)
{
	static const __u8 nonce[UMEM_RDMA_NONCE] = { 1 };
	struct umem_rdma_cm_req req;

	umem_wire_make_req(&req, export_id, 0, nonce);
	return req;
}

static void connect_well(struct hostile *h)
{
	struct umem_rdma_cm_req req = good_request();

	prepare(h);
	if (!connect_with(h, &req, sizeof(req)))
		exit(0);
}

static void leave(struct hostile *h)
{
	rdma_disconnect(h->id);
	rdma_destroy_qp(h->id);
	ibv_dereg_mr(h->mr);
	ibv_destroy_cq(h->cq);
	ibv_dealloc_pd(h->pd);
	h->id = NULL;
}

/* ---- Messages and operations --------------------------------------------- */

static void post(struct hostile *h, enum ibv_wr_opcode opcode, size_t len,
		 uint64_t remote, uint32_t rkey)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)out(h), .length = len, .lkey = h->mr->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.wr_id = RECVS, .sg_list = &sge, .num_sge = 1, .opcode = opcode,
		.wr.rdma = { .remote_addr = remote, .rkey = rkey },
	};

	if (ibv_post_send(h->id->qp, &wr, &bad))
		die("SEND");
}

static void send_message(struct hostile *h, const struct umem_rdma_msg *msg,
			 size_t len)
{
	memcpy(out(h), msg, sizeof(*msg));
	post(h, IBV_WR_SEND, len, 0, 0);
}

static bool disconnected(struct hostile *h)
{
	struct pollfd pfd = { .fd = h->channel->fd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0 &&
	       event(h)->event == RDMA_CM_EVENT_DISCONNECTED;
}

/* Tells a message from the server; true when nothing more is to come. */
static bool told(struct hostile *h, const struct ibv_wc *wc)
{
	struct umem_rdma_msg msg;

	memcpy(&msg, h->buffer + wc->wr_id * BUFFER, sizeof(msg));
	post_recv(h, wc->wr_id);
	switch (umem_wire_msg_type(&msg, wc->byte_len)) {
	case UMEM_RDMA_MSG_EXPORT:
		if (umem_wire_check_export(&msg, sizeof(msg), &h->exp))
			die("EXPORT");
		say("live", -1);
		return true;
	case UMEM_RDMA_MSG_ERROR:
		say("error", le16_to_cpu(msg.error.status));
		return true;
	case UMEM_RDMA_MSG_BYE:
		say("bye", -1);
		return true;
	default:
		return false;
	}
}

/* Tells what has come so far; true when nothing more is to come. */
static bool told_all(struct hostile *h)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(h->cq, 1, &wc) == 1)
		if (!wc.status && wc.wr_id < RECVS && told(h, &wc))
			return true;
	return false;
}

/* What comes of it, at most @seconds. */
static void outcome(struct hostile *h, int seconds)
{
	int64_t deadline = now_ms() + seconds * 1000;

	while (now_ms() < deadline) {
		if (told_all(h))
			return;
		if (disconnected(h)) {
			/* The last word may have come in between. */
			if (!told_all(h))
				say("dropped", -1);
			return;
		}
		usleep(1000);
	}
	say("silent", -1);
}

static void become_live(struct hostile *h)
{
	struct umem_rdma_msg msg;

	connect_well(h);
	umem_wire_make_auth(&msg, NULL);
	send_message(h, &msg, sizeof(msg));
	outcome(h, TEST_SECONDS);
}

/* The status of an operation on the server's memory. */
static void operation(struct hostile *h, enum ibv_wr_opcode opcode,
		      uint64_t remote, uint32_t rkey)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(h->cq, 1, &wc) == 1)
		;
	post(h, opcode, BUFFER, remote, rkey);
	do {
		while (ibv_poll_cq(h->cq, 1, &wc) != 1)
			usleep(100);
	} while (wc.wr_id < RECVS);
	say("status", wc.status);
}

/* ---- Ways: the request --------------------------------------------------- */

static void request(const void *data, size_t len)
{
	static struct hostile h;

	prepare(&h);
	if (connect_with(&h, data, len))
		say("accepted", -1);
}

static void req_empty(void)
{
	request(NULL, 0);
}

static void req_garbage(void)
{
	char data[56];

	memset(data, 0xa5, sizeof(data));
	request(data, sizeof(data));
}

static void req_version(void)
{
	struct umem_rdma_cm_req req = good_request();

	req.version = cpu_to_le16(77);
	request(&req, sizeof(req));
}

static void req_length(void)
{
	struct umem_rdma_cm_req req = good_request();

	req.length = cpu_to_le16(0xffff);
	request(&req, sizeof(req));
}

static void req_reserved(void)
{
	struct umem_rdma_cm_req req = good_request();

	req.reserved = cpu_to_le32(1);
	request(&req, sizeof(req));
}

static void req_psk(void)
{
	struct umem_rdma_cm_req req = good_request();

	req.flags = cpu_to_le32(UMEM_RDMA_F_PSK);
	request(&req, sizeof(req));
}

static void req_export(void)
{
	struct umem_rdma_cm_req req = good_request();

	req.export_id = cpu_to_le64(~0ULL);
	request(&req, sizeof(req));
}

/* ---- Ways: messages ------------------------------------------------------ */

static void mute(void)
{
	static struct hostile h;

	connect_well(&h);
	outcome(&h, 2 * TEST_SECONDS);
}

/* @live: after the handshake, else in the place of AUTH. */
static void message(bool live, const struct umem_rdma_msg *msg, size_t len)
{
	static struct hostile h;

	if (live)
		become_live(&h);
	else
		connect_well(&h);
	send_message(&h, msg, len);
	/* Not until it is dropped for the handshake that did not come. */
	outcome(&h, live ? TEST_SECONDS : 10);
}

static void typed(bool live, int type, size_t len)
{
	struct umem_rdma_msg msg;

	umem_wire_make_plain(&msg, type);
	message(live, &msg, len);
}

static void auth_mac(void)
{
	__u8 mac[UMEM_RDMA_MAC] = { 1 };
	struct umem_rdma_msg msg;

	umem_wire_make_auth(&msg, mac);
	message(false, &msg, sizeof(msg));
}

static void auth_twice(void) { typed(true, UMEM_RDMA_MSG_AUTH, 64); }
static void first_export(void) { typed(false, UMEM_RDMA_MSG_EXPORT, 64); }
static void first_bye(void) { typed(false, UMEM_RDMA_MSG_BYE, 64); }
static void live_export(void) { typed(true, UMEM_RDMA_MSG_EXPORT, 64); }
static void live_bye(void) { typed(true, UMEM_RDMA_MSG_BYE, 64); }
static void live_type_0(void) { typed(true, 0, 64); }
static void live_type_99(void) { typed(true, 99, 64); }
static void live_empty(void) { typed(true, UMEM_RDMA_MSG_KEEPALIVE, 0); }
static void live_short(void) { typed(true, UMEM_RDMA_MSG_KEEPALIVE, 63); }
static void live_long(void) { typed(true, UMEM_RDMA_MSG_KEEPALIVE, BUFFER); }

static void live_garbage(void)
{
	struct umem_rdma_msg msg;

	memset(&msg, 0xa5, sizeof(msg));
	message(true, &msg, sizeof(msg));
}

static void live_flood(void)
{
	struct umem_rdma_msg msg;
	static struct hostile h;
	int i;

	become_live(&h);
	umem_wire_make_plain(&msg, UMEM_RDMA_MSG_KEEPALIVE);
	for (i = 0; i < 250; i++)
		send_message(&h, &msg, sizeof(msg));
	outcome(&h, TEST_SECONDS);
}

/* Waits to be told that the server stops. */
static void live_wait(void)
{
	static struct hostile h;

	become_live(&h);
	outcome(&h, 2 * TEST_SECONDS);
}

static void live_vanish(void)
{
	static struct hostile h;

	become_live(&h);
	_exit(0);
}

/* ---- Ways: memory -------------------------------------------------------- */

static void read_well(void)
{
	static struct hostile h;

	become_live(&h);
	operation(&h, IBV_WR_RDMA_READ, h.exp.base, h.exp.rkey);
}

static void write_export(void)
{
	static struct hostile h;

	become_live(&h);
	operation(&h, IBV_WR_RDMA_WRITE, h.exp.base, h.exp.rkey);
}

static void read_beyond(void)
{
	static struct hostile h;

	become_live(&h);
	operation(&h, IBV_WR_RDMA_READ, h.exp.base + h.exp.size, h.exp.rkey);
}

static void other_key(void)
{
	static struct hostile a, b;

	become_live(&a);
	become_live(&b);
	operation(&b, IBV_WR_RDMA_READ, a.exp.base, a.exp.rkey);
}

/* A key outlives neither its connection nor works before the proof. */
static void old_key(void)
{
	static struct hostile a, b;

	become_live(&a);
	leave(&a);
	become_live(&b);
	printf("%s key\n", a.exp.rkey == b.exp.rkey ? "the same" : "another");
	operation(&b, IBV_WR_RDMA_READ, a.exp.base, a.exp.rkey);
}

static void early_key(void)
{
	static struct hostile a, b;

	become_live(&a);
	connect_well(&b);
	operation(&b, IBV_WR_RDMA_READ, a.exp.base, a.exp.rkey);
}

/* ---- Ways: many ---------------------------------------------------------- */

#define CROWD	20

/* As many as the server takes; none of them proves itself. */
static void crowd(void)
{
	static struct hostile h[CROWD];
	struct umem_rdma_cm_req req = good_request();
	int i;

	for (i = 0; i < CROWD; i++) {
		prepare(&h[i]);
		if (connect_with(&h[i], &req, sizeof(req)))
			say("accepted", -1);
	}
	outcome(&h[0], 2 * TEST_SECONDS);
}

static const struct {
	const char *name;
	void (*go)(void);
} ways[] = {
#define WAY(name) { #name, name }
	WAY(req_empty), WAY(req_garbage), WAY(req_version), WAY(req_length),
	WAY(req_reserved), WAY(req_psk), WAY(req_export), WAY(mute),
	WAY(auth_mac), WAY(auth_twice), WAY(first_export), WAY(first_bye),
	WAY(live_export), WAY(live_bye), WAY(live_type_0), WAY(live_type_99),
	WAY(live_empty), WAY(live_short), WAY(live_long), WAY(live_garbage),
	WAY(live_flood), WAY(live_wait), WAY(live_vanish), WAY(read_well),
	WAY(write_export), WAY(read_beyond), WAY(other_key), WAY(old_key),
	WAY(early_key), WAY(crowd),
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc != 5) {
		fprintf(stderr, "usage: serve_hostile ADDRESS PORT EXPORT-ID WAY\n");
		return 2;
	}
	address = argv[1];
	port = argv[2];
	export_id = strtoull(argv[3], NULL, 0);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, argv[4]))
			continue;
		ways[i].go();
		return 0;
	}
	fprintf(stderr, "serve_hostile: no such way: %s\n", argv[4]);
	return 2;
}
