/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * An event's way: time is charged, the guest's page is read once, the policy is asked, its answer
 * is judged and put into effect, and the guest is told.
 */

#include "hint_parse.h"
#include "vm.h"

void pvs_heard(struct pvs_vm *vm, uint64_t now)
{
	if (now > vm->now)
		vm->now = now;
}

/* ---- Hints --------------------------------------------------------------------------------- */

/* Read the page. True: its hints are others than last time. */
static bool observe(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const struct pvs_hint last = v->hint;

	if (vm->guest && pvs_pages_enter(vm)) {
		pvs_hint_read(&vm->guest[v->index], vm->features, vm->n_vcpus, &v->hint);
		pvs_pages_leave(vm);
	} else {
		v->hint = (struct pvs_hint){.wait_vcpu = PVS_WAIT_NOBODY};
	}
	if (!hint_differs(&v->hint, &last))
		return false;
	v->hint_at = now;
	if (hint_enters_cs(&v->hint, &last))
		v->cs_at = now;
	if (v->hint.reject) {
		pvs_reject_set(v, v->hint.reject);
		if (v->hint.status == PVS_HINT_MALFORMED)
			pvs_effect_clear(vm, v, now);
	} else if (last.reject && v->reject == last.reject) {
		pvs_reject_set(v, PVS_REJECT_NONE);
	}
	return true;
}

/* ---- Policies come and go -------------------------------------------------------------------- */

void pvs_activate(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	if (v->active || !v->present || !vm->features || !vm->policy)
		return;
	v->active = true;
	pvs_account(vm, v, now);
	v->run_init = v->run_ns;
	v->wait_init = v->wait_ns;
	v->boost_init = v->boost_ns;
	observe(vm, v, now);
	pvs_dispatch(vm, v, PVS_EVENT_INIT, now);
	pvs_publish(vm, v, now);
}

void pvs_deactivate(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	if (!v->active)
		return;
	pvs_account(vm, v, now);
	pvs_dispatch(vm, v, PVS_EVENT_EXIT, now);
	v->active = false;
}

/* ---- Events -------------------------------------------------------------------------------- */

/* May this vCPU make itself heard again? */
static bool rate_ok(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const uint64_t cost = 1000000000u / vm->limits.kicks_per_s;

	if (pvs_bucket_charge(&v->rate, now, 0) >= cost) {
		pvs_bucket_charge(&v->rate, now, cost);
		return true;
	}
	v->rate_limited++;
	vm->rate_limited++;
	pvs_reject_set(v, PVS_REJECT_RATE);
	return false;
}

static void set_run_state(struct pvs_vm *vm, struct pvs_vcpu *v, uint32_t state, uint64_t now)
{
	const bool was_running = v->run_state == PVS_RUN_RUNNING;

	if (state == PVS_RUN_RUNNING)
		v->last_in = now;
	else if (was_running)
		v->last_out = now;
	if (state == v->run_state)
		return;
	v->run_state = state;
	v->state_at = now;
}

static void note_state(struct pvs_vm *vm, struct pvs_vcpu *v, enum pvs_event event, uint64_t now)
{
	switch (event) {
	case PVS_EVENT_VCPU_RUN:
		set_run_state(vm, v, PVS_RUN_RUNNING, now);
		break;
	case PVS_EVENT_VCPU_STOP:
		set_run_state(vm, v, PVS_RUN_PREEMPTED, now);
		break;
	case PVS_EVENT_HALT:
		set_run_state(vm, v, PVS_RUN_HALTED, now);
		break;
	default:
		break;
	}
}

/* A ticket is answered when what it asked for was looked at. */
static void answer_ticket(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	if (vm->features & PVS_F_TICKET && v->hint.status == PVS_HINT_OK)
		v->ticket = v->hint.ticket;
}

static struct pvs_vcpu *find_vcpu(struct pvs_vm *vm, uint32_t vcpu)
{
	if (vcpu >= vm->n_vcpus || !vm->vcpus[vcpu].present)
		return NULL;
	return &vm->vcpus[vcpu];
}

/* Was it in a critical section when it lost its CPU? Its page may say something else by now. */
static bool stopped_in_cs(const struct pvs_vcpu *v, const struct pvs_ctx *ctx)
{
	if (ctx)
		return ctx->cs || ctx->pending & PVS_PENDING_LOCK;
	return v->hint.cs || v->hint.pending & PVS_PENDING_LOCK;
}

static bool is_switch(uint32_t event)
{
	return event >= PVS_EVENT_VCPU_RUN && event <= PVS_EVENT_HALT;
}

void pvs_vm_event(struct pvs_vm *vm, uint32_t vcpu, enum pvs_event event, uint64_t now)
{
	struct pvs_vcpu *v = find_vcpu(vm, vcpu);
	bool changed;

	if (!v || event < PVS_EVENT_VCPU_RUN || event > PVS_EVENT_KICK)
		return;
	pvs_heard(vm, now);
	pvs_account(vm, v, now);
	note_state(vm, v, event, now);
	if (!vm->features)
		return;
	/* Heard of late, and by nobody: a tick comes next, which has the rest. */
	if (vm->wakes == PVS_WAKES_NEVER && is_switch(event)) {
		v->events[event]++;
		return;
	}
	if (event == PVS_EVENT_KICK && !rate_ok(vm, v, now)) {
		pvs_publish(vm, v, now);
		return;
	}
	if (event == PVS_EVENT_KICK)
		vm->quiet = 0;
	pvs_effect_check(vm, v, now);
	changed = observe(vm, v, now);
	if (event == PVS_EVENT_VCPU_STOP && stopped_in_cs(v, NULL))
		v->preempted_in_cs++;
	if (event == PVS_EVENT_KICK && changed)
		pvs_dispatch(vm, v, PVS_EVENT_HINT, now);
	pvs_dispatch(vm, v, event, now);
	answer_ticket(vm, v);
	pvs_publish(vm, v, now);
	pvs_wake_ticks(vm, now);
}

/* For the record, and where it was. */
static void note_switch(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_switch *event)
{
	const struct pvs_record_entry entry = {
		.kind = PVS_RECORD_SWITCH,
		.size = sizeof(entry.sched),
		.vm = (uint16_t)vm->index,
		.ns = event->ns,
		.sched = {.vcpu = event->vcpu, .cpu = event->cpu, .event = event->event},
	};

	if (vm->record)
		pvs_record_write(vm->record, &entry);
	if (event->event != PVS_EVENT_VCPU_RUN || event->cpu >= UINT16_MAX)
		return;
	v->cpu = event->cpu + 1;
	pvs_cores_got(vm->cores, event->cpu, v->index);
}

void pvs_vm_switch(struct pvs_vm *vm, const struct pvs_switch *event)
{
	struct pvs_vcpu *v = find_vcpu(vm, event->vcpu);

	if (!v || !is_switch(event->event))
		return;
	note_switch(vm, v, event);
	pvs_vm_event(vm, event->vcpu, (enum pvs_event)event->event, event->ns);
}

void pvs_vm_decided(struct pvs_vm *vm, const struct pvs_switch *at, const struct pvs_ctx *ctx,
		    int verdict)
{
	struct pvs_vcpu *v = find_vcpu(vm, at->vcpu);

	if (!v || (!is_switch(at->event) && at->event != PVS_EVENT_HINT))
		return;
	if (is_switch(at->event))
		note_switch(vm, v, at);
	pvs_heard(vm, at->ns);
	pvs_account(vm, v, at->ns);
	note_state(vm, v, (enum pvs_event)at->event, at->ns);
	if (!vm->features)
		return;
	pvs_effect_check(vm, v, at->ns);
	observe(vm, v, at->ns);
	if (at->event == PVS_EVENT_VCPU_STOP && stopped_in_cs(v, ctx))
		v->preempted_in_cs++;
	v->events[at->event]++;
	if (ctx && vm->policy && !vm->failed)
		pvs_answered(vm, v, ctx, verdict, at->ns);
	answer_ticket(vm, v);
	pvs_publish(vm, v, at->ns);
	pvs_wake_ticks(vm, at->ns);
}

/* Take what is in the ring: it is for the record only, and goes nowhere if none is written. */
static void take_ring(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	struct pvs_ring_entry entries[PVS_RING_ENTRIES];
	unsigned n;

	if (!(vm->features & PVS_F_RING) || !vm->guest || !pvs_pages_enter(vm))
		return;
	n = pvs_ring_take(&v->ring, &vm->guest[v->index], entries, PVS_RING_ENTRIES);
	pvs_pages_leave(vm);
	for (unsigned i = 0; vm->record && i < n; i++) {
		const struct pvs_record_entry entry = {
			.kind = PVS_RECORD_RING,
			.size = sizeof(entry.ring),
			.vm = (uint16_t)vm->index,
			.ns = now,
			.ring = {.vcpu = v->index, .entry = entries[i]},
		};

		pvs_record_write(vm->record, &entry);
	}
}

void pvs_vm_doorbell(struct pvs_vm *vm, uint32_t vcpu, uint64_t now)
{
	struct pvs_vcpu *v = find_vcpu(vm, vcpu);

	if (!v || !vm->features)
		return;
	pvs_heard(vm, now);
	pvs_account(vm, v, now);
	if (rate_ok(vm, v, now))
		take_ring(vm, v, now);
	pvs_publish(vm, v, now);
}

/* Where the policy sets no capacity: the share of the time it wanted to run that it did run. */
static void update_capacity(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	const uint64_t window = pvs_since(now, v->window_at);
	const uint64_t ran = pvs_since(v->run_ns, v->window_run);
	const uint64_t waited = pvs_since(v->wait_ns, v->window_wait);

	if (window < PVS_CAPACITY_WINDOW_NS)
		return;
	v->window_at = now;
	v->window_run = v->run_ns;
	v->window_wait = v->wait_ns;
	if (v->capacity_set || !(vm->sources & (PVS_SRC_SCHEDSTAT | PVS_SRC_SWITCH)))
		return;
	if (ran + waited > window / 100)
		v->capacity = (uint32_t)(PVS_CAPACITY_FULL * ran / (ran + waited));
	else /* it did not try: what was known of it becomes old */
		v->capacity += (PVS_CAPACITY_FULL - v->capacity + 1) / 2;
}

static void tick_vcpu(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	pvs_account(vm, v, now);
	pvs_sample(vm, v, now);
	pvs_effect_check(vm, v, now);
	take_ring(vm, v, now);
	if (observe(vm, v, now))
		pvs_dispatch(vm, v, PVS_EVENT_HINT, now);
	pvs_attend_look(vm, v, now);
	pvs_dispatch(vm, v, PVS_EVENT_TICK, now);
	answer_ticket(vm, v);
	update_capacity(vm, v, now);
	pvs_publish(vm, v, now);
}

static uint64_t next_end(const struct pvs_vm *vm)
{
	uint64_t next = vm->next_tick;

	if (!vm->watched)
		return next;
	for (uint32_t i = 0; i < vm->n_vcpus; i++)
		if (vm->vcpus[i].end_at < next)
			next = vm->vcpus[i].end_at;
	return next;
}

uint64_t pvs_vm_tick(struct pvs_vm *vm, uint64_t now)
{
	const bool late = vm->last_tick && pvs_since(now, vm->next_tick) > vm->limits.watchdog_ns;

	if (vm->catch_up)
		vm->catch_up(vm->tell_opaque);
	pvs_catch_up(vm);
	pvs_heard(vm, now);
	if (late && vm->watched) {
		pvs_vm_fault(vm, PVS_REJECT_POLICY);
		vm->late++;
	}
	vm->last_tick = now;
	if (vm->features) {
		for (uint32_t i = 0; i < vm->n_vcpus; i++)
			if (vm->vcpus[i].present)
				tick_vcpu(vm, &vm->vcpus[i], now);
		pvs_account_services(vm, now);
	}
	vm->quiet = vm->watched ? 0 : vm->quiet + 1;
	pvs_attend(vm);
	vm->tick_ns = pvs_tick_ns(vm);
	vm->next_tick = now + vm->tick_ns;
	return next_end(vm);
}

uint64_t pvs_vm_expire(struct pvs_vm *vm, uint64_t now)
{
	pvs_heard(vm, now);
	if (!vm->watched)
		return vm->next_tick;
	for (uint32_t i = 0; i < vm->n_vcpus; i++) {
		struct pvs_vcpu *v = &vm->vcpus[i];

		if (v->end_at > now)
			continue;
		pvs_account(vm, v, now);
		pvs_effect_check(vm, v, now);
		pvs_publish(vm, v, now);
	}
	return next_end(vm);
}
