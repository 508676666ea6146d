// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Replay: each recorded context is given to a policy again, in order, and its answer is compared
 * with the recorded one. What either would have in effect is followed for each vCPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pvs_replay.h"

/* What is in effect on a vCPU by one side's decisions. */
struct effect {
	uint32_t boost;
	uint64_t since;
	uint64_t until; /* 0: open */
	uint64_t ns[PVS_BOOST_MAX];
};

struct vcpu {
	uint32_t vm, vcpu;
	struct effect before, after;
};

struct pvs_replay {
	struct pvs_policy *policy;
	struct pvs_replay_options options;
	struct pvs_replay_summary summary;
	uint64_t first_ns, last_ns, diffs;
	struct vcpu *vcpus;
	uint32_t n_vcpus;
};

int pvs_replay_create(struct pvs_policy *policy, const struct pvs_replay_options *options,
		      struct pvs_replay **replay)
{
	struct pvs_replay *made = calloc(1, sizeof(*made));

	*replay = made;
	if (!made)
		return -ENOMEM;
	made->policy = pvs_policy_get(policy);
	if (options)
		made->options = *options;
	return 0;
}

void pvs_replay_destroy(struct pvs_replay *replay)
{
	if (!replay)
		return;
	pvs_policy_put(replay->policy);
	free(replay->vcpus);
	free(replay);
}

/* ---- vCPUs and what is in effect on them ---------------------------------------------------- */

static struct vcpu *find(const struct pvs_replay *replay, uint32_t vm, uint32_t vcpu)
{
	for (uint32_t i = 0; i < replay->n_vcpus; i++) {
		if (replay->vcpus[i].vm == vm && replay->vcpus[i].vcpu == vcpu)
			return &replay->vcpus[i];
	}
	return NULL;
}

/* -ENOMEM. */
static int add_vcpu(struct pvs_replay *replay, uint32_t vm, uint32_t vcpu)
{
	struct vcpu *grown;

	if (find(replay, vm, vcpu))
		return 0;
	grown = reallocarray(replay->vcpus, replay->n_vcpus + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	replay->vcpus = grown;
	grown[replay->n_vcpus++] = (struct vcpu){.vm = vm, .vcpu = vcpu};
	return 0;
}

static void effect_advance(struct effect *effect, uint64_t now)
{
	const bool over = effect->until && effect->until <= now;
	const uint64_t end = over ? effect->until : now;

	if (effect->boost && end > effect->since)
		effect->ns[effect->boost] += end - effect->since;
	effect->since = now > effect->since ? now : effect->since;
	if (over) {
		effect->boost = PVS_BOOST_NONE;
		effect->until = 0;
	}
}

static void effect_set(struct effect *effect, uint32_t boost, uint64_t hold_ns, uint64_t now)
{
	effect_advance(effect, now);
	effect->boost = boost < PVS_BOOST_MAX ? boost : PVS_BOOST_NONE;
	effect->until = effect->boost && hold_ns ? now + hold_ns : 0;
}

/* How many vCPUs of @vm @replay's own decisions have boosted. */
static uint32_t boosted(const struct pvs_replay *replay, uint32_t vm)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < replay->n_vcpus; i++)
		n += replay->vcpus[i].vm == vm && replay->vcpus[i].after.boost;
	return n;
}

static void follow(struct effect *effect, int32_t verdict, const struct pvs_decision *out,
		   bool granted, uint64_t now)
{
	if (verdict == PVS_APPLY && granted)
		effect_set(effect, out->boost, out->hold_ns, now);
	else if (verdict == PVS_BASELINE || verdict < 0)
		effect_set(effect, PVS_BOOST_NONE, 0, now);
}

/* ---- Decisions ------------------------------------------------------------------------------ */

static void count(struct pvs_replay_side *side, int32_t verdict, const struct pvs_ctx *ctx)
{
	side->keep += verdict == PVS_KEEP;
	side->baseline += verdict == PVS_BASELINE;
	side->faults += verdict < 0 || verdict > PVS_BASELINE;
	if (verdict != PVS_APPLY)
		return;
	side->apply++;
	if (ctx->out.boost < PVS_BOOST_MAX)
		side->by_boost[ctx->out.boost]++;
	if (ctx->class < PVS_CLASS_MAX)
		side->by_class[ctx->class]++;
}

static void compare(struct pvs_replay *replay, const struct pvs_record_decision *recorded,
		    const struct pvs_ctx *ctx, int32_t verdict, uint32_t vm)
{
	struct pvs_replay_summary *sum = &replay->summary;
	const struct pvs_replay_diff diff = {
		.number = sum->decisions,
		.vm = vm,
		.verdict_before = recorded->verdict,
		.verdict_after = verdict,
		.before = &recorded->ctx,
		.after = ctx,
	};

	if (pvs_answer_equal(recorded->verdict, &recorded->ctx.out, verdict, &ctx->out)) {
		sum->equal++;
		return;
	}
	if (recorded->verdict != verdict)
		sum->verdicts_differ++;
	else
		sum->decisions_differ++;
	if (replay->options.diff && replay->diffs < replay->options.max_diffs) {
		replay->diffs++;
		replay->options.diff(replay->options.opaque, &diff);
	}
}

/* -ENOMEM. All effects are brought to the decision's time. */
static int meet_vcpus(struct pvs_replay *replay, const struct pvs_ctx *ctx, uint32_t vm)
{
	int ret = add_vcpu(replay, vm, ctx->vcpu);

	for (uint32_t i = 0; i < replay->n_vcpus; i++) {
		effect_advance(&replay->vcpus[i].before, ctx->now_ns);
		effect_advance(&replay->vcpus[i].after, ctx->now_ns);
	}
	return ret;
}

static void follow_both(struct pvs_replay *replay, const struct pvs_record_decision *recorded,
			const struct pvs_ctx *ctx, int32_t verdict, uint32_t vm)
{
	struct vcpu *before = find(replay, vm, recorded->ctx.out.target);
	struct vcpu *after = find(replay, vm, ctx->out.target);

	if (before)
		follow(&before->before, recorded->verdict, &recorded->ctx.out,
		       !recorded->reject || recorded->applied, ctx->now_ns);
	if (after)
		follow(&after->after, verdict, &ctx->out,
		       after->after.boost || boosted(replay, vm) < ctx->vm_cap, ctx->now_ns);
}

static int decide(struct pvs_replay *replay, const struct pvs_record_decision *recorded,
		  uint32_t vm)
{
	struct pvs_ctx ctx = recorded->ctx;
	int32_t verdict;
	int ret = meet_vcpus(replay, &ctx, vm);

	if (!ret && ctx.out.target < ctx.n_vcpus)
		ret = add_vcpu(replay, vm, ctx.out.target);
	if (ret)
		return ret;
	if (replay->options.what_if) {
		ctx.boost = find(replay, vm, ctx.vcpu)->after.boost;
		ctx.vm_boosted = boosted(replay, vm);
	}
	verdict = pvs_policy_run(replay->policy, &ctx);
	if (ctx.out.target < ctx.n_vcpus)
		ret = add_vcpu(replay, vm, ctx.out.target);
	count(&replay->summary.before, recorded->verdict, &recorded->ctx);
	count(&replay->summary.after, verdict, &ctx);
	compare(replay, recorded, &ctx, verdict, vm);
	follow_both(replay, recorded, &ctx, verdict, vm);
	if (!replay->summary.decisions++)
		replay->first_ns = ctx.now_ns;
	replay->last_ns = ctx.now_ns;
	return ret;
}

int pvs_replay_entry(struct pvs_replay *replay, const struct pvs_record_entry *entry)
{
	switch (entry->kind) {
	case PVS_RECORD_DECISION:
		return decide(replay, &entry->decision, entry->vm);
	case PVS_RECORD_POLICY:
		replay->summary.policies++;
		return 0;
	case PVS_RECORD_END:
		replay->summary.lost += entry->lost;
		return 0;
	case PVS_RECORD_FULL:
		replay->summary.limit = entry->limit;
		return 0;
	default:
		return 0;
	}
}

static int replay_one(void *opaque, const struct pvs_record_entry *entry)
{
	return pvs_replay_entry(opaque, entry);
}

int pvs_replay_file(struct pvs_replay *replay, const char *path, struct pvs_log *log)
{
	const int64_t ret = pvs_record_read(path, replay_one, replay, log);

	return ret < 0 ? (int)ret : 0;
}

/* ---- What came of it ------------------------------------------------------------------------ */

void pvs_replay_summary(const struct pvs_replay *replay, struct pvs_replay_summary *summary)
{
	*summary = replay->summary;
	if (replay->last_ns > replay->first_ns)
		summary->duration_ns = replay->last_ns - replay->first_ns;
}

int pvs_replay_vcpu(const struct pvs_replay *replay, uint32_t i, struct pvs_replay_vcpu *vcpu)
{
	const struct vcpu *seen;

	if (i >= replay->n_vcpus)
		return -ENOENT;
	seen = &replay->vcpus[i];
	*vcpu = (struct pvs_replay_vcpu){.vm = seen->vm, .vcpu = seen->vcpu};
	memcpy(vcpu->before_ns, seen->before.ns, sizeof(vcpu->before_ns));
	memcpy(vcpu->after_ns, seen->after.ns, sizeof(vcpu->after_ns));
	return 0;
}
