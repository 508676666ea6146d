/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The publisher: what the guest's scheduler does, as hints on the page of each vCPU. Nothing is
 * stored that stands on the page already, so that a load of equals costs the comparison alone.
 * publish.h has the stores, this file the kernel's events. docs/pvsched/guest-programs.md has what
 * each costs.
 */
#include "publish.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- Switches ------------------------------------------------------------------------------- */

/* The RT task that slept here until its timer runs again. */
static __always_inline void sleep_end(struct pub_cpu *state, __u32 pid)
{
	for (int i = 0; i < PUB_SLEEP; i++) {
		if (state->sleep[i].pid == pid)
			state->sleep[i].pid = 0;
	}
}

/* What sleeps here now: the flag, and the time of the first timer. */
static __always_inline void sleep_publish(struct pub_cpu *state)
{
	__u64 now = bpf_ktime_get_ns(), first = 0;

	for (int i = 0; i < PUB_SLEEP; i++) {
		struct pub_sleep *sleep = &state->sleep[i];

		/* One that woke on another CPU, which could not say so here. */
		if (sleep->pid && sleep->expires + SLEEP_GRACE < now)
			sleep->pid = 0;
		if (sleep->pid && (!first || sleep->expires < first))
			first = sleep->expires;
	}
	state->flags = first && first < now + horizon_ns ? PVS_PENDING_RT_WAITER : 0;
	sluice_pvs_set_next_event(first);
}

static __always_inline void sleep_begin(struct pub_cpu *state, __u32 pid, __u64 expires)
{
	COUNT(state, PUB_N_SLEEP);
	for (int i = 0; i < PUB_SLEEP; i++) {
		if (!state->sleep[i].pid) {
			state->sleep[i].expires = expires;
			state->sleep[i].pid = pid;
			return;
		}
	}
	COUNT(state, PUB_N_SLEEP_LOST);
}

/* A task with a place on a page runs here: is that page still this CPU's? */
static __always_inline void home_set(__u32 pid, __u32 cpu)
{
	__u32 *home = bpf_map_lookup_elem(&homes, &pid);

	if (!home) {
		bpf_map_update_elem(&homes, &pid, &cpu, BPF_ANY);
	} else if (*home != cpu) {
		struct pub_cpu *old = cpu_state(*home);

		sleep_end(old, pid);
		old->stale = 1;
		*home = cpu;
	}
}

static __always_inline void deadline_show(struct pub_cpu *state, __u32 pid, __u32 serial,
					  __u64 runtime, __u64 deadline, __u64 period)
{
	if (state->dl_pid == pid && state->dl_serial == serial)
		return;
	state->dl_pid = deadline ? pid : 0;
	state->dl_serial = serial;
	COUNT(state, PUB_N_DEADLINE);
	sluice_pvs_set_deadline(runtime, deadline, period);
}

/* The deadline on the page is of a task that lives elsewhere now, or no longer. */
static __always_inline void deadline_check(struct pub_cpu *state, __u32 cpu)
{
	__u32 pid = state->dl_pid, *home;

	if (!pid)
		return;
	home = bpf_map_lookup_elem(&homes, &pid);
	if (!home || *home != cpu)
		deadline_show(state, pid, state->dl_serial + 1, 0, 0, 0);
}

/*
 * A switch from or to an RT or deadline task, or to a thread that said its deadline, or after
 * `stale`. Apart from the others, which are many more.
 */
static __noinline int switch_special(struct task_struct *prev, struct task_struct *next, __u32 cpu,
				     __u32 slept)
{
	struct pub_cpu *state = cpu_state(cpu);
	struct pvs_user_slot *slot = slot_of(next->pid);
	__u32 pid = next->pid;

	if (hints & PUB_RT) {
		if (slept && is_realtime(prev) && state->armed_pid == (__u32)prev->pid) {
			sleep_begin(state, prev->pid, state->armed);
			home_set(prev->pid, cpu);
		}
		if (is_realtime(next))
			sleep_end(state, pid);
		state->armed_pid = 0;
		sleep_publish(state);
	}
	if (hints & PUB_DEADLINE) {
		if (next->prio < 0) {
			home_set(pid, cpu);
			deadline_show(state, pid, 0, next->dl.dl_runtime, next->dl.dl_deadline,
				      next->dl.dl_period);
		} else if (slot->tid == pid && slot->dl_serial) {
			home_set(pid, cpu);
			deadline_show(state, pid, slot->dl_serial, slot->dl_runtime,
				      slot->dl_deadline, slot->dl_period);
		}
		if (state->stale)
			deadline_check(state, cpu);
	}
	state->stale = 0;
	return 0;
}

/* Does the thread speak for itself? */
static __always_inline bool speaks(const struct pvs_user_slot *slot, __u32 pid)
{
	return pid && slot->tid == pid;
}

/* The host boosted this vCPU, and what it was boosted for is over. */
static __noinline int deboost(__u32 cpu, __u32 was, __u32 is)
{
	const struct pvs_host_page *host;
	struct pub_cpu *state = cpu_state(cpu);
	__u32 class = is & PVS_INTENT_CLASS_MASK;

	if ((was & PVS_INTENT_CLASS_MASK) < PVS_CLASS_RT || class >= PVS_CLASS_RT)
		return 0;
	/* It halts, which the host sees by itself. */
	if (class == PVS_CLASS_IDLE || !(sluice_pvs_features() & PVS_F_KICK_DEBOOST))
		return 0;
	host = (const struct pvs_host_page *)sluice_pvs_host_page(cpu, 64);
	if (!host || !((host->state >> PVS_STATE_BOOST_SHIFT) & PVS_STATE_BOOST_MASK))
		return 0;
	COUNT(state, PUB_N_KICK_DEBOOST);
	sluice_pvs_kick(cpu);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct pub_cpu *state = cpu_state(cpu);
	__u32 pid = next->pid, low = intent_of(next), was;
	struct pvs_user_slot *slot = slot_of(pid);
	bool held = false, special, look = !follows() || state->look;
	struct pvs_guest_page *page;
	__u64 old;

	special = prev->prio < PRIO_REALTIME || next->prio < PRIO_REALTIME || state->stale;
	if (hints & PUB_USER) {
		look |= speaks(slot_of(prev->pid), prev->pid);
		if (speaks(slot, pid)) {
			held = slot->held;
			special |= slot->dl_serial != 0;
			look = true;
		}
	}
	if (hints & (PUB_RT | PUB_DEADLINE) && special)
		switch_special(prev, next, cpu,
			       !preempt && prev_state & TASK_SLEEPS && !(prev_state & TASK_DYING));

	if (hints & PUB_CLASS)
		low |= state->flags << PVS_INTENT_FLAGS_SHIFT;
	if (!look && low == state->shown && !(ring & PUB_RING_SWITCH))
		return 0;
	state->look = 0;
	page = page_of(cpu);
	if (!page)
		return 0;
	if (hints & PUB_LOCK && page->wait >> 32)
		sluice_pvs_wait(PVS_WAIT_NOBODY, PVS_WAIT_NONE);
	if (hints & PUB_USER)
		cs_store(page, state, held);
	if (hints & PUB_CLASS) {
		old = *(volatile __u64 *)&page->intent;
		was = (__u32)old;
		state->shown = low;
		if (was != low) {
			intent_store(page, state, old, low);
			if (kick & PUB_KICK_DEBOOST)
				deboost(cpu, was, low);
		}
	}
	if (ring & PUB_RING_SWITCH)
		emit(state, PVS_RING_SWITCH,
		     (low & PVS_INTENT_CLASS_MASK) << 24 |
			     (low >> PVS_INTENT_PRIO_SHIFT & PVS_INTENT_PRIO_MASK) << 16 |
			     (low >> PVS_INTENT_NICE_SHIFT & PVS_INTENT_NICE_MASK));
	return 0;
}

/* ---- Wake-ups ------------------------------------------------------------------------------- */

/* An RT task becomes runnable on a CPU that the host does not run: have the host look there. */
static __always_inline void wakeup_elsewhere(struct pub_cpu *state, __u32 cpu)
{
	const struct pvs_host_page *host =
		(const struct pvs_host_page *)sluice_pvs_host_page(cpu, 64);

	sluice_pvs_set_pending(cpu, PVS_PENDING_RT_WAITER, 0);
	cpu_state(cpu)->look = 1;
	if (!host || (host->state & PVS_STATE_RUN_MASK) != PVS_RUN_PREEMPTED)
		return;
	if (kick & PUB_KICK_WAKEUP) {
		COUNT(state, PUB_N_KICK_WAKEUP);
		sluice_pvs_kick(cpu);
	}
}

/* An RT task becomes runnable here: it will run as soon as the interrupt is over. */
static __always_inline void wakeup_here(struct pub_cpu *state, __u32 cpu, __u32 low)
{
	struct pvs_guest_page *page = page_of(cpu);
	__u64 old;

	if (!page)
		return;
	old = *(volatile __u64 *)&page->intent;
	if ((old & PVS_INTENT_CLASS_MASK) < PVS_CLASS_RT)
		intent_store(page, state, old,
			     low | ((__u32)old &
				    ((__u32)PVS_INTENT_FLAGS_MASK << PVS_INTENT_FLAGS_SHIFT)));
}

#define ENQUEUE_WAKEUP 0x01

static __always_inline int realtime_wakes(struct task_struct *task, __u32 there, int flags)
{
	__u32 here = bpf_get_smp_processor_id();

	if (!(flags & ENQUEUE_WAKEUP) || task->flags & FLAG_KTHREAD)
		return 0;
	if (here == there)
		wakeup_here(cpu_state(here), here, intent_of(task));
	else
		wakeup_elsewhere(cpu_state(here), there);
	return 0;
}

/* Of the classes' own functions, not of sched_wakeup: tasks of other classes then cost nothing. */
SEC("fentry/enqueue_task_rt")
int BPF_PROG(on_enqueue_rt, struct rq *rq, struct task_struct *task, int flags)
{
	return realtime_wakes(task, rq->cpu, flags);
}

SEC("fentry/enqueue_task_dl")
int BPF_PROG(on_enqueue_dl, struct rq *rq, struct task_struct *task, int flags)
{
	return realtime_wakes(task, rq->cpu, flags);
}

/* Only for the ring. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	__u32 here = bpf_get_smp_processor_id(), there = task->thread_info.cpu;

	emit(cpu_state(here), PVS_RING_WAKEUP,
	     (intent_of(task) & PVS_INTENT_CLASS_MASK) << 24 |
		     ((__u32)sluice_pvs_vcpu_of(there) & 0xffffffu));
	return 0;
}

/* A timer that will wake the RT task that starts it. Its time counts when the task sleeps. */
SEC("tp_btf/hrtimer_start")
int BPF_PROG(on_timer, struct hrtimer *timer)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pub_cpu *state;
	__s64 expires;

	if (task->prio >= PRIO_REALTIME || task->flags & FLAG_KTHREAD)
		return 0;
	if ((const void *)BPF_CORE_READ(timer, function) != &hrtimer_wakeup)
		return 0;
	state = cpu_state(bpf_get_smp_processor_id());
	expires = BPF_CORE_READ(timer, node.expires);
	/* Clocks that are set are kept as a distance from the one that is not. */
	if (BPF_CORE_READ(timer, base, clockid) != 1 /* CLOCK_MONOTONIC */)
		expires -= BPF_CORE_READ(timer, base, offset);
	state->armed = expires;
	state->armed_pid = task->pid;
	return 0;
}

/* Its places are free. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 pid = task->pid, *home = bpf_map_lookup_elem(&homes, &pid);
	struct pvs_user_slot *slot = slot_of(pid);

	if (slot->tid == pid) {
		/* What it held is on this CPU's page, and nobody knows it by its slot now. */
		cpu_state(bpf_get_smp_processor_id())->look = 1;
		slot->held = 0;
		slot->dl_serial = 0;
		slot->tid = 0;
	}
	if (home) {
		cpu_state(*home)->stale = 1;
		bpf_map_delete_elem(&homes, &pid);
	}
	return 0;
}

/* ---- Interrupts ----------------------------------------------------------------------------- */

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_irq_entry, int irq)
{
	__u32 cpu = bpf_get_smp_processor_id();

	if (hints & PUB_IRQ)
		intent_flags(cpu, PVS_PENDING_HARDIRQ, 0);
	if (ring & PUB_RING_IRQ)
		emit(cpu_state(cpu), PVS_RING_IRQ_ENTRY, irq);
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(on_irq_exit, int irq)
{
	__u32 cpu = bpf_get_smp_processor_id();

	if (hints & PUB_IRQ)
		intent_flags(cpu, 0, PVS_PENDING_HARDIRQ);
	if (ring & PUB_RING_IRQ)
		emit(cpu_state(cpu), PVS_RING_IRQ_EXIT, irq);
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_softirq_entry, unsigned int vector)
{
	intent_flags(bpf_get_smp_processor_id(), PVS_PENDING_SOFTIRQ, 0);
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(on_softirq_exit, unsigned int vector)
{
	intent_flags(bpf_get_smp_processor_id(), 0, PVS_PENDING_SOFTIRQ);
	return 0;
}

/* ---- Locks of the kernel -------------------------------------------------------------------- */

/* The CPU that runs the mutex's owner, + 1; 0: not known, or it sleeps. */
static __always_inline __u32 mutex_owner_cpu(void *lock)
{
	struct mutex *mutex = bpf_rdonly_cast(lock, bpf_core_type_id_kernel(struct mutex));
	__u64 owner = (__u64)mutex->owner.counter & ~7ull;
	struct task_struct *task;

	if (!owner)
		return 0;
	task = bpf_rdonly_cast((void *)owner, bpf_core_type_id_kernel(struct task_struct));
	return task->on_cpu ? task->thread_info.cpu + 1 : 0;
}

/* Have the host look at the owner's vCPU, if it does not run. */
static __always_inline void owner_kick(struct pub_cpu *state, __u32 cpu)
{
	const struct pvs_host_page *host =
		(const struct pvs_host_page *)sluice_pvs_host_page(cpu, 64);

	if (!host || (host->state & PVS_STATE_RUN_MASK) != PVS_RUN_PREEMPTED)
		return;
	COUNT(state, PUB_N_KICK_LOCK);
	sluice_pvs_kick(cpu);
}

/* Only who spins keeps a vCPU: who sleeps for a lock is switched away from. */
SEC("tp_btf/contention_begin")
int BPF_PROG(on_contention_begin, void *lock, unsigned int flags)
{
	struct pub_cpu *state;
	__u32 cpu, owner = 0;

	if (!(flags & LOCK_SPIN))
		return 0;
	cpu = bpf_get_smp_processor_id();
	state = cpu_state(cpu);
	COUNT(state, PUB_N_WAIT);
	if (flags & LOCK_MUTEX && !(flags & LOCK_RT))
		owner = mutex_owner_cpu(lock);
	state->wait_cpu = owner;
	if (owner) {
		COUNT(state, PUB_N_WAIT_OWNED);
		sluice_pvs_set_pending(owner - 1, PVS_PENDING_LOCK, 0);
		if (kick & PUB_KICK_LOCK)
			owner_kick(state, owner - 1);
	}
	sluice_pvs_wait(owner ? owner - 1 : PVS_WAIT_NOBODY,
			flags & LOCK_MUTEX ? PVS_WAIT_MUTEX : PVS_WAIT_SPINLOCK);
	if (ring & PUB_RING_LOCK)
		emit(state, PVS_RING_LOCK_WAIT,
		     (owner ? (__u32)sluice_pvs_vcpu_of(owner - 1) : PVS_WAIT_NOBODY) & 0xffffffu);
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(on_contention_end, void *lock, int ret)
{
	struct pub_cpu *state = cpu_state(bpf_get_smp_processor_id());

	if (state->wait_cpu)
		sluice_pvs_set_pending(state->wait_cpu - 1, 0, PVS_PENDING_LOCK);
	state->wait_cpu = 0;
	sluice_pvs_wait(PVS_WAIT_NOBODY, PVS_WAIT_NONE);
	if (ring & PUB_RING_LOCK)
		emit(state, PVS_RING_LOCK_HELD, 0);
	return 0;
}
