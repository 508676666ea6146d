// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pvsched.h"
#include "state.h"

/* What is a number to a reader is one; all else are bytes in hex. */
static bool is_number(size_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* Types of the C language and of <linux/types.h> that have a sign. */
static bool is_signed(const char *type)
{
	return !strncmp(type, "__s", 3) || (!strncmp(type, "int", 3) && !strstr(type, "u")) ||
	       !strcmp(type, "short") || !strcmp(type, "long") || !strcmp(type, "long long") ||
	       !strcmp(type, "signed char");
}

static int64_t number(const char *type, const void *bytes, size_t size)
{
	const unsigned unused = 64 - 8 * (unsigned)size;
	uint64_t value = 0;

	memcpy(&value, bytes, size);
	return is_signed(type) ? (int64_t)(value << unused) >> unused : (int64_t)value;
}

static void to_hex(const void *bytes, size_t size, char *text, size_t room)
{
	text[0] = '\0';
	for (size_t i = 0; i < size && 2 * i + 3 <= room; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
}

struct map_view {
	struct pvs_policy_map map;
	struct json_object *list; /* NULL: print */
};

/* ---- Variables ------------------------------------------------------------------------------ */

static bool is_state(const char *name)
{
	return strncmp(name, "pvs_policy_", strlen("pvs_policy_")) != 0;
}

static int print_global(void *opaque, const char *name, const char *type, const void *bytes,
			size_t size)
{
	char hex[129];

	if (!is_state(name))
		return 0;
	if (is_number(size)) {
		printf("  %-20s %-14s %" PRId64 "\n", name, type, number(type, bytes, size));
	} else {
		to_hex(bytes, size, hex, sizeof(hex));
		printf("  %-20s %-14s %s%s\n", name, type, hex, size > 64 ? "..." : "");
	}
	return 0;
}

static int add_global(void *opaque, const char *name, const char *type, const void *bytes,
		      size_t size)
{
	struct json_object *to = opaque;
	char hex[8193];

	if (!is_state(name))
		return 0;
	if (is_number(size)) {
		json_number(to, name, number(type, bytes, size));
	} else {
		to_hex(bytes, size, hex, sizeof(hex));
		json_text(to, name, hex);
	}
	return 0;
}

/* ---- Maps ----------------------------------------------------------------------------------- */

static int element(void *opaque, const void *key, const void *value)
{
	const struct map_view *view = opaque;
	struct json_object *pair;
	char k[1025], v[8193];

	to_hex(key, view->map.key_size, k, sizeof(k));
	to_hex(value, view->map.value_bytes, v, sizeof(v));
	if (!view->list) {
		printf("  %s: %s = %s\n", view->map.name, k, v);
		return 0;
	}
	pair = json_object_new_object();
	json_text(pair, "key", k);
	json_text(pair, "value", v);
	json_object_array_add(view->list, pair);
	return 0;
}

/* --------------------------------------------------------------------------------------------- */

void print_state(struct pvs_policy *policy)
{
	struct map_view view = {.list = NULL};

	puts("\nState afterwards");
	pvs_policy_globals(policy, print_global, NULL);
	for (uint32_t i = 0; !pvs_policy_map(policy, i, &view.map); i++) {
		if (!view.map.global)
			pvs_policy_map_each(policy, i, element, &view);
	}
}

struct json_object *state_json(struct pvs_policy *policy)
{
	struct json_object *object = json_object_new_object(), *globals = json_object_new_object();
	struct json_object *maps = json_object_new_object();
	struct map_view view;

	pvs_policy_globals(policy, add_global, globals);
	for (uint32_t i = 0; !pvs_policy_map(policy, i, &view.map); i++) {
		if (view.map.global)
			continue;
		view.list = json_object_new_array();
		pvs_policy_map_each(policy, i, element, &view);
		json_object_object_add(maps, view.map.name, view.list);
	}
	json_object_object_add(object, "globals", globals);
	json_object_object_add(object, "maps", maps);
	return object;
}
