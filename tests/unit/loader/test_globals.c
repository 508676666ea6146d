// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LD_IMM64 (BPF_LD | BPF_IMM | BPF_DW)

static uint32_t map_called(const struct bpfe_object *obj, const char *name)
{
	for (uint32_t i = 0; i < bpfe_object_n_maps(obj); i++) {
		if (!strcmp(bpfe_object_map(obj, i)->name, name))
			return i;
	}
	fail_msg("the object has no map %s", name);
	return 0;
}

static void sections_are_maps(void **state)
{
	static const struct {
		const char *name;
		uint32_t size;
		uint32_t flags;
	} want[] = {
		{".rodata", 6, BPF_F_RDONLY_PROG},
		{".data", 36, 0},
		{".bss", 8, 0},
		{".data.mine", 8, 0},
	};
	struct image image = image_load("globals");
	struct bpfe_object *obj = image_open(&image);

	assert_int_equal(bpfe_object_n_maps(obj), 4);
	for (size_t i = 0; i < 4; i++) {
		const struct bpfe_map_attr *attr =
			bpfe_object_map(obj, map_called(obj, want[i].name));

		assert_int_equal(attr->type, BPF_MAP_TYPE_ARRAY);
		assert_int_equal(attr->key_size, 4);
		assert_int_equal(attr->value_size, want[i].size);
		assert_int_equal(attr->max_entries, 1);
		assert_int_equal(attr->flags, want[i].flags);
	}
	bpfe_object_close(obj);
	image_free(&image);
}

/* Does a program's instruction refer to byte @offset of map @map? */
static bool refers(const struct bpfe_object *obj, uint32_t map, uint32_t offset)
{
	const struct bpf_insn *insns;
	uint32_t n;

	assert_int_equal(bpfe_object_program(obj, 0, &insns, &n), 0);
	for (uint32_t i = 0; i < n; i++) {
		if (insns[i].code != LD_IMM64)
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_MAP_IDX_VALUE && insns[i].imm == (int32_t)map &&
		    insns[i + 1].imm == (int32_t)offset)
			return true;
		i++;
	}
	return false;
}

static void references_are_offsets(void **state)
{
	/* The last two are static: clang refers to them by their section. */
	static const char *const names[] = {"limit", "table", "seen",
					    "mine",  "step",  "uses_globals.calls"};
	struct image image = image_load("globals");
	struct bpfe_object *obj = image_open(&image);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const Elf64_Sym *symbol = image_symbol(&image, names[i]);
		const char *section = NULL;

		for (uint32_t map = 0; map < bpfe_object_n_maps(obj); map++) {
			const char *name = bpfe_object_map(obj, map)->name;

			if (image_section_index(&image, name) == symbol->st_shndx)
				section = name;
		}
		assert_non_null(section);
		assert_true(refers(obj, map_called(obj, section), symbol->st_value));
	}
	bpfe_object_close(obj);
	image_free(&image);
}

static void variables_by_name(void **state)
{
	struct image image = image_load("globals");
	struct bpfe_object *obj = image_open(&image);
	const uint64_t table[4] = {10, 20, 30, 40};
	const uint32_t seven = 7;
	char text[256] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	size_t size = 0;

	assert_int_equal(*(const uint32_t *)bpfe_object_global(obj, "limit", &size), 3);
	assert_int_equal(size, 4);
	assert_memory_equal(bpfe_object_global(obj, "table", &size), table, sizeof(table));
	assert_int_equal(size, sizeof(table));
	assert_int_equal(*(const uint32_t *)bpfe_object_global(obj, "seen", &size), 0);
	assert_null(bpfe_object_global(obj, "uses_globals", &size));
	assert_null(bpfe_object_global(obj, "nothing", &size));

	assert_int_equal(bpfe_object_set_global(obj, "limit", &seven, 4, &log), 0);
	assert_int_equal(*(const uint32_t *)bpfe_object_global(obj, "limit", &size), 7);
	assert_string_equal(text, "");
	assert_int_equal(bpfe_object_set_global(obj, "limit", &seven, 2, &log), -EINVAL);
	assert_int_equal(bpfe_object_set_global(obj, "nothing", &seven, 4, &log), -ENOENT);
	assert_string_equal(text,
			    "section .rodata, symbol 'limit': 2 bytes given, the variable has 4\n"
			    "no global variable 'nothing' in the object\n");
	bpfe_object_close(obj);
	image_free(&image);
}

static void name_used_twice(void **state)
{
	struct image image = image_load("globals");
	uint32_t name = image_symbol(&image, "limit")->st_name;
	char text[256] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_object *obj;
	uint64_t value = 0;
	size_t size;

	image_symbol(&image, "mine")->st_name = name;
	obj = image_open(&image);
	assert_null(bpfe_object_global(obj, "limit", &size));
	assert_int_equal(bpfe_object_set_global(obj, "limit", &value, 4, &log), -ENOTUNIQ);
	assert_string_equal(text, "several static variables of the object are called 'limit'\n");
	bpfe_object_close(obj);
	image_free(&image);
}

static void pointer_in_data(void **state)
{
	struct image image = image_load("globals_pointer");
	unsigned long long offset = image_symbol(&image, "pointer")->st_value;

	image_expect_refused(&image,
			     "section .data, offset %#llx: global data holds the address of "
			     "'target'; addresses are known to instructions only, so let the "
			     "program choose by an index or a switch",
			     offset);
}

static void too_much_data(void **state)
{
	const struct bpfe_load_attr attr = {0};
	struct image image = image_load("globals_huge");
	struct bpfe_object *obj = image_open(&image);
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	assert_int_equal(bpfe_object_load(obj, 0, &attr, &prog, &maps, &log), -EINVAL);
	assert_string_equal(text, "section .bss: 4194305 bytes of global data, at most 4194304 are "
				  "accepted; keep large tables in maps\n"
				  "map '.bss' of the object cannot be created: Invalid argument\n");
	/* A program that does not use them loads all the same. */
	text[0] = '\0';
	log.len = 0;
	assert_string_equal(bpfe_object_program_name(obj, 1), "uses_none");
	assert_int_equal(bpfe_object_load(obj, 1, &attr, &prog, &maps, &log), 0);
	assert_string_equal(text, "");
	assert_null(maps[0]);
	free(maps);
	bpfe_program_put(prog);
	bpfe_object_close(obj);
	image_free(&image);
	bpfe_rcu_barrier();
}

/* Each section may be that large, but a small file may not ask for all of them. */
static void too_much_data_in_all(void **state)
{
	struct image image = image_load("globals_many");
	char name[] = ".bss.a", last[] = ".bss.a";

	for (; name[5] <= 'i'; name[5]++) {
		if (image_section_index(&image, name) > image_section_index(&image, last))
			last[5] = name[5];
	}
	image_expect_refused(&image,
			     "section %s: with it the object has 37748736 bytes of global data, "
			     "at most 33554432 are accepted; keep large tables in maps",
			     last);
}

static void reference_beyond_the_section(void **state)
{
	struct image image = image_load("globals");
	Elf64_Rel *rel = image_data(&image, ".relxdp");
	Elf64_Sym *symbol = (Elf64_Sym *)image_data(&image, ".symtab") + ELF64_R_SYM(rel->r_info);
	uint8_t *code = image_data(&image, "xdp");
	struct bpf_insn *insn = (struct bpf_insn *)(code + rel->r_offset);

	assert_ptr_equal(symbol, image_symbol(&image, "seen"));
	symbol->st_value = 0;
	insn[0].imm = -9;
	insn[1].imm = -1;
	image_expect_refused(&image,
			     "section xdp, offset %#llx: symbol 'seen' plus -9 lies outside of "
			     "section .bss, which has 8 bytes",
			     (unsigned long long)rel->r_offset);
}

static void loaded_with_their_contents(void **state)
{
	struct image image = image_load("globals");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	const uint32_t seven = 7;
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	uint32_t key = 0, rodata = map_called(obj, ".rodata"), bss = map_called(obj, ".bss");
	uint8_t value[64];
	int ret;

	assert_int_equal(bpfe_object_set_global(obj, "limit", &seven, 4, NULL), 0);
	ret = bpfe_object_load(obj, object_program(obj, "uses_globals"), &attr, &prog, &maps, &log);
	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	assert_true(bpfe_map_is_frozen(maps[rodata]));
	assert_false(bpfe_map_is_frozen(maps[bss]));
	assert_int_equal(bpfe_map_lookup_copy(maps[rodata], &key, value), 0);
	assert_memory_equal(value + image_symbol(&image, "limit")->st_value, &seven, 4);
	assert_int_equal(bpfe_map_lookup_copy(maps[bss], &key, value), 0);
	assert_memory_equal(value, ((uint8_t[8]){0}), 8);
	/* What the program reads and writes is there: mine, 99, is counted down, seen up. */
	assert_int_equal(object_run(prog), XDP_PASS);
	assert_int_equal(bpfe_map_lookup_copy(maps[map_called(obj, ".data.mine")], &key, value), 0);
	assert_int_equal(value[0], 98);
	assert_int_equal(bpfe_map_lookup_copy(maps[bss], &key, value), 0);
	assert_int_equal(value[image_symbol(&image, "seen")->st_value], 1);
	for (uint32_t i = 0; i < bpfe_object_n_maps(obj); i++)
		bpfe_map_put(maps[i]);
	free(maps);
	bpfe_program_put(prog);
	bpfe_object_close(obj);
	image_free(&image);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_maps),
		cmocka_unit_test(references_are_offsets),
		cmocka_unit_test(variables_by_name),
		cmocka_unit_test(name_used_twice),
		cmocka_unit_test(pointer_in_data),
		cmocka_unit_test(too_much_data),
		cmocka_unit_test(too_much_data_in_all),
		cmocka_unit_test(reference_beyond_the_section),
		cmocka_unit_test(loaded_with_their_contents),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
