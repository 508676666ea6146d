/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPU threads: which there are, as CPUs are plugged and unplugged, and what QEMU itself hears of
 * them. Pages go by QEMU's CPU index, which a CPU has from its realization to its end.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "system/accel-ops.h"
#include "system/cpus.h"
#include "system/tcg.h"
#include "pvsched.h"
#include "trace.h"

/* Who hears vcpu_note(): two devices would pull at the same threads. */
static SluicePvsched *pvsched_listening;

typedef struct PvschedListener {
	DeviceListener parent;
	SluicePvsched *s;
} PvschedListener;

/* Under KVM a vCPU halts and is interrupted in the kernel. */
uint32_t pvsched_cpus_sources(void)
{
	return tcg_enabled() ? PVS_SRC_HALT | PVS_SRC_INJECT : 0;
}

bool pvsched_cpus_check(Error **errp)
{
	if (pvsched_listening) {
		error_setg(errp, "%s is there already: one for a machine",
			   pvsched_name(pvsched_listening));
		return false;
	}
	if (tcg_enabled() && !qemu_tcg_mttcg_enabled()) {
		error_setg(errp, "all vCPUs run in one thread: use -accel tcg,thread=multi");
		return false;
	}
	return true;
}

/* Does the guest say that a real-time task sleeps there? Its wake-up finds the vCPU perhaps not
 * halted, and yet not running: the host preempted it, of which nothing is known here. */
static bool pvsched_rt_waits(SluicePvsched *s, uint32_t vcpu)
{
	struct pvs_guest_page *pages = s->guest_ram.host ?: pvsched_guest_pages(s);
	uint64_t intent = qatomic_read(&pages[vcpu].intent);

	return intent >> PVS_INTENT_FLAGS_SHIFT & PVS_PENDING_RT_WAITER;
}

/*
 * A halt comes just before the thread sleeps, a run when it has the big lock again, an interrupt
 * when it is raised: the last is the earliest news of a vCPU that will run, and is told as a kick.
 */
static void pvsched_vcpu_note(CPUState *cpu, VCPUNote note)
{
	SluicePvsched *s = pvsched_listening;
	uint32_t event;

	if (note == VCPU_LOCK || note == VCPU_UNLOCK) {
		pvs_mailbox_lock(s->mailbox, cpu->cpu_index, note == VCPU_LOCK);
		return;
	}
	/* It waits for work without the lock that it is said to have. */
	if (note == VCPU_IDLE || note == VCPU_RESUME)
		pvs_mailbox_lock(s->mailbox, cpu->cpu_index, note == VCPU_RESUME);
	if (!pvs_regs_running(s->regs) || cpu->stop || cpu->stopped ||
	    (uint32_t)cpu->cpu_index >= s->n_vcpus)
		return;
	switch (note) {
	case VCPU_IDLE:
		if (!cpu->halted)
			return;
		event = PVS_EVENT_HALT;
		break;
	case VCPU_RESUME:
		event = PVS_EVENT_VCPU_RUN;
		break;
	case VCPU_INTERRUPT:
		if (qemu_cpu_is_self(cpu) || (!cpu->halted && !pvsched_rt_waits(s, cpu->cpu_index)))
			return;
		event = PVS_EVENT_KICK;
		break;
	default:
		return;
	}
	/* Live, the kernel tells what the thread does, in its order. */
	if (s->live && event != PVS_EVENT_KICK)
		return;
	if (pvs_mailbox_hears(s->mailbox, 1u << event))
		pvs_mailbox_post(s->mailbox, cpu->cpu_index, 1u << event);
}

static void pvsched_cpu_add(SluicePvsched *s, CPUState *cpu)
{
	uint32_t vcpu = cpu->cpu_index;

	if (vcpu >= s->n_vcpus || s->cpus[vcpu])
		return;
	s->cpus[vcpu] = cpu;
	trace_pvsched_cpu(pvsched_name(s), vcpu, cpu->thread_id);
	pvsched_core_vcpu_add(s, vcpu, cpu->thread_id);
}

/* Its index is gone by then, and so is its thread. */
static void pvsched_cpu_remove(SluicePvsched *s, CPUState *cpu)
{
	uint32_t vcpu;

	for (vcpu = 0; vcpu < s->n_vcpus; vcpu++) {
		if (s->cpus[vcpu] != cpu)
			continue;
		s->cpus[vcpu] = NULL;
		trace_pvsched_cpu(pvsched_name(s), vcpu, 0);
		pvsched_core_vcpu_remove(s, vcpu);
	}
}

/* Called for every device; those that exist already, too, when the listener is registered. */
static void pvsched_device_realize(DeviceListener *listener, DeviceState *dev)
{
	PvschedListener *l = container_of(listener, PvschedListener, parent);
	CPUState *cpu = (CPUState *)object_dynamic_cast(OBJECT(dev), TYPE_CPU);

	if (cpu)
		pvsched_cpu_add(l->s, cpu);
}

static void pvsched_device_unrealize(DeviceListener *listener, DeviceState *dev)
{
	PvschedListener *l = container_of(listener, PvschedListener, parent);
	CPUState *cpu = (CPUState *)object_dynamic_cast(OBJECT(dev), TYPE_CPU);

	if (cpu)
		pvsched_cpu_remove(l->s, cpu);
}

void pvsched_cpus_init(SluicePvsched *s)
{
	PvschedListener *l = g_new0(PvschedListener, 1);
	CPUState *cpu;

	s->cpus = g_new0(CPUState *, s->n_vcpus);
	l->s = s;
	l->parent.realize = pvsched_device_realize;
	l->parent.unrealize = pvsched_device_unrealize;
	s->listener = &l->parent;
	CPU_FOREACH(cpu)
	pvsched_cpu_add(s, cpu);
	device_listener_register(s->listener);
	pvsched_listening = s;
	vcpu_note = pvsched_vcpu_note;
}

void pvsched_cpus_exit(SluicePvsched *s)
{
	uint32_t vcpu;

	vcpu_note = NULL;
	pvsched_listening = NULL;
	device_listener_unregister(s->listener);
	g_free(container_of(s->listener, PvschedListener, parent));
	s->listener = NULL;
	for (vcpu = 0; vcpu < s->n_vcpus; vcpu++)
		if (s->cpus[vcpu])
			pvsched_core_vcpu_remove(s, vcpu);
	g_clear_pointer(&s->cpus, g_free);
}
