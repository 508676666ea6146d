// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "bad_guest.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_double.h"
#include "vm.h"

#define VCPUS       3u
#define MAX_STEPS   4000u
#define MAX_STEP_NS 4000000u /* time that passes at once, at most */
#define FIRST_TID   0x8000000

#define CEILING  (PVS_ACT_ALL & ~PVS_ACT_AFFINITY)
#define NICE_MIN (-10)
#define PRIO_MAX 7u
#define CAP      2u

struct thread {
	struct script *script;
	struct pvs_sched sched; /* set 0: baseline */
	uint32_t vcpu;
	bool captured;
};

struct script {
	const uint8_t *data;
	size_t left;
	struct pvs_guest_page *guest;
	struct pvs_host_page *host;
	struct pvs_vm *vm;
	struct pvs_policy policy;
	struct thread threads[VCPUS];
	uint64_t now, began, fails;
	uint64_t boosted[VCPUS]; /* time with more than the baseline that costs */
	const char *broken;
};

static char message[200];

static void broken(struct script *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void broken(struct script *s, const char *fmt, ...)
{
	va_list args;

	if (s->broken)
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	s->broken = message;
}

static uint64_t take(struct script *s, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		value = value << 8 | (s->left ? *s->data : 0);
		if (s->left) {
			s->data++;
			s->left--;
		}
	}
	return value;
}

/* ---- An actuator that judges what it is asked ------------------------------------------------ */

static uint32_t check_probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	return wanted;
}

static int check_capture(void *opaque, pid_t tid, void **thread)
{
	struct script *s = opaque;
	struct thread *t = &s->threads[tid - FIRST_TID];

	if (t->captured)
		broken(s, "thread %d is captured twice", (int)tid);
	*t = (struct thread){.script = s, .vcpu = (uint32_t)(tid - FIRST_TID), .captured = true};
	*thread = t;
	return 0;
}

static bool sched_ok(const struct pvs_sched *s)
{
	const uint32_t allowed =
		PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_FIFO | PVS_SET_DEADLINE | PVS_SET_WEIGHT;

	if (!s->set || s->set & ~allowed)
		return false;
	if (s->set & PVS_SET_NICE && (s->nice < NICE_MIN || s->nice > 19))
		return false;
	if (s->set & PVS_SET_SLICE && (s->slice_ns < 100000 || s->slice_ns > 100000000))
		return false;
	if (s->set & PVS_SET_FIFO && (s->prio < 1 || s->prio > PRIO_MAX))
		return false;
	if (s->set & PVS_SET_WEIGHT && (s->weight < 1 || s->weight > 10000))
		return false;
	return !(s->set & PVS_SET_DEADLINE) ||
	       (s->dl_runtime >= 1024 && s->dl_runtime <= s->dl_deadline &&
		s->dl_deadline <= s->dl_period && !(s->dl_period >> 63));
}

/* Does it take from others? */
static bool costs(const struct pvs_sched *s)
{
	return s->set & (PVS_SET_FIFO | PVS_SET_DEADLINE) ||
	       (s->set & PVS_SET_NICE && s->nice < 0) ||
	       (s->set & PVS_SET_WEIGHT && s->weight > 100);
}

static int check_apply(void *opaque, void *thread, const struct pvs_sched *sched)
{
	struct script *s = opaque;
	struct thread *t = thread;

	if (!sched_ok(sched))
		broken(s, "vCPU %u: out of range: set 0x%x nice %d prio %u slice %llu weight %u",
		       t->vcpu, sched->set, sched->nice, sched->prio,
		       (unsigned long long)sched->slice_ns, sched->weight);
	if (s->fails && s->fails-- == 1)
		return -1;
	t->sched = *sched;
	return 0;
}

static void check_restore(void *opaque, void *thread)
{
	struct thread *t = thread;

	memset(&t->sched, 0, sizeof(t->sched));
}

static void check_release(void *opaque, void *thread)
{
	struct thread *t = thread;

	check_restore(opaque, thread);
	t->captured = false;
}

static const struct pvs_actuator_ops check_ops = {
	.probe = check_probe,
	.capture = check_capture,
	.apply = check_apply,
	.restore = check_restore,
	.release = check_release,
};

/* ---- A policy out of the script -------------------------------------------------------------- */

/* Half of the wishes are near what is possible. */
static void wish(struct script *s, struct pvs_decision *d)
{
	d->set = (uint32_t)take(s, 2) & 0x7ff;
	d->boost = (uint32_t)take(s, 1) % (PVS_BOOST_MAX + 1);
	d->target = (uint32_t)take(s, 1) % (VCPUS + 1);
	d->nice = (int8_t)take(s, 1) / 4;
	d->slice_ns = take(s, 4);
	d->prio = (uint32_t)take(s, 1) % 102;
	d->weight = (uint32_t)take(s, 2);
	d->dl_runtime = take(s, 2);
	d->dl_deadline = d->dl_runtime + (int8_t)take(s, 1);
	d->dl_period = d->dl_deadline + (int8_t)take(s, 1);
	d->affinity = take(s, 1);
	d->capacity = (uint32_t)take(s, 2) % 1100;
	d->avoid = (uint32_t)take(s, 2) % 300;
	d->hold_ns = take(s, 1) << (take(s, 1) % 64);
	d->opaque[0] = d->slice_ns;
}

static int decide(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	struct script *s = (struct script *)((char *)policy - offsetof(struct script, policy));
	const uint8_t how = (uint8_t)take(s, 1);

	if (ctx->vcpu >= VCPUS || ctx->class >= PVS_CLASS_MAX || ctx->nice < -20 ||
	    ctx->nice > 19 || ctx->rt_prio > 99 || ctx->pending & ~PVS_PENDING_ALL ||
	    ctx->cs & ~PVS_CS_ALL || ctx->wait_reason >= PVS_WAIT_MAX ||
	    (ctx->wait_vcpu >= VCPUS && ctx->wait_vcpu != PVS_WAIT_NOBODY) ||
	    ctx->dl_runtime > ctx->dl_deadline || ctx->dl_deadline > ctx->dl_period)
		broken(s, "the policy of vCPU %u is told what the guest may not say", ctx->vcpu);
	if (how & 0x80) {
		wish(s, &ctx->out);
		return PVS_APPLY;
	}
	if (how & 0x40) {
		ctx->out = (struct pvs_decision){.set = PVS_SET_NICE,
						 .nice = -5,
						 .boost = 1 + how % (PVS_BOOST_MAX - 1),
						 .target = ctx->vcpu};
		return PVS_APPLY;
	}
	if (how & 0x20)
		return PVS_BASELINE;
	return how == 1 ? -5 : PVS_KEEP;
}

/* ---- The guest ------------------------------------------------------------------------------ */

/* Anything, anywhere in its page. */
static void scribble(struct script *s)
{
	unsigned char *page = (unsigned char *)&s->guest[take(s, 1) % (VCPUS + PVS_OPAQUE_PAGES)];
	const size_t at = take(s, 2) % PVS_PAGE_STRIDE;
	size_t n = take(s, 1) % 32;

	for (size_t i = 0; i < n && at + i < PVS_PAGE_STRIDE; i++)
		page[at + i] = (unsigned char)take(s, 1);
}

/* Words of the page's lines, so that not every script has to find them. */
static void hint_word(struct script *s)
{
	struct pvs_guest_page *page = &s->guest[take(s, 1) % VCPUS];
	static const size_t words[] = {
		offsetof(struct pvs_guest_page, intent),
		offsetof(struct pvs_guest_page, cs),
		offsetof(struct pvs_guest_page, seq),
		offsetof(struct pvs_guest_page, dl_deadline),
		offsetof(struct pvs_guest_page, wait),
		offsetof(struct pvs_guest_page, ticket),
		offsetof(struct pvs_guest_page, notify),
		offsetof(struct pvs_guest_page, ring_head),
	};
	const uint64_t value = take(s, 8);

	memcpy((char *)page + words[take(s, 1) % 8], &value, sizeof(value));
}

static void good_hint(struct script *s)
{
	struct pvs_guest_page *page = &s->guest[take(s, 1) % VCPUS];

	memset(page, 0, offsetof(struct pvs_guest_page, ring));
	pvs_guest_set_intent(page, (enum pvs_class)(take(s, 1) % PVS_CLASS_MAX),
			     (int)(take(s, 1) % 40) - 20, (unsigned)(take(s, 1) % 100),
			     (unsigned)take(s, 1));
}

static void plug(struct script *s)
{
	const uint32_t vcpu = (uint32_t)take(s, 1) % VCPUS;

	if (pvs_vm_vcpu_add(s->vm, vcpu, FIRST_TID + (int)vcpu, NULL))
		pvs_vm_vcpu_remove(s->vm, vcpu);
}

static void expect_baseline(struct script *s, const char *when)
{
	for (uint32_t v = 0; v < VCPUS; v++)
		if (s->threads[v].sched.set)
			broken(s, "vCPU %u does not have its baseline after %s", v, when);
	if (pvs_vm_boosted(s->vm))
		broken(s, "%u are boosted after %s", pvs_vm_boosted(s->vm), when);
}

static void negotiate(struct script *s)
{
	pvs_vm_negotiated(s->vm, 0, s->now);
	expect_baseline(s, "a reset");
	for (uint32_t v = 0; v < VCPUS; v++)
		if (s->host[v].state >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_FLAGS_MASK & ~1u)
			broken(s, "vCPU %u's page shows more than PRESENT", v);
	pvs_vm_negotiated(s->vm, take(s, 2) & 0x3ff, s->now);
}

/* Time passes as the loop lets it pass: ends of boosts and ticks come when they are asked for. */
static void pass(struct script *s, uint64_t ns)
{
	const uint64_t until = s->now + ns;
	uint64_t next = pvs_vm_expire(s->vm, s->now);

	for (;;) {
		const uint64_t step_to = next < until ? next : until;

		if (step_to < s->now) {
			broken(s, "asked for a time that is over");
			return;
		}
		for (uint32_t v = 0; v < VCPUS; v++)
			if (costs(&s->threads[v].sched) &&
			    s->vm->vcpus[v].run_state != PVS_RUN_HALTED)
				s->boosted[v] += step_to - s->now;
		s->now = step_to;
		pvs_heard(s->vm, s->now); /* as the loop does before others have their say */
		if (next > until)
			return;
		next = s->vm->next_tick <= s->now ? pvs_vm_tick(s->vm, s->now)
						  : pvs_vm_expire(s->vm, s->now);
		if (next <= s->now && next == step_to && s->now == until)
			return;
	}
}

static void step(struct script *s)
{
	switch (take(s, 1) % 16) {
	case 0:
		scribble(s);
		break;
	case 1:
		hint_word(s);
		break;
	case 2:
		good_hint(s);
		break;
	case 3:
		negotiate(s);
		break;
	case 4:
		plug(s);
		break;
	case 5:
		pvs_vm_doorbell(s->vm, (uint32_t)take(s, 1) % (VCPUS + 1), s->now);
		break;
	case 6:
		s->fails = take(s, 1) % 4;
		break;
	case 7:
		pvs_vm_set_policy(s->vm, take(s, 1) & 3 ? &s->policy : NULL, take(s, 1) & 1,
				  s->now);
		break;
	case 8:
		pvs_vm_set_clock_offset(s->vm, (int64_t)take(s, 8));
		break;
	case 9:
		pvs_vm_set_pages(s->vm, take(s, 1) & 7 ? s->guest : NULL, s->host,
				 pvs_vm_pages_grant(s->vm));
		break;
	case 10:
	case 11:
		pass(s, take(s, 4) % MAX_STEP_NS);
		break;
	default:
		pvs_vm_event(s->vm, (uint32_t)take(s, 1) % (VCPUS + 1),
			     (enum pvs_event)(take(s, 1) % (PVS_EVENT_MAX + 1)), s->now);
		break;
	}
}

/* What a vCPU had of both budgets: what they hold, what came back, and no more. Without anybody who
 * says when it runs, all time with a boost is charged unless it is halted. */
static void check_budgets(struct script *s)
{
	const struct pvs_limits *l = &s->vm->limits;
	const uint64_t passed = s->now - s->began;
	const uint64_t most = l->cs_budget_ns + l->boost_budget_ns +
			      passed * (l->cs_refill_ppm + l->boost_refill_ppm) / 1000000 + 4;

	for (uint32_t v = 0; v < VCPUS; v++)
		if (s->boosted[v] > most)
			broken(s, "vCPU %u was boosted for %llu ns, %llu are allowed", v,
			       (unsigned long long)s->boosted[v], (unsigned long long)most);
	if (pvs_vm_boosted(s->vm) > CAP)
		broken(s, "%u are boosted, %u may be", pvs_vm_boosted(s->vm), CAP);
}

static void *zeroed(size_t size)
{
	void *p = aligned_alloc(PVS_PAGE_STRIDE, size);

	if (!p)
		abort();
	return memset(p, 0, size);
}

static void begin(struct script *s)
{
	const struct pvs_vm_config config = {
		.name = "bad",
		.n_vcpus = VCPUS,
		.n_vectors = 2,
		.guest = s->guest,
		.host = s->host,
		.limits = {.cs_budget_ns = 1000000,
			   .boost_budget_ns = 5000000,
			   .max_boosted = CAP,
			   .ceiling = CEILING,
			   .prio_max = PRIO_MAX,
			   .nice_min = NICE_MIN,
			   .has_nice_min = true},
		.actuator = {.ops = &check_ops, .opaque = s},
	};

	if (pvs_vm_create(&config, &s->vm, NULL))
		abort();
	s->began = s->now;
	pvs_vm_expire(s->vm, s->now);
	s->policy.callbacks = PVS_DOUBLE_ALL;
	s->policy.run = decide;
	for (uint32_t v = 0; v < VCPUS; v++)
		pvs_vm_vcpu_add(s->vm, v, FIRST_TID + (int)v, NULL);
	pvs_vm_set_policy(s->vm, &s->policy, false, s->now);
	pvs_vm_negotiated(s->vm, 0x3ff, s->now);
}

const char *bad_guest_run(const uint8_t *data, size_t size)
{
	struct script s = {.data = data, .left = size, .now = 1000000000};

	s.guest = zeroed((VCPUS + PVS_OPAQUE_PAGES) * sizeof(*s.guest));
	s.host = zeroed((VCPUS + PVS_OPAQUE_PAGES) * sizeof(*s.host));
	begin(&s);
	for (unsigned i = 0; i < MAX_STEPS && s.left && !s.broken; i++) {
		step(&s);
		check_budgets(&s);
	}
	pvs_vm_negotiated(s.vm, 0, s.now);
	expect_baseline(&s, "the end");
	pvs_vm_destroy(s.vm);
	for (uint32_t v = 0; v < VCPUS; v++)
		if (s.threads[v].captured || s.threads[v].sched.set)
			broken(&s, "vCPU %u is not let go of", v);
	if (s.policy.refs)
		broken(&s, "the policy has %d references left", s.policy.refs);
	free(s.guest);
	free(s.host);
	return s.broken;
}
