/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A provider process: serves a channel as badly as the protocol allows.
 */
#ifndef UMEM_STRESS_PROVIDER_H
#define UMEM_STRESS_PROVIDER_H

#include <stdint.h>

/*
 * @channel: nonblocking. @stream: of random numbers. Ends when the channel
 * does, or with SIGTERM, and does not return.
 */
__attribute__((noreturn))
void provider_run(int channel, uint64_t stream);

#endif /* UMEM_STRESS_PROVIDER_H */
