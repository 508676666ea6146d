// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Every benchmark program gives the same verdicts, frame and maps natively, interpreted, compiled,
 * hardened and, where bpf() takes programs, in Linux; and the bench notices where they do not.
 */
#include "../sluice-run/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define sluice_bench(...) run_tool("SLUICE_BENCH", "engine", __VA_ARGS__, NULL)

static gboolean skip_without_programs(void)
{
	if (*g_getenv("BENCH_PROGRAMS"))
		return FALSE;
	puts("1..0 # SKIP no clang, no benchmark programs");
	return TRUE;
}

static void all_agree(void **state)
{
	struct run run =
		sluice_bench("--check", "--quiet", "--programs", g_getenv("BENCH_PROGRAMS"));

	assert_string_equal(run.err, "");
	if (!g_regex_match_simple(
		    "\\A[0-9]+ programs compared in native .*interp.*: 0 failures\n\\z", run.out, 0,
		    0))
		fail_msg("%s", run.out);
	assert_true(atoi(run.out) >= 25);
	print_message("# %s", run.out);
	assert_int_equal(run.status, 0);
	run_clear(&run);
}

/* A folder with the BPF half of one program beside the native half of another. */
static void make_pair(void **state, const char *object, const char *native)
{
	g_autofree char *from = g_strdup_printf("%s/%s.bpf.o", g_getenv("BENCH_PROGRAMS"), object);
	g_autofree char *other = g_strdup_printf("%s/%s.so", g_getenv("BENCH_PROGRAMS"), native);
	g_autofree char *to = scratch_path(state, "odd.bpf.o");
	g_autofree char *beside = scratch_path(state, "odd.so");

	assert_int_equal(symlink(from, to), 0);
	assert_int_equal(symlink(other, beside), 0);
}

static void expect_mismatch(void **state, const char *text)
{
	g_autofree char *dir = scratch_path(state, "");
	struct run run = sluice_bench("--check", "--quiet", "--programs", dir);

	if (!strstr(run.err, text))
		fail_msg("expected: %s\ngot: %s", text, run.err);
	assert_int_equal(run.status, 1);
	run_clear(&run);
}

static void verdicts_differ(void **state)
{
	make_pair(state, "acl", "return");
	expect_mismatch(state, "odd in interp: native returns 0x");
}

/* Before anything runs: the native half lacks a map. */
static void maps_missing(void **state)
{
	make_pair(state, "flow_counters", "percpu_stats");
	expect_mismatch(state, "no map 'flows'; names have at most 15 characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_agree),
		scratch_test(verdicts_differ),
		scratch_test(maps_missing),
	};

	return skip_without_programs() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
