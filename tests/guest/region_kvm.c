// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A virtual machine on a region: KVM's fault that must not sleep, its worker
 * that fetches in place of the processor, and the end of both.
 *
 * needs: umem kvm
 * timeout: 300
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/huge.h"
#include "lib/setting.h"
#include "lib/touch.h"
#include "lib/trace.h"
#include "provider/lib/region.h"

#define PAGES 64
#define SIZE (PAGES * TEST_PAGE)
#define GUEST_CODE 0x1000
#define GUEST_MEMORY 0x10000
/* Ports that KVM's own interrupt controllers leave to userspace. */
#define PORT_WORD 0x10
#define PORT_END 0x11
#define ASYNC_EVENT TRACING "/events/kvm/kvm_try_async_get_page/enable"

/*
 * Real mode: for each page of the region, report its first word and the one at
 * 0xff8 by a port, and write its segment at 8.
 */
static const unsigned char program[] = {
	0xbb, 0x00, 0x10,		/*	mov	bx, 0x1000 */
	0x8e, 0xdb,			/* 1:	mov	ds, bx */
	0xa1, 0x00, 0x00,		/*	mov	ax, [0] */
	0xe7, PORT_WORD,		/*	out	PORT_WORD, ax */
	0xa1, 0xf8, 0x0f,		/*	mov	ax, [0xff8] */
	0xe7, PORT_WORD,		/*	out	PORT_WORD, ax */
	0x89, 0x1e, 0x08, 0x00,		/*	mov	[8], bx */
	0x81, 0xc3, 0x00, 0x01,		/*	add	bx, 0x100 */
	0x81, 0xfb, 0x00, 0x50,		/*	cmp	bx, 0x5000 */
	0x75, 0xe6,			/*	jne	1b */
	0xe6, PORT_END,			/*	out	PORT_END, al */
	0xeb, 0xfe,			/*	jmp	. */
};

struct machine {
	int vm, vcpu;
	struct kvm_run *run;
	char *low;
	char *mem;
};

static int region;

static void must(int ret, const char *what)
{
	if (ret < 0)
		fail_msg("%s: %m", what);
}

static void add_memory(struct machine *m, int slot, uint64_t at, size_t size,
		       void *host)
{
	struct kvm_userspace_memory_region memory = {
		.slot = slot, .guest_phys_addr = at, .memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	must(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &memory),
	     "KVM_SET_USER_MEMORY_REGION");
}

/* With @irqchip KVM may fetch pages asynchronously. */
static void machine_init(struct machine *m, bool irqchip)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = GUEST_CODE, .rflags = 0x202 };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	must(kvm, "/dev/kvm");
	m->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	must(m->vm, "KVM_CREATE_VM");
	if (irqchip)
		must(ioctl(m->vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	m->low = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(m->low + GUEST_CODE, program, sizeof(program));
	m->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	assert_true(m->mem != MAP_FAILED);
	add_memory(m, 0, 0, GUEST_MEMORY, m->low);
	add_memory(m, 1, GUEST_MEMORY, SIZE, m->mem);
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	must(m->vcpu, "KVM_CREATE_VCPU");
	m->run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
		      PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	assert_true(m->run != MAP_FAILED);
	must(ioctl(m->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	must(ioctl(m->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(ioctl(m->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	close(kvm);
}

static void machine_end(struct machine *m)
{
	close(m->vcpu);
	close(m->vm);
	munmap(m->low, GUEST_MEMORY);
	munmap(m->mem, SIZE);
}

/* The next word that the guest reports; -1 at its end. */
static int next_word(struct machine *m)
{
	uint16_t word;

	for (;;) {
		if (ioctl(m->vcpu, KVM_RUN, 0) < 0)
			fail_msg("KVM_RUN: %m");
		if (m->run->exit_reason == KVM_EXIT_INTR)
			continue;
		if (m->run->exit_reason != KVM_EXIT_IO)
			fail_msg("exit reason %u", m->run->exit_reason);
		if (m->run->io.port == PORT_END)
			return -1;
		memcpy(&word, (char *)m->run + m->run->io.data_offset, 2);
		return word;
	}
}

/* Runs the whole program and checks what it saw and what it wrote. */
static void run_all(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		assert_int_equal(next_word(m), (uint16_t)pattern_word(i, 0));
		assert_int_equal(next_word(m), (uint16_t)pattern_word(i, 511));
	}
	assert_int_equal(next_word(m), -1);
	for (i = 0; i < PAGES; i++) {
		const uint64_t *words = (uint64_t *)(m->mem + i * TEST_PAGE);

		assert_int_equal(words[0], pattern_word(i, 0));
		assert_int_equal((uint16_t)words[1], 0x1000 + i * 0x100);
		assert_int_equal(words[511], pattern_word(i, 511));
	}
}

/* How often KVM gave a page to its worker, as far as the trace tells. */
static unsigned int async_faults(void)
{
	FILE *file = fopen(TRACING "/trace", "r");
	unsigned int count = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		count += strstr(line, "kvm_try_async_get_page:") != NULL;
	if (file)
		fclose(file);
	return count;
}


static void run_with_provider(bool irqchip)
{
	static struct pattern_provider provider;
	struct machine m;

	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	pattern_provider_start(&provider, region);
	machine_init(&m, irqchip);
	run_all(&m);
	assert_int_equal(test_status(region).requests, PAGES);
	machine_end(&m);
	pattern_provider_stop(&provider);
	close(region);
}

static void sleeps_in_the_processor(void **state)
{
	(void)state;
	run_with_provider(false);
}

static void sleeps_in_the_worker(void **state)
{
	unsigned int seen;

	(void)state;
	setting_try(TRACING "/trace", "");
	setting_try(ASYNC_EVENT, "1");
	run_with_provider(true);
	setting_try(ASYNC_EVENT, "0");
	seen = async_faults();
	if (seen == 0)
		fail_msg("no fault was asynchronous: this shows nothing");
}

struct runner {
	struct machine m;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool over;
	int first;
};

static void *run_first(void *arg)
{
	struct runner *runner = arg;

	runner->tid = gettid();
	runner->first = next_word(&runner->m);
	runner->over = true;
	return NULL;
}

/* The worker gives up after a while; the guest must not notice. */
static void slow_answer(void **state)
{
	static struct runner runner;
	double asked;
	int channel;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	machine_init(&runner.m, true);
	pthread_create(&runner.thread, NULL, run_first, &runner);
	assert_int_equal(hand_take(channel), 0);
	asked = test_now();
	while (test_now() - asked < 3)
		test_pause();
	assert_false(runner.over);
	hand_data(channel, 0, 1);
	AWAIT(runner.over);
	pthread_join(runner.thread, NULL);
	assert_int_equal(runner.first, (uint16_t)pattern_word(0, 0));
	assert_int_equal(test_status(region).requests, 1);
	machine_end(&runner.m);
	close(region);
	close(channel);
}

/* ---- The try that may not sleep ------------------------------------------ */

/*
 * Starts a machine; returns when KVM's first try of page 0 is over, though what
 * the next one waits for has not come. Its own thread sleeps then.
 */
static void first_try(struct runner *runner, bool irqchip)
{
	struct trace_fault fault;
	struct stat st;

	if (!trace_possible())
		skip();
	assert_int_equal(fstat(region, &st), 0);
	*runner = (struct runner){ .tid = 0 };
	trace_start();
	machine_init(&runner->m, irqchip);
	pthread_create(&runner->thread, NULL, run_first, runner);
	AWAIT(trace_faults(st.st_ino, 0, &fault, 1));
	assert_string_equal(fault.how, "nowait");
	AWAIT(test_status(region).faults >= 2);
	usleep(50000);
	assert_false(runner->over);
}

static void next_try(struct runner *runner, uint64_t word)
{
	AWAIT(runner->over);
	trace_stop();
	pthread_join(runner->thread, NULL);
	assert_int_equal(runner->first, (uint16_t)word);
	machine_end(&runner->m);
}

/* It leaves a request behind, which is the next one's. */
static void first_try_asks(void **state)
{
	static struct runner runner;
	int channel;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	first_try(&runner, false);
	assert_int_equal(test_status(region).requests, 1);
	assert_int_equal(hand_take(channel), 0);
	hand_data(channel, 0, 1);
	next_try(&runner, pattern_word(0, 0));
	close(region);
	close(channel);
}

/* All slots are taken: the next one waits for one. */
static void first_try_without_a_slot(bool irqchip)
{
	static struct runner runner;
	struct toucher touchers[2];
	int channel, i;
	char *mem;

	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 2);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	for (i = 0; i < 2; i++)
		toucher_start(&touchers[i], mem + (40 + i) * TEST_PAGE);
	hand_take_all(channel, 40, 2);
	first_try(&runner, irqchip);
	assert_int_equal(test_status(region).requests, 2);
	hand_data(channel, 40, 2);
	for (i = 0; i < 2; i++)
		assert_int_equal(toucher_join(&touchers[i]), 0);
	assert_int_equal(hand_take(channel), 0);
	hand_data(channel, 0, 1);
	next_try(&runner, pattern_word(0, 0));
	munmap(mem, SIZE);
	close(region);
	close(channel);
}

static void first_try_finds_no_slot(void **state)
{
	(void)state;
	first_try_without_a_slot(false);
	first_try_without_a_slot(true);
}

static void *punch_some(void *tid)
{
	*(_Atomic pid_t *)tid = gettid();
	return (void *)(long)fallocate(region, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE, 0, 6 * TEST_PAGE);
}

/* A hole is being made, and waits for a fetch: the next one waits for the hole. */
static void first_try_in_a_hole(void **state)
{
	static struct runner runner;
	struct toucher toucher;
	_Atomic pid_t tid = 0;
	pthread_t puncher;
	void *result;
	int channel;
	char *mem;

	(void)state;
	setting_need(SHMEM_ENABLED, "force");
	region = test_region(TEST_HUGE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	mem = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	toucher_start(&toucher, mem + 5 * TEST_PAGE);
	assert_int_equal(hand_take(channel), 5);
	if (meminfo_kilobytes("ShmemHugePages:") <= 0)
		fail_msg("no large folio was used: this shows nothing");
	pthread_create(&puncher, NULL, punch_some, (void *)&tid);
	AWAIT(tid && task_state(getpid(), tid) == 'D');
	first_try(&runner, false);
	assert_int_equal(test_status(region).requests, 1);
	assert_int_equal(test_status(region).granules_punched, 0);
	hand_data(channel, 5, 1);
	pthread_join(puncher, &result);
	assert_null(result);
	/* Who touches a large folio waits for all of it. */
	hand_release(region);
	assert_int_equal(toucher_join(&toucher), 0);
	next_try(&runner, 0);
	munmap(mem, SIZE);
	close(region);
	close(channel);
}

static int end_force(void **state)
{
	(void)state;
	setting_try(SHMEM_ENABLED, "never");
	return 0;
}

/* ---- The end of a machine ------------------------------------------------ */

/* The process of a machine whose page does not come is killed. */
static void killed_while_waiting(bool irqchip)
{
	pid_t child;
	int channel;

	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	child = fork();
	if (!child) {
		struct machine m;

		close(channel);
		machine_init(&m, irqchip);
		next_word(&m);
		_exit(0);
	}
	assert_int_equal(hand_take(channel), 0);
	/* The first fault leaves the request behind, the second one waits. */
	AWAIT(test_status(region).faults >= 2);
	usleep(50000);
	AWAIT(task_state(child, child) == 'S' || task_state(child, child) == 'D');
	test_kill(child);
	/* The worker's mm, and the region with it, do not stay either. */
	close(region);
	AWAIT(test_status(channel).provider_kind == UMEM_PROVIDER_NONE);
	close(channel);
}

static void killed_processor(void **state)
{
	(void)state;
	killed_while_waiting(false);
}

static void killed_with_worker(void **state)
{
	(void)state;
	killed_while_waiting(true);
}

/* FAIL reaches the VMM as an error of KVM_RUN, not as a hang. */
static void failed_page(void **state)
{
	struct machine m;
	static struct pattern_provider provider = { .fail_every = 1 };
	int ret;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	pattern_provider_start(&provider, region);
	machine_init(&m, false);
	ret = ioctl(m.vcpu, KVM_RUN, 0);
	assert_true(ret < 0 || m.run->exit_reason != KVM_EXIT_IO);
	machine_end(&m);
	pattern_provider_stop(&provider);
	close(region);
}

static void make_user_only(void)
{
	struct umem_create create = {
		.size = SIZE,
		.flags = UMEM_CREATE_USER_ONLY,
		.wait_policy = UMEM_WAIT_HARD,
		.max_inflight = 8,
		.max_data = TEST_MAX_DATA,
	};
	int device = umem_device_open();

	region = umem_region_create(device, &create);
	assert_true(region >= 0);
	close(device);
}

/* A VMM that may not make the kernel wait gets an error, and can go on. */
static void user_only(void **state)
{
	struct machine m;
	int channel;

	(void)state;
	make_user_only();
	channel = hand_open(region, 0);
	machine_init(&m, false);
	assert_int_equal(ioctl(m.vcpu, KVM_RUN, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(test_status(region).requests, 0);
	hand_data(channel, 0, PAGES);
	run_all(&m);
	machine_end(&m);
	close(channel);
	close(region);
}

/* KVM does not look at what its worker got: it tries again, and can be killed. */
static void user_only_with_worker(void **state)
{
	static struct runner runner;
	double started;
	int channel;
	pid_t child;

	(void)state;
	make_user_only();
	channel = hand_open(region, 0);
	child = fork();
	if (!child) {
		machine_init(&runner.m, true);
		next_word(&runner.m);
		_exit(0);
	}
	started = test_now();
	while (test_now() - started < 1)
		test_pause();
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
	test_kill(child);
	assert_int_equal(test_status(region).requests, 0);

	machine_init(&runner.m, true);
	pthread_create(&runner.thread, NULL, run_first, &runner);
	AWAIT(runner.tid);
	hand_data(channel, 0, PAGES);
	AWAIT(runner.over);
	pthread_join(runner.thread, NULL);
	assert_int_equal(runner.first, (uint16_t)pattern_word(0, 0));
	machine_end(&runner.m);
	close(channel);
	close(region);
}

/* Its mappings change under a guest that runs. */
static void finalized(void **state)
{
	struct umem_finalize args = { 0 };
	struct machine m;
	unsigned int i;
	int channel;

	(void)state;
	region = test_region(SIZE, UMEM_WAIT_HARD, 0, 8);
	channel = hand_open(region, 0);
	hand_data(channel, 0, PAGES);
	machine_init(&m, true);
	for (i = 0; i < PAGES; i++) {
		assert_int_equal(next_word(&m), (uint16_t)pattern_word(i, 0));
		assert_int_equal(next_word(&m), (uint16_t)pattern_word(i, 511));
		if (i == PAGES / 2)
			assert_int_equal(ioctl(region, UMEM_IOC_FINALIZE, &args),
					 1);
		/* The next touches are faults again. */
		madvise(m.mem, SIZE, MADV_DONTNEED);
	}
	assert_int_equal(next_word(&m), -1);
	assert_int_equal(test_status(region).requests, 0);
	machine_end(&m);
	close(channel);
	close(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeps_in_the_processor),
		cmocka_unit_test(sleeps_in_the_worker),
		cmocka_unit_test(slow_answer),
		cmocka_unit_test(first_try_asks),
		cmocka_unit_test(first_try_finds_no_slot),
		cmocka_unit_test_teardown(first_try_in_a_hole, end_force),
		cmocka_unit_test(killed_processor),
		cmocka_unit_test(killed_with_worker),
		cmocka_unit_test(failed_page),
		cmocka_unit_test(user_only),
		cmocka_unit_test(user_only_with_worker),
		cmocka_unit_test(finalized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
