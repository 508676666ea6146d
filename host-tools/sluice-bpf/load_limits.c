// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "load_limits.h"
#include "bpf.h"

#include <string.h>

#define HELPER_IDS 256u

static gboolean has(const uint64_t bitmap[4], uint32_t id)
{
	return bitmap[id / 64] >> id % 64 & 1;
}

static uint32_t find_helper(const char *name)
{
	uint64_t built[4];

	bpfe_helpers_supported(built);
	for (uint32_t id = 1; id < HELPER_IDS; id++) {
		const char *has_name = has(built, id) ? bpfe_helper_name(id) : NULL;

		if (has_name && (!strcmp(has_name, name) || (g_str_has_prefix(has_name, "bpf_") &&
							     !strcmp(has_name + 4, name))))
			return id;
	}
	return 0;
}

static char *list_helpers(void)
{
	GString *list = g_string_new(NULL);
	uint64_t built[4];

	bpfe_helpers_supported(built);
	for (uint32_t id = 1; id < HELPER_IDS; id++) {
		if (has(built, id))
			g_string_append_printf(list, "%s%s", list->len ? ", " : "",
					       bpfe_helper_name(id));
	}
	return g_string_free(list, FALSE);
}

/* One item of the list; the first decides whether the list names what is allowed or what is not. */
static gboolean take_helper(struct limits *limits, const char *item, gboolean removing,
			    const char *subcommand, GError **error)
{
	uint32_t id;

	if ((item[0] == '-') != removing)
		return usage_error(error, subcommand,
				   "--helpers %s mixes helpers to allow and helpers to take away",
				   limits->helpers);
	id = find_helper(item + removing);
	if (!id) {
		g_autofree char *known = list_helpers();

		return usage_error(error, subcommand,
				   "--helpers: '%s' is not built in; these are: %s",
				   item + removing, known);
	}
	if (removing)
		limits->bitmap[id / 64] &= ~(UINT64_C(1) << id % 64);
	else
		limits->bitmap[id / 64] |= UINT64_C(1) << id % 64;
	return TRUE;
}

gboolean limits_parse(struct limits *limits, const char *subcommand, GError **error)
{
	g_auto(GStrv) items = NULL;
	gboolean removing;

	if (limits->max_insns < 0 || limits->max_insns > (int)BPFE_MAX_INSNS)
		return usage_error(error, subcommand, "--max-insns is out of range (1 to %u)",
				   BPFE_MAX_INSNS);
	if (limits->max_stack < 0 || limits->max_stack > (int)BPFE_STACK_SIZE)
		return usage_error(error, subcommand, "--max-stack is out of range (1 to %u)",
				   BPFE_STACK_SIZE);
	bpfe_helpers_supported(limits->bitmap);
	if (!limits->helpers)
		return TRUE;
	removing = limits->helpers[0] == '-';
	if (!removing)
		memset(limits->bitmap, 0, sizeof(limits->bitmap));
	items = g_strsplit(limits->helpers, ",", -1);
	for (char **item = items; *item; item++) {
		if (!take_helper(limits, *item, removing, subcommand, error))
			return FALSE;
	}
	return TRUE;
}

void limits_apply(const struct limits *limits, struct bpfe_load_attr *attr)
{
	attr->max_insns = (uint32_t)limits->max_insns;
	attr->max_stack = (uint32_t)limits->max_stack;
	attr->helpers = limits->bitmap;
}
