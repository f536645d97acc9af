// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracepoints tell what happened, and how long it took. That a fault which
 * may not sleep is told as "nowait" region_kvm sees.
 *
 * perf_event_open(2) has the kernel patch its scheduler, now and again a second
 * after the last event is closed. With one CPU no other one translates that code
 * meanwhile, which the emulator does not survive each time.
 *
 * needs: umem umem_sim cpus=1
 * timeout: 300
 * klog-allow: Call Trace:
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/setting.h"
#include "lib/sim_attach.h"
#include "lib/touch.h"
#include "lib/trace.h"
#include "provider/lib/region.h"

#define PAGES	16
#define SIZE	(PAGES * TEST_PAGE)
#define SLEPT	20000		/* microseconds */

static struct hand_fixture f;
static ino_t ino;

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void make(unsigned int policy, unsigned int timeout_ms)
{
	hand_fixture_init(&f, SIZE, 8, policy, timeout_ms);
	ino = inode_of(f.region);
}

static int setup(void **state)
{
	(void)state;
	trace_start();
	make(UMEM_WAIT_HARD, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	trace_stop();
	hand_fixture_exit(&f);
	return 0;
}

/* ---- Faults -------------------------------------------------------------- */

/* The first end of a fault at @page, of @count. */
static struct trace_fault fault_of(unsigned int page, unsigned int nth,
				   unsigned int count)
{
	struct trace_fault faults[4] = { 0 };

	assert_int_equal(trace_faults(ino, page * TEST_PAGE, faults, 4), count);
	return faults[nth];
}

static void assert_between(const struct trace_fault *fault, double least,
			   double most)
{
	if (fault->latency_ns < least * 1e9 || fault->latency_ns > most * 1e9)
		fail_msg("latency_ns=%llu, not from %.0f to %.0f",
			 (unsigned long long)fault->latency_ns, least * 1e9,
			 most * 1e9);
}

/* Starts a touch and takes its request; it sleeps when this returns. */
static void begin(struct toucher *toucher, unsigned int page)
{
	toucher_start(toucher, f.mem + page * TEST_PAGE);
	assert_int_equal(hand_take(f.channel), page);
	AWAIT(task_state(getpid(), toucher->tid) == 'S');
}

static void slept(void **state)
{
	double started = test_now(), took;
	struct trace_fault fault;
	struct toucher toucher;

	(void)state;
	begin(&toucher, 5);
	usleep(SLEPT);
	hand_data(f.channel, 5, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	took = test_now() - started;
	fault = fault_of(5, 0, 1);
	assert_string_equal(fault.how, "slept");
	/* The request was there before we slept. */
	assert_between(&fault, SLEPT / 1e6, took);
}

/* The one that slept may not fail any more, the one after it does. */
static void failed_after_sleep(double least, double took)
{
	struct trace_fault fault = fault_of(6, 0, 2);

	assert_string_equal(fault.how, "slept");
	assert_between(&fault, least, took);
	took -= fault.latency_ns / 1e9;
	fault = fault_of(6, 1, 2);
	assert_string_equal(fault.how, "failed");
	assert_between(&fault, 0, took);
}

static void failed(void **state)
{
	double started = test_now();
	struct toucher toucher;

	(void)state;
	begin(&toucher, 6);
	usleep(SLEPT);
	hand_fail(f.channel, 6, 1);
	assert_int_equal(toucher_join(&toucher), SIGBUS);
	failed_after_sleep(SLEPT / 1e6, test_now() - started);
	assert_string_equal(trace_requests(ino, 6 * TEST_PAGE),
			    "free -> queued, queued -> issued, issued -> failed, failed -> free");
}

/* A time limit is over: told as any other end. */
static void timed_out(void **state)
{
	double started;

	(void)state;
	hand_fixture_exit(&f);
	make(UMEM_WAIT_TIMEOUT, 100);
	started = test_now();
	assert_int_equal(touch_read(f.mem + 6 * TEST_PAGE), SIGBUS);
	/* A tick of the kernel's less, at most. */
	failed_after_sleep(0.08, test_now() - started);
}

/* Nobody can provide, and the policy does not wait. */
static void failed_fast(void **state)
{
	struct trace_fault fault;
	double started;

	(void)state;
	hand_fixture_exit(&f);
	make(UMEM_WAIT_FAILFAST, 0);
	close(f.channel);
	started = test_now();
	assert_int_equal(touch_read(f.mem + 7 * TEST_PAGE), SIGBUS);
	fault = fault_of(7, 0, 1);
	assert_string_equal(fault.how, "failed");
	assert_between(&fault, 0, test_now() - started);
	assert_string_equal(trace_requests(ino, 7 * TEST_PAGE), "");
	f.channel = hand_open(f.region, 0);
}

/* The bytes are there before the lock of the mm was to be let go. */
static void provided_at_once(void **state)
{
	struct umem_sim_attach arg = sim_arg(1);
	int sim = sim_provide(f.region, &arg);
	double started = test_now();
	struct trace_fault fault;

	(void)state;
	assert_true(sim_page_is(f.mem + 5 * TEST_PAGE, 1, 5));
	fault = fault_of(5, 0, 1);
	assert_string_equal(fault.how, "provided");
	assert_between(&fault, 0, test_now() - started);
	assert_string_equal(trace_requests(ino, 5 * TEST_PAGE),
			    "free -> issued, issued -> done, done -> free");
	close(sim);
}

#define TIGHT	"/sys/fs/cgroup/umem-trace"
#define MANY	4096

static void touch_until_killed(const volatile char *mem)
{
	unsigned int i;

	if (!setting_try(TIGHT "/cgroup.procs", "0"))
		_exit(1);
	for (i = 0; i < MANY; i++)
		mem[i * TEST_PAGE];
	_exit(0);
}

static unsigned int count_nomem(void)
{
	static struct trace_fault faults[MANY];
	unsigned int i, count, nomem = 0;

	count = trace_faults(ino, TRACE_ALL, faults, MANY);
	for (i = 0; i < count && i < MANY; i++)
		nomem += !strcmp(faults[i].how, "nomem");
	return nomem;
}

/* A task is killed since its cgroup has no memory for the page; the log tells. */
static void no_memory(void **state)
{
	struct umem_sim_attach arg = sim_arg(1);
	int region, sim, status;
	volatile char *mem;
	pid_t child;

	(void)state;
	mkdir(TIGHT, 0755);
	setting_need(TIGHT "/memory.max", "4M");
	region = test_region(MANY * TEST_PAGE, UMEM_WAIT_HARD, 0, 8);
	ino = inode_of(region);
	sim = sim_provide(region, &arg);
	mem = mmap(NULL, MANY * TEST_PAGE, PROT_READ, MAP_SHARED, region, 0);
	assert_true(mem != MAP_FAILED);
	child = fork();
	if (!child)
		touch_until_killed(mem);
	AWAIT(waitpid(child, &status, WNOHANG) == child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_in_range(count_nomem(), 1, 4);
	munmap((char *)mem, MANY * TEST_PAGE);
	close(region);
	close(sim);
	rmdir(TIGHT);
}

/* ---- Requests ------------------------------------------------------------ */

static void prefetched(void **state)
{
	struct toucher toucher;

	(void)state;
	assert_int_equal(posix_fadvise(f.region, 3 * TEST_PAGE, 2 * TEST_PAGE,
				       POSIX_FADV_WILLNEED), 0);
	/* Wanted before it was taken: a prefetch no longer. */
	toucher_start(&toucher, f.mem + 4 * TEST_PAGE);
	assert_int_equal(hand_take(f.channel), 4);
	assert_int_equal(hand_take_op(f.channel, UMEM_OP_PREFETCH), 3);
	hand_data(f.channel, 3, 2);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_string_equal(trace_requests(ino, 3 * TEST_PAGE),
			    "free -> queued prefetch, queued -> issued prefetch, issued -> done prefetch, done -> free prefetch");
	assert_string_equal(trace_requests(ino, 4 * TEST_PAGE),
			    "free -> queued prefetch, queued -> issued, issued -> done, done -> free");
	assert_int_equal(trace_faults(ino, 3 * TEST_PAGE, NULL, 0), 0);
}

static void requeued(void **state)
{
	struct toucher toucher;

	(void)state;
	begin(&toucher, 2);
	assert_int_equal(ioctl(f.channel, UMEM_CHANNEL_IOC_REQUEUE), 0);
	assert_int_equal(hand_take(f.channel), 2);
	hand_data(f.channel, 2, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_string_equal(trace_requests(ino, 2 * TEST_PAGE),
			    "free -> queued, queued -> issued, issued -> queued, queued -> issued, issued -> done, done -> free");
}

/* A push answers what nobody took. */
static void pushed(void **state)
{
	struct toucher toucher;

	(void)state;
	toucher_start(&toucher, f.mem + TEST_PAGE);
	AWAIT(test_status(f.region).requests_queued);
	hand_data(f.channel, 1, 1);
	assert_int_equal(toucher_join(&toucher), 0);
	assert_string_equal(trace_requests(ino, TEST_PAGE),
			    "free -> queued, queued -> done, done -> free");
}

/* ---- Providers ----------------------------------------------------------- */

static void providers(void **state)
{
	struct umem_sim_attach arg = sim_arg(1), bad = sim_arg(1);
	int sim = sim_open();

	(void)state;
	/* No such file: known when the channel is claimed already. */
	bad.content = UMEM_SIM_COPY;
	bad.pattern_seed = 0;
	bad.source_fd = 1000;
	assert_int_equal(sim_attach_channel(sim, f.channel, &bad), EBADF);
	assert_string_equal(trace_providers(ino), "user, attaching, user");
	assert_int_equal(sim_attach_channel(sim, f.channel, &arg), 0);
	assert_int_equal(umem_region_detach(f.region), 0);
	assert_string_equal(trace_providers(ino),
			    "user, attaching, user, attaching, kernel, none");
	close(sim);
}

/* ---- As other tools see them --------------------------------------------- */

static const char *const events[] = {
	"fault_begin", "fault_end", "request_state", "provider_state",
};

#define EVENTS (sizeof(events) / sizeof(events[0]))

/* The number by which perf_event_open(2) knows an event. */
static long event_id(const char *event)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), TRACING "/events/umem/%s/id", event);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail_msg("%s: %s", path, strerror(errno));
	close(fd);
	return strtol(text, NULL, 10);
}

/* A counter of this thread. */
static int event_open(const char *event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = event_id(event),
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	if (fd < 0 && errno == ENOENT)
		skip();
	if (fd < 0)
		fail_msg("perf_event_open of %s: %s", event, strerror(errno));
	return fd;
}

static void counted_by_perf_events(void **state)
{
	/* One fault; free to issued to done to free; user, attaching, kernel. */
	static const uint64_t wanted[EVENTS] = { 1, 1, 3, 3 };
	struct umem_sim_attach arg = sim_arg(1);
	int sim, fds[EVENTS];
	unsigned int i;
	uint64_t count;

	(void)state;
	trace_stop();
	for (i = 0; i < EVENTS; i++)
		fds[i] = event_open(events[i]);
	sim = sim_provide(f.region, &arg);
	assert_int_equal(touch_read(f.mem), 0);
	for (i = 0; i < EVENTS; i++) {
		assert_int_equal(read(fds[i], &count, sizeof(count)),
				 sizeof(count));
		if (count != wanted[i])
			fail_msg("%s: %llu of %llu", events[i],
				 (unsigned long long)count,
				 (unsigned long long)wanted[i]);
		close(fds[i]);
	}
	close(sim);
}

/* What perf watches: this program with another name. */
static int touch_one(void)
{
	struct umem_sim_attach arg = sim_arg(1);
	char byte;

	make(UMEM_WAIT_HARD, 0);
	close(sim_provide(f.region, &arg));
	byte = *(volatile char *)f.mem;
	hand_fixture_exit(&f);
	return byte == 0x7f;	/* whatever it is */
}

/* As docs/tracing.md has it. */
static void told_by_perf_trace(void **state)
{
	static char told[1 << 16];
	unsigned int i;
	FILE *out;

	(void)state;
	if (system("command -v perf >/dev/null"))
		skip();
	trace_stop();
	snprintf(told, sizeof(told),
		 "UMEM_TOUCH_ONE=1 perf trace -e 'umem:*' /proc/%d/exe 2>&1",
		 getpid());
	out = popen(told, "r");
	assert_non_null(out);
	told[fread(told, 1, sizeof(told) - 1, out)] = '\0';
	assert_int_equal(pclose(out), 0);
	for (i = 0; i < EVENTS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "umem:%s", events[i]);
		if (!strstr(told, name))
			fail_msg("no %s in:\n%s", name, told);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(slept),
		TEST(failed),
		TEST(timed_out),
		TEST(failed_fast),
		TEST(provided_at_once),
		TEST(no_memory),
		TEST(prefetched),
		TEST(requeued),
		TEST(pushed),
		TEST(providers),
		TEST(counted_by_perf_events),
		TEST(told_by_perf_trace),
	};

	if (getenv("UMEM_TOUCH_ONE"))
		return touch_one();
	if (!trace_possible()) {
		printf("1..0 # SKIP no tracefs in this kernel\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
