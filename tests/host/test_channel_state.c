// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a channel: every event in every state, and what holds for every
 * life.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/channel_state.c"

#define N UMEM_CHANNEL_STATES
#define EVENTS UMEM_CHANNEL_EVENTS

/*
 * Row: state; column: install, claim, unclaim, close, end. Letters are the states
 * new, open, claimed, left and ended; a dot is what may not happen.
 */
static const char letters[] = "nocle";
static const char *const expected[N] = {
	[UMEM_CHANNEL_NEW]	= "o..e.",
	[UMEM_CHANNEL_OPEN]	= ".c.ee",
	[UMEM_CHANNEL_CLAIMED]	= "..ole",
	[UMEM_CHANNEL_LEFT]	= "..e.e",
	[UMEM_CHANNEL_ENDED]	= "..ee.",
};

static void every_event(void **state)
{
	(void)state;
	assert_int_equal(N, 5);
	assert_int_equal(EVENTS, 5);
	for (unsigned int s = 0; s < N; s++)
		for (unsigned int e = 0; e < EVENTS; e++) {
			unsigned int next = umem_channel_next(s, e);
			char letter = next == N ? '.' : letters[next];

			assert_true(next <= N);
			if (letter != expected[s][e])
				fail_msg("%s, %s -> %s", umem_channel_state_name(s),
					 umem_channel_event_name(e),
					 umem_channel_state_name(next));
		}
}

static void nonsense_is_refused(void **state)
{
	const unsigned int bad[] = { 5, 6, 25, 64, 255, 256, 0x80000000,
				     UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (unsigned int good = 0; good < 5; good++) {
			assert_int_equal(umem_channel_next(good, bad[i]), N);
			assert_int_equal(umem_channel_next(bad[i], good), N);
		}
		assert_int_equal(umem_channel_next(bad[i], bad[i]), N);
		assert_string_equal(umem_channel_state_name(bad[i]), "invalid");
		assert_string_equal(umem_channel_event_name(bad[i]), "invalid");
	}
}

/* What is true of a channel, told without its state. */
struct truth {
	bool installed;
	bool present;		/* the region's channel */
	bool claim_held;
	bool fd_open;
};

/* Whether @event may happen, and what is true then. */
static bool happens(struct truth *t, enum umem_channel_event event)
{
	const struct truth before = *t;

	switch (event) {
	case UMEM_CHANNEL_INSTALL:
		t->installed = true;
		t->present = true;
		return !before.installed && before.fd_open;
	case UMEM_CHANNEL_CLAIM:
		t->claim_held = true;
		return before.present && before.fd_open && !before.claim_held;
	case UMEM_CHANNEL_UNCLAIM:
		t->claim_held = false;
		t->present = before.present && before.fd_open;
		return before.claim_held;
	case UMEM_CHANNEL_CLOSE:
		t->fd_open = false;
		t->present = before.present && before.claim_held;
		return before.fd_open;
	default:
		t->present = false;
		return before.present;
	}
}

static enum umem_channel_state state_of(const struct truth *t)
{
	if (!t->present)
		return UMEM_CHANNEL_ENDED;
	if (!t->claim_held)
		return UMEM_CHANNEL_OPEN;
	return t->fd_open ? UMEM_CHANNEL_CLAIMED : UMEM_CHANNEL_LEFT;
}

/* The table has what may happen, and nothing else but where all is over. */
static void follow(enum umem_channel_state s, struct truth t, unsigned int more,
		   unsigned int *been)
{
	*been |= 1U << s;
	for (unsigned int e = 0; more && e < EVENTS; e++) {
		enum umem_channel_state next = umem_channel_next(s, e);
		struct truth then = t;

		if (!happens(&then, e)) {
			if (s != UMEM_CHANNEL_ENDED)
				assert_int_equal(next, N);
			continue;
		}
		assert_int_equal(next, state_of(&then));
		follow(next, then, more - 1, been);
	}
}

static void states_tell_the_truth(void **state)
{
	const struct truth fresh = { .fd_open = true };
	unsigned int been = 0;

	(void)state;
	follow(UMEM_CHANNEL_NEW, fresh, 8, &been);
	/* Every state is reached. */
	assert_int_equal(been, (1U << N) - 1);
}

static void the_end_is_final(void **state)
{
	unsigned int ends = 0;

	(void)state;
	for (unsigned int e = 0; e < EVENTS; e++) {
		unsigned int next = umem_channel_next(UMEM_CHANNEL_ENDED, e);

		assert_true(next == N || next == UMEM_CHANNEL_ENDED);
		/* Whoever made it is the only one to see it new. */
		for (unsigned int s = 0; s < N; s++)
			assert_int_not_equal(umem_channel_next(s, e),
					     UMEM_CHANNEL_NEW);
	}
	/* What is its region's can be ended by others; what is not cannot. */
	for (unsigned int s = 0; s < N; s++)
		ends += umem_channel_next(s, UMEM_CHANNEL_END) ==
			UMEM_CHANNEL_ENDED;
	assert_int_equal(ends, 3);
}

/* kzalloc() makes one, and the table has 0 for what may not happen. */
static void new_is_zero(void **state)
{
	(void)state;
	assert_int_equal(UMEM_CHANNEL_NEW, 0);
}

static void names_differ(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < N; a++)
		for (unsigned int b = 0; b < a; b++) {
			assert_string_not_equal(umem_channel_state_name(a),
						umem_channel_state_name(b));
			assert_string_not_equal(umem_channel_event_name(a),
						umem_channel_event_name(b));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(states_tell_the_truth),
		cmocka_unit_test(the_end_is_final),
		cmocka_unit_test(new_is_zero),
		cmocka_unit_test(names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
