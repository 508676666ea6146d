// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "error.h"
#include "report.h"

gboolean report_html(const struct results *results, const char *path, GError **error)
{
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "no HTML yet");
	return FALSE;
}
