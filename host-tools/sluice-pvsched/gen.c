// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-pvsched gen: a record of generated events. */
#include <pvs_replay.h>
#include <stdio.h>

#include "pvsched.h"

struct gen {
	struct policy_args policy;
	const char *file;
	uint64_t events, seed, vcpus;
};

static error_t parse_gen(int key, char *arg, struct argp_state *state)
{
	struct gen *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->policy;
		return 0;
	case 'n':
		args->events = parse_number(state, "events", arg, 1, UINT32_MAX);
		return 0;
	case 'S':
		args->seed = parse_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 'c':
		args->vcpus = parse_number(state, "vcpus", arg, 1, 64);
		return 0;
	case ARGP_KEY_ARG:
		if (args->file)
			argp_error(state, "'%s' is one argument too many", arg);
		args->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->file)
			argp_error(state, "to which file? - is standard output");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int generate(const struct gen *args, struct pvs_policy *policy)
{
	const struct pvs_generator_config config = {.seed = args->seed,
						    .n_vcpus = (uint32_t)args->vcpus};
	char text[1024] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_generator *generator;
	struct pvs_record_entry entry;
	struct pvs_record *record;

	if (pvs_record_create(args->file, &record, &log)) {
		fprintf(stderr, "sluice-pvsched: %s", text);
		return EXIT_FAILED;
	}
	generator = pvs_generator_create(&config);
	for (uint64_t i = 0; generator && i < args->events; i++) {
		pvs_generator_next(generator, policy, &entry);
		pvs_record_wait(record);
		pvs_record_write(record, &entry);
	}
	pvs_generator_destroy(generator);
	if (pvs_record_close(record) || !generator) {
		complain("%s: it could not be written whole", args->file);
		return EXIT_FAILED;
	}
	return EXIT_FINE;
}

int cmd_gen(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"events", 'n', "N", 0, "Events (default 100000)", 0},
		{"seed", 'S', "N", 0, "Seed of the events (default 1)", 0},
		{"vcpus", 'c', "N", 0, "vCPUs of the VM, 1 to 64 (default 4)", 0},
		{0},
	};
	static const struct argp_child children[] = {{&policy_name_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		options,
		parse_gen,
		"RECORD",
		"Write a record of random but plausible events and what a policy (boost, if none "
		"is named) decides of them. The same seed gives the same record.",
		children,
		NULL,
		NULL};
	struct gen args = {.events = 100000, .seed = 1, .vcpus = 4};
	struct pvs_policy *policy;
	int code;

	parse(&argp, argc, argv, &args);
	policy = open_policy(args.policy.policy ? args.policy.policy : "boost", &args.policy);
	if (!policy)
		return EXIT_FAILED;
	code = generate(&args, policy);
	pvs_policy_put(policy);
	return code;
}
