// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The client library of userspace and servers that break the protocol, one
 * test for each way: the errno that the provider in the kernel gives as well,
 * with a sentence. From a server that misbehaves later no wrong byte comes.
 *
 * needs: rxe
 * timeout: 240
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rdma_attach.h"
#include "lib/touch.h"
#include "provider/lib/rdma_client.h"

#define PAGE	4096
#define DEPTH	8

static pid_t server;
static uint64_t buffer[DEPTH][PAGE / 8];

static int start(void **state)
{
	(void)state;
	server = hostile_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	hostile_kill(server);
	return 0;
}

static int open_mode(struct rdma_client **cl, enum hostile_mode mode,
		     struct umem_why *why)
{
	struct umem_rdma_attach arg = attach_arg(-1, mode);
	struct rdma_client_options opt = {
		.export_id = mode,
		.reads_inflight = DEPTH,
		.timeout_ms = arg.connect_timeout_ms,
		.ack_timeout_ms = arg.ack_timeout_ms,
	};

	memcpy(&opt.dst, arg.dst, sizeof(arg.dst));
	return rdma_client_open(cl, &opt, why);
}

/*
 * These are for the user of the library to refuse, who knows the region; and
 * one that comes at once may come before the connection is handed over.
 */
static int wanted(enum hostile_mode mode)
{
	if (mode == HOSTILE_EXPORT_SMALL || mode == HOSTILE_EXPORT_GRANULE_2M)
		return 0;
	return -hostile_ways[mode].err;
}

static void fits(struct rdma_client *cl, enum hostile_mode mode)
{
	const struct umem_wire_export *exp = rdma_client_export(cl);
	int err = umem_wire_export_fits(exp, HOSTILE_SIZE, PAGE);

	assert_int_equal(err, -hostile_ways[mode].err);
}

/* Every READ comes back, with the right bytes or with a status. */
static int read_some(struct rdma_client *cl, uint32_t lkey)
{
	struct rdma_client_done done[DEPTH];
	unsigned int open = 0, i;
	int n, err = 0;

	for (i = 0; i < DEPTH && !err; i++) {
		err = rdma_client_read(cl, i, i * PAGE, buffer[i], lkey, PAGE);
		open += !err;
	}
	while (open) {
		n = rdma_client_poll(cl, done, DEPTH);
		assert_true(n >= 0);
		for (i = 0; i < (unsigned int)n; i++) {
			uint64_t at = done[i].cookie * PAGE;

			if (done[i].status)
				assert_int_equal(done[i].status, -ECONNRESET);
			else
				assert_true(buffer[done[i].cookie][3] ==
					    hostile_word(at + 24));
		}
		open -= n;
		if (!n)
			rdma_client_wait(cl, 1000);
	}
	return err;
}

/* Until it is lost, or for as long as it must hold. */
static void use(struct rdma_client *cl, enum hostile_mode mode)
{
	bool holds = mode == HOSTILE_GOOD || mode == HOSTILE_KEEPALIVE_FIRST ||
		mode == HOSTILE_LIVE_FLOOD;
	double until = test_now() + (holds ? 1 : TEST_SECONDS);
	uint32_t lkey;
	int err = 0;

	assert_int_equal(rdma_client_register(cl, buffer, sizeof(buffer), &lkey), 0);
	while (!err && test_now() < until) {
		/* READs need no server that listens. */
		if (mode == HOSTILE_LIVE_DEAF)
			rdma_client_keepalive(cl);
		err = read_some(cl, lkey);
	}
	if (holds) {
		assert_int_equal(err, 0);
		return;
	}
	assert_int_equal(err, -ECONNRESET);
	assert_true(rdma_client_lost(cl));
	printf("# %s: %s\n", hostile_ways[mode].name, rdma_client_why(cl)->text);
}

static void try_mode(void **state)
{
	enum hostile_mode mode = (uintptr_t)*state;
	struct umem_why why = { "" };
	struct rdma_client *cl;
	int err, i;

	err = open_mode(&cl, mode, &why);
	for (i = 1; i < HOSTILE_TRIES && hostile_was_early(mode, err); i++)
		err = open_mode(&cl, mode, &why);
	if (mode == HOSTILE_LIVE_AT_ONCE && err) {
		assert_int_equal(err, -EPROTO);
		return;
	}
	if (err)
		printf("# %s: %s\n", hostile_ways[mode].name, why.text);
	assert_int_equal(err, wanted(mode));
	if (err) {
		assert_null(cl);
		assert_true(strlen(why.text) > 10);
		return;
	}
	if (hostile_ways[mode].err)
		fits(cl, mode);
	else
		use(cl, mode);
	rdma_client_close(cl);
}

int main(void)
{
	static struct CMUnitTest tests[HOSTILE_NR_MODES];
	uintptr_t i;

	for (i = 0; i < HOSTILE_NR_MODES; i++) {
		tests[i].name = hostile_ways[i].name;
		tests[i].test_func = try_mode;
		tests[i].initial_state = (void *)i;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
