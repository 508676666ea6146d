/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Errors of sluice-run: one sentence for the user, naming the cure where there is one. */
#ifndef SLUICE_RUN_ERROR_H
#define SLUICE_RUN_ERROR_H

#include <glib.h>

#define RUN_ERROR (g_quark_from_static_string("sluice-run"))

enum run_error {
	RUN_ERROR_USAGE,  /* the command line */
	RUN_ERROR_FAILED, /* what it names */
};

#endif
