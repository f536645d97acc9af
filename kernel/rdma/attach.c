// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a channel fd and an address to a region that is provided, and back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>

#include "session.h"

static void umem_rdma_detach(void *priv)
{
	struct umem_rdma_session *s = priv;

	/* The region may go away before UMEM_RDMA_IOC_ATTACH has returned. */
	wait_for_completion(&s->published);
	umem_rdma_session_close(s);
	umem_rdma_session_free(s);
}

static void umem_rdma_describe(void *priv, char *buf, size_t size)
{
	struct umem_rdma_session *s = priv;

	scnprintf(buf, size, "rdma://%pISpc/%llu", &s->dst, s->export_id);
}

static const struct umem_provider_ops umem_rdma_ops = {
	.owner = THIS_MODULE,
	.name = "rdma",
	.submit = umem_rdma_submit,
	.kick = umem_rdma_kick,
	.detach = umem_rdma_detach,
	.describe = umem_rdma_describe,
};

/*
 * The core has the session and may detach it already, but detach waits for us.
 */
static void umem_rdma_publish(struct umem_rdma_session *s)
{
	pr_info("rdma://%pISpc/%llu: attached; without a pre-shared key the server is not authenticated\n",
		&s->dst, s->export_id);
	queue_delayed_work(umem_rdma_wq, &s->tick, s->tick_period);
	complete(&s->published);
}

/**
 * umem_rdma_attach - UMEM_RDMA_IOC_ATTACH with its argument validated
 * @arg: the argument.
 * @dst: the server's address out of it.
 *
 * Returns 0, or one of the errors that struct umem_rdma_attach documents.
 */
int umem_rdma_attach(const struct umem_rdma_attach *arg,
		     const struct sockaddr_storage *dst)
{
	struct umem_attach_info info;
	struct umem_attachment *att;
	struct umem_rdma_session *s;
	int err;

	att = umem_attach_begin(arg->channel_fd, &info);
	if (IS_ERR(att))
		return PTR_ERR(att);

	s = umem_rdma_session_new(att, &info, arg, dst);
	if (IS_ERR(s)) {
		err = PTR_ERR(s);
		goto abort;
	}
	err = umem_rdma_connect(s);
	if (err)
		goto close;
	/* A granule of scattered pages is read in pieces. */
	err = umem_wire_export_fits(&s->export, info.size,
				    s->request_wrs > 1 ? PAGE_SIZE :
				    info.granule);
	if (err)
		goto close;
	err = umem_attach_commit(att, &umem_rdma_ops, s);
	if (err)
		goto close;
	umem_rdma_publish(s);
	return 0;

close:
	umem_rdma_session_close(s);
	/* Whatever the server said has been received by now. */
	if (s->verdict)
		err = s->verdict;
	umem_rdma_session_free(s);
abort:
	umem_attach_abort(att);
	return err;
}
