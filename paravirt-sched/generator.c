// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Random but plausible events of a VM, from a seed: a small model of each vCPU, of which every
 * event changes something. Integers only, so that every machine makes the same.
 */
#include <stdlib.h>
#include <string.h>

#include "pvs_replay.h"

#define MAX_VCPUS 64u
#define TICK_NS   1000000u
#define ERA       4096u /* events until what the host may do is another */

#define BUDGET_CS_NS    2000000u
#define BUDGET_BOOST_NS 500000000u

struct model {
	bool online;
	uint32_t run_state;
	uint64_t state_at, run_ns, wait_ns, boost_ns, until;
	uint32_t boost;
	uint64_t budget_cs, budget_boost;
	/* the guest's word */
	uint32_t status, class, rt_prio, pending, cs, cs_count;
	int32_t nice;
	uint64_t hint_at, cs_at, dl_runtime, dl_deadline, dl_period, next_event, ticket;
	uint32_t wait_vcpu, wait_reason;
};

struct pvs_generator {
	uint64_t random, now, next_tick, events;
	uint32_t n_vcpus, ticking; /* next vCPU of the tick under way; n_vcpus: none */
	uint32_t sources, actuators, ceiling, prio_max, cap;
	struct model vcpus[MAX_VCPUS];
};

/* ---- Randomness ----------------------------------------------------------------------------- */

#define SPREAD 0x9e3779b97f4a7c15ull

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* splitmix64: a counter, mixed. */
static uint64_t next_random(struct pvs_generator *g)
{
	return mixed(g->random += SPREAD);
}

/* 0..@n - 1 */
static uint32_t below(struct pvs_generator *g, uint32_t n)
{
	return (uint32_t)((next_random(g) >> 32) * n >> 32);
}

static bool one_in(struct pvs_generator *g, uint32_t n)
{
	return !below(g, n);
}

/* ---- The guest ------------------------------------------------------------------------------ */

static void clear_hints(struct model *m)
{
	m->class = m->rt_prio = m->pending = m->cs = m->wait_reason = 0;
	m->nice = 0;
	m->dl_runtime = m->dl_deadline = m->dl_period = m->next_event = m->ticket = 0;
	m->wait_vcpu = PVS_WAIT_NOBODY;
}

static void new_task(struct pvs_generator *g, struct model *m)
{
	static const uint8_t classes[] = {PVS_CLASS_IDLE,   PVS_CLASS_BATCH,   PVS_CLASS_NORMAL,
					  PVS_CLASS_NORMAL, PVS_CLASS_NORMAL,  PVS_CLASS_RT,
					  PVS_CLASS_RT,     PVS_CLASS_DEADLINE};

	m->class = classes[below(g, sizeof(classes))];
	m->rt_prio = m->class == PVS_CLASS_RT ? 1 + below(g, 99) : 0;
	m->nice = m->class == PVS_CLASS_NORMAL ? (int32_t)below(g, 40) - 20 : 0;
}

static void new_deadline(struct pvs_generator *g, struct model *m)
{
	m->dl_runtime = m->dl_deadline = m->dl_period = 0;
	if (one_in(g, 2))
		return;
	m->dl_period = (1u + below(g, 200)) * 250000u;
	m->dl_deadline = m->dl_period / (1 + below(g, 2));
	m->dl_runtime = m->dl_deadline / (2 + below(g, 20));
}

static void toggle_cs(struct pvs_generator *g, struct model *m)
{
	m->cs = m->cs ? 0 : 1u << below(g, 5);
	if (!m->cs)
		return;
	m->cs_count++;
	m->cs_at = g->now;
}

static void new_wait(struct pvs_generator *g, struct model *m)
{
	m->wait_vcpu = PVS_WAIT_NOBODY;
	m->wait_reason = PVS_WAIT_NONE;
	if (one_in(g, 2))
		return;
	m->wait_vcpu = below(g, g->n_vcpus);
	m->wait_reason = 1 + below(g, PVS_WAIT_MAX - 1);
}

/* The guest stores something else. */
static void change_hints(struct pvs_generator *g, struct model *m)
{
	m->hint_at = g->now;
	if (one_in(g, 100)) {
		m->status = one_in(g, 2) ? PVS_HINT_MALFORMED : PVS_HINT_TORN;
		clear_hints(m);
		return;
	}
	m->status = PVS_HINT_OK;
	switch (below(g, 8)) {
	case 0:
	case 1:
		new_task(g, m);
		break;
	case 2:
		new_deadline(g, m);
		break;
	case 3:
	case 4:
		toggle_cs(g, m);
		break;
	case 5:
		m->pending ^= 1u << below(g, 8);
		break;
	case 6:
		new_wait(g, m);
		break;
	default:
		m->next_event = one_in(g, 2) ? 0 : g->now + below(g, 10000000);
		m->ticket = one_in(g, 8) ? m->ticket + 1 : 0;
		break;
	}
}

/* ---- The host ------------------------------------------------------------------------------- */

static void set_state(struct pvs_generator *g, struct model *m, uint32_t state)
{
	m->run_state = state;
	m->state_at = g->now;
}

/* Time passes for all: who runs runs, who is boosted pays. */
static void pass(struct pvs_generator *g, uint64_t ns)
{
	g->now += ns;
	for (uint32_t i = 0; i < g->n_vcpus; i++) {
		struct model *m = &g->vcpus[i];
		uint64_t *budget = m->boost == PVS_BOOST_CS || m->boost == PVS_BOOST_IRQ
					   ? &m->budget_cs
					   : &m->budget_boost;
		const uint64_t ran = m->run_state == PVS_RUN_RUNNING ? ns : 0;

		m->run_ns += ran;
		m->wait_ns += m->run_state == PVS_RUN_PREEMPTED ? ns : 0;
		m->budget_cs += ns / 20;
		m->budget_boost += ns / 10;
		if (m->boost) {
			m->boost_ns += ran;
			*budget -= ran < *budget ? ran : *budget;
		}
		if (m->budget_cs > BUDGET_CS_NS)
			m->budget_cs = BUDGET_CS_NS;
		if (m->budget_boost > BUDGET_BOOST_NS)
			m->budget_boost = BUDGET_BOOST_NS;
		if (m->boost && ((m->until && m->until <= g->now) || !*budget))
			m->boost = PVS_BOOST_NONE;
	}
}

/* Another host: with or without privileges and sources. */
static void new_era(struct pvs_generator *g)
{
	static const uint32_t sources[] = {
		PVS_SRC_TICK | PVS_SRC_KICK,
		PVS_SRC_TICK | PVS_SRC_KICK | PVS_SRC_SCHEDSTAT,
		PVS_SRC_TICK | PVS_SRC_KICK | PVS_SRC_SCHEDSTAT | PVS_SRC_HALT | PVS_SRC_INJECT,
		0x3f,
	};
	static const uint32_t actuators[] = {0,
					     PVS_ACT_SLICE,
					     PVS_ACT_SLICE | PVS_ACT_NICE_UP | PVS_ACT_AFFINITY,
					     PVS_ACT_ALL & ~(PVS_ACT_FIFO | PVS_ACT_DEADLINE),
					     PVS_ACT_ALL,
					     PVS_ACT_ALL};

	g->sources = sources[below(g, 4)];
	g->actuators = actuators[below(g, 6)];
	g->ceiling = one_in(g, 3) ? g->actuators & ~PVS_ACT_FIFO : g->actuators;
	g->prio_max = 1 + below(g, 20);
	g->cap = 1 + below(g, g->n_vcpus);
}

struct pvs_generator *pvs_generator_create(const struct pvs_generator_config *config)
{
	const uint32_t n_vcpus = config->n_vcpus ? config->n_vcpus : 4;
	struct pvs_generator *g = n_vcpus <= MAX_VCPUS ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return NULL;
	g->random = config->seed;
	g->n_vcpus = g->ticking = n_vcpus;
	g->now = 1000000000u;
	g->next_tick = g->now + TICK_NS;
	new_era(g);
	for (uint32_t i = 0; i < n_vcpus; i++) {
		g->vcpus[i].budget_cs = BUDGET_CS_NS;
		g->vcpus[i].budget_boost = BUDGET_BOOST_NS;
		g->vcpus[i].wait_vcpu = PVS_WAIT_NOBODY;
	}
	return g;
}

void pvs_generator_destroy(struct pvs_generator *generator)
{
	free(generator);
}

/* ---- Events --------------------------------------------------------------------------------- */

static uint32_t event_of_running(struct pvs_generator *g, struct model *m)
{
	switch (below(g, 8)) {
	case 0:
		set_state(g, m, PVS_RUN_PREEMPTED);
		return PVS_EVENT_VCPU_STOP;
	case 1:
		set_state(g, m, PVS_RUN_HALTED);
		m->class = PVS_CLASS_IDLE;
		return PVS_EVENT_HALT;
	case 2:
		return PVS_EVENT_KICK;
	default:
		change_hints(g, m);
		return PVS_EVENT_HINT;
	}
}

/* Something happens to vCPU @m. */
static uint32_t event_of(struct pvs_generator *g, struct model *m)
{
	if (!m->online) {
		m->online = true;
		m->run_ns = m->wait_ns = m->boost_ns = 0;
		m->status = PVS_HINT_NONE;
		m->hint_at = g->now;
		clear_hints(m);
		set_state(g, m, PVS_RUN_UNKNOWN);
		return PVS_EVENT_INIT;
	}
	if (one_in(g, 3000)) {
		m->online = false;
		m->boost = PVS_BOOST_NONE;
		return PVS_EVENT_EXIT;
	}
	if (m->run_state == PVS_RUN_RUNNING)
		return event_of_running(g, m);
	if (one_in(g, 4))
		return PVS_EVENT_KICK;
	set_state(g, m, PVS_RUN_RUNNING);
	return PVS_EVENT_VCPU_RUN;
}

/* The next vCPU of a tick that is under way, or of one that is due; NULL: none. */
static struct model *tick_of(struct pvs_generator *g)
{
	if (g->ticking == g->n_vcpus && g->now >= g->next_tick) {
		g->ticking = 0;
		g->next_tick = g->now + TICK_NS;
	}
	while (g->ticking < g->n_vcpus) {
		struct model *m = &g->vcpus[g->ticking++];

		if (m->online)
			return m;
	}
	return NULL;
}

static struct model *next_event(struct pvs_generator *g, uint32_t *event)
{
	struct model *m = tick_of(g);

	*event = PVS_EVENT_TICK;
	if (m)
		return m;
	pass(g, 1 + below(g, 100000));
	m = &g->vcpus[below(g, g->n_vcpus)];
	*event = event_of(g, m);
	return m;
}

static uint32_t count(const struct pvs_generator *g, bool boosted)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n_vcpus; i++)
		n += boosted ? g->vcpus[i].boost != PVS_BOOST_NONE : g->vcpus[i].online;
	return n;
}

static void fill_hint(const struct pvs_generator *g, const struct model *m, struct pvs_ctx *ctx)
{
	ctx->hint_status = m->status;
	ctx->features = m->status ? 0x3ff : 0;
	ctx->hint_age_ns = g->now - m->hint_at;
	ctx->class = m->class;
	ctx->nice = m->nice;
	ctx->rt_prio = m->rt_prio;
	ctx->pending = m->pending;
	ctx->cs = m->cs;
	ctx->cs_count = m->cs_count;
	ctx->cs_age_ns = m->cs ? g->now - m->cs_at : 0;
	ctx->dl_runtime = m->dl_runtime;
	ctx->dl_deadline = m->dl_deadline;
	ctx->dl_period = m->dl_period;
	ctx->next_event = m->next_event;
	ctx->wait_vcpu = m->wait_vcpu;
	ctx->wait_reason = m->wait_reason;
	ctx->ticket = m->ticket;
}

/* What the guest has in its opaque line: not drawn, so that the events are what they would be
 * without. Now and then it has nothing there, and some words change rarely. */
static void fill_opaque(const struct model *m, struct pvs_ctx *ctx)
{
	uint64_t seed = m->hint_at ^ (uint64_t)ctx->vcpu << 56;

	if (!(ctx->features & PVS_F_OPAQUE) || m->cs_count % 8 == 7)
		return;
	for (unsigned i = 0; i < PVS_OPAQUE_WORDS; i++) {
		seed = mixed(seed + SPREAD);
		ctx->opaque[i] = i < 4 ? seed : m->cs_count >> i;
	}
}

static void fill_ctx(const struct pvs_generator *g, const struct model *m, uint32_t event,
		     struct pvs_ctx *ctx)
{
	*ctx = (struct pvs_ctx){
		.abi = PVS_POLICY_ABI,
		.event = event,
		.now_ns = g->now,
		.vcpu = (uint32_t)(m - g->vcpus),
		.n_vcpus = g->n_vcpus,
		.n_online = count(g, false),
		.sources = g->sources,
		.actuators = g->actuators,
		.run_state = m->run_state,
		.boost = m->boost,
		.run_ns = m->run_ns,
		.wait_ns = m->wait_ns,
		.boost_ns = m->boost_ns,
		.state_ns = g->now - m->state_at,
		.budget_cs = m->budget_cs,
		.budget_boost = m->budget_boost,
		.vm_boosted = count(g, true),
		.vm_cap = g->cap,
		.ceiling = g->ceiling,
		.prio_max = g->prio_max,
		.held = m->run_state == PVS_RUN_PREEMPTED && m->cs_count % 3 == 1 ? PVS_HELD_VMM
										  : 0,
		.tick_ns = TICK_NS,
	};
	fill_hint(g, m, ctx);
	fill_opaque(m, ctx);
}

/* What the policy decided is in effect, within cap and budget. */
static void put_into_effect(struct pvs_generator *g, struct pvs_record_decision *d)
{
	const struct pvs_decision *out = &d->ctx.out;
	struct model *m;

	if (d->ctx.event == PVS_EVENT_EXIT || d->verdict == PVS_KEEP)
		return;
	if (d->verdict < 0 || out->target >= g->n_vcpus || out->boost >= PVS_BOOST_MAX) {
		d->reject = PVS_REJECT_POLICY;
		return;
	}
	m = &g->vcpus[out->target];
	if (d->verdict == PVS_APPLY && out->boost && !m->boost && count(g, true) >= g->cap) {
		d->reject = PVS_REJECT_CONCURRENT;
		return;
	}
	m->boost = d->verdict == PVS_APPLY ? out->boost : PVS_BOOST_NONE;
	m->until = out->hold_ns ? g->now + out->hold_ns : 0;
	d->applied = d->verdict == PVS_APPLY ? out->set : 0;
}

void pvs_generator_next(struct pvs_generator *g, struct pvs_policy *policy,
			struct pvs_record_entry *entry)
{
	struct pvs_record_decision *decision = &entry->decision;
	uint32_t event;
	struct model *m;

	if (++g->events % ERA == 0)
		new_era(g);
	m = next_event(g, &event);
	memset(entry, 0, sizeof(*entry));
	entry->kind = PVS_RECORD_DECISION;
	entry->size = sizeof(*decision);
	entry->ns = g->now;
	fill_ctx(g, m, event, &decision->ctx);
	decision->verdict = pvs_policy_run(policy, &decision->ctx);
	put_into_effect(g, decision);
}
