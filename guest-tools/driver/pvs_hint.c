// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hints: what is stored into the shared pages, and in what order.
 *
 * They come from BPF programs in any context: under runqueue locks, in interrupts, in NMI. So none
 * of them takes a lock or can be traced into itself, and each leaves the page right whatever hint
 * of an interrupt comes in between: words are exchanged, not read and then stored, except for
 * intent, all of which is the caller's. Interrupts are off where several words go together; NMI
 * cannot be, and is refused there.
 */
#include <linux/hardirq.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/timekeeping.h>

#include "pvs.h"

/* Reading the clock costs more than the hint, and an exit where the TSC is no good. */
static bool pvs_timestamps;
module_param_named(timestamps, pvs_timestamps, bool, 0644);
MODULE_PARM_DESC(timestamps, "stamp intents and critical sections with the time, for traces");

/* This CPU's page, with preemption off, if one of @feature was negotiated. */
static __always_inline struct pvs_guest_page *pvs_page_get(u64 feature, int *err)
{
	struct pvs_guest_page *page;
	struct pvs_cpu *c;

	preempt_disable_notrace();
	c = this_cpu_ptr(&pvs_cpus);
	page = pvs_page_of(c);
	if (likely(page && c->features & feature))
		return page;
	*err = page ? -EOPNOTSUPP : -ENODEV;
	preempt_enable_notrace();
	return NULL;
}

static __always_inline void pvs_page_put(void)
{
	preempt_enable_notrace();
}

static __always_inline u64 pvs_now(void)
{
	return ktime_get_mono_fast_ns();
}

/* Replace a word that only this CPU writes: atomic against its interrupts, after earlier stores. */
static __always_inline bool pvs_swap(u64 *word, u64 *old, u64 new)
{
	/* What the word is about was stored before it. */
	smp_wmb();
	return try_cmpxchg_local(word, old, new);
}

/* ---- Line 0 -----------------------------------------------------------------------------------
 */

int pvs_hint_intent(u32 class, s32 nice, u32 prio, u32 pending)
{
	struct pvs_guest_page *page;
	u64 word;
	int err;

	if (class >= PVS_CLASS_MAX || nice < -20 || nice > 19 || prio > 99 ||
	    pending & ~PVS_PENDING_ALL)
		return -EINVAL;
	word = (u64) class << PVS_INTENT_CLASS_SHIFT | (u64)(nice + 20) << PVS_INTENT_NICE_SHIFT |
	       (u64)prio << PVS_INTENT_PRIO_SHIFT | (u64)pending << PVS_INTENT_FLAGS_SHIFT;
	page = pvs_page_get(PVS_F_INTENT, &err);
	if (!page)
		return err;
	if (pvs_timestamps)
		WRITE_ONCE(page->intent_ns, pvs_now());
	word |= ((READ_ONCE(page->intent) >> PVS_INTENT_GEN_SHIFT) + 1) << PVS_INTENT_GEN_SHIFT;
	/* After what was stored before it, as the host reads it first. */
	smp_store_release(&page->intent, word);
	pvs_page_put();
	return 0;
}

static u64 pvs_intent_flags(u64 word, u32 set, u32 clear)
{
	u64 flags = word >> PVS_INTENT_FLAGS_SHIFT & PVS_INTENT_FLAGS_MASK;
	u64 gen = word >> PVS_INTENT_GEN_SHIFT;

	flags = (flags | set) & ~(u64)clear;
	word &= BIT_ULL(PVS_INTENT_FLAGS_SHIFT) - 1;
	return word | flags << PVS_INTENT_FLAGS_SHIFT | (gen + 1) << PVS_INTENT_GEN_SHIFT;
}

int pvs_hint_pending(u32 cpu, u32 set, u32 clear)
{
	u64 flag_bits = PVS_INTENT_FLAGS_MASK << PVS_INTENT_FLAGS_SHIFT;
	struct pvs_cpu *c = pvs_cpu_at(cpu);
	struct pvs_guest_page *page;
	int err = -ENODEV;
	u64 old, new;

	if ((set | clear) & ~PVS_PENDING_ALL)
		return -EINVAL;
	if (!c)
		return -ENOENT;
	preempt_disable_notrace();
	page = pvs_page_of(c);
	if (!page)
		goto out;
	err = c->features & PVS_F_INTENT ? 0 : -EOPNOTSUPP;
	if (err)
		goto out;
	old = READ_ONCE(page->intent);
	do {
		new = pvs_intent_flags(old, set, clear);
		if (!((old ^ new) & flag_bits))
			break;
	} while (!try_cmpxchg(&page->intent, &old, new));
out:
	preempt_enable_notrace();
	return err;
}

/* ---- Line 1 -----------------------------------------------------------------------------------
 */

#define PVS_CS_DEPTH      BIT_ULL(8)
#define PVS_CS_DEPTH_MASK GENMASK_ULL(31, 8)
#define PVS_CS_COUNT      BIT_ULL(32)
#define PVS_CS_COUNT_MASK GENMASK_ULL(63, 32)

int pvs_hint_enter(u32 why)
{
	struct pvs_guest_page *page;
	u64 old, new;
	int err = 0;

	if (!why || why & ~PVS_CS_ALL)
		return -EINVAL;
	page = pvs_page_get(PVS_F_CS, &err);
	if (!page)
		return err;
	old = READ_ONCE(page->cs);
	if (pvs_timestamps && !(old & PVS_CS_DEPTH_MASK))
		WRITE_ONCE(page->cs_enter, pvs_now());
	do {
		/* The deepest that can be told; the exits will come up short, not wrong. */
		if ((old & PVS_CS_DEPTH_MASK) == PVS_CS_DEPTH_MASK) {
			err = -EOVERFLOW;
			break;
		}
		if (old & PVS_CS_DEPTH_MASK)
			new = (old | why) + PVS_CS_DEPTH;
		else
			new = ((old & PVS_CS_COUNT_MASK) + PVS_CS_COUNT) | PVS_CS_DEPTH | why;
	} while (!pvs_swap(&page->cs, &old, new));
	pvs_page_put();
	return err;
}

int pvs_hint_exit(u32 why)
{
	struct pvs_guest_page *page;
	u64 old, new;
	int err = 0;

	if (!why || why & ~PVS_CS_ALL)
		return -EINVAL;
	page = pvs_page_get(PVS_F_CS, &err);
	if (!page)
		return err;
	old = READ_ONCE(page->cs);
	do {
		if (!(old & PVS_CS_DEPTH_MASK) || (old & why) != why) {
			err = -EINVAL;
			break;
		}
		new = old - PVS_CS_DEPTH;
		if (!(new &PVS_CS_DEPTH_MASK))
			new &= PVS_CS_COUNT_MASK;
	} while (!pvs_swap(&page->cs, &old, new));
	pvs_page_put();
	return err;
}

/* ---- Line 2 -----------------------------------------------------------------------------------
 */

/* Between begin and end the host reads none of the line. Interrupts are off. */
static void pvs_line2_begin(struct pvs_guest_page *page)
{
	WRITE_ONCE(page->seq, page->seq + 1);
	/* Who sees any of the new line sees that it changes. */
	smp_wmb();
}

static void pvs_line2_end(struct pvs_guest_page *page)
{
	/* Who sees this sees all of the new line. */
	smp_store_release(&page->seq, page->seq + 1);
}

int pvs_hint_deadline(u64 runtime, u64 deadline, u64 period)
{
	struct pvs_guest_page *page;
	unsigned long flags;
	int err;

	if (runtime > deadline || deadline > period)
		return -EINVAL;
	if (in_nmi())
		return -EBUSY;
	page = pvs_page_get(PVS_F_DEADLINE, &err);
	if (!page)
		return err;
	raw_local_irq_save(flags);
	pvs_line2_begin(page);
	WRITE_ONCE(page->dl_runtime, runtime);
	WRITE_ONCE(page->dl_deadline, deadline);
	WRITE_ONCE(page->dl_period, period);
	pvs_line2_end(page);
	raw_local_irq_restore(flags);
	pvs_page_put();
	return 0;
}

int pvs_hint_next_event(u64 when)
{
	struct pvs_guest_page *page;
	unsigned long flags;
	int err;

	if (in_nmi())
		return -EBUSY;
	page = pvs_page_get(PVS_F_DEADLINE, &err);
	if (!page)
		return err;
	raw_local_irq_save(flags);
	pvs_line2_begin(page);
	WRITE_ONCE(page->next_event, when);
	pvs_line2_end(page);
	raw_local_irq_restore(flags);
	pvs_page_put();
	return 0;
}

/* ---- Line 3 -----------------------------------------------------------------------------------
 */

int pvs_hint_wait(u32 cpu, u32 reason)
{
	struct pvs_guest_page *page;
	u32 vcpu = PVS_WAIT_NOBODY;
	struct pvs_cpu *other;
	int err = 0;

	if (reason >= PVS_WAIT_MAX)
		return -EINVAL;
	other = pvs_cpu_at(cpu);
	if (cpu != PVS_WAIT_NOBODY && !other)
		return -ENOENT;
	page = pvs_page_get(PVS_F_LOCK, &err);
	if (!page)
		return err;
	if (reason != PVS_WAIT_NONE && cpu != PVS_WAIT_NOBODY) {
		if (pvs_page_of(other))
			vcpu = other->vcpu;
		else
			err = -ENOENT;
	}
	if (!err)
		WRITE_ONCE(page->wait, (u64)reason << 32 | vcpu);
	pvs_page_put();
	return err;
}

u64 pvs_hint_ticket(void)
{
	struct pvs_guest_page *page;
	u64 old, new;
	int err;

	page = pvs_page_get(PVS_F_TICKET, &err);
	if (!page)
		return 0;
	old = READ_ONCE(page->ticket);
	do {
		new = old + 1 ?: 1;
	} while (!pvs_swap(&page->ticket, &old, new));
	pvs_page_put();
	return new;
}

int pvs_hint_notify(u32 what)
{
	struct pvs_guest_page *page;
	int err;

	if (what & ~PVS_NOTIFY_ALL)
		return -EINVAL;
	page = pvs_page_get(PVS_F_TICKET | PVS_F_CAPACITY, &err);
	if (!page)
		return err;
	WRITE_ONCE(page->notify, what);
	pvs_page_put();
	return 0;
}

/* That it changes is all that counts, so an interrupt's increment may be lost. */
void pvs_hint_reads(void)
{
	struct pvs_guest_page *page;
	int err;

	page = pvs_page_get(PVS_F_STATE, &err);
	if (!page)
		return;
	WRITE_ONCE(page->reads, READ_ONCE(page->reads) + 1);
	pvs_page_put();
}

/* ---- Ring, doorbell, kick ---------------------------------------------------------------------
 */

/* Interrupts are off. */
static int pvs_ring_put(struct pvs_guest_page *page, u32 tail, u32 type, u32 arg)
{
	u32 head = page->ring_head;
	struct pvs_ring_entry *entry = &page->ring[head % PVS_RING_ENTRIES];

	if (head - tail >= PVS_RING_ENTRIES) {
		WRITE_ONCE(page->ring_lost, page->ring_lost + 1);
		return -ENOSPC;
	}
	WRITE_ONCE(entry->ts, pvs_now());
	WRITE_ONCE(entry->type, type);
	WRITE_ONCE(entry->arg, arg);
	/* The entry before the index that shows it. */
	smp_store_release(&page->ring_head, head + 1);
	return 0;
}

int pvs_hint_emit(u32 type, u32 arg)
{
	struct pvs_guest_page *page;
	unsigned long flags;
	int err;

	if (type == PVS_RING_NONE || type >= PVS_RING_MAX)
		return -EINVAL;
	page = pvs_page_get(PVS_F_RING, &err);
	if (!page)
		return err;
	if (in_nmi()) {
		WRITE_ONCE(page->ring_lost, page->ring_lost + 1);
		err = -EBUSY;
	} else {
		raw_local_irq_save(flags);
		err = pvs_ring_put(page, READ_ONCE(this_cpu_ptr(&pvs_cpus)->host->ring_tail), type,
				   arg);
		raw_local_irq_restore(flags);
	}
	pvs_page_put();
	return err;
}

/* Write the vCPU of @cpu to @reg + @step for each vCPU before it. */
static int pvs_ring_bell(u32 cpu, u64 feature, u32 reg, u32 step)
{
	struct pvs_cpu *c = pvs_cpu_at(cpu);
	struct pvs_chan *chan;
	int err = 0;

	if (!c)
		return -ENOENT;
	preempt_disable_notrace();
	chan = rcu_dereference_sched(pvs_chan);
	if (!chan || !pvs_page_of(c))
		err = -ENODEV;
	else if (feature && !(c->features & feature))
		err = -EOPNOTSUPP;
	else
		writel(c->vcpu, chan->regs + reg + step * c->vcpu);
	preempt_enable_notrace();
	return err;
}

int pvs_hint_doorbell(u32 cpu)
{
	return pvs_ring_bell(cpu, PVS_F_RING, PVS_REG_DOORBELL, 0);
}

int pvs_hint_kick(u32 cpu)
{
	return pvs_ring_bell(cpu, 0, PVS_REG_KICK, 4);
}
