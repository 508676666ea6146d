// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "maps.h"
#include "error.h"
#include "hex.h"

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */

/* ---- Reading -------------------------------------------------------------------------------- */

static gboolean parse_hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (*text) {
		int high = g_ascii_xdigit_value(text[0]);
		int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);

		if (low < 0 || n == size)
			return FALSE;
		out[n++] = high << 4 | low;
		text += 2;
		text += *text == ' ' || *text == ':';
	}
	return n == size;
}

static gboolean parse_address(const char *text, uint8_t *out, size_t size)
{
	if (size == sizeof(struct in_addr))
		return inet_pton(AF_INET, text, out) == 1;
	if (size != sizeof(struct in6_addr))
		return FALSE;
	if (inet_pton(AF_INET, text, out + sizeof(v4_mapped)) == 1) {
		memcpy(out, v4_mapped, sizeof(v4_mapped));
		return TRUE;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

static gboolean parse_integer(const char *text, uint8_t *out, size_t size)
{
	uint64_t number;
	char *end;

	if (!g_ascii_isdigit(text[0]) || size > sizeof(number))
		return FALSE;
	errno = 0;
	number = g_ascii_strtoull(text, &end, 0);
	if (errno || *end || (size < sizeof(number) && number >> (8 * size)))
		return FALSE;
	memcpy(out, &number, size); /* BPF memory is little-endian, as is the host */
	return TRUE;
}

/* @option: "--map", for the message. */
static gboolean parse_bytes(const char *option, const char *what, const char *preset,
			    const char *text, uint8_t *out, size_t size, GError **error)
{
	gboolean ok = g_str_has_prefix(text, "hex:")
			      ? parse_hex(text + 4, out, size)
			      : parse_address(text, out, size) || parse_integer(text, out, size);

	if (!ok)
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE,
			    "%s %s: %s '%s' does not fit its %zu bytes; write an integer%s, or "
			    "hex: and %zu digits",
			    option, preset, what, text, size,
			    size == 4 || size == 16 ? ", an IP address" : "", 2 * size);
	return ok;
}

static struct bpfe_map *find_map(const struct bpfe_object *object, struct bpfe_map **maps,
				 const char *preset, const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (uint32_t i = 0; i < bpfe_object_n_maps(object); i++) {
		const char *has = bpfe_object_map(object, i)->name;

		if (!maps[i])
			continue;
		/* Names are cut to what Linux stores. */
		if (!strncmp(has, name, BPFE_NAME_LEN - 1))
			return maps[i];
		g_string_append_printf(known, "%s%s", i ? ", " : "", has);
	}
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE, "--map %s: no map '%s'; %s%s", preset,
		    name, known->len ? "the object has " : "the object has none", known->str);
	return NULL;
}

gboolean maps_preset(const struct bpfe_object *object, struct bpfe_map **maps, const char *preset,
		     GError **error)
{
	g_autofree char *name = g_strdup(preset);
	g_autofree uint8_t *key_bytes = NULL, *value_bytes = NULL;
	char *key = strchr(name, ':'), *value = key ? strrchr(key, '=') : NULL;
	const struct bpfe_map_attr *attr;
	struct bpfe_map *map;
	int ret;

	if (!value) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE,
			    "--map %s: expected NAME:KEY=VALUE, such as blocked:192.0.2.7=0",
			    preset);
		return FALSE;
	}
	*key++ = '\0';
	*value++ = '\0';
	map = find_map(object, maps, preset, name, error);
	if (!map)
		return FALSE;
	attr = bpfe_map_attr(map);
	key_bytes = g_malloc0(attr->key_size);
	value_bytes = g_malloc0(attr->value_size);
	if (!parse_bytes("--map", "key", preset, key, key_bytes, attr->key_size, error) ||
	    !parse_bytes("--map", "value", preset, value, value_bytes, attr->value_size, error))
		return FALSE;
	ret = bpfe_map_update(map, key_bytes, value_bytes, BPF_ANY);
	if (ret)
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE,
			    "--map %s: %s (the map has %u entries at most)", preset,
			    g_strerror(-ret), attr->max_entries);
	return !ret;
}

gboolean globals_preset(struct bpfe_object *object, const char *preset, GError **error)
{
	g_autofree char *name = g_strdup(preset);
	g_autofree uint8_t *bytes = NULL;
	char *value = strchr(name, '=');
	const void *now = NULL;
	size_t size;

	if (value) {
		*value++ = '\0';
		now = bpfe_object_global(object, name, &size);
	}
	if (!value || !now) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_USAGE, "--global %s: %s", preset,
			    value ? "the object has no one global variable of that name"
				  : "expected NAME=VALUE, such as limit=100");
		return FALSE;
	}
	bytes = g_malloc0(size);
	return parse_bytes("--global", "value", preset, value, bytes, size, error) &&
	       !bpfe_object_set_global(object, name, bytes, size, NULL);
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Is it made of __be32 words only, as addresses are declared? Follows the first member. */
static gboolean is_network_order(const struct btf *btf, uint32_t type_id)
{
	for (int depth = 0; depth < 16; depth++) {
		const struct btf_type *type = btf__type_by_id(btf, type_id);

		if (!type)
			return FALSE;
		if (btf_is_typedef(type) &&
		    !g_strcmp0(btf__name_by_offset(btf, type->name_off), "__be32"))
			return TRUE;
		if (btf_is_array(type))
			type_id = btf_array(type)->type;
		else if (btf_is_composite(type) && btf_vlen(type) == 1)
			type_id = btf_members(type)->type;
		else if (btf_is_mod(type) || btf_is_typedef(type))
			type_id = type->type;
		else
			return FALSE;
	}
	return FALSE;
}

static char *format_address(const void *data, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	if (size == sizeof(struct in_addr))
		return g_strdup(inet_ntop(AF_INET, data, text, sizeof(text)));
	if (size == sizeof(struct in6_addr))
		return g_strdup(inet_ntop(AF_INET6, data, text, sizeof(text)));
	return NULL;
}

static void append_text(void *opaque, const char *fmt, va_list args)
{
	g_string_append_vprintf(opaque, fmt, args);
}

static char *format_typed(const struct btf *btf, uint32_t type_id, const void *data, size_t size)
{
	LIBBPF_OPTS(btf_dump_type_data_opts, opts, .compact = true, .skip_names = true,
		    .emit_zeroes = true);
	GString *text = g_string_new(NULL);
	struct btf_dump *dump = btf_dump__new(btf, append_text, text, NULL);
	int ret = -ENOMEM;

	if (dump) {
		ret = btf_dump__dump_type_data(dump, type_id, data, size, &opts);
		btf_dump__free(dump);
	}
	/* It returns the bytes it understood. */
	return g_string_free(text, ret < 0 || (size_t)ret != size);
}

char *maps_format(const struct btf *btf, uint32_t type_id, const void *data, size_t size)
{
	char *text = NULL;

	if (btf && type_id) {
		if (is_network_order(btf, type_id))
			text = format_address(data, size);
		if (!text)
			text = format_typed(btf, type_id, data, size);
	}
	if (text)
		return text;
	return hex_format(data, size, "");
}

const char *maps_type(const struct bpfe_map *map)
{
	const char *name = libbpf_bpf_map_type_str(bpfe_map_attr(map)->type);

	return name ? name : "unknown";
}

/* The values of one key: of a per-CPU map one for each processor, those left zero but the first. */
static gboolean visit_values(const struct bpfe_map *map, maps_visit_fn visit, void *opaque,
			     const void *key, const uint8_t *values)
{
	const struct bpfe_map_attr *attr = bpfe_map_attr(map);
	size_t stride = (attr->value_size + 7) / 8 * 8, bytes = bpfe_map_value_bytes(map);

	if (bytes == attr->value_size)
		return visit(opaque, -1, key, values);
	for (size_t cpu = 0; cpu < bytes / stride; cpu++) {
		const uint8_t *value = values + cpu * stride;

		if ((!cpu || !maps_is_zero(value, attr->value_size)) &&
		    !visit(opaque, (int)cpu, key, value))
			return FALSE;
	}
	return TRUE;
}

gboolean maps_is_zero(const uint8_t *bytes, size_t size)
{
	while (size && !*bytes) {
		bytes++;
		size--;
	}
	return !size;
}

void maps_foreach(struct bpfe_map *map, maps_visit_fn visit, void *opaque)
{
	const struct bpfe_map_attr *attr = bpfe_map_attr(map);
	g_autofree uint8_t *key = g_malloc(attr->key_size);
	g_autofree uint8_t *value = g_malloc(bpfe_map_value_bytes(map)); /* of all processors */
	int ret = bpfe_map_get_next_key(map, NULL, key);

	while (!ret) {
		if (!bpfe_map_lookup_copy(map, key, value) &&
		    !visit_values(map, visit, opaque, key, value))
			return;
		ret = bpfe_map_get_next_key(map, key, key);
	}
}
