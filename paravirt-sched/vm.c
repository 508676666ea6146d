/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A VM's life: vCPUs and service threads come and go, features and policies change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

static int check_config(const struct pvs_vm_config *config, struct pvs_log *log)
{
	if (!config->n_vcpus || config->n_vcpus > PVS_MAX_VCPUS)
		return pvs_refuse(log, -EINVAL, "%u vCPUs: 1 to %u are possible", config->n_vcpus,
				  PVS_MAX_VCPUS);
	if (config->n_vectors > PVS_MAX_VECTORS)
		return pvs_refuse(log, -EINVAL, "%u vectors: 0 to %u are possible",
				  config->n_vectors, PVS_MAX_VECTORS);
	if (config->limits.ceiling & ~PVS_ACT_ALL)
		return pvs_refuse(log, -EINVAL, "ceiling 0x%x: actuators are 0x%x",
				  config->limits.ceiling, PVS_ACT_ALL);
	if (config->limits.prio_max > 99)
		return pvs_refuse(log, -EINVAL, "FIFO priority %u: 1 to 99 are possible",
				  config->limits.prio_max);
	if (config->limits.tick_ns > PVS_TICK_MAX_NS)
		return pvs_refuse(log, -EINVAL, "ticks of %llu ns: 1 to %llu are possible",
				  (unsigned long long)config->limits.tick_ns,
				  (unsigned long long)PVS_TICK_MAX_NS);
	if (config->limits.kicks_per_s > PVS_KICKS_MAX)
		return pvs_refuse(log, -EINVAL, "%u kicks per second: 1 to %u are possible",
				  config->limits.kicks_per_s, PVS_KICKS_MAX);
	return 0;
}

static void vcpu_init(struct pvs_vm *vm, uint32_t index)
{
	struct pvs_vcpu *v = &vm->vcpus[index];

	v->index = index;
	v->thread.stat_fd = -1;
	v->hint.wait_vcpu = PVS_WAIT_NOBODY;
	v->end_at = UINT64_MAX;
	v->capacity = PVS_CAPACITY_FULL;
}

static void budget_init(struct pvs_budget *budget, uint64_t capacity_ns, uint32_t refill_ppm,
			uint64_t spent_at)
{
	pvs_bucket_init(&budget->bucket, capacity_ns, refill_ppm, spent_at);
	if (!spent_at)
		return;
	budget->bucket.level_ns = 0;
	budget->throttled = true;
}

static void buckets_init(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t spent_at)
{
	const struct pvs_limits *l = &vm->limits;
	/* Kicks and doorbells: ns of real time, in which each costs its share of a second; 10 ms'
	 * worth may come at once. */
	const uint64_t burst_ns = 10000000u, cost = 1000000000u / l->kicks_per_s;

	budget_init(&v->cs, l->cs_budget_ns, l->cs_refill_ppm, spent_at);
	budget_init(&v->boost, l->boost_budget_ns, l->boost_refill_ppm, spent_at);
	pvs_bucket_init(&v->rate, cost > burst_ns ? cost : burst_ns, 1000000, 0);
}

/* A host that does not tell is one whose CPUs share no core. */
static int cores_init(struct pvs_vm *vm, const struct pvs_vm_config *config, struct pvs_log *log)
{
	const int err = pvs_cores_read(config->host_cpus, &vm->cores);

	if (!err || err == -ENOMEM)
		return err;
	pvs_log(log, "no siblings are told: %s: %s\n",
		config->host_cpus ? config->host_cpus : PVS_HOST_CPUS, strerror(-err));
	return 0;
}

int pvs_vm_create(const struct pvs_vm_config *config, struct pvs_vm **out, struct pvs_log *log)
{
	struct pvs_vm *vm;
	int err = check_config(config, log);

	if (err)
		return err;
	vm = calloc(1, sizeof(*vm) + config->n_vcpus * sizeof(vm->vcpus[0]));
	if (!vm)
		return -ENOMEM;
	err = cores_init(vm, config, log);
	if (err) {
		free(vm);
		return err;
	}
	snprintf(vm->name, sizeof(vm->name), "%s", config->name ? config->name : "");
	vm->index = config->index;
	vm->n_vcpus = config->n_vcpus;
	vm->n_vectors = config->n_vectors;
	vm->guest = config->guest;
	vm->host = config->host;
	vm->grant = vm->granted = 1;
	vm->limits = config->limits;
	pvs_limits_default(&vm->limits, vm->n_vcpus);
	vm->tick_ns = vm->limits.tick_ns;
	vm->sources = config->sources | PVS_SRC_TICK | PVS_SRC_KICK;
	vm->ops = config->ops;
	vm->opaque = config->opaque;
	vm->actuator = config->actuator;
	vm->pool = config->pool;
	if (vm->actuator.ops)
		vm->actuators =
			vm->actuator.ops->probe(vm->actuator.opaque, vm->limits.ceiling, log);
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		vcpu_init(vm, i);
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		buckets_init(vm, &vm->vcpus[i], config->spent_at);
	*out = vm;
	return 0;
}

static void services_close(struct pvs_vm *vm)
{
	for (uint32_t i = 0; i < vm->n_services; i++)
		pvs_thread_close(vm, &vm->services[i].thread);
	free(vm->services);
	vm->services = NULL;
	vm->n_services = 0;
}

void pvs_vm_destroy(struct pvs_vm *vm)
{
	if (!vm)
		return;
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		pvs_vm_vcpu_remove(vm, i);
	services_close(vm);
	if (vm->policy)
		pvs_policy_put(vm->policy);
	pvs_cores_free(vm->cores);
	free(vm);
}

void pvs_vm_set_pages(struct pvs_vm *vm, struct pvs_guest_page *guest, struct pvs_host_page *host,
		      uint64_t grant)
{
	vm->guest = guest;
	vm->host = host;
	vm->granted = grant;
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		pvs_publish_again(vm, &vm->vcpus[i]);
		pvs_publish(vm, &vm->vcpus[i], vm->now);
	}
	pvs_opaque_publish_again(vm);
}

uint64_t pvs_vm_pages_grant(const struct pvs_vm *vm)
{
	return __atomic_load_n(&vm->grant, __ATOMIC_SEQ_CST);
}

uint64_t pvs_vm_take_pages(struct pvs_vm *vm)
{
	__atomic_add_fetch(&vm->grant, 1, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&vm->at_pages, __ATOMIC_SEQ_CST);
}

/* ---- vCPUs --------------------------------------------------------------------------------- */

/* A vCPU that is not known yet. What it spent before it was unplugged stays spent. */
static void vcpu_start(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	const struct pvs_vcpu old = *v;

	memset(v, 0, sizeof(*v));
	vcpu_init(vm, old.index);
	v->shown = old.shown;
	v->cs = old.cs;
	v->boost = old.boost;
	v->rate = old.rate;
	v->present = true;
	v->accounted_at = v->state_at = v->window_at = vm->now;
	vm->n_online++;
}

static int vcpu_set_thread(struct pvs_vm *vm, struct pvs_vcpu *v, pid_t tid, struct pvs_log *log)
{
	struct pvs_thread thread;
	int err = pvs_thread_open(vm, tid, &thread, log);

	if (err)
		return err;
	v->thread = thread;
	if (thread.stat_fd >= 0)
		vm->sources |= PVS_SRC_SCHEDSTAT;
	return 0;
}

int pvs_vm_vcpu_add(struct pvs_vm *vm, uint32_t vcpu, pid_t tid, struct pvs_log *log)
{
	struct pvs_vcpu *v;
	bool known;
	int err;

	if (vcpu >= vm->n_vcpus || tid < 0)
		return pvs_refuse(log, -EINVAL, "vCPU %u, thread %d: vCPUs are 0 to %u", vcpu,
				  (int)tid, vm->n_vcpus - 1);
	v = &vm->vcpus[vcpu];
	known = v->present;
	if (known && (v->thread.tid || !tid))
		return pvs_refuse(log, -EBUSY, "vCPU %u has thread %d; remove it first", vcpu,
				  (int)v->thread.tid);
	if (!known)
		vcpu_start(vm, v);
	if (tid) {
		err = vcpu_set_thread(vm, v, tid, log);
		if (err && !known) {
			v->present = false;
			vm->n_online--;
		}
		if (err)
			return err;
	}
	pvs_activate(vm, v, vm->now);
	pvs_publish(vm, v, vm->now);
	return 0;
}

void pvs_vm_vcpu_remove(struct pvs_vm *vm, uint32_t vcpu)
{
	struct pvs_vcpu *v;

	if (vcpu >= vm->n_vcpus || !vm->vcpus[vcpu].present)
		return;
	v = &vm->vcpus[vcpu];
	pvs_account(vm, v, vm->now);
	pvs_deactivate(vm, v, vm->now);
	pvs_effect_clear(vm, v, vm->now);
	pvs_thread_close(vm, &v->thread);
	v->present = false;
	v->effect = (struct pvs_effect){0};
	vm->n_online--;
	pvs_publish_clear(vm, v);
}

int pvs_vm_service_add(struct pvs_vm *vm, pid_t tid, struct pvs_log *log)
{
	struct pvs_service *services;
	struct pvs_thread thread;
	int err;

	if (tid <= 0)
		return pvs_refuse(log, -EINVAL, "service thread %d: a thread id is positive",
				  (int)tid);
	for (uint32_t i = 0; i < vm->n_services; i++)
		if (vm->services[i].thread.tid == tid)
			return pvs_refuse(log, -EBUSY, "thread %d serves the VM already", (int)tid);
	err = pvs_thread_open(vm, tid, &thread, log);
	if (err)
		return err;
	services = realloc(vm->services, (vm->n_services + 1) * sizeof(*services));
	if (!services) {
		pvs_thread_close(vm, &thread);
		return -ENOMEM;
	}
	vm->services = services;
	services[vm->n_services] = (struct pvs_service){.thread = thread};
	pvs_service_join(vm, &services[vm->n_services++]);
	return 0;
}

/* ---- Negotiation --------------------------------------------------------------------------- */

static void forget_guest(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	v->hint = (struct pvs_hint){.wait_vcpu = PVS_WAIT_NOBODY};
	v->ring.tail = 0;
	v->ticket = 0;
	v->decision = 0;
	v->reject = PVS_REJECT_NONE;
	v->capacity = PVS_CAPACITY_FULL;
	v->avoid = 0;
	v->capacity_set = false;
	v->effect.set = 0;
}

static void stop(struct pvs_vm *vm, uint64_t now)
{
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		struct pvs_vcpu *v = &vm->vcpus[i];

		if (v->present) {
			pvs_account(vm, v, now);
			pvs_deactivate(vm, v, now);
			pvs_effect_clear(vm, v, now);
		}
		forget_guest(vm, v);
	}
	pvs_opaque_clear(vm);
	vm->features = 0;
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		pvs_publish_clear(vm, &vm->vcpus[i]);
}

/* What is in the ring already is no news. */
static void skip_ring(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	if (!vm->guest || !pvs_pages_enter(vm))
		return;
	v->ring.tail = __atomic_load_n(&vm->guest[v->index].ring_head, __ATOMIC_RELAXED);
	pvs_pages_leave(vm);
}

/* Budgets and rates go on: a guest gains nothing by negotiating again. */
void pvs_vm_negotiated(struct pvs_vm *vm, uint64_t features, uint64_t now)
{
	pvs_catch_up(vm);
	pvs_heard(vm, now);
	stop(vm, now);
	vm->features = features;
	vm->attend_until = 0;
	vm->next_tick = now;
	vm->tick_ns = vm->limits.tick_ns;
	for (uint32_t i = 0; features && i < vm->n_vcpus; i++) {
		struct pvs_vcpu *v = &vm->vcpus[i];

		if (!v->present)
			continue;
		if (features & PVS_F_RING)
			skip_ring(vm, v);
		pvs_activate(vm, v, now);
		pvs_publish(vm, v, now);
	}
	pvs_attend(vm);
}

void pvs_vm_set_clock_offset(struct pvs_vm *vm, int64_t offset_ns)
{
	const struct pvs_record_entry entry = {
		.kind = PVS_RECORD_CLOCK,
		.size = sizeof(entry.clock_offset_ns),
		.vm = (uint16_t)vm->index,
		.ns = vm->now,
		.clock_offset_ns = offset_ns,
	};

	vm->clock_offset = offset_ns;
	if (vm->record)
		pvs_record_write(vm->record, &entry);
}

/* ---- Policy -------------------------------------------------------------------------------- */

static void record_policy(struct pvs_vm *vm, const struct pvs_policy_info *info, uint64_t now)
{
	struct pvs_record_entry entry = {
		.kind = PVS_RECORD_POLICY,
		.size = sizeof(entry.policy),
		.vm = (uint16_t)vm->index,
		.ns = now,
		.policy = {.version = info->version},
	};

	if (!vm->record)
		return;
	memcpy(entry.policy.name, info->name, sizeof(entry.policy.name));
	pvs_record_write(vm->record, &entry);
}

/* The old policy goes: its EXIT, and what it put into effect unless the next one takes it over. */
static void policy_leave(struct pvs_vm *vm, bool keep_effects, uint64_t now)
{
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		struct pvs_vcpu *v = &vm->vcpus[i];

		if (!v->present)
			continue;
		pvs_deactivate(vm, v, now);
		if (keep_effects)
			continue;
		pvs_account(vm, v, now);
		pvs_effect_clear(vm, v, now);
		v->effect.set = 0;
		v->capacity_set = false;
		v->avoid = 0;
	}
	if (!keep_effects)
		pvs_opaque_clear(vm);
}

void pvs_vm_set_policy(struct pvs_vm *vm, struct pvs_policy *policy, bool handover, uint64_t now)
{
	struct pvs_policy_info info = {0};

	pvs_catch_up(vm);
	pvs_heard(vm, now);
	policy_leave(vm, handover && policy && !vm->failed, now);
	if (policy)
		pvs_policy_info(pvs_policy_get(policy), &info);
	if (vm->policy)
		pvs_policy_put(vm->policy);
	vm->policy = policy;
	vm->callbacks = info.callbacks;
	vm->faults = 0;
	vm->failed = false;
	vm->next_tick = now;
	vm->tick_ns = vm->limits.tick_ns;
	record_policy(vm, &info, now);
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		if (!vm->vcpus[i].present)
			continue;
		pvs_reject_set(&vm->vcpus[i], PVS_REJECT_NONE);
		pvs_activate(vm, &vm->vcpus[i], now);
		pvs_publish(vm, &vm->vcpus[i], now);
	}
	pvs_attend(vm);
	if (vm->features && vm->ops && vm->ops->notify)
		vm->ops->notify(vm->opaque, PVS_VECTOR_CONFIG);
}

void pvs_vm_set_ceiling(struct pvs_vm *vm, uint32_t ceiling, uint64_t now)
{
	pvs_heard(vm, now);
	pvs_effect_clear_all(vm, now);
	vm->limits.ceiling = ceiling & PVS_ACT_ALL;
	pvs_limits_default(&vm->limits, vm->n_vcpus);
	if (vm->actuator.ops)
		vm->actuators =
			vm->actuator.ops->probe(vm->actuator.opaque, vm->limits.ceiling, NULL);
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].present)
			pvs_publish(vm, &vm->vcpus[i], now);
}

uint32_t pvs_vm_fifo_prio(const struct pvs_vm *vm)
{
	return pvs_vm_actuators(vm) & vm->limits.ceiling & PVS_ACT_FIFO ? vm->limits.prio_max : 0;
}

void pvs_vm_fault(struct pvs_vm *vm, enum pvs_reject why)
{
	pvs_effect_clear_all(vm, vm->now);
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		if (!vm->vcpus[i].present)
			continue;
		pvs_reject_set(&vm->vcpus[i], why);
		pvs_publish(vm, &vm->vcpus[i], vm->now);
	}
}

void pvs_vm_set_record(struct pvs_vm *vm, struct pvs_record *record)
{
	struct pvs_policy_info info = {0};

	vm->record = record;
	if (!record)
		return;
	if (vm->policy)
		pvs_policy_info(vm->policy, &info);
	record_policy(vm, &info, vm->now);
	pvs_vm_set_clock_offset(vm, vm->clock_offset);
}
