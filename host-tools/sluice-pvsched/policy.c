// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-pvsched policy list, verify, info. */
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pvsched.h"

#define MAX_FILES 256

struct arguments {
	struct policy_args policy;
	const char *files[MAX_FILES];
	unsigned n_files, max_files;
	bool json;
};

static error_t parse_argument(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (args->max_files) /* list has no options of policies */
			state->child_inputs[0] = &args->policy;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->n_files == args->max_files)
			argp_error(state, "'%s' is one argument too many", arg);
		args->files[args->n_files++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->max_files && !args->n_files)
			argp_error(state, "which policy? sluice-pvsched policy list has those "
					  "that are built in");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option json_option[] = {
	{"json", 'j', NULL, 0, "Print JSON", 0},
	{0},
};

static const struct argp_child policy_child[] = {{&policy_argp, 0, NULL, 0}, {0}};

/* ---- What a policy has ---------------------------------------------------------------------- */

static const char *map_type(uint32_t type)
{
	const char *name = libbpf_bpf_map_type_str(type);

	return name ? name : "?";
}

static void print_callbacks(const struct pvs_policy *policy)
{
	printf("\n%-10s %-24s %6s %8s %8s %6s %9s %s\n", "Callback", "Function", "Insns",
	       "Verified", "us", "Stack", "Code", "Engine");
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		struct pvs_policy_callback info;

		if (pvs_policy_callback(policy, event, &info))
			continue;
		printf("%-10s %-24s %6u %8" PRIu64 " %8" PRIu64 " %6u %9u %s\n",
		       pvs_event_name(event), info.function, info.insns, info.insns_verified,
		       info.verify_ns / 1000, info.stack_bytes, info.jit_bytes,
		       info.engine ? info.engine : "?");
	}
}

static void print_tunables(const struct pvs_policy *policy)
{
	struct pvs_tunable_info info;

	if (pvs_policy_tunable(policy, 0, &info))
		return;
	printf("\n%-20s %-14s %12s %12s  %s\n", "Tunable", "Type", "Value", "Default", "Range");
	for (uint32_t i = 0; !pvs_policy_tunable(policy, i, &info); i++)
		printf("%-20s %-14s %12" PRId64 " %12" PRId64 "  %" PRId64 "..%" PRId64 "\n",
		       info.name, info.type, info.value, info.initial, info.min, info.max);
}

static void print_maps(const struct pvs_policy *policy)
{
	struct pvs_policy_map map;

	if (pvs_policy_map(policy, 0, &map))
		return;
	printf("\n%-16s %-20s %4s %6s %8s\n", "Map", "Type", "Key", "Value", "Entries");
	for (uint32_t i = 0; !pvs_policy_map(policy, i, &map); i++)
		printf("%-16s %-20s %4u %6u %8u%s\n", map.name, map_type(map.type), map.key_size,
		       map.value_size, map.max_entries, map.global ? "  global variables" : "");
}

static struct json_object *callbacks_json(const struct pvs_policy *policy)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		struct pvs_policy_callback info;
		struct json_object *entry;

		if (pvs_policy_callback(policy, event, &info))
			continue;
		entry = json_object_new_object();
		json_text(entry, "name", pvs_event_name(event));
		json_text(entry, "function", info.function);
		json_number(entry, "insns", info.insns);
		json_count(entry, "insns_verified", info.insns_verified);
		json_count(entry, "verify_ns", info.verify_ns);
		json_number(entry, "states", info.states);
		json_number(entry, "stack_bytes", info.stack_bytes);
		json_number(entry, "jit_bytes", info.jit_bytes);
		json_text(entry, "engine", info.engine);
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *tunables_json(const struct pvs_policy *policy)
{
	struct json_object *list = json_object_new_array();
	struct pvs_tunable_info info;

	for (uint32_t i = 0; !pvs_policy_tunable(policy, i, &info); i++) {
		struct json_object *entry = json_object_new_object();

		json_text(entry, "name", info.name);
		json_text(entry, "type", info.type);
		json_number(entry, "size", info.size);
		json_number(entry, "value", info.value);
		json_number(entry, "default", info.initial);
		json_number(entry, "min", info.min);
		json_number(entry, "max", info.max);
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *maps_json(const struct pvs_policy *policy)
{
	struct json_object *list = json_object_new_array();
	struct pvs_policy_map map;

	for (uint32_t i = 0; !pvs_policy_map(policy, i, &map); i++) {
		struct json_object *entry = json_object_new_object();

		json_text(entry, "name", map.name);
		json_text(entry, "type", map_type(map.type));
		json_number(entry, "key_size", map.key_size);
		json_number(entry, "value_size", map.value_size);
		json_number(entry, "max_entries", map.max_entries);
		json_object_object_add(entry, "global", json_object_new_boolean(map.global));
		json_object_array_add(list, entry);
	}
	return list;
}

static const char *host_name(const struct policy_args *args)
{
	return args->options.host == PVS_HOST_KERNEL ? "kernel" : "engine";
}

static struct json_object *policy_json(const struct pvs_policy *policy,
				       const struct policy_args *args)
{
	struct json_object *object = json_object_new_object();
	struct pvs_policy_info info;

	pvs_policy_info(policy, &info);
	json_text(object, "name", info.name);
	json_number(object, "version", info.version);
	json_text(object, "host", host_name(args));
	json_object_object_add(object, "callbacks", callbacks_json(policy));
	json_object_object_add(object, "tunables", tunables_json(policy));
	json_object_object_add(object, "maps", maps_json(policy));
	return object;
}

static int print_policy(const struct pvs_policy *policy, const struct policy_args *args)
{
	struct pvs_policy_info info;

	pvs_policy_info(policy, &info);
	printf("Policy %s, version %u, in %s\n", info.name, info.version,
	       args->options.host == PVS_HOST_KERNEL ? "the host's kernel" : "Sluice's engine");
	print_callbacks(policy);
	print_tunables(policy);
	print_maps(policy);
	return EXIT_FINE;
}

int cmd_policy_info(int argc, char **argv)
{
	static const struct argp argp = {
		json_option,
		parse_argument,
		"NAME|FILE",
		"What a policy has: its callbacks with what verifying them took, its tunables, its "
		"maps.",
		policy_child,
		NULL,
		NULL};
	struct arguments args = {.max_files = 1};
	struct pvs_policy *policy;
	int code;

	parse(&argp, argc, argv, &args);
	policy = open_policy(args.files[0], &args.policy);
	if (!policy)
		return EXIT_FAILED;
	code = args.json ? json_print(policy_json(policy, &args.policy))
			 : print_policy(policy, &args.policy);
	pvs_policy_put(policy);
	return code;
}

/* ---- verify --------------------------------------------------------------------------------- */

/* True: accepted. */
static bool verify(const char *file, const struct arguments *args, struct json_object *list)
{
	static char text[16384];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_policy *policy;
	struct json_object *entry;
	int err;

	text[0] = '\0';
	err = try_policy(file, &args->policy.options, &policy, &log);
	if (list) {
		entry = err ? json_object_new_object() : policy_json(policy, &args->policy);
		json_text(entry, "file", file);
		json_object_object_add(entry, "accepted", json_object_new_boolean(!err));
		if (err) {
			json_text(entry, "errno", strerrorname_np(-err));
			json_text(entry, "log", text);
		}
		json_object_array_add(list, entry);
	} else if (err) {
		printf("%s: refused (%s)\n%s", file, strerrorname_np(-err), text);
	} else {
		printf("%s: accepted\n", file);
	}
	pvs_policy_put(policy);
	return !err;
}

int cmd_policy_verify(int argc, char **argv)
{
	static const struct argp argp = {
		json_option,
		parse_argument,
		"NAME|FILE...",
		"Would these policies be accepted? A refusal says which callback, where and why.",
		policy_child,
		NULL,
		NULL};
	struct arguments args = {.max_files = MAX_FILES};
	struct json_object *list;
	bool accepted = true;

	parse(&argp, argc, argv, &args);
	list = args.json ? json_object_new_array() : NULL;
	for (unsigned i = 0; i < args.n_files; i++)
		accepted &= verify(args.files[i], &args, list);
	if (list)
		json_print(list);
	return accepted ? EXIT_FINE : EXIT_FAILED;
}

/* ---- list ----------------------------------------------------------------------------------- */

static void print_names_of_callbacks(uint32_t callbacks)
{
	for (uint32_t event = 0; event < PVS_EVENT_MAX; event++) {
		if (callbacks & 1u << event)
			printf(" %s", pvs_event_name(event));
	}
	putchar('\n');
}

int cmd_policy_list(int argc, char **argv)
{
	static const struct argp argp = {
		json_option, parse_argument, NULL, "The policies that are built in.",
		NULL,        NULL,           NULL};
	struct arguments args = {0};
	struct json_object *list;

	parse(&argp, argc, argv, &args);
	list = args.json ? json_object_new_array() : NULL;
	for (const char *const *name = pvs_policy_names(); *name; name++) {
		struct pvs_policy *policy = open_policy(*name, &args.policy);
		struct pvs_policy_info info;

		if (!policy)
			return EXIT_FAILED;
		pvs_policy_info(policy, &info);
		if (list) {
			json_object_array_add(list, policy_json(policy, &args.policy));
		} else {
			printf("%-12s version %u:", info.name, info.version);
			print_names_of_callbacks(info.callbacks);
		}
		pvs_policy_put(policy);
	}
	return list ? json_print(list) : EXIT_FINE;
}
