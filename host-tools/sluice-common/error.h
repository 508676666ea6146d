/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Errors of the tools: one sentence for the user, naming the cure where there is one. */
#ifndef SLUICE_COMMON_ERROR_H
#define SLUICE_COMMON_ERROR_H

#include <glib.h>

#define TOOL_ERROR (g_quark_from_static_string("sluice-tool"))

enum tool_error {
	TOOL_ERROR_USAGE,  /* the command line */
	TOOL_ERROR_FAILED, /* what it names */
};

#endif
