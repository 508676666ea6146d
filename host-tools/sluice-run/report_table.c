// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "hex.h"
#include "maps.h"
#include "report.h"

#include <inttypes.h>

#define ENTRIES_SHOWN 100

static void print_row(const char *name, uint64_t count, const char *unit)
{
	g_print("  %-20s %12" PRIu64 "%s%s\n", name, count, unit[0] ? " " : "", unit);
}

static void print_verdict(const struct report *report, const char *name, unsigned stat)
{
	uint64_t count = report->stats[stat], all = report->stats[SLUICE_STAT_RX_XDP_RUN];

	g_print("  %-20s %12" PRIu64 " %7.2f %%\n", name, count,
		all ? 100.0 * (double)count / (double)all : 0.0);
}

static void print_verdicts(const struct report *report)
{
	g_print("\nVerdicts\n");
	print_verdict(report, "PASS", SLUICE_STAT_RX_XDP_PASS);
	print_verdict(report, "DROP", SLUICE_STAT_RX_XDP_DROP);
	print_verdict(report, "TX", SLUICE_STAT_RX_XDP_TX);
	if (report->stats[SLUICE_STAT_RX_XDP_REDIRECT])
		print_verdict(report, "REDIRECT", SLUICE_STAT_RX_XDP_REDIRECT);
	print_verdict(report, "ABORTED", SLUICE_STAT_RX_XDP_ABORTED);
	if (report->stats[SLUICE_STAT_RX_XDP_BUDGET])
		print_verdict(report, "  of these: budget", SLUICE_STAT_RX_XDP_BUDGET);
	if (report->stats[SLUICE_STAT_RX_XDP_BAD_VERDICT])
		print_verdict(report, "  not a verdict here", SLUICE_STAT_RX_XDP_BAD_VERDICT);
}

static void print_redirects(const struct redirects *redirects)
{
	if (!redirects->targets)
		return;
	g_print("\nRedirected to\n");
	for (guint i = 0; i < redirects->targets->len; i++) {
		const struct redirect_target *target =
			&g_array_index(redirects->targets, struct redirect_target, i);
		g_autofree char *name = redirect_target_name(target);

		print_row(name, target->frames,
			  target->missing ? "frames; not in this NIC" : "frames");
	}
	if (redirects->more)
		print_row("others", redirects->more, "frames");
}

static void print_counters(const struct report *report)
{
	const uint64_t *s = report->stats;

	g_print("\nNIC\n");
	print_row("received", s[SLUICE_STAT_RX_WIRE_FRAMES], "frames");
	print_row("", s[SLUICE_STAT_RX_WIRE_BYTES], "bytes");
	print_row("dropped before DMA",
		  s[SLUICE_STAT_RX_WIRE_FRAMES] - s[SLUICE_STAT_RX_DELIVERED_FRAMES] -
			  s[SLUICE_STAT_RX_XDP_TX] - s[SLUICE_STAT_XDP_REDIRECT_PORT],
		  "frames");
	print_row("bytes DMAed", s[SLUICE_STAT_RX_DMA_BYTES], "bytes");
	print_row("interrupts", s[SLUICE_STAT_RX_INTERRUPTS], "");
	print_row("delivered", s[SLUICE_STAT_RX_DELIVERED_FRAMES], "frames");
	print_row("transmitted", s[SLUICE_STAT_XDP_TX_SENT] + s[SLUICE_STAT_XDP_REDIRECT_SENT],
		  "frames");
	/* What should not happen here is shown when it does. */
	for (unsigned i = 0; i < SLUICE_N_PORT_STATS; i++) {
		if (s[i] && g_str_has_prefix(nic_port_stat_name(i), "rx_drop_"))
			print_row(nic_port_stat_name(i), s[i], "frames");
	}
}

/* ---- Maps ----------------------------------------------------------------------------------- */

struct map_printer {
	const struct btf *btf;
	const struct bpfe_map_attr *attr;
	uint32_t key_type;
	uint32_t value_type;
	unsigned shown;
	unsigned zeros; /* elements of an array that were never written */
	unsigned more;
};

static gboolean print_element(void *opaque, int cpu, const void *key, const void *value)
{
	struct map_printer *p = opaque;
	g_autofree char *key_text = NULL, *value_text = NULL;

	if ((p->attr->type == BPF_MAP_TYPE_ARRAY || cpu >= 0) &&
	    maps_is_zero(value, p->attr->value_size)) {
		p->zeros++;
		return TRUE;
	}
	if (p->shown == ENTRIES_SHOWN) {
		p->more++;
		return TRUE;
	}
	key_text = maps_format(p->btf, p->key_type, key, p->attr->key_size);
	value_text = maps_format(p->btf, p->value_type, value, p->attr->value_size);
	g_print("  %-20s %12s", key_text, value_text);
	if (cpu >= 0)
		g_print("  on queue %d", cpu);
	g_print("\n");
	p->shown++;
	return TRUE;
}

static void print_stream(const struct stream *stream)
{
	guint shown = MIN(stream->kept->len, ENTRIES_SHOWN);

	g_print("\nMap %s (%s, %" PRIu64 " records, %" PRIu64 " lost)\n",
		bpfe_map_attr(stream->map)->name, maps_type(stream->map), stream->records,
		bpfe_map_lost(stream->map));
	for (guint i = 0; i < shown; i++) {
		const struct stream_record *record =
			&g_array_index(stream->kept, struct stream_record, i);
		gsize size;
		const uint8_t *data = g_bytes_get_data(record->data, &size);
		g_autofree char *text = hex_format(data, size, "");

		g_print("  queue %-14u %s\n", record->queue, text);
	}
	if (stream->records > shown)
		g_print("  (%" PRIu64 " more)\n", stream->records - shown);
}

static void print_map(const struct program *program, uint32_t i)
{
	struct bpfe_map *map = program->maps[i];
	struct map_printer p = {.attr = bpfe_map_attr(map)};

	p.btf = bpfe_object_map_types(program->file->object, i, &p.key_type, &p.value_type);
	g_print("\nMap %s (%s, %u of %u entries)\n", p.attr->name, maps_type(map),
		bpfe_map_count(map), p.attr->max_entries);
	maps_foreach(map, print_element, &p);
	if (p.zeros)
		g_print("  (%u entries are zero)\n", p.zeros);
	if (p.more)
		g_print("  (%u more; --json shows all)\n", p.more);
}

void report_table(const struct report *report)
{
	struct bpfe_program_info info;
	g_autofree char *capture = g_path_get_basename(report->capture);
	g_autofree char *engine = engine_describe(report->program->loaded);

	bpfe_program_info(report->program->loaded, &info);
	g_print("%s (section %s, %u instructions) over %s: %" PRIu64 " frames, %.0f ns a frame\n",
		program_name(report->program), program_section(report->program), info.n_insns,
		capture, report->frames,
		report->frames ? (double)report->elapsed_ns / (double)report->frames : 0.0);
	g_print("engine: %s\n", engine);
	print_verdicts(report);
	print_redirects(&report->redirects);
	print_counters(report);
	for (uint32_t i = 0; i < program_n_maps(report->program); i++) {
		struct bpfe_map *map = report->program->maps[i];
		const struct stream *stream = streams_find(&report->streams, map);

		if (stream)
			print_stream(stream);
		else if (map)
			print_map(report->program, i);
	}
}
