// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A touch that cannot succeed: SIGBUS, or an answer that never comes.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"
#include "guard.h"

#define STALL_SECONDS 60

struct guard_place guard_place;

void guard_die(int err, const struct umem_why *why, const char *what, ...)
{
	char text[256];
	va_list args;

	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	child_tell();
	umem_say_failed(err, why, "%s", text);
	_exit(BENCH_EXIT_ERROR);
}

/* Not async-signal-safe to the letter; the program is at its end anyway. */
static void on_sigbus(int signal)
{
	(void)signal;
	guard_die(0, NULL,
		  "row %s: SIGBUS at the touch of offset %" PRIuFAST64
		  ": the provider failed or is gone",
		  guard_place.row ? guard_place.row : "none",
		  guard_place.page * BENCH_PAGE);
}

/* A thread: a fault that waits may not be interrupted by a signal. */
static void *watch(void *unused)
{
	uint_fast64_t seen = 0;
	int idle = 0;

	(void)unused;
	for (;;) {
		uint_fast64_t now = guard_place.count;

		idle = now == seen ? idle + 1 : 0;
		seen = now;
		if (idle > STALL_SECONDS)
			guard_die(0, NULL,
				  "row %s: no progress for %d s at offset %" PRIuFAST64
				  ": is the memory server alive?",
				  guard_place.row ? guard_place.row : "none",
				  STALL_SECONDS, guard_place.page * BENCH_PAGE);
		sleep(1);
	}
	return NULL;
}

int guard_start(void)
{
	struct sigaction action = { .sa_handler = on_sigbus };
	pthread_t thread;
	int err;

	sigaction(SIGBUS, &action, NULL);
	err = pthread_create(&thread, NULL, watch, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}
