/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What host.bpf.c and kernel_host.c share. */
#ifndef PVS_KERNEL_HOST_SHARED_H
#define PVS_KERNEL_HOST_SHARED_H

#include "sluice/pvsched_policy.h"

#include "in_place.h"

#define HOST_RING_BYTES (1u << 20)
/* A decision that is the vCPU's last one again, and has no effect, wakes the loop so often. */
#define HOST_AGAIN_NS 200000u
/* A vCPU's decisions have queues sorted again so often: the whole host waits in one. */
#define HOST_SORT_NS 100000u

/*
 * Constants in the program's code that kernel_splice.c looks for: a function that returns one of
 * HOST_CALLBACK + enum pvs_event stands for that callback of the policy, and HOST_SERIAL for the
 * number of the program.
 */
#define HOST_CALLBACK 0x50560100
#define HOST_SERIAL   0x50560200

/* Map `told`, by vCPU: what user space knows. Written there, a word at a time, at any time. */
struct host_told {
	struct pvs_ctx ctx; /* what is not found out here: see fill() */
	__s64 clock_offset; /* guest's clock minus host's */
	__u32 active;       /* callbacks are to be run */
	__s32 tid;          /* its thread, 0: none */
	struct in_place_limits limits;
};

/* Global variables, all of them. */
struct host_globals {
	__u32 active_serial; /* the program that acts from the next switch on */
	__u32 vm_boosted;    /* as the VM told last, and those granted since */
	__u64 lost;          /* events that found no room */
};

/* Ring `events`: every switch of a vCPU, or a decision. */
enum host_kind {
	HOST_SWITCH = 1, /* only struct host_event */
	HOST_DECISION,   /* struct host_decision */
};

struct host_event {
	__u64 ns;
	__u32 kind;
	__s32 tid;
	__u32 vcpu, cpu;
	__u32 event;   /* enum pvs_event */
	__s32 verdict; /* as the callback gave it */
	__u32 serial;  /* of the program; 0: no policy, so nobody was asked */
	__u32 again;   /* the same decision as the vCPU's last one, so it woke nobody */
	__u64 granted; /* the target's grant as this decision left it, of which the VM's judgement
			  is awaited; 0: it changed none, or there is no scheduler for that */
};

struct host_decision {
	struct host_event head;
	__u64 answered_ns;  /* when the callback had answered */
	struct pvs_ctx ctx; /* as the callback saw it, with its answer */
};

#endif
