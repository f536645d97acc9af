// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-serve: the memory server.
 */
#include <errno.h>
#include <unistd.h>

#include "server.h"

/* Whoever waits for us reads a "1"; end of file means that we failed. */
static int tell_ready(int fd)
{
	ssize_t n;

	if (fd < 0)
		return 0;
	n = write(fd, "1", 1);
	if (n != 1) {
		umem_say_failed(errno, NULL, "writing to --ready-fd %d", fd);
		return -1;
	}
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct serve_options opt;
	struct server srv = { };
	int err;

	umem_say_as("umem-serve");
	serve_options_parse(argc, argv, &opt);
	err = serve_start(&srv, &opt);
	if (!err)
		err = tell_ready(opt.ready_fd);
	if (!err) {
		umem_say("clients are not authenticated: there is no pre-shared key");
		umem_say("ready");
		serve_loop(&srv);
		umem_say("stopped");
	}
	serve_end(&srv);
	return err ? 1 : 0;
}
