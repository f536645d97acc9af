// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The state machine of a connection in umem_rdma.ko, walked exhaustively: each
 * of the possible moves, and each of the possible lives.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/rdma/state.c"

#define N		UMEM_RDMA_NR_STATES

/* What is legal, said a second time and in another way. */
static bool expected(unsigned int from, unsigned int to)
{
	if (to == UMEM_RDMA_CLOSING)
		return from != UMEM_RDMA_CLOSING;
	if (to == UMEM_RDMA_FAILED)
		return from > UMEM_RDMA_IDLE && from < UMEM_RDMA_FAILED;
	return to == from + 1 && to <= UMEM_RDMA_LIVE;
}

static void every_move(void **state)
{
	(void)state;
	for (unsigned int from = 0; from < N; from++) {
		for (unsigned int to = 0; to < N; to++) {
			enum umem_rdma_state now = from;

			assert_int_equal(umem_rdma_state_legal(from, to),
					 expected(from, to));
			assert_int_equal(umem_rdma_state_move(&now, to),
					 expected(from, to));
			assert_int_equal(now, expected(from, to) ? to : from);
		}
	}
}

static void nonsense_is_refused(void **state)
{
	const unsigned int bad[] = { N, N + 1, 31, 32, 33, 255, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum umem_rdma_state now = bad[i];

		assert_string_equal(umem_rdma_state_name(bad[i]), "?");
		for (unsigned int good = 0; good < N; good++) {
			assert_false(umem_rdma_state_legal(good, bad[i]));
			assert_false(umem_rdma_state_legal(bad[i], good));
			assert_false(umem_rdma_state_move(&now, good));
			assert_int_equal(now, bad[i]);
		}
	}
}

/*
 * Follow every life from @now on. Returns the number of lives; each must end
 * in CLOSING after at most N moves, be LIVE at most once and have failed at
 * most once.
 */
static unsigned int walk(enum umem_rdma_state now, unsigned int moves,
			 unsigned int been[N])
{
	unsigned int lives = 0, ways = 0;

	assert_true(moves < N);
	been[now]++;
	assert_int_equal(been[now], 1);
	for (unsigned int to = 0; to < N; to++) {
		enum umem_rdma_state next = now;

		if (!umem_rdma_state_move(&next, to))
			continue;
		ways++;
		lives += walk(next, moves + 1, been);
	}
	been[now]--;
	if (ways)
		return lives;
	assert_int_equal(now, UMEM_RDMA_CLOSING);
	return 1;
}

static void every_life_ends(void **state)
{
	unsigned int been[N] = { 0 };

	(void)state;
	/* Closed in one of the six states before FAILED, or after failing in five. */
	assert_int_equal(walk(UMEM_RDMA_IDLE, 0, been), 6 + 5);
}

static void names_differ(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < N; a++)
		for (unsigned int b = 0; b < a; b++)
			assert_string_not_equal(umem_rdma_state_name(a),
						umem_rdma_state_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(every_life_ends),
		cmocka_unit_test(names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
