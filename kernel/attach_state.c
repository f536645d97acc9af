// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may happen to an attachment, drawn in docs/architecture.md.
 */
#include "attach_state.h"

#define ON(event)	UMEM_ATTACHMENT_##event
#define TO(state)	UMEM_ATTACHMENT_##state

const unsigned char
umem_attachment_table[UMEM_ATTACHMENT_STATES][UMEM_ATTACHMENT_EVENTS] = {
	[UMEM_ATTACHMENT_BEGUN] = {
		[ON(COMMIT)] = TO(LIVE),
		[ON(GONE)] = TO(LOST),
		[ON(ABORT)] = TO(ENDED),
	},
	[UMEM_ATTACHMENT_LOST] = {
		/* It is undone in the one way that all are. */
		[ON(COMMIT)] = TO(ENDING),
		[ON(GONE)] = TO(LOST),
		[ON(ABORT)] = TO(ENDED),
	},
	[UMEM_ATTACHMENT_LIVE] = {
		[ON(GONE)] = TO(ENDING),
		[ON(END)] = TO(ENDING),
	},
	[UMEM_ATTACHMENT_ENDING] = {
		/* Whichever comes first queues the detaching. */
		[ON(GONE)] = TO(ENDING),
		[ON(END)] = TO(ENDING),
		[ON(DETACHED)] = TO(ENDED),
	},
};

/**
 * umem_attachment_state_name - name of a state, for logs and tests
 * @state: the state.
 */
const char *umem_attachment_state_name(enum umem_attachment_state state)
{
	static const char * const names[UMEM_ATTACHMENT_STATES] = {
		[UMEM_ATTACHMENT_BEGUN] = "begun",
		[UMEM_ATTACHMENT_LOST] = "lost",
		[UMEM_ATTACHMENT_LIVE] = "live",
		[UMEM_ATTACHMENT_ENDING] = "ending",
		[UMEM_ATTACHMENT_ENDED] = "ended",
	};

	if ((unsigned int)state >= UMEM_ATTACHMENT_STATES)
		return "invalid";
	return names[state];
}

/**
 * umem_attachment_event_name - name of an event, for logs and tests
 * @event: the event.
 */
const char *umem_attachment_event_name(enum umem_attachment_event event)
{
	static const char * const names[UMEM_ATTACHMENT_EVENTS] = {
		[UMEM_ATTACHMENT_COMMIT] = "commit",
		[UMEM_ATTACHMENT_GONE] = "gone",
		[UMEM_ATTACHMENT_END] = "end",
		[UMEM_ATTACHMENT_ABORT] = "abort",
		[UMEM_ATTACHMENT_DETACHED] = "detached",
	};

	if ((unsigned int)event >= UMEM_ATTACHMENT_EVENTS)
		return "invalid";
	return names[event];
}
