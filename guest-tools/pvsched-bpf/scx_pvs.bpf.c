/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A scheduler for sched_ext that knows what the host does with the vCPUs.
 *
 * Each CPU has a queue, ordered by virtual time. A task that wakes goes to the CPU where it is
 * expected to run first: what waits there already, stretched by the capacity the host leaves the
 * vCPU, and how long the host takes to run a vCPU that it does not run now. A CPU with nothing to
 * do takes work from the queues of others, first of those that the host has preempted. Nothing is
 * put into a queue of which only one CPU could take it, so a vCPU that stands still holds up
 * nothing but the task it was running.
 *
 * With host=steal the same scheduler knows only how much time was stolen lately.
 */
#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sluice/pvsched.h"
#include "pvs_kfuncs.h"
#include "scx_pvs.h"
#include "scx_view.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

extern s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
extern void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
				     u64 enq_flags) __ksym;
extern bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
extern s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
extern void scx_bpf_dsq_reenq(u64 dsq_id, u64 reenq_flags) __ksym;
extern bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym;
extern s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
extern u32 scx_bpf_nr_cpu_ids(void) __ksym;
extern bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask) __ksym;

const volatile __u32 knowledge; /* enum scx_pvs_knowledge */
const volatile __u64 slice_ns = 3000000;
const volatile __u32 host_turn_us = 4000; /* how long the host lets others run in between */

struct scx_pvs_cpu cpus[SCX_PVS_CPUS] SEC(".data.cpus");
struct scx_pvs_end end SEC(".data.end");

static __u64 vtime_now;
static __u32 nr_cpus;

#define SEARCH 64 /* CPUs that are looked at for one task */

static __always_inline struct scx_pvs_cpu *cpu_state(__u32 cpu)
{
	return &cpus[cpu & (SCX_PVS_CPUS - 1)];
}

#define COUNT(which) ((void)(cpu_state(bpf_get_smp_processor_id())->count[which]++))

/* ---- What is known about a CPU -------------------------------------------------------------- */

static __always_inline void view_of(__u32 cpu, struct view *view)
{
	const struct pvs_host_page *host;

	view_unknown(view);
	if (knowledge == SCX_PVS_STEAL)
		view->capacity = capacity_within(cpu_state(cpu)->capacity);
	if (knowledge != SCX_PVS_FULL)
		return;
	host = (const struct pvs_host_page *)sluice_pvs_host_page(cpu, 256);
	if (!host)
		return;
	view_state(view, *(volatile __u64 *)&host->state);
	view_capacity(view, *(volatile __u64 *)&host->capacity);
}

/* The functions below are verified once each, by themselves, not with all that call them. */

__u32 run_state(__u32 cpu);
__u32 host_delay(__u32 cpu);
__u32 expected_delay(__u32 cpu, __u32 idle);

/* enum pvs_run_state, as far as it may be known. */
__noinline __u32 run_state(__u32 cpu)
{
	struct view view;

	view_of(cpu, &view);
	return view.run;
}

/* How long until a task that comes to this CPU now runs, us, as far as the host is to blame. */
__noinline __u32 host_delay(__u32 cpu)
{
	struct view view;

	view_of(cpu, &view);
	return view_delay(&view, host_turn_us);
}

/* The same with what waits on this CPU already; @idle: nothing. */
__noinline __u32 expected_delay(__u32 cpu, __u32 idle)
{
	__u32 delay, turns;
	struct view view;

	view_of(cpu, &view);
	delay = view_delay(&view, host_turn_us);
	if (!idle) {
		turns = scx_bpf_dsq_nr_queued(cpu) + 1;
		delay += (__u64)turns * (cpu_state(cpu)->turn_us + 1) * 1024 / view.capacity;
	}
	return delay;
}

/* ---- Placing -------------------------------------------------------------------------------- */

struct place {
	__s32 cpu;
	__u32 delay;
	bool idle;
};

/* The CPU of the least delay among those the task may use; @prev unless another is better. */
static __always_inline void place_find(struct task_struct *p, __s32 prev, struct place *best)
{
	__u32 n = nr_cpus < SEARCH ? nr_cpus : SEARCH;
	int i;

	best->cpu = prev;
	best->delay = ~0u;
	best->idle = false;
	bpf_for(i, 0, n)
	{
		__u32 cpu = prev + i, delay;
		bool free;

		if (cpu >= nr_cpus)
			cpu -= nr_cpus;
		if (!bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			continue;
		free = cpu_state(cpu)->idle;
		delay = expected_delay(cpu, free);
		if (delay < best->delay) {
			best->cpu = cpu;
			best->delay = delay;
			best->idle = free;
		}
		if (!delay)
			break;
	}
}

static __always_inline void queue_on(struct task_struct *p, __s32 cpu, __u64 flags)
{
	__u64 vtime = p->scx.dsq_vtime;

	/* Who slept long is ahead by one slice at most. */
	if ((__s64)(vtime - (vtime_now - slice_ns)) < 0)
		vtime = vtime_now - slice_ns;
	scx_bpf_dsq_insert_vtime(p, cpu, slice_ns, vtime, flags);
}

SEC("struct_ops/pvs_select_cpu")
s32 BPF_PROG(pvs_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	struct place best;

	place_find(p, prev, &best);
	if (best.idle && scx_bpf_test_and_clear_cpu_idle(best.cpu))
		COUNT(SCX_PVS_N_IDLE);
	else
		COUNT(SCX_PVS_N_BUSY);
	if (best.cpu != prev) {
		COUNT(SCX_PVS_N_MOVED);
		if (host_delay(prev) > best.delay)
			COUNT(SCX_PVS_N_AVOIDED);
	}
	return best.cpu;
}

/* What waited behind a vCPU that stopped: straight to an idle CPU, which is woken by that. */
static __always_inline bool rescued(struct task_struct *p, __s32 cpu, __u64 flags)
{
	struct place best;

	place_find(p, cpu, &best);
	if (!best.idle || !scx_bpf_test_and_clear_cpu_idle(best.cpu))
		return false;
	COUNT(SCX_PVS_N_RESCUED);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | best.cpu, slice_ns, flags);
	return true;
}

SEC("struct_ops/pvs_enqueue")
void BPF_PROG(pvs_enqueue, struct task_struct *p, u64 flags)
{
	__s32 cpu = scx_bpf_task_cpu(p);

	if (flags & SCX_ENQ_REENQ && rescued(p, cpu, flags))
		return;
	queue_on(p, cpu, flags);
}

/* ---- Taking --------------------------------------------------------------------------------- */

/* Take a task from a queue of another CPU; @stopped: only of those that the host does not run. */
static __always_inline bool pull(__s32 cpu, bool stopped)
{
	__u32 n = nr_cpus < SEARCH ? nr_cpus : SEARCH;
	bool taken = false;
	int i;

	bpf_for(i, 1, n)
	{
		__u32 other = cpu + i, run;

		if (other >= nr_cpus)
			other -= nr_cpus;
		if (!scx_bpf_dsq_nr_queued(other))
			continue;
		run = run_state(other);
		if (stopped && run != PVS_RUN_PREEMPTED)
			continue;
		if (!scx_bpf_dsq_move_to_local(other))
			continue;
		COUNT(SCX_PVS_N_PULLED);
		if (run == PVS_RUN_PREEMPTED)
			COUNT(SCX_PVS_N_PULLED_STOPPED);
		taken = true;
		break;
	}
	return taken;
}

SEC("struct_ops/pvs_dispatch")
void BPF_PROG(pvs_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_bpf_dsq_move_to_local(cpu))
		return;
	if (knowledge == SCX_PVS_FULL && pull(cpu, true))
		return;
	pull(cpu, false);
}

/* ---- Time ----------------------------------------------------------------------------------- */

SEC("struct_ops/pvs_running")
void BPF_PROG(pvs_running, struct task_struct *p)
{
	if ((__s64)(p->scx.dsq_vtime - vtime_now) > 0)
		vtime_now = p->scx.dsq_vtime;
}

SEC("struct_ops/pvs_stopping")
void BPF_PROG(pvs_stopping, struct task_struct *p, bool runnable)
{
	struct scx_pvs_cpu *state = cpu_state(bpf_get_smp_processor_id());
	__u64 left = p->scx.slice, used = left < slice_ns ? slice_ns - left : 0;
	__u32 us = used / 1000;

	state->turn_us = (state->turn_us * 7 + us) / 8;
	p->scx.dsq_vtime += used * 100 / (p->scx.weight + 1);
}

SEC("struct_ops/pvs_enable")
void BPF_PROG(pvs_enable, struct task_struct *p)
{
	p->scx.dsq_vtime = vtime_now;
}

/* What this CPU got of the time it wanted, in the last ticks. */
static __always_inline void sample_steal(__u32 cpu, struct scx_pvs_cpu *state)
{
	const struct pvs_host_page *host =
		(const struct pvs_host_page *)sluice_pvs_host_page(cpu, 256);
	__u64 run, steal, d_run, d_steal;
	__u32 now, seq;

	if (!host)
		return;
	seq = *(volatile __u32 *)&host->seq;
	run = *(volatile __u64 *)&host->run_ns;
	steal = *(volatile __u64 *)&host->steal_ns;
	if (seq & 1 || seq != *(volatile __u32 *)&host->seq)
		return;
	d_run = run - state->run;
	d_steal = steal - state->steal;
	if (d_run + d_steal < 1000000)
		return;
	state->run = run;
	state->steal = steal;
	now = d_run * 1024 / (d_run + d_steal);
	state->capacity = (state->capacity * 3 + now) / 4;
}

/* A CPU that the host does not run has work that an idle one could do: have it placed again. */
static __always_inline void rescue(__u32 this)
{
	__u32 n = nr_cpus < SEARCH ? nr_cpus : SEARCH;
	__s32 stopped = -1;
	bool idle = false;
	int i;

	bpf_for(i, 1, n)
	{
		__u32 cpu = this + i;

		if (cpu >= nr_cpus)
			cpu -= nr_cpus;
		if (run_state(cpu) != PVS_RUN_PREEMPTED)
			idle |= cpu_state(cpu)->idle;
		else if (scx_bpf_dsq_nr_queued(cpu))
			stopped = cpu;
	}
	if (idle && stopped >= 0)
		scx_bpf_dsq_reenq(stopped, 0);
}

SEC("struct_ops/pvs_update_idle")
void BPF_PROG(pvs_update_idle, s32 cpu, bool idle)
{
	cpu_state(cpu)->idle = idle;
}

SEC("struct_ops/pvs_tick")
void BPF_PROG(pvs_tick, struct task_struct *p)
{
	__u32 cpu = bpf_get_smp_processor_id();

	if (knowledge == SCX_PVS_STEAL)
		sample_steal(cpu, cpu_state(cpu));
	if (knowledge == SCX_PVS_FULL)
		rescue(cpu);
}

/* ---- Begin and end -------------------------------------------------------------------------- */

SEC("struct_ops.s/pvs_init")
s32 BPF_PROG(pvs_init)
{
	int i, err = 0;

	nr_cpus = scx_bpf_nr_cpu_ids();
	if (nr_cpus > SCX_PVS_CPUS)
		return -7; /* -E2BIG */
	bpf_for(i, 0, nr_cpus)
	{
		cpu_state(i)->capacity = 1024;
		err = scx_bpf_create_dsq(i, -1);
		if (err)
			break;
	}
	return err;
}

SEC("struct_ops/pvs_exit")
void BPF_PROG(pvs_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(end.reason, sizeof(end.reason), info->reason);
	bpf_probe_read_kernel_str(end.message, sizeof(end.message), info->msg);
	end.kind = info->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops pvs = {
	.select_cpu = (void *)pvs_select_cpu,
	.enqueue = (void *)pvs_enqueue,
	.dispatch = (void *)pvs_dispatch,
	.running = (void *)pvs_running,
	.stopping = (void *)pvs_stopping,
	.enable = (void *)pvs_enable,
	.tick = (void *)pvs_tick,
	.update_idle = (void *)pvs_update_idle,
	.init = (void *)pvs_init,
	.exit = (void *)pvs_exit,
	.flags = SCX_OPS_KEEP_BUILTIN_IDLE,
	/* The most there is: a host that is busy holds up a vCPU, and the kernel's watchdog on it,
	 * for seconds, which is not this scheduler's failure. */
	.timeout_ms = 30000,
	.name = "sluice_pvs",
};
