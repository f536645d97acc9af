// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command line of umem-serve.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/size.h"
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

static void __attribute__((noreturn)) wrong(const struct umem_why *why,
					    const char *what, const char *arg)
{
	umem_say("%s %s%s%s", what, arg, why ? ": " : "", why ? why->text : "");
	fputs("Usage: umem-serve --listen rdma://ADDR:PORT --export ID=PATH ...; umem-serve --help tells more\n",
	      stderr);
	exit(2);
}

static uint64_t number(const char *name, const char *text, uint64_t min,
		       uint64_t max)
{
	struct umem_why why;
	uint64_t n;

	if (umem_number_parse(text, min, max, &n, &why))
		wrong(&why, name, text);
	return n;
}

static void add_listen(struct serve_options *opt, const char *text)
{
	struct umem_source *where = &opt->listens[opt->listen_count];
	struct umem_why why;

	if (opt->listen_count == SERVE_MAX_LISTENS) {
		umem_because(&why, 0, "%u are the limit", SERVE_MAX_LISTENS);
		wrong(&why, "--listen", text);
	}
	if (umem_listen_parse(text, where, &why))
		wrong(&why, "--listen", text);
	if (where->kind != UMEM_SOURCE_RDMA) {
		umem_because(&why, 0, "only rdma:// is served by this version");
		wrong(&why, "--listen", text);
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
		wrong(&why, "--export", text);
	}
	if (opt->export_count == SERVE_MAX_EXPORTS) {
		umem_because(&why, 0, "%u are the limit", SERVE_MAX_EXPORTS);
		wrong(&why, "--export", text);
	}
	*equals = '\0';
	id = number("--export: the ID", text, 0, UINT64_MAX);
	*equals = '=';
	for (i = 0; i < opt->export_count; i++) {
		if (opt->exports[i].id != id)
			continue;
		umem_because(&why, 0, "that ID is taken by %s",
			     opt->exports[i].path);
		wrong(&why, "--export", text);
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
		opt->max_clients = number("--max-clients", optarg, 1, 100000);
		break;
	case OPT_HANDSHAKE:
		opt->handshake_ms = 1000 * number("--handshake-timeout", optarg,
						  1, 3600);
		break;
	case OPT_KEEPALIVE:
		opt->keepalive_ms = 1000 * number("--keepalive", optarg, 1, 3600);
		break;
	case OPT_READY_FD:
		opt->ready_fd = number("--ready-fd", optarg, 0, INT32_MAX);
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		/* getopt_long() has said what is wrong. */
		fputs("umem-serve --help tells more\n", stderr);
		exit(2);
	}
}

void serve_options_parse(int argc, char **argv, struct serve_options *opt)
{
	int c;

	memset(opt, 0, sizeof(*opt));
	opt->max_clients = 64;
	opt->handshake_ms = 10000;
	opt->keepalive_ms = 15000;
	opt->ready_fd = -1;
	while ((c = getopt_long(argc, argv, "l:e:h", options, NULL)) >= 0)
		take_option(opt, c);
	if (optind < argc)
		wrong(NULL, "an argument too many:", argv[optind]);
	if (!opt->listen_count)
		wrong(NULL, "nowhere to listen:", "give --listen rdma://ADDR:PORT");
	if (!opt->export_count)
		wrong(NULL, "nothing to serve:", "give --export ID=PATH");
}
