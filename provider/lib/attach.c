// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UMEM_RDMA_IOC_ATTACH and its errors; the choice between providers.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attach.h"

static const struct umem_clause device_clauses[] = {
	{ ENOENT, "the umem_rdma module is not loaded; try modprobe umem_rdma, or use --user" },
	{ ENODEV, "the device node has no driver; load the umem_rdma module" },
	{ ENXIO, "the device node is left over and its module is gone; load the umem_rdma module" },
	{ EACCES, "only root may attach a provider in the kernel; --user does without" },
	{ EPERM, "a security policy forbids it; look into the audit log" },
	{ EMFILE, "this process has too many open files; raise ulimit -n" },
	{ ENFILE, "the system has too many open files" },
	{ 0, "the device cannot be opened" },
};

static const struct umem_clause attach_clauses[] = {
	{ EPERM, "a provider in the kernel needs CAP_NET_ADMIN; be root or use --user" },
	{ EBADF, "the channel's descriptor is not open" },
	{ ENOTTY, "the descriptor is no channel, or the device is not umem's" },
	{ EBUSY, "the channel belongs to another provider already" },
	{ EPIPE, "the channel was ended meanwhile, or its region is gone" },
	{ EAFNOSUPPORT, "the server's address is neither IPv4 nor IPv6" },
	{ EINVAL, "the module takes a limit for wrong; it may be older than this tool" },
	{ E2BIG, "this tool is newer than the module and asks for what that does not know" },
	{ EADDRNOTAVAIL, "no address of this machine that RDMA can use reaches the server; see rdma link" },
	{ ENODEV, "no RDMA device reaches the server, or one of iWARP, which the module cannot use; see rdma link, or add one: rdma link add NAME type rxe netdev DEV" },
	{ EHOSTUNREACH, "no route to the server's host; check the address and ip neigh" },
	{ ENETUNREACH, "no route to the server's network; check ip route" },
	{ ETIMEDOUT, "the server did not answer in time; check that it runs, and the network on the way" },
	{ ECONNREFUSED, "no memory server listens there; check the port and that umem-serve runs" },
	{ ECONNRESET, "the server closed the connection before it was live; look into its log" },
	{ ENOENT, "the server has no export of that number; look at its --export options" },
	{ EPROTONOSUPPORT, "the server speaks another version of the protocol; update the older end" },
	{ EPROTO, "what answers there is no umem server, or it broke the protocol" },
	{ EKEYREJECTED, "the pre-shared keys do not match, or only one end has one" },
	{ EUSERS, "the server has no room for another client; try again later" },
	{ EREMOTEIO, "the server cannot read or register the export; look into its log" },
	{ ERANGE, "the region is larger than the export; make a smaller region or export more" },
	{ ESTALE, "the export's content changed since this region was begun" },
	{ ENOMEM, "out of memory, or of locked memory (ulimit -l)" },
	{ EINTR, "a signal came first; try again" },
	{ EFAULT, "the request could not be read" },
	{ 0, "the connection could not be made" },
};

const char *umem_attach_explain(int err)
{
	return umem_clause_find(attach_clauses, err);
}

static int attach_fill(struct umem_rdma_attach *arg, int channel,
		       const struct umem_source *source,
		       const struct umem_attach_limits *limits,
		       struct umem_why *why)
{
	struct sockaddr_storage addr;
	socklen_t length = 0;
	int err;

	err = umem_source_resolve(source, &addr, &length, why);
	if (err)
		return err;
	if (length > sizeof(arg->dst))
		return umem_because(why, -EAFNOSUPPORT, "%s",
				    umem_attach_explain(EAFNOSUPPORT));
	memset(arg, 0, sizeof(*arg));
	memcpy(arg->dst, &addr, length);
	arg->channel_fd = channel;
	arg->export_id = source->export_id;
	arg->reads_inflight = limits->reads_inflight;
	arg->connect_timeout_ms = limits->connect_timeout_ms;
	arg->ack_timeout_ms = limits->ack_timeout_ms;
	return 0;
}

static int rdma_attach(int channel, const struct umem_source *source,
		       const struct umem_attach_limits *limits,
		       struct umem_why *why)
{
	struct umem_rdma_attach arg;
	int device, err;

	err = attach_fill(&arg, channel, source, limits, why);
	if (err)
		return err;
	device = open(UMEM_RDMA_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0) {
		err = -errno;
		return umem_because(why, err, "%s: %s", UMEM_RDMA_DEVICE,
				    umem_clause_find(device_clauses, err));
	}
	err = ioctl(device, UMEM_RDMA_IOC_ATTACH, &arg) < 0 ? -errno : 0;
	if (err)
		umem_because(why, err, "%s", umem_attach_explain(err));
	close(device);
	return err;
}

static int sim_attach(int channel, const struct umem_source *source,
		      struct umem_why *why)
{
	int device = umem_sim_attach(channel, &source->sim, why);

	if (device < 0)
		return device;
	close(device);
	return 0;
}

int umem_kernel_attach(int channel, const struct umem_source *source,
		       const struct umem_attach_limits *limits,
		       struct umem_why *why)
{
	switch (source->kind) {
	case UMEM_SOURCE_RDMA:
		return rdma_attach(channel, source, limits, why);
	case UMEM_SOURCE_SIM:
		return sim_attach(channel, source, why);
	default:
		return umem_because(why, -EOPNOTSUPP,
				    "this version reads from rdma://HOST:PORT/ID only");
	}
}
