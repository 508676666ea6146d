// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-bench: measure the engine beside others, on the same programs in the same minute.
 */
#include "error.h"
#include "linux_object.h"
#include "measure.h"
#include "report.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum exit_code {
	EXIT_MEASURED = 0,
	EXIT_FAILED = 1, /* engines do not agree, or something failed */
	EXIT_USAGE = 2
};

struct options {
	char *programs;
	char **filters;
	char *html;
	char *json; /* file, "-" for standard output, NULL */
	int rounds;
	int cpu;
	gboolean quick, list, check, quiet;
};

static const struct column *const columns[] = {
	&column_native,         &column_linux,          &column_jit,
	&column_hardened,       &column_interp,         &column_ubpf,
	&columns_mitigation[0], &columns_mitigation[1], &columns_mitigation[2],
	&columns_mitigation[3], &columns_mitigation[4],
};

/* ---- Options -------------------------------------------------------------------------------- */

enum {
	UNSET = -4096, /* no number that anybody would give */
};

static struct options options = {.cpu = UNSET, .rounds = UNSET};

static gboolean json_option(const gchar *name, const gchar *value, gpointer data, GError **error)
{
	g_free(options.json);
	options.json = g_strdup(value ? value : "-");
	return TRUE;
}

static const GOptionEntry entries[] = {
	{"filter", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &options.filters,
	 "Only programs or classes of this name (* and ? stand for others); may be repeated",
	 "PATTERN"},
	{"rounds", 'r', 0, G_OPTION_ARG_INT, &options.rounds,
	 "Rounds, in each of which every column has a turn (default 21)", "N"},
	{"quick", 'q', 0, G_OPTION_ARG_NONE, &options.quick,
	 "Few and short rounds: to see that it works, not to quote", NULL},
	{"cpu", 'c', 0, G_OPTION_ARG_INT, &options.cpu,
	 "Processor to be pinned to (default: the last one allowed)", "N"},
	{"json", 'j', G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, json_option,
	 "Print JSON instead of tables, or write it to FILE beside them", "FILE"},
	{"html", 0, 0, G_OPTION_ARG_FILENAME, &options.html, "Write a page with plots", "FILE"},
	{"list", 'l', 0, G_OPTION_ARG_NONE, &options.list, "List the programs, measure nothing",
	 NULL},
	{"check", 0, 0, G_OPTION_ARG_NONE, &options.check,
	 "Only compare what the engines make of each program", NULL},
	{"quiet", 0, 0, G_OPTION_ARG_NONE, &options.quiet, "No progress on standard error", NULL},
	{"programs", 0, 0, G_OPTION_ARG_FILENAME, &options.programs,
	 "Folder of the programs, NAME.bpf.o and NAME.so of each", "DIR"},
	{0},
};

static gboolean usage_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean usage_error(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, TOOL_ERROR, TOOL_ERROR_USAGE, text);
	return FALSE;
}

/* What is written at the end is looked at before minutes are spent on it. */
static gboolean check_output(const char *option, const char *path, GError **error)
{
	g_autofree char *folder = path ? g_path_get_dirname(path) : NULL;

	if (!path || !strcmp(path, "-") || !g_access(folder, W_OK | X_OK))
		return TRUE;
	return usage_error(error, "%s: no file can be made in %s: %s", option, folder,
			   g_strerror(errno));
}

static gboolean check_outputs(GError **error)
{
	g_autofree char *gnuplot = g_find_program_in_path("gnuplot");

	if (options.html && !gnuplot)
		return usage_error(error, "--html needs gnuplot (apt install gnuplot-nox)");
	return check_output("--json", options.json, error) &&
	       check_output("--html", options.html, error);
}

static gboolean parse(int argc, char **argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_set_prgname("sluice-bench engine");
	g_option_context_set_summary(
		context,
		"Run each benchmark program in the engine, compiled and interpreted, in Linux and "
		"as native code,\nin turns, and compare times and results.\n"
		"Exit status: 0 measured; 1 engines do not agree, or a failure; 2 wrong usage.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (argc > 1)
		return usage_error(error, "engine takes no argument '%s'", argv[1]);
	if (options.rounds != UNSET && (options.rounds < 1 || options.rounds > 10000))
		return usage_error(error, "--rounds: %d; from 1 to 10000 are possible",
				   options.rounds);
	return check_outputs(error);
}

/* ---- Processors ----------------------------------------------------------------------------- */

/* The highest processor that is allowed, below @below. -1: none */
static int last_cpu(int below)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -1;
	for (int cpu = MIN(below, CPU_SETSIZE) - 1; cpu >= 0; cpu--) {
		if (CPU_ISSET(cpu, &set))
			return cpu;
	}
	return -1;
}

static char *allowed_cpus(void)
{
	GString *text = g_string_new(NULL);
	cpu_set_t set;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			g_string_append_printf(text, " %d", cpu);
	}
	return g_string_free(text, FALSE);
}

static gboolean check_cpu(GError **error)
{
	g_autofree char *allowed = allowed_cpus();
	cpu_set_t set;

	if (options.cpu == UNSET)
		return TRUE;
	if (options.cpu >= 0 && options.cpu < CPU_SETSIZE &&
	    !sched_getaffinity(0, sizeof(set), &set) && CPU_ISSET(options.cpu, &set))
		return TRUE;
	return usage_error(error, "processor %d: this process may run on%s", options.cpu, allowed);
}

static gboolean make_plan(struct plan *plan, GError **error)
{
	const int cpu = options.cpu == UNSET ? last_cpu(CPU_SETSIZE) : options.cpu;

	*plan = (struct plan){
		.rounds = options.rounds != UNSET ? (unsigned)options.rounds
			  : options.quick         ? 5
						  : 21,
		.slice_ns = options.quick ? 3e5 : 2e6,
		.warm_ops = options.quick ? 20000 : 200000,
		.check_only = options.check,
		.progress = !options.quiet,
		.cpu = cpu,
		.other_cpu = last_cpu(cpu),
	};
	if (plan->other_cpu < 0)
		plan->other_cpu = last_cpu(CPU_SETSIZE) != cpu ? last_cpu(CPU_SETSIZE) : -1;
	return pin_to_cpu(cpu, error);
}

/* ---- Running -------------------------------------------------------------------------------- */

static void find_columns(struct results *results)
{
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
		struct column_state *state = &results->columns[results->n_columns++];
		g_autoptr(GError) error = NULL;

		state->column = columns[i];
		if (!columns[i]->available(columns[i], &error))
			state->why = g_strdup(error->message);
	}
}

/* What is measured of some programs beside their runs. */
static void measure_special(struct results *results, GPtrArray *programs, const struct plan *plan)
{
	for (guint i = 0; i < programs->len; i++) {
		struct bench_program *program = g_ptr_array_index(programs, i);

		if (program->info->read_only)
			measure_scaling(results, program, plan);
		if (!strcmp(program->info->class, "load"))
			measure_loading(results, program, plan);
	}
}

static struct results *measure(GPtrArray *programs, const struct plan *plan)
{
	struct results *results = results_new();

	results->rounds = plan->rounds;
	results->cpu = plan->cpu;
	results->machine = machine_describe(plan->cpu);
	find_columns(results);
	for (guint i = 0; i < programs->len; i++)
		measure_program(results, g_ptr_array_index(programs, i), plan);
	if (!plan->check_only)
		measure_special(results, programs, plan);
	return results;
}

static gboolean write_json(const struct results *results, GError **error)
{
	struct json_object *json = report_json(results);
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY);
	gboolean ok = TRUE;

	if (!strcmp(options.json, "-"))
		puts(text);
	else
		ok = g_file_set_contents(options.json, text, -1, error);
	json_object_put(json);
	return ok;
}

static void print_comparison(const struct results *results)
{
	printf("%u programs compared in", results->rows->len);
	for (unsigned c = 0; c < results->n_columns; c++) {
		if (!results->columns[c].why)
			printf(" %s", results->columns[c].column->name);
	}
	printf(": %u failures\n", results->failures->len);
}

static gboolean report(const struct results *results, GError **error)
{
	if (options.check) {
		print_comparison(results);
	} else if (!options.json || strcmp(options.json, "-")) {
		report_table(results, stdout);
	}
	for (guint i = 0; i < results->failures->len; i++)
		fprintf(stderr, "sluice-bench: %s\n",
			(const char *)g_ptr_array_index(results->failures, i));
	return (!options.json || write_json(results, error)) &&
	       (!options.html || report_html(results, options.html, error));
}

static void list(const GPtrArray *programs)
{
	for (guint i = 0; i < programs->len; i++) {
		const struct bench_program *program = g_ptr_array_index(programs, i);

		printf("%-10s %-16s %s\n", program->info->class, program->name,
		       program->info->what);
	}
}

static int engine(int argc, char **argv, GError **error)
{
	g_autofree char *beside = catalogue_default_dir();
	g_autoptr(GPtrArray) programs = NULL;
	struct results *results;
	struct plan plan;
	int code;

	if (!parse(argc, argv, error))
		return EXIT_USAGE;
	programs = catalogue_open(options.programs ? options.programs : beside, options.filters,
				  error);
	if (!programs)
		return EXIT_FAILED;
	if (options.list) {
		list(programs);
		return EXIT_MEASURED;
	}
	if (!check_cpu(error) || !make_plan(&plan, error))
		return EXIT_USAGE;
	setpriority(PRIO_PROCESS, 0, -10); /* if it may */
	results = measure(programs, &plan);
	code = report(results, error) && !results->failures->len ? EXIT_MEASURED : EXIT_FAILED;
	results_free(results);
	return code;
}

static int run(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int code;

	bpfe_thread_register();
	code = engine(argc, argv, &error);
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	if (!error)
		return code;
	fprintf(stderr, "sluice-bench: %s\n", error->message);
	return error->domain == G_OPTION_ERROR ||
			       g_error_matches(error, TOOL_ERROR, TOOL_ERROR_USAGE)
		       ? EXIT_USAGE
		       : EXIT_FAILED;
}

static const char usage[] = "Usage: sluice-bench engine [OPTION...]\n"
			    "  engine   the BPF engine beside Linux's and native code\n"
			    "sluice-bench engine --help explains it.\n";

int main(int argc, char **argv)
{
	int code;

	linux_object_quiet();
	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
		fputs(usage, stdout);
		return EXIT_MEASURED;
	}
	if (argc < 2 || strcmp(argv[1], "engine") != 0) {
		fprintf(stderr, "sluice-bench: %s%s%s\n%s",
			argc < 2 ? "what is to be measured?" : "there is no bench '",
			argc < 2 ? "" : argv[1], argc < 2 ? "" : "'", usage);
		return EXIT_USAGE;
	}
	code = run(argc - 1, argv + 1);
	g_free(options.programs);
	g_strfreev(options.filters);
	g_free(options.html);
	g_free(options.json);
	if (fflush(stdout) || ferror(stdout)) {
		perror("sluice-bench: standard output");
		code = EXIT_FAILED;
	}
	return code;
}
