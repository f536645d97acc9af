// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes a region that has no provider, and becomes another program with it:
 *
 *	region_exec [-c] SIZE hard|fail-fast CMD [ARG]...
 *
 * The region is descriptor 3; with -c its channel is descriptor 4.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/lib/region.h"
#include "provider/lib/size.h"

#define REGION	3
#define CHANNEL	4

static int die(const char *what, int err)
{
	fprintf(stderr, "region_exec: %s: %s\n", what, strerror(-err));
	return 1;
}

int main(int argc, char **argv)
{
	int with_channel = argc > 1 && !strcmp(argv[1], "-c");
	struct umem_create create = {
		.max_inflight = 64,
		.max_data = 65536,
	};
	int device, region, channel;
	uint64_t size;

	argv += with_channel;
	argc -= with_channel;
	if (argc < 4 || umem_size_parse(argv[1], &size, NULL))
		return 2;
	create.size = size;
	create.wait_policy = strcmp(argv[2], "hard") ? UMEM_WAIT_FAILFAST :
		UMEM_WAIT_HARD;
	device = umem_device_open();
	if (device < 0)
		return die("opening " UMEM_DEVICE, device);
	region = umem_region_create(device, &create);
	if (region < 0)
		return die("creating a region", region);
	channel = with_channel ? umem_region_channel(region, 0) : 0;
	if (channel < 0)
		return die("opening a channel", channel);
	/* Away from 3 and 4 before they are taken; the copies survive exec. */
	region = dup2(region, 10);
	if (with_channel)
		channel = dup2(channel, 11);
	dup2(region, REGION);
	close(region);
	if (with_channel) {
		dup2(channel, CHANNEL);
		close(channel);
	}
	execvp(argv[3], argv + 3);
	perror("region_exec");
	return 127;
}
