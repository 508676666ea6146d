/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A policy's wish is judged: is it one, may it be had at all, is less to be given, is it paid for,
 * and is there room for one more.
 */
#include <errno.h>
#include <string.h>

#include "decision_range.h"
#include "vm.h"

#define SET_SCHED                                                                            \
	(PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_FIFO | PVS_SET_DEADLINE | PVS_SET_AFFINITY | \
	 PVS_SET_WEIGHT)

/* The first reason stays. */
static void because(enum pvs_reject *reject, enum pvs_reject why)
{
	if (!*reject)
		*reject = why;
}

/* May @act be used on this VM, and can the host do it? */
static bool permitted(const struct pvs_vm *vm, uint32_t act, enum pvs_reject *reject)
{
	if (!(vm->limits.ceiling & act))
		because(reject, PVS_REJECT_CEILING);
	else if (!(vm->actuators & act))
		because(reject, PVS_REJECT_ACTUATOR);
	else
		return true;
	return false;
}

static void grant_nice(const struct pvs_vm *vm, const struct pvs_vcpu *v,
		       const struct pvs_decision *d, struct pvs_sched *s, enum pvs_reject *reject)
{
	int32_t nice = d->nice;

	if (nice < vm->limits.nice_min) {
		because(reject, PVS_REJECT_CEILING);
		nice = vm->limits.nice_min;
	}
	if (nice == v->thread.base_nice)
		return;
	if (!permitted(vm, nice < v->thread.base_nice ? PVS_ACT_NICE_DOWN : PVS_ACT_NICE_UP,
		       reject))
		return;
	s->set |= PVS_SET_NICE;
	s->nice = nice;
}

/* The strongest class that may be had, or false. */
static bool grant_realtime(const struct pvs_vm *vm, const struct pvs_decision *d,
			   struct pvs_sched *s, enum pvs_reject *reject)
{
	if (d->set & PVS_SET_DEADLINE && permitted(vm, PVS_ACT_DEADLINE, reject)) {
		s->set |= PVS_SET_DEADLINE;
		s->dl_runtime = d->dl_runtime;
		s->dl_deadline = d->dl_deadline;
		s->dl_period = d->dl_period;
		return true;
	}
	if (!(d->set & PVS_SET_FIFO) || !permitted(vm, PVS_ACT_FIFO, reject))
		return false;
	s->set |= PVS_SET_FIFO;
	s->prio = d->prio;
	if (s->prio > vm->limits.prio_max) {
		because(reject, PVS_REJECT_CEILING);
		s->prio = vm->limits.prio_max;
	}
	/* One is left for the threads that it waits for. */
	if (d->set & PVS_SET_SERVICE && s->prio == vm->limits.prio_max && s->prio > 1)
		s->prio--;
	return true;
}

static void grant_sched(const struct pvs_vm *vm, const struct pvs_vcpu *v,
			const struct pvs_decision *d, struct pvs_sched *s, enum pvs_reject *reject)
{
	if (d->set & SET_SCHED && !v->thread.handle) {
		because(reject, PVS_REJECT_ACTUATOR);
		return;
	}
	if (!grant_realtime(vm, d, s, reject)) {
		if (d->set & PVS_SET_NICE)
			grant_nice(vm, v, d, s, reject);
		if (d->set & PVS_SET_SLICE && permitted(vm, PVS_ACT_SLICE, reject)) {
			s->set |= PVS_SET_SLICE;
			s->slice_ns = d->slice_ns;
		}
	}
	if (d->set & PVS_SET_AFFINITY && permitted(vm, PVS_ACT_AFFINITY, reject)) {
		s->set |= PVS_SET_AFFINITY;
		s->affinity = d->affinity;
	}
	if (d->set & PVS_SET_WEIGHT && permitted(vm, PVS_ACT_WEIGHT, reject)) {
		s->set |= PVS_SET_WEIGHT;
		s->weight = d->weight;
	}
}

/* A gain that no budget pays for is not to be had. A slice is none: it moves when a thread gets its
 * share, not how much that is. */
static void drop_gains(const struct pvs_vcpu *v, struct pvs_sched *s, enum pvs_reject *reject)
{
	uint32_t gains = s->set & (PVS_SET_DEADLINE | PVS_SET_FIFO);

	if (s->set & PVS_SET_NICE && s->nice < v->thread.base_nice)
		gains |= PVS_SET_NICE;
	if (s->set & PVS_SET_WEIGHT && s->weight > PVS_WEIGHT_NORMAL)
		gains |= PVS_SET_WEIGHT;
	if (!gains)
		return;
	because(reject, PVS_REJECT_POLICY);
	memset(s, 0, sizeof(*s));
}

/* Is there someone who pays, and room for one more? */
static enum pvs_reject refuse_boost(struct pvs_vm *vm, struct pvs_vcpu *v, uint32_t boost)
{
	const struct pvs_pool *pool = vm->pool;

	if (v->hint.status == PVS_HINT_MALFORMED)
		return PVS_REJECT_MALFORMED;
	if (pvs_budget_of(v, boost)->throttled || (pool && pool->throttled))
		return PVS_REJECT_BUDGET;
	if (v->effect.boost)
		return PVS_REJECT_NONE; /* has its place already */
	if (vm->boosted >= vm->limits.max_boosted)
		return PVS_REJECT_CONCURRENT;
	if (pool && pool->max_boosted && pool->boosted >= pool->max_boosted)
		return PVS_REJECT_CONCURRENT;
	return PVS_REJECT_NONE;
}

/* What the guest is shown needs the feature. */
static void grant_shown(struct pvs_vm *vm, const struct pvs_decision *d, struct pvs_effect *effect,
			enum pvs_reject *reject)
{
	if (d->set & PVS_SET_CAPACITY) {
		if (vm->features & PVS_F_CAPACITY)
			effect->set |= PVS_SET_CAPACITY;
		else
			because(reject, PVS_REJECT_FEATURE);
	}
	if (d->set & PVS_SET_YIELD) {
		if (vm->features & PVS_F_STATE)
			effect->set |= PVS_SET_YIELD;
		else
			because(reject, PVS_REJECT_FEATURE);
	}
}

int pvs_judge(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_decision *d, uint64_t now,
	      struct pvs_effect *effect, enum pvs_reject *reject)
{
	enum pvs_reject why;

	memset(effect, 0, sizeof(*effect));
	*reject = PVS_REJECT_NONE;
	if (!decision_in_range(d))
		return -EINVAL;
	grant_sched(vm, v, d, &effect->sched, reject);
	if (!d->boost) {
		drop_gains(v, &effect->sched, reject);
	} else if (effect->sched.set) {
		why = refuse_boost(vm, v, d->boost);
		if (why) {
			*reject = why;
			memset(&effect->sched, 0, sizeof(effect->sched));
		} else {
			effect->boost = d->boost;
		}
	}
	if (effect->sched.set)
		effect->set |= d->set & PVS_SET_SERVICE;
	grant_shown(vm, d, effect, reject);
	effect->set |= effect->sched.set;
	if (d->hold_ns && effect->set)
		effect->until = d->hold_ns < UINT64_MAX - now ? now + d->hold_ns : UINT64_MAX;
	return 0;
}
