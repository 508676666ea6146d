/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Sluice paravirtual scheduling: PCI identity, registers and shared pages. docs/pvsched explains
 * each.
 *
 * Compiled by the device, the Linux module, BPF programs of guest and host, the tools and the
 * tests. Everything is little-endian. One writer per cache line; who writes stands at each line.
 */
#ifndef SLUICE_PVSCHED_H
#define SLUICE_PVSCHED_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* ---- PCI ---------------------------------------------------------------------------------- */
#define PVS_PCI_VENDOR_ID 0x1234
#define PVS_PCI_DEVICE_ID 0x51c1
#define PVS_PCI_REVISION  0x01

#define PVS_BAR_REGS  0 /* 32-bit, registers */
#define PVS_BAR_MSIX  1 /* 32-bit, MSI-X table and pending bits */
#define PVS_BAR_GUEST 2 /* 64-bit prefetchable: pages the guest writes */
#define PVS_BAR_HOST  4 /* 64-bit prefetchable: pages the host writes, read-only to the guest */

#define PVS_MAX_VCPUS   4096
#define PVS_PAGE_STRIDE 4096
/* Both page BARs: a page for each possible vCPU, then PVS_OPAQUE_PAGES, a struct pvs_opaque_page.
 */
#define PVS_OPAQUE_PAGES 1

/* Vector 0: configuration (STATUS, GENERATION or the policy changed). Vector 1 + v % (n - 1): what
 * vCPU v asked to be told (struct pvs_guest_page.notify). */
#define PVS_VECTOR_CONFIG 0
#define PVS_MAX_VECTORS   65

/* ---- BAR0: registers ---------------------------------------------------------------------- */
/*
 * 32-bit registers take aligned 4-byte accesses; registers marked 64 one aligned 8-byte access or
 * two aligned 4-byte ones, low half first: a read of CLOCK's low half keeps the high half that
 * belongs to it, a write takes effect with the high half. Any other access, any to a hole, a read
 * of WO and a write to RO reads zero, writes nothing and increments BAD_ACCESS; so does a write to
 * a register that is settled (DRV_FEATURES after FEATURES_OK; the page addresses after DRIVER_OK)
 * and one that names a vCPU that cannot exist.
 */
#define PVS_REGS_SIZE 0x10000

#define PVS_REG_MAGIC        0x000 /* RO  "PVSC" */
#define PVS_REG_VERSION      0x004 /* RO  major << 16 | minor */
#define PVS_REG_DEV_FEATURES 0x008 /* RO 64  offered, PVS_F_* */
#define PVS_REG_DRV_FEATURES 0x010 /* RW 64  accepted */
#define PVS_REG_STATUS       0x018 /* RW  PVS_STATUS_*; writing 0 resets the device */
#define PVS_REG_GENERATION   0x01c /* RO  changes at reset, migration and loadvm */
#define PVS_REG_N_VCPUS      0x020 /* RO  possible vCPUs, each with a page both ways */
#define PVS_REG_PAGE_STRIDE  0x024 /* RO  bytes from a vCPU's page to the next one's */
#define PVS_REG_N_VECTORS    0x028 /* RO */
#define PVS_REG_RESULT       0x02c /* RO  PVS_RESULT_*: why STATUS is what it is */
#define PVS_REG_GUEST_PAGES                                                                      \
	0x030                    /* RW 64  PVS_F_GUEST_RAM: guest-physical base of both ways'... \
				  */
#define PVS_REG_HOST_PAGES 0x038 /* RW 64  ...pages, stride-aligned; before DRIVER_OK */
#define PVS_REG_CLOCK      0x040 /* RO 64  host's CLOCK_MONOTONIC, ns, at the read */
#define PVS_REG_CLOCK_OFFSET \
	0x048 /* RW 64  guest's clock minus host's, ns, as the guest found it */
#define PVS_REG_CLOCK_ERROR   0x050 /* RW  and within how many ns; 0: not known */
#define PVS_REG_BAD_ACCESS    0x054 /* RO  refused register accesses */
#define PVS_REG_POLICY_NAME   0x058 /* RO 64 x 2  16 bytes, NUL-padded */
#define PVS_REG_POLICY_SERIAL 0x068 /* RO  increments with each policy that is put in place */
#define PVS_REG_SOURCES       0x06c /* RO  PVS_SRC_*: what the policy hears */
#define PVS_REG_ACTUATORS     0x070 /* RO  PVS_ACT_*: what it can do */
#define PVS_REG_DOORBELL      0x078 /* WO  vCPU whose event ring is to be taken now */
/* Writing anything to KICK + 4 * v has the policy look at vCPU v now. Rate-limited. */
#define PVS_REG_KICK 0x4000
/*
 * RO, VCPU_ID + 4 * v: by which number the hardware knows the vCPU whose pages are the v-th, on x86
 * its APIC id. A guest numbers its CPUs as it found them, which is not their order here when they
 * were plugged in another one.
 */
#define PVS_REG_VCPU_ID 0x8000

#define PVS_MAGIC         0x43535650u /* "PVSC" as bytes in memory */
#define PVS_VERSION_MAJOR 1
#define PVS_VERSION_MINOR 0

/*
 * STATUS: the guest sets the low bits, in order, and clears none but all: 0 resets the device, with
 * all pages zeroed and another GENERATION. FEATURES_OK and DRIVER_OK read back as 0 when refused,
 * with RESULT saying why; then the guest may mend what was refused and set them again. The device's
 * bits are not the guest's to write, whatever it writes there is ignored.
 */
#define PVS_STATUS_ACKNOWLEDGE 0x01u
#define PVS_STATUS_DRIVER      0x02u
#define PVS_STATUS_FEATURES_OK 0x04u
#define PVS_STATUS_DRIVER_OK   0x08u /* pages are looked at from now on */
#define PVS_STATUS_RENEGOTIATE                                                               \
	0x40u /* set by the device with FEATURES_OK and DRIVER_OK cleared: pages are ignored \
		 until a new DRIVER_OK, which clears it */
#define PVS_STATUS_FAILED 0x80u /* set by the device; only a reset helps */

/* RESULT */
enum pvs_result {
	PVS_RESULT_OK = 0,
	PVS_RESULT_FEATURES, /* accepted a feature not offered, or one without another it needs */
	PVS_RESULT_ORDER,    /* a status bit before the one it builds on, or one taken back */
	PVS_RESULT_ADDRESS,  /* GUEST_PAGES or HOST_PAGES: misaligned, overlapping or not RAM */
	PVS_RESULT_MIGRATED, /* RENEGOTIATE: the host is another one, or the state an older one */
	PVS_RESULT_WATCHDOG, /* the policy host stopped answering; vCPUs have their baseline */
};

/* Features */
#define PVS_F_INTENT       (1ull << 0) /* guest line 0: what the vCPU runs */
#define PVS_F_CS           (1ull << 1) /* guest line 1: critical sections */
#define PVS_F_DEADLINE     (1ull << 2) /* guest line 2 */
#define PVS_F_LOCK         (1ull << 3) /* guest line 3: which vCPU it waits for */
#define PVS_F_STATE        (1ull << 4) /* host lines 0 and 1 */
#define PVS_F_CAPACITY     (1ull << 5) /* host line 2 */
#define PVS_F_RING         (1ull << 6) /* the event ring, DOORBELL */
#define PVS_F_TICKET       (1ull << 7) /* tickets: host line 3 answers guest line 3 */
#define PVS_F_KICK_DEBOOST (1ull << 8) /* the guest kicks when a boost is no longer needed */
#define PVS_F_OPAQUE       (1ull << 9) /* the opaque pages */
/* Pages lie in guest RAM instead of BARs 2 and 4, as those are laid out: opaque pages included. */
#define PVS_F_GUEST_RAM (1ull << 10)

/* What needs INTENT: a kick that ends a boost and a ticket that asks for one say nothing without.
 */
#define PVS_F_NEED_INTENT (PVS_F_TICKET | PVS_F_KICK_DEBOOST)

/* ---- BAR2: guest to host, a page for each vCPU --------------------------------------------- */

/* What a vCPU runs, for intent's class. */
enum pvs_class {
	PVS_CLASS_UNKNOWN = 0,
	PVS_CLASS_IDLE, /* nothing runnable */
	PVS_CLASS_BATCH,
	PVS_CLASS_NORMAL,
	PVS_CLASS_RT,
	PVS_CLASS_DEADLINE,
	PVS_CLASS_MAX
};

/*
 * intent: one aligned 64-bit store, so that it is never seen in part. Fields, from bit 0: class
 * (4 bits), nice + 20 (6: 0..39), RT priority (7: 0..99), flags PVS_PENDING_* (15), generation
 * (32), which the writer increments with each store.
 */
#define PVS_INTENT_CLASS_SHIFT 0
#define PVS_INTENT_CLASS_MASK  0xfull
#define PVS_INTENT_NICE_SHIFT  4
#define PVS_INTENT_NICE_MASK   0x3full
#define PVS_INTENT_PRIO_SHIFT  10
#define PVS_INTENT_PRIO_MASK   0x7full
#define PVS_INTENT_FLAGS_SHIFT 17
#define PVS_INTENT_FLAGS_MASK  0x7fffull
#define PVS_INTENT_GEN_SHIFT   32

#define PVS_PENDING_NMI         0x0001u
#define PVS_PENDING_HARDIRQ     0x0002u
#define PVS_PENDING_SOFTIRQ     0x0004u
#define PVS_PENDING_PREEMPT_OFF 0x0008u
#define PVS_PENDING_IRQ_OFF     0x0010u
#define PVS_PENDING_LOCK        0x0020u /* holds a lock that others spin or wait for */
#define PVS_PENDING_RCU         0x0040u
#define PVS_PENDING_RT_WAITER   0x0080u /* an RT task is bound to run here when it wakes */
#define PVS_PENDING_ALL         0x00ffu /* other bits set: malformed */

/* Critical section, line 1: bits of why. */
#define PVS_CS_PREEMPT  0x01u
#define PVS_CS_IRQ      0x02u
#define PVS_CS_LOCK     0x04u
#define PVS_CS_RCU      0x08u
#define PVS_CS_EXPLICIT 0x10u /* a program asked by kfunc */
#define PVS_CS_ALL      0x1fu

/* Waiting for another vCPU, line 3: why. */
enum pvs_wait_reason {
	PVS_WAIT_NONE = 0,
	PVS_WAIT_SPINLOCK,
	PVS_WAIT_MUTEX,
	PVS_WAIT_RWSEM,
	PVS_WAIT_IPI,
	PVS_WAIT_MAX
};

#define PVS_WAIT_NOBODY 0xffffffffu

/* notify: vector 1 + v is raised when */
#define PVS_NOTIFY_TICKET   0x1u /* the host answered a ticket */
#define PVS_NOTIFY_CAPACITY 0x2u /* capacity or avoid changed */
#define PVS_NOTIFY_ALL      0x3u

/* Event ring: the guest's log for traces. The host writes it into its record, if there is one; no
 * policy is asked about it or sees it. Single producer (the vCPU); the consumer's index is the
 * host's and not in memory that the guest writes. */
#define PVS_RING_OFFSET  0x800u
#define PVS_RING_ENTRIES 128u

enum pvs_ring_type {
	PVS_RING_NONE = 0,
	PVS_RING_SWITCH,    /* arg: class << 24 | RT priority << 16 | nice + 20 */
	PVS_RING_WAKEUP,    /* arg: class << 24 | target vCPU */
	PVS_RING_IRQ_ENTRY, /* arg: vector or softirq */
	PVS_RING_IRQ_EXIT,
	PVS_RING_LOCK_WAIT, /* arg: owner's vCPU or PVS_WAIT_NOBODY's low 24 bits */
	PVS_RING_LOCK_HELD,
	PVS_RING_LOCK_DONE,
	PVS_RING_MARK, /* arg: the program's own, for traces */
	PVS_RING_MAX
};

struct pvs_ring_entry {
	__u64 ts; /* guest's CLOCK_MONOTONIC, ns */
	__u32 type;
	__u32 arg;
};

struct pvs_guest_page {
	/* line 0: guest */
	__u64 intent;
	__u64 intent_ns; /* guest's clock at the store; a hint for traces, not ordered with it */
	__u64 reserved0[6];
	/* line 1: guest */
	__u64 cs;       /* PVS_CS_* in bits 0..7, depth in 8..31, a count of entries in 32..63 */
	__u64 cs_enter; /* guest's clock, ns, when the depth left 0 */
	__u64 reserved1[6];
	/* line 2: guest, under seq (odd while it changes) */
	__u32 seq;
	__u32 dl_flags;    /* 0 */
	__u64 dl_runtime;  /* ns the vCPU needs... */
	__u64 dl_deadline; /* ...within this of each period's start; 0: none */
	__u64 dl_period;
	__u64 next_event; /* guest's clock, ns: the next wake-up of an RT task, 0: not known */
	__u64 reserved2[3];
	/* line 3: guest */
	__u64 wait;   /* vCPU waited for in bits 0..31 (PVS_WAIT_NOBODY), enum pvs_wait_reason
			 in 32..39 */
	__u64 ticket; /* a request to have the boost looked at; the host answers with the same
			 number */
	__u32 notify; /* PVS_NOTIFY_* */
	__u32 reads;  /* incremented before a host page of another vCPU is read: while it changes,
			 state is what the host knows at once, else what it knew at its last tick */
	__u32 reserved3[10];
	/* line 4: guest */
	__u32 ring_head; /* free-running; stored with release after the entry */
	__u32 ring_lost; /* entries that found no room, as the guest counts */
	__u32 reserved4[14];
	__u64 reserved5[216];
	struct pvs_ring_entry ring[PVS_RING_ENTRIES];
};

/* ---- BAR4: host to guest, a page for each vCPU --------------------------------------------- */

enum pvs_run_state {
	PVS_RUN_UNKNOWN = 0,
	PVS_RUN_RUNNING,
	PVS_RUN_PREEMPTED, /* runnable, and not running */
	PVS_RUN_HALTED,
	PVS_RUN_MAX
};

/* Why a vCPU has more than its baseline; each but THROTTLE is paid from a budget. */
enum pvs_boost {
	PVS_BOOST_NONE = 0,
	PVS_BOOST_CS,       /* critical section: the short budget */
	PVS_BOOST_IRQ,      /* an interrupt waits: the short budget */
	PVS_BOOST_LOCK,     /* others wait for what it holds */
	PVS_BOOST_RT,       /* runs, or is about to run, a real-time task */
	PVS_BOOST_DEADLINE, /* keeps a deadline */
	PVS_BOOST_FAIR,     /* gets back what it is owed */
	PVS_BOOST_MAX
};

/*
 * state: one aligned 64-bit store. From bit 0: enum pvs_run_state (3), enum pvs_boost (4), flags
 * PVS_STATE_* (25), generation (32).
 */
#define PVS_STATE_RUN_MASK    0x7ull
#define PVS_STATE_BOOST_SHIFT 3
#define PVS_STATE_BOOST_MASK  0xfull
#define PVS_STATE_FLAGS_SHIFT 7
#define PVS_STATE_FLAGS_MASK  0x1ffffffull
#define PVS_STATE_GEN_SHIFT   32

#define PVS_STATE_PRESENT   0x1u /* the vCPU exists (hot plug) */
#define PVS_STATE_THROTTLED 0x2u /* its budget is spent */
#define PVS_STATE_EXACT     0x4u /* run state comes from the host's scheduler, not from samples */
#define PVS_STATE_YIELD     0x8u /* the host would rather have the vCPU halt or yield */

/* Why a hint had no effect, line 3. */
enum pvs_reject {
	PVS_REJECT_NONE = 0,
	PVS_REJECT_MALFORMED,  /* a field out of its range */
	PVS_REJECT_TORN,       /* changed at every try to read it */
	PVS_REJECT_BUDGET,     /* the vCPU's budget is spent */
	PVS_REJECT_CONCURRENT, /* as many vCPUs of the VM are boosted as may be */
	PVS_REJECT_CEILING,    /* a class or priority above the VM's ceiling: less was given */
	PVS_REJECT_ACTUATOR,   /* the host may not do it */
	PVS_REJECT_FEATURE,    /* not negotiated */
	PVS_REJECT_POLICY,     /* the policy failed, or asked for what does not exist */
	PVS_REJECT_RATE,       /* more kicks or doorbells than are taken */
	PVS_REJECT_MAX
};

struct pvs_host_page {
	/* line 0: host */
	__u64 state;
	__u64 reserved0[7];
	/* line 1: host, under seq (odd while it changes) */
	__u32 seq;
	__u32 sources;  /* PVS_SRC_* these figures come from */
	__u64 run_ns;   /* since the vCPU thread began: on a host CPU... */
	__u64 steal_ns; /* ...and runnable but not on one */
	__u64 last_in;  /* host's clock, ns: when it last got a host CPU... */
	__u64 last_out; /* ...and lost it; 0: not known */
	__u64 host_ns;  /* when this was written, host's clock */
	__u64 boost_ns; /* total time boosted */
	__u64 reserved1;
	/* line 2: host */
	__u64 capacity; /* 0..1024 in bits 0..15, avoid 0..255 in 16..23, host CPU that it got last
			   + 1 in 24..39, vCPU that shares its core (SMT) + 1 in 40..55, 0: none or
			   not known; one store */
	__u64 reserved2[7];
	/* line 3: host */
	__u64 decision;     /* number of the last decision about this vCPU */
	__u64 ticket;       /* last ticket answered */
	__u32 reject;       /* enum pvs_reject of the last hint */
	__u32 ring_tail;    /* entries of the ring taken; for the guest to see room */
	__u64 budget_cs;    /* ns left */
	__u64 budget_boost; /* ns left */
	__u64 reserved3[3];
	__u64 reserved4[480];
};

/* ---- Behind the last page, both ways: what guest and policy agree upon ---------------------- */

#define PVS_OPAQUE_LINES 64u
#define PVS_OPAQUE_WORDS 8u

/*
 * PVS_F_OPAQUE: line v % PVS_OPAQUE_LINES belongs to vCPU v. What the guest has there is given to
 * the policy with each callback about v, and is what the policy publishes there about v. Words are
 * read and stored whole, a line is not: the host stores word 0 last, with release.
 */
struct pvs_opaque_line {
	__u64 word[PVS_OPAQUE_WORDS];
};

struct pvs_opaque_page {
	struct pvs_opaque_line line[PVS_OPAQUE_LINES];
};

/* ---- What a policy hears and can do ------------------------------------------------------- */

/* Sources of events and figures; docs/pvsched/policies.md has delay and privilege of each. */
#define PVS_SRC_TICK      0x01u /* pages are sampled */
#define PVS_SRC_KICK      0x02u /* kicks; a doorbell only has the ring taken */
#define PVS_SRC_SCHEDSTAT 0x04u /* run and wait time from /proc, coarse */
#define PVS_SRC_HALT      0x08u /* halts, at once (TCG's hook, or the host's kernel as host) */
#define PVS_SRC_SWITCH    0x10u /* run and stop, at once (BPF on sched_switch) */
#define PVS_SRC_INJECT    0x20u /* interrupts raised for a vCPU that does not run */

/* Actuators that work here. */
#define PVS_ACT_NICE_UP   0x01u /* less than the baseline (nice greater) */
#define PVS_ACT_NICE_DOWN 0x02u /* more (nice less) */
#define PVS_ACT_SLICE     0x04u /* EEVDF slice, 0.1..100 ms */
#define PVS_ACT_FIFO      0x08u /* opt-in */
#define PVS_ACT_DEADLINE  0x10u /* opt-in */
#define PVS_ACT_AFFINITY  0x20u
#define PVS_ACT_WEIGHT    0x40u /* cgroup cpu.weight */
#define PVS_ACT_ALL       0x7fu

#ifndef PVS_NO_ASSERTS
_Static_assert(sizeof(struct pvs_ring_entry) == 16, "ring entry");
_Static_assert(sizeof(struct pvs_guest_page) == PVS_PAGE_STRIDE, "guest page");
_Static_assert(sizeof(struct pvs_host_page) == PVS_PAGE_STRIDE, "host page");
_Static_assert(sizeof(struct pvs_opaque_page) == PVS_OPAQUE_PAGES * PVS_PAGE_STRIDE, "opaque page");
_Static_assert(__builtin_offsetof(struct pvs_guest_page, cs) == 64, "line 1");
_Static_assert(__builtin_offsetof(struct pvs_guest_page, seq) == 128, "line 2");
_Static_assert(__builtin_offsetof(struct pvs_guest_page, wait) == 192, "line 3");
_Static_assert(__builtin_offsetof(struct pvs_guest_page, ring_head) == 256, "line 4");
_Static_assert(__builtin_offsetof(struct pvs_guest_page, ring) == PVS_RING_OFFSET, "ring");
_Static_assert(__builtin_offsetof(struct pvs_host_page, seq) == 64, "line 1");
_Static_assert(__builtin_offsetof(struct pvs_host_page, capacity) == 128, "line 2");
_Static_assert(__builtin_offsetof(struct pvs_host_page, decision) == 192, "line 3");
_Static_assert(PVS_REG_KICK + 4 * PVS_MAX_VCPUS <= PVS_REG_VCPU_ID, "kick registers");
_Static_assert(PVS_REG_VCPU_ID + 4 * PVS_MAX_VCPUS <= PVS_REGS_SIZE, "vCPU ids");
#endif

#endif
