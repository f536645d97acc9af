// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The side of rdma_cm: listening, judging connection requests, and the events
 * of connections.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "../byteorder.h"
#include "client.h"

/* Refusals that the log tells between two ticks; the rest is counted. */
#define REFUSALS_TOLD	20

#define BACKLOG		128

/* ---- Listening ----------------------------------------------------------- */

/*
 * An id that is bound to every address has no device yet: then any will do, as
 * what takes time is the memory.
 */
static int prepare_exports(struct server *srv, struct ibv_context *device,
			   struct umem_why *why)
{
	struct ibv_context **all = NULL;
	unsigned int i;
	int err = 0;

	if (!device) {
		all = rdma_get_devices(NULL);
		device = all ? all[0] : NULL;
	}
	for (i = 0; device && !err && i < srv->export_count; i++)
		err = serve_export_prepare(&srv->exports[i], device, why);
	if (all)
		rdma_free_devices(all);
	return err;
}

static int listen_on(struct server *srv, const struct umem_source *where,
		     struct rdma_cm_id **id, struct umem_why *why)
{
	struct sockaddr_storage addr;
	socklen_t length;
	int one = 1;
	int err;

	err = umem_source_resolve(where, &addr, &length, why);
	if (err)
		return err;
	if (rdma_create_id(srv->cm, id, NULL, RDMA_PS_TCP))
		return umem_because(why, -errno, "rdma_cm gives no id");
	/* So that 0.0.0.0 and [::] can share a port. */
	if (addr.ss_family == AF_INET6)
		rdma_set_option(*id, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY,
				&one, sizeof(one));
	if (rdma_bind_addr(*id, (struct sockaddr *)&addr)) {
		err = -errno;
		if (err == -EADDRINUSE)
			return umem_because(why, err,
				"something listens there already; choose another port");
		return umem_because(why, err,
			"no RDMA device of this host has that address; see `rdma link`");
	}
	err = prepare_exports(srv, (*id)->verbs, why);
	if (err)
		return err;
	if (rdma_listen(*id, BACKLOG))
		return umem_because(why, -errno, "listening failed");
	return 0;
}

int serve_listen(struct server *srv)
{
	const struct serve_options *opt = srv->opt;
	struct umem_why why;
	unsigned int i;
	int err;

	for (i = 0; i < opt->listen_count; i++) {
		why.text[0] = '\0';
		err = listen_on(srv, &opt->listens[i], &srv->listens[i], &why);
		if (err) {
			umem_say_failed(err, &why, "listening on %s",
					opt->listens[i].text);
			return err;
		}
		umem_say("listening on %s", opt->listens[i].text);
	}
	return 0;
}

void serve_unlisten(struct server *srv)
{
	unsigned int i;

	for (i = 0; i < SERVE_MAX_LISTENS; i++) {
		if (srv->listens[i])
			rdma_destroy_id(srv->listens[i]);
		srv->listens[i] = NULL;
	}
}

/* ---- Connection requests ------------------------------------------------- */

/* What an event carries, copied so that the event can be acknowledged. */
struct request {
	struct rdma_cm_id *id;
	uint8_t data[256];
	size_t len;
	unsigned int reads_wanted;
	char peer[64];
	uint64_t export_id;
};

void serve_told_refusals(struct server *srv)
{
	if (srv->refusals_left_out)
		umem_say("%u more requests were refused", srv->refusals_left_out);
	srv->refusals_told = 0;
	srv->refusals_left_out = 0;
}

static void refuse(struct server *srv, struct request *req,
		   enum umem_rdma_status status, const char *why)
{
	struct umem_rdma_cm_rep rep;

	if (srv->refusals_told < REFUSALS_TOLD) {
		srv->refusals_told++;
		umem_say("%s: refused: %s", req->peer, why);
	} else {
		srv->refusals_left_out++;
	}
	umem_wire_make_rep(&rep, status, 0, NULL, NULL);
	rdma_reject(req->id, &rep, sizeof(rep));
	rdma_destroy_id(req->id);
}

static struct serve_export *find_export(struct server *srv, uint64_t id)
{
	unsigned int i;

	for (i = 0; i < srv->export_count; i++)
		if (srv->exports[i].id == id)
			return &srv->exports[i];
	return NULL;
}

/* What the request itself says; @why is for the log. */
static enum umem_rdma_status judge(struct request *req, struct umem_why *why)
{
	struct umem_rdma_cm_req msg;
	enum umem_rdma_status status;

	status = umem_wire_check_req(req->data, req->len, &msg);
	req->export_id = le64_to_cpu(msg.export_id);
	if (status == UMEM_RDMA_STATUS_VERSION)
		umem_because(why, 0, "it speaks version %u of the protocol, we speak %u",
			     le16_to_cpu(msg.version), UMEM_RDMA_VERSION);
	else if (status != UMEM_RDMA_STATUS_OK)
		umem_because(why, 0, "its request is malformed");
	else if (le32_to_cpu(msg.flags) & UMEM_RDMA_F_PSK)
		status = umem_because(why, UMEM_RDMA_STATUS_AUTH,
				      "it has a pre-shared key, we have none");
	return status;
}

static void handle_request(struct server *srv, struct request *req)
{
	struct serve_export *exp;
	enum umem_rdma_status status;
	struct umem_why why;

	status = judge(req, &why);
	if (status != UMEM_RDMA_STATUS_OK) {
		refuse(srv, req, status, why.text);
		return;
	}
	exp = find_export(srv, req->export_id);
	if (!exp) {
		umem_because(&why, 0, "no export %llu",
			     (unsigned long long)req->export_id);
		refuse(srv, req, UMEM_RDMA_STATUS_NO_EXPORT, why.text);
		return;
	}
	if (srv->client_count >= srv->opt->max_clients) {
		umem_because(&why, 0, "%u clients are the limit (--max-clients)",
			     srv->opt->max_clients);
		refuse(srv, req, UMEM_RDMA_STATUS_BUSY, why.text);
		return;
	}
	if (serve_client_new(srv, req->id, exp, req->peer, req->reads_wanted, &why))
		refuse(srv, req, UMEM_RDMA_STATUS_BUSY, why.text);
}

static void peer_name(struct rdma_cm_id *id, char *buf, size_t size)
{
	struct sockaddr *sa = rdma_get_peer_addr(id);
	char host[48] = "?", port[8] = "?";

	getnameinfo(sa, sizeof(struct sockaddr_storage), host, sizeof(host),
		    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	if (sa->sa_family == AF_INET6)
		snprintf(buf, size, "[%s]:%s", host, port);
	else
		snprintf(buf, size, "%s:%s", host, port);
}

static void copy_request(const struct rdma_cm_event *ev, struct request *req)
{
	const struct rdma_conn_param *conn = &ev->param.conn;

	memset(req, 0, sizeof(*req));
	req->id = ev->id;
	req->reads_wanted = conn->responder_resources;
	req->len = conn->private_data ? conn->private_data_len : 0;
	if (req->len > sizeof(req->data))
		req->len = sizeof(req->data);
	if (req->len)
		memcpy(req->data, conn->private_data, req->len);
	peer_name(ev->id, req->peer, sizeof(req->peer));
}

/* ---- Events -------------------------------------------------------------- */

static void connection_event(struct rdma_cm_id *id,
			     enum rdma_cm_event_type event)
{
	struct serve_client *cl = id->context;

	if (!cl) {
		/* A listener's, or of an id that was refused meanwhile. */
		if (event == RDMA_CM_EVENT_DEVICE_REMOVAL)
			umem_say("an RDMA device was removed");
		return;
	}
	switch (event) {
	case RDMA_CM_EVENT_ESTABLISHED:
	case RDMA_CM_EVENT_ADDR_CHANGE:
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		serve_client_gone(cl, "it disconnected");
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		serve_client_gone(cl, "our RDMA device was removed");
		break;
	default:
		serve_client_gone(cl, rdma_event_str(event));
	}
}

void serve_cm_ready(struct serve_source *source)
{
	struct server *srv = (struct server *)
		((char *)source - offsetof(struct server, cm_source));
	enum rdma_cm_event_type event;
	struct rdma_cm_event *ev;
	struct rdma_cm_id *id;
	struct request req;

	/* One a round: a flood of requests must not keep us from the rest. */
	if (rdma_get_cm_event(srv->cm, &ev))
		return;
	event = ev->event;
	id = ev->id;
	if (event == RDMA_CM_EVENT_CONNECT_REQUEST)
		copy_request(ev, &req);
	/* Acknowledged first: destroying an id waits for that. */
	rdma_ack_cm_event(ev);
	if (event == RDMA_CM_EVENT_CONNECT_REQUEST)
		handle_request(srv, &req);
	else
		connection_event(id, event);
}
