/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * One vCPU's pages at one moment, taken apart.
 */
#ifndef PVSCHEDCTL_VIEW_H
#define PVSCHEDCTL_VIEW_H

#include "ctl.h"

struct vcpu_view {
	int cpu; /* of the guest, -1: offline */
	uint32_t vcpu;

	/* guest's page */
	uint32_t class, prio, pending, cs, depth, cs_count, intent_gen;
	int nice;
	uint64_t dl_runtime, dl_deadline, dl_period, next_event;
	uint32_t wait_vcpu, wait_reason;
	uint64_t ticket;
	uint32_t ring_head, ring_lost;

	/* host's page */
	uint32_t run, boost, state_flags, state_gen;
	uint64_t run_ns, steal_ns, boost_ns, host_ns, last_in, last_out;
	bool times_torn;                             /* the six above changed at every try */
	uint32_t capacity, avoid, host_cpu, sibling; /* the last two + 1, 0: not told */
	uint64_t decision, ticket_answered;
	uint32_t reject, ring_tail;
	uint64_t budget_cs, budget_boost;
};

/* Read what the pages of @vcpu say. They may go while it does: call it in chan_guarded(). */
void view_read(const struct ctl_chan *chan, uint32_t vcpu, struct vcpu_view *view);

struct json_object *view_json(const struct vcpu_view *view);
/* Two lines: a header, or a vCPU. @before: an earlier view for shares of time, or NULL. */
void view_print_head(void);
void view_print(const struct vcpu_view *view, const struct vcpu_view *before);

#endif
