// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who may do what: the rights to make, to map, to write and to provide are
 * separate, and no way leads from a lesser one to a greater.
 *
 * needs: umem umem_rdma
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/umem_rdma.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/pagemap.h"
#include "lib/pass_fd.h"
#include "lib/touch.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define PAGES 32
#define SIZE (PAGES * TEST_PAGE)
#define STRANGER 65534

static int region = -1, channel = -1;

static int setup(void **state)
{
	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	hand_data(channel, 0, PAGES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(region);
	close(channel);
	return 0;
}

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static char *map(int fd, int prot, int flags)
{
	char *mem = mmap(NULL, SIZE, prot, flags, fd, 0);

	assert_true(mem != MAP_FAILED);
	return mem;
}

/* Nobody has written. */
static void expect_untouched(void)
{
	char buf[TEST_PAGE];
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		assert_int_equal(pread(region, buf, TEST_PAGE, i * TEST_PAGE),
				 TEST_PAGE);
		if (!pattern_matches(buf, i))
			fail_msg("page %u was written", i);
	}
}

#define REFUSED(call, err) do {						\
	errno = 0;							\
	if ((long)(call) != -1)						\
		fail_msg("line %d: not refused: %s", __LINE__, #call);	\
	if (errno != (err))						\
		fail_msg("line %d: %s: %s", __LINE__, #call,		\
			 strerror(errno));				\
} while (0)

/*
 * Runs @body in a child and fails the test with the line at which it gave up.
 * Inside, MUST() takes the place of the assertions.
 */
#define MUST(condition) do {						\
	if (!(condition)) {						\
		dprintf(2, "line %d: %s: %m\n", __LINE__, #condition);	\
		_exit(1);						\
	}								\
} while (0)

static void in_child(void (*body)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void become_stranger(void)
{
	MUST(!setgid(STRANGER) && !setuid(STRANGER));
}

static int open_channel(int fd)
{
	struct umem_channel_open args = { .flags = UMEM_CHANNEL_REPLACE };

	return ioctl(fd, UMEM_IOC_CHANNEL, &args);
}

static int finalize(int fd)
{
	struct umem_finalize args = { 0 };

	return ioctl(fd, UMEM_IOC_FINALIZE, &args);
}

/* ---- Making ------------------------------------------------------------- */

static void devices_are_roots(void **state)
{
	static const char *const paths[] = { "/dev/umem", "/dev/umem-rdma" };
	struct stat st;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(stat(paths[i], &st), 0);
		assert_true(S_ISCHR(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_uid, 0);
		assert_int_equal(st.st_gid, 0);
	}
}

/* ---- Reading only ------------------------------------------------------- */

static void read_only_descriptor(void **state)
{
	int ro = reopen(region, O_RDONLY);
	struct umem_region_status st;
	int pipes[2], file;
	loff_t at = 0;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	file = memfd_create("source", 0);
	assert_int_equal(write(file, "x", 1), 1);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	lseek(file, 0, SEEK_SET);

	REFUSED(write(ro, "x", 1), EBADF);
	REFUSED(pwrite(ro, "x", 1, 0), EBADF);
	REFUSED(splice(pipes[0], NULL, ro, &at, 1, 0), EBADF);
	REFUSED(sendfile(ro, file, NULL, 1), EBADF);
	REFUSED(copy_file_range(file, NULL, ro, NULL, 1, 0), EBADF);
	REFUSED(ftruncate(ro, 0), EINVAL);
	REFUSED(fallocate(ro, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			  TEST_PAGE), EBADF);
	REFUSED(open_channel(ro), EBADF);
	REFUSED(ioctl(ro, UMEM_IOC_DETACH), EBADF);
	REFUSED(finalize(ro), EBADF);
	assert_int_equal(ioctl(ro, UMEM_IOC_STATUS, &st), 0);
	assert_int_equal(st.provider_kind, UMEM_PROVIDER_USER);
	/* Neither does a path give any of it. */
	close(ro);
	ro = reopen(region, O_PATH);
	REFUSED(ioctl(ro, UMEM_IOC_STATUS, &st), EBADF);
	REFUSED(open_channel(ro), EBADF);
	expect_untouched();
	close(ro);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

static void by_system_calls(char *mem)
{
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	REFUSED(read(pipes[0], mem, 1), EFAULT);
	REFUSED(madvise(mem, SIZE, MADV_REMOVE), EACCES);
	assert_int_equal(madvise(mem, SIZE, MADV_POPULATE_WRITE), -1);
	close(pipes[0]);
	close(pipes[1]);
}

static void by_mprotect(char *mem)
{
	REFUSED(mprotect(mem, SIZE, PROT_READ | PROT_WRITE), EACCES);
	REFUSED(mprotect(mem, TEST_PAGE, PROT_WRITE), EACCES);
}

/*
 * It maps the file of the mapping anew, which is the backing file and open for
 * writing.
 */
static void by_remap_file_pages(char *mem)
{
	if (!syscall(SYS_remap_file_pages, mem, 4 * TEST_PAGE, 0, 8, 0))
		fail_msg("remap_file_pages took a read-only mapping");
	by_mprotect(mem);
}

/* What moves or doubles it has its rights. */
static void by_mremap(char *mem)
{
	char *there = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	char *again;

	assert_ptr_equal(mremap(mem, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				there), there);
	by_mprotect(there);
	again = mremap(there, 0, SIZE, MREMAP_MAYMOVE);
	if (again != MAP_FAILED) {
		by_mprotect(again);
		munmap(again, SIZE);
	}
	assert_ptr_equal(mremap(there, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				mem), mem);
	by_mprotect(mem);
}

/* A child with our mappings, stopped and traced. */
static pid_t traced_child(void)
{
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	assert_int_equal(ptrace(PTRACE_ATTACH, child, 0, 0), 0);
	waitpid(child, NULL, 0);
	return child;
}

static void end_child(pid_t child)
{
	ptrace(PTRACE_DETACH, child, 0, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* These write where the process itself may not (FOLL_FORCE). */
static void by_force(char *mem)
{
	struct iovec local = { "x", 1 }, remote = { mem, 1 };
	pid_t child = traced_child();
	char path[64];
	int fd;

	REFUSED(process_vm_writev(child, &local, 1, &remote, 1, 0), EFAULT);
	REFUSED(ptrace(PTRACE_POKEDATA, child, mem, 0x5858), EIO);
	/* Newer kernels force only for who traces. */
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	REFUSED(pwrite(fd, "x", 1, (uintptr_t)mem), EIO);
	close(fd);
	end_child(child);
}

static void by_userfaultfd(char *mem)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		return;
	assert_int_equal(ioctl(uffd, UFFDIO_REGISTER, &reg), -1);
	close(uffd);
}

static void by_map_files(char *mem)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)mem,
		 (long)mem + SIZE);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(open(path, O_RDWR), -1);
	assert_int_equal(truncate(path, 0), -1);
}

static void try_all(char *mem)
{
	by_mprotect(mem);
	assert_int_equal(touch_write(mem, 'x'), SIGSEGV);
	by_system_calls(mem);
	by_remap_file_pages(mem);
	by_mremap(mem);
	by_force(mem);
	by_userfaultfd(mem);
	by_map_files(mem);
	expect_untouched();
}

static void read_only_mapping(void **state)
{
	int ro = reopen(region, O_RDONLY);
	char *mem = map(ro, PROT_READ, MAP_SHARED);

	(void)state;
	try_all(mem);
	/* Plain ones are no weaker, whether changed or made so. */
	assert_int_equal(finalize(region), 1);
	try_all(mem);
	munmap(mem, SIZE);
	mem = map(ro, PROT_READ, MAP_SHARED);
	try_all(mem);
	munmap(mem, SIZE);
	close(ro);
}

/* A mapping without PROT_WRITE of a descriptor that may write. */
static void not_written_by_force(void **state)
{
	char *mem = map(region, PROT_READ, MAP_SHARED);

	(void)state;
	by_force(mem);
	expect_untouched();
	/* It may become writable, also after it was mapped anew. */
	assert_int_equal(syscall(SYS_remap_file_pages, mem, 4 * TEST_PAGE, 0, 8,
				 0), 0);
	assert_int_equal(mprotect(mem, TEST_PAGE, PROT_READ | PROT_WRITE), 0);
	mem[0] = 'w';
	munmap(mem, SIZE);
}

/* Clones of an image: clean pages are shared, written ones their own. */
static void private_mapping_of_a_read_only_descriptor(void **state)
{
	int ro = reopen(region, O_RDONLY);
	char *a = map(ro, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *b = map(ro, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *shared = map(region, PROT_READ, MAP_SHARED);
	pid_t child;

	(void)state;
	assert_true(pattern_matches(a, 0) && pattern_matches(b, 0) &&
		    pattern_matches(shared, 0));
	assert_true(pagemap_pfn(a));
	assert_int_equal(pagemap_pfn(a), pagemap_pfn(b));
	assert_int_equal(pagemap_pfn(a), pagemap_pfn(shared));
	a[0] = 'a';
	assert_int_not_equal(pagemap_pfn(a), pagemap_pfn(b));
	assert_true(pattern_matches(b, 0));
	/* By force as well: a debugger's breakpoint is the clone's own. */
	assert_int_equal(mprotect(b, SIZE, PROT_READ), 0);
	child = traced_child();
	assert_int_equal(ptrace(PTRACE_POKEDATA, child, b, 0x5858), 0);
	assert_int_equal(ptrace(PTRACE_PEEKDATA, child, b, 0), 0x5858);
	end_child(child);
	assert_true(pattern_matches(b, 0));
	expect_untouched();
	munmap(a, SIZE);
	munmap(b, SIZE);
	munmap(shared, SIZE);
	close(ro);
}

/* ---- Opening anew ------------------------------------------------------- */

static int ro_fd;

static void stranger_opens_nothing(void)
{
	become_stranger();
	MUST(reopen(ro_fd, O_RDONLY) < 0 && errno == EACCES);
	MUST(reopen(ro_fd, O_RDWR) < 0 && errno == EACCES);
	MUST(fchmod(ro_fd, 0666) < 0 && errno == EPERM);
	MUST(fchown(ro_fd, STRANGER, STRANGER) < 0 && errno == EPERM);
}

static void stranger_opens_to_read(void)
{
	int fd;

	become_stranger();
	fd = reopen(ro_fd, O_RDONLY);
	MUST(fd >= 0);
	MUST(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	MUST(reopen(ro_fd, O_RDWR) < 0 && errno == EACCES);
}

/* Not through the creator's descriptors, whatever the mode. */
static void stranger_has_no_descriptor(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getppid(), ro_fd);
	become_stranger();
	MUST(open(path, O_RDONLY) < 0 && errno == EACCES);
}

static void new_owner(void)
{
	int fd;

	become_stranger();
	fd = reopen(ro_fd, O_RDWR);
	MUST(fd >= 0);
	MUST(pwrite(fd, "", 0, 0) == 0);
	MUST(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
	/* Owning is not providing. */
	MUST(open_channel(fd) < 0 && errno == EPERM);
	MUST(ioctl(fd, UMEM_IOC_DETACH) < 0 && errno == EPERM);
	MUST(finalize(fd) < 0 && errno == EPERM);
	MUST(!fchmod(fd, 0400));
	MUST(reopen(ro_fd, O_RDWR) < 0 && errno == EACCES);
}

static void mode_and_owner(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	ro_fd = reopen(region, O_RDONLY);
	in_child(stranger_opens_nothing);
	assert_int_equal(fchmod(region, 0644), 0);
	in_child(stranger_opens_to_read);
	assert_int_equal(fchmod(region, 0666), 0);
	in_child(stranger_has_no_descriptor);
	assert_int_equal(fchmod(region, 0600), 0);
	in_child(stranger_opens_nothing);
	assert_int_equal(fchown(region, STRANGER, STRANGER), 0);
	in_child(new_owner);
	assert_int_equal(fstat(region, &st), 0);
	assert_int_equal(st.st_uid, STRANGER);
	assert_int_equal(st.st_mode & 07777, 0400);
	/* The creator provides as before. */
	fd = open_channel(region);
	assert_true(fd >= 0);
	close(fd);
	expect_untouched();
	close(ro_fd);
}

/* ---- Providing ---------------------------------------------------------- */

static void set_capability(int capability)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	MUST(!prctl(PR_SET_KEEPCAPS, 1));
	become_stranger();
	data[capability / 32].effective = 1U << capability % 32;
	data[capability / 32].permitted = 1U << capability % 32;
	MUST(!syscall(SYS_capset, &head, data));
}

static void stranger_with_sys_ptrace(void)
{
	int fd;

	set_capability(CAP_SYS_PTRACE);
	fd = open_channel(region);
	MUST(fd >= 0);
	MUST(!ioctl(region, UMEM_IOC_DETACH));
	MUST(finalize(region) >= 0);
}

static void stranger_with_sys_admin(void)
{
	set_capability(CAP_SYS_ADMIN);
	MUST(open_channel(region) < 0 && errno == EPERM);
}

/* All capabilities, and none that counts. */
static void stranger_as_root_of_a_namespace(void)
{
	become_stranger();
	MUST(!unshare(CLONE_NEWUSER));
	MUST(open_channel(region) < 0 && errno == EPERM);
	MUST(ioctl(region, UMEM_IOC_DETACH) < 0 && errno == EPERM);
	MUST(finalize(region) < 0 && errno == EPERM);
}

/* The effective uid counts, as it did at creation. */
static void creator_by_real_uid_only(void)
{
	MUST(!setresuid(0, STRANGER, 0));
	MUST(open_channel(region) < 0 && errno == EPERM);
	MUST(!setresuid(0, 0, 0));
	MUST(open_channel(region) >= 0);
}

static void who_may_provide(void **state)
{
	(void)state;
	in_child(stranger_with_sys_admin);
	in_child(stranger_as_root_of_a_namespace);
	in_child(creator_by_real_uid_only);
	in_child(stranger_with_sys_ptrace);
}

static int rdma_device, handed = -1;

static void attaches_in_vain(void)
{
	struct umem_rdma_attach arg = {
		.channel_fd = channel,
		.reads_inflight = 1,
		.connect_timeout_ms = 100,
		.ack_timeout_ms = 100,
	};
	struct sockaddr_in *dst = (struct sockaddr_in *)arg.dst;

	dst->sin_family = AF_INET;
	dst->sin_port = htons(1);
	dst->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(ioctl(rdma_device, UMEM_RDMA_IOC_ATTACH, &arg) < 0);
}

static void attach_without_a_capability(void)
{
	become_stranger();
	attaches_in_vain();
	MUST(errno == EPERM);
}

static void attach_as_root_of_a_namespace(void)
{
	become_stranger();
	MUST(!unshare(CLONE_NEWUSER | CLONE_NEWNET));
	attaches_in_vain();
	MUST(errno == EPERM);
}

/* Nothing is connected here, but it was tried. */
static void attach_with_net_admin(void)
{
	set_capability(CAP_NET_ADMIN);
	attaches_in_vain();
	MUST(errno != EPERM && errno != EINVAL);
}

static void who_may_attach(void **state)
{
	(void)state;
	rdma_device = open("/dev/umem-rdma", O_RDWR);
	assert_true(rdma_device >= 0);
	in_child(attach_without_a_capability);
	in_child(attach_as_root_of_a_namespace);
	in_child(attach_with_net_admin);
	close(rdma_device);
}

/* Whoever has the channel provides, whoever that is. */
static void stranger_with_a_channel(void)
{
	struct umem_region_status st;

	become_stranger();
	MUST(!hand_try(handed, UMEM_OP_DATA, 3, 1));
	MUST(!ioctl(handed, UMEM_IOC_STATUS, &st));
	/* It is not the region. */
	MUST(mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, handed, 0) == MAP_FAILED);
	MUST(ioctl(handed, UMEM_IOC_DETACH) < 0 && errno == ENOTTY);
	MUST(open_channel(handed) < 0 && errno == ENOTTY);
	MUST(reopen(handed, O_RDWR) < 0);
}

/* A channel on its way through a socket lives, and ends with the socket. */
static void channel_by_socket(void **state)
{
	int sockets[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pass_fd(sockets[0], channel);
	close(channel);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	handed = pass_fd_receive(sockets[1]);
	in_child(stranger_with_a_channel);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	pass_fd(sockets[0], handed);
	close(handed);
	close(sockets[0]);
	close(sockets[1]);
	AWAIT(test_status(region).provider_kind == UMEM_PROVIDER_NONE);
	channel = hand_open(region, 0);
}

static void channel_by_pidfd(void **state)
{
	pid_t child = fork();
	int pidfd;

	(void)state;
	if (!child) {
		pause();
		_exit(0);
	}
	close(channel);
	pidfd = syscall(SYS_pidfd_open, child, 0);
	handed = syscall(SYS_pidfd_getfd, pidfd, channel, 0);
	assert_true(handed >= 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(test_status(region).provider_kind, UMEM_PROVIDER_USER);
	in_child(stranger_with_a_channel);
	close(pidfd);
	close(handed);
	AWAIT(test_status(region).provider_kind == UMEM_PROVIDER_NONE);
	channel = hand_open(region, 0);
}

/* ---- Executing ---------------------------------------------------------- */

static const char return_42[] = { (char)0xb8, 42, 0, 0, 0, (char)0xc3 };

static void code_runs(void **state)
{
	int (*code)(void);
	char *mem;

	(void)state;
#ifndef __x86_64__
	skip();
#endif
	assert_int_equal(pwrite(region, return_42, sizeof(return_42), 0),
			 sizeof(return_42));
	mem = map(region, PROT_READ | PROT_EXEC, MAP_SHARED);
	memcpy(&code, &mem, sizeof(code));
	assert_int_equal(code(), 42);
	munmap(mem, SIZE);
	mem = map(region, PROT_READ, MAP_PRIVATE);
	assert_int_equal(mprotect(mem, SIZE, PROT_READ | PROT_EXEC), 0);
	memcpy(&code, &mem, sizeof(code));
	assert_int_equal(code(), 42);
	munmap(mem, SIZE);
}

static void run_region(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", region);
	execl(path, path, NULL);
	_exit(errno == EACCES ? 13 : 14);
}

/* As every file: whoever has the right to execute it. */
static void program_runs(void **state)
{
	static const char script[] = "#!/bin/false\n";
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(pwrite(region, script, strlen(script), 0),
			 strlen(script));
	fcntl(region, F_SETFD, 0);
	child = fork();
	if (!child)
		run_region();
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 13);
	assert_int_equal(fchmod(region, 0700), 0);
	child = fork();
	if (!child)
		run_region();
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(devices_are_roots),
		TEST(read_only_descriptor),
		TEST(read_only_mapping),
		TEST(not_written_by_force),
		TEST(private_mapping_of_a_read_only_descriptor),
		TEST(mode_and_owner),
		TEST(who_may_provide),
		TEST(who_may_attach),
		TEST(channel_by_socket),
		TEST(channel_by_pidfd),
		TEST(code_runs),
		TEST(program_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
