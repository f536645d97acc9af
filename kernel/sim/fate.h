/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What befalls a request, by chance that a seed decides. Pure logic: also
 * compiled into a unit test.
 */
#ifndef UMEM_SIM_FATE_H
#define UMEM_SIM_FATE_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

struct umem_sim_attach;

/**
 * struct umem_sim_fate - what befalls one request
 * @delay_ns: from the end of its transfer to its answer.
 * @hang: it is not answered.
 * @error: it is answered by an error.
 */
struct umem_sim_fate {
	__u64 delay_ns;
	bool hang;
	bool error;
};

bool umem_sim_chancy(const struct umem_sim_attach *arg);
void umem_sim_draw(const struct umem_sim_attach *arg, __u64 number,
		   struct umem_sim_fate *fate);
bool umem_sim_draw_refusal(const struct umem_sim_attach *arg, __u64 number);

#endif /* UMEM_SIM_FATE_H */
