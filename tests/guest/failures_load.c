// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory runs out while our modules are loaded: each allocation of their
 * beginning fails once. The module is not there then, and nothing of it; once
 * more, it is.
 *
 * timeout: 120
 * walk: 16
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/failures.h"

static const char *module, *device;

static int load(const char *name)
{
	char path[512];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("UMEM_MODULES"), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return err;
}

static void unload(const char *name)
{
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		fail_msg("unloading %s: %s", name, strerror(errno));
}

static int act_load(void)
{
	return load(module);
}

static void refused_load(void)
{
	assert_int_equal(access(device, F_OK), -1);
}

static void after_load(void)
{
	assert_int_equal(access(device, F_OK), 0);
	unload(module);
}

static void walk(const char *name, const char *path)
{
	module = name;
	device = path;
	failures_walk(&(struct failing){
		.what = name, .least = 5, .all = true,
		.act = act_load, .refused = refused_load, .after = after_load,
	});
}

static void umem(void **state)
{
	(void)state;
	walk("umem", "/dev/umem");
}

static void umem_sim(void **state)
{
	(void)state;
	assert_int_equal(load("umem"), 0);
	walk("umem_sim", "/dev/umem-sim");
	unload("umem");
}

static void umem_rdma(void **state)
{
	(void)state;
	if (system("modprobe -a ib_core rdma_cm"))
		skip();
	assert_int_equal(load("umem"), 0);
	walk("umem_rdma", "/dev/umem-rdma");
	unload("umem");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(umem),
		cmocka_unit_test(umem_sim),
		cmocka_unit_test(umem_rdma),
	};
	const char *why = failures_impossible();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
