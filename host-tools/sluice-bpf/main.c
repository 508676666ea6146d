// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * sluice-bpf: look at BPF programs as the NIC sees them, with no NIC and no virtual machine.
 */
#include "bpf.h"
#include "error.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct subcommand {
	const char *name;
	const char *what;
	subcommand_fn run;
};

static const struct subcommand subcommands[] = {
	{"verify", "does the NIC accept a program, and if not, why", cmd_verify},
	{"disasm", "print a program's instructions", cmd_disasm},
	{"run", "run a program over one frame or a capture", cmd_run},
	{"exec", "run instructions given as hex, and print r0", cmd_exec},
	{"filter", "make a program of a libpcap filter expression", cmd_filter},
	{"stat", "compare what verifying programs takes", cmd_stat},
};

static void print_help(void)
{
	puts("Usage: sluice-bpf SUBCOMMAND [OPTION...] ...\n");
	for (size_t i = 0; i < G_N_ELEMENTS(subcommands); i++)
		printf("  %-8s %s\n", subcommands[i].name, subcommands[i].what);
	puts("\nsluice-bpf SUBCOMMAND --help explains each.");
}

/* ---- What subcommands share ----------------------------------------------------------------- */

gboolean usage_error(GError **error, const char *name, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = g_strdup_vprintf(fmt, args);
	va_end(args);
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE, "%s; see sluice-bpf %s --help", text,
		    name);
	return FALSE;
}

gboolean parse_options(const char *name, const char *arguments, const char *summary,
		       const GOptionEntry *entries, int argc, char **argv, char ***rest,
		       GError **error)
{
	const GOptionEntry remaining[] = {
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, rest, NULL, arguments},
		{0},
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autofree char *program = g_strconcat("sluice-bpf ", name, NULL);

	g_set_prgname(program);
	g_option_context_set_summary(context, summary);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, remaining, NULL);
	return g_option_context_parse(context, &argc, &argv, error);
}

char *read_stdin(GError **error)
{
	GString *text = g_string_new(NULL);
	char block[4096];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), stdin)))
		g_string_append_len(text, block, (gssize)n);
	if (ferror(stdin)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "standard input: %s",
			    g_strerror(errno));
		g_string_free(text, TRUE);
		return NULL;
	}
	return g_string_free(text, FALSE);
}

const char *errno_name(int err)
{
	const char *name = strerrorname_np(ABS(err));

	return name ? name : "unknown";
}

/* ---- Entry ---------------------------------------------------------------------------------- */

static const struct subcommand *find_subcommand(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(subcommands); i++) {
		if (!strcmp(subcommands[i].name, name))
			return &subcommands[i];
	}
	return NULL;
}

static int run(const struct subcommand *subcommand, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int code;

	bpfe_thread_register();
	code = subcommand->run(argc, argv, &error);
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	if (!error)
		return code;
	fprintf(stderr, "sluice-bpf: %s\n", error->message);
	return g_error_matches(error, TOOL_ERROR, TOOL_ERROR_FAILED) ? EXIT_REFUSED : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct subcommand *subcommand;
	int code;

	libbpf_set_print(NULL); /* what matters is said by this program */
	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
		print_help();
		return EXIT_FINE;
	}
	subcommand = argc > 1 ? find_subcommand(argv[1]) : NULL;
	if (!subcommand) {
		if (argc > 1)
			fprintf(stderr,
				"sluice-bpf: no subcommand '%s'; sluice-bpf --help lists them\n",
				argv[1]);
		else
			fputs("sluice-bpf: which subcommand? sluice-bpf --help lists them\n",
			      stderr);
		return EXIT_USAGE;
	}
	code = run(subcommand, argc - 1, argv + 1);
	if (fflush(stdout) || ferror(stdout)) {
		perror("sluice-bpf: standard output");
		code = EXIT_REFUSED;
	}
	return code;
}
