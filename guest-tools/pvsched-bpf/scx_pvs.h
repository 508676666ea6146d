/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What scx_pvs.bpf.c and its loader both know. */
#ifndef SCX_PVS_H
#define SCX_PVS_H

#define SCX_PVS_CPUS 512 /* a power of two */

enum scx_pvs_knowledge {
	SCX_PVS_FULL,  /* the host's page: run state, capacity, avoid */
	SCX_PVS_STEAL, /* only how much time was stolen, what a guest knows without the channel */
	SCX_PVS_NONE,  /* nothing: the same scheduler without the host's word */
};

enum scx_pvs_counter {
	SCX_PVS_N_IDLE,           /* wake-ups placed on an idle CPU... */
	SCX_PVS_N_BUSY,           /* ...and on one that has work */
	SCX_PVS_N_MOVED,          /* not on the CPU the task was on before */
	SCX_PVS_N_AVOIDED,        /* of them, because of the host */
	SCX_PVS_N_PULLED,         /* tasks taken from the queue of another CPU... */
	SCX_PVS_N_PULLED_STOPPED, /* ...that the host did not run */
	SCX_PVS_N_RESCUED,        /* tasks moved from such a CPU's queue to an idle CPU */
	SCX_PVS_N_MAX
};

/* One CPU's; written by that CPU. */
struct scx_pvs_cpu {
	__u64 steal, run; /* at the last sample, ns */
	__u32 capacity;   /* what the CPU got of what it wanted, 0..1024 */
	__u32 turn_us;    /* how long a task runs here before another gets its turn */
	__u64 count[SCX_PVS_N_MAX];
	__u32 idle; /* nothing runs here */
	__u32 reserved[11];
} __attribute__((aligned(64)));

/* Why the scheduler ended. */
struct scx_pvs_end {
	__u64 kind; /* enum scx_exit_kind; 0: it runs */
	char reason[128];
	char message[256];
};

#endif
