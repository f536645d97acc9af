// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The way of a client from an address to a connection that is live.
 *
 * Each step starts something in rdma_cm and waits for its event, with a limit
 * of its own: the defaults of the connection manager find a dead host after
 * more than a minute.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>

#include "../byteorder.h"
#include "rdma_client_priv.h"

/* From enum ib_cm_rej_reason, which userspace has no header for. */
#define REJ_INVALID_SERVICE_ID	8
#define REJ_CONSUMER_DEFINED	28

/*
 * The transport's patience: 1 + RETRY_COUNT ack timeouts. Not 7: rxe takes that
 * for "for ever" and never notices a dead server (measured on 6.1).
 */
#define RETRY_COUNT	6
/* Finite: a server that posts no RECV must not hold up READs for ever. */
#define RNR_RETRY_COUNT	6

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The exponent that rdma_cm wants: 4.096 us * 2^n, rounded up. */
static uint8_t ack_timeout_exponent(unsigned int ms)
{
	uint64_t us = ms * 1000ULL;
	uint8_t n = 1;

	while (n < 31 && (4096ULL << n) / 1000 < us)
		n++;
	return n;
}

/*
 * Waits for the next event of rdma_cm. The caller acknowledges it.
 * 0, -ETIMEDOUT, -EINTR or another errno.
 */
static int next_event(struct rdma_client *cl, int64_t deadline,
		      struct rdma_cm_event **ev)
{
	struct pollfd pfd = { .fd = cl->cm->fd, .events = POLLIN };
	int64_t left;
	int n;

	for (;;) {
		if (!rdma_get_cm_event(cl->cm, ev))
			return 0;
		if (errno != EAGAIN)
			return -errno;
		left = deadline - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&pfd, 1, left);
		if (n < 0)
			return -errno;
	}
}

/* An event's status as a negative errno; positive ones are reject reasons. */
static int event_errno(const struct rdma_cm_event *ev, int fallback)
{
	return ev->status < 0 ? ev->status : fallback;
}

/* ---- Address and route --------------------------------------------------- */

static int resolve_failed(int err, const char *step, struct umem_why *why)
{
	switch (err) {
	case -ENODEV:
	case -EADDRNOTAVAIL:
		return umem_because(why, err,
			"no RDMA device of this host reaches that address; see `rdma link`");
	case -ETIMEDOUT:
		return umem_because(why, err,
			"%s: no answer in time; is the server's host up?", step);
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return umem_because(why, err,
			"%s: no route to that host; see `ip route get`", step);
	default:
		return umem_because(why, err, "%s failed", step);
	}
}

/* Waits for @want, which the calls before have started. */
static int resolve_step(struct rdma_client *cl, enum rdma_cm_event_type want,
			unsigned int timeout_ms, const char *step,
			struct umem_why *why)
{
	struct rdma_cm_event *ev;
	int err;

	/* The kernel's own timeout comes first and says more. */
	err = next_event(cl, now_ms() + timeout_ms + 500, &ev);
	if (err)
		return resolve_failed(err, step, why);
	if (ev->event != want)
		err = event_errno(ev, -EHOSTUNREACH);
	rdma_ack_cm_event(ev);
	return err ? resolve_failed(err, step, why) : 0;
}

static int resolve(struct rdma_client *cl,
		   const struct rdma_client_options *opt, struct umem_why *why)
{
	uint8_t ack = ack_timeout_exponent(opt->ack_timeout_ms);
	struct sockaddr_storage dst = opt->dst;
	int err;

	if (rdma_create_id(cl->cm, &cl->id, NULL, RDMA_PS_TCP))
		return umem_because(why, -errno, "rdma_cm gives no id");
	/* Older kernels do not know it; then a dead server is noticed late. */
	rdma_set_option(cl->id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT,
			&ack, sizeof(ack));

	if (rdma_resolve_addr(cl->id, NULL, (struct sockaddr *)&dst,
			      opt->timeout_ms))
		return resolve_failed(-errno, "address resolution", why);
	err = resolve_step(cl, RDMA_CM_EVENT_ADDR_RESOLVED, opt->timeout_ms,
			   "address resolution", why);
	if (err)
		return err;
	if (!cl->id->verbs)
		return resolve_failed(-ENODEV, "address resolution", why);

	if (rdma_resolve_route(cl->id, opt->timeout_ms))
		return resolve_failed(-errno, "route resolution", why);
	return resolve_step(cl, RDMA_CM_EVENT_ROUTE_RESOLVED, opt->timeout_ms,
			    "route resolution", why);
}

/* ---- Connection ---------------------------------------------------------- */

int rdma_client_refused(int err, unsigned int version,
			const struct rdma_client *cl, struct umem_why *why)
{
	unsigned long long id = cl->export_id;

	switch (err) {
	case -EPROTONOSUPPORT:
		return umem_because(why, err,
			"the server speaks version %u of the protocol, this client version %u; update the older one",
			version, UMEM_RDMA_VERSION);
	case -ENOENT:
		return umem_because(why, err,
			"the server has no export %llu; see its --export options", id);
	case -EKEYREJECTED:
		return umem_because(why, err,
			"the pre-shared keys do not match, or one end has none");
	case -EUSERS:
		return umem_because(why, err,
			"the server has no room for another client; see its --max-clients");
	case -ECONNREFUSED:
		return umem_because(why, err,
			"no memory server listens there; is umem-serve running?");
	case -EREMOTEIO:
		return umem_because(why, err,
			"the server cannot read or register export %llu; see its log", id);
	default:
		return umem_because(why, err,
			"what answers there is no umem-serve, or it broke the protocol");
	}
}

static int rejected(struct rdma_client *cl, const struct rdma_cm_event *ev,
		    struct umem_why *why)
{
	struct umem_rdma_cm_rep rep;
	int err;

	if (ev->status != REJ_CONSUMER_DEFINED) {
		if (ev->status == REJ_INVALID_SERVICE_ID ||
		    ev->status == -ECONNREFUSED)
			return rdma_client_refused(-ECONNREFUSED, 0, cl, why);
		return umem_because(why, -ECONNREFUSED,
			"the transport refused (reason %d)", ev->status);
	}
	err = umem_wire_check_rep(ev->param.conn.private_data,
				  ev->param.conn.private_data_len, 1, &rep);
	return rdma_client_refused(err, le16toh(rep.version), cl, why);
}

static int accepted(struct rdma_client *cl, const struct rdma_cm_event *ev,
		    struct umem_why *why)
{
	struct umem_rdma_cm_rep rep;
	int err;

	cl->connected = true;
	err = umem_wire_check_rep(ev->param.conn.private_data,
				  ev->param.conn.private_data_len, 0, &rep);
	if (err)
		return rdma_client_refused(err, le16toh(rep.version), cl, why);
	if (le32toh(rep.flags) & UMEM_RDMA_F_PSK)
		return rdma_client_refused(-EKEYREJECTED, 0, cl, why);
	/* What the server's responder has room for. 0: no READ would start. */
	if (!ev->param.conn.initiator_depth)
		return umem_because(why, -EPROTO,
				    "the server allows no RDMA READ at all");
	if (cl->depth > ev->param.conn.initiator_depth)
		cl->depth = ev->param.conn.initiator_depth;
	return 0;
}

static int connection_event(struct rdma_client *cl,
			    const struct rdma_cm_event *ev,
			    struct umem_why *why)
{
	switch (ev->event) {
	case RDMA_CM_EVENT_ESTABLISHED:
		return accepted(cl, ev, why);
	case RDMA_CM_EVENT_REJECTED:
		return rejected(cl, ev, why);
	case RDMA_CM_EVENT_UNREACHABLE:
		return umem_because(why, event_errno(ev, -EHOSTUNREACH),
				    "connecting: the server does not answer");
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		return umem_because(why, -ENODEV, "%s was removed", cl->device);
	default:
		return umem_because(why, event_errno(ev, -EPROTO),
				    "connecting failed (%s)",
				    rdma_event_str(ev->event));
	}
}

static int establish(struct rdma_client *cl,
		     const struct rdma_client_options *opt, struct umem_why *why)
{
	struct umem_rdma_cm_req req;
	struct rdma_conn_param param = {
		.private_data = &req,
		.private_data_len = sizeof(req),
		.initiator_depth = cl->depth,
		.retry_count = RETRY_COUNT,
		.rnr_retry_count = RNR_RETRY_COUNT,
	};
	__u8 nonce[UMEM_RDMA_NONCE];
	struct rdma_cm_event *ev;
	int err;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return umem_because(why, -errno, "no random bytes");
	umem_wire_make_req(&req, opt->export_id, 0, nonce);
	if (rdma_connect(cl->id, &param))
		return umem_because(why, -errno, "connecting failed");
	err = next_event(cl, now_ms() + opt->timeout_ms, &ev);
	if (err)
		return umem_because(why, err, "connecting: the server does not answer");
	err = connection_event(cl, ev, why);
	rdma_ack_cm_event(ev);
	return err;
}

/* ---- Handshake ----------------------------------------------------------- */

static int shake_hands(struct rdma_client *cl,
		       const struct rdma_client_options *opt,
		       struct umem_why *why)
{
	int64_t deadline = now_ms() + opt->timeout_ms;
	struct rdma_client_done none;
	struct umem_rdma_msg msg;
	int64_t left;
	int err;

	umem_wire_make_auth(&msg, NULL);
	err = umem_msg_send(&cl->slots, cl->id->qp, &msg);
	if (err)
		return umem_because(why, err, "%s takes no SEND", cl->device);
	while (!cl->export_known) {
		left = deadline - now_ms();
		if (left <= 0)
			return umem_because(why, -ETIMEDOUT,
				"the server accepted, then did not tell where the export is");
		err = rdma_client_wait(cl, left);
		if (err == -EINTR)
			return umem_because(why, err, "interrupted");
		/* Takes messages, of which EXPORT is one; no READ is open. */
		err = rdma_client_poll(cl, &none, 1);
		if (err >= 0)
			continue;
		/* Before EXPORT a loss is a refusal. */
		err = cl->lost_errno == -ECONNRESET ? -EPROTO : cl->lost_errno;
		return umem_because(why, err, "%s", cl->why.text);
	}
	return 0;
}

int rdma_client_connect(struct rdma_client *cl,
			const struct rdma_client_options *opt,
			struct umem_why *why)
{
	int err;

	cl->cm = rdma_create_event_channel();
	if (!cl->cm)
		return umem_because(why, -errno,
			"no rdma_cm here; is the module rdma_ucm loaded?");
	cl->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = cl->epoll_fd < 0 ? -errno : rdma_client_add_fd(cl, cl->cm->fd);
	if (err)
		return umem_because(why, err, "epoll");
	err = resolve(cl, opt, why);
	if (err)
		return err;
	err = rdma_client_make_queues(cl, opt->reads_inflight, why);
	if (err)
		return err;
	err = establish(cl, opt, why);
	if (err)
		return err;
	return shake_hands(cl, opt, why);
}
