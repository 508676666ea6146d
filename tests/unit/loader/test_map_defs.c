// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

static void expect_map(const struct bpfe_object *obj, uint32_t i, const struct bpfe_map_attr *want)
{
	const struct bpfe_map_attr *attr = bpfe_object_map(obj, i);

	assert_non_null(attr);
	assert_string_equal(attr->name, want->name);
	assert_int_equal(attr->type, want->type);
	assert_int_equal(attr->key_size, want->key_size);
	assert_int_equal(attr->value_size, want->value_size);
	assert_int_equal(attr->max_entries, want->max_entries);
	assert_int_equal(attr->flags, want->flags);
}

static void btf_definitions(void **state)
{
	struct image image = image_load("maps");
	struct bpfe_object *obj = image_open(&image);

	assert_int_equal(bpfe_object_n_maps(obj), 3);
	expect_map(obj, 0,
		   &(struct bpfe_map_attr){.name = "flows",
					   .type = BPF_MAP_TYPE_HASH,
					   .key_size = 12,
					   .value_size = 8,
					   .max_entries = 1000,
					   .flags = BPF_F_NO_PREALLOC});
	expect_map(obj, 1,
		   &(struct bpfe_map_attr){.name = "sized",
					   .type = BPF_MAP_TYPE_ARRAY,
					   .key_size = 4,
					   .value_size = 24,
					   .max_entries = 3});
	expect_map(obj, 2,
		   &(struct bpfe_map_attr){.name = "a_name_longer_t",
					   .type = BPF_MAP_TYPE_ARRAY,
					   .key_size = 4,
					   .value_size = 12,
					   .max_entries = 4});
	assert_null(bpfe_object_map(obj, 3));
	bpfe_object_close(obj);
	image_free(&image);
}

static void btf_types_of_elements(void **state)
{
	struct image image = image_load("maps");
	struct bpfe_object *obj = image_open(&image);
	uint32_t key, value;
	const struct btf *btf = bpfe_object_map_types(obj, 0, &key, &value);

	assert_non_null(btf);
	assert_string_equal(btf__name_by_offset(btf, btf__type_by_id(btf, key)->name_off),
			    "flow_key");
	assert_string_equal(btf__name_by_offset(btf, btf__type_by_id(btf, value)->name_off),
			    "__u64");
	/* Map `sized` gives sizes only. */
	assert_ptr_equal(bpfe_object_map_types(obj, 1, &key, &value), btf);
	assert_int_equal(key, 0);
	assert_int_equal(value, 0);
	bpfe_object_close(obj);
	image_free(&image);
}

static void legacy_definition(void **state)
{
	struct image image = image_load("legacy");
	struct bpfe_object *obj = image_open(&image);

	assert_int_equal(bpfe_object_n_maps(obj), 1);
	expect_map(obj, 0,
		   &(struct bpfe_map_attr){.name = "old",
					   .type = BPF_MAP_TYPE_HASH,
					   .key_size = 6,
					   .value_size = 2,
					   .max_entries = 77,
					   .flags = BPF_F_NO_PREALLOC});
	bpfe_object_close(obj);
	image_free(&image);
}

static void legacy_too_short(void **state)
{
	struct image image = image_load("legacy");

	image_symbol(&image, "old")->st_size = 16;
	image_expect_refused(&image,
			     "section maps, symbol 'old': 16 bytes, a struct bpf_map_def has 20");
}

static void legacy_with_unknown_members(void **state)
{
	struct image image = image_load("legacy");

	((uint8_t *)image_data(&image, "maps"))[22] = 1;
	image_expect_refused(&image,
			     "section maps, symbol 'old': byte 22 is set, beyond the members "
			     "known; use BTF-defined maps (.maps)");
}

static void without_btf(void **state)
{
	struct image image = image_load("maps_without_btf");

	image_expect_refused(&image,
			     "section .maps, symbol 'flows': the object has no BTF; build it "
			     "with clang -g");
}

static void malformed_btf(void **state)
{
	struct image image = image_load("maps");

	((uint8_t *)image_data(&image, ".BTF"))[0] = 0;
	image_expect_refused(&image, "section .BTF: malformed (Invalid argument)");
}

/* Rename a string of BTF in place, to one of the same length. */
static void rename_string(struct image *image, const char *from, const char *to)
{
	const Elf64_Shdr *section = image_section(image, ".BTF");
	uint8_t *at =
		memmem(image->bytes + section->sh_offset, section->sh_size, from, strlen(from) + 1);

	assert_non_null(at);
	memcpy(at, to, strlen(to));
}

static void variable_missing_from_btf(void **state)
{
	struct image image = image_load("maps");

	rename_string(&image, "flows", "fl0ws");
	image_expect_refused(&image, "section .maps, symbol 'flows': BTF has no such variable");
}

static void unknown_member(void **state)
{
	struct image image = image_load("maps");

	rename_string(&image, "map_flags", "map_bonus");
	image_expect_refused(&image,
			     "section .maps, symbol 'flows': member 'map_bonus' is unknown; known "
			     "are type, key, value, key_size, value_size, max_entries, map_flags, "
			     "map_extra, pinning, numa_node and values");
}

static void member_of_wrong_shape(void **state)
{
	struct image image = image_load("maps");

	/* max_entries becomes a type where a number should be, and key the reverse. */
	rename_string(&image, "value", "valu_");
	image_expect_refused(&image,
			     "section .maps, symbol 'flows': member 'valu_' is not declared "
			     "with __uint() or __type()");
}

static void maps_overlap(void **state)
{
	struct image image = image_load("maps");

	image_symbol(&image, "sized")->st_value = 8;
	image_expect_refused(&image,
			     "section .maps: maps 'flows' and 'sized' overlap at offset 0x8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(btf_definitions),
		cmocka_unit_test(btf_types_of_elements),
		cmocka_unit_test(legacy_definition),
		cmocka_unit_test(legacy_too_short),
		cmocka_unit_test(legacy_with_unknown_members),
		cmocka_unit_test(without_btf),
		cmocka_unit_test(malformed_btf),
		cmocka_unit_test(variable_missing_from_btf),
		cmocka_unit_test(unknown_member),
		cmocka_unit_test(member_of_wrong_shape),
		cmocka_unit_test(maps_overlap),
	};

	return run_tests_on_objects(tests);
}
