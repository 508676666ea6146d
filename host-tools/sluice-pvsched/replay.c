// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-pvsched replay: a record's decisions, made again. */
#include <inttypes.h>
#include <pvs_replay.h>
#include <stdio.h>

#include "differences.h"
#include "pvsched.h"
#include "state.h"

struct arguments {
	struct policy_args policy;
	const char *record;
	uint64_t diffs;
	bool json, what_if, fail, state;
};

enum {
	OPT_DIFF = 'd',
	OPT_WHAT_IF = 'w',
	OPT_FAIL = 'x',
	OPT_STATE = 'S',
};

static error_t parse_argument(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->policy;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case OPT_DIFF:
		args->diffs = parse_number(state, "diff", arg, 0, UINT32_MAX);
		return 0;
	case OPT_WHAT_IF:
		args->what_if = true;
		return 0;
	case OPT_FAIL:
		args->fail = true;
		return 0;
	case OPT_STATE:
		args->state = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->record)
			argp_error(state, "'%s' is one argument too many", arg);
		args->record = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->record || !args->policy.policy)
			argp_error(state, "a record and --policy are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- Text ----------------------------------------------------------------------------------- */

static void print_side(const char *name, const struct pvs_replay_side *side)
{
	printf("  %-9s keep %" PRIu64 ", apply %" PRIu64 ", baseline %" PRIu64 ", faults %" PRIu64
	       "\n",
	       name, side->keep, side->apply, side->baseline, side->faults);
}

/* A line for each of @n kinds that came up. */
static void print_counts(const char *title, const char *(*name)(uint32_t), const uint64_t *before,
			 const uint64_t *after, uint32_t n)
{
	printf("\n%-24s %12s %12s\n", title, "recorded", "replayed");
	for (uint32_t i = 0; i < n; i++) {
		if (before[i] || after[i])
			printf("  %-22s %12" PRIu64 " %12" PRIu64 "\n", name(i), before[i],
			       after[i]);
	}
}

static void print_residency(const struct pvs_replay *replay, uint64_t duration_ns)
{
	struct pvs_replay_vcpu vcpu;

	printf("\n%-24s %12s %12s\n", "Boosted, of the time", "recorded", "replayed");
	for (uint32_t i = 0; !pvs_replay_vcpu(replay, i, &vcpu); i++) {
		for (uint32_t boost = 1; boost < PVS_BOOST_MAX && duration_ns; boost++) {
			if (!vcpu.before_ns[boost] && !vcpu.after_ns[boost])
				continue;
			printf("  vm %u vcpu %-3u %-9s %11.3f%% %11.3f%%\n", vcpu.vm, vcpu.vcpu,
			       pvs_boost_name(boost), 100.0 * vcpu.before_ns[boost] / duration_ns,
			       100.0 * vcpu.after_ns[boost] / duration_ns);
		}
	}
}

static void print_text(const struct pvs_replay *replay, const struct pvs_replay_summary *sum)
{
	printf("%" PRIu64 " decisions over %.3f s: %" PRIu64 " equal, %" PRIu64
	       " verdicts and %" PRIu64 " decisions differ\n",
	       sum->decisions, (double)sum->duration_ns / 1e9, sum->equal, sum->verdicts_differ,
	       sum->decisions_differ);
	if (sum->lost)
		printf("the record lacks %" PRIu64 " entries\n", sum->lost);
	if (sum->limit)
		printf("the record ends where it reached its limit, %" PRIu64 " bytes\n",
		       sum->limit);
	print_side("recorded:", &sum->before);
	print_side("replayed:", &sum->after);
	print_counts("Applied, by boost", pvs_boost_name, sum->before.by_boost, sum->after.by_boost,
		     PVS_BOOST_MAX);
	print_counts("Applied, by class", pvs_class_name, sum->before.by_class, sum->after.by_class,
		     PVS_CLASS_MAX);
	print_residency(replay, sum->duration_ns);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static struct json_object *counts_json(const char *(*name)(uint32_t), const uint64_t *counts,
				       uint32_t n)
{
	struct json_object *object = json_object_new_object();

	for (uint32_t i = 0; i < n; i++)
		json_count(object, name(i), counts[i]);
	return object;
}

static struct json_object *side_json(const struct pvs_replay_side *side)
{
	struct json_object *object = json_object_new_object();

	json_count(object, "keep", side->keep);
	json_count(object, "apply", side->apply);
	json_count(object, "baseline", side->baseline);
	json_count(object, "faults", side->faults);
	json_object_object_add(object, "by_boost",
			       counts_json(pvs_boost_name, side->by_boost, PVS_BOOST_MAX));
	json_object_object_add(object, "by_class",
			       counts_json(pvs_class_name, side->by_class, PVS_CLASS_MAX));
	return object;
}

static struct json_object *vcpus_json(const struct pvs_replay *replay)
{
	struct json_object *list = json_object_new_array();
	struct pvs_replay_vcpu vcpu;

	for (uint32_t i = 0; !pvs_replay_vcpu(replay, i, &vcpu); i++) {
		struct json_object *entry = json_object_new_object();

		json_number(entry, "vm", vcpu.vm);
		json_number(entry, "vcpu", vcpu.vcpu);
		json_object_object_add(entry, "recorded_ns",
				       counts_json(pvs_boost_name, vcpu.before_ns, PVS_BOOST_MAX));
		json_object_object_add(entry, "replayed_ns",
				       counts_json(pvs_boost_name, vcpu.after_ns, PVS_BOOST_MAX));
		json_object_array_add(list, entry);
	}
	return list;
}

static int print_json(const struct pvs_replay *replay, const struct pvs_replay_summary *sum,
		      struct differences *differences, struct pvs_policy *state)
{
	struct json_object *object = json_object_new_object();

	json_count(object, "decisions", sum->decisions);
	json_count(object, "equal", sum->equal);
	json_count(object, "verdicts_differ", sum->verdicts_differ);
	json_count(object, "decisions_differ", sum->decisions_differ);
	json_count(object, "lost", sum->lost);
	json_count(object, "limit", sum->limit);
	json_count(object, "duration_ns", sum->duration_ns);
	json_object_object_add(object, "recorded", side_json(&sum->before));
	json_object_object_add(object, "replayed", side_json(&sum->after));
	json_object_object_add(object, "vcpus", vcpus_json(replay));
	json_object_object_add(object, "differences", differences->list);
	differences->list = NULL;
	if (state)
		json_object_object_add(object, "state", state_json(state));
	return json_print(object);
}

/* --------------------------------------------------------------------------------------------- */

static int replay_record(const struct arguments *args, struct pvs_policy *policy)
{
	char text[1024] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct differences differences = {.list = args->json ? json_object_new_array() : NULL};
	const struct pvs_replay_options options = {
		.what_if = args->what_if,
		.diff = difference,
		.opaque = &differences,
		.max_diffs = args->diffs,
	};
	struct pvs_replay_summary sum;
	struct pvs_replay *replay;
	int ret = pvs_replay_create(policy, &options, &replay);

	if (!ret)
		ret = pvs_replay_file(replay, args->record, &log);
	if (ret) {
		fprintf(stderr, "sluice-pvsched: %s", text[0] ? text : "out of memory\n");
		json_object_put(differences.list);
		pvs_replay_destroy(replay);
		return EXIT_FAILED;
	}
	pvs_replay_summary(replay, &sum);
	if (args->json)
		print_json(replay, &sum, &differences, args->state ? policy : NULL);
	else
		print_text(replay, &sum);
	if (args->state && !args->json)
		print_state(policy);
	pvs_replay_destroy(replay);
	return args->fail && sum.equal != sum.decisions ? EXIT_FAILED : EXIT_FINE;
}

int cmd_replay(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', NULL, 0, "Print JSON", 0},
		{"diff", OPT_DIFF, "N", 0, "Print the first N decisions that differ", 0},
		{"what-if", OPT_WHAT_IF, NULL, 0,
		 "Let the policy see its own boosts in effect instead of the recorded ones", 0},
		{"state", OPT_STATE, NULL, 0,
		 "Print what the policy's variables and maps hold afterwards", 0},
		{"exit-code", OPT_FAIL, NULL, 0, "Exit with 1 if decisions differ", 0},
		{0},
	};
	static const struct argp_child children[] = {{&policy_name_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		options,
		parse_argument,
		"RECORD",
		"Make a record's decisions again with a policy, which may be another one, and "
		"compare.",
		children,
		NULL,
		NULL};
	struct arguments args = {0};
	struct pvs_policy *policy;
	int code;

	parse(&argp, argc, argv, &args);
	policy = open_policy(args.policy.policy, &args.policy);
	if (!policy)
		return EXIT_FAILED;
	code = replay_record(&args, policy);
	pvs_policy_put(policy);
	return code;
}
