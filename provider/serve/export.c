// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files that clients may read: opening, mapping, registering with a device.
 *
 * The server itself never touches the mapping, only the device does, through
 * pages that are pinned while a client is there: a file that is truncated
 * under us costs a registration, not a SIGBUS. A file that changes would give
 * its clients a mixture of old and new pages; so after a change no new client is
 * let in (for one that is connected already it comes too late).
 *
 * What a device may pin of a mapping depends on the kernel:
 *  - since 6.2 a read-only shared mapping is pinned as it is (from source): no
 *    copy, the page cache is what clients read;
 *  - before, pinning always means pinning for writing. A read-only shared
 *    mapping is then EFAULT (measured on 6.1), and a private one is copied,
 *    page by page, as if it were written: the export is in memory a second
 *    time, once for all clients. Its file need not be open for writing, which
 *    a program in use (ETXTBSY) or a read-only file system would not allow.
 * The bytes behind the end of the file in its last page are zero in both.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/umem.h>

#include "export.h"

static int map(struct serve_export *exp)
{
	int kind = exp->private ? MAP_PRIVATE : MAP_SHARED;

	exp->addr = mmap(NULL, exp->size, PROT_READ, kind, exp->fd, 0);
	if (exp->addr == MAP_FAILED) {
		exp->addr = NULL;
		return -errno;
	}
	return 0;
}

/* Size, time and inode, none of them readable without the nonce of the run. */
static void set_content_id(struct serve_export *exp,
			   const uint8_t run_nonce[UMEM_RDMA_CONTENT_ID])
{
	uint64_t id[3] = {
		exp->stat.st_size,
		exp->stat.st_mtim.tv_sec * 1000000000ULL +
			exp->stat.st_mtim.tv_nsec,
		exp->stat.st_ino,
	};
	unsigned int i;

	_Static_assert(sizeof(id) == UMEM_RDMA_CONTENT_ID, "content id");
	memcpy(exp->content_id, id, sizeof(id));
	for (i = 0; i < sizeof(exp->content_id); i++)
		exp->content_id[i] ^= run_nonce[i];
}

static int look_at_file(struct serve_export *exp, struct umem_why *why)
{
	uint64_t mask = UMEM_GRANULE_SIZE - 1;

	if (fstat(exp->fd, &exp->stat))
		return umem_because(why, -errno, "it cannot be looked at");
	if (S_ISDIR(exp->stat.st_mode))
		return umem_because(why, -EISDIR, "it is a directory; export a file");
	if (!S_ISREG(exp->stat.st_mode))
		return umem_because(why, -EINVAL, "it is no regular file");
	if (exp->stat.st_size <= 0)
		return umem_because(why, -EINVAL, "the file is empty");
	exp->size = ((uint64_t)exp->stat.st_size + mask) & ~mask;
	return 0;
}

int serve_export_open(struct serve_export *exp, uint64_t id, const char *path,
		      const uint8_t run_nonce[UMEM_RDMA_CONTENT_ID],
		      struct umem_why *why)
{
	int err;

	memset(exp, 0, sizeof(*exp));
	exp->id = id;
	exp->path = path;
	/* O_NONBLOCK: a fifo must not hold us up before it is refused. */
	exp->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (exp->fd < 0)
		return umem_because(why, -errno, "it cannot be opened for reading");
	err = look_at_file(exp, why);
	if (!err) {
		set_content_id(exp, run_nonce);
		err = map(exp);
		if (err)
			umem_because(why, err, "it cannot be mapped");
	}
	if (err)
		serve_export_close(exp);
	return err;
}

void serve_export_close(struct serve_export *exp)
{
	if (exp->addr)
		munmap(exp->addr, exp->size);
	if (exp->fd >= 0)
		close(exp->fd);
	exp->addr = NULL;
	exp->fd = -1;
}

static int check_unchanged(const struct serve_export *exp, struct umem_why *why)
{
	struct stat now;

	if (fstat(exp->fd, &now))
		return umem_because(why, -errno, "%s cannot be looked at", exp->path);
	if (now.st_size != exp->stat.st_size ||
	    now.st_mtim.tv_sec != exp->stat.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != exp->stat.st_mtim.tv_nsec)
		return umem_because(why, -ESTALE,
			"%s was changed while it is exported; start umem-serve anew",
			exp->path);
	return 0;
}

/* The mapping that older kernels can pin, in place of the shared one. */
static int map_private(struct serve_export *exp)
{
	munmap(exp->addr, exp->size);
	exp->private = true;
	return map(exp);
}

static struct ibv_mr *try_register(struct serve_export *exp, struct ibv_pd *pd)
{
	struct ibv_mr *mr;

	if (!exp->addr) {
		errno = EFAULT;
		return NULL;
	}
	mr = ibv_reg_mr(pd, exp->addr, exp->size, IBV_ACCESS_REMOTE_READ);
	if (mr || exp->private || (errno != EFAULT && errno != EOPNOTSUPP))
		return mr;
	/* No client has it registered: the first registration comes here. */
	if (map_private(exp))
		return NULL;
	umem_say("export %llu: this kernel pins files only as a copy: %llu bytes of memory for %s",
		 (unsigned long long)exp->id, (unsigned long long)exp->size,
		 exp->path);
	return ibv_reg_mr(pd, exp->addr, exp->size, IBV_ACCESS_REMOTE_READ);
}

static int register_failed(const struct serve_export *exp, int err,
			   struct umem_why *why)
{
	if (err == -ENOMEM)
		return umem_because(why, err,
			"%s cannot be pinned; raise the limit of locked memory (ulimit -l) or add memory",
			exp->path);
	return umem_because(why, err, "%s cannot be registered", exp->path);
}

int serve_export_register(struct serve_export *exp, struct ibv_pd *pd,
			  struct ibv_mr **mr, struct umem_why *why)
{
	int err;

	*mr = NULL;
	err = check_unchanged(exp, why);
	if (err)
		return err;
	*mr = try_register(exp, pd);
	if (!*mr)
		return register_failed(exp, -errno, why);
	/* A change meanwhile may have been caught half. */
	err = check_unchanged(exp, why);
	if (err) {
		ibv_dereg_mr(*mr);
		*mr = NULL;
	}
	return err;
}

/*
 * The first registration reads the file, and copies it where that is needed:
 * longer than a client waits. So it is done once before there are any.
 */
int serve_export_prepare(struct serve_export *exp, struct ibv_context *device,
			 struct umem_why *why)
{
	struct ibv_pd *pd = ibv_alloc_pd(device);
	struct ibv_mr *mr;
	int err;

	if (!pd)
		return umem_because(why, -errno, "%s gives no protection domain",
				    ibv_get_device_name(device->device));
	err = serve_export_register(exp, pd, &mr, why);
	if (mr)
		ibv_dereg_mr(mr);
	ibv_dealloc_pd(pd);
	return err;
}
