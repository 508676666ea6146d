// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>

static const struct bpfe_func_info *func_called(const struct bpfe_object *obj, const char *name)
{
	const struct bpfe_func_info *funcs;
	uint32_t n;

	assert_int_equal(bpfe_object_program_funcs(obj, 0, &funcs, &n), 0);
	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(funcs[i].name, name))
			return &funcs[i];
	}
	fail_msg("the program has no function %s", name);
	return NULL;
}

static void expect_arg(const struct bpfe_object *obj, const char *function, uint32_t arg,
		       enum bpfe_func_arg_kind kind, uint32_t mem_size, bool nonnull)
{
	const struct bpfe_func_arg *has = &func_called(obj, function)->args[arg];

	assert_true(arg < func_called(obj, function)->n_args);
	assert_int_equal(has->kind, kind);
	assert_int_equal(has->mem_size, mem_size);
	assert_int_equal(has->nonnull, nonnull);
}

static void arguments(void **state)
{
	struct image image = image_load("linkage");
	struct bpfe_object *obj = image_open(&image);

	expect_arg(obj, "calls_all", 0, BPFE_FUNC_ARG_CTX, 0, false);
	expect_arg(obj, "takes_ctx", 0, BPFE_FUNC_ARG_CTX, 0, false);
	expect_arg(obj, "takes_ctx", 1, BPFE_FUNC_ARG_SCALAR, 0, false);
	expect_arg(obj, "takes_memory", 0, BPFE_FUNC_ARG_MEM, 16, false);
	expect_arg(obj, "takes_memory", 1, BPFE_FUNC_ARG_MEM, 1, false);
	expect_arg(obj, "takes_memory", 2, BPFE_FUNC_ARG_SCALAR, 0, false);
	expect_arg(obj, "takes_memory", 3, BPFE_FUNC_ARG_MEM, 8, true);
	expect_arg(obj, "takes_tagged", 0, BPFE_FUNC_ARG_CTX, 0, false);
	expect_arg(obj, "takes_tagged", 1, BPFE_FUNC_ARG_OTHER, 0, false);
	assert_int_equal(func_called(obj, "takes_tagged")->args[2].kind, BPFE_FUNC_ARG_OTHER);
	expect_arg(obj, "takes_dynptr", 0, BPFE_FUNC_ARG_DYNPTR, 0, false);
	/* The context of another kind of program is memory like any other. */
	expect_arg(obj, "takes_dynptr", 1, BPFE_FUNC_ARG_MEM, sizeof(struct __sk_buff), false);
	bpfe_object_close(obj);
	image_free(&image);
}

static void linkage(void **state)
{
	struct image image = image_load("linkage");
	struct bpfe_object *obj = image_open(&image);

	assert_true(func_called(obj, "calls_all")->is_global);
	assert_true(func_called(obj, "takes_ctx")->is_global);
	assert_false(func_called(obj, "hidden")->is_global);
	assert_false(func_called(obj, "internal")->is_global);
	assert_true(func_called(obj, "returns_nothing")->returns_void);
	assert_false(func_called(obj, "takes_ctx")->returns_void);
	bpfe_object_close(obj);
	image_free(&image);
}

static void in_the_order_of_the_program(void **state)
{
	struct image image = image_load("linkage");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_func_info *funcs;
	const struct bpf_insn *insns;
	uint32_t n, n_insns;

	assert_int_equal(bpfe_object_program_funcs(obj, 0, &funcs, &n), 0);
	assert_int_equal(bpfe_object_program_funcs(obj, 1, &funcs, &n), -ENOENT);
	assert_int_equal(bpfe_object_program(obj, 0, &insns, &n_insns), 0);
	assert_int_equal(n, 8);
	assert_string_equal(funcs[0].name, "calls_all");
	assert_int_equal(funcs[0].start, 0);
	for (uint32_t i = 1; i < n; i++)
		assert_int_equal(funcs[i].start,
				 funcs[i - 1].start +
					 image_symbol(&image, funcs[i - 1].name)->st_size / 8);
	assert_int_equal(n_insns,
			 funcs[n - 1].start + image_symbol(&image, funcs[n - 1].name)->st_size / 8);
	bpfe_object_close(obj);
	image_free(&image);
}

static void without_btf(void **state)
{
	struct image image = image_load("linkage_without_btf");
	struct bpfe_object *obj = image_open(&image);

	assert_false(func_called(obj, "takes_ctx")->is_global);
	assert_int_equal(func_called(obj, "takes_ctx")->n_args, 0);
	bpfe_object_close(obj);
	image_free(&image);
}

/* The first record of function information: { offset, type }. */
static uint32_t *first_record(struct image *image, uint32_t *offset)
{
	uint8_t *ext = image_data(image, ".BTF.ext");
	uint32_t *head = (uint32_t *)ext;

	*offset = head[1] + head[2] + 12; /* record size, section name, count */
	return (uint32_t *)(ext + *offset);
}

static void type_that_is_no_function(void **state)
{
	struct image image = image_load("linkage");
	uint32_t offset;

	first_record(&image, &offset)[1] = 1;
	image_expect_refused(&image,
			     "section .BTF.ext, offset %#x: type of a function is none of BTF's "
			     "functions",
			     offset);
}

static void function_between_instructions(void **state)
{
	struct image image = image_load("linkage");
	uint32_t offset;

	first_record(&image, &offset)[0] = 4;
	image_expect_refused(&image,
			     "section .BTF.ext, offset %#x: function does not begin at an "
			     "instruction",
			     offset);
}

static void information_outside_of_the_section(void **state)
{
	struct image image = image_load("linkage");

	((uint32_t *)image_data(&image, ".BTF.ext"))[3] = 1u << 20;
	image_expect_refused(&image, "section .BTF.ext, offset 0x8: function information lies "
				     "outside of the section");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(linkage),
		cmocka_unit_test(in_the_order_of_the_program),
		cmocka_unit_test(without_btf),
		cmocka_unit_test(type_that_is_no_function),
		cmocka_unit_test(function_between_instructions),
		cmocka_unit_test(information_outside_of_the_section),
	};

	return run_tests_on_objects(tests);
}
