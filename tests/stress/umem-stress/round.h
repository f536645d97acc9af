/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef UMEM_STRESS_ROUND_H
#define UMEM_STRESS_ROUND_H

#include <stdint.h>

/* One region from its creation to its last check. */
void round_run(uint64_t number, long long end_ms);

#endif /* UMEM_STRESS_ROUND_H */
