// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-pvsched compare: the same events through each host of a policy. The interpreter decides
 * what is in effect; the others are given the same contexts.
 */
#include <bpf_engine.h>
#include <errno.h>
#include <inttypes.h>
#include <pvs_replay.h>
#include <stdio.h>
#include <string.h>

#include "differences.h"
#include "pvsched.h"

enum {
	REFERENCE, /* the interpreter */
	JIT,
	KERNEL,
	N_HOSTS,
};

static const struct {
	const char *host, *engine;
	enum pvs_policy_host kind;
	uint8_t bpfe;
} hosts[N_HOSTS] = {
	[REFERENCE] = {"engine", "interp", PVS_HOST_ENGINE, BPFE_ENGINE_INTERP},
	[JIT] = {"engine", "jit", PVS_HOST_ENGINE, BPFE_ENGINE_JIT},
	[KERNEL] = {"kernel", "kernel", PVS_HOST_KERNEL, BPFE_ENGINE_DEFAULT},
};

struct candidate {
	struct pvs_policy *policy;
	struct pvs_replay *replay; /* NULL for the reference */
	struct pvs_replay_summary sum;
	struct differences differences;
	char why[4096]; /* it takes no part */
};

struct arguments {
	struct policy_args policy;
	uint64_t events, seed, vcpus, diffs;
	bool json;
};

enum {
	OPT_EVENTS = 'n',
	OPT_SEED = 'S',
	OPT_VCPUS = 'c',
	OPT_DIFF = 'd',
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
	case OPT_EVENTS:
		args->events = parse_number(state, "events", arg, 1, UINT32_MAX);
		return 0;
	case OPT_SEED:
		args->seed = parse_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case OPT_VCPUS:
		args->vcpus = parse_number(state, "vcpus", arg, 1, 64);
		return 0;
	case OPT_DIFF:
		args->diffs = parse_number(state, "diff", arg, 0, UINT32_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (args->policy.policy)
			argp_error(state, "'%s' is one argument too many", arg);
		args->policy.policy = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->policy.policy)
			argp_error(state, "which policy? sluice-pvsched policy list has those "
					  "that are built in");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- Candidates ----------------------------------------------------------------------------- */

/* The machine has no such host; any other failure is the policy's. */
static bool is_absent(unsigned i, int err)
{
	if (i == JIT)
		return bpfe_engine_available(BPFE_ENGINE_JIT, NULL) != 0;
	return i == KERNEL && (err == -EPERM || err == -ENOSYS || err == -EOPNOTSUPP);
}

static void chomp(char *text)
{
	size_t n = strlen(text);

	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
}

/* False: refused, and said so. A host that this machine has not is left out. */
static bool open_candidate(struct candidate *c, unsigned i, const struct arguments *args)
{
	struct pvs_log log = {.buf = c->why, .size = sizeof(c->why)};
	struct pvs_policy_options options = args->policy.options;
	const struct pvs_replay_options replay = {
		.diff = difference, .opaque = &c->differences, .max_diffs = args->diffs};
	int err;

	options.host = hosts[i].kind;
	options.engine = hosts[i].bpfe;
	if (args->json)
		c->differences.list = json_object_new_array();
	err = try_policy(args->policy.policy, &options, &c->policy, &log);
	chomp(c->why);
	if (err && is_absent(i, err))
		return true;
	if (!err && i != REFERENCE)
		err = pvs_replay_create(c->policy, &replay, &c->replay);
	if (err)
		complain("%s", c->why[0] ? c->why : strerror(-err));
	return !err;
}

static void close_candidates(struct candidate *all)
{
	for (unsigned i = 0; i < N_HOSTS; i++) {
		pvs_replay_destroy(all[i].replay);
		pvs_policy_put(all[i].policy);
		json_object_put(all[i].differences.list);
	}
}

static int run_events(struct candidate *all, const struct arguments *args)
{
	const struct pvs_generator_config config = {.seed = args->seed,
						    .n_vcpus = (uint32_t)args->vcpus};
	struct pvs_generator *generator = pvs_generator_create(&config);
	struct pvs_record_entry entry;
	int ret = generator ? 0 : -ENOMEM;

	for (uint64_t n = 0; n < args->events && !ret; n++) {
		pvs_generator_next(generator, all[REFERENCE].policy, &entry);
		for (unsigned i = REFERENCE + 1; i < N_HOSTS && !ret; i++) {
			if (all[i].replay)
				ret = pvs_replay_entry(all[i].replay, &entry);
		}
	}
	pvs_generator_destroy(generator);
	if (ret)
		complain("%s", strerror(-ret));
	return ret;
}

/* ---- What came of it ------------------------------------------------------------------------ */

static double ns_per_run(const struct pvs_policy *policy)
{
	struct pvs_policy_info info;
	uint64_t runs = 0, ns = 0;

	pvs_policy_info(policy, &info);
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		runs += info.runs[event];
		ns += info.run_ns[event];
	}
	return runs ? (double)ns / (double)runs : 0;
}

static const char *state_of(const struct candidate *all, unsigned i)
{
	if (!all[i].policy)
		return "skipped";
	if (i == REFERENCE)
		return "reference";
	return all[i].sum.equal == all[i].sum.decisions ? "identical" : "different";
}

static void print_text(const struct candidate *all, const struct arguments *args)
{
	printf("Policy %s, %" PRIu64 " events of %" PRIu64 " vCPUs, seed %" PRIu64 "\n",
	       args->policy.policy, args->events, args->vcpus, args->seed);
	for (unsigned i = 0; i < N_HOSTS; i++) {
		const struct candidate *c = &all[i];

		printf("  %-7s %-7s %-10s", hosts[i].host, hosts[i].engine, state_of(all, i));
		if (!c->policy)
			printf(" %s\n", c->why);
		else if (i == REFERENCE)
			printf(" %28.0f ns a run\n", ns_per_run(c->policy));
		else
			printf(" %10" PRIu64 " of %-10" PRIu64 "    %.0f ns a run\n", c->sum.equal,
			       c->sum.decisions, ns_per_run(c->policy));
	}
}

static struct json_object *candidate_json(struct candidate *all, unsigned i)
{
	struct json_object *object = json_object_new_object();
	struct candidate *c = &all[i];

	json_text(object, "host", hosts[i].host);
	json_text(object, "engine", hosts[i].engine);
	json_text(object, "state", state_of(all, i));
	if (!c->policy) {
		json_text(object, "reason", c->why);
		return object;
	}
	json_object_object_add(object, "ns_per_run", json_object_new_double(ns_per_run(c->policy)));
	if (i == REFERENCE)
		return object;
	json_count(object, "decisions", c->sum.decisions);
	json_count(object, "equal", c->sum.equal);
	json_count(object, "verdicts_differ", c->sum.verdicts_differ);
	json_count(object, "decisions_differ", c->sum.decisions_differ);
	json_object_object_add(object, "differences", c->differences.list);
	c->differences.list = NULL;
	return object;
}

static void print_json(struct candidate *all, const struct arguments *args)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_text(object, "policy", args->policy.policy);
	json_count(object, "events", args->events);
	json_count(object, "seed", args->seed);
	json_count(object, "vcpus", args->vcpus);
	for (unsigned i = 0; i < N_HOSTS; i++)
		json_object_array_add(list, candidate_json(all, i));
	json_object_object_add(object, "hosts", list);
	json_print(object);
}

static int compare(struct candidate *all, const struct arguments *args)
{
	bool same = true;

	for (unsigned i = 0; i < N_HOSTS; i++) {
		if (!open_candidate(&all[i], i, args))
			return EXIT_FAILED;
	}
	if (run_events(all, args))
		return EXIT_FAILED;
	for (unsigned i = REFERENCE + 1; i < N_HOSTS; i++) {
		if (all[i].replay)
			pvs_replay_summary(all[i].replay, &all[i].sum);
		same &= all[i].sum.equal == all[i].sum.decisions;
	}
	if (args->json)
		print_json(all, args);
	else
		print_text(all, args);
	return same ? EXIT_FINE : EXIT_FAILED;
}

int cmd_compare(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"json", 'j', NULL, 0, "Print JSON", 0},
		{"events", OPT_EVENTS, "N", 0, "Events (default 100000)", 0},
		{"seed", OPT_SEED, "N", 0, "Seed of the events (default 1)", 0},
		{"vcpus", OPT_VCPUS, "N", 0, "vCPUs of the VM, 1 to 64 (default 4)", 0},
		{"diff", OPT_DIFF, "N", 0, "Print the first N decisions that differ, of each", 0},
		{0},
	};
	static const struct argp_child children[] = {{&tunables_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		options,
		parse_argument,
		"NAME|FILE",
		"Give the same generated events to a policy in Sluice's interpreter, in compiled "
		"code and in the host's kernel, and compare what it decides. A host that this "
		"machine does not have is skipped, saying why.",
		children,
		NULL,
		NULL};
	static struct candidate all[N_HOSTS];
	struct arguments args = {.events = 100000, .seed = 1, .vcpus = 4};
	int code;

	parse(&argp, argc, argv, &args);
	code = compare(all, &args);
	close_candidates(all);
	return code;
}
