// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-pvsched as a user starts it: what it prints, as text and JSON, and its exit codes. */
#include "../sluice-run/fixture.h"

#include <stdio.h>
#include <string.h>

#define WORDS 8u /* of an opaque line */

#define tool(...) run_tool("SLUICE_PVSCHED", __VA_ARGS__, NULL)

static char *object(const char *name)
{
	return g_strdup_printf("%s/%s.bpf.o", g_getenv("PVS_OBJECTS"), name);
}

static void expect_output(struct run run, const char *out)
{
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, out);
	assert_int_equal(run.status, 0);
	run_clear(&run);
}

/* Standard output matches @pattern, a regular expression, whole. */
static void expect_match(struct run run, int status, const char *pattern)
{
	g_autofree char *whole = g_strdup_printf("\\A%s\\z", pattern);

	assert_string_equal(run.err, "");
	if (!g_regex_match_simple(whole, run.out, 0, 0))
		fail_msg("expected: %s\ngot: %s", pattern, run.out);
	assert_int_equal(run.status, status);
	run_clear(&run);
}

/* Nothing on standard output, and on standard error a first line. */
static void expect_error(struct run run, int status, const char *line)
{
	g_autofree char *got = g_strndup(run.err, strcspn(run.err, "\n"));

	assert_string_equal(got, line);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, status);
	run_clear(&run);
}

/* ---- policy --------------------------------------------------------------------------------- */

static void list(void **state)
{
	expect_output(tool("policy", "list"),
		      "none         version 1: init\n"
		      "boost        version 1: vcpu_run vcpu_stop halt kick hint tick exit\n"
		      "deadline     version 1: vcpu_run halt kick hint tick exit\n"
		      "lock-holder  version 1: vcpu_run vcpu_stop halt kick hint tick exit\n"
		      "fair-budget  version 1: tick exit\n");
}

static void info(void **state)
{
	expect_match(tool("policy", "info", "none"), 0,
		     "Policy none, version 1, in Sluice's engine\n\n"
		     "Callback +Function +Insns +Verified +us +Stack +Code Engine\n"
		     "init +none_init +2 +2 +[0-9]+ +0 +[0-9]+ (jit|interp)\n"
		     "\nMap +Type +Key +Value +Entries\n"
		     "\\.rodata +array +4 +12 +1  global variables\n");
}

static struct json_object *tunable(struct json_object *policy, const char *name)
{
	struct json_object *all = json_object_object_get(policy, "tunables");

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *one = json_object_array_get_idx(all, i);

		if (!strcmp(json_object_get_string(json_object_object_get(one, "name")), name))
			return one;
	}
	fail_msg("no tunable %s", name);
	return NULL;
}

static int64_t number(struct json_object *json, const char *name)
{
	struct json_object *member = json_object_object_get(json, name);

	assert_non_null(member);
	return json_object_get_int64(member);
}

static const char *text(struct json_object *json, const char *name)
{
	return json_object_get_string(json_object_object_get(json, name));
}

static void info_as_json(void **state)
{
	struct json_object *json = expect_json(tool("policy", "info", "boost", "-j", "--set",
						    "rt_nice=-11", "--engine", "interp"));
	struct json_object *callbacks = json_object_object_get(json, "callbacks");
	struct json_object *nice = tunable(json, "rt_nice");

	assert_string_equal(text(json, "name"), "boost");
	assert_string_equal(text(json, "host"), "engine");
	assert_int_equal(json_object_array_length(callbacks), 7);
	assert_string_equal(text(json_object_array_get_idx(callbacks, 0), "name"), "vcpu_run");
	assert_string_equal(text(json_object_array_get_idx(callbacks, 0), "engine"), "interp");
	assert_int_equal(number(nice, "value"), -11);
	assert_int_equal(number(nice, "default"), -20);
	assert_int_equal(number(nice, "min"), -128);
	assert_int_equal(number(nice, "max"), 127);
	assert_string_equal(text(nice, "type"), "__s8");
	json_object_put(json);
}

static void refused(void **state)
{
	expect_error(tool("policy", "info", "boost", "--set", "rt_nice=128"), 1,
		     "sluice-pvsched: policy 'boost': tunable 'rt_nice' cannot be 128: its type, "
		     "__s8, holds -128 to 127");
	expect_error(tool("policy", "info", "/nonexistent"), 1,
		     "sluice-pvsched: policy '/nonexistent': no such file (No such file or "
		     "directory), and built in are none, boost, deadline, lock-holder, "
		     "fair-budget only");
}

static void verify(void **state)
{
	g_autofree char *good = object("callbacks"), *bad = object("unknown_callback");
	g_autofree char *pattern = g_strdup_printf(
		"%s: accepted\n"
		"%s: refused \\(EINVAL\\)\n"
		"policy 'callbacks': no callback is called 'boot' \\(function 'on_boot'\\); there "
		"are init, vcpu_run, vcpu_stop, halt, kick, hint, tick, exit\n",
		good, bad);
	struct json_object *json;
	struct run run;

	expect_match(tool("policy", "verify", good, bad), 1, pattern);
	expect_match(tool("policy", "verify", good), 0, ".*: accepted\n");
	run = tool("policy", "verify", "-j", bad);
	assert_int_equal(run.status, 1);
	json = json_tokener_parse(run.out);
	assert_int_equal(json_object_array_length(json), 1);
	assert_string_equal(text(json_object_array_get_idx(json, 0), "errno"), "EINVAL");
	assert_false(json_object_get_boolean(
		json_object_object_get(json_object_array_get_idx(json, 0), "accepted")));
	json_object_put(json);
	run_clear(&run);
}

/* ---- Records -------------------------------------------------------------------------------- */

static void generated_record(void **state)
{
	g_autofree char *record = scratch_path(state, "a.rec");
	struct json_object *json;

	expect_output(tool("gen", record, "-n", "5000", "-S", "7", "-p", "boost"), "");
	/* The same policy decides the same. */
	json = expect_json(tool("replay", record, "-p", "boost", "-j", "--exit-code"));
	assert_int_equal(number(json, "decisions"), 5000);
	assert_int_equal(number(json, "equal"), 5000);
	assert_int_equal(number(json, "lost"), 0);
	assert_int_equal(json_object_array_length(json_object_object_get(json, "vcpus")), 4);
	json_object_put(json);
	/* And with another tunable not. */
	expect_match(tool("replay", record, "-p", "boost", "-s", "cs_nice=-3", "-d", "1"), 0,
		     "decision [0-9]+, [0-9]+ ns, vm 0 vcpu [0-3], [a-z_]+: apply -> apply\n"
		     "    nice         -10 -> -3\n"
		     "5000 decisions over [0-9.]+ s: [0-9]+ equal, 0 verdicts and [1-9][0-9]* "
		     "decisions differ\n(.|\n)*");
	expect_match(tool("replay", record, "-p", "none", "-x"), 1,
		     "5000 decisions over (.|\n)*"
		     "replayed: keep 5000, apply 0, baseline 0, faults 0\n(.|\n)*");
	expect_match(tool("record", "dump", record, "-n", "1"), 0,
		     "[0-9]+ vm 0 vcpu [0-3] init: class unknown, pending 0, cs 0, boost none: "
		     "keep\n");
	json = expect_json(tool("record", "dump", record, "-j", "-n", "1"));
	assert_string_equal(text(json, "event"), "init");
	assert_string_equal(text(json, "verdict"), "keep");
	json_object_put(json);
}

/* The first decision that publishes words, of @lines of JSON; NULL: none. */
static struct json_object *first_with_words(char *lines)
{
	for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
		struct json_object *json = json_tokener_parse(line);
		struct json_object *out = json_object_object_get(json, "out");
		struct json_object *set = json_object_object_get(out, "set");

		for (size_t i = 0; set && i < json_object_array_length(set); i++)
			if (!strcmp(json_object_get_string(json_object_array_get_idx(set, i)),
				    "opaque"))
				return json;
		json_object_put(json);
	}
	return NULL;
}

static uint64_t word(struct json_object *json, const char *of, size_t i)
{
	struct json_object *words =
		json_object_object_get(json_object_object_get(json, of), "opaque");

	assert_int_equal(json_object_array_length(words), WORDS);
	return strtoull(json_object_get_string(json_object_array_get_idx(words, i)), NULL, 16);
}

static void words_in_a_record(void **state)
{
	g_autofree char *record = scratch_path(state, "a.rec"), *policy = object("opaque");
	struct json_object *json;
	struct run run;

	expect_output(tool("gen", record, "-n", "1000", "-p", policy), "");
	json = expect_json(tool("replay", record, "-p", policy, "-j", "--exit-code"));
	assert_int_equal(number(json, "equal"), 1000);
	json_object_put(json);
	/* Who says nothing differs, though its verdict may be the same. */
	expect_match(tool("replay", record, "-p", "none", "-d", "1"), 0,
		     "decision [0-9]+, (.|\n)*    opaque\\[[0-7]\\] +-?[0-9]+ -> 0\n(.|\n)*");
	run = tool("record", "dump", record, "-j");
	assert_int_equal(run.status, 0);
	json = first_with_words(run.out);
	assert_non_null(json);
	assert_true(word(json, "ctx", 0) != 0);
	for (size_t i = 0; i < WORDS; i++)
		assert_int_equal(word(json, "out", i), word(json, "ctx", 7 - i) + i);
	assert_int_equal(number(json_object_object_get(json, "ctx"), "tick_ns"), 1000000);
	json_object_put(json);
	run_clear(&run);
	expect_match(tool("record", "dump", record), 0,
		     "(.|\n)*: keep, opaque 0x[0-9a-f]+ 0x[0-9a-f]+ .*, publishes 0 .*\n(.|\n)*");
}

static void state_afterwards(void **state)
{
	g_autofree char *record = scratch_path(state, "a.rec"), *object_file = object("callbacks");
	struct json_object *json, *after;

	expect_output(tool("gen", record, "-n", "2000", "-p", "none"), "");
	json = expect_json(tool("replay", record, "-p", object_file, "-j", "--state"));
	after = json_object_object_get(json, "state");
	assert_true(number(json_object_object_get(after, "globals"), "ticks") > 1000);
	assert_int_equal(number(json_object_object_get(after, "globals"), "step"), -3);
	assert_int_equal(json_object_array_length(json_object_object_get(
				 json_object_object_get(after, "maps"), "seen")),
			 4);
	json_object_put(json);
	expect_match(tool("replay", record, "-p", object_file, "--state"), 0,
		     "(.|\n)*\nState afterwards\n(.|\n)*  step +short +-3\n(.|\n)*"
		     "  seen: 0[0-3]000000 = [0-9a-f]{16}\n(.|\n)*");
}

static void no_record(void **state)
{
	g_autofree char *bad = object("callbacks");
	g_autofree char *want =
		g_strdup_printf("sluice-pvsched: %s: not a record of decisions", bad);

	expect_error(tool("replay", bad, "-p", "none"), 1, want);
	expect_error(tool("record", "dump", bad), 1, want);
}

/* ---- compare -------------------------------------------------------------------------------- */

static void compare(void **state)
{
	static const char *const names[] = {"boost", "deadline", "lock-holder", "fair-budget"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		expect_match(tool("compare", names[i], "-n", "3000"), 0,
			     "Policy [a-z-]+, 3000 events of 4 vCPUs, seed 1\n"
			     "  engine  interp  reference +[0-9]+ ns a run\n"
			     "  engine  jit     (identical +3000 of 3000 .*|skipped .*)\n"
			     "  kernel  kernel  (identical +3000 of 3000 .*|skipped .*)\n");
}

/* With what the guest has in its line, and answers to that. */
static void compare_words(void **state)
{
	g_autofree char *policy = object("opaque");

	expect_match(tool("compare", policy, "-n", "3000"), 0,
		     "Policy .*, 3000 events of 4 vCPUs, seed 1\n"
		     "  engine  interp  reference +[0-9]+ ns a run\n"
		     "  engine  jit     (identical +3000 of 3000 .*|skipped .*)\n"
		     "  kernel  kernel  (identical +3000 of 3000 .*|skipped .*)\n");
}

static void compare_as_json(void **state)
{
	struct json_object *json =
		expect_json(tool("compare", "boost", "-n", "100", "-S", "3", "-c", "2", "-j"));
	struct json_object *hosts = json_object_object_get(json, "hosts");

	assert_int_equal(number(json, "seed"), 3);
	assert_int_equal(number(json, "vcpus"), 2);
	assert_int_equal(json_object_array_length(hosts), 3);
	assert_string_equal(text(json_object_array_get_idx(hosts, 0), "state"), "reference");
	json_object_put(json);
}

/* ---- Command line --------------------------------------------------------------------------- */

static void usage(void **state)
{
	expect_error(tool("policy"), 2,
		     "sluice-pvsched: no subcommand 'policy'; sluice-pvsched --help lists them");
	expect_error(tool("policy", "x"), 2,
		     "sluice-pvsched: no subcommand 'policy x'; sluice-pvsched --help lists them");
	expect_error(tool("policy", "info"), 2,
		     "sluice-pvsched policy info: which policy? sluice-pvsched policy list has "
		     "those that are built in");
	expect_error(tool("policy", "info", "boost", "--set", "x"), 2,
		     "sluice-pvsched policy info: --set x: NAME=VALUE is accepted");
	expect_error(tool("policy", "info", "boost", "--set", "a=b"), 2,
		     "sluice-pvsched policy info: --set a=b: the value must be an integer");
	expect_error(tool("policy", "info", "boost", "--host", "moon"), 2,
		     "sluice-pvsched policy info: --host moon: engine or kernel is accepted");
	expect_error(tool("compare", "boost", "-n", "0"), 2,
		     "sluice-pvsched compare: --events 0: a number from 1 to 4294967295 is "
		     "accepted");
	expect_error(tool("replay", "x"), 2,
		     "sluice-pvsched replay: a record and --policy are needed");
	expect_match(tool("compare", "-h"), 0, "Usage: sluice-pvsched compare(.|\n)*");
	expect_match(tool("--help"), 0, "Usage: sluice-pvsched SUBCOMMAND(.|\n)*");
	expect_output(tool("record", "-h"), "Usage: sluice-pvsched record [OPTION...] ...\n\n"
					    "  record  dump    print a record\n"
					    "\nsluice-pvsched SUBCOMMAND --help explains each.\n");
	expect_match(tool("policy", "--help"), 0,
		     "Usage: sluice-pvsched policy \\[OPTION...\\] ...\n\n"
		     "( +policy +(list|info|verify) .*\n){3}"
		     "\nsluice-pvsched SUBCOMMAND --help explains each.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list),          cmocka_unit_test(info),
		cmocka_unit_test(refused),       cmocka_unit_test(info_as_json),
		cmocka_unit_test(verify),        scratch_test(generated_record),
		scratch_test(words_in_a_record), cmocka_unit_test(compare_words),
		cmocka_unit_test(compare),       cmocka_unit_test(compare_as_json),
		scratch_test(state_afterwards),  cmocka_unit_test(usage),
		cmocka_unit_test(no_record),
	};

	if (!g_getenv("PVS_OBJECTS") || !g_getenv("PVS_OBJECTS")[0]) {
		puts("1..0 # SKIP no clang to make policies with (apt install clang)");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
