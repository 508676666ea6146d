/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a VM's front end may know of it. */
#include <errno.h>
#include <string.h>

#include "vm.h"

int pvs_vm_vcpu_stats(const struct pvs_vm *vm, uint32_t vcpu, struct pvs_vcpu_stats *stats)
{
	const struct pvs_vcpu *v;

	if (vcpu >= vm->n_vcpus || !vm->vcpus[vcpu].present)
		return -ENOENT;
	v = &vm->vcpus[vcpu];
	*stats = (struct pvs_vcpu_stats){
		.tid = v->thread.tid,
		.run_state = v->run_state,
		.boost = v->effect.boost,
		.reject = v->reject,
		.set = v->effect.set,
		.applied = v->applied,
		.restored = v->restored,
		.actuator_errors = v->actuator_errors,
		.run_ns = v->run_ns,
		.wait_ns = v->wait_ns,
		.boost_ns = v->boost_ns,
		.throttled_ns = v->throttled_ns,
		.budget_cs = v->cs.bucket.level_ns,
		.budget_boost = v->boost.bucket.level_ns,
		.ring_taken = v->ring.taken,
		.ring_refused = v->ring.refused,
		.ring_overruns = v->ring.overruns,
		.rate_limited = v->rate_limited,
		.preempted_in_cs = v->preempted_in_cs,
		.hint = v->hint,
		.decision = v->decision,
		.actuator_ns = v->actuator_ns,
		.actuator_calls = v->actuator_calls,
	};
	memcpy(stats->events, v->events, sizeof(stats->events));
	memcpy(stats->rejects, v->rejects, sizeof(stats->rejects));
	return 0;
}

struct pvs_policy *pvs_vm_policy(const struct pvs_vm *vm)
{
	return vm->policy;
}

bool pvs_vm_policy_failed(const struct pvs_vm *vm)
{
	return vm->failed;
}

uint64_t pvs_vm_features(const struct pvs_vm *vm)
{
	return vm->features;
}

uint32_t pvs_vm_boosted(const struct pvs_vm *vm)
{
	return vm->boosted;
}

uint32_t pvs_vm_sources(const struct pvs_vm *vm)
{
	return vm->sources;
}

uint32_t pvs_vm_actuators(const struct pvs_vm *vm)
{
	return vm->actuators;
}
