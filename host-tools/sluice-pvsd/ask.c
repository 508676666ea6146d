/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* sluice-pvsd status, policy set, record: commands to a manager that runs. */
#include <argp.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvsd.h"

struct options {
	const char *socket;
	bool json, handover;
	struct pvsd_tunables tunables;
	char *args[2];
};

#define KEY_SET      256
#define KEY_HANDOVER 257

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 's':
		o->socket = arg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_status(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		argp_error(state, "'%s' is too much: status takes no arguments", arg);
	return parse_common(key, arg, state);
}

static error_t parse_policy(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_SET:
		if (!pvsd_tunable(&o->tunables, arg))
			argp_error(state, "--set: '%s' is not NAME=INTEGER", arg);
		return 0;
	case KEY_HANDOVER:
		o->handover = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "'%s' is too much", arg);
		o->args[state->arg_num] = arg;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num != 2 || strcmp(o->args[0], "set") != 0)
			argp_error(state, "expected: set NAME");
		return 0;
	default:
		return parse_common(key, arg, state);
	}
}

static error_t parse_record(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "'%s' is too much", arg);
		o->args[0] = arg;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num != 1)
			argp_error(state, "expected: FILE, or off");
		return 0;
	default:
		return parse_common(key, arg, state);
	}
}

#define SOCKET_OPTION \
	{"socket", 's', "PATH", 0, "Where the manager listens (default: " PVSD_SOCKET ")", 0}
#define JSON_OPTION {"json", 'j', 0, 0, "Print JSON", 0}

static const struct argp_option status_options[] = {
	SOCKET_OPTION, JSON_OPTION, PVSD_HELP_OPTION, {0}};
static const struct argp_option record_options[] = {
	SOCKET_OPTION, JSON_OPTION, PVSD_HELP_OPTION, {0}};
static const struct argp_option policy_options[] = {
	SOCKET_OPTION,
	JSON_OPTION,
	{"set", KEY_SET, "NAME=VALUE", 0, "Set a tunable of the policy; may be repeated", 0},
	{"handover", KEY_HANDOVER, 0, 0,
	 "What the old policy put into effect stays until the new one decides", 0},
	PVSD_HELP_OPTION,
	{0},
};

/* The manager's answer, NULL: it was told on standard error why there is none. */
static struct json_object *ask(const struct options *o, struct json_object *command)
{
	char text[512] = "", *reply = NULL;
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct json_object *answer = NULL, *error;
	int ret = pvs_manager_ask(o->socket,
				  json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN),
				  &reply, &log);

	json_object_put(command);
	if (ret < 0) {
		fprintf(stderr, "sluice-pvsd: %s", text);
		return NULL;
	}
	answer = json_tokener_parse(reply);
	free(reply);
	if (answer && !json_object_object_get_ex(answer, "error", &error))
		return answer;
	fprintf(stderr, "sluice-pvsd: %s\n",
		answer ? json_object_get_string(error) : "the answer is no JSON");
	json_object_put(answer);
	return NULL;
}

static int finish(const struct options *o, struct json_object *answer,
		  void (*print)(struct json_object *))
{
	if (!answer)
		return EXIT_REFUSED;
	if (o->json)
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PRETTY));
	else if (print)
		print(answer);
	json_object_put(answer);
	return EXIT_FINE;
}

int pvsd_status(int argc, char **argv)
{
	static const struct argp argp = {
		.options = status_options,
		.parser = parse_status,
		.doc = "Print what a manager that runs does: its policy, its clients, their "
		       "vCPUs."
		       "\v"
		       "Exit status: 0 fine; 1 no manager there; 2 wrong usage.",
	};
	struct options o = {.socket = PVSD_SOCKET};
	struct json_object *command = json_object_new_object();

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	json_object_object_add(command, "command", json_object_new_string("status"));
	return finish(&o, ask(&o, command), pvsd_print_status);
}

/* A file is opened by the manager, which has another working directory. */
static struct json_object *policy_name(const char *name)
{
	char *path = access(name, F_OK) == 0 ? realpath(name, NULL) : NULL;
	struct json_object *object = json_object_new_string(path ? path : name);

	free(path);
	return object;
}

static struct json_object *policy_command(const struct options *o)
{
	struct json_object *command = json_object_new_object(), *set = json_object_new_object();

	json_object_object_add(command, "command", json_object_new_string("policy"));
	json_object_object_add(command, "name", policy_name(o->args[1]));
	json_object_object_add(command, "handover", json_object_new_boolean(o->handover));
	json_object_object_add(command, "set", set);
	for (size_t i = 0; i < o->tunables.n; i++)
		json_object_object_add(set, o->tunables.list[i].name,
				       json_object_new_int64(o->tunables.list[i].value));
	return command;
}

int pvsd_policy(int argc, char **argv)
{
	static const struct argp argp = {
		.options = policy_options,
		.parser = parse_policy,
		.args_doc = "set NAME",
		.doc = "Put another policy in place for all VMs of a manager that runs: a built-in "
		       "one or an object file. Root and the manager's own user may."
		       "\v"
		       "Exit status: 0 it is in place; 1 refused, the old one stays; 2 wrong "
		       "usage.",
	};
	struct options o = {.socket = PVSD_SOCKET};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	return finish(&o, ask(&o, policy_command(&o)), NULL);
}

/* The manager opens it, which has another working directory; "off" is none. To be freed. */
static char *record_path(const char *file)
{
	char *here, *path;

	if (strcmp(file, "off") == 0)
		return strdup("");
	if (*file == '/')
		return strdup(file);
	here = getcwd(NULL, 0);
	if (!here || asprintf(&path, "%s/%s", here, file) < 0)
		path = NULL;
	free(here);
	return path;
}

int pvsd_record(int argc, char **argv)
{
	static const struct argp argp = {
		.options = record_options,
		.parser = parse_record,
		.args_doc = "FILE|off",
		.doc = "Have a manager that runs write what it decides for all its VMs to FILE, "
		       "from now until off. Root and the manager's own user may."
		       "\v"
		       "Exit status: 0 done; 1 refused; 2 wrong usage.",
	};
	struct options o = {.socket = PVSD_SOCKET};
	struct json_object *command;
	char *path;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	path = record_path(o.args[0]);
	if (!path) {
		perror("sluice-pvsd: record");
		return EXIT_REFUSED;
	}
	command = json_object_new_object();
	json_object_object_add(command, "command", json_object_new_string("record"));
	json_object_object_add(command, "file", json_object_new_string(path));
	free(path);
	return finish(&o, ask(&o, command), NULL);
}
