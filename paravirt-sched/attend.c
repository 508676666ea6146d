/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What is worth hearing at once. Whoever is woken for an event takes a CPU from the vCPUs: so
 * nobody is for what no policy asks about and no guest reads, and ticks are rare then. Both are
 * looked at with each tick, so that a guest which begins to read is attended to within ten.
 */
#include "mailbox.h"
#include "vm.h"

#define STATES (1u << PVS_EVENT_VCPU_RUN | 1u << PVS_EVENT_VCPU_STOP | 1u << PVS_EVENT_HALT)
#define ASKED  (1u << PVS_EVENT_KICK | 1u << PVS_EVENT_HINT)
#define EVENTS (STATES | ASKED | 1u << PVS_EVENT_TICK)

/* The policy's callbacks that something may come of. */
static uint32_t callbacks(const struct pvs_vm *vm)
{
	return vm->features && vm->policy && !vm->failed ? vm->callbacks & EVENTS : 0;
}

static bool guest_asks(const struct pvs_vm *vm)
{
	return vm->features && vm->now < vm->attend_until;
}

/* What of it is about to be seen by somebody, or to be counted by what the page says then. */
static bool uses(const struct pvs_vcpu *v)
{
	const struct pvs_hint *h = &v->hint;

	return h->cs || h->cs_count != v->attended.cs_count || h->wait_reason ||
	       h->pending & PVS_PENDING_LOCK || v->ring.taken != v->attended.ring_taken;
}

static uint32_t reads_of(struct pvs_vm *vm, const struct pvs_vcpu *v)
{
	uint32_t reads;

	if (!vm->guest || !(vm->features & PVS_F_STATE) || !pvs_pages_enter(vm))
		return v->attended.reads;
	reads = __atomic_load_n(&vm->guest[v->index].reads, __ATOMIC_RELAXED);
	pvs_pages_leave(vm);
	return reads;
}

void pvs_attend_look(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const uint32_t reads = reads_of(vm, v);

	if (reads != v->attended.reads || uses(v))
		vm->attend_until = now + PVS_ATTEND_NS;
	v->attended.reads = reads;
	v->attended.cs_count = v->hint.cs_count;
	v->attended.ring_taken = v->ring.taken;
}

static bool is_spent(const struct pvs_vcpu *v)
{
	return v->reject == PVS_REJECT_BUDGET && (v->cs.throttled || v->boost.throttled);
}

/*
 * Whatever runs of the VM was refused for its budget and has that yet to fill up. Who asks all the
 * time would have the host wake up for nothing all the time, at the expense of others.
 */
static bool has_spent(const struct pvs_vm *vm)
{
	bool any = false;

	if (vm->watched)
		return false;
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		const struct pvs_vcpu *v = &vm->vcpus[i];

		if (!v->present || v->run_state == PVS_RUN_HALTED)
			continue;
		if (!is_spent(v))
			return false;
		any = true;
	}
	return any;
}

static enum pvs_wakes wanted(const struct pvs_vm *vm)
{
	/* Whoever asks the policy elsewhere is told all. */
	if (vm->tell)
		return PVS_WAKES_ALL;
	if (callbacks(vm) & STATES && !has_spent(vm))
		return PVS_WAKES_ALL;
	if (vm->watched || guest_asks(vm) || (callbacks(vm) && !has_spent(vm)))
		return PVS_WAKES_STOPS;
	return PVS_WAKES_NEVER;
}

void pvs_attend(struct pvs_vm *vm)
{
	const enum pvs_wakes wakes = wanted(vm);

	if (wakes == vm->wakes || !vm->ops || !vm->ops->wakes)
		return;
	vm->wakes = wakes;
	vm->ops->wakes(vm->opaque, wakes);
}

void pvs_catch_up(struct pvs_vm *vm)
{
	if (vm->ops && vm->ops->catch_up)
		vm->ops->catch_up(vm->opaque);
}

uint32_t pvs_vm_hears(const struct pvs_vm *vm)
{
	uint32_t events = PVS_POST_ALL;

	if (!(callbacks(vm) & ASKED))
		events &= ~(1u << PVS_EVENT_KICK);
	/* The host's scheduler tells it too. */
	if (vm->wakes == PVS_WAKES_NEVER && vm->sources & PVS_SRC_SWITCH)
		events &= ~STATES;
	return events;
}

/* ---- Ticks ----------------------------------------------------------------------------------- */

/* Nothing can change but through an event, or nobody would see it: ticks may be rare. */
static bool idle(const struct pvs_vm *vm)
{
	if (!vm->features || !vm->policy || vm->failed)
		return true;
	if (vm->watched)
		return false;
	if (!callbacks(vm))
		return !guest_asks(vm);
	if (!(vm->sources & (PVS_SRC_HALT | PVS_SRC_SWITCH)))
		return false;
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].present && vm->vcpus[i].run_state != PVS_RUN_HALTED)
			return false;
	return true;
}

uint64_t pvs_tick_ns(const struct pvs_vm *vm)
{
	if (idle(vm))
		return vm->limits.tick_ns * PVS_IDLE_TICKS;
	if (has_spent(vm))
		return vm->limits.tick_ns * PVS_QUIET_TICKS;
	return vm->limits.tick_ns * (vm->quiet < PVS_QUIET_AFTER ? 1 : PVS_QUIET_TICKS);
}

void pvs_wake_ticks(struct pvs_vm *vm, uint64_t now)
{
	const uint64_t tick_ns = pvs_tick_ns(vm);

	if (vm->next_tick <= now + tick_ns)
		return;
	vm->tick_ns = tick_ns;
	vm->next_tick = now + tick_ns;
}
