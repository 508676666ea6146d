// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which page is whose. A CPU has its page from when it is online until it goes offline, while there
 * is a channel.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/io.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "pvs.h"

DEFINE_PER_CPU_ALIGNED(struct pvs_cpu, pvs_cpus);
struct pvs_chan __rcu *pvs_chan;

/* Guards changes of both. Taken inside the CPU hotplug lock. */
static DEFINE_MUTEX(pvs_cpu_lock);
static int pvs_cpuhp_state;

void pvs_page_reset(struct pvs_guest_page *page)
{
	u64 gen = page->intent >> PVS_INTENT_GEN_SHIFT;
	u32 seq = page->seq | 1;

	/* Class unknown, nice 0. */
	WRITE_ONCE(page->intent, 20ull << PVS_INTENT_NICE_SHIFT | (gen + 1)
									  << PVS_INTENT_GEN_SHIFT);
	WRITE_ONCE(page->intent_ns, 0);
	/* The count of entries goes on, no depth. */
	WRITE_ONCE(page->cs, page->cs & GENMASK_ULL(63, 32));
	WRITE_ONCE(page->cs_enter, 0);
	WRITE_ONCE(page->seq, seq);
	/* As pvs_line2_begin() and _end(). */
	smp_wmb();
	WRITE_ONCE(page->dl_flags, 0);
	WRITE_ONCE(page->dl_runtime, 0);
	WRITE_ONCE(page->dl_deadline, 0);
	WRITE_ONCE(page->dl_period, 0);
	WRITE_ONCE(page->next_event, 0);
	/* All of the line before it. */
	smp_store_release(&page->seq, seq + 1);
	WRITE_ONCE(page->wait, PVS_WAIT_NOBODY);
	WRITE_ONCE(page->notify, 0);
}

/* By what the hardware knows @cpu, as in the register. */
static u32 pvs_hw_id(unsigned int cpu)
{
#ifdef CONFIG_X86
	return cpu_physical_id(cpu);
#else
	return cpu;
#endif
}

/* The vCPU of @cpu, -1: the device has none. */
static int pvs_find_vcpu(const struct pvs_chan *chan, unsigned int cpu)
{
	u32 hw_id = pvs_hw_id(cpu);
	u32 v;

	for (v = 0; v < chan->n_vcpus; v++)
		if (chan->vcpus[v].hw_id == hw_id)
			return v;
	return -1;
}

static void pvs_cpu_attach(struct pvs_chan *chan, unsigned int cpu)
{
	struct pvs_cpu *c = per_cpu_ptr(&pvs_cpus, cpu);
	int v = pvs_find_vcpu(chan, cpu);

	if (v < 0) {
		pr_warn_once(PVS_DRV_NAME ": CPU %u is none of the device's %u vCPUs: no hints\n",
			     cpu, chan->n_vcpus);
		return;
	}
	pvs_page_reset(&chan->guest[v]);
	c->vcpu = v;
	c->host = &chan->host[v];
	c->features = chan->features;
	WRITE_ONCE(chan->vcpus[v].cpu, cpu);
	/* Last: who sees it uses the rest. */
	smp_store_release(&c->guest, &chan->guest[v]);
}

static int pvs_cpu_online(unsigned int cpu)
{
	struct pvs_chan *chan;

	mutex_lock(&pvs_cpu_lock);
	chan = rcu_dereference_protected(pvs_chan, lockdep_is_held(&pvs_cpu_lock));
	if (chan)
		pvs_cpu_attach(chan, cpu);
	mutex_unlock(&pvs_cpu_lock);
	return 0;
}

/* What the CPU said is taken back, or the host would go on boosting it. */
static int pvs_cpu_offline(unsigned int cpu)
{
	struct pvs_cpu *c = per_cpu_ptr(&pvs_cpus, cpu);
	struct pvs_guest_page *page;
	struct pvs_chan *chan;

	mutex_lock(&pvs_cpu_lock);
	chan = rcu_dereference_protected(pvs_chan, lockdep_is_held(&pvs_cpu_lock));
	page = c->guest;
	if (chan && page) {
		WRITE_ONCE(c->guest, NULL);
		WRITE_ONCE(chan->vcpus[c->vcpu].cpu, -1);
		synchronize_rcu();
		pvs_page_reset(page);
	}
	mutex_unlock(&pvs_cpu_lock);
	return 0;
}

int pvs_cpus_open(void __iomem *regs, const struct pvs_region *pages, u64 features, u32 n_vcpus)
{
	struct pvs_chan *chan;
	unsigned int cpu;
	u32 v;

	chan = kvzalloc(struct_size(chan, vcpus, n_vcpus), GFP_KERNEL);
	if (!chan)
		return -ENOMEM;
	chan->n_vcpus = n_vcpus;
	chan->regs = regs;
	chan->guest = pages[PVS_GUEST].va;
	chan->host = pages[PVS_HOST].va;
	chan->features = features;
	for (v = 0; v < n_vcpus; v++) {
		chan->vcpus[v].cpu = -1;
		chan->vcpus[v].hw_id = readl(regs + PVS_REG_VCPU_ID + 4 * v);
	}

	cpus_read_lock();
	mutex_lock(&pvs_cpu_lock);
	rcu_assign_pointer(pvs_chan, chan);
	for_each_online_cpu(cpu)
		pvs_cpu_attach(chan, cpu);
	mutex_unlock(&pvs_cpu_lock);
	cpus_read_unlock();
	return 0;
}

void pvs_cpus_close(void)
{
	struct pvs_chan *chan;
	unsigned int cpu;

	mutex_lock(&pvs_cpu_lock);
	chan = rcu_replace_pointer(pvs_chan, NULL, lockdep_is_held(&pvs_cpu_lock));
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(&pvs_cpus, cpu)->guest, NULL);
	mutex_unlock(&pvs_cpu_lock);
	/* Covers hints, which run with preemption off, and BPF programs that hold a page. */
	synchronize_rcu();
	kvfree(chan);
}

int pvs_cpu_init(void)
{
	int state;

	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "sluice/pvsched:online", pvs_cpu_online,
				  pvs_cpu_offline);
	if (state < 0)
		return state;
	pvs_cpuhp_state = state;
	return 0;
}

void pvs_cpu_exit(void)
{
	cpuhp_remove_state(pvs_cpuhp_state);
}
