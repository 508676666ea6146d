/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* schema.c, command_table.c, status.c: what holds for every command, tried with every command. */
#include "fw_guest.h"

#include "command.h"

/* ---- The table ---------------------------------------------------------------------------- */

static void test_every_opcode_has_a_row(void **state)
{
	static const uint16_t opcodes[] = {
#define SLUICE_X(name, value) value,
		SLUICE_OPCODES(SLUICE_X)
#undef SLUICE_X
	};
	unsigned rows = 0;

	while (fw_command_at(rows))
		rows++;
	assert_int_equal(rows, FWG_N(opcodes));
	for (unsigned i = 0; i < FWG_N(opcodes); i++) {
		const struct fw_command *row = fw_command_find(opcodes[i]);

		assert_non_null(row);
		assert_ptr_equal(row, fw_command_at(i)); /* in the ABI's order */
		assert_non_null(fw_opcode_name(opcodes[i]));
	}
}

static void test_rows_are_sound(void **state)
{
	const struct fw_command *row;

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		assert_non_null(row->handler);
		assert_true(row->n_attrs <= FW_MAX_ATTRS);
		assert_true(row->resp_min <= FW_MAX_RESP);
		assert_int_equal(row->feature & ~(SLUICE_FEATURE_XDP_OFFLOAD | SLUICE_FEATURE_RSS),
				 0);
		for (unsigned a = 0; a < row->n_attrs; a++) {
			const struct fw_attr_rule *rule = &row->attrs[a];

			assert_in_range(rule->type, 1, FW_MAX_ATTR_TYPE);
			assert_true(rule->unit >= 1);
			assert_true(rule->min <= rule->max);
			assert_true(rule->max <= FW_MAX_DATA);
			assert_int_equal(rule->min % rule->unit, 0);
			for (unsigned b = 0; b < a; b++)
				assert_int_not_equal(rule->type, row->attrs[b].type);
		}
		for (unsigned a = row->n_attrs; a < FW_MAX_ATTRS; a++)
			assert_int_equal(row->attrs[a].type, 0);
	}
}

static void test_status_texts(void **state)
{
	for (unsigned status = 0; status <= SLUICE_ST_INTERNAL; status++) {
		assert_string_not_equal(fw_status_text((uint16_t)status), "unknown status");
		for (unsigned other = 0; other < status; other++)
			assert_string_not_equal(fw_status_text((uint16_t)status),
						fw_status_text((uint16_t)other));
	}
	assert_string_equal(fw_status_text(SLUICE_ST_INTERNAL + 1), "unknown status");
	assert_string_equal(fw_status_text(0xffff), "unknown status");
	assert_string_equal(fw_opcode_name(SLUICE_OP_PROG_LOAD), "PROG_LOAD");
}

/* ---- Malformed, each kind with each command ------------------------------------------------ */

/* A list that the schema takes: every attribute, zeroes, as short as may be. */
static void begin_valid(struct fw_guest *f, const struct fw_command *row)
{
	static const uint8_t zeroes[256];

	fwg_begin(f, row->opcode);
	for (unsigned a = 0; a < row->n_attrs; a++) {
		assert_true(row->attrs[a].min <= sizeof(zeroes));
		fwg_attr(f, row->attrs[a].type, zeroes, row->attrs[a].min);
	}
}

/* The lines of a whole run exceed the limit of a second. */
static void refused(struct fw_guest *f, uint16_t status, uint32_t detail)
{
	f->g->now_ns += 1000000000;
	fwg_expect(f, status, detail);
}

static void test_reserved_arguments(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;
	unsigned tried = 0;

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		for (uint32_t byte = 0; byte < SLUICE_CMD_ARGS; byte++) {
			if (row->args_used & 1u << byte)
				continue;
			begin_valid(f, row);
			f->cmd.args[byte] = 0x80;
			refused(f, SLUICE_ST_INVALID_ARG, byte);
			tried++;
		}
	}
	assert_true(tried > 500);
}

static void test_unknown_attribute(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;
	const uint16_t unknown[] = {0, FW_MAX_ATTR_TYPE + 1, 0x8001, 0xffff};

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		for (unsigned u = 0; u < FWG_N(unknown); u++) {
			begin_valid(f, row);
			fwg_attr(f, unknown[u], "x", 1);
			refused(f, SLUICE_ST_INVALID_ATTR, unknown[u]);
		}
	}
}

/* One that exists but is not the command's. */
static void test_foreign_attribute(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		uint16_t type = 1;

		for (unsigned a = 0; a < row->n_attrs; a++) {
			if (row->attrs[a].type == type) {
				type++;
				a = UINT32_MAX;
			}
		}
		begin_valid(f, row);
		fwg_attr(f, type, "x", 1);
		refused(f, SLUICE_ST_INVALID_ATTR, type);
	}
}

static void test_duplicate_attribute(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;
	static const uint8_t zeroes[256];

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		for (unsigned a = 0; a < row->n_attrs; a++) {
			begin_valid(f, row);
			fwg_attr(f, row->attrs[a].type, zeroes, row->attrs[a].min);
			refused(f, SLUICE_ST_INVALID_ATTR, row->attrs[a].type);
			assert_non_null(strstr(f->g->log, "twice"));
		}
	}
}

static void test_missing_attribute(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;
	unsigned tried = 0;

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		for (unsigned a = 0; a < row->n_attrs; a++) {
			if (!row->attrs[a].required)
				continue;
			fwg_begin(f, row->opcode);
			for (unsigned b = 0; b < a; b++)
				fwg_attr(f, row->attrs[b].type, fwg_resp(f), row->attrs[b].min);
			refused(f, SLUICE_ST_INVALID_ATTR, row->attrs[a].type);
			assert_non_null(strstr(f->g->log, "missing"));
			tried++;
		}
	}
	assert_true(tried >= 8);
}

static void test_lengths(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;
	static const uint8_t zeroes[FW_MAX_DATA];

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		for (unsigned a = 0; a < row->n_attrs; a++) {
			const struct fw_attr_rule *rule = &row->attrs[a];

			fwg_begin(f, row->opcode);
			if (rule->min) {
				fwg_attr(f, rule->type, zeroes, rule->min - 1);
				refused(f, SLUICE_ST_INVALID_ATTR, rule->type);
			}
			fwg_begin(f, row->opcode);
			if (rule->max < FW_MAX_DATA / 2) {
				fwg_attr(f, rule->type, zeroes, rule->max + 1);
				refused(f, SLUICE_ST_INVALID_ATTR, rule->type);
			}
			fwg_begin(f, row->opcode);
			if (rule->unit > 1 && rule->min + 1 < rule->max) {
				fwg_attr(f, rule->type, zeroes, rule->min + 1);
				refused(f, SLUICE_ST_INVALID_ATTR, rule->type);
			}
		}
	}
}

/* The list ends within a header, a payload, or the padding. */
static void test_truncated(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		for (unsigned a = 0; a < row->n_attrs; a++) {
			const struct fw_attr_rule *rule = &row->attrs[a];
			uint32_t len = rule->min ? rule->min : rule->unit;
			uint32_t whole;

			fwg_begin(f, row->opcode);
			fwg_attr(f, rule->type, fwg_resp(f), len);
			whole = f->cmd.data_len;
			for (uint32_t cut = 1; cut < whole; cut++) {
				f->cmd.data_len = cut;
				refused(f, SLUICE_ST_INVALID_ATTR, cut < 8 ? 0 : rule->type);
			}
		}
	}
}

static void test_wild_lengths(void **state)
{
	struct fw_guest *f = *state;
	const uint32_t wild[] = {17, 0x7fffffff, 0xfffffff8, 0xffffffff};

	for (unsigned i = 0; i < FWG_N(wild); i++) {
		fwg_begin(f, SLUICE_OP_MAP_LOOKUP);
		fwg_attr(f, SLUICE_ATTR_KEY, "0123456789abcdef", 16);
		memcpy(fwg_data(f) + 4, &wild[i], 4);
		refused(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_KEY);
	}
}

static void test_flags_and_padding(void **state)
{
	struct fw_guest *f = *state;

	fwg_begin(f, SLUICE_OP_MAP_LOOKUP);
	fwg_attr(f, SLUICE_ATTR_KEY, "abcd", 4);
	fwg_data(f)[3] = 1;
	refused(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_KEY);
	for (unsigned pad = 12; pad < 16; pad++) {
		fwg_begin(f, SLUICE_OP_MAP_LOOKUP);
		fwg_attr(f, SLUICE_ATTR_KEY, "abcd", 4);
		fwg_data(f)[pad] = 1;
		refused(f, SLUICE_ST_INVALID_ATTR, SLUICE_ATTR_KEY);
		assert_non_null(strstr(f->g->log, "padded"));
	}
	/* Such a list would be right. */
	fwg_begin(f, SLUICE_OP_MAP_LOOKUP);
	fwg_attr(f, SLUICE_ATTR_KEY, "abcd", 4);
	refused(f, SLUICE_ST_NOT_FOUND, 0);
}

static void test_room_for_response(void **state)
{
	struct fw_guest *f = *state;
	const struct fw_command *row;
	unsigned tried = 0;

	for (unsigned i = 0; (row = fw_command_at(i)) != NULL; i++) {
		struct sluice_cmd_cpl cpl;

		if (!row->resp_min)
			continue;
		begin_valid(f, row);
		f->cmd.resp_len = row->resp_min - 1;
		cpl = fwg_run(f);
		assert_int_equal(cpl.status, SLUICE_ST_RESP_TOO_SMALL);
		assert_int_equal(cpl.resp_len, 0);
		assert_int_equal(cpl.resp_full, row->resp_min);
		assert_int_equal(*(uint8_t *)fwg_resp(f), 0xa5);
		tried++;
	}
	assert_int_equal(tried, 5);
}

/* The attribute list is read once: a guest that changes it afterwards changes nothing. */
static void test_read_once(void **state)
{
	struct fw_guest *f = *state;
	unsigned reads;

	fwg_begin(f, SLUICE_OP_MAP_LOOKUP);
	fwg_attr(f, SLUICE_ATTR_KEY, "abcd", 4);
	reads = f->g->dma_reads;
	fwg_run(f);
	assert_int_equal(f->g->dma_reads, reads + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_opcode_has_a_row),
		cmocka_unit_test(test_rows_are_sound),
		cmocka_unit_test(test_status_texts),
		FWG_TEST(test_reserved_arguments),
		FWG_TEST(test_unknown_attribute),
		FWG_TEST(test_foreign_attribute),
		FWG_TEST(test_duplicate_attribute),
		FWG_TEST(test_missing_attribute),
		FWG_TEST(test_lengths),
		FWG_TEST(test_truncated),
		FWG_TEST(test_wild_lengths),
		FWG_TEST(test_flags_and_padding),
		FWG_TEST(test_room_for_response),
		FWG_TEST(test_read_once),
	};

	return cmocka_run_group_tests_name("firmware schema", tests, NULL, NULL);
}
