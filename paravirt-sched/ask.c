/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The policy is asked about an event of a vCPU, and what it answers is done within its bounds. */
#include <errno.h>
#include <string.h>

#include "decision_range.h"
#include "hint_parse.h"
#include "mailbox.h"
#include "vm.h"

static void fill_hint(const struct pvs_vm *vm, const struct pvs_vcpu *v, struct pvs_ctx *ctx)
{
	const struct pvs_hint *h = &v->hint;

	ctx->hint_status = h->status;
	ctx->features = (uint32_t)vm->features;
	ctx->hint_age_ns = pvs_since(ctx->now_ns, v->hint_at);
	ctx->class = h->class;
	ctx->nice = h->nice;
	ctx->rt_prio = h->rt_prio;
	ctx->pending = h->pending;
	ctx->cs = h->cs;
	ctx->cs_count = h->cs_count;
	ctx->cs_age_ns = h->cs ? pvs_since(ctx->now_ns, v->cs_at) : 0;
	ctx->dl_runtime = h->dl_runtime;
	ctx->dl_deadline = h->dl_deadline;
	ctx->dl_period = h->dl_period;
	ctx->next_event = hint_host_time(h->next_event, vm->clock_offset);
	ctx->wait_vcpu = h->wait_vcpu;
	ctx->wait_reason = h->wait_reason;
	ctx->ticket = h->ticket != v->ticket ? h->ticket : 0;
}

void pvs_fill_ctx(const struct pvs_vm *vm, const struct pvs_vcpu *v, enum pvs_event event,
		  uint64_t now, struct pvs_ctx *ctx)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->abi = PVS_POLICY_ABI;
	ctx->event = event;
	ctx->now_ns = now;
	ctx->vm = vm->index;
	ctx->vcpu = v->index;
	ctx->n_vcpus = vm->n_vcpus;
	ctx->n_online = vm->n_online;
	ctx->sources = vm->sources;
	ctx->actuators = vm->actuators;
	fill_hint(vm, v, ctx);
	ctx->run_state = v->run_state;
	ctx->boost = v->effect.boost;
	ctx->run_ns = pvs_since(v->run_ns, v->run_init);
	ctx->wait_ns = pvs_since(v->wait_ns, v->wait_init);
	ctx->boost_ns = pvs_since(v->boost_ns, v->boost_init);
	ctx->state_ns = pvs_since(now, v->state_at);
	ctx->budget_cs = v->cs.bucket.level_ns;
	ctx->budget_boost = v->boost.bucket.level_ns;
	ctx->vm_boosted = vm->boosted;
	ctx->vm_cap = vm->limits.max_boosted;
	ctx->ceiling = vm->limits.ceiling & vm->actuators;
	ctx->prio_max = vm->limits.prio_max;
	if (v->run_state == PVS_RUN_PREEMPTED && vm->mailbox &&
	    pvs_mailbox_locked(vm->mailbox, v->index))
		ctx->held = PVS_HELD_VMM;
	ctx->tick_ns = vm->tick_ns;
	ctx->out.target = v->index;
}

static void record_decision(struct pvs_vm *vm, const struct pvs_vcpu *about,
			    const struct pvs_ctx *ctx, int verdict, enum pvs_reject reject,
			    uint64_t effect_ns)
{
	struct pvs_record_entry entry = {
		.kind = PVS_RECORD_DECISION,
		.size = sizeof(entry.decision),
		.vm = (uint16_t)vm->index,
		.ns = ctx->now_ns,
	};

	if (!vm->record)
		return;
	entry.decision.ctx = *ctx;
	entry.decision.verdict = verdict;
	entry.decision.reject = reject;
	entry.decision.applied = about->effect.set;
	entry.decision.effect_ns = effect_ns < UINT32_MAX ? (uint32_t)effect_ns : UINT32_MAX;
	pvs_record_write(vm->record, &entry);
}

/* The policy failed about @v: its baseline, and after too many in a row it is not asked any more.
 */
static void policy_fault(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	pvs_effect_clear(vm, v, now);
	pvs_reject_set(v, PVS_REJECT_POLICY);
	v->decision++;
	if (++vm->faults < PVS_FAULTS_IN_ROW || vm->failed)
		return;
	vm->failed = true;
	pvs_vm_fault(vm, PVS_REJECT_POLICY);
	if (vm->ops && vm->ops->notify)
		vm->ops->notify(vm->opaque, PVS_VECTOR_CONFIG);
}

/* Does @effect differ from what is in effect on @v? A hold that is prolonged alone is no change. */
static bool differs(const struct pvs_vcpu *v, const struct pvs_effect *effect)
{
	return memcmp(&v->effect.sched, &effect->sched, sizeof(effect->sched)) != 0 ||
	       v->effect.boost != effect->boost || v->effect.set != effect->set;
}

static void set_capacity(struct pvs_vcpu *v, const struct pvs_decision *d)
{
	v->capacity = d->capacity;
	v->avoid = d->avoid;
	v->capacity_set = true;
}

static enum pvs_reject apply(struct pvs_vm *vm, struct pvs_vcpu *target,
			     const struct pvs_decision *d, uint64_t now)
{
	struct pvs_effect effect;
	enum pvs_reject reject;

	if (pvs_judge(vm, target, d, now, &effect, &reject)) {
		policy_fault(vm, target, now);
		return PVS_REJECT_POLICY;
	}
	vm->faults = 0;
	if (effect.set & PVS_SET_CAPACITY)
		set_capacity(target, d);
	if (differs(target, &effect)) {
		const enum pvs_reject why = pvs_effect_set(vm, target, &effect, now);

		target->decision++;
		if (why)
			reject = why;
	} else {
		/* The same again: its hold begins anew. */
		target->effect.until = effect.until;
		pvs_effect_check(vm, target, now);
	}
	/* What is wrong with the hints stays to be seen. */
	if (reject || target->reject != target->hint.reject)
		pvs_reject_set(target, reject ? reject : target->hint.reject);
	return reject;
}

static void undo(struct pvs_vm *vm, struct pvs_vcpu *target, uint64_t now)
{
	const bool held = target->effect.set & ~PVS_SET_CAPACITY;

	vm->faults = 0;
	pvs_effect_clear(vm, target, now);
	if (held)
		target->decision++;
	if (target->reject != target->hint.reject)
		pvs_reject_set(target, target->hint.reject);
}

/* Words for the guest, of an answer that is one: what else it says does not matter to them. */
static enum pvs_reject show_opaque(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_ctx *ctx,
				   int verdict, enum pvs_reject reject)
{
	if (verdict < 0 || ctx->event == PVS_EVENT_EXIT || !(ctx->out.set & PVS_SET_OPAQUE) ||
	    (verdict == PVS_APPLY && !decision_in_range(&ctx->out)))
		return reject;
	if (vm->features & PVS_F_OPAQUE) {
		pvs_opaque_publish(vm, v->index, ctx->out.opaque);
	} else if (!reject) {
		reject = PVS_REJECT_FEATURE;
		pvs_reject_set(v, reject);
	}
	return reject;
}

/* The vCPU a decision is about, its time charged; NULL: there is none. */
static struct pvs_vcpu *find_target(struct pvs_vm *vm, struct pvs_vcpu *v, uint32_t target,
				    uint64_t now)
{
	struct pvs_vcpu *t;

	if (target >= vm->n_vcpus || !vm->vcpus[target].present)
		return NULL;
	t = &vm->vcpus[target];
	if (t != v)
		pvs_account(vm, t, now);
	return t;
}

void pvs_answered(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_ctx *ctx, int verdict,
		  uint64_t now)
{
	struct pvs_vcpu *target = verdict >= 0 ? find_target(vm, v, ctx->out.target, now) : v;
	const uint64_t effect_ns = target ? target->actuator_ns : 0;
	enum pvs_reject reject = PVS_REJECT_NONE;

	if (verdict < 0) {
		reject = PVS_REJECT_POLICY;
		policy_fault(vm, v, now);
	} else if (ctx->event == PVS_EVENT_EXIT || verdict == PVS_KEEP) {
		vm->faults = 0;
	} else if (!target) {
		reject = PVS_REJECT_POLICY;
		pvs_reject_set(v, reject);
	} else if (verdict == PVS_APPLY) {
		reject = apply(vm, target, &ctx->out, now);
	} else {
		undo(vm, target, now);
	}
	reject = show_opaque(vm, v, ctx, verdict, reject);
	record_decision(vm, target ? target : v, ctx, verdict, reject,
			target ? target->actuator_ns - effect_ns : 0);
	if (target && target != v)
		pvs_publish(vm, target, now);
}

/* Ask the policy and do as it says, within its bounds. */
static void ask(struct pvs_vm *vm, struct pvs_vcpu *v, enum pvs_event event, uint64_t now)
{
	struct pvs_ctx ctx;
	int verdict;

	pvs_fill_ctx(vm, v, event, now, &ctx);
	pvs_opaque_read(vm, v->index, ctx.opaque);
	verdict = pvs_policy_run(vm->policy, &ctx);
	pvs_answered(vm, v, &ctx, verdict, now);
}

void pvs_dispatch(struct pvs_vm *vm, struct pvs_vcpu *v, enum pvs_event event, uint64_t now)
{
	v->events[event]++;
	if (vm->policy && !vm->failed && vm->callbacks & 1u << event)
		ask(vm, v, event, now);
}
