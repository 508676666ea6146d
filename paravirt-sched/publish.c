/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The host's page of a vCPU. Only what changed is stored, and what was stored is remembered here:
 * where the pages lie in guest RAM, a guest may overwrite them, and would harm only itself.
 */
#include <string.h>

#include "vm.h"

#define FIELD_DIRTY(vm, v, first, last)                          \
	mark_dirty(vm, v, offsetof(struct pvs_host_page, first), \
		   offsetof(struct pvs_host_page, last) +        \
			   sizeof(((struct pvs_host_page *)0)->last))

static void store64(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void store32(__u32 *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void mark_dirty(struct pvs_vm *vm, const struct pvs_vcpu *v, size_t from, size_t to)
{
	if (vm->ops && vm->ops->host_dirty)
		vm->ops->host_dirty(vm->opaque,
				    (size_t)v->index * sizeof(struct pvs_host_page) + from,
				    to - from);
}

static void notify(struct pvs_vm *vm, const struct pvs_vcpu *v, uint32_t what)
{
	if (v->hint.notify & what && vm->n_vectors > 1 && vm->ops && vm->ops->notify)
		vm->ops->notify(vm->opaque, 1 + v->index % (vm->n_vectors - 1));
}

static uint64_t state_flags(const struct pvs_vm *vm, const struct pvs_vcpu *v)
{
	uint64_t flags = 0;

	if (v->present)
		flags |= PVS_STATE_PRESENT;
	if (!(vm->features & PVS_F_STATE))
		return flags;
	if (v->cs.throttled || v->boost.throttled)
		flags |= PVS_STATE_THROTTLED;
	if (vm->sources & PVS_SRC_SWITCH && v->run_state != PVS_RUN_UNKNOWN)
		flags |= PVS_STATE_EXACT;
	if (v->effect.set & PVS_SET_YIELD)
		flags |= PVS_STATE_YIELD;
	return flags;
}

static void show_state(struct pvs_vm *vm, struct pvs_vcpu *v, struct pvs_host_page *page)
{
	uint64_t state = state_flags(vm, v) << PVS_STATE_FLAGS_SHIFT;

	if (vm->features & PVS_F_STATE)
		state |= (uint64_t)v->run_state | (uint64_t)v->effect.boost
							  << PVS_STATE_BOOST_SHIFT;
	if (state == v->shown.state)
		return;
	v->shown.state = state;
	v->shown.generation++;
	store64(&page->state, state | (uint64_t)v->shown.generation << PVS_STATE_GEN_SHIFT);
	FIELD_DIRTY(vm, v, state, state);
}

static bool times_same(const struct pvs_vm *vm, const struct pvs_vcpu *v)
{
	const struct pvs_shown *s = &v->shown;

	return s->sources == vm->sources && s->run_ns == v->run_ns && s->steal_ns == v->wait_ns &&
	       s->last_in == v->last_in && s->last_out == v->last_out && s->boost_ns == v->boost_ns;
}

/* Line 1 under its seqlock. */
static void show_times(struct pvs_vm *vm, struct pvs_vcpu *v, struct pvs_host_page *page,
		       uint64_t now)
{
	struct pvs_shown *s = &v->shown;

	if (times_same(vm, v))
		return;
	s->sources = vm->sources;
	s->run_ns = v->run_ns;
	s->steal_ns = v->wait_ns;
	s->last_in = v->last_in;
	s->last_out = v->last_out;
	s->boost_ns = v->boost_ns;
	__atomic_store_n(&page->seq, s->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&page->sources, s->sources, __ATOMIC_RELAXED);
	__atomic_store_n(&page->run_ns, s->run_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&page->steal_ns, s->steal_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&page->last_in, s->last_in, __ATOMIC_RELAXED);
	__atomic_store_n(&page->last_out, s->last_out, __ATOMIC_RELAXED);
	__atomic_store_n(&page->host_ns, now, __ATOMIC_RELAXED);
	__atomic_store_n(&page->boost_ns, s->boost_ns, __ATOMIC_RELAXED);
	s->seq += 2;
	store32(&page->seq, s->seq);
	FIELD_DIRTY(vm, v, seq, boost_ns);
}

/* Did @vcpu get @cpu last, and none since? */
static bool is_on(const struct pvs_vm *vm, uint32_t vcpu, uint32_t cpu)
{
	return vm->vcpus[vcpu].present && vm->vcpus[vcpu].cpu == cpu + 1;
}

/* Another vCPU of the VM on the same core, + 1; 0: none, as far as is known. */
static uint32_t sibling_of(const struct pvs_vm *vm, const struct pvs_vcpu *v)
{
	const uint32_t cpu = v->cpu - 1;

	if (!v->cpu)
		return 0;
	for (uint32_t next = pvs_cores_next(vm->cores, cpu); next != cpu;
	     next = pvs_cores_next(vm->cores, next)) {
		const uint32_t other = pvs_cores_vcpu(vm->cores, next);

		if (other && is_on(vm, other - 1, next))
			return other;
	}
	return 0;
}

static void show_capacity(struct pvs_vm *vm, struct pvs_vcpu *v, struct pvs_host_page *page)
{
	const uint64_t word = (uint64_t)v->capacity | (uint64_t)v->avoid << 16 |
			      (uint64_t)v->cpu << 24 | (uint64_t)sibling_of(vm, v) << 40;
	const bool other = (word ^ v->shown.capacity) & 0xffffffu;

	if (word == v->shown.capacity)
		return;
	v->shown.capacity = word;
	store64(&page->capacity, word);
	FIELD_DIRTY(vm, v, capacity, capacity);
	if (other)
		notify(vm, v, PVS_NOTIFY_CAPACITY);
}

/* Line 3, the ticket last: who sees it answered sees the answer. */
static void show_decision(struct pvs_vm *vm, struct pvs_vcpu *v, struct pvs_host_page *page)
{
	struct pvs_shown *s = &v->shown;
	const uint64_t cs = v->cs.bucket.level_ns, boost = v->boost.bucket.level_ns;

	if (s->decision == v->decision && s->reject == v->reject && s->ring_tail == v->ring.tail &&
	    s->budget_cs == cs && s->budget_boost == boost && s->ticket == v->ticket)
		return;
	store64(&page->decision, v->decision);
	store32(&page->reject, v->reject);
	store32(&page->ring_tail, v->ring.tail);
	store64(&page->budget_cs, cs);
	store64(&page->budget_boost, boost);
	store64(&page->ticket, v->ticket);
	FIELD_DIRTY(vm, v, decision, budget_boost);
	if (s->ticket != v->ticket)
		notify(vm, v, PVS_NOTIFY_TICKET);
	s->decision = v->decision;
	s->reject = v->reject;
	s->ring_tail = v->ring.tail;
	s->budget_cs = cs;
	s->budget_boost = boost;
	s->ticket = v->ticket;
}

static void tell(const struct pvs_vm *vm, const struct pvs_vcpu *v)
{
	if (vm->tell)
		vm->tell(vm->tell_opaque, v->index);
}

static void show(struct pvs_vm *vm, struct pvs_vcpu *v, struct pvs_host_page *page, uint64_t now)
{
	show_state(vm, v, page);
	if (!vm->features)
		return;
	if (vm->features & PVS_F_STATE)
		show_times(vm, v, page, now);
	if (vm->features & PVS_F_CAPACITY)
		show_capacity(vm, v, page);
	show_decision(vm, v, page);
}

void pvs_publish(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now)
{
	tell(vm, v);
	if (!vm->host || !pvs_pages_enter(vm))
		return;
	show(vm, v, &vm->host[v->index], now);
	pvs_pages_leave(vm);
}

static void show_nothing(struct pvs_vm *vm, struct pvs_vcpu *v, struct pvs_host_page *page)
{
	store32(&page->sources, 0);
	store64(&page->run_ns, 0);
	store64(&page->steal_ns, 0);
	store64(&page->last_in, 0);
	store64(&page->last_out, 0);
	store64(&page->host_ns, 0);
	store64(&page->boost_ns, 0);
	store32(&page->seq, 0);
	store64(&page->capacity, 0);
	store64(&page->decision, 0);
	store64(&page->ticket, 0);
	store32(&page->reject, 0);
	store32(&page->ring_tail, 0);
	store64(&page->budget_cs, 0);
	store64(&page->budget_boost, 0);
	mark_dirty(vm, v, 0, sizeof(*page));
	show_state(vm, v, page);
}

void pvs_publish_clear(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	const uint32_t generation = v->shown.generation;

	tell(vm, v);
	v->shown = (struct pvs_shown){.generation = generation, .state = UINT64_MAX};
	if (!vm->host || !pvs_pages_enter(vm))
		return;
	show_nothing(vm, v, &vm->host[v->index]);
	pvs_pages_leave(vm);
}

void pvs_publish_again(struct pvs_vm *vm, struct pvs_vcpu *v)
{
	const struct pvs_shown last = v->shown;

	/* Values that nothing has, so that each is written; counters go on. */
	memset(&v->shown, 0xff, sizeof(v->shown));
	v->shown.generation = last.generation;
	v->shown.seq = last.seq;
	v->shown.ticket = v->ticket;
}
