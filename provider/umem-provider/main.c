// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umem-provider: provides a region from userspace.
 */
#include <errno.h>
#include <unistd.h>

#include "provider.h"

/* Whoever waits for us reads a "1"; end of file means that we failed. */
static int tell_ready(int fd)
{
	int err = 0;

	if (fd < 0)
		return 0;
	if (write(fd, "1", 1) != 1) {
		err = -errno;
		umem_say_failed(err, NULL, "writing to --ready-fd %d", fd);
	}
	close(fd);
	return err;
}

int main(int argc, char **argv)
{
	struct provider_options opt;
	struct provider provider;
	int err;

	umem_say_as("umem-provider");
	provider_options_parse(argc, argv, &opt);
	err = provider_setup(&provider, &opt);
	if (!err) {
		umem_say("providing %s from %s by %s; the server is not authenticated (no pre-shared key)",
			 opt.target, rdma_client_name(provider.client),
			 rdma_client_device(provider.client));
		err = tell_ready(opt.ready_fd);
	}
	if (!err)
		err = provider_loop(&provider);
	provider_end(&provider);
	return err ? 1 : 0;
}
