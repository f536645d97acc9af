// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command line of umem-serve.
 */
#include <getopt.h>
#include <string.h>

#include "../lib/usage.h"
#include "options.h"

static const char help[] =
"Usage: umem-serve --listen rdma://ADDR:PORT --export ID=PATH [OPTION]...\n"
"Serve files as memory: umem providers read them by RDMA.\n"
"\n"
"  -l, --listen rdma://ADDR:PORT  where clients connect; may be given again;\n"
"                                 0.0.0.0 and [::] mean every address\n"
"  -e, --export ID=PATH           lets clients read the file PATH as export ID,\n"
"                                 a number; may be given again\n"
"      --max-clients N            connections at once (default 64)\n"
"      --handshake-timeout S      seconds a client has to prove itself\n"
"                                 (default 10)\n"
"      --keepalive S              seconds between messages that find clients\n"
"                                 which are gone (default 15)\n"
"      --ready-fd N               write \"1\" to file descriptor N when ready,\n"
"                                 and close it\n"
"  -h, --help                     this text\n"
"\n"
"Exports are read-only. A file that is exported must not change. Clients are not\n"
"authenticated: listen only where every host may read what is exported.\n"
"\n"
"Ends with status 0 at SIGTERM or SIGINT, 1 when something failed, 2 when the\n"
"command line is wrong. Example:\n"
"\n"
"  umem-serve --listen rdma://10.0.0.1:7471 --export 7=/srv/images/vm.img\n";

enum { OPT_MAX_CLIENTS = 256, OPT_HANDSHAKE, OPT_KEEPALIVE, OPT_READY_FD };

static const struct option options[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "export", required_argument, NULL, 'e' },
	{ "max-clients", required_argument, NULL, OPT_MAX_CLIENTS },
	{ "handshake-timeout", required_argument, NULL, OPT_HANDSHAKE },
	{ "keepalive", required_argument, NULL, OPT_KEEPALIVE },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void add_listen(struct serve_options *opt, const char *text)
{
	struct umem_source *where = &opt->listens[opt->listen_count];
	struct umem_why why;

	if (opt->listen_count == SERVE_MAX_LISTENS) {
		umem_because(&why, 0, "%u are the limit", SERVE_MAX_LISTENS);
		umem_usage_wrong(&why, "--listen", text);
	}
	if (umem_listen_parse(text, where, &why))
		umem_usage_wrong(&why, "--listen", text);
	if (where->kind != UMEM_SOURCE_RDMA) {
		umem_because(&why, 0, "only rdma:// is served by this version");
		umem_usage_wrong(&why, "--listen", text);
	}
	opt->listen_count++;
}

static void add_export(struct serve_options *opt, char *text)
{
	char *equals = strchr(text, '=');
	struct umem_why why;
	unsigned int i;
	uint64_t id;

	if (!equals || !equals[1]) {
		umem_because(&why, 0, "not of the form ID=PATH");
		umem_usage_wrong(&why, "--export", text);
	}
	if (opt->export_count == SERVE_MAX_EXPORTS) {
		umem_because(&why, 0, "%u are the limit", SERVE_MAX_EXPORTS);
		umem_usage_wrong(&why, "--export", text);
	}
	*equals = '\0';
	id = umem_usage_number("--export: the ID", text, 0, UINT64_MAX);
	*equals = '=';
	for (i = 0; i < opt->export_count; i++) {
		if (opt->exports[i].id != id)
			continue;
		umem_because(&why, 0, "that ID is taken by %s",
			     opt->exports[i].path);
		umem_usage_wrong(&why, "--export", text);
	}
	opt->exports[opt->export_count].id = id;
	opt->exports[opt->export_count].path = equals + 1;
	opt->export_count++;
}

static void take_option(struct serve_options *opt, int c)
{
	switch (c) {
	case 'l':
		add_listen(opt, optarg);
		break;
	case 'e':
		add_export(opt, optarg);
		break;
	case OPT_MAX_CLIENTS:
		opt->max_clients = umem_usage_number("--max-clients", optarg, 1,
						     100000);
		break;
	case OPT_HANDSHAKE:
		opt->handshake_ms = 1000 *
			umem_usage_number("--handshake-timeout", optarg, 1, 3600);
		break;
	case OPT_KEEPALIVE:
		opt->keepalive_ms = 1000 *
			umem_usage_number("--keepalive", optarg, 1, 3600);
		break;
	case OPT_READY_FD:
		opt->ready_fd = umem_usage_number("--ready-fd", optarg, 0, INT32_MAX);
		break;
	case 'h':
		umem_usage_help();
	default:
		umem_usage_unknown();
	}
}

void serve_options_parse(int argc, char **argv, struct serve_options *opt)
{
	int c;

	umem_usage_as(help);
	memset(opt, 0, sizeof(*opt));
	opt->max_clients = 64;
	opt->handshake_ms = 10000;
	opt->keepalive_ms = 15000;
	opt->ready_fd = -1;
	while ((c = getopt_long(argc, argv, "l:e:h", options, NULL)) >= 0)
		take_option(opt, c);
	if (optind < argc)
		umem_usage_wrong(NULL, "an argument too many:", argv[optind]);
	if (!opt->listen_count)
		umem_usage_wrong(NULL, "nowhere to listen:",
				 "give --listen rdma://ADDR:PORT");
	if (!opt->export_count)
		umem_usage_wrong(NULL, "nothing to serve:", "give --export ID=PATH");
}
