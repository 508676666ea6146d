// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Replay of decisions, generated events, and that every engine decides the same. */
#include "policy_fixture.h"

#include <bpf_engine.h>
#include <errno.h>
#include <pvs_replay.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000ull

/* ---- Decisions compared --------------------------------------------------------------------- */

static void fields_that_differ(void **state)
{
	const struct pvs_decision a = {.set = 1, .nice = -5, .slice_ns = 7000000000};
	const struct pvs_decision b = {
		.set = 0xffffffff, .nice = 3, .slice_ns = 7000000000, .hold_ns = 9};
	struct pvs_field_diff diffs[PVS_MAX_FIELD_DIFFS];

	assert_int_equal(pvs_decision_diff(&a, &a, diffs), 0);
	assert_int_equal(pvs_decision_diff(&a, &b, diffs), 3);
	assert_string_equal(diffs[0].name, "set");
	assert_int_equal(diffs[0].before, 1);
	assert_int_equal(diffs[0].after, 0xffffffff);
	assert_string_equal(diffs[1].name, "nice");
	assert_int_equal(diffs[1].before, -5);
	assert_int_equal(diffs[1].after, 3);
	assert_string_equal(diffs[2].name, "hold_ns");
}

/* Every byte of a decision is a field of the comparison. */
static void no_byte_is_forgotten(void **state)
{
	struct pvs_field_diff diffs[PVS_MAX_FIELD_DIFFS];

	for (size_t i = 0; i < sizeof(struct pvs_decision); i++) {
		struct pvs_decision a = {0}, b = {0};

		((uint8_t *)&b)[i] = 1;
		assert_int_equal(pvs_decision_diff(&a, &b, diffs), 1);
	}
}

static void answers(void **state)
{
	const struct pvs_decision a = {.set = 1}, b = {.set = 2}, c = {.target = 1};

	assert_true(pvs_answer_equal(PVS_KEEP, &a, PVS_KEEP, &b));
	assert_false(pvs_answer_equal(PVS_APPLY, &a, PVS_APPLY, &b));
	assert_true(pvs_answer_equal(PVS_BASELINE, &a, PVS_BASELINE, &b));
	assert_false(pvs_answer_equal(PVS_BASELINE, &a, PVS_BASELINE, &c));
	assert_false(pvs_answer_equal(PVS_KEEP, &a, PVS_BASELINE, &a));
}

/* Words for the guest are part of every answer that has the flag. */
static void answers_with_words(void **state)
{
	const struct pvs_decision none = {.opaque = {1}}, other = {.opaque = {2}};
	const struct pvs_decision a = {.set = PVS_SET_OPAQUE, .opaque = {[7] = 1}};
	const struct pvs_decision b = {.set = PVS_SET_OPAQUE, .opaque = {[7] = 2}};

	for (int verdict = PVS_KEEP; verdict <= PVS_BASELINE; verdict++) {
		assert_true(pvs_answer_equal(verdict, &a, verdict, &a));
		assert_false(pvs_answer_equal(verdict, &a, verdict, &b));
		assert_false(pvs_answer_equal(verdict, &a, verdict, &none));
	}
	assert_true(pvs_answer_equal(PVS_KEEP, &none, PVS_KEEP, &other));
	assert_true(pvs_answer_equal(PVS_BASELINE, &none, PVS_BASELINE, &other));
	assert_true(pvs_answer_equal(-5, &a, -5, &b));
}

/* ---- Replay --------------------------------------------------------------------------------- */

static struct pvs_record_entry decision(struct pvs_ctx ctx, int32_t verdict)
{
	struct pvs_record_entry entry = {
		.kind = PVS_RECORD_DECISION, .size = sizeof(entry.decision), .ns = ctx.now_ns};

	entry.decision.ctx = ctx;
	entry.decision.verdict = verdict;
	entry.decision.applied = verdict == PVS_APPLY ? ctx.out.set : 0;
	return entry;
}

struct noted {
	unsigned n;
	struct pvs_replay_diff last;
	struct pvs_decision before, after;
};

static void note(void *opaque, const struct pvs_replay_diff *diff)
{
	struct noted *noted = opaque;

	noted->n++;
	noted->last = *diff;
	noted->before = diff->before->out;
	noted->after = diff->after->out;
}

/* A record made by hand: a policy that boosted for a real-time task at once and for 5 ms, against
 * the template, which holds for 10 ms. */
static void against_another_policy(void **state)
{
	struct pvs_policy *policy = policy_opened(policy_object("template"), NULL);
	struct noted noted = {0};
	const struct pvs_replay_options options = {.diff = note, .opaque = &noted, .max_diffs = 1};
	struct pvs_ctx ctx = context(PVS_EVENT_HINT, PVS_ACT_ALL);
	struct pvs_record_entry entry;
	struct pvs_replay_summary sum;
	struct pvs_replay_vcpu vcpu;
	struct pvs_replay *replay;

	assert_int_equal(pvs_replay_create(policy, &options, &replay), 0);
	pvs_policy_put(policy);
	/* 0: an RT task: both boost, for times that differ. */
	ctx.hint_status = PVS_HINT_OK;
	ctx.class = PVS_CLASS_RT;
	ctx.out = (struct pvs_decision){
		.set = PVS_SET_NICE, .nice = -10, .boost = PVS_BOOST_RT, .hold_ns = 5 * MS};
	entry = decision(ctx, PVS_APPLY);
	assert_int_equal(pvs_replay_entry(replay, &entry), 0);
	/* 1: nothing, 20 ms later. */
	ctx.now_ns += 20 * MS;
	ctx.class = PVS_CLASS_NORMAL;
	ctx.out = (struct pvs_decision){0};
	entry = decision(ctx, PVS_KEEP);
	assert_int_equal(pvs_replay_entry(replay, &entry), 0);
	/* 2: the record has a baseline, the policy sees nothing to undo. */
	entry = decision(ctx, PVS_BASELINE);
	assert_int_equal(pvs_replay_entry(replay, &entry), 0);
	/* 3: a fault in the record. */
	entry = decision(ctx, -EIO);
	assert_int_equal(pvs_replay_entry(replay, &entry), 0);

	assert_int_equal(noted.n, 1);
	assert_int_equal(noted.last.number, 0);
	assert_int_equal(noted.last.verdict_after, PVS_APPLY);
	assert_int_equal(noted.before.hold_ns, 5 * MS);
	assert_int_equal(noted.after.hold_ns, 10 * MS);
	pvs_replay_summary(replay, &sum);
	assert_int_equal(sum.decisions, 4);
	assert_int_equal(sum.equal, 1);
	assert_int_equal(sum.decisions_differ, 1);
	assert_int_equal(sum.verdicts_differ, 2);
	assert_int_equal(sum.duration_ns, 20 * MS);
	assert_int_equal(sum.before.apply, 1);
	assert_int_equal(sum.before.faults, 1);
	assert_int_equal(sum.before.baseline, 1);
	assert_int_equal(sum.after.keep, 3);
	assert_int_equal(sum.after.by_boost[PVS_BOOST_RT], 1);
	assert_int_equal(sum.after.by_class[PVS_CLASS_RT], 1);
	assert_int_equal(pvs_replay_vcpu(replay, 0, &vcpu), 0);
	assert_int_equal(vcpu.before_ns[PVS_BOOST_RT], 5 * MS);
	assert_int_equal(vcpu.after_ns[PVS_BOOST_RT], 10 * MS);
	assert_int_equal(pvs_replay_vcpu(replay, 1, &vcpu), -ENOENT);
	pvs_replay_destroy(replay);
}

/* What if: the policy sees its own boost, not the recorded one. */
static void what_if(void **state)
{
	for (int own = 0; own < 2; own++) {
		struct pvs_policy *policy = policy_opened(policy_object("template"), NULL);
		const struct pvs_replay_options options = {.what_if = own};
		struct pvs_ctx ctx = context(PVS_EVENT_HINT, PVS_ACT_ALL);
		struct pvs_record_entry entry;
		struct pvs_replay_summary sum;
		struct pvs_replay *replay;

		assert_int_equal(pvs_replay_create(policy, &options, &replay), 0);
		pvs_policy_put(policy);
		ctx.hint_status = PVS_HINT_OK;
		ctx.class = PVS_CLASS_RT;
		entry = decision(ctx, PVS_KEEP); /* the recorded one never boosted */
		for (int i = 0; i < 3; i++)
			assert_int_equal(pvs_replay_entry(replay, &entry), 0);
		pvs_replay_summary(replay, &sum);
		assert_int_equal(sum.after.apply, own ? 1 : 3);
		pvs_replay_destroy(replay);
	}
}

/* ---- Generated events ----------------------------------------------------------------------- */

static struct pvs_generator *generator(uint64_t seed)
{
	const struct pvs_generator_config config = {.seed = seed};
	struct pvs_generator *made = pvs_generator_create(&config);

	assert_non_null(made);
	return made;
}

/* Events of @policy, as entries, into another instance of it; the record says what differs. */
static struct pvs_replay_summary compare(const char *name, uint8_t engine_a, uint8_t engine_b,
					 unsigned events, uint64_t seed)
{
	const struct pvs_policy_options in_a = {.engine = engine_a}, in_b = {.engine = engine_b};
	struct pvs_policy *a = policy_opened(name, &in_a), *b = policy_opened(name, &in_b);
	struct pvs_generator *g = generator(seed);
	struct pvs_replay_summary sum;
	struct pvs_record_entry entry;
	struct pvs_replay *replay;

	assert_int_equal(pvs_replay_create(b, NULL, &replay), 0);
	for (unsigned i = 0; i < events; i++) {
		pvs_generator_next(g, a, &entry);
		assert_int_equal(pvs_replay_entry(replay, &entry), 0);
	}
	pvs_replay_summary(replay, &sum);
	pvs_replay_destroy(replay);
	pvs_generator_destroy(g);
	pvs_policy_put(a);
	pvs_policy_put(b);
	return sum;
}

static void interpreter_and_compiler_agree(void **state)
{
	if (bpfe_engine_available(BPFE_ENGINE_JIT, NULL))
		skip();
	for (size_t i = 0; pvs_policy_names()[i]; i++) {
		const struct pvs_replay_summary sum = compare(
			pvs_policy_names()[i], BPFE_ENGINE_INTERP, BPFE_ENGINE_JIT, 100000, i + 1);

		assert_int_equal(sum.decisions, 100000);
		assert_int_equal(sum.equal, 100000);
		assert_int_equal(sum.after.faults, 0);
		/* The events are such that there is something to decide. */
		if (strcmp(pvs_policy_names()[i], "none")) {
			assert_true(sum.after.apply > 100);
			assert_true(sum.after.baseline > 10);
		}
	}
}

/* Each kind of answer with words, and none, came up, and none came out otherwise. */
static void words_are_the_same(void **state)
{
	struct pvs_policy *policy = policy_opened(test_object("opaque"), NULL);
	uint64_t with[3] = {0}, without = 0;
	struct pvs_generator *g = generator(5);
	struct pvs_record_entry entry;
	struct pvs_replay_summary sum;

	for (unsigned i = 0; i < 10000; i++) {
		const struct pvs_ctx *ctx = &entry.decision.ctx;

		pvs_generator_next(g, policy, &entry);
		if (!(ctx->out.set & PVS_SET_OPAQUE)) {
			without++;
			continue;
		}
		with[entry.decision.verdict]++;
		assert_int_equal(ctx->out.opaque[7], ctx->opaque[0] + 7);
		assert_int_equal(ctx->tick_ns, MS);
	}
	assert_true(with[PVS_KEEP] > 100 && with[PVS_APPLY] > 100 && with[PVS_BASELINE] > 100);
	assert_true(without > 100);
	pvs_generator_destroy(g);
	pvs_policy_put(policy);
	if (bpfe_engine_available(BPFE_ENGINE_JIT, NULL))
		skip();
	sum = compare(test_object("opaque"), BPFE_ENGINE_INTERP, BPFE_ENGINE_JIT, 100000, 5);
	assert_int_equal(sum.equal, 100000);
}

static uint64_t digest(uint64_t seed, unsigned events)
{
	struct pvs_policy *policy = policy_opened("boost", NULL);
	struct pvs_generator *g = generator(seed);
	struct pvs_record_entry entry;
	uint64_t hash = 14695981039346656037ull;

	for (unsigned i = 0; i < events; i++) {
		pvs_generator_next(g, policy, &entry);
		for (size_t b = 0; b < sizeof(entry.decision); b++)
			hash = (hash ^ ((const uint8_t *)&entry.decision)[b]) * 1099511628211ull;
	}
	pvs_generator_destroy(g);
	pvs_policy_put(policy);
	return hash;
}

static void seeds_give_events(void **state)
{
	assert_int_equal(digest(1, 2000), digest(1, 2000));
	assert_true(digest(1, 2000) != digest(2, 2000));
}

/* All events, states and classes come up, and nothing a policy is never told. */
static void events_are_plausible(void **state)
{
	struct pvs_policy *policy = policy_opened("none", NULL);
	struct pvs_generator *g = generator(3);
	uint64_t events[PVS_EVENT_MAX] = {0}, states[PVS_RUN_MAX] = {0};
	uint64_t classes[PVS_CLASS_MAX] = {0}, statuses[4] = {0}, last = 0;
	struct pvs_record_entry entry;

	for (unsigned i = 0; i < 100000; i++) {
		const struct pvs_ctx *ctx = &entry.decision.ctx;

		pvs_generator_next(g, policy, &entry);
		assert_true(ctx->event < PVS_EVENT_MAX && ctx->run_state < PVS_RUN_MAX);
		assert_true(ctx->class < PVS_CLASS_MAX && ctx->hint_status <= PVS_HINT_TORN);
		assert_true(ctx->now_ns >= last && ctx->vcpu < ctx->n_vcpus);
		assert_true(ctx->wait_vcpu == PVS_WAIT_NOBODY || ctx->wait_vcpu < ctx->n_vcpus);
		assert_true(ctx->dl_runtime <= ctx->dl_deadline &&
			    ctx->dl_deadline <= ctx->dl_period);
		assert_true(ctx->nice >= -20 && ctx->nice <= 19 && ctx->rt_prio <= 99);
		assert_int_equal(ctx->pending & ~PVS_PENDING_ALL, 0);
		assert_int_equal(ctx->cs & ~PVS_CS_ALL, 0);
		assert_int_equal(ctx->ceiling & ~ctx->actuators, 0);
		last = ctx->now_ns;
		events[ctx->event]++;
		states[ctx->run_state]++;
		classes[ctx->class]++;
		statuses[ctx->hint_status]++;
	}
	for (int i = 0; i < PVS_EVENT_MAX; i++)
		assert_true(events[i] > 0);
	for (int i = 0; i < PVS_RUN_MAX; i++)
		assert_true(states[i] > 0);
	for (int i = 0; i < PVS_CLASS_MAX; i++)
		assert_true(classes[i] > 0);
	for (int i = 0; i < 4; i++)
		assert_true(statuses[i] > 0);
	pvs_generator_destroy(g);
	pvs_policy_put(policy);
}

static void too_many_vcpus(void **state)
{
	const struct pvs_generator_config config = {.n_vcpus = 65};

	assert_null(pvs_generator_create(&config));
}

/* ---- Files ---------------------------------------------------------------------------------- */

static void file_of(const char *policy)
{
	struct pvs_policy *a = policy_opened(policy, NULL), *b = policy_opened(policy, NULL);
	struct pvs_generator *g = generator(9);
	struct pvs_record_entry entry;
	struct pvs_replay_summary sum;
	struct pvs_replay *replay;
	struct pvs_record *record;
	char path[] = "/tmp/pvs-replay-XXXXXX";

	close(mkstemp(path));
	assert_int_equal(pvs_record_create(path, &record, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		pvs_generator_next(g, a, &entry);
		pvs_record_write(record, &entry);
	}
	assert_int_equal(pvs_record_close(record), 0);
	assert_int_equal(pvs_replay_create(b, NULL, &replay), 0);
	assert_int_equal(pvs_replay_file(replay, path, NULL), 0);
	pvs_replay_summary(replay, &sum);
	assert_int_equal(sum.decisions, 1000);
	assert_int_equal(sum.equal, 1000);
	assert_int_equal(sum.lost, 0);
	pvs_replay_destroy(replay);
	pvs_generator_destroy(g);
	pvs_policy_put(a);
	pvs_policy_put(b);
	unlink(path);
}

static void from_a_file(void **state)
{
	file_of("boost");
	file_of(test_object("opaque"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_that_differ),
		cmocka_unit_test(no_byte_is_forgotten),
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_with_words),
		cmocka_unit_test(against_another_policy),
		cmocka_unit_test(what_if),
		cmocka_unit_test(interpreter_and_compiler_agree),
		cmocka_unit_test(words_are_the_same),
		cmocka_unit_test(seeds_give_events),
		cmocka_unit_test(events_are_plausible),
		cmocka_unit_test(too_many_vcpus),
		cmocka_unit_test(from_a_file),
	};

	return run_policy_tests(tests);
}
