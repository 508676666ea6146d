// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Options that several subcommands have. */
#include <bpf_engine.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pvsched.h"

enum {
	OPT_SET = 's',
	OPT_POLICY = 'p',
	OPT_HOST = 0x100,
	OPT_ENGINE,
	OPT_BUDGET,
};

uint64_t parse_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
		      uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (end == text || *end || errno || text[0] == '-' || value < min || value > max)
		argp_error(state, "--%s %s: a number from %llu to %llu is accepted", option, text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

/* NAME=VALUE, in place. */
static void add_tunable(struct argp_state *state, struct policy_args *args, char *text)
{
	char *equals = strchr(text, '='), *end;
	long long value;

	if (args->options.n_tunables == MAX_TUNABLES)
		argp_error(state, "--set: at most %d tunables are accepted", MAX_TUNABLES);
	if (!equals || equals == text)
		argp_error(state, "--set %s: NAME=VALUE is accepted", text);
	*equals = '\0';
	errno = 0;
	value = strtoll(equals + 1, &end, 0);
	if (end == equals + 1 || *end || errno)
		argp_error(state, "--set %s=%s: the value must be an integer", text, equals + 1);
	args->tunables[args->options.n_tunables++] =
		(struct pvs_tunable){.name = text, .value = value};
	args->options.tunables = args->tunables;
}

static void set_host(struct argp_state *state, struct policy_args *args, const char *text)
{
	if (!strcmp(text, "engine"))
		args->options.host = PVS_HOST_ENGINE;
	else if (!strcmp(text, "kernel"))
		args->options.host = PVS_HOST_KERNEL;
	else
		argp_error(state, "--host %s: engine or kernel is accepted", text);
}

static void set_engine(struct argp_state *state, struct policy_args *args, const char *text)
{
	if (!strcmp(text, "jit"))
		args->options.engine = BPFE_ENGINE_JIT;
	else if (!strcmp(text, "interp"))
		args->options.engine = BPFE_ENGINE_INTERP;
	else
		argp_error(state, "--engine %s: jit or interp is accepted", text);
}

static error_t parse_policy(int key, char *arg, struct argp_state *state)
{
	struct policy_args *args = state->input;

	switch (key) {
	case OPT_SET:
		add_tunable(state, args, arg);
		return 0;
	case OPT_POLICY:
		args->policy = arg;
		return 0;
	case OPT_HOST:
		set_host(state, args, arg);
		return 0;
	case OPT_ENGINE:
		set_engine(state, args, arg);
		return 0;
	case OPT_BUDGET:
		args->options.budget = (uint32_t)parse_number(state, "budget", arg, 1, UINT32_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

#define TUNABLE_OPTIONS                                                                           \
	{"set", OPT_SET, "NAME=VALUE", 0, "Give a tunable of the policy a value; repeatable", 0}, \
		{"budget",                                                                        \
		 OPT_BUDGET,                                                                      \
		 "N",                                                                             \
		 0,                                                                               \
		 "Instructions that a callback may run (default 100000)",                         \
		 0}

#define HOST_OPTIONS                                                           \
	{"host",                                                               \
	 OPT_HOST,                                                             \
	 "engine|kernel",                                                      \
	 0,                                                                    \
	 "What runs it: Sluice's engine (default), or the host's kernel",      \
	 0},                                                                   \
		{"engine",                                                     \
		 OPT_ENGINE,                                                   \
		 "jit|interp",                                                 \
		 0,                                                            \
		 "Compiled code (default where it works), or the interpreter", \
		 0}

static const struct argp_option policy_options[] = {TUNABLE_OPTIONS, HOST_OPTIONS, {0}};
static const struct argp_option tunables_options[] = {TUNABLE_OPTIONS, {0}};
static const struct argp_option policy_name_options[] = {
	{"policy", OPT_POLICY, "NAME|FILE", 0, "The policy: a built-in one, or an object file", 0},
	TUNABLE_OPTIONS,
	HOST_OPTIONS,
	{0}};

const struct argp policy_argp = {.options = policy_options, .parser = parse_policy};
const struct argp tunables_argp = {.options = tunables_options, .parser = parse_policy};
const struct argp policy_name_argp = {.options = policy_name_options, .parser = parse_policy};

void parse(const struct argp *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = EXIT_USAGE;
	/* argp knows --help and -?; the tools here have -h. */
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		static char help[] = "--help";

		if (!strcmp(argv[i], "-h"))
			argv[i] = help;
	}
	argp_parse(argp, argc, argv, 0, NULL, input);
}
