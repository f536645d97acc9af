// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Chance: a hash of the seed and of a number, cut into pieces.
 */
#include <linux/umem_sim.h>

#include "fate.h"
#include "provider/pattern.h"

/* So that the numbers of submissions give other draws than those of requests. */
#define REFUSALS	0x72656675736564ULL

#define JITTER_BITS	28

static __u64 draw(__u64 seed, __u64 number)
{
	return umem_mix64(umem_mix64(seed) + number);
}

/* One of four independent chances in @bits. */
static bool chance(__u64 bits, unsigned int which, __u32 permille)
{
	__u64 sixteen = (bits >> (16 * which)) & 0xffff;

	return (sixteen * UMEM_SIM_PERMILLE) >> 16 < permille;
}

/**
 * umem_sim_chancy - whether requests differ in what befalls them, or some are refused
 * @arg: what was asked for.
 */
bool umem_sim_chancy(const struct umem_sim_attach *arg)
{
	return arg->jitter_ns || arg->reorder_permille || arg->error_permille ||
	       arg->hang_permille || arg->hang_from || arg->gone_after ||
	       arg->refuse_permille;
}

/**
 * umem_sim_draw - what befalls a request
 * @arg: what was asked for, validated.
 * @number: of the request, from 1.
 * @fate: out.
 */
void umem_sim_draw(const struct umem_sim_attach *arg, __u64 number,
		   struct umem_sim_fate *fate)
{
	__u64 bits = draw(arg->seed, number);
	/* At most 36 bits of nanoseconds by 28 bits of chance: no overflow. */
	__u64 part = umem_mix64(bits) >> (64 - JITTER_BITS);

	fate->delay_ns = arg->latency_ns +
			 ((arg->jitter_ns * part) >> JITTER_BITS);
	if (chance(bits, 0, arg->reorder_permille))
		fate->delay_ns += arg->latency_ns;
	fate->error = chance(bits, 1, arg->error_permille);
	fate->hang = chance(bits, 2, arg->hang_permille) ||
		     (arg->hang_from && number >= arg->hang_from);
}

/**
 * umem_sim_draw_refusal - whether a submission is turned away
 * @arg: what was asked for, validated.
 * @number: of the submission, from 1.
 */
bool umem_sim_draw_refusal(const struct umem_sim_attach *arg, __u64 number)
{
	return chance(draw(arg->seed ^ REFUSALS, number), 0,
		      arg->refuse_permille);
}
