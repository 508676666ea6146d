// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "hex.h"
#include "maps.h"
#include "report.h"

#include <json-c/json.h>
#include <stdio.h>

static void add_number(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_string(struct json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, json_object_new_string(value));
}

static void add_owned(struct json_object *to, const char *name, char *value)
{
	add_string(to, name, value);
	g_free(value);
}

static struct json_object *program_json(const struct program *program)
{
	struct json_object *json = json_object_new_object();
	struct bpfe_program_info info;

	bpfe_program_info(program->loaded, &info);
	add_string(json, "name", program_name(program));
	add_string(json, "section", program_section(program));
	add_number(json, "instructions", info.n_insns);
	add_number(json, "stack_bytes", info.stack_bytes);
	add_number(json, "instructions_verified", info.insns_verified);
	add_number(json, "verify_ns", info.verify_ns);
	add_string(json, "engine", bpfe_engine_name(info.engine));
	if (info.engine == BPFE_ENGINE_JIT) {
		add_number(json, "jit_bytes", info.jit_bytes);
		add_number(json, "jit_ns", info.jit_ns);
	}
	return json;
}

static struct json_object *verdicts_json(const uint64_t *stats)
{
	struct json_object *json = json_object_new_object();

	add_number(json, "pass", stats[SLUICE_STAT_RX_XDP_PASS]);
	add_number(json, "drop", stats[SLUICE_STAT_RX_XDP_DROP]);
	add_number(json, "tx", stats[SLUICE_STAT_RX_XDP_TX]);
	add_number(json, "redirect", stats[SLUICE_STAT_RX_XDP_REDIRECT]);
	add_number(json, "aborted", stats[SLUICE_STAT_RX_XDP_ABORTED]);
	return json;
}

static struct json_object *redirects_json(const struct redirects *redirects)
{
	struct json_object *json = json_object_new_array();

	for (guint i = 0; redirects->targets && i < redirects->targets->len; i++) {
		const struct redirect_target *target =
			&g_array_index(redirects->targets, struct redirect_target, i);
		struct json_object *entry = json_object_new_object();

		add_owned(entry, "target", redirect_target_name(target));
		json_object_object_add(entry, "exists", json_object_new_boolean(!target->missing));
		add_number(entry, "frames", target->frames);
		json_object_array_add(json, entry);
	}
	return json;
}

static struct json_object *counters_json(const uint64_t *stats)
{
	struct json_object *json = json_object_new_object();

	for (unsigned i = 0; i < SLUICE_N_PORT_STATS; i++)
		add_number(json, nic_port_stat_name(i), stats[i]);
	return json;
}

struct map_writer {
	struct json_object *entries;
	const struct btf *btf;
	const struct bpfe_map_attr *attr;
	uint32_t key_type;
	uint32_t value_type;
};

static gboolean add_element(void *opaque, int cpu, const void *key, const void *value)
{
	struct map_writer *w = opaque;
	struct json_object *entry = json_object_new_object();

	add_owned(entry, "key", hex_format(key, w->attr->key_size, ""));
	add_owned(entry, "value", hex_format(value, w->attr->value_size, ""));
	if (cpu >= 0)
		add_number(entry, "queue", cpu);
	if (w->btf && w->key_type && w->value_type) {
		add_owned(entry, "key_text",
			  maps_format(w->btf, w->key_type, key, w->attr->key_size));
		add_owned(entry, "value_text",
			  maps_format(w->btf, w->value_type, value, w->attr->value_size));
	}
	json_object_array_add(w->entries, entry);
	return TRUE;
}

static struct json_object *map_json(const struct program *program, uint32_t i)
{
	struct json_object *json = json_object_new_object();
	struct map_writer w = {
		.entries = json_object_new_array(),
		.attr = bpfe_map_attr(program->maps[i]),
	};

	w.btf = bpfe_object_map_types(program->file->object, i, &w.key_type, &w.value_type);
	add_string(json, "name", w.attr->name);
	add_string(json, "type", maps_type(program->maps[i]));
	add_number(json, "key_size", w.attr->key_size);
	add_number(json, "value_size", w.attr->value_size);
	add_number(json, "max_entries", w.attr->max_entries);
	maps_foreach(program->maps[i], add_element, &w);
	json_object_object_add(json, "entries", w.entries);
	return json;
}

static struct json_object *stream_json(const struct stream *stream)
{
	struct json_object *json = json_object_new_object(), *kept = json_object_new_array();

	add_string(json, "name", bpfe_map_attr(stream->map)->name);
	add_string(json, "type", maps_type(stream->map));
	add_number(json, "max_entries", bpfe_map_attr(stream->map)->max_entries);
	add_number(json, "records", stream->records);
	add_number(json, "lost", bpfe_map_lost(stream->map));
	for (guint i = 0; i < stream->kept->len; i++) {
		const struct stream_record *record =
			&g_array_index(stream->kept, struct stream_record, i);
		struct json_object *entry = json_object_new_object();
		gsize size;
		const uint8_t *data = g_bytes_get_data(record->data, &size);

		add_number(entry, "queue", record->queue);
		add_owned(entry, "data", hex_format(data, size, ""));
		json_object_array_add(kept, entry);
	}
	json_object_object_add(json, "first", kept);
	return json;
}

void report_json(const struct report *report)
{
	const struct program *program = report->program;
	struct json_object *json = json_object_new_object(), *maps = json_object_new_array();

	json_object_object_add(json, "program", program_json(program));
	add_string(json, "capture", report->capture);
	add_number(json, "frames", report->frames);
	add_number(json, "elapsed_ns", report->elapsed_ns);
	json_object_object_add(json, "verdicts", verdicts_json(report->stats));
	json_object_object_add(json, "redirects", redirects_json(&report->redirects));
	json_object_object_add(json, "counters", counters_json(report->stats));
	for (uint32_t i = 0; i < program_n_maps(program); i++) {
		const struct stream *stream = streams_find(&report->streams, program->maps[i]);

		if (stream)
			json_object_array_add(maps, stream_json(stream));
		else if (program->maps[i])
			json_object_array_add(maps, map_json(program, i));
	}
	json_object_object_add(json, "maps", maps);
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}
