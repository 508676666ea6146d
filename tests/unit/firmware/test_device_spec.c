/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The tables of docs/device-spec against the headers: registers, opcodes, statuses, and the layout
 * of every structure. The headers are the truth; this keeps the datasheet from leaving it.
 */
#include "fw_guest.h"

#include <stdio.h>

#include "command.h"
#include "doc_text.h"
#include "registers.h"

/* The table row that holds @fmt formatted, e.g. "| 0x118 | ASQ_SIZE | 32 |", must be in the text.
 */
static void expect_row(const char *file, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void expect_row(const char *file, const char *text, const char *fmt, ...)
{
	char row[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(row, sizeof(row), fmt, args);
	va_end(args);
	if (!strstr(text, row))
		fail_msg("%s lacks the row that begins '%s'", file, row);
}

/* Rows of the first table in @text, its head not counted. */
static unsigned table_rows(const char *text)
{
	const char *at = strstr(text, "\n| ");
	unsigned rows = 0;

	for (; at && at[1] == '|'; at = strchr(at + 1, '\n'))
		rows++;
	assert_true(rows > 2);
	return rows - 2; /* the head and the line under it */
}

/* Rows of the first table under @heading. */
static unsigned count_rows(const char *text, const char *heading)
{
	const char *at = strstr(text, heading);

	if (!at)
		fail_msg("no heading '%s'", heading);
	return table_rows(at);
}

static const char *access_of(const struct fw_register *reg)
{
	if (!reg->set)
		return "RO";
	if (!reg->get)
		return "WO";
	return reg->offset == SLUICE_REG_INTR_CAUSE ? "RW1C" : "RW";
}

static void check_registers(const char *text, bool port, const char *heading)
{
	const struct fw_register *reg;
	unsigned n = 0;

	for (; (reg = fw_register_at(port, n)) != NULL; n++)
		expect_row("registers.md", text,
			   port ? "\n| 0x%02x | %s | %u | %s |" : "\n| 0x%03x | %s | %u | %s |",
			   reg->offset, reg->name, reg->width * 8u, access_of(reg));
	assert_int_equal(count_rows(text, heading), n);
}

static void test_registers(void **state)
{
	char *text = doc_text("registers.md");

	check_registers(text, false, "## Device registers");
	check_registers(text, true, "## Port blocks");
	expect_row("registers.md", text, "\n| 0x%02x | RX_FREE |", SLUICE_DB_RX_FREE);
	expect_row("registers.md", text, "\n| 0x%02x | RX_CPL |", SLUICE_DB_RX_CPL);
	expect_row("registers.md", text, "\n| 0x%02x | TX_SUB |", SLUICE_DB_TX_SUB);
	expect_row("registers.md", text, "\n| 0x%02x | TX_CPL |", SLUICE_DB_TX_CPL);
	free(text);
}

static void test_commands(void **state)
{
	char *text = doc_text("commands.md");
	unsigned opcodes = 0, statuses = 0;

#define SLUICE_X(name, value)                                               \
	expect_row("commands.md", text, "\n| 0x%04x | %s |", value, #name); \
	opcodes++;
	SLUICE_OPCODES(SLUICE_X)
#undef SLUICE_X
#define SLUICE_X(name, value, what)                                                \
	expect_row("commands.md", text, "\n| %u | %s | %s |", value, #name, what); \
	statuses++;
	SLUICE_STATUSES(SLUICE_X)
#undef SLUICE_X
	assert_int_equal(count_rows(text, "## Opcodes"), opcodes);
	assert_int_equal(count_rows(text, "## Statuses"), statuses);
	free(text);
}

static void test_statistics(void **state)
{
	char *text = doc_text("statistics.md");

#define SLUICE_X(name, what) \
	expect_row("statistics.md", text, "\n| %u | %s |", SLUICE_STAT_##name, what);
	SLUICE_PORT_STATS(SLUICE_X)
#undef SLUICE_X
#define SLUICE_X(name, what) \
	expect_row("statistics.md", text, "\n| %u | %s |", SLUICE_QSTAT_##name, what);
	SLUICE_QUEUE_STATS(SLUICE_X)
#undef SLUICE_X
	assert_int_equal(count_rows(text, "## Port"), SLUICE_N_PORT_STATS);
	assert_int_equal(count_rows(text, "## Queue"), SLUICE_N_QUEUE_STATS);
	free(text);
}

/* ---- Layouts ------------------------------------------------------------------------------ */

struct field {
	const char *record, *name;
	unsigned offset, size, total;
};

#define F(record, member)                                                                         \
	{#record, #member, offsetof(struct record, member), sizeof(((struct record *)0)->member), \
	 sizeof(struct record)}

static const struct field fields[] = {
	F(sluice_cmd, opcode),
	F(sluice_cmd, flags),
	F(sluice_cmd, tag),
	F(sluice_cmd, port),
	F(sluice_cmd, reserved),
	F(sluice_cmd, data_addr),
	F(sluice_cmd, data_len),
	F(sluice_cmd, resp_len),
	F(sluice_cmd, resp_addr),
	F(sluice_cmd, args),
	F(sluice_cmd_cpl, tag),
	F(sluice_cmd_cpl, status),
	F(sluice_cmd_cpl, detail),
	F(sluice_cmd_cpl, resp_len),
	F(sluice_cmd_cpl, resp_full),
	F(sluice_cmd_cpl, result),
	F(sluice_cmd_cpl, sub_index),
	F(sluice_cmd_cpl, reserved0),
	F(sluice_cmd_cpl, reserved1),
	F(sluice_cmd_cpl, phase),
	F(sluice_attr, type),
	F(sluice_attr, flags),
	F(sluice_attr, length),
	F(sluice_event, type),
	F(sluice_event, port),
	F(sluice_event, reserved0),
	F(sluice_event, arg),
	F(sluice_event, arg64),
	F(sluice_event, timestamp),
	F(sluice_event, lost),
	F(sluice_event, reserved1),
	F(sluice_event, phase),
	F(sluice_args_port_set, valid),
	F(sluice_args_port_set, rx_mode),
	F(sluice_args_port_set, mtu),
	F(sluice_args_port_set, enable),
	F(sluice_args_port_set, mac),
	F(sluice_args_port_set, reserved),
	F(sluice_resp_port, mac),
	F(sluice_resp_port, enabled),
	F(sluice_resp_port, link),
	F(sluice_resp_port, speed),
	F(sluice_resp_port, mtu),
	F(sluice_resp_port, rx_mode),
	F(sluice_resp_port, prog_id),
	F(sluice_resp_port, reserved),
	F(sluice_queue_config, queue),
	F(sluice_queue_config, vector),
	F(sluice_queue_config, flags),
	F(sluice_queue_config, ring_base),
	F(sluice_queue_config, cpl_base),
	F(sluice_queue_config, ring_size),
	F(sluice_queue_config, cpl_size),
	F(sluice_queue_config, buffer_size),
	F(sluice_queue_config, headroom),
	F(sluice_queue_config, ring2_base),
	F(sluice_queue_config, ring2_size),
	F(sluice_queue_config, buffer2_size),
	F(sluice_queue_config, coalesce_usecs),
	F(sluice_queue_config, coalesce_frames),
	F(sluice_args_queue, queue),
	F(sluice_args_queue, type),
	F(sluice_args_queue, reserved),
	F(sluice_resp_queue, state),
	F(sluice_resp_queue, type),
	F(sluice_resp_queue, error),
	F(sluice_resp_queue, producer),
	F(sluice_resp_queue, consumer),
	F(sluice_resp_queue, cpl_producer),
	F(sluice_resp_queue, cpl_consumer),
	F(sluice_resp_queue, reserved),
	F(sluice_resp_rss, key),
	F(sluice_resp_rss, table),
	F(sluice_args_stats, queue),
	F(sluice_args_stats, type),
	F(sluice_args_stats, reserved),
	F(sluice_args_prog_load, log_level),
	F(sluice_args_prog_load, reserved),
	F(sluice_args_prog, prog_id),
	F(sluice_args_prog, expected_id),
	F(sluice_args_prog, flags),
	F(sluice_args_prog, reserved),
	F(sluice_resp_prog, prog_id),
	F(sluice_resp_prog, n_insns),
	F(sluice_resp_prog, stack_bytes),
	F(sluice_resp_prog, n_maps),
	F(sluice_resp_prog, insns_verified),
	F(sluice_resp_prog, verify_ns),
	F(sluice_resp_prog, runs),
	F(sluice_resp_prog, run_insns),
	F(sluice_resp_prog, name),
	F(sluice_resp_prog, map_ids),
	F(sluice_args_map_create, type),
	F(sluice_args_map_create, key_size),
	F(sluice_args_map_create, value_size),
	F(sluice_args_map_create, max_entries),
	F(sluice_args_map_create, map_flags),
	F(sluice_args_map_create, reserved),
	F(sluice_args_map, map_id),
	F(sluice_args_map, reserved0),
	F(sluice_args_map, flags),
	F(sluice_args_map, reserved),
	F(sluice_resp_map, map_id),
	F(sluice_resp_map, type),
	F(sluice_resp_map, key_size),
	F(sluice_resp_map, value_size),
	F(sluice_resp_map, max_entries),
	F(sluice_resp_map, map_flags),
	F(sluice_resp_map, count),
	F(sluice_resp_map, n_programs),
	F(sluice_resp_map, name),
	F(sluice_rx_desc, addr),
	F(sluice_rx_desc, buffer_id),
	F(sluice_rx_desc, reserved),
	F(sluice_rx_cpl, buffer_id),
	F(sluice_rx_cpl, offset),
	F(sluice_rx_cpl, length),
	F(sluice_rx_cpl, rss_hash),
	F(sluice_rx_cpl, flags),
	F(sluice_rx_cpl, vlan_tci),
	F(sluice_rx_cpl, timestamp),
	F(sluice_rx_cpl, mark),
	F(sluice_rx_cpl, meta_len),
	F(sluice_rx_cpl, hash_csum),
	F(sluice_rx_cpl, error),
	F(sluice_rx_cpl, phase),
	F(sluice_tx_desc, addr),
	F(sluice_tx_desc, length),
	F(sluice_tx_desc, flags),
	F(sluice_tx_desc, vlan_tci),
	F(sluice_tx_desc, csum_start),
	F(sluice_tx_desc, csum_offset),
	F(sluice_tx_desc, mss),
	F(sluice_tx_desc, reserved0),
	F(sluice_tx_desc, reserved1),
	F(sluice_tx_cpl, sub_index),
	F(sluice_tx_cpl, status),
	F(sluice_tx_cpl, reserved0),
	F(sluice_tx_cpl, timestamp),
	F(sluice_tx_cpl, reserved1),
	F(sluice_tx_cpl, reserved2),
	F(sluice_tx_cpl, reserved3),
	F(sluice_tx_cpl, phase),
	F(sluice_cap_admin, max_data),
	F(sluice_cap_admin, max_resp),
	F(sluice_cap_admin, max_outstanding),
	F(sluice_cap_admin, reserved),
	F(sluice_cap_queues, max_pairs),
	F(sluice_cap_queues, min_ring),
	F(sluice_cap_queues, max_ring),
	F(sluice_cap_queues, max_cpl_ring),
	F(sluice_cap_queues, rss_table),
	F(sluice_cap_queues, rss_key),
	F(sluice_cap_queues, n_vectors),
	F(sluice_cap_queues, max_multicast),
	F(sluice_cap_rx, max_frame),
	F(sluice_cap_rx, min_buffer),
	F(sluice_cap_rx, max_buffer),
	F(sluice_cap_rx, max_headroom),
	F(sluice_cap_rx, max_buffers_per_frame),
	F(sluice_cap_rx, features),
	F(sluice_cap_tx, max_frame),
	F(sluice_cap_tx, max_descs_per_frame),
	F(sluice_cap_tx, features),
	F(sluice_cap_tx, reserved),
	F(sluice_cap_prog, max_insns),
	F(sluice_cap_prog, max_progs),
	F(sluice_cap_prog, max_stack),
	F(sluice_cap_prog, max_log),
	F(sluice_cap_prog, run_budget),
	F(sluice_cap_prog, adjust_head_max),
	F(sluice_cap_prog, max_mtu),
	F(sluice_cap_prog, features),
	F(sluice_cap_map, types),
	F(sluice_cap_map, max_bytes),
	F(sluice_cap_map, max_maps),
	F(sluice_cap_map, max_key),
	F(sluice_cap_map, max_value),
	F(sluice_cap_map, max_entries),
};

static const char *const files[] = {"rings.md",     "commands.md",     "receive.md",
				    "transmit.md",  "capabilities.md", "programs-and-maps.md",
				    "statistics.md"};

/* The section of the structure: from its heading to the next one. NULL: not in this text. */
static char *section_of(const char *text, const struct field *field)
{
	char heading[96];
	const char *at;

	snprintf(heading, sizeof(heading), "\n### struct %s, %u bytes\n", field->record,
		 field->total);
	at = strstr(text, heading);
	if (!at)
		return NULL;
	at += strlen(heading);
	return strndup(at, strstr(at, "\n#") ? (size_t)(strstr(at, "\n#") - at) : strlen(at));
}

static void test_layouts(void **state)
{
	char *texts[FWG_N(files)];

	for (unsigned i = 0; i < FWG_N(files); i++)
		texts[i] = doc_text(files[i]);
	for (unsigned i = 0; i < FWG_N(fields);) {
		char *section = NULL;
		unsigned first = i;

		for (unsigned t = 0; t < FWG_N(files) && !section; t++)
			section = section_of(texts[t], &fields[i]);
		if (!section)
			fail_msg("no section 'struct %s, %u bytes'", fields[i].record,
				 fields[i].total);
		for (; i < FWG_N(fields) && !strcmp(fields[i].record, fields[first].record); i++)
			expect_row(fields[i].record, section, "\n| %u | %u | %s |",
				   fields[i].offset, fields[i].size, fields[i].name);
		assert_int_equal(table_rows(section), i - first);
		free(section);
	}
	for (unsigned i = 0; i < FWG_N(files); i++)
		free(texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests_name("device-spec", tests, NULL, NULL);
}
