/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a policy of Sluice's paravirtual scheduling is compiled against: one BPF object with up to
 * eight callbacks, in sections PVS_SEC("init") and so on, each
 *
 *	SEC("pvsched/tick") int on_tick(struct pvs_ctx *ctx)
 *
 * The same object runs in Sluice's engine and in the host's kernel. A callback is called with what
 * is known about one vCPU and answers with an enum pvs_verdict and, for PVS_APPLY, ctx->out. It
 * keeps state in maps and global variables of its own, which all callbacks of the object share.
 * Time is ctx->now_ns: a policy that asks no other clock decides the same when replayed.
 *
 * `const volatile` globals are tunables, set by name before the policy is loaded.
 */
#ifndef SLUICE_PVSCHED_POLICY_H
#define SLUICE_PVSCHED_POLICY_H

#include "pvsched.h"

/* 2: struct pvs_ctx has `held`. 3: `tick_ns` and `opaque`, and struct pvs_decision `opaque`. An
 * object is for the one it was compiled with. */
#define PVS_POLICY_ABI 3

enum pvs_event {
	PVS_EVENT_INIT = 0,  /* once for each vCPU, before any other event of it */
	PVS_EVENT_VCPU_RUN,  /* got a host CPU */
	PVS_EVENT_VCPU_STOP, /* lost it, still runnable */
	PVS_EVENT_HALT,      /* the guest halted it */
	PVS_EVENT_KICK,      /* the guest asks to be looked at */
	PVS_EVENT_HINT,      /* its hints are others than at the last event */
	PVS_EVENT_TICK,      /* every tick-us; more rarely after a while without effect or kick */
	PVS_EVENT_EXIT,      /* once for each vCPU: reset, unplug, policy replaced. No answer. */
	PVS_EVENT_MAX
};

enum pvs_verdict {
	PVS_KEEP = 0,     /* leave what is in effect */
	PVS_APPLY = 1,    /* put ctx->out into effect */
	PVS_BASELINE = 2, /* undo what is in effect on the target */
};

/* The state of the hints in ctx. */
enum pvs_hint_status {
	PVS_HINT_NONE = 0, /* the guest gives none, or not yet */
	PVS_HINT_OK,
	PVS_HINT_MALFORMED, /* all hint fields are 0, wait_vcpu is PVS_WAIT_NOBODY */
	PVS_HINT_TORN,      /* the same */
};

/* What a preempted vCPU keeps from others of its VM. */
#define PVS_HELD_VMM 0x1u /* a lock of its VMM, as QEMU's big lock */

#define PVS_CAPACITY_FULL 1024u /* a whole CPU */

/* Fields of struct pvs_decision that are meant. */
#define PVS_SET_NICE     0x001u
#define PVS_SET_SLICE    0x002u
#define PVS_SET_FIFO     0x004u
#define PVS_SET_DEADLINE 0x008u
#define PVS_SET_AFFINITY 0x010u
#define PVS_SET_WEIGHT   0x020u
#define PVS_SET_CAPACITY 0x040u /* capacity and avoid, shown to the guest */
#define PVS_SET_YIELD    0x080u /* show PVS_STATE_YIELD while the decision holds */
#define PVS_SET_SERVICE  0x100u /* the VM's service threads (timers, I/O) get the same */
#define PVS_SET_OPAQUE   0x200u /* store opaque for the guest, whatever the verdict */
#define PVS_SET_ALL      0x3ffu

/*
 * In the kernel a context may only be accessed at constant offsets. clang since 18 is told so; an
 * older one may choose between two fields by their addresses, which the kernel refuses.
 */
#if defined(__bpf__) && defined(__has_attribute)
#if __has_attribute(preserve_static_offset)
#define PVS_STATIC_OFFSET __attribute__((preserve_static_offset))
#endif
#endif
#ifndef PVS_STATIC_OFFSET
#define PVS_STATIC_OFFSET
#endif

/* What a policy wants. Fields whose PVS_SET_* is clear are not looked at; the scheduling ones then
 * have their baseline. Of several scheduling classes the strongest that works is taken: DEADLINE,
 * FIFO, then NICE and SLICE together. */
struct pvs_decision {
	__u32 set;        /* PVS_SET_* */
	__u32 boost;      /* enum pvs_boost: which budget pays; NONE: only what is no gain */
	__u32 target;     /* vCPU it is about; preset to ctx->vcpu */
	__s32 nice;       /* -20..19 */
	__u64 slice_ns;   /* 100000..100000000 */
	__u32 prio;       /* FIFO: 1..99 */
	__u32 weight;     /* 1..10000 */
	__u64 dl_runtime; /* as sched_setattr(2): runtime <= deadline <= period, ns */
	__u64 dl_deadline;
	__u64 dl_period;
	__u64 affinity; /* host CPUs 0..63 */
	__u32 capacity; /* 0..PVS_CAPACITY_FULL */
	__u32 avoid;    /* 0..255 */
	__u64 hold_ns;  /* back to the baseline after this; 0: until the next decision */
	/* The line of ctx->vcpu, not of target; stays until the policy stores another there. */
	__u64 opaque[PVS_OPAQUE_WORDS];
} PVS_STATIC_OFFSET;

struct pvs_ctx {
	__u32 abi;    /* PVS_POLICY_ABI */
	__u32 event;  /* enum pvs_event */
	__u64 now_ns; /* host's clock */
	__u32 vm;     /* index in the policy's host, 0 unless a manager has several */
	__u32 vcpu;
	__u32 n_vcpus;   /* possible vCPUs of the VM */
	__u32 n_online;  /* that exist now */
	__u32 sources;   /* PVS_SRC_* */
	__u32 actuators; /* PVS_ACT_* */

	/* The guest's word, validated but not to be trusted. */
	__u32 hint_status; /* enum pvs_hint_status */
	__u32 features;    /* low word of what was negotiated */
	__u64 hint_age_ns; /* since the host first saw these hints */
	__u32 class;       /* enum pvs_class */
	__s32 nice;
	__u32 rt_prio;
	__u32 pending;   /* PVS_PENDING_* */
	__u32 cs;        /* PVS_CS_*, 0: not in a critical section */
	__u32 cs_count;  /* critical sections entered so far, wraps */
	__u64 cs_age_ns; /* since the host first saw this one */
	__u64 dl_runtime;
	__u64 dl_deadline;
	__u64 dl_period;
	__u64 next_event;  /* host's clock, ns; 0: not known */
	__u32 wait_vcpu;   /* PVS_WAIT_NOBODY */
	__u32 wait_reason; /* enum pvs_wait_reason */
	__u64 ticket;      /* unanswered, else 0 */

	/* The host's. */
	__u32 run_state;    /* enum pvs_run_state */
	__u32 boost;        /* enum pvs_boost in effect */
	__u64 run_ns;       /* since INIT */
	__u64 wait_ns;      /* runnable without a host CPU, since INIT */
	__u64 boost_ns;     /* boosted, since INIT */
	__u64 state_ns;     /* since run_state changed, as far as known */
	__u64 budget_cs;    /* ns left of the short budget: CS, IRQ */
	__u64 budget_boost; /* ns left of the other */
	__u32 vm_boosted;   /* vCPUs of this VM that are boosted, this one included... */
	__u32 vm_cap;       /* ...and how many may be */
	__u32 ceiling;      /* PVS_ACT_*: strongest that this VM may get, of actuators */
	__u32 prio_max;     /* FIFO: greatest priority granted */
	__u32 held;         /* PVS_HELD_*, of one that is preempted */
	__u32 reserved;
	__u64 tick_ns; /* from tick to tick: how old a hint may be that nothing but ticks tells of
			*/

	/* The guest's opaque line of this vCPU, nobody judged it; 0 without PVS_F_OPAQUE. */
	__u64 opaque[PVS_OPAQUE_WORDS];

	struct pvs_decision out; /* zeroed, but for target */
} PVS_STATIC_OFFSET;

#ifdef __bpf__
#define PVS_SEC(callback) __attribute__((section("pvsched/" callback), used))
#endif

#ifndef PVS_NO_ASSERTS
_Static_assert(sizeof(struct pvs_decision) == 144, "decision");
_Static_assert(sizeof(struct pvs_ctx) % 8 == 0, "context");
#endif

#endif
