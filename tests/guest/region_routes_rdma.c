// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ibv_reg_mr() of missing granules: a pin for as long as the program likes. A
 * device that reads and writes there sees the provider's bytes and what the
 * program sees, and nothing else.
 *
 * needs: umem rxe
 * timeout: 180
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/routes.h"
#include "lib/touch.h"

#define ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | \
		IBV_ACCESS_REMOTE_WRITE)

/* A queue pair that is connected to itself, and memory of the program. */
struct loop {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *own;
	char *buf;
};

static int open_device(struct loop *l)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 4, .max_recv_wr = 1,
			 .max_send_sge = 1, .max_recv_sge = 1 },
	};

	if (!list || !list[0])
		return -1;
	l->context = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	l->pd = ibv_alloc_pd(l->context);
	l->cq = ibv_create_cq(l->context, 8, NULL, NULL, 0);
	init.send_cq = l->cq;
	init.recv_cq = l->cq;
	l->qp = ibv_create_qp(l->pd, &init);
	l->buf = mmap(NULL, ROUTE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	l->own = ibv_reg_mr(l->pd, l->buf, ROUTE_SIZE, ACCESS);
	return l->qp && l->own ? 0 : -1;
}

/* The one with the address of eth0; others are of IPv6. */
static int find_gid(struct loop *l, union ibv_gid *gid)
{
	int i;

	for (i = 0; !ibv_query_gid(l->context, 1, i, gid); i++)
		if (gid->raw[10] == 0xff && gid->raw[11] == 0xff)
			return i;
	return -1;
}

static int connect_to_itself(struct loop *l)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT, .port_num = 1,
		.qp_access_flags = ACCESS,
	};
	union ibv_gid gid;
	int index = find_gid(l, &gid);

	if (index < 0 || ibv_modify_qp(l->qp, &attr, IBV_QP_STATE |
				       IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				       IBV_QP_ACCESS_FLAGS))
		return -1;
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024,
		.dest_qp_num = l->qp->qp_num, .max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1, .port_num = 1,
			.grh = { .dgid = gid, .sgid_index = index,
				 .hop_limit = 64 },
		},
	};
	if (ibv_modify_qp(l->qp, &attr, IBV_QP_STATE | IBV_QP_AV |
			  IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			  IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER))
		return -1;
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7,
		.rnr_retry = 7, .max_rd_atomic = 1,
	};
	return ibv_modify_qp(l->qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT |
			     IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			     IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

/* @length bytes between the start of l->buf and @offset of @mr. 0 or -1. */
static int move(struct loop *l, struct ibv_mr *mr, enum ibv_wr_opcode opcode,
		size_t offset, size_t length)
{
	struct ibv_sge sge = { (uintptr_t)l->buf, length, l->own->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { (uintptr_t)mr->addr + offset, mr->rkey },
	}, *bad;
	double end = test_now() + TEST_SECONDS;
	struct ibv_wc wc;
	int got;

	if (ibv_post_send(l->qp, &wr, &bad))
		return -1;
	do {
		got = ibv_poll_cq(l->cq, 1, &wc);
	} while (!got && test_now() < end);
	return got == 1 && wc.status == IBV_WC_SUCCESS ? 0 : -1;
}

static struct loop loop;

/* The program's memory is registered before: what fails is the region's. */
static struct ibv_mr *register_region(int access)
{
	if (open_device(&loop) || connect_to_itself(&loop))
		_exit(199);
	errno = 0;
	return ibv_reg_mr(loop.pd, route_mem, ROUTE_SIZE, access);
}

static int by_reg_mr(void)
{
	struct ibv_mr *mr = register_region(ACCESS);

	if (!mr)
		return errno;
	if (move(&loop, mr, IBV_WR_RDMA_READ, 0, ROUTE_SIZE))
		return ROUTE_WRONG;
	return route_check(ROUTE_SIZE, loop.buf, ROUTE_SIZE, 0);
}

/* For a device that only reads. */
static int by_reg_mr_read_only(void)
{
	struct ibv_mr *mr = register_region(IBV_ACCESS_REMOTE_READ);

	if (!mr)
		return errno;
	if (move(&loop, mr, IBV_WR_RDMA_READ, 0, ROUTE_SIZE))
		return ROUTE_WRONG;
	return route_check(ROUTE_SIZE, loop.buf, ROUTE_SIZE, 0);
}

static int stays_coherent(void)
{
	struct ibv_mr *mr = register_region(ACCESS);

	if (!mr)
		return 1;
	/* What can part a pin from its page: reclaim, dropping, moving. */
	madvise(route_mem, ROUTE_SIZE, MADV_PAGEOUT);
	madvise(route_mem, ROUTE_SIZE, MADV_DONTNEED);
	if (pwrite(route_region, "program", 7, 100) != 7 ||
	    move(&loop, mr, IBV_WR_RDMA_READ, 0, TEST_PAGE))
		return 2;
	if (memcmp(loop.buf + 100, "program", 7) ||
	    *(uint64_t *)loop.buf != pattern_word(0, 0))
		return 3;
	strcpy(loop.buf, "device");
	madvise(route_mem, ROUTE_SIZE, MADV_PAGEOUT);
	if (move(&loop, mr, IBV_WR_RDMA_WRITE, 5 * TEST_PAGE + 8, 6))
		return 4;
	if (memcmp(route_mem + 5 * TEST_PAGE + 8, "device", 6) ||
	    *route_word(5, 0) != pattern_word(5, 0) ||
	    pread(route_region, loop.buf, 6, 5 * TEST_PAGE + 8) != 6 ||
	    memcmp(loop.buf, "device", 6))
		return 5;
	/* The pin outlives the mapping. */
	if (munmap(route_mem, ROUTE_SIZE))
		return 6;
	strcpy(loop.buf, "again");
	if (move(&loop, mr, IBV_WR_RDMA_WRITE, 6 * TEST_PAGE, 5) ||
	    pread(route_region, loop.buf, 5, 6 * TEST_PAGE) != 5 ||
	    memcmp(loop.buf, "again", 5))
		return 7;
	return 0;
}

static void pinned_pages_stay(void **state)
{
	static struct pattern_provider provider;

	(void)state;
	routes_make(UMEM_WAIT_HARD);
	pattern_provider_start(&provider, route_region);
	assert_int_equal(route_in_child(stays_coherent), 0);
	pattern_provider_stop(&provider);
}

int main(void)
{
	static const struct route routes[] = {
		{ "ibv_reg_mr", by_reg_mr, EFAULT, ROUTE_MAY_END },
		{ "ibv_reg_mr to read", by_reg_mr_read_only, EFAULT, ROUTE_MAY_END },
	};
	const struct CMUnitTest more[] = {
		cmocka_unit_test_teardown(pinned_pages_stay, routes_drop),
	};

	return routes_run(routes, more);
}
