// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command line of umem-provider.
 */
#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "../lib/attach.h"
#include "../lib/usage.h"
#include "options.h"

static const char help[] =
"Usage: umem-provider [OPTION]... TARGET SOURCE\n"
"Provide the pages of a umem region from userspace: the fallback where there is\n"
"no provider in the kernel.\n"
"\n"
"TARGET is PID:FD or a path such as /proc/PID/fd/FD (a region), or fd:N (a\n"
"channel that this program inherited as descriptor N).\n"
"SOURCE is rdma://HOST:PORT/ID (a server started by umem-serve).\n"
"\n"
"      --reads-inflight N      RDMA READs open at once (default 16)\n"
"      --connect-timeout MS    limit of each step of connecting (default 5000)\n"
"      --ack-timeout MS        how long the transport waits before it repeats;\n"
"                              a dead server is noticed after about 8 of these\n"
"                              (default 500)\n"
"      --replace               take over from the region's present provider\n"
"      --poll                  never sleep: least latency, a whole processor\n"
"      --ready-fd N            write \"1\" to descriptor N when live, and close it\n"
"  -h, --help                  this text\n"
"\n"
"Ends with status 0 at SIGTERM or SIGINT and when the region is gone or has\n"
"another provider; 1 when something failed, as when the server is lost: then what\n"
"was requested waits for the next provider; 2 when the command line is wrong.\n";

enum { OPT_READS = 256, OPT_CONNECT, OPT_ACK, OPT_REPLACE, OPT_POLL, OPT_READY };

static const struct option options[] = {
	{ "reads-inflight", required_argument, NULL, OPT_READS },
	{ "connect-timeout", required_argument, NULL, OPT_CONNECT },
	{ "ack-timeout", required_argument, NULL, OPT_ACK },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "poll", no_argument, NULL, OPT_POLL },
	{ "ready-fd", required_argument, NULL, OPT_READY },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void take_option(struct provider_options *opt, int c)
{
	switch (c) {
	case OPT_READS:
		opt->reads_inflight = umem_usage_number("--reads-inflight", optarg,
							1, 65536);
		break;
	case OPT_CONNECT:
		opt->connect_timeout_ms = umem_usage_number("--connect-timeout",
							    optarg, 1, INT_MAX / 2);
		break;
	case OPT_ACK:
		opt->ack_timeout_ms = umem_usage_number("--ack-timeout", optarg,
							1, INT_MAX / 2);
		break;
	case OPT_REPLACE:
		opt->replace = true;
		break;
	case OPT_POLL:
		opt->poll = true;
		break;
	case OPT_READY:
		opt->ready_fd = umem_usage_number("--ready-fd", optarg, 0, INT_MAX);
		break;
	case 'h':
		umem_usage_help();
	default:
		umem_usage_unknown();
	}
}

static void take_source(struct provider_options *opt, const char *text)
{
	struct umem_why why;

	if (umem_source_parse(text, &opt->source, &why))
		umem_usage_wrong(&why, "SOURCE", text);
	if (opt->source.kind != UMEM_SOURCE_RDMA) {
		umem_because(&why, 0, "this version reads from rdma://HOST:PORT/ID only");
		umem_usage_wrong(&why, "SOURCE", text);
	}
}

void provider_options_parse(int argc, char **argv,
			    struct provider_options *opt)
{
	int c;

	umem_usage_as(help);
	memset(opt, 0, sizeof(*opt));
	opt->channel = -1;
	opt->reads_inflight = UMEM_READS_INFLIGHT;
	opt->connect_timeout_ms = UMEM_CONNECT_TIMEOUT_MS;
	opt->ack_timeout_ms = UMEM_ACK_TIMEOUT_MS;
	opt->ready_fd = -1;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
		take_option(opt, c);
	if (argc - optind < 2)
		umem_usage_wrong(NULL, "missing:", argc == optind ?
				 "TARGET and SOURCE" : "SOURCE");
	if (argc - optind > 2)
		umem_usage_wrong(NULL, "an argument too many:", argv[optind + 2]);
	opt->target = argv[optind];
	if (!strncmp(opt->target, "fd:", 3))
		opt->channel = umem_usage_number("TARGET fd:", opt->target + 3, 0,
						 INT_MAX);
	take_source(opt, argv[optind + 1]);
}
