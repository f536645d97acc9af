/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States of a channel, as pure logic: this file and channel_state.c compile in
 * userspace too, where a unit test walks the whole table.
 */
#ifndef UMEM_CHANNEL_STATE_H
#define UMEM_CHANNEL_STATE_H

/**
 * enum umem_channel_state - who may use a channel
 * @UMEM_CHANNEL_NEW: nobody; made, not its region's yet.
 * @UMEM_CHANNEL_OPEN: whoever holds the fd.
 * @UMEM_CHANNEL_CLAIMED: a provider in the kernel; the fd answers EBUSY.
 * @UMEM_CHANNEL_LEFT: a provider in the kernel; the fd is closed.
 * @UMEM_CHANNEL_ENDED: nobody; the fd answers EPIPE and polls as hung up.
 * @UMEM_CHANNEL_STATES: number of states, and what follows an event that may not
 *	happen.
 *
 * From OPEN to LEFT it is the channel of its region.
 */
enum umem_channel_state {
	UMEM_CHANNEL_NEW,
	UMEM_CHANNEL_OPEN,
	UMEM_CHANNEL_CLAIMED,
	UMEM_CHANNEL_LEFT,
	UMEM_CHANNEL_ENDED,
	UMEM_CHANNEL_STATES,
};

/**
 * enum umem_channel_event - what happens to a channel
 * @UMEM_CHANNEL_INSTALL: it becomes its region's.
 * @UMEM_CHANNEL_CLAIM: a provider in the kernel begins to attach.
 * @UMEM_CHANNEL_UNCLAIM: and gave it up.
 * @UMEM_CHANNEL_CLOSE: the fd is closed.
 * @UMEM_CHANNEL_END: detached, replaced, or the provider or the region is gone.
 * @UMEM_CHANNEL_EVENTS: number of events.
 */
enum umem_channel_event {
	UMEM_CHANNEL_INSTALL,
	UMEM_CHANNEL_CLAIM,
	UMEM_CHANNEL_UNCLAIM,
	UMEM_CHANNEL_CLOSE,
	UMEM_CHANNEL_END,
	UMEM_CHANNEL_EVENTS,
};

/* What follows; no event leads back to NEW, so 0 is for those that may not be. */
extern const unsigned char
umem_channel_table[UMEM_CHANNEL_STATES][UMEM_CHANNEL_EVENTS];

/**
 * umem_channel_next - the state that follows an event
 * @state: present state.
 * @event: the event.
 *
 * Any context.
 *
 * Return: the next state, which may be the present one; UMEM_CHANNEL_STATES when
 * that may not happen, or for values outside the enumerations.
 */
static inline enum umem_channel_state
umem_channel_next(enum umem_channel_state state, enum umem_channel_event event)
{
	if ((unsigned int)state >= UMEM_CHANNEL_STATES ||
	    (unsigned int)event >= UMEM_CHANNEL_EVENTS ||
	    !umem_channel_table[state][event])
		return UMEM_CHANNEL_STATES;
	return umem_channel_table[state][event];
}

const char *umem_channel_state_name(enum umem_channel_state state);
const char *umem_channel_event_name(enum umem_channel_event event);

#endif /* UMEM_CHANNEL_STATE_H */
