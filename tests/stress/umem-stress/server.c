// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "provider/lib/attach.h"
#include "server.h"
#include "world.h"

static char address[128];		/* rdma://ADDR:PORT, or empty */
static pid_t server;

static void give_up(const char *what)
{
	fprintf(stderr, "umem-stress: %s\n", what);
	exit(1);
}

void server_configure(const char *listen)
{
	if (listen)
		snprintf(address, sizeof(address), "rdma://%s", listen);
}

bool server_configured(void)
{
	return address[0];
}

static void run(int ready)
{
	int log = open("/tmp/umem-stress.serve.log",
		       O_WRONLY | O_CREAT | O_APPEND, 0600);
	char fd[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	snprintf(fd, sizeof(fd), "%d", ready);
	fcntl(ready, F_SETFD, 0);
	execlp("umem-serve", "umem-serve", "--listen", address, "--export",
	       "7=" IMAGE, "--ready-fd", fd, NULL);
	_exit(127);
}

void server_start(void)
{
	int ready[2];
	char byte;

	if (server)
		return;
	if (pipe2(ready, O_CLOEXEC))
		give_up("no pipe");
	server = fork();
	if (!server)
		run(ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		stress_fail("umem-serve does not start");
	close(ready[0]);
}

void server_stop(void)
{
	if (!server)
		return;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

int server_attach(int channel)
{
	static const struct umem_attach_limits limits = {
		.reads_inflight = 16,
		.connect_timeout_ms = UMEM_CONNECT_TIMEOUT_MS,
		.ack_timeout_ms = UMEM_ACK_TIMEOUT_MS,
	};
	struct umem_source source;
	struct umem_why why;
	char text[160];
	int err;

	snprintf(text, sizeof(text), "%s/7", address);
	err = umem_source_parse(text, &source, &why);
	return err ? err : umem_kernel_attach(channel, &source, &limits, &why);
}
