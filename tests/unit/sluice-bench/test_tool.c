// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bench as a user starts it. */
#include "../sluice-run/fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define sluice_bench(...) run_tool("SLUICE_BENCH", __VA_ARGS__, NULL)

static void expect_usage(struct run run, const char *message)
{
	if (!strstr(run.err, message))
		fail_msg("expected: %s\ngot: %s", message, run.err);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, 2);
	run_clear(&run);
}

static void wrong_usage(void **state)
{
	expect_usage(sluice_bench("engine", "--frobnicate"),
		     "sluice-bench: Unknown option --frobnicate\n");
	expect_usage(sluice_bench("engine", "everything"),
		     "sluice-bench: engine takes no argument 'everything'\n");
	expect_usage(sluice_bench("engine", "--rounds", "-1"),
		     "sluice-bench: --rounds: -1; from 1 to 10000 are possible\n");
	expect_usage(sluice_bench("engine", "--rounds", "0"),
		     "sluice-bench: --rounds: 0; from 1 to 10000 are possible\n");
	expect_usage(sluice_bench("engine", "--cpu", "4711"),
		     "sluice-bench: processor 4711: this process may run on ");
	expect_usage(sluice_bench("engine", "--cpu", "-1"),
		     "sluice-bench: processor -1: this process may run on ");
	expect_usage(sluice_bench("engine", "--json=/nowhere/at/all.json"),
		     "sluice-bench: --json: no file can be made in /nowhere/at: "
		     "No such file or directory\n");
	expect_usage(sluice_bench("engine", "--filter", "nothing"),
		     "no program or class is of that name; --list shows them\n");
	expect_usage(sluice_bench("frames"), "sluice-bench: there is no bench 'frames'\n");
}

static void no_programs(void **state)
{
	g_autofree char *dir = scratch_path(state, "nowhere");
	struct run run = sluice_bench("engine", "--programs", dir);

	if (!strstr(run.err, "sluice-bench: no benchmark programs: "))
		fail_msg("%s", run.err);
	assert_int_equal(run.status, 1);
	run_clear(&run);
}

static void listed(void **state)
{
	struct run run = sluice_bench("engine", "--list", "--filter", "real", "--filter", "par*");

	assert_string_equal(
		run.out,
		"map-less   parse            Ethernet, VLAN, IPv4, UDP, switch on the port\n"
		"real       balancer         L4 balancer: connections, consistent hashing, IP in "
		"IP\n"
		"real       ddos_filter      DDoS filter: listed prefixes, amplifiers, rate of "
		"each "
		"source\n"
		"real       dns_filter       DNS filter: names taken apart and looked up\n"
		"real       router           router: longest prefix, neighbour, one hop less\n");
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	run_clear(&run);
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no member %s", name);
	return value;
}

/* What is measured is positive; how long it took is nobody's business here. */
static void measured(void **state)
{
	struct run run = sluice_bench("engine", "--filter", "return", "--rounds", "2", "--quick",
				      "--quiet", "--json");
	struct json_object *report, *program, *cell;

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	report = json_tokener_parse(run.out);
	assert_non_null(report);
	assert_int_equal(json_object_get_int(member(report, "rounds")), 2);
	program = json_object_array_get_idx(member(report, "programs"), 0);
	assert_string_equal(json_object_get_string(member(program, "name")), "return");
	cell = member(member(program, "ns"), "native");
	assert_true(json_object_get_double(member(cell, "min")) > 0);
	assert_true(json_object_get_double(member(cell, "min")) <=
		    json_object_get_double(member(cell, "max")));
	assert_int_equal(json_object_array_length(member(cell, "rounds")), 2);
	assert_int_equal(json_object_array_length(member(report, "failures")), 0);
	member(member(report, "geomean"), "vs_linux_jit");
	member(member(report, "hardening"), "costs");
	member(member(report, "machine"), "kernel");
	member(report, "two_cores");
	member(report, "loading");
	member(report, "targets");
	json_object_put(report);
	run_clear(&run);
}

/* Without the capabilities that bpf() takes, its column says so and the others are measured. */
static void without_bpf(void **state)
{
	struct run run;

	g_setenv("SETPRIV", "/usr/bin/setpriv", TRUE);
	run = run_tool("SETPRIV", geteuid() ? "--nnp" : "--bounding-set=-all",
		       g_getenv("SLUICE_BENCH"), "engine", "--filter", "return", "--rounds", "1",
		       "--quick", "--quiet", NULL);
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, "\nlinux-jit          not measured: bpf() takes no XDP "
					"programs from here: "));
	assert_non_null(strstr(run.out, "\ngeomean map-less vs linux-jit n/a\n"));
	assert_non_null(strstr(run.out, "\nreturn "));
	run_clear(&run);
}

/* --json=FILE leaves the table on standard output. */
static void written(void **state)
{
	g_autofree char *path = scratch_path(state, "report.json");
	g_autofree char *option = g_strdup_printf("--json=%s", path), *text = NULL;
	struct run run =
		sluice_bench("engine", "--filter", "return", "--rounds", "1", "--quick", option);

	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, "\ngeomean map-less vs native "));
	assert_non_null(strstr(run.err, "map-less   return"));
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_true(g_str_has_prefix(text, "{\n"));
	run_clear(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(wrong_usage), scratch_test(no_programs), scratch_test(listed),
		scratch_test(without_bpf), scratch_test(measured),    scratch_test(written),
	};

	if (!*g_getenv("BENCH_PROGRAMS")) {
		puts("1..0 # SKIP no clang, no benchmark programs");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
