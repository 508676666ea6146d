// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * list, load, unload: the guest's BPF programs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "pvs_progs.h"

struct prog_options {
	bool json, all;
	char *words[32]; /* the last one NULL */
	int n_words;
};

static error_t prog_parse(int key, char *arg, struct argp_state *state)
{
	struct prog_options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'a':
		options->all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (options->n_words >= 31)
			argp_error(state, "more than 31 arguments");
		options->words[options->n_words++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What the loader says of a failure, or at least its number. */
static int prog_failed(const char *what, const char *name, int err, const struct pvs_progs_log *log)
{
	if (log->len)
		return ctl_fail(CTL_FAILED, "%s %s: %s", what, name, log->text);
	return ctl_fail(CTL_FAILED, "%s %s: %s", what, name, strerror(-err));
}

/* ---- list -------------------------------------------------------------------------------------
 */

static int list_one(void *opaque, const struct pvs_prog_state *state)
{
	struct prog_options *options = opaque;

	if (options->n_words++ == 0)
		printf("%-16s %-6s %5s %12s %12s\n", "PROGRAM", "STATE", "HOOKS", "RUNS", "RUN NS");
	printf("%-16s %-6s %5u %12" PRIu64 " %12" PRIu64 "\n", state->prog->name,
	       state->alive ? "alive" : "ended", state->hooks, state->runs, state->run_ns);
	for (int i = 0; i < PVS_PROG_COUNTERS && state->counters[i].name; i++)
		printf("  %-24s %12" PRIu64 "\n", state->counters[i].name,
		       state->counters[i].value);
	return 0;
}

static int list_one_json(void *opaque, const struct pvs_prog_state *state)
{
	struct json_object *o = json_object_new_object(), *counters = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(state->prog->name));
	json_object_object_add(o, "alive", json_object_new_boolean(state->alive));
	json_object_object_add(o, "hooks", json_object_new_int64(state->hooks));
	json_object_object_add(o, "runs", json_object_new_int64((int64_t)state->runs));
	json_object_object_add(o, "run-ns", json_object_new_int64((int64_t)state->run_ns));
	for (int i = 0; i < PVS_PROG_COUNTERS && state->counters[i].name; i++)
		json_object_object_add(counters, state->counters[i].name,
				       json_object_new_int64((int64_t)state->counters[i].value));
	json_object_object_add(o, "counters", counters);
	json_object_array_add(opaque, o);
	return 0;
}

static void list_available_text(void)
{
	for (const struct pvs_prog *prog = pvs_progs_table(); prog->name; prog++) {
		printf("%-16s %s\n", prog->name, prog->summary);
		for (const struct pvs_prog_option *o = prog->options; o && o->name; o++)
			printf("  %-22s %s\n", o->name, o->help);
	}
}

static void list_available_json(void)
{
	struct json_object *all = json_object_new_array();

	for (const struct pvs_prog *prog = pvs_progs_table(); prog->name; prog++) {
		struct json_object *o = json_object_new_object();
		struct json_object *options = json_object_new_object();

		json_object_object_add(o, "name", json_object_new_string(prog->name));
		json_object_object_add(o, "summary", json_object_new_string(prog->summary));
		for (const struct pvs_prog_option *p = prog->options; p && p->name; p++)
			json_object_object_add(options, p->name, json_object_new_string(p->preset));
		json_object_object_add(o, "presets", options);
		json_object_array_add(all, o);
	}
	ctl_print_json(all);
}

int cmd_list(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{"json", 'j', NULL, 0, "JSON", 0},
		{"all", 'a', NULL, 0, "those that could be loaded, with their options", 0},
		{0}};
	static const struct argp argp = {
		argp_options, prog_parse, NULL, "Guest programs that are loaded.", 0, 0, 0};
	struct prog_options options = {0};
	struct pvs_progs_log log = {0};
	struct json_object *all = NULL;
	int code, err;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (options.n_words)
		return ctl_fail(CTL_USAGE, "list takes no arguments; see pvschedctl list --help");
	if (options.all) {
		if (options.json)
			list_available_json();
		else
			list_available_text();
		return CTL_OK;
	}
	if (options.json)
		all = json_object_new_array();
	err = pvs_prog_list(options.json ? list_one_json : list_one,
			    options.json ? (void *)all : &options, &log);
	if (err < 0) {
		json_object_put(all);
		return prog_failed("list", "programs", err, &log);
	}
	if (options.json)
		ctl_print_json(all);
	else if (!options.n_words)
		puts("no program is loaded; pvschedctl list --all says which there are");
	return CTL_OK;
}

/* ---- load, unload ------------------------------------------------------------------------------
 */

int cmd_load(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		prog_parse,
		"PROGRAM [OPTION=VALUE...]",
		"Load a guest program; it stays when this command ends.\v"
		"pvschedctl list --all says which programs and options there are.",
		0,
		0,
		0};
	struct prog_options options = {0};
	struct pvs_progs_log log = {0};
	int code, err;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!options.n_words)
		return ctl_fail(CTL_USAGE, "load: which program? see pvschedctl list --all");
	err = pvs_prog_load(options.words[0], (const char *const *)options.words + 1, &log);
	if (err == -ENOENT || err == -EINVAL) {
		prog_failed("load", options.words[0], err, &log);
		return CTL_USAGE;
	}
	return err ? prog_failed("load", options.words[0], err, &log) : CTL_OK;
}

int cmd_unload(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, prog_parse, "PROGRAM...", "Take guest programs out.", 0, 0, 0};
	struct prog_options options = {0};
	int code, err;

	if (!ctl_parse(&argp, argc, argv, &options, &code))
		return code;
	if (!options.n_words)
		return ctl_fail(CTL_USAGE, "unload: which program? see pvschedctl list");
	code = CTL_OK;
	for (int i = 0; i < options.n_words; i++) {
		struct pvs_progs_log log = {0};

		err = pvs_prog_unload(options.words[i], &log);
		if (err)
			code = prog_failed("unload", options.words[i], err, &log);
	}
	return code;
}
