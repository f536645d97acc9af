/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * umem-serve with the image, for umem_rdma.
 */
#ifndef UMEM_STRESS_SERVER_H
#define UMEM_STRESS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/* @listen: ADDR:PORT to serve at, or NULL. */
void server_configure(const char *listen);
bool server_configured(void);
/* Returns when it listens; does nothing when it does already. */
void server_start(void);
void server_stop(void);
/* Attaches @channel to it: 0 or a negative errno. */
int server_attach(int channel);

#endif /* UMEM_STRESS_SERVER_H */
