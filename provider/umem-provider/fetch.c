// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a request to its answer.
 *
 * Only as many requests are taken as READs can be begun: what waits in the
 * kernel's queue is still sorted there, demand first.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "provider.h"

/* ---- Requests ------------------------------------------------------------ */

static int bad_request(struct provider *p, int err,
		       const struct umem_record *record)
{
	struct umem_why why;

	if (err == -EOPNOTSUPP)
		umem_because(&why, err,
			"it asks for operation %u; this umem-provider is older than the kernel's umem",
			record->op);
	else
		umem_because(&why, err, "it sent a request that makes no sense");
	umem_say_failed(err, &why, "reading the channel of %s", p->opt->target);
	return err;
}

/* Appends @wanted, or makes the last one longer when it goes on there. */
static void add_to_backlog(struct provider *p, const struct umem_wanted *wanted)
{
	struct umem_wanted *last = p->backlog + p->backlog_count - 1;

	if (p->backlog_count && last->offset + last->length == wanted->offset &&
	    last->length + wanted->length <= p->slot_size)
		last->length += wanted->length;
	else
		p->backlog[p->backlog_count++] = *wanted;
}

static int read_failed(struct provider *p, int err)
{
	struct umem_why why;

	umem_because(&why, err, err == -EBUSY ?
		     "another provider has claimed the channel" :
		     "the channel cannot be read");
	umem_say_failed(err, &why, "reading the channel of %s", p->opt->target);
	return err;
}

/* Fills the empty backlog, with no more requests than there are slots. */
static int read_requests(struct provider *p)
{
	struct umem_record records[PROVIDER_BATCH];
	size_t room = p->free_count < PROVIDER_BATCH ? p->free_count :
		PROVIDER_BATCH;
	struct umem_wanted wanted;
	ssize_t i, n;
	int err;

	n = read(p->channel, records, room * sizeof(records[0]));
	if (!n || (n < 0 && errno == EPIPE))
		return PROVIDER_END;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
			read_failed(p, -errno);
	n /= sizeof(records[0]);
	p->backlog_next = 0;
	p->backlog_count = 0;
	for (i = 0; i < n; i++) {
		err = umem_record_read_request(&records[i], &wanted);
		if (err)
			return bad_request(p, err, &records[i]);
		/* CANCEL is advice. */
		if (wanted.op != UMEM_OP_CANCEL)
			add_to_backlog(p, &wanted);
	}
	return 1;
}

static int answer_fail(struct provider *p, const struct umem_wanted *wanted,
		       enum umem_status status)
{
	struct umem_record record;

	umem_record_make_fail(&record, wanted->offset, wanted->length, status);
	if (write(p->channel, &record, sizeof(record)) == sizeof(record))
		return 1;
	if (errno == EPIPE)
		return PROVIDER_END;
	umem_say_failed(errno, NULL, "answering FAIL to %s", p->opt->target);
	return -errno;
}

/* Begins a READ for the first part of @wanted, as much as a slot takes. */
static int begin_read(struct provider *p, struct umem_wanted *wanted)
{
	unsigned int index = p->free_slots[p->free_count - 1];
	struct provider_slot *slot = &p->slots[index];
	int err;

	slot->offset = wanted->offset;
	slot->length = wanted->length < p->slot_size ? wanted->length :
		p->slot_size;
	err = rdma_client_read(p->client, index, slot->offset, slot->bytes,
			       p->lkey, slot->length);
	if (err)
		return err;
	p->free_count--;
	wanted->offset += slot->length;
	wanted->length -= slot->length;
	return 0;
}

/*
 * Takes what is requested and begins READs. What cannot be read because the
 * export ends before is a verdict on the data; all else is a lost server.
 */
int provider_requests(struct provider *p)
{
	struct umem_wanted *wanted;
	int err, done = 0;

	while (p->free_count) {
		if (p->backlog_next == p->backlog_count) {
			err = read_requests(p);
			if (err != 1)
				return err ? err : done;
			done = 1;
			continue;
		}
		wanted = &p->backlog[p->backlog_next];
		err = begin_read(p, wanted);
		if (err == -ERANGE) {
			err = answer_fail(p, wanted, UMEM_STATUS_RANGE);
			if (err != 1)
				return err;
			wanted->length = 0;
		} else if (err) {
			return provider_lost(p);
		}
		if (!wanted->length)
			p->backlog_next++;
		done = 1;
	}
	return done;
}

/* ---- Answers ------------------------------------------------------------- */

static int write_failed(struct provider *p, int err)
{
	if (err == -EPIPE)
		return PROVIDER_END;
	umem_say_failed(err, NULL, "answering DATA to %s", p->opt->target);
	return err;
}

/*
 * One write for all of them; the kernel may take fewer, in whole records. Two
 * pieces a record: a payload of its own page is what devices and copies like.
 */
static int write_answers(struct provider *p, const struct rdma_client_done *done,
			 unsigned int count)
{
	struct umem_record records[PROVIDER_BATCH];
	struct iovec iov[2 * PROVIDER_BATCH];
	const struct provider_slot *slot;
	unsigned int i, first = 0;
	ssize_t n;

	for (i = 0; i < count; i++) {
		slot = &p->slots[done[i].cookie];
		umem_record_make_data(&records[i], slot->offset, slot->length);
		iov[2 * i].iov_base = &records[i];
		iov[2 * i].iov_len = sizeof(records[i]);
		iov[2 * i + 1].iov_base = slot->bytes;
		iov[2 * i + 1].iov_len = slot->length;
	}
	while (first < count) {
		n = writev(p->channel, iov + 2 * first, 2 * (count - first));
		if (n < 0 && errno != EINTR)
			return write_failed(p, -errno);
		while (n > 0 && first < count) {
			n -= iov[2 * first].iov_len + iov[2 * first + 1].iov_len;
			first++;
		}
	}
	return 1;
}

/* Takes the READs that have ended and answers with their bytes. */
int provider_answers(struct provider *p)
{
	struct rdma_client_done done[PROVIDER_BATCH];
	int i, n, err;

	n = rdma_client_poll(p->client, done, PROVIDER_BATCH);
	for (i = 0; i < n; i++)
		if (done[i].status)
			break;
	/* A READ that failed is not answered: the kernel asks another provider. */
	if (n < 0 || i < n)
		return provider_lost(p);
	if (!n)
		return 0;
	err = write_answers(p, done, n);
	for (i = 0; i < n; i++)
		p->free_slots[p->free_count++] = done[i].cookie;
	return err;
}
