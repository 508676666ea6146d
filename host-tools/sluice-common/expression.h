/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A libpcap filter expression, compiled to classic BPF. */
#ifndef SLUICE_COMMON_EXPRESSION_H
#define SLUICE_COMMON_EXPRESSION_H

#include <glib.h>
#include <stdint.h>

struct sock_filter; /* <linux/filter.h> */

struct expression {
	struct sock_filter *insns;
	uint32_t n_insns;
};

/*
 * Compile @text for frames of link type @dlt ("EN10MB", or NULL for it). FALSE with @error, which
 * carries libpcap's words. expression_clear() afterwards.
 */
gboolean expression_compile(struct expression *expression, const char *text, const char *dlt,
			    gboolean optimize, GError **error);
void expression_clear(struct expression *expression);

#endif
