// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl run
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "region.h"
#include "size.h"
#include "umemctl.h"

/*
 * The kernel has no defaults; these are the tool's. 256 requests are more than
 * a device's queue of READs is deep and pin 1 MiB; 64 KiB in a DATA record
 * spread the cost of a write() over 16 granules. With huge granules one of them
 * does that, and 16 requests pin 32 MiB.
 */
#define MAX_INFLIGHT		256
#define MAX_INFLIGHT_HUGE	16
#define MAX_DATA		(64U << 10)

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "wait-policy", required_argument, NULL, OPT_WAIT_POLICY },
	{ "provider", required_argument, NULL, OPT_PROVIDER },
	{ "max-inflight", required_argument, NULL, OPT_MAX_INFLIGHT },
	{ "max-data", required_argument, NULL, OPT_MAX_DATA },
	{ "spin", required_argument, NULL, OPT_SPIN },
	{ "user-only", no_argument, NULL, OPT_USER_ONLY },
	{ "huge", no_argument, NULL, OPT_HUGE },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "readahead", required_argument, NULL, OPT_READAHEAD },
	PROVIDER_OPTIONS,
	{ }
};

struct run_options {
	struct umem_create create;
	struct provider_choice provider;
	const char *replay;	/* NULL: nothing */
	bool have_size;
};

/* ---- Options ------------------------------------------------------------ */

static void parse_policy(const struct verb *verb, struct umem_create *create)
{
	static const char timeout[] = "timeout=";
	struct umem_why why;
	uint64_t ms;

	create->timeout_ms = 0;
	if (!strcmp(optarg, "hard")) {
		create->wait_policy = UMEM_WAIT_HARD;
	} else if (!strcmp(optarg, "fail-fast")) {
		create->wait_policy = UMEM_WAIT_FAILFAST;
	} else if (!strncmp(optarg, timeout, strlen(timeout))) {
		if (umem_number_parse(optarg + strlen(timeout), 1, UINT32_MAX,
				      &ms, &why))
			usage_fail(verb, "--wait-policy %s: milliseconds: %s",
				   optarg, why.text);
		create->wait_policy = UMEM_WAIT_TIMEOUT;
		create->timeout_ms = (uint32_t)ms;
	} else {
		usage_fail(verb, "--wait-policy %s is none; give hard, timeout=MS or fail-fast",
			   optarg);
	}
}

static void parse_readahead(const struct verb *verb, struct umem_create *create)
{
	uint64_t size = option_size(verb, "--readahead");

	if (size > UINT32_MAX)
		usage_fail(verb, "--readahead: %s is more than 4294967295",
			   optarg);
	create->readahead = (uint32_t)size;
}

static void parse_data(const struct verb *verb, struct umem_create *create)
{
	uint64_t size = option_size(verb, "--max-data");

	if (!size || size > UINT32_MAX)
		usage_fail(verb, "--max-data: %s is not between 1 and 4294967295",
			   optarg);
	create->max_data = (uint32_t)size;
}

static void parse_option(const struct verb *verb, int opt, struct run_options *o)
{
	switch (opt) {
	case OPT_SIZE:
		o->create.size = option_size(verb, "--size");
		o->have_size = true;
		break;
	case OPT_WAIT_POLICY:
		parse_policy(verb, &o->create);
		break;
	case OPT_PROVIDER:
		provider_source(verb, optarg, &o->provider);
		break;
	case OPT_MAX_INFLIGHT:
		o->create.max_inflight = option_number(verb, "--max-inflight",
						       UINT32_MAX);
		break;
	case OPT_MAX_DATA:
		parse_data(verb, &o->create);
		break;
	case OPT_REPLAY:
		o->replay = optarg;
		break;
	case OPT_READAHEAD:
		parse_readahead(verb, &o->create);
		break;
	case OPT_SPIN:
		o->create.spin_ns = option_number(verb, "--spin",
						  UMEM_MAX_SPIN_NS);
		break;
	case OPT_USER_ONLY:
		o->create.flags |= UMEM_CREATE_USER_ONLY;
		break;
	case OPT_HUGE:
		o->create.flags |= UMEM_CREATE_HUGE;
		break;
	default:
		provider_option(verb, opt, &o->provider);
	}
}

static void parse(const struct verb *verb, int argc, char **argv,
		  struct run_options *o)
{
	int opt;

	memset(o, 0, sizeof(*o));
	provider_defaults(&o->provider);
	while ((opt = option_next(verb, argc, argv)) >= 0)
		parse_option(verb, opt, o);
	if (!o->have_size)
		usage_fail(verb, "--size is missing");
	if (!o->create.wait_policy)
		usage_fail(verb, "--wait-policy is missing and has no default; give hard, timeout=MS or fail-fast");
	if (!o->provider.source.text)
		usage_fail(verb, "--provider is missing");
	if (optind >= argc)
		usage_fail(verb, "the command is missing after --");
}

/* ---- The region --------------------------------------------------------- */

static void set_limits(struct umem_create *create,
		       const struct umem_features *features)
{
	bool huge = create->flags & UMEM_CREATE_HUGE;
	uint32_t inflight = huge ? MAX_INFLIGHT_HUGE : MAX_INFLIGHT;
	uint32_t data = huge ? UMEM_GRANULE_HUGE : MAX_DATA;

	if (!create->max_inflight)
		create->max_inflight = inflight < features->max_inflight ?
				       inflight : features->max_inflight;
	if (!create->max_data)
		create->max_data = data < features->max_data ? data :
				   features->max_data;
}

/* A region fd, or a negative errno and @why. */
static int try_create(int device, struct run_options *o, struct umem_why *why)
{
	struct umem_features features;
	int err;

	err = umem_device_features(device, &features);
	if (err)
		return umem_because(why, err, "%s",
				    umem_explain(UMEM_DO_FEATURES, err));
	set_limits(&o->create, &features);
	o->create.features = o->provider.user ? UMEM_FEATURE_DATA :
			     UMEM_FEATURE_KPROVIDER;
	if (o->create.flags & UMEM_CREATE_USER_ONLY)
		o->create.features |= UMEM_FEATURE_USER_ONLY;
	if (o->create.flags & UMEM_CREATE_HUGE)
		o->create.features |= UMEM_FEATURE_HUGE;
	if (o->create.readahead)
		o->create.features |= UMEM_FEATURE_READAHEAD;
	err = umem_region_create(device, &o->create);
	if (err < 0)
		umem_create_because(why, err, &o->create, &features);
	return err;
}

static int create_region(struct run_options *o)
{
	struct umem_why why = { "" };
	int device, region;

	device = umem_device_open();
	if (device < 0) {
		region = umem_because(&why, device, "%s: %s", UMEM_DEVICE,
				      umem_explain(UMEM_DO_OPEN, device));
	} else {
		region = try_create(device, o, &why);
		close(device);
	}
	if (region < 0)
		umem_say_failed(region, &why, "creating a region of %" PRIu64 " bytes",
				(uint64_t)o->create.size);
	return region;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct run_options o;
	char subject[64];
	int region, err;

	parse(verb, argc, argv, &o);
	argv = child_arguments(argv + optind);
	region = create_region(&o);
	if (region < 0)
		return EXIT_FAILURE;
	snprintf(subject, sizeof(subject), "a region of %" PRIu64 " bytes",
		 (uint64_t)o.create.size);
	if (provider_start(region, subject, &o.provider))
		return EXIT_FAILURE;
	/* What could not be had the program asks for itself. */
	if (o.replay) {
		err = replay_file(region, subject, o.replay);
		if (err && err != -EIO)
			return EXIT_FAILURE;
	}
	return child_run(region, argv);
}

const struct verb verb_run = {
	.name = "run",
	.summary = "run a program with a new region as its descriptor 3",
	.help =
"usage: umemctl run --size S --wait-policy P --provider SOURCE [OPTION]... [--] CMD [ARG]...\n\n"
"Makes a region, gives it a provider, and runs CMD with the region as descriptor 3,\n"
"UMEM_FD=3 in its environment, and every {} in its arguments replaced by\n"
"/proc/self/fd/3. The exit status is that of CMD, 128 + N if signal N killed it, 127\n"
"if it was not found, 126 if it could not be executed.\n\n"
"  --size S             4096, 64K, 256M, 1G, 2T; a multiple of the granule\n"
"  --wait-policy P      what a touch of missing memory does; there is no default:\n"
"                         hard        waits until a provider delivers\n"
"                         timeout=MS  waits so long, then SIGBUS\n"
"                         fail-fast   SIGBUS when there is no provider\n"
"  --provider SOURCE    rdma://HOST:PORT/ID, or sim:WORD,WORD... for tests\n"
PROVIDER_HELP
"  --huge               granules of 2 MiB, of huge pages where there are some\n"
"  --max-inflight N     requests open at once; each pins a granule (256, or 16\n"
"                       with --huge)\n"
"  --max-data S         largest DATA record of a provider in userspace (64K, or 2M\n"
"                       with --huge)\n"
"  --readahead S        read so far ahead of touches in an order (0: do not)\n"
"  --replay FILE        prefetch what umemctl record wrote to FILE, before CMD starts\n"
"  --spin NS            nanoseconds that a fault may poll a provider in the kernel\n"
"                       before it sleeps, where that pays; at most 1000000\n"
"  --user-only          system calls and KVM do not wait for missing memory: EFAULT\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = "+:h",
	.run = run,
};
