/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the subcommands of sluice-pvsched share. */
#ifndef SLUICE_PVSCHED_TOOL_H
#define SLUICE_PVSCHED_TOOL_H

#include <argp.h>
#include <json-c/json.h>
#include <pvs.h>
#include <stdbool.h>

enum exit_code {
	EXIT_FINE = 0,
	EXIT_FAILED = 1, /* refused, or decisions differ */
	EXIT_USAGE = 2
};

/* A subcommand: argv[0] is its whole name ("sluice-pvsched policy list"). Returns an exit code. */
typedef int (*subcommand_fn)(int argc, char **argv);

int cmd_policy_list(int argc, char **argv);
int cmd_policy_info(int argc, char **argv);
int cmd_policy_verify(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_record_dump(int argc, char **argv);
int cmd_gen(int argc, char **argv);

/* ---- Options (options.c) -------------------------------------------------------------------- */

#define MAX_TUNABLES 64

/* How a policy is to be opened. Parsed by policy_argp, a child parser, whose input it is. */
struct policy_args {
	const char *policy; /* --policy, where a subcommand takes that */
	struct pvs_policy_options options;
	struct pvs_tunable tunables[MAX_TUNABLES];
};

extern const struct argp policy_argp;      /* --set, --host, --engine, --budget */
extern const struct argp policy_name_argp; /* the same with --policy */
extern const struct argp tunables_argp;    /* --set, --budget */

/* A number of an option: @text must be one from @min to @max; else a usage error. */
uint64_t parse_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
		      uint64_t max);

/* Parse with the program's name in messages, and no more arguments than are taken. */
void parse(const struct argp *argp, int argc, char **argv, void *input);

/* ---- Opening and printing (common.c) -------------------------------------------------------- */

/* NULL: refused, and standard error says why. */
struct pvs_policy *open_policy(const char *name, const struct policy_args *args);

/* The same with why not in @log; the return value of pvs_policy_open(). */
int try_policy(const char *name, const struct pvs_policy_options *options,
	       struct pvs_policy **policy, struct pvs_log *log);

/* "sluice-pvsched: ..." on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void json_text(struct json_object *to, const char *name, const char *text);
void json_number(struct json_object *to, const char *name, int64_t value);
void json_count(struct json_object *to, const char *name, uint64_t value);

/* Print and release. Returns EXIT_FINE. */
int json_print(struct json_object *object);

#endif
