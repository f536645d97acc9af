// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may happen to a channel, drawn in docs/architecture.md.
 */
#include "channel_state.h"

#define ON(event)	UMEM_CHANNEL_##event
#define TO(state)	UMEM_CHANNEL_##state

const unsigned char
umem_channel_table[UMEM_CHANNEL_STATES][UMEM_CHANNEL_EVENTS] = {
	[UMEM_CHANNEL_NEW] = {
		[ON(INSTALL)] = TO(OPEN),
		/* The region has another one, and there is no fd after all. */
		[ON(CLOSE)] = TO(ENDED),
	},
	[UMEM_CHANNEL_OPEN] = {
		[ON(CLAIM)] = TO(CLAIMED),
		[ON(CLOSE)] = TO(ENDED),
		[ON(END)] = TO(ENDED),
	},
	[UMEM_CHANNEL_CLAIMED] = {
		[ON(UNCLAIM)] = TO(OPEN),
		/* A claimed channel belongs to its provider. */
		[ON(CLOSE)] = TO(LEFT),
		[ON(END)] = TO(ENDED),
	},
	[UMEM_CHANNEL_LEFT] = {
		[ON(UNCLAIM)] = TO(ENDED),
		[ON(END)] = TO(ENDED),
	},
	[UMEM_CHANNEL_ENDED] = {
		/* While a provider was attaching, or with the fd open. */
		[ON(UNCLAIM)] = TO(ENDED),
		[ON(CLOSE)] = TO(ENDED),
	},
};

/**
 * umem_channel_state_name - name of a state, for logs and tests
 * @state: the state.
 */
const char *umem_channel_state_name(enum umem_channel_state state)
{
	static const char * const names[UMEM_CHANNEL_STATES] = {
		[UMEM_CHANNEL_NEW] = "new",
		[UMEM_CHANNEL_OPEN] = "open",
		[UMEM_CHANNEL_CLAIMED] = "claimed",
		[UMEM_CHANNEL_LEFT] = "left",
		[UMEM_CHANNEL_ENDED] = "ended",
	};

	if ((unsigned int)state >= UMEM_CHANNEL_STATES)
		return "invalid";
	return names[state];
}

/**
 * umem_channel_event_name - name of an event, for logs and tests
 * @event: the event.
 */
const char *umem_channel_event_name(enum umem_channel_event event)
{
	static const char * const names[UMEM_CHANNEL_EVENTS] = {
		[UMEM_CHANNEL_INSTALL] = "install",
		[UMEM_CHANNEL_CLAIM] = "claim",
		[UMEM_CHANNEL_UNCLAIM] = "unclaim",
		[UMEM_CHANNEL_CLOSE] = "close",
		[UMEM_CHANNEL_END] = "end",
	};

	if ((unsigned int)event >= UMEM_CHANNEL_EVENTS)
		return "invalid";
	return names[event];
}
