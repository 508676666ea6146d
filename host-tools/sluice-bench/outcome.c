// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "outcome.h"
#include "error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

gboolean map_is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * FNV_PRIME;
	return hash;
}

/* Word @i of the values of all processors together. */
static uint64_t word_sum(const uint8_t *values, size_t stride, size_t i, unsigned cpus)
{
	uint64_t sum = 0;

	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		uint64_t word;

		memcpy(&word, values + cpu * stride + i * sizeof(word), sizeof(word));
		sum += word;
	}
	return sum;
}

void map_digest_add(struct map_digest *digest, const void *key, size_t key_size, const void *value,
		    size_t value_size, unsigned cpus)
{
	const size_t stride = (value_size + 7) & ~(size_t)7;
	uint64_t hash = hash_bytes(FNV_START, key, key_size);

	if (!cpus) {
		hash = hash_bytes(hash, value, value_size);
	} else {
		for (size_t i = 0; i < stride / 8; i++) {
			uint64_t sum = word_sum(value, stride, i, cpus);

			hash = hash_bytes(hash, &sum, sizeof(sum));
		}
	}
	digest->entries++;
	digest->sum += hash ^ hash >> 29;
}

static gboolean digest_map(struct map_digest *digest, struct bpfe_map *map, GError **error)
{
	const struct bpfe_map_attr *attr = bpfe_map_attr(map);
	g_autofree uint8_t *key = g_malloc0(attr->key_size);
	g_autofree uint8_t *value = g_malloc0(bpfe_map_value_bytes(map));
	unsigned cpus = 0;
	int ret;

	if (map_is_per_cpu(attr->type))
		cpus = (unsigned)(bpfe_map_value_bytes(map) / ((attr->value_size + 7u) & ~7u));
	for (ret = bpfe_map_get_next_key(map, NULL, key); !ret;
	     ret = bpfe_map_get_next_key(map, key, key)) {
		ret = bpfe_map_lookup_copy(map, key, value);
		if (ret)
			break;
		map_digest_add(digest, key, attr->key_size, value, attr->value_size, cpus);
	}
	if (ret == -ENOENT)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "map %s cannot be read: %s", attr->name,
		    g_strerror(-ret));
	return FALSE;
}

gboolean outcome_add_maps(struct outcome *outcome, const struct bench_program *program,
			  struct bpfe_map **maps, GError **error)
{
	const struct bpfe_object *object = program->file->object;

	outcome->n_maps = 0;
	for (uint32_t i = 0; i < bpfe_object_n_maps(object); i++) {
		const char *name = bpfe_object_map(object, i)->name;
		struct map_digest *digest;

		if (strchr(name, '.') || bench_program_own_map(program, name))
			continue;
		if (outcome->n_maps == OUTCOME_MAX_MAPS) {
			g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
				    "%s: more than %u maps to compare", program->name,
				    OUTCOME_MAX_MAPS);
			return FALSE;
		}
		digest = &outcome->maps[outcome->n_maps++];
		*digest = (struct map_digest){0};
		g_strlcpy(digest->name, name, sizeof(digest->name));
		if (!digest_map(digest, maps[i], error))
			return FALSE;
	}
	return TRUE;
}

gboolean outcome_set_frame(struct outcome *outcome, const void *data, size_t size, GError **error)
{
	if (size > sizeof(outcome->frame)) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "the frame grew to %zu bytes",
			    size);
		return FALSE;
	}
	memcpy(outcome->frame, data, size);
	outcome->frame_len = (uint32_t)size;
	return TRUE;
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static gboolean equal_frames(const struct outcome *a, const char *name_a, const struct outcome *b,
			     const char *name_b, GError **error)
{
	uint32_t at = 0;

	if (a->frame_len != b->frame_len) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "the frame has %u bytes after %s and %u after %s", a->frame_len, name_a,
			    b->frame_len, name_b);
		return FALSE;
	}
	while (at < a->frame_len && a->frame[at] == b->frame[at])
		at++;
	if (at == a->frame_len)
		return TRUE;
	g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
		    "byte %u of the frame is 0x%02x after %s and 0x%02x after %s", at, a->frame[at],
		    name_a, b->frame[at], name_b);
	return FALSE;
}

static gboolean equal_maps(const struct outcome *a, const char *name_a, const struct outcome *b,
			   const char *name_b, GError **error)
{
	for (uint32_t i = 0; i < a->n_maps && i < b->n_maps; i++) {
		const struct map_digest *x = &a->maps[i], *y = &b->maps[i];

		if (x->entries == y->entries && x->sum == y->sum)
			continue;
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "map %s has %u entries (sum %016" PRIx64
			    ") after %s and %u (%016" PRIx64 ") after %s",
			    x->name, x->entries, x->sum, name_a, y->entries, y->sum, name_b);
		return FALSE;
	}
	return TRUE;
}

gboolean outcome_equal(const struct outcome *a, const char *name_a, const struct outcome *b,
		       const char *name_b, GError **error)
{
	if (a->retval != b->retval) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s returns 0x%08x, %s returns 0x%08x", name_a, a->retval, name_b,
			    b->retval);
		return FALSE;
	}
	return equal_frames(a, name_a, b, name_b, error) && equal_maps(a, name_a, b, name_b, error);
}
