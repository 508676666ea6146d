/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The mailbox's other end: the loop's. */
#ifndef PVS_MAILBOX_H
#define PVS_MAILBOX_H

#include "pvs.h"

/* What a vCPU does, as opposed to what it asks. */
#define PVS_POST_STATES \
	(1u << PVS_EVENT_VCPU_RUN | 1u << PVS_EVENT_VCPU_STOP | 1u << PVS_EVENT_HALT)
#define PVS_POST_ALL (PVS_POST_STATES | 1u << PVS_EVENT_KICK | PVS_POST_DOORBELL)

/* Call @fn for each vCPU with events since the last call: PVS_POST_DOORBELL and 1 << enum pvs_event
 * of RUN, STOP, HALT and KICK; @last is the one of RUN, STOP and HALT that came last, 0: none of
 * them. Anything else that was in the word is dropped. Returns the number of calls. */
typedef void (*pvs_mailbox_fn)(void *opaque, uint32_t vcpu, uint32_t events, uint32_t last);
unsigned pvs_mailbox_take(struct pvs_mailbox *mailbox, pvs_mailbox_fn fn, void *opaque);

/* Another process posts, and may say what it likes. */
bool pvs_mailbox_foreign(const struct pvs_mailbox *mailbox);

/* Did its thread say last that it holds a lock? Any other process's word is no better than that. */
bool pvs_mailbox_locked(const struct pvs_mailbox *mailbox, uint32_t vcpu);

/* Of what vCPUs do, and what is done to them, only @events need be posted from now on. */
void pvs_mailbox_set_heard(struct pvs_mailbox *mailbox, uint32_t events);

/* Before sleep: from now on a post of any of @events writes to the eventfd; others are taken when
 * the loop wakes for something else. False: there is something already, and the loop is awake. */
bool pvs_mailbox_sleep(struct pvs_mailbox *mailbox, uint32_t events);
/* After it: posts make no system call again. The eventfd is drained. */
void pvs_mailbox_wake(struct pvs_mailbox *mailbox);

#endif
