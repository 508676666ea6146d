/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What was granted, put into effect, kept as long as it is paid for, and undone. */
#include <string.h>

#include "clock.h"
#include "vm.h"

/* What lasts until a later decision, whatever becomes of this one. */
#define SET_LASTING PVS_SET_CAPACITY

static bool same_sched(const struct pvs_sched *a, const struct pvs_sched *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool holds(const struct pvs_effect *effect)
{
	return effect->set & ~SET_LASTING;
}

/* Is paid for, or ends by itself: what has to be looked after. */
static bool is_watched(const struct pvs_effect *effect)
{
	return holds(effect) && (effect->boost || effect->until);
}

/* Change the thread's scheduling and time it. */
static int actuate(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_sched *sched)
{
	const uint64_t begin = pvs_clock_ns();
	int err = 0;

	if (sched->set)
		err = vm->actuator.ops->apply(vm->actuator.opaque, v->thread.handle, sched);
	if (err || !sched->set)
		vm->actuator.ops->restore(vm->actuator.opaque, v->thread.handle);
	v->actuator_ns += pvs_clock_ns() - begin;
	v->actuator_calls++;
	if (err)
		v->actuator_errors++;
	else if (sched->set)
		v->applied++;
	if (err || !sched->set)
		v->restored++;
	return err;
}

/* Which of two is scheduled sooner? */
static bool stronger(const struct pvs_sched *a, const struct pvs_sched *b)
{
	const uint32_t classes = PVS_SET_DEADLINE | PVS_SET_FIFO;
	const int32_t nice_a = a->set & PVS_SET_NICE ? a->nice : 0;
	const int32_t nice_b = b->set & PVS_SET_NICE ? b->nice : 0;

	if ((a->set & classes) != (b->set & classes))
		return (a->set & classes) > (b->set & classes);
	if (a->set & PVS_SET_FIFO)
		return a->prio > b->prio;
	if (nice_a != nice_b)
		return nice_a < nice_b;
	if (a->set & PVS_SET_SLICE)
		return !(b->set & PVS_SET_SLICE) || a->slice_ns < b->slice_ns;
	return false;
}

/* What service threads get of a vCPU's scheduling: not the CPUs it is bound to, nor its group. Of
 * FIFO a bit more: what has to interrupt a vCPU must not wait until that sleeps. */
static struct pvs_sched for_service(const struct pvs_vm *vm, const struct pvs_sched *sched)
{
	struct pvs_sched s = *sched;

	if (s.set & PVS_SET_FIFO && s.prio < vm->limits.prio_max)
		s.prio++;
	s.set &= ~(PVS_SET_AFFINITY | PVS_SET_WEIGHT);
	s.affinity = 0;
	s.weight = 0;
	return s;
}

void pvs_service_join(struct pvs_vm *vm, struct pvs_service *service)
{
	const struct pvs_actuator *a = &vm->actuator;

	if (!service->thread.handle)
		return;
	pvs_thread_run_ns(&service->thread, &service->run_seen);
	if (!vm->service_sched.set ||
	    a->ops->apply(a->opaque, service->thread.handle, &vm->service_sched))
		a->ops->restore(a->opaque, service->thread.handle);
}

/* The strongest of those that asked for it. */
static void services_update(struct pvs_vm *vm)
{
	struct pvs_sched best = {0};
	uint32_t payer = vm->service_vcpu;

	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		const struct pvs_effect *e = &vm->vcpus[i].effect;
		const struct pvs_sched s = for_service(vm, &e->sched);

		if (!(e->set & PVS_SET_SERVICE) || !s.set || (best.set && !stronger(&s, &best)))
			continue;
		best = s;
		payer = i;
	}
	vm->service_vcpu = payer;
	if (same_sched(&best, &vm->service_sched))
		return;
	vm->service_sched = best;
	for (uint32_t i = 0; i < vm->n_services; i++)
		pvs_service_join(vm, &vm->services[i]);
}

static void count(struct pvs_vm *vm, const struct pvs_effect *effect, int by)
{
	if (is_watched(effect))
		vm->watched += (uint32_t)by;
	if (!effect->boost)
		return;
	vm->boosted += (uint32_t)by;
	if (vm->pool)
		vm->pool->boosted += (uint32_t)by;
}

/* When the effect has to be looked at: the end of its hold, or of its budget if it ran all the
 * time. */
static uint64_t find_end(const struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const struct pvs_budget *payer = pvs_budget_of(v, v->effect.boost);
	uint64_t end = holds(&v->effect) && v->effect.until ? v->effect.until : UINT64_MAX;
	uint64_t lasts;

	if (!payer)
		return end;
	if (v->run_state == PVS_RUN_HALTED ||
	    (vm->sources & PVS_SRC_SWITCH && v->run_state == PVS_RUN_PREEMPTED))
		return end;
	lasts = pvs_bucket_lasts(&payer->bucket);
	if (vm->pool && pvs_bucket_lasts(&vm->pool->bucket) < lasts)
		lasts = pvs_bucket_lasts(&vm->pool->bucket);
	if (lasts < UINT64_MAX - now && now + lasts < end)
		end = now + (lasts ? lasts : 1);
	return end;
}

enum pvs_reject pvs_effect_set(struct pvs_vm *vm, struct pvs_vcpu *v,
			       const struct pvs_effect *effect, uint64_t now)
{
	const uint32_t services = (v->effect.set | effect->set) & PVS_SET_SERVICE;
	const bool starts = effect->boost && !v->effect.boost;
	enum pvs_reject reject = PVS_REJECT_NONE;
	struct pvs_effect granted = *effect;

	if (services)
		pvs_account_services(vm, now);
	if (!same_sched(&granted.sched, &v->effect.sched) && actuate(vm, v, &granted.sched)) {
		granted = (struct pvs_effect){.set = effect->set & SET_LASTING};
		reject = PVS_REJECT_ACTUATOR;
	}
	count(vm, &v->effect, -1);
	v->effect = granted;
	count(vm, &v->effect, 1);
	if (is_watched(&v->effect))
		vm->quiet = 0;
	if (starts && granted.boost)
		pvs_account_start(vm, v, now);
	if (services)
		services_update(vm);
	v->end_at = find_end(vm, v, now);
	return reject;
}

void pvs_effect_clear(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const struct pvs_effect baseline = {.set = v->effect.set & SET_LASTING};

	if (holds(&v->effect))
		pvs_effect_set(vm, v, &baseline, now);
	v->end_at = UINT64_MAX;
}

void pvs_effect_check(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const struct pvs_budget *payer = pvs_budget_of(v, v->effect.boost);

	if (!holds(&v->effect))
		return;
	if (payer && (payer->throttled || (vm->pool && vm->pool->throttled))) {
		pvs_effect_clear(vm, v, now);
		pvs_reject_set(v, PVS_REJECT_BUDGET);
		v->decision++;
		return;
	}
	if (v->effect.until && now >= v->effect.until) {
		pvs_effect_clear(vm, v, now);
		v->decision++;
		return;
	}
	v->end_at = find_end(vm, v, now);
}

void pvs_effect_clear_all(struct pvs_vm *vm, uint64_t now)
{
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		if (!vm->vcpus[i].present)
			continue;
		pvs_account(vm, &vm->vcpus[i], now);
		pvs_effect_clear(vm, &vm->vcpus[i], now);
	}
}

void pvs_reject_set(struct pvs_vcpu *v, enum pvs_reject reject)
{
	v->reject = reject;
	if (reject)
		v->rejects[reject]++;
}
