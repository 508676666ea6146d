/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * docs/bpf-support against the engine: what is built stands in the tables, what the tables say is
 * built is, and the tests they name exist.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "harness.h"
#include "helpers/kfuncs.h"
#include "internal.h"
#include "isa/isa.h"

/* Text of docs/bpf-support/@name, the caller's to free. */
static char *read_table(const char *name)
{
	char path[512], *text;
	FILE *file;
	long size;

	snprintf(path, sizeof(path), "%s/docs/bpf-support/%s", SOURCE_ROOT, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	fclose(file);
	return text;
}

/* Does @text hold @word as code, in the lines up to @end (NULL: its end)? */
static bool mentions(const char *text, const char *end, const char *word)
{
	char quoted[128];
	const char *at;

	snprintf(quoted, sizeof(quoted), "`%s`", word);
	at = strstr(text, quoted);
	return at && (!end || at < end);
}

static void check_mentioned(const char *text, const char *end, const char *word)
{
	if (!mentions(text, end, word))
		fail_msg("%s is built and stands in no table", word);
}

static void test_instructions(void **state)
{
	static const char *const four[] = {
#define NAME(X, name, ...) #name,
		BPFE_ALU_OPS(NAME, ) BPFE_JUMP_OPS(NAME, )};
	static const char *const one[] = {
		BPFE_UNARY_OPS(NAME, ) BPFE_LOAD_OPS(NAME, )
#undef NAME
#define NAME(name, ...) #name,
			BPFE_CONTROL_OPS(NAME)
#undef NAME
#define ROW(name, ...) #name,
				BPFE_STORE_OPS(BPFE_STORE_ROWS, ROW)
					BPFE_ATOMIC_OPS(BPFE_ATOMIC_ROWS, ROW)
						BPFE_ORDERED_OPS(BPFE_ORDERED_ROWS, ROW)
							BPFE_PACKET_OPS(BPFE_PACKET_ROWS, ROW)
#undef ROW
	};
	char *text = read_table("instructions.md");

	for (size_t i = 0; i < COUNT(four); i++)
		check_mentioned(text, NULL, four[i]);
	for (size_t i = 0; i < COUNT(one); i++)
		check_mentioned(text, NULL, one[i]);
	free(text);
}

static void test_helpers(void **state)
{
	char *text = read_table("helpers.md");
	const char *missing = strstr(text, "## Not built");

	assert_non_null(missing);
	for (uint32_t id = 0; id < 256; id++) {
		const struct bpfe_helper *helper = bpfe_helper_by_id(id);

		if (helper)
			check_mentioned(text, missing, helper->name);
		else if (mentions(text, missing, bpfe_linux_helper_name(id)))
			fail_msg("%s stands in a table and is not built",
				 bpfe_linux_helper_name(id));
	}
	for (uint32_t id = BPFE_KFUNC_BASE; id < BPFE_KFUNC_END; id++) {
		if (bpfe_helper_by_id(id))
			check_mentioned(text, missing, bpfe_helper_by_id(id)->name);
	}
	free(text);
}

static void test_maps(void **state)
{
	static const struct {
		uint32_t type;
		const char *row;
	} maps[] = {
		{BPF_MAP_TYPE_HASH, "`HASH`"},
		{BPF_MAP_TYPE_ARRAY, "`ARRAY`"},
		{BPF_MAP_TYPE_PROG_ARRAY, "prog array"},
		{BPF_MAP_TYPE_PERF_EVENT_ARRAY, "perf event array"},
		{BPF_MAP_TYPE_PERCPU_HASH, "`PERCPU_HASH`"},
		{BPF_MAP_TYPE_PERCPU_ARRAY, "`PERCPU_ARRAY`"},
		{BPF_MAP_TYPE_LRU_HASH, "`LRU_HASH`"},
		{BPF_MAP_TYPE_LRU_PERCPU_HASH, "`LRU_PERCPU_HASH`"},
		{BPF_MAP_TYPE_LPM_TRIE, "`LPM_TRIE`"},
		{BPF_MAP_TYPE_ARRAY_OF_MAPS, "array-of-maps"},
		{BPF_MAP_TYPE_HASH_OF_MAPS, "hash-of-maps"},
		{BPF_MAP_TYPE_DEVMAP, "devmap"},
		{BPF_MAP_TYPE_DEVMAP_HASH, "devmap hash"},
		{BPF_MAP_TYPE_CPUMAP, "cpumap"},
		{BPF_MAP_TYPE_XSKMAP, "xskmap"},
		{BPF_MAP_TYPE_QUEUE, "`QUEUE`"},
		{BPF_MAP_TYPE_STACK, "`STACK`"},
		{BPF_MAP_TYPE_RINGBUF, "ring buffer"},
		{BPF_MAP_TYPE_BLOOM_FILTER, "`BLOOM_FILTER`"},
	};
	char *text = read_table("maps.md");
	size_t built = 0;

	for (size_t i = 0; i < COUNT(maps); i++) {
		if (!bpfe_map_type_supported(maps[i].type) || !strstr(text, maps[i].row))
			fail_msg("map type %u is not built, or not in the table", maps[i].type);
	}
	for (uint32_t type = 0; type < 64; type++)
		built += bpfe_map_type_supported(type);
	assert_int_equal(built, COUNT(maps));
	free(text);
}

/* Every `path.c` in the last column of a row is a file under tests/. */
static void check_tests_exist(const char *table)
{
	char *text = read_table(table), *rest = NULL;
	unsigned named = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *end = strstr(line, ".c` |"), *begin = end;
		char path[512];

		if (line[0] != '|' || !end)
			continue;
		while (begin > line && begin[-1] != '`')
			begin--;
		snprintf(path, sizeof(path), "%s/tests/%.*s", SOURCE_ROOT, (int)(end + 2 - begin),
			 begin);
		if (access(path, R_OK))
			fail_msg("%s names %s, which does not exist", table, path);
		named++;
	}
	assert_true(named > 0);
	free(text);
}

static void test_tests_exist(void **state)
{
	check_tests_exist("instructions.md");
	check_tests_exist("helpers.md");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_tests_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
