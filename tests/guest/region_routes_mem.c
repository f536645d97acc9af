// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every way by which the kernel gets at missing granules through a mapping, its
 * owner's or another process's: see lib/routes.h for what is checked of each.
 *
 * needs: umem
 * timeout: 300
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/routes.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static char buf[4 * TEST_PAGE];

/* ---- Touches ------------------------------------------------------------ */

static int check_page(const char *mem, unsigned int page)
{
	return route_check(TEST_PAGE, mem + page * TEST_PAGE, TEST_PAGE,
			   page * TEST_PAGE);
}

static int by_touch(void)
{
	return check_page(route_mem, 0);
}

/* The rest of the page is the provider's. */
static int check_byte(char *mem)
{
	if (*(uint64_t *)(mem + 8) != pattern_word(0, 1) || mem[0] != 'w')
		return ROUTE_WRONG;
	return 0;
}

static int by_store(void)
{
	route_mem[0] = 'w';
	return check_byte(route_mem);
}

static char *map(int prot, int flags)
{
	return mmap(NULL, ROUTE_SIZE, prot, flags, route_region, 0);
}

static int by_private_touch(void)
{
	return check_page(map(PROT_READ, MAP_PRIVATE), 0);
}

static int by_private_store(void)
{
	char *mem = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	mem[0] = 'w';
	return check_byte(mem);
}

/* Populating tells no error: the touch does. */
static int by_map_populate(void)
{
	return check_page(map(PROT_READ, MAP_SHARED | MAP_POPULATE), 3);
}

static int by_map_locked(void)
{
	return check_page(map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_LOCKED),
			  3);
}

static int by_private_populate(void)
{
	char *mem = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);

	mem[0] = 'w';
	return check_byte(mem);
}

static int by_madvise(int advice)
{
	if (madvise(route_mem, ROUTE_SIZE, advice))
		return errno == EINVAL ? ROUTE_SKIP : errno;
	return check_page(route_mem, 15);
}

static int by_populate_read(void)
{
	return by_madvise(MADV_POPULATE_READ);
}

static int by_populate_write(void)
{
	return by_madvise(MADV_POPULATE_WRITE);
}

static int by_mlock(void)
{
	if (mlock(route_mem, ROUTE_SIZE))
		return errno;
	return check_page(route_mem, 15);
}

/* Populates as mlock() does: a region's mapping takes no flag of a lock. */
static int by_mlock_onfault(void)
{
	if (mlock2(route_mem, ROUTE_SIZE, MLOCK_ONFAULT))
		return errno;
	return check_page(route_mem, 15);
}

static int by_mlockall(void)
{
	if (mlockall(MCL_CURRENT))
		return errno;
	return check_page(route_mem, 15);
}

/* ---- Copies of the kernel ----------------------------------------------- */

static int by_copy_from_user(void)
{
	int fds[2];

	if (pipe(fds))
		return errno;
	if (write(fds[1], route_mem + 100, TEST_PAGE) < 0)
		return errno;
	return route_check(read(fds[0], buf, TEST_PAGE), buf, TEST_PAGE, 100);
}

static int by_copy_to_user(void)
{
	long ret = getrandom(route_mem + TEST_PAGE - 8, 16, 0);

	if (ret != 16)
		return route_result(ret, 16);
	return *route_word(0, 510) == pattern_word(0, 510) &&
	       *route_word(1, 1) == pattern_word(1, 1) ? 0 : ROUTE_WRONG;
}

/* The file system copies with page faults off, and faults in between. */
static int by_write_to_a_file(void)
{
	int fd = memfd_create("to", 0);
	long ret = write(fd, route_mem + 8, 2 * TEST_PAGE);

	if (ret < 0)
		return errno;
	return route_check(pread(fd, buf, 2 * TEST_PAGE, 0), buf,
			   2 * TEST_PAGE, 8);
}

static int by_read_from_a_file(void)
{
	int fd = memfd_create("from", 0);

	if (pwrite(fd, "hello", 5, 0) != 5)
		return errno;
	if (pread(fd, route_mem, 5, 0) != 5)
		return errno;
	return memcmp(route_mem, "hello", 5) ||
	       *route_word(0, 1) != pattern_word(0, 1) ? ROUTE_WRONG : 0;
}

static int by_send(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return errno;
	if (send(fds[1], route_mem + 8, TEST_PAGE, 0) < 0)
		return errno;
	return route_check(recv(fds[0], buf, TEST_PAGE, MSG_WAITALL), buf,
			   TEST_PAGE, 8);
}

static int by_recv(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ||
	    send(fds[1], "w", 1, 0) != 1 || recv(fds[0], route_mem, 1, 0) != 1)
		return errno;
	return check_byte(route_mem);
}

static int by_path(void)
{
	/* The pattern is no path; whether it could be read is what counts. */
	if (open(route_mem, O_RDONLY) >= 0)
		return ROUTE_WRONG;
	return errno == EFAULT ? errno : 0;
}

/* exec() copies its arguments from the old memory. */
static int by_exec_arguments(void)
{
	char *argv[] = { "true", route_mem + TEST_PAGE - 16, NULL };

	execv("/bin/true", argv);
	return errno == E2BIG ? 0 : errno;
}

static int by_futex(void)
{
	struct timespec soon = { .tv_nsec = 1 };

	if (!syscall(SYS_futex, route_mem, FUTEX_WAIT,
		     (uint32_t)pattern_word(0, 0), &soon, NULL, 0))
		return ROUTE_WRONG;
	return errno == ETIMEDOUT ? 0 : errno == EAGAIN ? ROUTE_WRONG : errno;
}

static int by_futex_wake_op(void)
{
	static uint32_t word;

	if (syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, route_mem,
		    FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)))
		return errno;
	return *(uint32_t *)route_mem == 5 &&
	       *route_word(0, 1) == pattern_word(0, 1) ? 0 : ROUTE_WRONG;
}

static void handler(int signal)
{
	(void)signal;
}

/* The kernel builds the handler's frame on a missing stack. */
static int by_signal_stack(void)
{
	stack_t stack = { .ss_sp = route_mem, .ss_size = ROUTE_SIZE };
	struct sigaction action = {
		.sa_handler = handler, .sa_flags = SA_ONSTACK,
	};

	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL) ||
	    raise(SIGUSR1))
		return errno;
	return check_page(route_mem, 0);
}

/* ---- Another process's memory ------------------------------------------- */

static int by_process_vm_readv(void)
{
	struct iovec local = { buf, 2 * TEST_PAGE };
	struct iovec remote = { route_mem + 100, 2 * TEST_PAGE };
	pid_t other = route_idle_child();

	return route_check(process_vm_readv(other, &local, 1, &remote, 1, 0),
			   buf, 2 * TEST_PAGE, 100);
}

static int by_process_vm_writev(void)
{
	struct iovec local = { "w", 1 };
	struct iovec remote = { route_mem, 1 };

	if (process_vm_writev(route_idle_child(), &local, 1, &remote, 1,
			      0) != 1)
		return errno;
	return check_byte(route_mem);
}

static int open_mem(int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", route_idle_child());
	return open(path, flags);
}

static int by_proc_mem_read(void)
{
	return route_check(pread(open_mem(O_RDONLY), buf, TEST_PAGE,
				 (uintptr_t)route_mem + 8), buf, TEST_PAGE, 8);
}

static int by_proc_mem_write(void)
{
	if (pwrite(open_mem(O_RDWR), "w", 1, (uintptr_t)route_mem) != 1)
		return errno;
	return check_byte(route_mem);
}

static pid_t traced_child(void)
{
	pid_t other = route_idle_child();

	ptrace(PTRACE_SEIZE, other, NULL, PTRACE_O_EXITKILL);
	ptrace(PTRACE_INTERRUPT, other, NULL, NULL);
	waitpid(other, NULL, 0);
	return other;
}

static int by_peek(void)
{
	pid_t other = traced_child();
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, other, route_word(0, 3), NULL);
	if (errno)
		return errno;
	return word == (long)pattern_word(0, 3) ? 0 : ROUTE_WRONG;
}

static int by_poke(void)
{
	if (ptrace(PTRACE_POKEDATA, traced_child(), route_word(0, 3), 77))
		return errno;
	return *route_word(0, 3) == 77 &&
	       *route_word(0, 4) == pattern_word(0, 4) ? 0 : ROUTE_WRONG;
}

int main(void)
{
	static const struct route routes[] = {
		ROUTE("touch", by_touch, -SIGBUS),
		ROUTE("store", by_store, -SIGBUS),
		ROUTE("touch of a private mapping", by_private_touch, -SIGBUS),
		ROUTE("store to a private mapping", by_private_store, -SIGBUS),
		ROUTE("MAP_POPULATE", by_map_populate, -SIGBUS),
		ROUTE("MAP_LOCKED", by_map_locked, -SIGBUS),
		ROUTE("MAP_POPULATE of a private mapping", by_private_populate,
		      -SIGBUS),
		ROUTE("MADV_POPULATE_READ", by_populate_read, EFAULT),
		ROUTE("MADV_POPULATE_WRITE", by_populate_write, EFAULT),
		ROUTE("mlock", by_mlock, ENOMEM),
		ROUTE("mlock2(MLOCK_ONFAULT)", by_mlock_onfault, ENOMEM),
		ROUTE("mlockall", by_mlockall, -SIGBUS),
		ROUTE("copy_from_user", by_copy_from_user, EFAULT),
		ROUTE("copy_to_user", by_copy_to_user, EFAULT),
		ROUTE("write to a file", by_write_to_a_file, EFAULT),
		ROUTE("read from a file", by_read_from_a_file, EFAULT),
		ROUTE("send", by_send, EFAULT),
		ROUTE("recv", by_recv, EFAULT),
		ROUTE("path", by_path, EFAULT),
		ROUTE("arguments of exec", by_exec_arguments, EFAULT),
		ROUTE("futex", by_futex, EFAULT),
		ROUTE("FUTEX_WAKE_OP", by_futex_wake_op, EFAULT),
		ROUTE("signal stack", by_signal_stack, -SIGSEGV),
		ROUTE("process_vm_readv", by_process_vm_readv, EFAULT),
		ROUTE("process_vm_writev", by_process_vm_writev, EFAULT),
		{ "read of /proc/PID/mem", by_proc_mem_read, EIO, ROUTE_ENDS },
		{ "write to /proc/PID/mem", by_proc_mem_write, EIO, ROUTE_ENDS },
		{ "PTRACE_PEEKDATA", by_peek, EIO, ROUTE_ENDS },
		{ "PTRACE_POKEDATA", by_poke, EIO, ROUTE_ENDS },
	};

	return routes_run_counted(routes, sizeof(routes) / sizeof(routes[0]),
				  NULL, 0);
}
