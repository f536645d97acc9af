// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every ioctl's answer to bad input. Built with -m32 as well: both programs
 * must get the same answers.
 *
 * needs: umem
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/umem.h>

#include "lib/tap.h"

#define PAGE UMEM_GRANULE_SIZE

static int device;
static struct umem_features features;

static const struct umem_create good = {
	.size = 16 * PAGE,
	.wait_policy = UMEM_WAIT_HARD,
	.max_inflight = 4,
	.max_data = PAGE,
};

/* @cmd with a structure of another size. */
static unsigned long resized(unsigned long cmd, unsigned int size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static long call(int fd, unsigned long cmd, const void *arg)
{
	return result(ioctl(fd, cmd, arg));
}

/* The answer to a UMEM_IOC_CREATE; what it makes is closed at once. */
static long create(const struct umem_create *args)
{
	long fd = call(device, UMEM_IOC_CREATE, args);

	if (fd >= 0)
		close(fd);
	return fd;
}

static int make_region(void)
{
	int fd = ioctl(device, UMEM_IOC_CREATE, &good);

	tap_need(fd >= 0, "UMEM_IOC_CREATE");
	return fd;
}

/* What CREATE knows. */
#define CREATE_FLAGS	(UMEM_CREATE_CLOEXEC | UMEM_CREATE_USER_ONLY)

static long open_channel(int region, unsigned int flags)
{
	struct umem_channel_open args = { .flags = flags };

	return call(region, UMEM_IOC_CHANNEL, &args);
}

static void test_layout(void)
{
	tap_is("struct umem_record", sizeof(struct umem_record), 16);
	tap_is("struct umem_features", sizeof(struct umem_features), 32);
	tap_is("struct umem_create", sizeof(struct umem_create), 48);
	tap_is("struct umem_channel_open", sizeof(struct umem_channel_open), 8);
	tap_is("struct umem_region_status", sizeof(struct umem_region_status),
	       392);
	tap_is("struct umem_fill_args", sizeof(struct umem_fill_args), 8);
	tap_is("struct umem_finalize", sizeof(struct umem_finalize), 8);
}

static void test_features(void)
{
	struct umem_features *old = (void *)malloc(256);

	tap_err("FEATURES", call(device, UMEM_IOC_FEATURES, &features), 0);
	tap_is("FEATURES: protocol", features.protocol, UMEM_PROTOCOL_VERSION);
	tap_is("FEATURES: granule", features.granule, PAGE);
	tap_ok(features.max_size >= 1ULL << 40, "FEATURES: max_size");
	tap_ok(features.max_inflight >= 64, "FEATURES: max_inflight");
	tap_ok(features.max_data >= PAGE && features.max_data % PAGE == 0,
	       "FEATURES: max_data");
	tap_ok(features.features & UMEM_FEATURE_DATA, "FEATURES: DATA");

	memset(old, 0xaa, 256);
	tap_err("FEATURES, longer structure",
		call(device, resized(UMEM_IOC_FEATURES, 64), old), 0);
	tap_is("FEATURES: the unknown tail is zero",
	       ((unsigned char *)old)[63], 0);
	tap_is("FEATURES: not beyond its end", ((unsigned char *)old)[64], 0xaa);
	tap_err("FEATURES, shorter structure",
		call(device, resized(UMEM_IOC_FEATURES, 24), old), -EINVAL);
	tap_err("FEATURES, no structure",
		call(device, resized(UMEM_IOC_FEATURES, 0), old), -EINVAL);
	tap_err("FEATURES, bad pointer",
		call(device, UMEM_IOC_FEATURES, (void *)8), -EFAULT);
	free(old);
}

static void test_create_fields(void)
{
	struct umem_create c;
	unsigned int bit;

#define REFUSED(what, field, value, err) do {				\
	c = good;							\
	c.field = (value);						\
	tap_err("CREATE, " what, create(&c), err);			\
} while (0)

	c = good;
	tap_err("CREATE", create(&c), 0);
	REFUSED("size 0", size, 0, -EINVAL);
	REFUSED("size 1", size, 1, -EINVAL);
	REFUSED("size below a granule", size, PAGE - 1, -EINVAL);
	REFUSED("size above a granule", size, PAGE + 512, -EINVAL);
	REFUSED("size of one granule", size, PAGE, 0);
	REFUSED("size above the largest", size, features.max_size + PAGE,
		-EFBIG);
	REFUSED("size 2^63", size, 1ULL << 63, -EFBIG);
	REFUSED("size 2^64 - 4096", size, -(uint64_t)PAGE, -EFBIG);
	REFUSED("size 2^64 - 1", size, UINT64_MAX, -EINVAL);
	REFUSED("readahead 1", readahead, 1, -EINVAL);
	REFUSED("readahead unaligned", readahead, PAGE + 1, -EINVAL);
	REFUSED("readahead of a granule", readahead, PAGE, 0);
	REFUSED("the largest readahead", readahead, UINT32_MAX - PAGE + 1, 0);
	REFUSED("spin of the longest", spin_ns, UMEM_MAX_SPIN_NS, 0);
	REFUSED("spin of one more", spin_ns, UMEM_MAX_SPIN_NS + 1, -EINVAL);
	REFUSED("spin of 2^31", spin_ns, 1U << 31, -EINVAL);
	REFUSED("reserved 1", reserved, 1, -EINVAL);
	for (bit = 0; bit < 32; bit++) {
		c = good;
		c.flags = 1U << bit;
		if (!(c.flags & CREATE_FLAGS) && create(&c) != -EINVAL)
			break;
	}
	tap_is("CREATE, every unknown flag: EINVAL", bit, 32);
	for (bit = 0; bit < 64; bit++) {
		bool known = features.features & 1ULL << bit;

		c = good;
		c.features = 1ULL << bit;
		if ((create(&c) >= 0) != known ||
		    (!known && create(&c) != -EOPNOTSUPP))
			break;
	}
	tap_is("CREATE, every feature: as announced, or EOPNOTSUPP", bit, 64);
	REFUSED("known features", features, features.features, 0);
	REFUSED("no wait policy", wait_policy, 0, -EINVAL);
	REFUSED("unknown wait policy", wait_policy, 4, -EINVAL);
	REFUSED("wait policy -1", wait_policy, -1, -EINVAL);
	REFUSED("timeout without a time", wait_policy, UMEM_WAIT_TIMEOUT,
		-EINVAL);
	REFUSED("hard with a time", timeout_ms, 1, -EINVAL);
	c = good;
	c.wait_policy = UMEM_WAIT_FAILFAST;
	c.timeout_ms = 1;
	tap_err("CREATE, fail-fast with a time", create(&c), -EINVAL);
	c.timeout_ms = 0;
	tap_err("CREATE, fail-fast", create(&c), 0);
	c.wait_policy = UMEM_WAIT_TIMEOUT;
	c.timeout_ms = INT32_MAX;
	tap_err("CREATE, the longest timeout", create(&c), 0);
	c.timeout_ms = (uint32_t)INT32_MAX + 1;
	tap_err("CREATE, a longer one", create(&c), -EINVAL);
	REFUSED("max_inflight 0", max_inflight, 0, -EINVAL);
	REFUSED("max_inflight above the largest", max_inflight,
		features.max_inflight + 1, -EINVAL);
	REFUSED("max_inflight 2^32 - 1", max_inflight, UINT32_MAX, -EINVAL);
	REFUSED("the largest max_inflight", max_inflight,
		features.max_inflight, 0);
	REFUSED("max_inflight 1", max_inflight, 1, 0);
	REFUSED("max_data 0", max_data, 0, -EINVAL);
	REFUSED("max_data unaligned", max_data, PAGE + 1, -EINVAL);
	REFUSED("max_data below a granule", max_data, PAGE / 2, -EINVAL);
	REFUSED("max_data above the largest", max_data,
		features.max_data + PAGE, -EINVAL);
	REFUSED("the largest max_data", max_data, features.max_data, 0);
}

/* What a program has that was built with the first version of the header. */
static void test_create_first_version(void)
{
	const size_t size = offsetof(struct umem_create, spin_ns);
	const unsigned long cmd = resized(UMEM_IOC_CREATE, size);
	char *end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct umem_create garbage = good;
	long fd;

	tap_is("the first struct umem_create", size, 40);
	/* Nothing behind it is looked at. */
	memset((char *)&garbage + size, 0xff, sizeof(garbage) - size);
	fd = call(device, cmd, &garbage);
	tap_err("CREATE, first structure, garbage behind it", fd, 0);
	if (fd >= 0)
		close(fd);
	munmap(end + PAGE, PAGE);
	memcpy(end + PAGE - size, &good, size);
	fd = call(device, cmd, end + PAGE - size);
	tap_err("CREATE, first structure, nothing behind it", fd, 0);
	if (fd >= 0)
		close(fd);
	munmap(end, PAGE);
}

static void test_create_structure(void)
{
	struct {
		struct umem_create create;
		unsigned char tail[24];
	} newer = { .create = good };
	const unsigned long cmd = resized(UMEM_IOC_CREATE, sizeof(newer));
	char *end;
	long fd;

	tap_err("CREATE, shorter structure",
		call(device, resized(UMEM_IOC_CREATE, offsetof(struct umem_create,
							spin_ns) - 4), &good),
		-EINVAL);
	tap_err("CREATE, no structure",
		call(device, resized(UMEM_IOC_CREATE, 0), &good), -EINVAL);
	fd = call(device, cmd, &newer);
	tap_err("CREATE, longer structure, tail of zeroes", fd, 0);
	if (fd >= 0)
		close(fd);
	newer.tail[0] = 1;
	tap_err("CREATE, longer structure, first byte behind ours set",
		call(device, cmd, &newer), -E2BIG);
	newer.tail[0] = 0;
	newer.tail[23] = 1;
	tap_err("CREATE, longer structure, last byte set",
		call(device, cmd, &newer), -E2BIG);
	tap_err("CREATE, null pointer", create(NULL), -EFAULT);
	tap_err("CREATE, bad pointer", create((void *)8), -EFAULT);
	end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(end + PAGE, PAGE);
	tap_err("CREATE, structure half outside memory",
		create((void *)(end + PAGE - 8)), -EFAULT);
	munmap(end, PAGE);
}

/* Up to @count descriptors from now on; returns how many it were before. */
static rlim_t limit_descriptors(rlim_t count)
{
	struct rlimit limit;
	rlim_t before;

	getrlimit(RLIMIT_NOFILE, &limit);
	before = limit.rlim_cur;
	limit.rlim_cur = count;
	setrlimit(RLIMIT_NOFILE, &limit);
	return before;
}

/* The new descriptor is close-on-exec if asked, and none leaks on failure. */
static void test_create_descriptor(void)
{
	struct umem_create c = good;
	rlim_t limit;
	int fd;

	fd = make_region();
	tap_is("CREATE: no close-on-exec", fcntl(fd, F_GETFD), 0);
	tap_is("CREATE: opened read-write", fcntl(fd, F_GETFL) & O_ACCMODE,
	       O_RDWR);
	close(fd);
	c.flags = UMEM_CREATE_CLOEXEC;
	fd = ioctl(device, UMEM_IOC_CREATE, &c);
	tap_is("CREATE: close-on-exec", fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	limit = limit_descriptors(0);
	tap_err("CREATE, no descriptor free", create(&good), -EMFILE);
	limit_descriptors(limit);
	tap_is("CREATE: the failures left no descriptor", make_region(), fd);
	close(fd);
}

static void test_unknown(const char *what, int fd)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} unknown[] = {
		{ "of ours, number 0x7f", _IO(UMEM_IOC_MAGIC, 0x7f) },
		{ "of ours, with a structure", _IOW(UMEM_IOC_MAGIC, 0x7f, long) },
		{ "of ours, other direction",
		  _IOR(UMEM_IOC_MAGIC, 0x01, struct umem_create) },
		{ "DETACH with a structure", _IOW(UMEM_IOC_MAGIC, 0x11, long) },
		{ "REQUEUE with a structure", _IOW(UMEM_IOC_MAGIC, 0x20, long) },
		{ "of a terminal", 0x5401 },
		{ "of another magic", _IO(0xE8, 0x01) },
		{ "-1", 0xffffffff },
	};
	char buf[4096] = "";
	char name[128];
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		snprintf(name, sizeof(name), "%s: unknown ioctl %s", what,
			 unknown[i].name);
		tap_err(name, call(fd, unknown[i].cmd, buf), -ENOTTY);
	}
}

static void test_region(void)
{
	int region = make_region();
	struct umem_channel_open args = { 0 };
	struct {
		struct umem_channel_open args;
		unsigned char tail[8];
	} newer = { 0 };
	unsigned int bit;

	test_unknown("region", region);
	tap_err("region: CREATE", call(region, UMEM_IOC_CREATE, &good), -ENOTTY);
	tap_err("region: FEATURES", call(region, UMEM_IOC_FEATURES, &features),
		-ENOTTY);
	tap_err("region: REQUEUE", call(region, UMEM_CHANNEL_IOC_REQUEUE, NULL),
		-ENOTTY);

	for (bit = 3; bit < 32; bit++)
		if (open_channel(region, 1U << bit) != -EINVAL)
			break;
	tap_is("CHANNEL, every unknown flag: EINVAL", bit, 32);
	args.reserved = 1;
	tap_err("CHANNEL, reserved 1", call(region, UMEM_IOC_CHANNEL, &args),
		-EINVAL);
	tap_err("CHANNEL, bad pointer",
		call(region, UMEM_IOC_CHANNEL, (void *)8), -EFAULT);
	tap_err("CHANNEL, shorter structure",
		call(region, resized(UMEM_IOC_CHANNEL, 4), &args), -EINVAL);
	newer.tail[7] = 1;
	tap_err("CHANNEL, longer structure, last byte set",
		call(region, resized(UMEM_IOC_CHANNEL, sizeof(newer)), &newer),
		-E2BIG);
	tap_err("DETACH, nobody attached", call(region, UMEM_IOC_DETACH, NULL),
		-ENOENT);
	newer.tail[7] = 0;
	tap_err("CHANNEL, longer structure, tail of zeroes",
		call(region, resized(UMEM_IOC_CHANNEL, sizeof(newer)), &newer),
		0);
	tap_err("DETACH", call(region, UMEM_IOC_DETACH, NULL), 0);
	tap_err("DETACH, again", call(region, UMEM_IOC_DETACH, NULL), -ENOENT);
	close(region);
}

/* In a child: the answers to another user, or with fewer rights. */
static void as_other_user(int region, bool *channel, bool *detach,
			  bool *status)
{
	struct umem_region_status st;
	int pid, ret;

	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(8);
		ret = (open_channel(region, 0) == -EPERM) |
		      (call(region, UMEM_IOC_DETACH, NULL) == -EPERM) << 1 |
		      (call(region, UMEM_IOC_STATUS, &st) == 0) << 2;
		_exit(ret);
	}
	waitpid(pid, &ret, 0);
	ret = WIFEXITED(ret) ? WEXITSTATUS(ret) : 0;
	*channel = ret == 8 ? false : ret & 1;
	*detach = ret & 2;
	*status = ret & 4;
}

/* One that the creator's uid suffices, without any capability. */
static bool as_creator(void)
{
	int pid, ret;

	pid = fork();
	if (!pid) {
		int region;

		/* Opens the device as root, gives it up, creates. */
		if (setgid(65534) || setuid(65534))
			_exit(2);
		region = ioctl(device, UMEM_IOC_CREATE, &good);
		if (region < 0)
			_exit(3);
		_exit(open_channel(region, 0) >= 0 ? 0 : 4);
	}
	waitpid(pid, &ret, 0);
	return WIFEXITED(ret) && WEXITSTATUS(ret) == 0;
}

static void test_rights(void)
{
	int region = make_region();
	bool channel, detach, status;
	char path[64];
	int ro, rw;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", region);
	ro = open(path, O_RDONLY);
	rw = open(path, O_RDWR);
	tap_need(ro >= 0 && rw >= 0, path);
	tap_err("CHANNEL, region opened read-only", open_channel(ro, 0), -EBADF);
	tap_err("DETACH, region opened read-only",
		call(ro, UMEM_IOC_DETACH, NULL), -EBADF);
	tap_err("CHANNEL, region opened again read-write", open_channel(rw, 0),
		0);
	as_other_user(region, &channel, &detach, &status);
	tap_ok(channel, "CHANNEL by another user: EPERM");
	tap_ok(detach, "DETACH by another user: EPERM");
	tap_ok(status, "STATUS by another user");
	tap_ok(as_creator(), "CHANNEL by the creator without capabilities");
	close(ro);
	close(rw);
	close(region);
}

static long status_kind(int fd)
{
	struct umem_region_status st;

	memset(&st, 0xaa, sizeof(st));
	return ioctl(fd, UMEM_IOC_STATUS, &st) ? -errno : (long)st.provider_kind;
}

static void test_status(const char *what, int fd)
{
	struct umem_region_status st;
	unsigned char newer[sizeof(st) + 16];
	char name[128];

#define NAME(text) (snprintf(name, sizeof(name), "STATUS of a %s" text, what), name)
	memset(&st, 0xaa, sizeof(st));
	tap_err(NAME(""), call(fd, UMEM_IOC_STATUS, &st), 0);
	tap_is(NAME(": size"), st.size, good.size);
	tap_is(NAME(": granules"), st.granules, good.size / PAGE);
	tap_is(NAME(": granule"), st.granule, PAGE);
	tap_is(NAME(": wait_policy"), st.wait_policy, good.wait_policy);
	tap_is(NAME(": timeout_ms"), st.timeout_ms, 0);
	tap_is(NAME(": max_inflight"), st.max_inflight, good.max_inflight);
	tap_is(NAME(": max_data"), st.max_data, good.max_data);
	tap_is(NAME(": provider"), st.provider[0], 0);
	tap_is(NAME(": counters"),
	       st.granules_provided | st.faults | st.reads | st.requests |
	       st.requests_queued | st.requests_issued | st.requests_requeued |
	       st.answers_provided | st.answers_failed | st.answers_stale |
	       st.bytes_copied | st.bytes_direct | st.timeouts, 0);
	memset(newer, 0xaa, sizeof(newer));
	tap_err(NAME(", longer structure"),
		call(fd, resized(UMEM_IOC_STATUS, sizeof(newer)), newer), 0);
	tap_is(NAME(": the unknown tail is zero"), newer[sizeof(newer) - 1], 0);
	tap_err(NAME(", structure of the first version"),
		call(fd, resized(UMEM_IOC_STATUS,
				 offsetof(struct umem_region_status, flags)),
		     &st), 0);
	tap_err(NAME(", shorter than the first version"),
		call(fd, resized(UMEM_IOC_STATUS,
				 offsetof(struct umem_region_status, flags) - 8),
		     &st), -EINVAL);
	tap_err(NAME(", bad pointer"), call(fd, UMEM_IOC_STATUS, (void *)8),
		-EFAULT);
#undef NAME
}

static void test_channel(void)
{
	int region = make_region();
	int channel, other, same;
	rlim_t limit;

	test_status("region", region);
	tap_is("STATUS: nobody provides", status_kind(region),
	       UMEM_PROVIDER_NONE);
	channel = open_channel(region, 0);
	tap_err("CHANNEL", channel, 0);
	tap_is("CHANNEL: no close-on-exec", fcntl(channel, F_GETFD), 0);
	tap_is("CHANNEL: read-write, blocking", fcntl(channel, F_GETFL) &
	       (O_ACCMODE | O_NONBLOCK), O_RDWR);
	tap_is("STATUS: a channel is open", status_kind(region),
	       UMEM_PROVIDER_USER);
	test_status("channel", channel);
	test_unknown("channel", channel);
	tap_err("channel: CHANNEL", open_channel(channel, 0), -ENOTTY);
	tap_err("channel: DETACH", call(channel, UMEM_IOC_DETACH, NULL),
		-ENOTTY);
	tap_err("channel: CREATE", call(channel, UMEM_IOC_CREATE, &good),
		-ENOTTY);
	tap_err("channel: REQUEUE", call(channel, UMEM_CHANNEL_IOC_REQUEUE,
					 NULL), 0);
	tap_err("channel: private mmap",
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, channel, 0) ==
		MAP_FAILED ? -errno : 0, -EINVAL);

	tap_err("CHANNEL, a second one", open_channel(region, 0), -EBUSY);
	limit = limit_descriptors(0);
	tap_err("CHANNEL, REPLACE, no descriptor free",
		open_channel(region, UMEM_CHANNEL_REPLACE), -EMFILE);
	limit_descriptors(limit);
	tap_err("channel that was not replaced: REQUEUE",
		call(channel, UMEM_CHANNEL_IOC_REQUEUE, NULL), 0);
	other = open_channel(region, UMEM_CHANNEL_REPLACE |
			     UMEM_CHANNEL_NONBLOCK | UMEM_CHANNEL_CLOEXEC);
	tap_err("CHANNEL, REPLACE", other, 0);
	tap_is("CHANNEL: close-on-exec", fcntl(other, F_GETFD), FD_CLOEXEC);
	tap_is("CHANNEL: nonblocking", fcntl(other, F_GETFL) & O_NONBLOCK,
	       O_NONBLOCK);
	tap_err("channel that was replaced: REQUEUE",
		call(channel, UMEM_CHANNEL_IOC_REQUEUE, NULL), -EPIPE);
	tap_is("STATUS: the new channel is open", status_kind(region),
	       UMEM_PROVIDER_USER);
	close(channel);
	tap_is("STATUS: the old channel's end changes nothing",
	       status_kind(region), UMEM_PROVIDER_USER);
	tap_err("CHANNEL, a third one", open_channel(region, 0), -EBUSY);
	close(other);
	tap_is("STATUS: nobody provides any more", status_kind(region),
	       UMEM_PROVIDER_NONE);
	same = open_channel(region, UMEM_CHANNEL_REPLACE);
	tap_err("CHANNEL, REPLACE of nobody", same, 0);
	close(same);
	close(region);
}

static void test_device(void)
{
	struct umem_region_status st;
	char byte = 0;

	test_unknown("device", device);
	tap_err("device: CHANNEL", open_channel(device, 0), -ENOTTY);
	tap_err("device: STATUS", call(device, UMEM_IOC_STATUS, &st), -ENOTTY);
	tap_err("device: DETACH", call(device, UMEM_IOC_DETACH, NULL), -ENOTTY);
	tap_err("device: read", result(read(device, &byte, 1)), -EINVAL);
	tap_err("device: write", result(write(device, &byte, 1)), -EINVAL);
	tap_err("device: mmap", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device,
				     0) == MAP_FAILED ? -errno : 0, -ENODEV);
}

int main(void)
{
	device = open("/dev/umem", O_RDWR);
	tap_need(device >= 0, "/dev/umem");
	test_layout();
	test_features();
	test_device();
	test_create_fields();
	test_create_first_version();
	test_create_structure();
	test_create_descriptor();
	test_region();
	test_rights();
	test_channel();
	return tap_end();
}
