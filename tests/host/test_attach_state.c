// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of an attachment: every event in every state, and every order in which
 * they may come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/attach_state.c"

#define N UMEM_ATTACHMENT_STATES
#define EVENTS UMEM_ATTACHMENT_EVENTS

/*
 * Row: state; column: commit, gone, end, abort, detached. Letters are the states
 * begun (b), lost (o), live (l), ending (i) and ended (e); a dot is what may not
 * happen.
 */
static const char letters[] = "bolie";
static const char *const expected[N] = {
	[UMEM_ATTACHMENT_BEGUN]		= "lo.e.",
	[UMEM_ATTACHMENT_LOST]		= "io.e.",
	[UMEM_ATTACHMENT_LIVE]		= ".ii..",
	[UMEM_ATTACHMENT_ENDING]	= ".ii.e",
	[UMEM_ATTACHMENT_ENDED]		= ".....",
};

static void every_event(void **state)
{
	(void)state;
	assert_int_equal(N, 5);
	assert_int_equal(EVENTS, 5);
	for (unsigned int s = 0; s < N; s++)
		for (unsigned int e = 0; e < EVENTS; e++) {
			unsigned int next = umem_attachment_next(s, e);
			char letter = next == N ? '.' : letters[next];

			assert_true(next <= N);
			if (letter != expected[s][e])
				fail_msg("%s, %s -> %s",
					 umem_attachment_state_name(s),
					 umem_attachment_event_name(e),
					 umem_attachment_state_name(next));
		}
}

static void nonsense_is_refused(void **state)
{
	const unsigned int bad[] = { 5, 6, 25, 64, 255, 256, 0x80000000,
				     UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (unsigned int good = 0; good < 5; good++) {
			assert_int_equal(umem_attachment_next(good, bad[i]), N);
			assert_int_equal(umem_attachment_next(bad[i], good), N);
		}
		assert_int_equal(umem_attachment_next(bad[i], bad[i]), N);
		assert_string_equal(umem_attachment_state_name(bad[i]),
				    "invalid");
		assert_string_equal(umem_attachment_event_name(bad[i]),
				    "invalid");
	}
}

/*
 * Every way of up to eight events: states come in the order of the enumeration, so
 * that ENDING is entered once, and detached once.
 */
static void follow(enum umem_attachment_state s, unsigned int queued,
		   unsigned int more, unsigned int *been)
{
	unsigned int ways = 0;

	*been |= 1U << s;
	assert_true(queued <= 1);
	assert_int_equal(s == UMEM_ATTACHMENT_ENDING, queued &&
			 s != UMEM_ATTACHMENT_ENDED);
	for (unsigned int e = 0; e < EVENTS; e++) {
		enum umem_attachment_state next = umem_attachment_next(s, e);

		if (next == N)
			continue;
		assert_true(next >= s);
		ways += next != s;
		if (more)
			follow(next, queued +
			       (next == UMEM_ATTACHMENT_ENDING && s != next),
			       more - 1, been);
	}
	/* Nothing gets stuck, and nothing comes after the end. */
	assert_int_equal(!ways, s == UMEM_ATTACHMENT_ENDED);
}

static void detached_once(void **state)
{
	unsigned int been = 0;

	(void)state;
	follow(UMEM_ATTACHMENT_BEGUN, 0, 8, &been);
	/* Every state is reached. */
	assert_int_equal(been, (1U << N) - 1);
}

/*
 * The provider says that it is gone whenever it likes: it changes nothing of what
 * else may come next, and whoever is committed ends, whichever was first.
 */
static void gone_races_with_commit(void **state)
{
	const enum umem_attachment_event first[] = { UMEM_ATTACHMENT_COMMIT,
						     UMEM_ATTACHMENT_GONE };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		enum umem_attachment_state s = UMEM_ATTACHMENT_BEGUN;

		s = umem_attachment_next(s, first[i]);
		s = umem_attachment_next(s, first[!i]);
		assert_int_equal(s, UMEM_ATTACHMENT_ENDING);
	}
	for (unsigned int s = 0; s < UMEM_ATTACHMENT_ENDED; s++) {
		unsigned int gone = umem_attachment_next(s, UMEM_ATTACHMENT_GONE);

		assert_int_not_equal(gone, N);
		assert_int_equal(umem_attachment_next(gone, UMEM_ATTACHMENT_GONE),
				 gone);
		/* What the others rely on may happen after it as before. */
		for (unsigned int e = 0; e < UMEM_ATTACHMENT_DETACHED; e++)
			if (umem_attachment_next(s, e) != N)
				assert_int_not_equal(umem_attachment_next(gone, e),
						     N);
	}
}

/* Without a commit no operation of the provider is called, and so no detach. */
static void aborts_only_before_commit(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < N; s++) {
		unsigned int a = umem_attachment_next(s, UMEM_ATTACHMENT_ABORT);
		unsigned int c = umem_attachment_next(s, UMEM_ATTACHMENT_COMMIT);

		assert_int_equal(a == N, c == N);
		assert_int_equal(a != N, s <= UMEM_ATTACHMENT_LOST);
	}
}

/* kzalloc() makes one, and the table has 0 for what may not happen. */
static void begun_is_zero(void **state)
{
	(void)state;
	assert_int_equal(UMEM_ATTACHMENT_BEGUN, 0);
}

static void names_differ(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < N; a++)
		for (unsigned int b = 0; b < a; b++) {
			assert_string_not_equal(umem_attachment_state_name(a),
						umem_attachment_state_name(b));
			assert_string_not_equal(umem_attachment_event_name(a),
						umem_attachment_event_name(b));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(detached_once),
		cmocka_unit_test(gone_races_with_commit),
		cmocka_unit_test(aborts_only_before_commit),
		cmocka_unit_test(begun_is_zero),
		cmocka_unit_test(names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
