// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf verify: the verifier's log as Linux prints it, or what happened as JSON. */
#include "bpf.h"
#include "load_limits.h"
#include "verification.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

struct options {
	char **files;
	char *program;
	gboolean json;
	gboolean checked;
	struct limits limits;
};

static unsigned level; /* of the log: how often -v was given */

static gboolean more_verbose(const char *name, const char *value, gpointer data, GError **error)
{
	level = MIN(level + 1, 2);
	return TRUE;
}

/* ---- Text ----------------------------------------------------------------------------------- */

static void print_result(const struct verification *v)
{
	printf("%s/%s (section %s, %u instructions): ", v->file->path, v->program, v->section,
	       v->n_insns);
	if (v->err)
		printf("refused, %s (%s) at instruction %u\n", verification_reason(v),
		       errno_name(v->err), v->log.insn);
	else
		puts("accepted");
	fputs(v->log.buf, stdout);
	if (v->log.truncated)
		puts("(the log is longer than what is shown)");
	/* An accepted program's log ends with this line itself, if there is one. */
	if (v->err || !v->log.level)
		printf("processed %" PRIu64 " insns states %u peak_memory %" PRIu64
		       " KiB stack depth %u\n",
		       v->stats.insns_processed, v->stats.states, v->stats.peak_bytes / 1024,
		       v->stats.stack_bytes);
}

static void print_summary(const struct verification *all, uint32_t n)
{
	int width = (int)strlen("Program");

	for (uint32_t i = 0; i < n; i++)
		width = MAX(width, (int)strlen(all[i].program));
	printf("%-*s  %-8s  %-14s  %12s  %12s  %8s\n", width, "Program", "Verdict", "Reason",
	       "Instructions", "Processed", "States");
	for (uint32_t i = 0; i < n; i++)
		printf("%-*s  %-8s  %-14s  %12u  %12" PRIu64 "  %8u\n", width, all[i].program,
		       all[i].err ? "refused" : "accepted", verification_reason(&all[i]),
		       all[i].n_insns, all[i].stats.insns_processed, all[i].stats.states);
}

static void print_text(const struct verification *all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		print_result(&all[i]);
		if (n > 1)
			putchar('\n');
	}
	if (n > 1)
		print_summary(all, n);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_number(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_string(struct json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, value ? json_object_new_string(value) : NULL);
}

static struct json_object *stats_json(const struct verification *v)
{
	struct json_object *json = json_object_new_object();

	add_number(json, "insns_processed", v->stats.insns_processed);
	add_number(json, "states", v->stats.states);
	add_number(json, "peak_bytes", v->stats.peak_bytes);
	add_number(json, "stack_bytes", v->stats.stack_bytes);
	add_number(json, "verify_ns", v->stats.verify_ns);
	if (v->err)
		return json;
	add_number(json, "max_packet_offset", v->info.max_packet_offset);
	add_string(json, "engine", bpfe_engine_name(v->info.engine));
	add_number(json, "jit_bytes", v->info.jit_bytes);
	add_number(json, "jit_ns", v->info.jit_ns);
	return json;
}

static struct json_object *verification_json(const struct verification *v)
{
	struct json_object *json = json_object_new_object();

	add_string(json, "name", v->program);
	add_string(json, "section", v->section);
	add_number(json, "instructions", v->n_insns);
	json_object_object_add(json, "accepted", json_object_new_boolean(!v->err));
	add_string(json, "reason", verification_reason(v));
	if (v->err) {
		g_autofree char *text = g_strndup(v->log.buf, strcspn(v->log.buf, "\n"));

		add_string(json, "errno", errno_name(v->err));
		add_number(json, "insn", v->log.insn);
		add_string(json, "text", text);
		add_string(json, "source",
			   bpfe_object_source_line(v->file->object, v->index, v->log.insn));
	}
	if (v->err || v->log.level)
		add_string(json, "log", v->log.buf);
	json_object_object_add(json, "stats", stats_json(v));
	return json;
}

static void print_json(const struct object_file *file, const struct verification *all, uint32_t n)
{
	struct json_object *json = json_object_new_object(), *programs = json_object_new_array();

	add_string(json, "file", file->path);
	for (uint32_t i = 0; i < n; i++)
		json_object_array_add(programs, verification_json(&all[i]));
	json_object_object_add(json, "programs", programs);
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

/* ---- The command ---------------------------------------------------------------------------- */

/* Verify programs @first to @first + @n - 1. Returns the exit code. */
static int verify_programs(const struct options *o, const struct object_file *file, uint32_t first,
			   uint32_t n)
{
	struct verification *all = g_new0(struct verification, n);
	struct bpfe_load_attr attr = {.flags = o->checked ? BPFE_LOAD_CHECKED : 0};
	int code = EXIT_FINE;

	limits_apply(&o->limits, &attr);
	for (uint32_t i = 0; i < n; i++) {
		verification_run(&all[i], file, first + i, &attr, level);
		if (all[i].err)
			code = EXIT_REFUSED;
	}
	if (o->json)
		print_json(file, all, n);
	else
		print_text(all, n);
	for (uint32_t i = 0; i < n; i++)
		verification_clear(&all[i]);
	g_free(all);
	return code;
}

static int verify_file(const struct options *o, GError **error)
{
	struct object_file *file = object_file_open(o->files[0], error);
	int code = EXIT_REFUSED;
	uint32_t index;

	if (!file)
		return code;
	if (!o->program)
		code = verify_programs(o, file, 0, bpfe_object_n_programs(file->object));
	else if (object_file_find(file, o->program, &index, error))
		code = verify_programs(o, file, index, 1);
	object_file_close(file);
	return code;
}

static gboolean parse(struct options *o, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"prog", 'p', 0, G_OPTION_ARG_STRING, &o->program, "Only this program", "NAME"},
		{"verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,
		 (gpointer)(uintptr_t)more_verbose,
		 "Log level 1; twice: level 2, every instruction with what is known there", NULL},
		{"json", 'j', 0, G_OPTION_ARG_NONE, &o->json, "Print JSON", NULL},
		{"checked", 'c', 0, G_OPTION_ARG_NONE, &o->checked,
		 "Load for the checked interpreter", NULL},
		LIMIT_OPTIONS(&o->limits),
		{0},
	};

	if (!parse_options("verify", "PROG.o",
			   "Verify the programs of PROG.o as the NIC does when they are loaded.\n"
			   "Exit status: 0 all accepted; 1 one refused; 2 wrong usage.",
			   entries, argc, argv, &o->files, error))
		return FALSE;
	if (!o->files || g_strv_length(o->files) != 1)
		return usage_error(error, "verify", "expected PROG.o");
	return limits_parse(&o->limits, "verify", error);
}

int cmd_verify(int argc, char **argv, GError **error)
{
	struct options options = {0};
	int code = EXIT_USAGE;

	if (parse(&options, argc, argv, error))
		code = verify_file(&options, error);
	g_strfreev(options.files);
	g_free(options.program);
	g_free(options.limits.helpers);
	return code;
}
