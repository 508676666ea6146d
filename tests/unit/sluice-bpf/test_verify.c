// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf verify: verdicts, logs, JSON and the limits of a profile. */
#include "tool.h"

#include <string.h>

#define PROCESSED "processed [0-9]+ insns states [0-9]+ peak_memory [0-9]+ KiB stack depth "

static void accepted(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");
	g_autofree char *pattern = g_strdup_printf(
		"%s/filter \\(section xdp, 19 instructions\\): accepted\n" PROCESSED "0\n", path);

	expect_match(sluice_bpf("verify", path), 0, pattern);
	expect_match(sluice_bpf("verify", "--checked", path), 0, pattern);
	expect_match(sluice_bpf("verify", "--prog", "filter", path), 0, pattern);
}

/* The source stands before its instructions, once. */
static void verbose_source(void **state)
{
	g_autofree char *path = example("xdp_pass_count");
	struct run run = sluice_bpf("verify", "-vv", path);
	const char *first = strstr(run.out, "\n; xdp_pass_count.bpf.c:");

	assert_int_equal(run.status, 0);
	assert_true(g_regex_match_simple(
		"accepted\n; xdp_pass_count\\.bpf\\.c:[0-9]+: [^\n]*\n0: ", run.out, 0, 0));
	assert_false(
		g_regex_match_simple("\n(; [^\n]*)\n[0-9]+: [^\n]*\n\\1\n[0-9]+: ", run.out, 0, 0));
	assert_non_null(first);
	run_clear(&run);
}

/* Level 1 adds nothing to a plain success but where its last line comes from; level 2 has each
 * instruction, the first with the registers a program begins with. */
static void verbose(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");
	struct run run = sluice_bpf("verify", "-vv", path);

	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, "\n0: r9 = *(u32 *)(r1 +0) ; "));
	assert_non_null(strstr(run.out, "\nprocessed "));
	run_clear(&run);
	run = sluice_bpf("verify", "-v", path);
	assert_int_equal(run.status, 0);
	assert_null(strstr(run.out, "\n0: "));
	assert_non_null(strstr(run.out, "\nprocessed "));
	run_clear(&run);
}

static void refused_by_limit(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");
	g_autofree char *expected = g_strdup_printf(
		"%s/filter (section xdp, 19 instructions): refused, too-large (E2BIG) at "
		"instruction 0\n"
		"the program has 19 instruction slots, at most 18 are allowed\n"
		"processed 0 insns states 0 peak_memory 0 KiB stack depth 0\n",
		path);

	expect_output(sluice_bpf("verify", "--max-insns", "18", path), 1, expected);
}

static struct json_object *member(struct json_object *json, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, name, &value))
		fail_msg("no member %s", name);
	return value;
}

static const char *text_of(struct json_object *json, const char *name)
{
	return json_object_get_string(member(json, name));
}

/* The JSON of one program, which must end with @status. Put the result of *whole. */
static struct json_object *verify_json(int status, struct run run, struct json_object **whole)
{
	struct json_object *programs;

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, status);
	*whole = json_tokener_parse(run.out);
	assert_non_null(*whole);
	run_clear(&run);
	programs = member(*whole, "programs");
	assert_int_equal(json_object_array_length(programs), 1);
	return json_object_array_get_idx(programs, 0);
}

static void json_accepted(void **state)
{
	g_autofree char *path = make_filter(state, "arp.o", "arp");
	struct json_object *whole;
	struct json_object *json = verify_json(0, sluice_bpf("verify", "--json", path), &whole);
	struct json_object *stats = member(json, "stats");

	assert_string_equal(text_of(whole, "file"), path);
	assert_string_equal(text_of(json, "name"), "filter");
	assert_string_equal(text_of(json, "section"), "xdp");
	assert_true(json_object_get_boolean(member(json, "accepted")));
	assert_string_equal(text_of(json, "reason"), "ok");
	assert_int_equal(json_object_get_int(member(json, "instructions")), 19);
	assert_true(json_object_get_int(member(stats, "insns_processed")) >= 19);
	assert_true(json_object_get_int(member(stats, "peak_bytes")) > 0);
	assert_int_equal(json_object_get_int(member(stats, "stack_bytes")), 0);
	assert_int_equal(json_object_get_int(member(stats, "max_packet_offset")), 14);
	assert_int_equal(json_object_get_int(member(stats, "jit_bytes")) > 0,
			 !strcmp(text_of(stats, "engine"), "jit"));
	json_object_put(whole);
}

/* A helper taken away by the profile: reason, errno, instruction, text and source line. */
static void json_refused(void **state)
{
	g_autofree char *path = example("xdp_pass_count");
	struct json_object *whole;
	struct json_object *json = verify_json(
		1, sluice_bpf("verify", "--json", "--helpers", "-map_lookup_elem", path), &whole);
	const char *text = text_of(json, "text");

	assert_false(json_object_get_boolean(member(json, "accepted")));
	assert_string_equal(text_of(json, "reason"), "bad-helper");
	assert_string_equal(text_of(json, "errno"), "EACCES");
	assert_true(json_object_get_int(member(json, "insn")) > 0);
	assert_non_null(strstr(text, "helper bpf_map_lookup_elem is not offered"));
	assert_null(strchr(text, '\n'));
	assert_true(g_str_has_prefix(text_of(json, "source"), "xdp_pass_count.bpf.c:"));
	assert_true(g_str_has_prefix(text_of(json, "log"), text));
	json_object_put(whole);
}

static void helpers_allowed(void **state)
{
	g_autofree char *path = example("xdp_pass_count");
	struct run run = sluice_bpf("verify", "--helpers", "bpf_map_lookup_elem", path);

	assert_int_equal(run.status, 0);
	run_clear(&run);
	run = sluice_bpf("verify", "--helpers", "ktime_get_ns", path);
	assert_int_equal(run.status, 1);
	run_clear(&run);
}

/* Both programs of an object, and a table of them. */
static void several_programs(void **state)
{
	g_autofree char *path = example("xdp_vlan");
	struct run run = sluice_bpf("verify", path);

	assert_int_equal(run.status, 0);
	assert_true(g_regex_match_simple("/xdp_vlan_pop \\(section xdp/?[a-z]*, [0-9]+ "
					 "instructions\\): accepted\n",
					 run.out, 0, 0));
	assert_true(g_regex_match_simple("\nProgram        Verdict   Reason          Instructions  "
					 "   Processed    States\n"
					 "xdp_vlan_pop   accepted  ok +[0-9]+ +[0-9]+ +[0-9]+\n"
					 "xdp_vlan_push  accepted  ok +[0-9]+ +[0-9]+ +[0-9]+\n$",
					 run.out, 0, 0));
	run_clear(&run);
}

static void unknown_program(void **state)
{
	g_autofree char *path = example("xdp_vlan");
	g_autofree char *message = g_strdup_printf(
		"%s: no program 'pop'; programs found: xdp_vlan_pop, xdp_vlan_push", path);

	expect_error(sluice_bpf("verify", "--prog", "pop", path), 1, message);
}

static void files_that_are_none(void **state)
{
	g_autofree char *missing = scratch_path(state, "none.o");
	g_autofree char *cut = scratch_path(state, "cut.o");
	g_autofree char *path = example("xdp_vlan");
	g_autofree char *bytes = NULL;
	struct run run;
	gsize size;

	run = sluice_bpf("verify", missing);
	assert_int_equal(run.status, 1);
	assert_true(g_str_has_prefix(run.err, "sluice-bpf: Failed to open file"));
	run_clear(&run);
	assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	for (gsize keep = 0; keep < size; keep += size / 16) {
		g_autofree char *begin = g_strdup_printf("sluice-bpf: %s: ", cut);

		assert_true(g_file_set_contents(cut, bytes, (gssize)keep, NULL));
		run = sluice_bpf("verify", cut);
		assert_int_equal(run.status, 1);
		assert_string_equal(run.out, "");
		assert_true(g_str_has_prefix(run.err, begin));
		run_clear(&run);
	}
}

static void wrong_usage(void **state)
{
	expect_error(sluice_bpf("verify"), 2, "expected PROG.o; see sluice-bpf verify --help");
	expect_error(sluice_bpf("verify", "a", "b"), 2,
		     "expected PROG.o; see sluice-bpf verify --help");
	expect_error(sluice_bpf("verify", "--wrong", "a"), 2, "Unknown option --wrong");
	expect_error(sluice_bpf("verify", "--max-insns", "65537", "a"), 2,
		     "--max-insns is out of range (1 to 65536); see sluice-bpf verify --help");
	expect_error(sluice_bpf("verify", "--max-stack", "513", "a"), 2,
		     "--max-stack is out of range (1 to 512); see sluice-bpf verify --help");
	expect_error(sluice_bpf("verify", "--helpers", "map_lookup_elem,-ktime_get_ns", "a"), 2,
		     "--helpers map_lookup_elem,-ktime_get_ns mixes helpers to allow and helpers "
		     "to take away; see sluice-bpf verify --help");
}

static void unknown_helper(void **state)
{
	struct run run = sluice_bpf("verify", "--helpers", "-bpf_sing", "a");

	assert_int_equal(run.status, 2);
	assert_true(g_str_has_prefix(run.err, "sluice-bpf: --helpers: 'bpf_sing' is not built in; "
					      "these are: bpf_map_lookup_elem, "));
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(accepted),        scratch_test(verbose),
		scratch_test(verbose_source),  scratch_test(refused_by_limit),
		scratch_test(json_accepted),   scratch_test(json_refused),
		scratch_test(helpers_allowed), scratch_test(several_programs),
		scratch_test(unknown_program), scratch_test(files_that_are_none),
		scratch_test(wrong_usage),     scratch_test(unknown_helper),
	};

	return run_tests_on_objects(tests);
}
