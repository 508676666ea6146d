// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t map_called(const struct bpfe_object *obj, const char *name)
{
	for (uint32_t i = 0; i < bpfe_object_n_maps(obj); i++) {
		if (!strcmp(bpfe_object_map(obj, i)->name, name))
			return i;
	}
	fail_msg("the object has no map %s", name);
	return 0;
}

static const struct bpfe_map_attr *attr_of(const struct bpfe_object *obj, const char *name)
{
	return bpfe_object_map(obj, map_called(obj, name));
}

static void attributes(void **state)
{
	struct image image = image_load("values");
	struct bpfe_object *obj = image_open(&image);

	assert_int_equal(attr_of(obj, "with_lock")->flags, 0);
	assert_true(attr_of(obj, "with_lock")->has_spin_lock);
	assert_int_equal(attr_of(obj, "with_lock")->spin_lock_off, 12);
	assert_false(attr_of(obj, "first")->has_spin_lock);
	assert_int_equal(attr_of(obj, "ring")->max_entries, 8192);
	assert_int_equal(attr_of(obj, "ring")->key_size, 0);
	assert_int_equal(attr_of(obj, "events")->max_entries, BPFE_DEFAULT_CPUS);
	assert_int_equal(attr_of(obj, "bloom")->map_extra, 3);
	assert_int_equal(attr_of(obj, "jumps")->value_size, 4);
	bpfe_object_close(obj);
	image_free(&image);
}

static void notes_for_who_asks(void **state)
{
	struct image image = image_load("values");
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text), .level = 1};
	struct bpfe_object *obj;

	assert_int_equal(bpfe_object_open(image.bytes, image.size, &obj, &log), 0);
	assert_string_equal(text,
			    "map 'with_lock': 'numa_node' means nothing in the NIC and is ignored\n"
			    "map 'with_lock': 'pinning' means nothing in the NIC and is ignored\n");
	bpfe_object_close(obj);
	image_free(&image);
}

static void inner_definitions(void **state)
{
	struct image image = image_load("values");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_map_attr *inner = attr_of(obj, "by_name")->inner;

	assert_non_null(inner);
	assert_int_equal(inner->type, BPF_MAP_TYPE_ARRAY);
	assert_int_equal(inner->value_size, 8);
	assert_int_equal(inner->max_entries, 2);
	assert_int_equal(attr_of(obj, "by_name")->value_size, 4);
	inner = attr_of(obj, "inlined")->inner;
	assert_non_null(inner);
	assert_int_equal(inner->type, BPF_MAP_TYPE_HASH);
	assert_int_equal(inner->key_size, 6);
	assert_int_equal(inner->value_size, 3);
	assert_int_equal(inner->max_entries, 7);
	assert_int_equal(inner->flags, BPF_F_NO_PREALLOC);
	assert_null(attr_of(obj, "first")->inner);
	bpfe_object_close(obj);
	image_free(&image);
}

/* The id that map @name holds at @index; 0 if nothing. */
static uint32_t held(const struct bpfe_object *obj, struct bpfe_map **maps, const char *name,
		     uint32_t index)
{
	uint32_t id = 0;

	if (bpfe_map_lookup_copy(maps[map_called(obj, name)], &index, &id))
		return 0;
	return id;
}

static void put(const struct bpfe_object *obj, struct bpfe_program *prog, struct bpfe_map **maps)
{
	bpfe_program_put(prog);
	for (uint32_t i = 0; i < bpfe_object_n_maps(obj); i++)
		bpfe_map_put(maps[i]);
	free(maps);
	bpfe_rcu_barrier();
}

static void loaded_with_values(void **state)
{
	struct image image = image_load("values");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	int ret = bpfe_object_load(obj, object_program(obj, "entry"), &attr, &prog, &maps, &log);

	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	assert_int_equal(held(obj, maps, "by_name", 0), 0);
	assert_int_equal(held(obj, maps, "by_name", 1), map_called(obj, "first") + 1);
	assert_int_equal(held(obj, maps, "by_name", 3), map_called(obj, "second") + 1);
	assert_int_equal(held(obj, maps, "jumps", 1), 0);
	assert_int_equal(held(obj, maps, "jumps", 2), object_program(obj, "tail") + 1);
	assert_int_equal(held(obj, maps, "more_jumps", 0), object_program(obj, "tail_of_tail") + 1);
	assert_int_equal(held(obj, maps, "unused", 0), 0);
	assert_int_equal(object_run(prog), XDP_TX);
	put(obj, prog, maps);
	bpfe_object_close(obj);
	image_free(&image);
}

static void refused_program_of_a_prog_array(void **state)
{
	struct image image = image_load("values");
	uint8_t *code = image_data(&image, "xdp");
	struct bpf_insn *insn =
		(struct bpf_insn *)(code + image_symbol(&image, "tail_of_tail")->st_value);
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_object *obj;
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	insn->code = 0xff;
	obj = image_open(&image);
	assert_int_equal(
		bpfe_object_load(obj, object_program(obj, "entry"), &attr, &prog, &maps, &log),
		-EINVAL);
	assert_non_null(strstr(text, "\nprogram 'tail_of_tail' is what map 'more_jumps' is to hold "
				     "at [0]\n"));
	bpfe_rcu_barrier();
	bpfe_object_close(obj);
	image_free(&image);
}

/* ---- Definitions from before BTF ------------------------------------------------------------ */

static void samples(void **state)
{
	struct image image = image_load("legacy_samples");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_map_attr *outer = attr_of(obj, "outer");

	assert_int_equal(attr_of(obj, "template")->flags, 0);
	assert_int_equal(outer->max_entries, 5);
	assert_ptr_equal(outer->inner, attr_of(obj, "template"));
	bpfe_object_close(obj);
	image_free(&image);
	object_expect_loads("legacy_samples", "uses_outer");
}

static void samples_inner_out_of_range(void **state)
{
	struct image image = image_load("legacy_samples");
	uint8_t *maps = image_data(&image, "maps");

	((uint32_t *)(maps + image_symbol(&image, "outer")->st_value))[5] = 3;
	image_expect_refused(&image, "section maps, symbol 'outer': inner_map_idx 3 names no map "
				     "that it could hold");
}

static void iproute2(void **state)
{
	struct image image = image_load("legacy_iproute2");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[2048] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	int ret;

	assert_ptr_equal(attr_of(obj, "outer")->inner, attr_of(obj, "inner"));
	ret = bpfe_object_load(obj, object_program(obj, "entry"), &attr, &prog, &maps, &log);
	assert_string_equal(text, "");
	assert_int_equal(ret, 0);
	assert_int_equal(held(obj, maps, "outer", 0), 0);
	assert_int_equal(held(obj, maps, "outer", 2), map_called(obj, "inner") + 1);
	assert_int_equal(held(obj, maps, "jumps", 1), object_program(obj, "tail") + 1);
	assert_int_equal(object_run(prog), XDP_TX);
	put(obj, prog, maps);
	bpfe_object_close(obj);
	image_free(&image);
}

/* ---- Broken ones ---------------------------------------------------------------------------- */

static Elf64_Rel *value_reloc(struct image *image, const char *map, unsigned nth)
{
	uint64_t start = image_symbol(image, map)->st_value;
	uint64_t end = start + image_symbol(image, map)->st_size;
	Elf64_Rel *rels = image_data(image, ".rel.maps");
	size_t n = image_section(image, ".rel.maps")->sh_size / sizeof(*rels);

	for (size_t i = 0; i < n; i++) {
		if (rels[i].r_offset >= start && rels[i].r_offset < end && !nth--)
			return &rels[i];
	}
	fail_msg("map %s has not so many initial values", map);
	return NULL;
}

static void value_beyond_the_map(void **state)
{
	struct image image = image_load("legacy_iproute2");
	uint8_t *maps = image_data(&image, "maps");

	((uint32_t *)(maps + image_symbol(&image, "inner")->st_value))[8] = 3;
	image_expect_refused(&image,
			     "section maps, symbol 'outer': initial value [3], the map has 3 "
			     "entries");
}

static void value_of_a_map_with_other_keys(void **state)
{
	struct image image = image_load("legacy_iproute2");
	uint8_t *maps = image_data(&image, "maps");

	((uint32_t *)(maps + image_symbol(&image, "outer")->st_value))[1] = 8;
	image_expect_refused(&image, "section maps, symbol 'outer': initial values of a map with "
				     "keys of 8 bytes, they need 4");
}

static void value_beside_the_values(void **state)
{
	struct image image = image_load("values");
	Elf64_Rel *rel = value_reloc(&image, "by_name", 0);

	rel->r_offset = image_symbol(&image, "by_name")->st_value;
	image_expect_refused(&image,
			     "section .maps, offset %#llx: the address of 'first' is at no place "
			     "for an initial value of a map",
			     (unsigned long long)rel->r_offset);
}

static void value_of_the_wrong_kind(void **state)
{
	struct image image = image_load("values");
	Elf64_Rel *of_map = value_reloc(&image, "by_name", 0);
	Elf64_Rel *of_program = value_reloc(&image, "jumps", 0);

	of_program->r_info = of_map->r_info;
	image_expect_refused(&image,
			     "section .maps, offset %#llx: initial value 'first' of map 'jumps' is "
			     "no program of the object",
			     (unsigned long long)of_program->r_offset);
}

static void value_by_another_relocation(void **state)
{
	struct image image = image_load("values");
	Elf64_Rel *rel = value_reloc(&image, "by_name", 0);

	rel->r_info = ELF64_R_INFO(ELF64_R_SYM(rel->r_info), R_BPF_64_32);
	image_expect_refused(&image,
			     "section .maps, offset %#llx: relocation type 10 of symbol 'first', "
			     "expected 2 (R_BPF_64_ABS64)",
			     (unsigned long long)rel->r_offset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(notes_for_who_asks),
		cmocka_unit_test(inner_definitions),
		cmocka_unit_test(loaded_with_values),
		cmocka_unit_test(refused_program_of_a_prog_array),
		cmocka_unit_test(samples),
		cmocka_unit_test(samples_inner_out_of_range),
		cmocka_unit_test(iproute2),
		cmocka_unit_test(value_beyond_the_map),
		cmocka_unit_test(value_of_a_map_with_other_keys),
		cmocka_unit_test(value_beside_the_values),
		cmocka_unit_test(value_of_the_wrong_kind),
		cmocka_unit_test(value_by_another_relocation),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
