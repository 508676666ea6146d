// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf stat: the table, its order and what is left out. */
#include "tool.h"

#include <string.h>

/* Three objects: the longer the name, the longer the program. */
struct objects {
	char *a;
	char *bb;
	char *ccc;
};

static struct objects make_objects(void **state)
{
	return (struct objects){
		make_filter(state, "a.o", "greater 1"),
		make_filter(state, "bb.o", "arp"),
		make_filter(state, "ccc.o", "tcp port 80"),
	};
}

static void objects_free(struct objects *o)
{
	g_free(o->a);
	g_free(o->bb);
	g_free(o->ccc);
}

/* The names in column file of the CSV that these arguments give, with spaces between. */
static void expect_files(struct run run, const char *expected)
{
	g_autoptr(GString) files = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	lines = g_strsplit(run.out, "\n", -1);
	assert_string_equal(lines[0], "file,prog,verdict,reason,duration,insns,states,size,memory,"
				      "stack,jited_size,compile");
	for (char **line = lines + 1; *line && **line; line++)
		g_string_append_printf(files, "%s%.*s", files->len ? " " : "",
				       (int)strcspn(*line, ","), *line);
	assert_string_equal(files->str, expected);
	run_clear(&run);
}

static void table(void **state)
{
	struct objects o = make_objects(state);

	expect_match(
		sluice_bpf("stat", o.bb, o.a), 0,
		"File  Program  Verdict  Reason  Duration \\(us\\)  Insns  States  Program size  "
		"Peak memory \\(KiB\\)  Stack \\(bytes\\)  Jited size  Compile \\(us\\)\n"
		"----  -------  -------  ------  -------------  -----  ------  ------------  "
		"-----------------  -------------  ----------  ------------\n"
		"a.o   filter   success  ok      +[0-9]+  +[0-9]+  +[0-9]+  +[0-9]+  +[0-9]+ +0 "
		"+[0-9]+ +[0-9]+\n"
		"bb.o  filter   success  ok      +[0-9]+  +[0-9]+  +[0-9]+            19  +[0-9]+ "
		"+0 +[0-9]+ +[0-9]+\n");
	objects_free(&o);
}

static void sorted(void **state)
{
	struct objects o = make_objects(state);

	expect_files(sluice_bpf("stat", "--csv", o.ccc, o.bb, o.a), "a.o bb.o ccc.o");
	expect_files(sluice_bpf("stat", "--csv", "-s", "size", o.bb, o.a, o.ccc), "ccc.o bb.o a.o");
	expect_files(sluice_bpf("stat", "--csv", "-s", "size:asc", o.bb, o.a, o.ccc),
		     "a.o bb.o ccc.o");
	expect_files(sluice_bpf("stat", "--csv", "-s", "verdict,file:desc", o.bb, o.a, o.ccc),
		     "ccc.o bb.o a.o");
	objects_free(&o);
}

static void filtered(void **state)
{
	struct objects o = make_objects(state);

	expect_files(sluice_bpf("stat", "--csv", "-f", "size>19", o.a, o.bb, o.ccc), "ccc.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "size>=19", o.a, o.bb, o.ccc), "bb.o ccc.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "size=19", o.a, o.bb, o.ccc), "bb.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "size!=19", o.a, o.bb, o.ccc), "a.o ccc.o");
	expect_files(
		sluice_bpf("stat", "--csv", "-f", "size<=19", "-f", "size>15", o.a, o.bb, o.ccc),
		"bb.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "bb.o/*", o.a, o.bb, o.ccc), "bb.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "!bb*", o.a, o.bb, o.ccc), "a.o ccc.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "fil*", o.a, o.bb), "a.o bb.o");
	expect_files(sluice_bpf("stat", "--csv", "-f", "verdict=failure", o.a, o.bb), "");
	expect_files(sluice_bpf("stat", "--csv", "--max-insns", "19", "-f", "verdict=failure", o.a,
				o.bb, o.ccc),
		     "ccc.o");
	objects_free(&o);
}

static void json(void **state)
{
	struct objects o = make_objects(state);
	struct run run = sluice_bpf("stat", "--json", "--max-insns", "5", o.bb);
	struct json_object *rows = expect_json(run), *row = json_object_array_get_idx(rows, 0);
	struct json_object *value;

	assert_int_equal(json_object_array_length(rows), 1);
	assert_true(json_object_object_get_ex(row, "verdict", &value));
	assert_string_equal(json_object_get_string(value), "failure");
	assert_true(json_object_object_get_ex(row, "reason", &value));
	assert_string_equal(json_object_get_string(value), "too-large");
	assert_true(json_object_object_get_ex(row, "size", &value));
	assert_int_equal(json_object_get_int(value), 19);
	json_object_put(rows);
	objects_free(&o);
}

/* A file that cannot be used is told of, the others are listed. */
static void one_bad_file(void **state)
{
	struct objects o = make_objects(state);
	g_autofree char *bad = scratch_path(state, "bad.o");
	g_autofree char *message = NULL;
	struct run run;

	assert_true(g_file_set_contents(bad, "text", 4, NULL));
	message = g_strdup_printf("sluice-bpf: %s: file of 4 bytes, an ELF header alone has 64\n",
				  bad);
	run = sluice_bpf("stat", "--csv", bad, o.a);
	assert_string_equal(run.err, message);
	assert_int_equal(run.status, 1);
	assert_non_null(strstr(run.out, "\na.o,filter,success,ok,"));
	run_clear(&run);
	objects_free(&o);
}

static void wrong_usage(void **state)
{
	struct objects o = make_objects(state);

	expect_error(sluice_bpf("stat"), 2, "expected PROG.o...; see sluice-bpf stat --help");
	expect_error(sluice_bpf("stat", "-s", "weight", o.a), 2,
		     "--sort: no column 'weight'; the columns are: file, prog, verdict, reason, "
		     "duration, insns, states, size, memory, stack, jited_size, compile; see "
		     "sluice-bpf stat --help");
	expect_error(sluice_bpf("stat", "-s", "size:up", o.a), 2,
		     "--sort size:up: the order is asc or desc; see sluice-bpf stat --help");
	expect_error(sluice_bpf("stat", "-f", "size>many", o.a), 2,
		     "--filter size>many: 'many' is not a number; see sluice-bpf stat --help");
	expect_error(sluice_bpf("stat", "-f", "size=>1", o.a), 2,
		     "--filter size=>1: compare with one of = != < <= > >=; see sluice-bpf stat "
		     "--help");
	expect_error(sluice_bpf("stat", "--json", "--csv", o.a), 2,
		     "--json and --csv exclude each other; see sluice-bpf stat --help");
	objects_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(table), scratch_test(sorted),       scratch_test(filtered),
		scratch_test(json),  scratch_test(one_bad_file), scratch_test(wrong_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
