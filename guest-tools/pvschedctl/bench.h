/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the bench asks of its BPF program.
 */
#ifndef PVSCHEDCTL_BENCH_H
#define PVSCHEDCTL_BENCH_H

#define BENCH_LOOPS 1000
#define BENCH_KICKS 16 /* each is an exit, and the host limits their rate */

enum bench_op {
	BENCH_EMPTY = 0,  /* the loop alone */
	BENCH_INTENT,     /* sluice_pvs_set_intent() */
	BENCH_PENDING,    /* sluice_pvs_set_pending() */
	BENCH_ENTER_EXIT, /* sluice_pvs_enter() and _exit() */
	BENCH_PAGE,       /* a release store to the page that sluice_pvs_hint_page() gave */
	BENCH_EMIT,       /* sluice_pvs_emit(); the ring is full after some */
	BENCH_KICK,       /* sluice_pvs_kick(): an exit, to compare with */
	BENCH_OP_MAX
};

/* Context of the program: in and out. */
struct bench_run {
	unsigned int op;
	int err;               /* of the first call */
	unsigned long long ns; /* of BENCH_LOOPS calls, BENCH_KICKS for KICK */
};

#endif
