// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kfuncs: hints for BPF programs. pvs_kfuncs.h, which programs include, says what each does.
 *
 * A page that a program was given stays good until its RCU read-side section ends: pvs_cpus_close()
 * waits for it. A program that may sleep can keep the pointer beyond that, and the verifier lets
 * it; so what was once handed out stays mapped until the module goes (pvs_mem.c), which no program
 * that calls a kfunc survives.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>

#include "pvs.h"

/* Line @line of the opaque page of one way, of which @size bytes are wanted; NULL: it cannot be
 * had. */
static const struct pvs_opaque_line *pvs_opaque_line(int way, u32 line, size_t size)
{
	const struct pvs_opaque_page *page = NULL;
	struct pvs_chan *chan;

	preempt_disable_notrace();
	chan = rcu_dereference_sched(pvs_chan);
	if (chan && chan->features & PVS_F_OPAQUE)
		page = way == PVS_GUEST ? (const void *)(chan->guest + chan->n_vcpus)
					: (const void *)(chan->host + chan->n_vcpus);
	preempt_enable_notrace();
	if (!page || line >= PVS_OPAQUE_LINES || size > sizeof(page->line[0]))
		return NULL;
	return &page->line[line];
}

__bpf_kfunc_start_defs();

__bpf_kfunc u8 *sluice_pvs_hint_page(u32 cpu, const size_t rdwr_buf_size)
{
	struct pvs_cpu *c = pvs_cpu_at(cpu);

	return c && rdwr_buf_size <= PVS_PAGE_STRIDE ? (u8 *)pvs_page_of(c) : NULL;
}

__bpf_kfunc u8 *sluice_pvs_host_page(u32 cpu, const size_t rdonly_buf_size)
{
	struct pvs_cpu *c = pvs_cpu_at(cpu);

	if (!c || rdonly_buf_size > PVS_PAGE_STRIDE)
		return NULL;
	/* Of itself a CPU knows that it runs; what it is boosted for is told in any case. */
	if (cpu != raw_smp_processor_id())
		pvs_hint_reads();
	/* The verifier keeps the program from writing. */
	return pvs_page_of(c) ? (u8 *)c->host : NULL;
}

__bpf_kfunc u8 *sluice_pvs_opaque_line(u32 line, const size_t rdwr_buf_size)
{
	return (u8 *)pvs_opaque_line(PVS_GUEST, line, rdwr_buf_size);
}

__bpf_kfunc u8 *sluice_pvs_host_opaque_line(u32 line, const size_t rdonly_buf_size)
{
	/* The verifier keeps the program from writing. */
	return (u8 *)pvs_opaque_line(PVS_HOST, line, rdonly_buf_size);
}

__bpf_kfunc u64 sluice_pvs_features(void)
{
	struct pvs_chan *chan;
	u64 features = 0;

	preempt_disable_notrace();
	chan = rcu_dereference_sched(pvs_chan);
	if (chan)
		features = chan->features;
	preempt_enable_notrace();
	return features;
}

__bpf_kfunc int sluice_pvs_vcpu_of(u32 cpu)
{
	struct pvs_cpu *c = pvs_cpu_at(cpu);

	if (!c)
		return -ENOENT;
	return pvs_page_of(c) ? c->vcpu : -ENODEV;
}

__bpf_kfunc int sluice_pvs_cpu_of(u32 vcpu)
{
	struct pvs_chan *chan;
	int cpu = -ENODEV;

	preempt_disable_notrace();
	chan = rcu_dereference_sched(pvs_chan);
	if (chan) {
		cpu = vcpu < chan->n_vcpus ? READ_ONCE(chan->vcpus[vcpu].cpu) : -1;
		if (cpu < 0)
			cpu = -ENOENT;
	}
	preempt_enable_notrace();
	return cpu;
}

__bpf_kfunc int sluice_pvs_set_intent(u32 class, s32 nice, u32 prio, u32 pending)
{
	return pvs_hint_intent(class, nice, prio, pending);
}

__bpf_kfunc int sluice_pvs_set_pending(u32 cpu, u32 set, u32 clear)
{
	return pvs_hint_pending(cpu, set, clear);
}

__bpf_kfunc int sluice_pvs_enter(u32 why)
{
	return pvs_hint_enter(why);
}

__bpf_kfunc int sluice_pvs_exit(u32 why)
{
	return pvs_hint_exit(why);
}

__bpf_kfunc int sluice_pvs_set_deadline(u64 runtime, u64 deadline, u64 period)
{
	return pvs_hint_deadline(runtime, deadline, period);
}

__bpf_kfunc int sluice_pvs_set_next_event(u64 when)
{
	return pvs_hint_next_event(when);
}

__bpf_kfunc int sluice_pvs_wait(u32 cpu, u32 reason)
{
	return pvs_hint_wait(cpu, reason);
}

__bpf_kfunc int sluice_pvs_emit(u32 type, u32 arg)
{
	return pvs_hint_emit(type, arg);
}

__bpf_kfunc int sluice_pvs_doorbell(u32 cpu)
{
	return pvs_hint_doorbell(cpu);
}

__bpf_kfunc int sluice_pvs_kick(u32 cpu)
{
	return pvs_hint_kick(cpu);
}

__bpf_kfunc u64 sluice_pvs_ticket(void)
{
	return pvs_hint_ticket();
}

__bpf_kfunc int sluice_pvs_set_notify(u32 what)
{
	return pvs_hint_notify(what);
}

__bpf_kfunc_end_defs();

/* For fentry: a call that stays a call. */
noinline void sluice_pvs_notified(u32 cpu)
{
	/* The argument must be where programs look for it. */
	asm volatile("" : : "r"(cpu));
}

BTF_KFUNCS_START(pvs_kfunc_ids)
BTF_ID_FLAGS(func, sluice_pvs_hint_page, KF_RET_NULL | KF_RCU_PROTECTED)
BTF_ID_FLAGS(func, sluice_pvs_host_page, KF_RET_NULL | KF_RCU_PROTECTED)
BTF_ID_FLAGS(func, sluice_pvs_opaque_line, KF_RET_NULL | KF_RCU_PROTECTED)
BTF_ID_FLAGS(func, sluice_pvs_host_opaque_line, KF_RET_NULL | KF_RCU_PROTECTED)
BTF_ID_FLAGS(func, sluice_pvs_features)
BTF_ID_FLAGS(func, sluice_pvs_vcpu_of)
BTF_ID_FLAGS(func, sluice_pvs_cpu_of)
BTF_ID_FLAGS(func, sluice_pvs_set_intent)
BTF_ID_FLAGS(func, sluice_pvs_set_pending)
BTF_ID_FLAGS(func, sluice_pvs_enter)
BTF_ID_FLAGS(func, sluice_pvs_exit)
BTF_ID_FLAGS(func, sluice_pvs_set_deadline)
BTF_ID_FLAGS(func, sluice_pvs_set_next_event)
BTF_ID_FLAGS(func, sluice_pvs_wait)
BTF_ID_FLAGS(func, sluice_pvs_emit)
BTF_ID_FLAGS(func, sluice_pvs_doorbell)
BTF_ID_FLAGS(func, sluice_pvs_kick)
BTF_ID_FLAGS(func, sluice_pvs_ticket)
BTF_ID_FLAGS(func, sluice_pvs_set_notify)
BTF_KFUNCS_END(pvs_kfunc_ids)

static const struct btf_kfunc_id_set pvs_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &pvs_kfunc_ids,
};

int pvs_kfunc_init(void)
{
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_TRACING,
		BPF_PROG_TYPE_STRUCT_OPS,
		BPF_PROG_TYPE_SYSCALL,
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		err = register_btf_kfunc_id_set(types[i], &pvs_kfunc_set);
		if (err)
			return err;
	}
	return 0;
}
