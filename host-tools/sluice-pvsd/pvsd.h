/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* sluice-pvsd: the manager, and commands to one that runs. */
#ifndef PVSD_H
#define PVSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pvs_manager.h"

#define PVSD_SOCKET       "/run/sluice-pvsd.sock"
#define PVSD_MAX_TUNABLES 64

/* argp knows -? only. */
#define PVSD_HELP_OPTION {0, 'h', 0, OPTION_HIDDEN, 0, -1}

enum exit_code {
	EXIT_FINE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2
};

/* NAME=VALUE of --set. */
struct pvsd_tunables {
	struct pvs_tunable list[PVSD_MAX_TUNABLES];
	size_t n;
};

/* @text is kept and cut in two. False: not NAME=INTEGER, or too many. */
bool pvsd_tunable(struct pvsd_tunables *tunables, char *text);

/* Each gets its own arguments, argv[0] being its name, and returns an enum exit_code. */
int pvsd_serve(int argc, char **argv);
int pvsd_status(int argc, char **argv);
int pvsd_policy(int argc, char **argv);
int pvsd_record(int argc, char **argv);

/* The answer of a manager for people. */
struct json_object;
void pvsd_print_status(struct json_object *status);

#endif
