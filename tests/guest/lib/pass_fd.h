/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For guest tests in C: descriptors that go through a UNIX socket. */
#ifndef UMEM_TEST_PASS_FD_H
#define UMEM_TEST_PASS_FD_H

/* Sends a copy of @fd; fails the test when it cannot. */
void pass_fd(int socket, int fd);

/* Waits for a descriptor; fails the test when something else comes. */
int pass_fd_receive(int socket);

#endif /* UMEM_TEST_PASS_FD_H */
