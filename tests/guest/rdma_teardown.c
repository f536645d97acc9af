// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem_rdma at its ends: killed while it connects, region closed, detached or
 * server killed while READs are in flight, module unloaded. Nothing hangs, no
 * byte is wrong, and another server goes on where the first stopped.
 *
 * needs: rxe umem umem_rdma
 * timeout: 300
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/pattern_provider.h"
#include "lib/rdma_attach.h"
#include "lib/touch.h"
#include "provider/lib/region.h"

#define GRANULES	(HOSTILE_SIZE / TEST_PAGE)
#define INFLIGHT	32
#define THREADS		8

static pid_t server;

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

static int hard_region(void)
{
	return test_region(HOSTILE_SIZE, UMEM_WAIT_HARD, 0, INFLIGHT);
}

/* References to a module of ours, other modules' included. */
static int module_users(const char *name)
{
	char path[64];
	int users = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &users), 1);
	fclose(f);
	return users;
}

static void wait_unused(void)
{
	AWAIT(!module_users("umem_rdma"));
}

/* ---- Readers: threads that touch every granule of a mapping -------------- */

struct readers {
	pthread_t thread[THREADS];
	const volatile uint64_t *words;
	unsigned int wrong[THREADS];
	unsigned int started;
	volatile unsigned int done;
};

static void *reader(void *arg)
{
	struct readers *r = arg;
	unsigned int me = __atomic_fetch_add(&r->started, 1, __ATOMIC_SEQ_CST);

	/* Half of the threads share their granules with another. */
	for (uint64_t i = 0; i < GRANULES; i++) {
		uint64_t granule = (i * 37 + me / 2 * 251) % GRANULES;

		for (uint64_t at = granule * TEST_PAGE;
		     at < (granule + 1) * TEST_PAGE; at += 8)
			if (r->words[at / 8] != hostile_word(at))
				r->wrong[me]++;
		__atomic_fetch_add(&r->done, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void readers_start(struct readers *r, int region)
{
	memset(r, 0, sizeof(*r));
	r->words = mmap(NULL, HOSTILE_SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_ptr_not_equal(r->words, MAP_FAILED);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&r->thread[i], NULL, reader, r),
				 0);
}

static void readers_join(struct readers *r)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(r->thread[i], NULL), 0);
		assert_int_equal(r->wrong[i], 0);
	}
	assert_int_equal(r->done, THREADS * GRANULES);
	munmap((void *)r->words, HOSTILE_SIZE);
}

/* Until some more granules were read; so READs are in flight now. */
static void wait_progress(struct readers *r)
{
	unsigned int before = r->done;
	double end = test_now() + TEST_SECONDS;

	while (r->done < before + 50 && r->done < THREADS * GRANULES) {
		assert_true(test_now() < end);
		usleep(200);
	}
}

/* ---- Killed while it connects -------------------------------------------- */

/* It is gone long before it would give up. */
static void kill_attaching(int channel, enum hostile_mode mode,
			   const char *address)
{
	struct umem_rdma_attach arg = attach_arg(channel, mode);
	int status;
	pid_t pid;

	arg.connect_timeout_ms = 2 * 1000 * TEST_SECONDS;
	if (address)
		inet_pton(AF_INET, address,
			  &((struct sockaddr_in *)arg.dst)->sin_addr);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(attach(&arg));
	usleep(300000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_true(WIFSIGNALED(test_kill(pid)));
}

static void killed_while_connecting(void **state)
{
	int region = hard_region();
	int channel = umem_region_channel(region, 0);
	struct umem_rdma_attach arg = attach_arg(channel, HOSTILE_GOOD);

	(void)state;
	/* Resolving the address, connecting, in the handshake (twice). */
	kill_attaching(channel, HOSTILE_GOOD, "10.0.0.77");
	kill_attaching(channel, HOSTILE_REQUEST_IGNORED, NULL);
	kill_attaching(channel, HOSTILE_ACCEPT_MUTE, NULL);
	kill_attaching(channel, HOSTILE_ACCEPT_NO_RECV, NULL);
	/* Undone at once: no other process holds the device or the channel. */
	assert_int_equal(module_users("umem_rdma"), 0);
	assert_int_equal(attach(&arg), 0);
	close(channel);
	assert_int_equal(read_granule(region, 7), 0);
	close(region);
	wait_unused();
}

/* ---- Its channel goes while it connects ---------------------------------- */

struct connecting {
	struct umem_rdma_attach arg;
	pthread_t thread;
	int err;
};

static void *connect_thread(void *arg)
{
	struct connecting *c = arg;

	c->err = attach(&c->arg);
	return NULL;
}

/* A thread attaches, and has claimed @channel; in a second it will give up. */
static void connecting_start(struct connecting *c, int region, int channel)
{
	c->arg = attach_arg(channel, HOSTILE_REQUEST_IGNORED);
	c->arg.connect_timeout_ms = 1000;
	assert_int_equal(pthread_create(&c->thread, NULL, connect_thread, c),
			 0);
	for (int i = 0; test_status(region).provider_kind !=
			UMEM_PROVIDER_ATTACHING; i++) {
		assert_true(i < 5000);
		usleep(1000);
	}
}

static int connecting_join(struct connecting *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
	return c->err;
}

/* It keeps the channel, and nobody has it when it gives up. */
static void closed_while_connecting(void **state)
{
	int region = hard_region();
	int channel = umem_region_channel(region, 0);
	struct connecting c;

	(void)state;
	connecting_start(&c, region, channel);
	close(channel);
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_ATTACHING);
	assert_int_equal(umem_region_channel(region, 0), -EBUSY);
	assert_int_equal(connecting_join(&c), ETIMEDOUT);
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_NONE);
	channel = umem_region_channel(region, 0);
	assert_true(channel >= 0);
	close(channel);
	close(region);
	wait_unused();
}

/* What it gives up is not given back: the other channel stays the region's. */
static void replaced_while_connecting(void **state)
{
	int region = hard_region();
	int channel = umem_region_channel(region, 0);
	char record[16];
	struct connecting c;
	int other;

	(void)state;
	connecting_start(&c, region, channel);
	other = umem_region_channel(region, UMEM_CHANNEL_REPLACE);
	assert_true(other >= 0);
	assert_int_equal(connecting_join(&c), ETIMEDOUT);
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_USER);
	/* The end of the file. */
	assert_int_equal(read(channel, record, sizeof(record)), 0);
	close(channel);
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_USER);
	close(other);
	assert_int_equal(test_status(region).provider_kind,
			 UMEM_PROVIDER_NONE);
	close(region);
	wait_unused();
}

/* ---- The region's end ---------------------------------------------------- */

static void closed_with_reads_in_flight(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			int region = hard_region();
			struct readers r;

			if (attach_region(region, HOSTILE_GOOD))
				_exit(1);
			readers_start(&r, region);
			wait_progress(&r);
			/* The kernel closes all that, with READs under way. */
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	wait_unused();
}

static void attached_lives_with_the_mapping(void **state)
{
	int region = hard_region();
	volatile uint64_t *words;

	(void)state;
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	words = mmap(NULL, HOSTILE_SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_ptr_not_equal(words, MAP_FAILED);
	close(region);
	assert_int_equal(words[512], hostile_word(TEST_PAGE));
	assert_true(module_users("umem_rdma") > 0);
	munmap((void *)words, HOSTILE_SIZE);
	wait_unused();
}

static void closed_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		int region = hard_region();

		assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
		close(region);
	}
	wait_unused();
}

/* ---- Detached, and attached again ---------------------------------------- */

static void detached_with_reads_in_flight(void **state)
{
	int region = hard_region();
	struct readers r;

	(void)state;
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	readers_start(&r, region);
	for (int i = 0; i < 20; i++) {
		wait_progress(&r);
		assert_int_equal(umem_region_detach(region), 0);
		assert_int_equal(test_status(region).requests_issued, 0);
		assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	}
	readers_join(&r);
	assert_int_equal(test_status(region).granules_provided, GRANULES);
	assert_int_equal(test_status(region).bytes_copied, 0);
	close(region);
	wait_unused();
}

static void server_killed_with_reads_in_flight(void **state)
{
	int region = hard_region();
	struct readers r;

	(void)state;
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	readers_start(&r, region);
	wait_progress(&r);
	for (int i = 0; i < 5; i++) {
		hostile_kill(server);
		assert_true(wait_detached(region));
		server = hostile_start();
		assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
		wait_progress(&r);
	}
	readers_join(&r);
	assert_int_equal(test_status(region).granules_provided, GRANULES);
	assert_int_equal(test_status(region).bytes_copied, 0);
	close(region);
	wait_unused();
}

/* A thread that waits for a server that is gone can still be killed. */
static void killable_without_server(void **state)
{
	int region = hard_region();
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	hostile_kill(server);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(read_granule(region, 3));
	usleep(500000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	test_kill(pid);
	assert_true(wait_detached(region));
	close(region);
	server = hostile_start();
	wait_unused();
}

struct walker {
	const volatile char *mem;
	_Atomic unsigned int done;
	int signal;
};

/* Touches one granule after the other until a touch ends by a signal. */
static void *walk(void *arg)
{
	struct walker *w = arg;

	while (!w->signal && w->done < GRANULES) {
		w->signal = touch_read(w->mem + w->done * TEST_PAGE);
		w->done++;
		/* So that it is under way, for seconds, when the server dies. */
		usleep(5000);
	}
	return NULL;
}

/* Under fail-fast it gets SIGBUS instead, and the region can go on later. */
static void failfast_ends_with_the_server(void **state)
{
	int region = test_region(HOSTILE_SIZE, UMEM_WAIT_FAILFAST, 0, INFLIGHT);
	struct walker w = { .signal = 0 };
	pthread_t thread;

	(void)state;
	w.mem = mmap(NULL, HOSTILE_SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_true(w.mem != MAP_FAILED);
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	assert_int_equal(pthread_create(&thread, NULL, walk, &w), 0);
	AWAIT(w.done > 3);
	hostile_kill(server);
	pthread_join(thread, NULL);
	assert_int_equal(w.signal, SIGBUS);
	assert_true(wait_detached(region));

	server = hostile_start();
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	assert_int_equal(touch_read(w.mem + (w.done - 1) * TEST_PAGE), 0);
	munmap((void *)w.mem, HOSTILE_SIZE);
	close(region);
	wait_unused();
}

/* ---- The module's end ---------------------------------------------------- */

static void unload_refused_while_attached(void **state)
{
	int region = hard_region();

	(void)state;
	assert_int_equal(attach_region(region, HOSTILE_GOOD), 0);
	assert_int_equal(syscall(SYS_delete_module, "umem_rdma", O_NONBLOCK),
			 -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(read_granule(region, 0), 0);
	assert_int_equal(umem_region_detach(region), 0);
	close(region);
	wait_unused();
}

static void unload_when_unused(void **state)
{
	(void)state;
	assert_int_equal(syscall(SYS_delete_module, "umem_rdma", O_NONBLOCK),
			 0);
	assert_int_equal(access("/dev/umem-rdma", F_OK), -1);
	assert_int_equal(system("insmod $UMEM_MODULES/umem_rdma.ko"), 0);
	assert_int_equal(access("/dev/umem-rdma", F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_connecting),
		cmocka_unit_test(closed_while_connecting),
		cmocka_unit_test(replaced_while_connecting),
		cmocka_unit_test(closed_with_reads_in_flight),
		cmocka_unit_test(attached_lives_with_the_mapping),
		cmocka_unit_test(closed_at_once),
		cmocka_unit_test(detached_with_reads_in_flight),
		cmocka_unit_test(server_killed_with_reads_in_flight),
		cmocka_unit_test(killable_without_server),
		cmocka_unit_test(failfast_ends_with_the_server),
		cmocka_unit_test(unload_refused_while_attached),
		cmocka_unit_test(unload_when_unused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
