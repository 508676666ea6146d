/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Time that passed, charged. A boost costs what the vCPU ran with it: exactly where the host's
 * scheduler tells of every switch, else by the thread's own run time, else by the wall clock unless
 * the vCPU is known to be halted.
 */
#include "vm.h"

struct pvs_budget *pvs_budget_of(struct pvs_vcpu *v, uint32_t boost)
{
	switch (boost) {
	case PVS_BOOST_NONE:
		return NULL;
	case PVS_BOOST_CS:
	case PVS_BOOST_IRQ:
		return &v->cs;
	default:
		return &v->boost;
	}
}

static bool run_ns(struct pvs_vm *vm, const struct pvs_vcpu *v, uint64_t *ns)
{
	uint64_t wait_ns;

	if (vm->sample)
		return !vm->sample(vm->sample_opaque, v->index, ns, &wait_ns);
	return pvs_thread_run_ns(&v->thread, ns);
}

static bool exact(const struct pvs_vm *vm, const struct pvs_vcpu *v)
{
	return vm->sources & PVS_SRC_SWITCH && v->run_state != PVS_RUN_UNKNOWN;
}

/* Of @elapsed ns, what the boosted vCPU ran. */
static uint64_t spent(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t elapsed)
{
	uint64_t ran, before = v->run_seen;

	if (exact(vm, v))
		return v->run_state == PVS_RUN_RUNNING ? elapsed : 0;
	if (run_ns(vm, v, &ran)) {
		if (ran > before)
			v->run_seen = ran;
		return ran > before ? ran - before : 0;
	}
	return v->run_state == PVS_RUN_HALTED ? 0 : elapsed;
}

static void budget_charge(struct pvs_budget *budget, uint64_t now, uint64_t spent_ns)
{
	const uint64_t left = pvs_bucket_charge(&budget->bucket, now, spent_ns);

	if (!left)
		budget->throttled = true;
	else if (left >= budget->bucket.capacity_ns / PVS_RESUME_SHARE)
		budget->throttled = false;
}

static void pool_charge(struct pvs_pool *pool, uint64_t now, uint64_t spent_ns)
{
	const uint64_t left = pvs_bucket_charge(&pool->bucket, now, spent_ns);

	if (!left)
		pool->throttled = true;
	else if (left >= pool->bucket.capacity_ns / PVS_RESUME_SHARE)
		pool->throttled = false;
}

static void charge(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now, uint64_t spent_ns)
{
	const struct pvs_budget *payer = pvs_budget_of(v, v->effect.boost);

	budget_charge(&v->cs, now, payer == &v->cs ? spent_ns : 0);
	budget_charge(&v->boost, now, payer == &v->boost ? spent_ns : 0);
	if (vm->pool)
		pool_charge(vm->pool, now, payer ? spent_ns : 0);
	if (payer)
		v->boost_ns += spent_ns;
}

void pvs_account(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const uint64_t elapsed = now > v->accounted_at ? now - v->accounted_at : 0;
	const bool throttled = v->cs.throttled || v->boost.throttled;

	if (vm->sources & PVS_SRC_SWITCH) {
		if (v->run_state == PVS_RUN_RUNNING)
			v->run_ns += elapsed;
		else if (v->run_state == PVS_RUN_PREEMPTED)
			v->wait_ns += elapsed;
	}
	charge(vm, v, now, v->effect.boost ? spent(vm, v, elapsed) : 0);
	if (throttled)
		v->throttled_ns += elapsed;
	if (now > v->accounted_at)
		v->accounted_at = now;
}

void pvs_account_start(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	if (now > v->accounted_at)
		v->accounted_at = now;
	if (!exact(vm, v))
		run_ns(vm, v, &v->run_seen);
}

static bool stat_ns(struct pvs_vm *vm, const struct pvs_vcpu *v, uint64_t *ran, uint64_t *waited)
{
	if (vm->sample)
		return !vm->sample(vm->sample_opaque, v->index, ran, waited);
	return v->thread.stat_fd >= 0 && !pvs_schedstat_read(v->thread.stat_fd, ran, waited);
}

/* What it most probably did since the last look, for those whom nobody tells. */
static uint32_t guess_state(uint64_t ran, uint64_t waited)
{
	if (ran >= waited && ran)
		return PVS_RUN_RUNNING;
	return waited ? PVS_RUN_PREEMPTED : PVS_RUN_HALTED;
}

void pvs_sample(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	uint64_t ran, waited;
	uint32_t state;

	if (vm->sources & PVS_SRC_SWITCH || now < v->sampled_at + PVS_SAMPLE_NS)
		return;
	if (!stat_ns(vm, v, &ran, &waited))
		return;
	state = guess_state(ran - v->run_ns, waited - v->wait_ns);
	/* A halt that is told is known better. */
	if (vm->sources & PVS_SRC_HALT &&
	    (v->run_state == PVS_RUN_HALTED || state == PVS_RUN_HALTED))
		state = v->run_state;
	if (v->sampled_at && state != v->run_state) {
		v->run_state = state;
		v->state_at = now;
	}
	v->run_ns = ran;
	v->wait_ns = waited;
	v->sampled_at = now;
}

void pvs_account_services(struct pvs_vm *vm, uint64_t now)
{
	struct pvs_vcpu *payer = &vm->vcpus[vm->service_vcpu];
	uint64_t ran, sum = 0;

	if (!vm->service_sched.set)
		return;
	for (uint32_t i = 0; i < vm->n_services; i++) {
		struct pvs_service *s = &vm->services[i];

		if (!pvs_thread_run_ns(&s->thread, &ran) || ran <= s->run_seen)
			continue;
		sum += ran - s->run_seen;
		s->run_seen = ran;
	}
	if (sum && payer->effect.boost)
		charge(vm, payer, now, sum);
}
