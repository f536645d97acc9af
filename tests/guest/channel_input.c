// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What read() and write() of a channel answer to bad input, and what is left
 * behind by it. Built with -m32 as well: both programs must get the same.
 *
 * needs: umem
 */
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/umem.h>

#include "lib/tap.h"

#define PAGE		UMEM_GRANULE_SIZE
#define GRANULES	64
#define MAX_DATA	(8 * PAGE)

static int region, channel;
static char *mem;		/* never touched where a granule is missing */

struct message {
	struct umem_record record;
	char payload[16 * PAGE];
};

static struct message out;

static struct umem_record record(uint64_t offset, uint32_t length, int op)
{
	return (struct umem_record){
		.offset = htole64(offset),
		.length = htole32(length),
		.op = op,
		.status = htole16(op == UMEM_OP_FAIL ? UMEM_STATUS_IO : 0),
	};
}

/* Writes a record and @payload bytes after it. */
static long put(uint64_t offset, uint32_t length, int op, size_t payload)
{
	out.record = record(offset, length, op);
	return result(write(channel, &out, sizeof(out.record) + payload));
}

static struct umem_region_status status(void)
{
	struct umem_region_status st;

	tap_need(!ioctl(region, UMEM_IOC_STATUS, &st), "UMEM_IOC_STATUS");
	return st;
}

static void open_region(void)
{
	struct umem_create create = {
		.size = GRANULES * PAGE,
		.wait_policy = UMEM_WAIT_FAILFAST,
		.max_inflight = 4,
		.max_data = MAX_DATA,
	};
	struct umem_channel_open args = { .flags = UMEM_CHANNEL_NONBLOCK };
	int device = open("/dev/umem", O_RDWR);

	tap_need(device >= 0, "/dev/umem");
	region = ioctl(device, UMEM_IOC_CREATE, &create);
	tap_need(region >= 0, "UMEM_IOC_CREATE");
	close(device);
	channel = ioctl(region, UMEM_IOC_CHANNEL, &args);
	tap_need(channel >= 0, "UMEM_IOC_CHANNEL");
	mem = mmap(NULL, GRANULES * PAGE, PROT_READ, MAP_SHARED, region, 0);
	tap_need(mem != MAP_FAILED, "mmap");
}

static void test_read(void)
{
	char buf[64];

	tap_err("read of 0 bytes", result(read(channel, buf, 0)), -EINVAL);
	tap_err("read of 15 bytes", result(read(channel, buf, 15)), -EINVAL);
	tap_err("read of nothing, nonblocking",
		result(read(channel, buf, 16)), -EAGAIN);
	tap_err("pread", result(pread(channel, buf, 16, 0)), -ESPIPE);
}

static void test_short_write(void)
{
	size_t n;

	out.record = record(0, PAGE, UMEM_OP_ZERO);
	tap_is("write of 0 bytes", result(write(channel, &out, 0)), 0);
	for (n = 1; n < sizeof(out.record); n++)
		if (result(write(channel, &out, n)) != -EINVAL)
			break;
	tap_is("write of 1 to 15 bytes: EINVAL", n, 16);
	tap_err("DATA without its payload", put(0, PAGE, UMEM_OP_DATA, 0),
		-EINVAL);
	tap_err("DATA with a byte too few",
		put(0, PAGE, UMEM_OP_DATA, PAGE - 1), -EINVAL);
	tap_err("DATA of two granules with the payload of one",
		put(0, 2 * PAGE, UMEM_OP_DATA, PAGE), -EINVAL);
}

static void test_bad_fields(void)
{
	static const struct {
		const char *what;
		uint64_t offset;
		uint32_t length;
		int op, err;
	} bad[] = {
		{ "op 0", 0, PAGE, 0, -EINVAL },
		{ "op 255", 0, PAGE, 255, -EINVAL },
		{ "a request as answer", 0, PAGE, UMEM_OP_FETCH, -EINVAL },
		{ "CANCEL as answer", 0, PAGE, UMEM_OP_CANCEL, -EINVAL },
		{ "CACHED of 0 bytes", 0, 0, UMEM_OP_CACHED, -EINVAL },
		{ "CACHED, offset unaligned", 8, PAGE, UMEM_OP_CACHED, -EINVAL },
		{ "CACHED across the end", (GRANULES - 1) * PAGE, 2 * PAGE,
		  UMEM_OP_CACHED, -ERANGE },
		{ "ZERO of 0 bytes", 0, 0, UMEM_OP_ZERO, -EINVAL },
		{ "ZERO, length unaligned", 0, PAGE + 1, UMEM_OP_ZERO, -EINVAL },
		{ "ZERO, offset unaligned", 8, PAGE, UMEM_OP_ZERO, -EINVAL },
		{ "ZERO at the end", GRANULES * PAGE, PAGE, UMEM_OP_ZERO,
		  -ERANGE },
		{ "ZERO across the end", (GRANULES - 1) * PAGE, 2 * PAGE,
		  UMEM_OP_ZERO, -ERANGE },
		{ "ZERO, offset 2^32", 1ULL << 32, PAGE, UMEM_OP_ZERO, -ERANGE },
		{ "ZERO, offset + length wraps", -(uint64_t)PAGE, 2 * PAGE,
		  UMEM_OP_ZERO, -ERANGE },
		{ "FAIL at the end", GRANULES * PAGE, PAGE, UMEM_OP_FAIL,
		  -ERANGE },
		{ "DATA across the end", (GRANULES - 1) * PAGE, 2 * PAGE,
		  UMEM_OP_DATA, -ERANGE },
		{ "DATA, offset unaligned", 512, PAGE, UMEM_OP_DATA, -EINVAL },
		{ "DATA over max_data", 0, MAX_DATA + PAGE, UMEM_OP_DATA,
		  -EMSGSIZE },
	};
	char name[80];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_err(bad[i].what, put(bad[i].offset, bad[i].length, bad[i].op,
					 sizeof(out.payload)), bad[i].err);
	out.record = record(0, PAGE, UMEM_OP_ZERO);
	out.record.flags = 1;
	tap_err("ZERO with a flag", result(write(channel, &out, 16)), -EINVAL);
	out.record = record(0, PAGE, UMEM_OP_ZERO);
	out.record.status = htole16(UMEM_STATUS_IO);
	tap_err("ZERO with a status", result(write(channel, &out, 16)), -EINVAL);
	for (i = 0; i < 6; i += 5) {
		out.record = record(0, PAGE, UMEM_OP_FAIL);
		out.record.status = htole16(i);
		snprintf(name, sizeof(name), "FAIL with status %zu", i);
		tap_err(name, result(write(channel, &out, 16)), -EINVAL);
	}
}

static void test_bad_memory(void)
{
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *volatile nowhere = (char *)8;
	struct umem_record head = record(4 * PAGE, PAGE, UMEM_OP_DATA);
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = page + PAGE, .iov_len = PAGE },
	};

	tap_need(page != MAP_FAILED, "mmap");
	munmap(page + PAGE, PAGE);
	tap_err("write, record at a bad address",
		result(write(channel, nowhere, 16)), -EFAULT);
	tap_err("write, record half outside memory",
		result(write(channel, page + PAGE - 8, 16)), -EFAULT);
	tap_err("DATA, payload at a bad address", result(writev(channel, iov, 2)),
		-EFAULT);
	/* The last 8 bytes of the payload are missing. */
	memset(page, 0x55, PAGE);
	iov[1].iov_base = page + 8;
	tap_err("DATA, payload half outside memory",
		result(writev(channel, iov, 2)), -EFAULT);
	tap_err("DATA, only its second granule at a bad address",
		(head.length = htole32(2 * PAGE), iov[1].iov_base = page,
		 iov[1].iov_len = 2 * PAGE, result(writev(channel, iov, 2))),
		-EFAULT);
	munmap(page, PAGE);
}

/* Nothing of the above may have provided anything but granule 4's page. */
static void test_nothing_happened(void)
{
	struct umem_region_status st = status();

	tap_is("bad input: whole granules only", st.granules_provided, 1);
	tap_is("bad input: bytes_copied", st.bytes_copied, PAGE);
	tap_is("bad input: no answer failed", st.answers_failed, 0);
	tap_is("bad input: no answer stale", st.answers_stale, 0);
	tap_is("the granule before the bad address is there", mem[4 * PAGE],
	       0x55);
}

/* A good record before a bad or incomplete one: a short count. */
static void test_good_then_bad(void)
{
	struct umem_record two[2] = {
		record(8 * PAGE, PAGE, UMEM_OP_ZERO),
		record(1, PAGE, UMEM_OP_ZERO),
	};
	struct {
		struct umem_record data;
		char payload[PAGE];
		struct umem_record bad;
	} mixed = {
		.data = record(9 * PAGE, PAGE, UMEM_OP_DATA),
		.bad = record(0, PAGE, UMEM_OP_CANCEL),
	};

	tap_is("a bad record after a good one: short count",
	       result(write(channel, two, 32)), 16);
	tap_is("a bad record after DATA: short count",
	       result(write(channel, &mixed, sizeof(mixed))), 16 + PAGE);
	two[0] = record(10 * PAGE, PAGE, UMEM_OP_ZERO);
	two[1] = record(11 * PAGE, PAGE, UMEM_OP_ZERO);
	tap_is("an incomplete tail: short count",
	       result(write(channel, two, 31)), 16);
	two[1] = record(11 * PAGE, PAGE, UMEM_OP_DATA);
	tap_is("DATA without payload after a good record: short count",
	       result(write(channel, two, 32)), 16);
	tap_is("what was consumed took effect", status().granules_provided, 4);
	tap_is("of the stale one, nothing but the count",
	       status().answers_stale, 1);
}

/* A record and its payload may be cut into pieces of any size. */
static void test_pieces(void)
{
	struct iovec iov[3] = {
		{ .iov_base = &out, .iov_len = 3 },
		{ .iov_base = (char *)&out + 3, .iov_len = 1000 },
		{ .iov_base = (char *)&out + 1003,
		  .iov_len = 16 + 2 * PAGE - 1003 },
	};
	struct umem_record last;

	out.record = record(20 * PAGE, 2 * PAGE, UMEM_OP_DATA);
	memset(out.payload, 0x66, 2 * PAGE);
	out.payload[PAGE] = 0x77;
	tap_is("DATA in three pieces", result(writev(channel, iov, 3)),
	       16 + 2 * PAGE);
	tap_is("its first byte", mem[20 * PAGE], 0x66);
	tap_is("its second granule", mem[21 * PAGE], 0x77);
	tap_is("DATA of max_data bytes", put(24 * PAGE, MAX_DATA, UMEM_OP_DATA,
					     MAX_DATA), 16 + MAX_DATA);
	last = record(0, GRANULES * PAGE, UMEM_OP_ZERO);
	tap_is("ZERO of the whole region", result(write(channel, &last, 16)),
	       16);
	tap_is("everything is there", status().granules_provided, GRANULES);
	tap_is("what was there before is as it was", mem[20 * PAGE], 0x66);
	tap_is("what was not is zero", mem[40 * PAGE], 0);
}

static void test_after_the_end(void)
{
	struct pollfd pfd = { .fd = channel, .events = POLLIN | POLLOUT };
	char buf[16];

	tap_err("DETACH", result(ioctl(region, UMEM_IOC_DETACH)), 0);
	tap_is("ended channel: end of file", result(read(channel, buf, 16)), 0);
	tap_err("ended channel: write", put(0, PAGE, UMEM_OP_ZERO, 0), -EPIPE);
	tap_err("ended channel: bad write", put(1, PAGE, UMEM_OP_ZERO, 0),
		-EPIPE);
	poll(&pfd, 1, 0);
	tap_ok(pfd.revents & POLLHUP && !(pfd.revents & POLLOUT),
	       "ended channel: POLLHUP, not POLLOUT");
	tap_err("ended channel: REQUEUE",
		result(ioctl(channel, UMEM_CHANNEL_IOC_REQUEUE)), -EPIPE);
}

int main(void)
{
	open_region();
	test_read();
	test_short_write();
	test_bad_fields();
	test_bad_memory();
	test_nothing_happened();
	test_good_then_bad();
	test_pieces();
	test_after_the_end();
	return tap_end();
}
