/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the host's page says of a CPU, and for how long it will keep a task waiting that goes there.
 * Plain C, for scx_pvs.bpf.c and for its test.
 */
#ifndef SCX_VIEW_H
#define SCX_VIEW_H

#include "sluice/pvsched.h"

#define SCX_VIEW_INLINE static inline __attribute__((always_inline))

struct view {
	__u32 capacity; /* 1..1024 */
	__u32 run;      /* enum pvs_run_state */
	__u32 avoid;    /* 0..255 */
};

SCX_VIEW_INLINE __u32 capacity_within(__u32 capacity)
{
	return capacity > 1024 ? 1024 : capacity < 32 ? 32 : capacity;
}

/* Nothing is known: as if the host were not there. */
SCX_VIEW_INLINE void view_unknown(struct view *view)
{
	view->capacity = 1024;
	view->run = PVS_RUN_UNKNOWN;
	view->avoid = 0;
}

/* From the host's page: state... */
SCX_VIEW_INLINE void view_state(struct view *view, __u64 word)
{
	view->run = word & PVS_STATE_RUN_MASK;
}

/* ...and capacity. */
SCX_VIEW_INLINE void view_capacity(struct view *view, __u64 word)
{
	/* 0: no policy says anything about it. */
	if (word & 0xffff)
		view->capacity = capacity_within(word & 0xffff);
	view->avoid = word >> 16 & 0xff;
}

/* How long until a task that comes to this CPU now runs, us, as far as the host is to blame. */
SCX_VIEW_INLINE __u32 view_delay(const struct view *view, __u32 host_turn_us)
{
	__u32 delay = view->avoid * host_turn_us / 256;

	if (view->run == PVS_RUN_PREEMPTED)
		delay += host_turn_us;
	if (view->run != PVS_RUN_RUNNING)
		delay += (1024 - view->capacity) * host_turn_us / 1024;
	return delay;
}

#endif
