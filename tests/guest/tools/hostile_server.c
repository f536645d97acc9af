// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A memory server that does wrong what can be done wrong, for clients to be
 * tested against:  hostile_server ADDRESS PORT
 *
 * Prints "ready" when it listens. lib/hostile.h has the ways, chosen by the
 * export id that a client asks for.
 */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rdma/rdma_cma.h>

#include "provider/wire.h"
#include "tests/guest/lib/hostile.h"

#define RECVS		4
#define SENDS		16
#define BUFFER		4096	/* a message that is too long has this */
#define CLIENTS		64

struct client {
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *data_mr;
	struct ibv_mr *buffer_mr;
	enum hostile_mode mode;
	uint64_t from;			/* where in data the export begins */
	long long act_at;		/* milliseconds; 0: no more to do */
	unsigned int sent;		/* ever */
	unsigned int sends;		/* posted and not completed */
	char buffer[(RECVS + SENDS) * BUFFER];
};

static struct client *clients[CLIENTS];
static char *data;

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "hostile_server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* ---- Messages ------------------------------------------------------------ */

static void post_recv(struct client *c, unsigned int slot)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)(c->buffer + slot * BUFFER),
		.length = BUFFER,
		.lkey = c->buffer_mr->lkey,
	};
	struct ibv_recv_wr *bad, wr = {
		.wr_id = slot, .sg_list = &sge, .num_sge = 1,
	};

	ibv_post_recv(c->id->qp, &wr, &bad);
}

/*
 * Where the next SEND is from. The last one from there has completed, since they
 * complete in order: what is on its way, or may be sent again, must not change.
 */
static char *send_slot(struct client *c)
{
	return c->buffer + (RECVS + c->sent % SENDS) * BUFFER;
}

static struct umem_rdma_msg *new_message(struct client *c)
{
	if (c->sends == SENDS) {
		fprintf(stderr, "hostile_server: too many messages\n");
		exit(1);
	}
	return memset(send_slot(c), 0, BUFFER);
}

/* A SEND of the new message. */
static void post_send(struct client *c, unsigned int length)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)send_slot(c),
		.length = length,
		.lkey = c->buffer_mr->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.wr_id = RECVS, .sg_list = &sge, .num_sge = 1,
		.opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED,
	};

	if (!ibv_post_send(c->id->qp, &wr, &bad)) {
		c->sent++;
		c->sends++;
	}
}

static void send_plain(struct client *c, unsigned int type, unsigned int length)
{
	umem_wire_make_plain(new_message(c), type);
	post_send(c, length);
}

static void send_garbage(struct client *c, int byte, unsigned int type)
{
	struct umem_rdma_msg *msg = new_message(c);

	memset(msg, byte, BUFFER);
	if (type)
		msg->type = htole16(type);
	post_send(c, UMEM_RDMA_MSG_SIZE);
}

static void send_error(struct client *c, unsigned int status)
{
	umem_wire_make_error(new_message(c), status);
	post_send(c, UMEM_RDMA_MSG_SIZE);
}

static void send_export(struct client *c, uint64_t size, uint32_t granule)
{
	struct umem_wire_export exp = {
		.base = (uintptr_t)data + c->from,
		.size = size,
		.granule = granule,
		.rkey = c->data_mr->rkey,
	};

	if (c->mode == HOSTILE_EXPORT_OVERFLOW)
		exp.base = UINT64_MAX - 4096;
	umem_wire_make_export(new_message(c), &exp);
	post_send(c, UMEM_RDMA_MSG_SIZE);
}

/* ---- After AUTH ---------------------------------------------------------- */

static void answer_auth(struct client *c)
{
	switch (c->mode) {
	case HOSTILE_ACCEPT_MUTE:
	case HOSTILE_ACCEPT_LEAVE:
		return;
	case HOSTILE_MSG_EMPTY:
		return send_plain(c, UMEM_RDMA_MSG_EXPORT, 0);
	case HOSTILE_MSG_SHORT:
		return send_plain(c, UMEM_RDMA_MSG_EXPORT, 63);
	case HOSTILE_MSG_LONG:
		return send_plain(c, UMEM_RDMA_MSG_EXPORT, BUFFER);
	case HOSTILE_MSG_TYPE_0:
		return send_plain(c, 0, UMEM_RDMA_MSG_SIZE);
	case HOSTILE_MSG_TYPE_99:
		return send_plain(c, 99, UMEM_RDMA_MSG_SIZE);
	case HOSTILE_MSG_RESERVED:
		return send_garbage(c, 0xff, UMEM_RDMA_MSG_KEEPALIVE);
	case HOSTILE_MSG_AUTH:
		return send_plain(c, UMEM_RDMA_MSG_AUTH, UMEM_RDMA_MSG_SIZE);
	case HOSTILE_MSG_BYE:
		return send_plain(c, UMEM_RDMA_MSG_BYE, UMEM_RDMA_MSG_SIZE);
	case HOSTILE_EXPORT_EMPTY:
		return send_export(c, 0, 4096);
	case HOSTILE_EXPORT_ODD:
		return send_export(c, HOSTILE_SIZE - 1, 4096);
	case HOSTILE_EXPORT_GRANULE_0:
		return send_export(c, HOSTILE_SIZE, 0);
	case HOSTILE_EXPORT_GRANULE_3:
		return send_export(c, HOSTILE_SIZE, 3 * 4096);
	case HOSTILE_EXPORT_GRANULE_2M:
		return send_export(c, HOSTILE_SIZE, 2U << 20);
	case HOSTILE_EXPORT_SMALL:
		return send_export(c, 4096, 4096);
	case HOSTILE_ERROR_NO_EXPORT:
		return send_error(c, UMEM_RDMA_STATUS_NO_EXPORT);
	case HOSTILE_ERROR_OK:
		return send_error(c, UMEM_RDMA_STATUS_OK);
	case HOSTILE_ERROR_UNKNOWN:
		return send_error(c, 0x7777);
	case HOSTILE_ERROR_LEAVE:
		/* The disconnect follows once it was sent. */
		return send_error(c, UMEM_RDMA_STATUS_AUTH);
	case HOSTILE_LIVE_AT_ONCE:
		/* As above. */
		return send_export(c, HOSTILE_SIZE, 4096);
	case HOSTILE_KEEPALIVE_FIRST:
		send_plain(c, UMEM_RDMA_MSG_KEEPALIVE, UMEM_RDMA_MSG_SIZE);
		return send_export(c, HOSTILE_SIZE, 4096);
	default:
		send_export(c, HOSTILE_SIZE - c->from, 4096);
		c->act_at = now_ms() + HOSTILE_LIVE_MS;
	}
}

static void act_live(struct client *c)
{
	c->act_at = 0;
	switch (c->mode) {
	case HOSTILE_LIVE_FLOOD:
		while (c->sends < SENDS)
			send_plain(c, UMEM_RDMA_MSG_KEEPALIVE,
				   UMEM_RDMA_MSG_SIZE);
		c->act_at = 1;
		return;
	case HOSTILE_LIVE_EXPORT:
		return send_export(c, HOSTILE_SIZE, 4096);
	case HOSTILE_LIVE_ERROR:
		return send_error(c, UMEM_RDMA_STATUS_IO);
	case HOSTILE_LIVE_GARBAGE:
		return send_garbage(c, 0x5a, 0);
	case HOSTILE_LIVE_LONG:
		return send_plain(c, UMEM_RDMA_MSG_KEEPALIVE, BUFFER);
	case HOSTILE_LIVE_BYE:
		return send_plain(c, UMEM_RDMA_MSG_BYE, UMEM_RDMA_MSG_SIZE);
	case HOSTILE_LIVE_LEAVE:
		rdma_disconnect(c->id);
		return;
	case HOSTILE_LIVE_REVOKE:
		ibv_dereg_mr(c->data_mr);
		c->data_mr = NULL;
		return;
	default:
		return;
	}
}

static void completed(struct client *c, const struct ibv_wc *wc)
{
	if (wc->wr_id == RECVS) {
		c->sends--;
		if (c->mode == HOSTILE_ERROR_LEAVE ||
		    c->mode == HOSTILE_LIVE_AT_ONCE)
			rdma_disconnect(c->id);
		return;
	}
	if (wc->status != IBV_WC_SUCCESS)
		return;
	if (umem_wire_msg_type(c->buffer + wc->wr_id * BUFFER,
			       wc->byte_len) == UMEM_RDMA_MSG_AUTH)
		answer_auth(c);
	if (c->mode != HOSTILE_LIVE_DEAF)
		post_recv(c, wc->wr_id);
}

/* ---- Connections --------------------------------------------------------- */

static void set_up(struct client *c)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = SENDS, .max_recv_wr = RECVS,
			 .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	c->pd = ibv_alloc_pd(c->id->verbs);
	c->cq = ibv_create_cq(c->id->verbs, SENDS + RECVS, NULL, NULL, 0);
	if (!c->pd || !c->cq)
		die("protection domain, completion queue");
	attr.send_cq = c->cq;
	attr.recv_cq = c->cq;
	if (rdma_create_qp(c->id, c->pd, &attr))
		die("queue pair");
	c->data_mr = ibv_reg_mr(c->pd, data, HOSTILE_SIZE,
				IBV_ACCESS_LOCAL_WRITE |
				IBV_ACCESS_REMOTE_READ);
	c->buffer_mr = ibv_reg_mr(c->pd, c->buffer, sizeof(c->buffer),
				  IBV_ACCESS_LOCAL_WRITE);
	if (!c->data_mr || !c->buffer_mr)
		die("memory region");
	if (c->mode == HOSTILE_ACCEPT_NO_RECV)
		return;
	for (unsigned int i = 0; i < RECVS; i++)
		if (!i || c->mode != HOSTILE_LIVE_DEAF)
			post_recv(c, i);
}

static void forget(struct client *c)
{
	if (c->pd) {
		rdma_destroy_qp(c->id);
		ibv_destroy_cq(c->cq);
		if (c->data_mr)
			ibv_dereg_mr(c->data_mr);
		ibv_dereg_mr(c->buffer_mr);
		ibv_dealloc_pd(c->pd);
	}
	rdma_destroy_id(c->id);
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (clients[i] == c)
			clients[i] = NULL;
	free(c);
}

static void reject(struct client *c)
{
	const enum umem_rdma_status status[HOSTILE_NR_MODES] = {
		[HOSTILE_REJECT_NO_EXPORT] = UMEM_RDMA_STATUS_NO_EXPORT,
		[HOSTILE_REJECT_AUTH] = UMEM_RDMA_STATUS_AUTH,
		[HOSTILE_REJECT_BUSY] = UMEM_RDMA_STATUS_BUSY,
		[HOSTILE_REJECT_MALFORMED] = UMEM_RDMA_STATUS_MALFORMED,
		[HOSTILE_REJECT_IO] = UMEM_RDMA_STATUS_IO,
		[HOSTILE_REJECT_UNKNOWN] = 0x7777,
		[HOSTILE_REJECT_VERSION] = UMEM_RDMA_STATUS_VERSION,
	};
	struct umem_rdma_cm_rep rep;

	umem_wire_make_rep(&rep, status[c->mode], 0, NULL, NULL);
	if (c->mode == HOSTILE_REJECT_VERSION)
		rep.version = htole16(UMEM_RDMA_VERSION + 1);
	if (c->mode == HOSTILE_REJECT_GARBAGE)
		memset(&rep, 0xa5, sizeof(rep));
	if (c->mode == HOSTILE_REJECT_PLAIN)
		rdma_reject(c->id, NULL, 0);
	else
		rdma_reject(c->id, &rep, sizeof(rep));
	forget(c);
}

static void accept_client(struct client *c)
{
	struct umem_rdma_cm_rep rep;
	struct rdma_conn_param param = {
		.private_data = &rep, .private_data_len = sizeof(rep),
		.responder_resources = 16, .rnr_retry_count = 7,
	};

	set_up(c);
	umem_wire_make_rep(&rep, UMEM_RDMA_STATUS_OK, 0, NULL, NULL);
	switch (c->mode) {
	case HOSTILE_ACCEPT_PLAIN:
		param.private_data_len = 0;
		break;
	case HOSTILE_ACCEPT_GARBAGE:
		memset(&rep, 0xa5, sizeof(rep));
		break;
	case HOSTILE_ACCEPT_VERSION:
		rep.version = htole16(UMEM_RDMA_VERSION + 1);
		break;
	case HOSTILE_ACCEPT_SHORT:
		rep.length = htole16(8);
		break;
	case HOSTILE_ACCEPT_FLAGS:
		rep.flags = htole32(1U << 31);
		break;
	case HOSTILE_ACCEPT_PSK:
		rep.flags = htole32(UMEM_RDMA_F_PSK);
		break;
	case HOSTILE_ACCEPT_STATUS:
		rep.status = htole16(UMEM_RDMA_STATUS_IO);
		break;
	case HOSTILE_ACCEPT_NO_READS:
		param.responder_resources = 0;
		break;
	default:
		break;
	}
	if (rdma_accept(c->id, &param))
		forget(c);
}

static void requested(struct rdma_cm_event *event)
{
	struct umem_rdma_cm_req req;
	unsigned int slot = 0;
	struct client *c;
	uint64_t id;

	while (slot < CLIENTS && clients[slot])
		slot++;
	c = calloc(1, sizeof(*c));
	if (slot == CLIENTS || !c)
		die("too many clients");
	clients[slot] = c;
	c->id = event->id;
	c->id->context = c;
	c->mode = HOSTILE_REJECT_MALFORMED;
	if (!umem_wire_check_req(event->param.conn.private_data,
				 event->param.conn.private_data_len, &req)) {
		id = le64toh(req.export_id);
		if (hostile_id_mode(id) < HOSTILE_NR_MODES &&
		    hostile_id_from(id) < HOSTILE_SIZE) {
			c->mode = hostile_id_mode(id);
			c->from = hostile_id_from(id);
		}
	}

	if (c->mode == HOSTILE_REQUEST_IGNORED)
		return;
	if (c->mode >= HOSTILE_REJECT_PLAIN && c->mode <= HOSTILE_REJECT_OK)
		reject(c);
	else
		accept_client(c);
}

static void handle(struct rdma_cm_event *event)
{
	struct client *c = event->id->context;
	enum rdma_cm_event_type type = event->event;

	if (type == RDMA_CM_EVENT_CONNECT_REQUEST)
		requested(event);
	rdma_ack_cm_event(event);
	switch (type) {
	case RDMA_CM_EVENT_ESTABLISHED:
		if (c->mode == HOSTILE_ACCEPT_LEAVE)
			rdma_disconnect(c->id);
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
		rdma_disconnect(c->id);
		forget(c);
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
		forget(c);
		break;
	default:
		break;
	}
}

static void serve(struct rdma_event_channel *channel)
{
	struct pollfd pfd = { .fd = channel->fd, .events = POLLIN };
	struct rdma_cm_event *event;
	struct ibv_wc wc;

	for (;;) {
		if (poll(&pfd, 1, 2) == 1 && !rdma_get_cm_event(channel, &event))
			handle(event);
		for (unsigned int i = 0; i < CLIENTS; i++) {
			struct client *c = clients[i];

			while (c && c->cq && ibv_poll_cq(c->cq, 1, &wc) == 1)
				completed(c, &wc);
			if (c && c->act_at && now_ms() >= c->act_at)
				act_live(c);
		}
	}
}

int main(int argc, char **argv)
{
	struct rdma_event_channel *channel;
	struct addrinfo *addr;
	struct rdma_cm_id *id;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], NULL, &addr)) {
		fprintf(stderr, "usage: hostile_server ADDRESS PORT\n");
		return 2;
	}
	data = aligned_alloc(4096, HOSTILE_SIZE);
	if (!data)
		die("memory");
	for (uint64_t at = 0; at < HOSTILE_SIZE; at += 8)
		*(uint64_t *)(data + at) = hostile_word(at);

	channel = rdma_create_event_channel();
	if (!channel || rdma_create_id(channel, &id, NULL, RDMA_PS_TCP))
		die("rdma_cm");
	if (rdma_bind_addr(id, addr->ai_addr) || rdma_listen(id, CLIENTS))
		die("listen");
	printf("ready\n");
	fflush(stdout);
	serve(channel);
	return 0;
}
