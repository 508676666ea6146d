/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The publisher's state, its options, and the stores to a page. Included by publisher.bpf.c. */
#ifndef PUBLISH_H
#define PUBLISH_H

#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "sluice/pvsched.h"
#include "pvs_kfuncs.h"
#include "pvs_user.h"
#include "publisher.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;
extern const void hrtimer_wakeup __ksym;

/* Options; set by the loader before the verifier sees the programs, so that what is not wanted is
 * not there. */
const volatile __u32 hints, ring, kick;
const volatile bool stamps;
const volatile __u64 horizon_ns; /* a timer that expires later is no RT_WAITER */

/* How late an RT task may be before its timer is forgotten. */
#define SLEEP_GRACE 1000000000ull

#define PRIO_REALTIME 100 /* a task's prio below it: RT; below 0: deadline */
#define PRIO_NICE_0   120
#define TASK_DYING    0xb0 /* EXIT_DEAD, EXIT_ZOMBIE, TASK_DEAD */
#define TASK_SLEEPS   0x03
#define POLICY_BATCH  3
#define POLICY_IDLE   5
#define FLAG_KTHREAD  0x00200000

/* Of the lock tracepoints' flags. */
#define LOCK_SPIN  0x01u
#define LOCK_RT    0x08u
#define LOCK_MUTEX 0x20u

struct pub_cpu cpus[PUB_CPUS] SEC(".data.cpus");
struct pvs_user_slot user[PVS_USER_SLOTS] SEC(".data.user");

/* The CPU on which a task has its place: a timer, a deadline. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} homes SEC(".maps");

static __always_inline struct pub_cpu *cpu_state(__u32 cpu)
{
	return &cpus[cpu & (PUB_CPUS - 1)];
}

static __always_inline struct pvs_user_slot *slot_of(__u32 pid)
{
	return &user[pid & (PVS_USER_SLOTS - 1)];
}

#define COUNT(state, which) ((void)((state)->count[which]++))

static __always_inline bool is_realtime(const struct task_struct *task)
{
	return task->prio < PRIO_REALTIME && !(task->flags & FLAG_KTHREAD);
}

/* Low word of intent for a task that runs, without flags. */
static __always_inline __u32 intent_of(const struct task_struct *task)
{
	__u32 class = PVS_CLASS_NORMAL, nice = 20, prio = 0, policy;
	int rank = task->prio;

	if (rank < PRIO_REALTIME) {
		class = rank < 0 ? PVS_CLASS_DEADLINE : PVS_CLASS_RT;
		prio = rank < 0 ? 0 : PRIO_REALTIME - 1 - rank;
	} else if (!task->pid) {
		class = PVS_CLASS_IDLE;
	} else {
		policy = task->policy;
		if (policy == POLICY_BATCH || policy == POLICY_IDLE)
			class = PVS_CLASS_BATCH;
		nice = (__u32)(task->static_prio - (PRIO_NICE_0 - 20)) & PVS_INTENT_NICE_MASK;
	}
	return class << PVS_INTENT_CLASS_SHIFT | nice << PVS_INTENT_NICE_SHIFT |
	       prio << PVS_INTENT_PRIO_SHIFT;
}

/* The page of this CPU, as far as it is written here; NULL: there is no device now. */
static __always_inline struct pvs_guest_page *page_of(__u32 cpu)
{
	return (struct pvs_guest_page *)sluice_pvs_hint_page(cpu, 256);
}

/*
 * Most switches are between equals, and the page says already what it should: then it is not even
 * looked at, nor asked for, which is most of what a switch would cost. Whoever else writes intent
 * is found out at the next softirq, and the page is made right at the switch after that. A lock's
 * waiters mark the owner's page at any time.
 */
static __always_inline bool follows(void)
{
	return hints & PUB_CLASS && hints & PUB_SOFTIRQ && !(hints & PUB_LOCK);
}

/* One store of the whole intent, with the generation after the one that stands there. */
static __always_inline void intent_store(struct pvs_guest_page *page, struct pub_cpu *state,
					 __u64 old, __u32 low)
{
	COUNT(state, PUB_N_INTENT);
	state->shown = low;
	*(volatile __u64 *)&page->intent = ((old >> 32) + 1) << 32 | low;
	if (stamps)
		page->intent_ns = bpf_ktime_get_ns();
}

/* Flags of intent, the rest as it is. An interrupt between the load and the store has its own
 * flags taken back when it is over, so nothing of it is lost. */
static __always_inline void intent_flags(__u32 cpu, __u32 set, __u32 clear)
{
	struct pvs_guest_page *page = page_of(cpu);
	struct pub_cpu *state = cpu_state(cpu);
	__u64 old;
	__u32 low;

	if (!page)
		return;
	old = *(volatile __u64 *)&page->intent;
	low = (__u32)old;
	if (low != state->shown)
		state->look = 1;
	low |= set << PVS_INTENT_FLAGS_SHIFT;
	low &= ~(clear << PVS_INTENT_FLAGS_SHIFT);
	if (low != (__u32)old)
		intent_store(page, state, old, low);
}

/* Whether the thread that runs holds a lock of user space. A kernel's section does not last over a
 * switch, so at a switch the word has no other writer. */
static __always_inline void cs_store(struct pvs_guest_page *page, struct pub_cpu *state, bool held)
{
	__u64 old = *(volatile __u64 *)&page->cs;
	__u64 count = old >> 32;

	if (held == !!(old & 0xff))
		return;
	COUNT(state, PUB_N_CS);
	if (held && stamps)
		page->cs_enter = bpf_ktime_get_ns();
	if (held)
		old = (count + 1) << 32 | 1 << 8 | PVS_CS_LOCK | PVS_CS_EXPLICIT;
	else
		old = count << 32;
	*(volatile __u64 *)&page->cs = old;
}

static __always_inline void emit(struct pub_cpu *state, __u32 type, __u32 arg)
{
	if (sluice_pvs_emit(type, arg))
		COUNT(state, PUB_N_RING_LOST);
}

#endif
