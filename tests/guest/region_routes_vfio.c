// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * VFIO: pins for as long as a device is given the memory, behind an IOMMU. The
 * device is QEMU's edu, which copies between memory and a buffer of its own; it
 * sees the provider's bytes and what the program sees, and nothing else.
 *
 * needs: umem iommu
 * timeout: 240
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
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
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/hand_provider.h"
#include "lib/routes.h"
#include "lib/touch.h"

#define DEVICES		"/sys/bus/pci/drivers/vfio-pci/*:*"

/* Where the device sees the region, and a page of the program's. It has 28 bits. */
#define IOVA		0x100000UL
#define IOVA_OWN	0x200000UL

/* Registers of edu, its buffer, and what they take. */
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_RUN		1UL
#define EDU_TO_MEMORY	2UL
#define EDU_BUFFER	0x40000UL
#define EDU_MOST	2048	/* the emulated one does not take all 4096 */

#define BROKEN		199	/* the machine is not as it should be */

static struct {
	int container;
	int device;
	volatile char *registers;
	char *own;			/* at IOVA_OWN */
} edu;

/* ---- The device --------------------------------------------------------- */

/* The one that run-tests bound to vfio-pci: its name, and its group. */
static int find_device(char *name, size_t size)
{
	char link[256], group[256];
	ssize_t length;
	glob_t found;

	if (glob(DEVICES, 0, NULL, &found))
		return -1;
	snprintf(name, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
	snprintf(link, sizeof(link), "%s/iommu_group", found.gl_pathv[0]);
	globfree(&found);
	length = readlink(link, group, sizeof(group) - 1);
	if (length < 0)
		return -1;
	group[length] = '\0';
	snprintf(link, sizeof(link), "/dev/vfio/%s", strrchr(group, '/') + 1);
	return open(link, O_RDWR);
}

/* 0 or a positive errno. */
static int map_dma(void *at, size_t size, uint64_t iova, unsigned int flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = flags,
		.vaddr = (uintptr_t)at, .iova = iova, .size = size,
	};

	return ioctl(edu.container, VFIO_IOMMU_MAP_DMA, &map) ? errno : 0;
}

/* Its registers, and its leave to read and write memory. */
static int start_device(void)
{
	struct vfio_region_info bar = {
		.argsz = sizeof(bar), .index = VFIO_PCI_BAR0_REGION_INDEX,
	}, config = {
		.argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (ioctl(edu.device, VFIO_DEVICE_GET_REGION_INFO, &bar) ||
	    ioctl(edu.device, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pwrite(edu.device, &command, sizeof(command),
		   config.offset + PCI_COMMAND) != sizeof(command))
		return -1;
	edu.registers = mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED, edu.device, bar.offset);
	return edu.registers == MAP_FAILED ? -1 : 0;
}

/*
 * A group is open once, so this is for children. The program's memory is mapped
 * before: what fails then is the region's.
 */
static void open_device(void)
{
	char name[64];
	int group = find_device(name, sizeof(name));

	edu.container = open("/dev/vfio/vfio", O_RDWR);
	if (group < 0 || edu.container < 0 ||
	    ioctl(group, VFIO_GROUP_SET_CONTAINER, &edu.container) ||
	    ioctl(edu.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		_exit(BROKEN);
	edu.device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	edu.own = mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edu.device < 0 || start_device() ||
	    map_dma(edu.own, TEST_PAGE, IOVA_OWN, VFIO_DMA_MAP_FLAG_READ |
		    VFIO_DMA_MAP_FLAG_WRITE))
		_exit(BROKEN);
}

static int map_region(unsigned int flags)
{
	open_device();
	return map_dma(route_mem, ROUTE_SIZE, IOVA, flags);
}

static void set(unsigned int index, uint64_t value)
{
	*(volatile uint64_t *)(edu.registers + index) = value;
}

static void run(uint64_t source, uint64_t target, size_t length, uint64_t command)
{
	double end = test_now() + TEST_SECONDS;

	set(EDU_SOURCE, source);
	set(EDU_TARGET, target);
	set(EDU_COUNT, length);
	set(EDU_COMMAND, command | EDU_RUN);
	while (*(volatile uint64_t *)(edu.registers + EDU_COMMAND) & EDU_RUN) {
		if (test_now() > end)
			_exit(BROKEN);
		test_pause();
	}
}

/* The device copies: its buffer is between. */
static void copy(uint64_t source, uint64_t target, size_t length)
{
	run(source, EDU_BUFFER, length, 0);
	run(EDU_BUFFER, target, length, EDU_TO_MEMORY);
}

static void device_reads(size_t offset, size_t length)
{
	memset(edu.own, 0, TEST_PAGE);
	copy(IOVA + offset, IOVA_OWN, length);
}

static void device_writes(const char *text, size_t offset)
{
	strcpy(edu.own, text);
	copy(IOVA_OWN, IOVA + offset, strlen(text));
}

/* ---- Routes ------------------------------------------------------------- */

/* Before anybody touches it: mapping it fetched all. */
static int map_and_read(unsigned int flags)
{
	size_t offset = 3 * TEST_PAGE - EDU_MOST / 2;
	int error = map_region(flags), result;

	if (error)
		return error;
	if (test_status(route_region).granules_provided != ROUTE_PAGES)
		return ROUTE_WRONG;
	device_reads(offset, EDU_MOST);
	result = route_check(EDU_MOST, edu.own, EDU_MOST, offset);
	if (result)
		return result;
	device_reads(ROUTE_SIZE - EDU_MOST, EDU_MOST);
	return route_check(EDU_MOST, edu.own, EDU_MOST, ROUTE_SIZE - EDU_MOST);
}

static int by_map_dma(void)
{
	return map_and_read(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

/* For a device that only reads. */
static int by_map_dma_read_only(void)
{
	return map_and_read(VFIO_DMA_MAP_FLAG_READ);
}

/* ---- What is pinned ----------------------------------------------------- */

static int map_for_writing(void)
{
	return map_region(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

/* Whether the mapping and the file have @text there. */
static bool is_there(const char *text, size_t offset)
{
	size_t length = strlen(text);
	char buf[32];

	return !memcmp(route_mem + offset, text, length) &&
	       pread(route_region, buf, length, offset) == (ssize_t)length &&
	       !memcmp(buf, text, length);
}

static int stays_coherent(void)
{
	char buf[5];

	if (map_for_writing())
		return 1;
	/* What can part a pin from its page: reclaim, dropping, moving. */
	madvise(route_mem, ROUTE_SIZE, MADV_PAGEOUT);
	madvise(route_mem, ROUTE_SIZE, MADV_DONTNEED);
	if (pwrite(route_region, "program", 7, 100) != 7)
		return 2;
	device_reads(0, 256);
	if (memcmp(edu.own + 100, "program", 7) ||
	    *(uint64_t *)edu.own != pattern_word(0, 0))
		return 3;
	madvise(route_mem, ROUTE_SIZE, MADV_PAGEOUT);
	device_writes("device", 5 * TEST_PAGE + 8);
	if (!is_there("device", 5 * TEST_PAGE + 8) ||
	    *route_word(5, 0) != pattern_word(5, 0) ||
	    *route_word(5, 2) != pattern_word(5, 2))
		return 4;
	memcpy(route_mem + 9 * TEST_PAGE, "touch", 5);
	device_reads(9 * TEST_PAGE, 5);
	if (memcmp(edu.own, "touch", 5))
		return 5;
	/* The pin outlives the mapping. */
	if (munmap(route_mem, ROUTE_SIZE))
		return 6;
	device_writes("again", 6 * TEST_PAGE);
	return pread(route_region, buf, 5, 6 * TEST_PAGE) == 5 &&
	       !memcmp(buf, "again", 5) ? 0 : 7;
}

/* A hole takes the page from the region: what lands in it then is nobody's. */
static int hole_stays_zero(void)
{
	if (map_for_writing())
		return 1;
	if (fallocate(route_region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      7 * TEST_PAGE, TEST_PAGE))
		return 2;
	device_writes("late", 7 * TEST_PAGE);
	device_writes("device", 8 * TEST_PAGE);
	if (!test_is_zero(route_mem + 7 * TEST_PAGE))
		return 3;
	device_writes("late", 7 * TEST_PAGE + 64);
	if (!test_is_zero(route_mem + 7 * TEST_PAGE))
		return 4;
	return is_there("device", 8 * TEST_PAGE) ? 0 : 5;
}

static void with_provider(int (*child)(void))
{
	static struct pattern_provider provider;

	routes_make(UMEM_WAIT_HARD);
	pattern_provider_start(&provider, route_region);
	assert_int_equal(route_in_child(child), 0);
	pattern_provider_stop(&provider);
}

static void pinned_pages_stay(void **state)
{
	(void)state;
	with_provider(stays_coherent);
}

static void hole_under_a_pin(void **state)
{
	(void)state;
	with_provider(hole_stays_zero);
}

/* ---- A signal that is not deadly ---------------------------------------- */

static void nothing(int signal)
{
	(void)signal;
}

/* Again and again, so that some come while it waits. */
static int map_among_signals(void)
{
	struct itimerval often = { { 0, 100000 }, { 0, 100000 } };
	int error;

	signal(SIGALRM, nothing);
	open_device();
	setitimer(ITIMER_REAL, &often, NULL);
	error = map_dma(route_mem, ROUTE_SIZE, IOVA, VFIO_DMA_MAP_FLAG_READ |
			VFIO_DMA_MAP_FLAG_WRITE);
	return error == EFAULT || error == EINTR ? 0 : error ? error : 1;
}

static void signals_do_not_prolong_it(void **state)
{
	double started = test_now();
	int channel, got;

	(void)state;
	routes_make(UMEM_WAIT_HARD);
	channel = hand_open(route_region, 0);
	got = route_in_child(map_among_signals);
	hand_release(route_region);
	close(channel);
	assert_int_equal(got, 0);
	assert_true(test_now() - started < TEST_SECONDS / 2);
}

int main(void)
{
	static const struct route routes[] = {
		{ "VFIO_IOMMU_MAP_DMA", by_map_dma, EFAULT, ROUTE_ENDS },
		{ "VFIO_IOMMU_MAP_DMA to read", by_map_dma_read_only, EFAULT,
		  ROUTE_ENDS },
	};
	const struct CMUnitTest more[] = {
		cmocka_unit_test_teardown(pinned_pages_stay, routes_drop),
		cmocka_unit_test_teardown(hole_under_a_pin, routes_drop),
		cmocka_unit_test_teardown(signals_do_not_prolong_it, routes_drop),
	};

	return routes_run(routes, more);
}
