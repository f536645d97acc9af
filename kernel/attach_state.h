/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States of an attachment, as pure logic: this file and attach_state.c compile in
 * userspace too, where a unit test walks the whole table.
 */
#ifndef UMEM_ATTACH_STATE_H
#define UMEM_ATTACH_STATE_H

/**
 * enum umem_attachment_state - how far a provider in the kernel is
 * @UMEM_ATTACHMENT_BEGUN: it has claimed the channel, and connects to its source.
 * @UMEM_ATTACHMENT_LOST: it lost its source before it was committed.
 * @UMEM_ATTACHMENT_LIVE: committed: its operations may be called.
 * @UMEM_ATTACHMENT_ENDING: its detaching is queued or under way.
 * @UMEM_ATTACHMENT_ENDED: aborted or detached: it may not be touched any more.
 * @UMEM_ATTACHMENT_STATES: number of states, and what follows an event that may
 *	not happen.
 */
enum umem_attachment_state {
	UMEM_ATTACHMENT_BEGUN,
	UMEM_ATTACHMENT_LOST,
	UMEM_ATTACHMENT_LIVE,
	UMEM_ATTACHMENT_ENDING,
	UMEM_ATTACHMENT_ENDED,
	UMEM_ATTACHMENT_STATES,
};

/**
 * enum umem_attachment_event - what happens to an attachment
 * @UMEM_ATTACHMENT_COMMIT: umem_attach_commit(), and the channel is still there.
 * @UMEM_ATTACHMENT_GONE: umem_provider_gone().
 * @UMEM_ATTACHMENT_END: its channel ends.
 * @UMEM_ATTACHMENT_ABORT: umem_attach_abort().
 * @UMEM_ATTACHMENT_DETACHED: the provider's detach has returned.
 * @UMEM_ATTACHMENT_EVENTS: number of events.
 */
enum umem_attachment_event {
	UMEM_ATTACHMENT_COMMIT,
	UMEM_ATTACHMENT_GONE,
	UMEM_ATTACHMENT_END,
	UMEM_ATTACHMENT_ABORT,
	UMEM_ATTACHMENT_DETACHED,
	UMEM_ATTACHMENT_EVENTS,
};

/* What follows; no event leads back to BEGUN, so 0 is for those that may not be. */
extern const unsigned char
umem_attachment_table[UMEM_ATTACHMENT_STATES][UMEM_ATTACHMENT_EVENTS];

/**
 * umem_attachment_next - the state that follows an event
 * @state: present state.
 * @event: the event.
 *
 * Any context.
 *
 * Return: the next state, which may be the present one; UMEM_ATTACHMENT_STATES
 * when that may not happen, or for values outside the enumerations.
 */
static inline enum umem_attachment_state
umem_attachment_next(enum umem_attachment_state state,
		     enum umem_attachment_event event)
{
	if ((unsigned int)state >= UMEM_ATTACHMENT_STATES ||
	    (unsigned int)event >= UMEM_ATTACHMENT_EVENTS ||
	    !umem_attachment_table[state][event])
		return UMEM_ATTACHMENT_STATES;
	return umem_attachment_table[state][event];
}

const char *umem_attachment_state_name(enum umem_attachment_state state);
const char *umem_attachment_event_name(enum umem_attachment_event event);

#endif /* UMEM_ATTACH_STATE_H */
