// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What sluice-run reports against what the frames' bytes say. */
#include "fixture.h"
#include "oracle.h"

#include <string.h>

/* A __u64 as map contents show it. */
static uint64_t from_hex(const char *hex)
{
	uint64_t value = 0;

	assert_non_null(hex);
	assert_int_equal(strlen(hex), 16);
	for (int i = 7; i >= 0; i--)
		value = value << 8 | (unsigned)g_ascii_xdigit_value(hex[2 * i]) << 4 |
			(unsigned)g_ascii_xdigit_value(hex[2 * i + 1]);
	return value;
}

static void expect_verdicts(struct json_object *json, const struct oracle *want)
{
	GHashTable *verdicts = json_map(json, "verdicts");

	assert_int_equal(g_hash_table_size(verdicts), FW_VERDICTS);
	for (unsigned i = 0; i < FW_VERDICTS; i++) {
		g_autofree char *key = g_strdup_printf("%02x000000", i);

		if (from_hex(g_hash_table_lookup(verdicts, key)) != want->verdicts[i])
			fail_msg("verdicts[%u] is %s, expected %" G_GUINT64_FORMAT, i,
				 (char *)g_hash_table_lookup(verdicts, key), want->verdicts[i]);
	}
	g_hash_table_unref(verdicts);
}

static void expect_counters(struct json_object *json, const struct oracle *want)
{
	uint64_t passed = want->verdicts[FW_PASSED], dropped = want->verdicts[FW_DROPPED];

	assert_int_equal(json_number(json, "verdicts", "pass"), passed);
	assert_int_equal(json_number(json, "verdicts", "drop"), dropped);
	assert_int_equal(json_number(json, "verdicts", "tx"), 0);
	assert_int_equal(json_number(json, "verdicts", "aborted"), 0);
	assert_int_equal(json_number(json, "counters", "rx_wire_frames"), want->frames);
	assert_int_equal(json_number(json, "counters", "rx_wire_bytes"), want->bytes);
	assert_int_equal(json_number(json, "counters", "rx_delivered_frames"), passed);
	assert_int_equal(json_number(json, "counters", "rx_delivered_bytes"), want->passed_bytes);
	/* The guest arms its completion ring after each frame. */
	assert_int_equal(json_number(json, "counters", "rx_interrupts"), passed);
}

/* The same frames in each engine: what is reported differs in the engine alone. */
static void engines_agree(void **state)
{
	const char *const engines[] = {"interp", "checked",
#if defined(__x86_64__)
				       "jit"
#endif
	};
	g_autofree char *program = example("xdp_firewall");
	g_autofree char *capture = make_capture(state, "-n", "500", "-M", "50", NULL);
	struct oracle want = oracle_judge(capture, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(engines); i++) {
		const char *reported = i == 1 ? "interp" : engines[i];
		g_autofree char *line = g_strdup_printf("\nengine: %s", reported);
		struct json_object *json =
			expect_json(sluice_run("--json", "--engine", engines[i], program, capture));
		struct run text = sluice_run("--engine", engines[i], program, capture);

		assert_string_equal(json_text(json, "program", "engine"), reported);
		expect_counters(json, &want);
		json_object_put(json);
		assert_non_null(strstr(text.out, line));
		run_clear(&text);
	}
}

static void firewall_with_nothing_blocked(void **state)
{
	g_autofree char *program = example("xdp_firewall");
	g_autofree char *capture = make_capture(state, "-n", "3000", "-M", "50", NULL);
	struct oracle want = oracle_judge(capture, NULL);
	struct json_object *json = expect_json(sluice_run("--json", program, capture));

	assert_int_equal(want.frames, 3000);
	assert_true(want.verdicts[FW_MALFORMED] > 0);
	expect_verdicts(json, &want);
	expect_counters(json, &want);
	json_object_put(json);
}

static void firewall_with_a_blocked_source(void **state)
{
	static const uint8_t v4[16] = {[10] = 0xff, 0xff, 198, 18, 0, 7};
	g_autofree char *program = example("xdp_firewall");
	g_autofree char *capture = make_capture(state, "-n", "3000", "-s", "20", NULL);
	struct oracle want = oracle_judge(capture, v4);
	struct json_object *json =
		expect_json(sluice_run("--json", "-m", "blocked:198.18.0.7=5", program, capture));
	GHashTable *blocked = json_map(json, "blocked");

	assert_true(want.verdicts[FW_BLOCKED] > 0);
	expect_verdicts(json, &want);
	expect_counters(json, &want);
	assert_int_equal(g_hash_table_size(blocked), 1);
	assert_int_equal(from_hex(g_hash_table_lookup(blocked, "00000000000000000000ffffc6120007")),
			 5 + want.verdicts[FW_BLOCKED]);
	g_hash_table_unref(blocked);
	json_object_put(json);
}

static void repeated_and_checked_on_another_queue(void **state)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0x51, 0xc0, [15] = 3};
	g_autofree char *program = example("xdp_firewall");
	g_autofree char *capture = make_capture(state, "-n", "500", "-M", "20", NULL);
	struct oracle want = oracle_judge(capture, v6);
	struct json_object *json =
		expect_json(sluice_run("--json", "--checked", "--queue", "3", "--repeat", "4",
				       "--map", "blocked:2001:db8:51c0::3=0x0", program, capture));

	assert_true(want.verdicts[FW_BLOCKED] > 0);
	want.frames *= 4;
	want.bytes *= 4;
	want.passed_bytes *= 4;
	for (unsigned i = 0; i < FW_VERDICTS; i++)
		want.verdicts[i] *= 4;
	expect_verdicts(json, &want);
	expect_counters(json, &want);
	json_object_put(json);
}

static void no_frames(void **state)
{
	g_autofree char *program = example("xdp_pass_count");
	g_autofree char *capture = make_capture(state, "-n", "0", NULL);
	struct json_object *json = expect_json(sluice_run("--json", program, capture));

	assert_int_equal(json_number(json, "counters", "rx_wire_frames"), 0);
	json_object_put(json);
}

static void program_by_name(void **state)
{
	g_autofree char *program = example("xdp_vlan");
	g_autofree char *capture = make_capture(state, "-n", "200", NULL);
	struct oracle want = oracle_judge(capture, NULL);
	struct json_object *json =
		expect_json(sluice_run("--json", "--program", "xdp_vlan_pop", program, capture));

	/* Each tagged frame is one tag shorter when it is delivered. */
	assert_true(want.verdicts[FW_TAGGED] > 0);
	assert_int_equal(json_number(json, "counters", "rx_delivered_bytes"),
			 want.bytes - 4 * want.verdicts[FW_TAGGED]);
	json_object_put(json);
	json = expect_json(sluice_run("--json", "--program", "xdp_vlan_push", program, capture));
	assert_int_equal(json_number(json, "counters", "rx_delivered_bytes"),
			 want.bytes + 4 * (want.frames - want.verdicts[FW_TAGGED]));
	json_object_put(json);
}

/* The table a person reads, but for the time. */
static void table(void **state)
{
	g_autofree char *program = example("xdp_firewall");
	g_autofree char *capture = make_capture(state, "-n", "100", "-s", "1", NULL);
	struct oracle want = oracle_judge(capture, NULL);
	struct run run = sluice_run("-m", "blocked:198.18.0.0=0", program, capture);
	g_autofree char *blocked =
		g_strdup_printf("\nMap blocked (hash, 1 of 1024 entries)\n  ::ffff:198.18.0.0    "
				"%12" G_GUINT64_FORMAT "\n",
				want.verdicts[FW_IPV4]);
	g_autofree char *drop =
		g_strdup_printf("\n  DROP                 %12" G_GUINT64_FORMAT " %7.2f %%\n",
				want.verdicts[FW_IPV4], (double)want.verdicts[FW_IPV4]);

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	assert_true(g_str_has_prefix(run.out, "xdp_firewall (section xdp, "));
	assert_non_null(strstr(run.out, " over in.pcap: 100 frames, "));
	assert_non_null(strstr(run.out, blocked));
	assert_non_null(strstr(run.out, drop));
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(engines_agree),
		scratch_test(firewall_with_nothing_blocked),
		scratch_test(firewall_with_a_blocked_source),
		scratch_test(repeated_and_checked_on_another_queue),
		scratch_test(no_frames),
		scratch_test(program_by_name),
		scratch_test(table),
	};

	return run_tests_on_objects(tests);
}
