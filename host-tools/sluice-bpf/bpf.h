/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The subcommands of sluice-bpf. */
#ifndef SLUICE_BPF_H
#define SLUICE_BPF_H

#include <bpf_engine.h>
#include <glib.h>

enum exit_code {
	EXIT_FINE = 0,
	EXIT_REFUSED = 1, /* a program was refused, or what the command line names cannot be used */
	EXIT_USAGE = 2
};

/*
 * Run a subcommand, argv[0] its name, on a thread registered with the engine. Returns an enum
 * exit_code; with @error set, the error says which.
 */
typedef int (*subcommand_fn)(int argc, char **argv, GError **error);

int cmd_verify(int argc, char **argv, GError **error);
int cmd_disasm(int argc, char **argv, GError **error);
int cmd_exec(int argc, char **argv, GError **error);
int cmd_filter(int argc, char **argv, GError **error);
int cmd_run(int argc, char **argv, GError **error);
int cmd_stat(int argc, char **argv, GError **error);

/*
 * Parse the options of subcommand @name with its @arguments ("PROG.o") and @summary, leaving
 * in *rest what is no option. FALSE with @error.
 */
gboolean parse_options(const char *name, const char *arguments, const char *summary,
		       const GOptionEntry *entries, int argc, char **argv, char ***rest,
		       GError **error);

/* Sets a usage error that names the subcommand's help; returns FALSE. */
gboolean usage_error(GError **error, const char *name, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* All of standard input as a string, or NULL with @error. */
char *read_stdin(GError **error);

/* Name of an errno value, sign ignored ("EACCES"). */
const char *errno_name(int err);

#endif
