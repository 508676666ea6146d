// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <string.h>

#define CALL      (BPF_JMP | BPF_CALL)
#define EXIT      (BPF_JMP | BPF_EXIT)
#define MOV64_REG (BPF_ALU64 | BPF_MOV | BPF_X)

struct code {
	const struct bpf_insn *insns;
	uint32_t n;
};

static struct code program(const struct bpfe_object *obj, const char *name)
{
	struct code code;

	assert_int_equal(bpfe_object_program(obj, object_program(obj, name), &code.insns, &code.n),
			 0);
	return code;
}

/* The slots @code's function at @start calls, in order. */
static unsigned callees(const struct code *code, uint32_t start, uint32_t targets[], unsigned max)
{
	unsigned n = 0;

	for (uint32_t i = start; i < code->n; i++) {
		const struct bpf_insn *insn = &code->insns[i];

		if (insn->code == CALL && insn->src_reg == BPF_PSEUDO_CALL) {
			assert_true(n < max);
			targets[n++] = i + 1 + insn->imm;
		}
		if (insn->code == EXIT)
			break;
	}
	return n;
}

/* Does the function at @start add @number to something? */
static bool adds(const struct code *code, uint32_t start, int32_t number)
{
	for (uint32_t i = start; code->insns[i].code != EXIT; i++) {
		if (BPF_OP(code->insns[i].code) == BPF_ADD &&
		    BPF_SRC(code->insns[i].code) == BPF_K &&
		    BPF_CLASS(code->insns[i].code) == BPF_ALU && code->insns[i].imm == number)
			return true;
	}
	return false;
}

static void calls_reach_their_functions(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);
	struct code code = program(obj, "calls_both");
	uint32_t direct[3] = {0}, indirect[2] = {0};

	/* calls_both -> add_six -> add_five, then double_it */
	assert_int_equal(callees(&code, 0, direct, 3), 2);
	assert_true(adds(&code, direct[0], 1));
	assert_int_equal(callees(&code, direct[0], indirect, 2), 1);
	assert_true(adds(&code, indirect[0], 5));
	assert_int_equal(callees(&code, direct[1], indirect, 2), 0);
	assert_false(adds(&code, direct[1], 5));
	bpfe_object_close(obj);
	image_free(&image);
}

static void only_what_is_called_is_appended(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);
	struct code code = program(obj, "calls_one");
	uint32_t own = image_symbol(&image, "calls_one")->st_size / 8;
	uint32_t targets[2];

	assert_int_equal(callees(&code, 0, targets, 2), 1);
	assert_int_equal(targets[0], own);
	assert_true(adds(&code, own, 5));
	assert_int_equal(code.n, own + image_symbol(&image, "add_five")->st_size / 8);
	code = program(obj, "calls_none");
	assert_int_equal(code.n, image_symbol(&image, "calls_none")->st_size / 8);
	bpfe_object_close(obj);
	image_free(&image);
}

static void recursion_is_placed_once(void **state)
{
	struct image image = image_load("calls");
	const Elf64_Rel *rel = image_data(&image, ".relxdp/second");
	uint8_t *bytes = image_data(&image, "xdp/second");
	struct bpf_insn *call = (struct bpf_insn *)(bytes + rel->r_offset);
	struct bpfe_object *obj;
	struct code code;
	uint32_t target;

	/* calls_one calls itself; whether that may run is the verifier's question. */
	image_section(&image, ".relxdp/second")->sh_info = image_section_index(&image, ".strtab");
	call->imm = -1 - (int32_t)(rel->r_offset / sizeof(*call));
	obj = image_open(&image);
	code = program(obj, "calls_one");
	assert_int_equal(code.n, image_symbol(&image, "calls_one")->st_size / 8);
	assert_int_equal(callees(&code, 0, &target, 1), 1);
	assert_int_equal(target, 0);
	bpfe_object_close(obj);
	image_free(&image);
}

/* Does the function at @start and with @number? */
static bool masks(const struct code *code, uint32_t start, int32_t number)
{
	for (uint32_t i = start; code->insns[i].code != EXIT; i++) {
		if (BPF_OP(code->insns[i].code) == BPF_AND && code->insns[i].imm == number)
			return true;
	}
	return false;
}

static void callbacks_are_appended(void **state)
{
	struct image image = image_load("functions");
	struct bpfe_object *obj = image_open(&image);
	struct code code = program(obj, "passes_callbacks");
	const int32_t numbers[] = {0x11, 0x22}; /* a static and a global function */
	unsigned n = 0;

	for (uint32_t i = 0; i + 1 < code.n; i++) {
		const struct bpf_insn *insn = &code.insns[i];

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		assert_int_equal(insn->src_reg, BPF_PSEUDO_FUNC);
		assert_int_equal(insn[1].imm, 0);
		assert_true(n < 2);
		assert_true(masks(&code, i + 1 + insn->imm, numbers[n++]));
		i++;
	}
	assert_int_equal(n, 2);
	bpfe_object_close(obj);
	image_free(&image);
}

static void function_beside_is_appended(void **state)
{
	struct image image = image_load("functions");
	struct bpfe_object *obj = image_open(&image);
	struct code code = program(obj, "calls_beside");
	uint32_t own = image_symbol(&image, "calls_beside")->st_size / 8, target;

	assert_int_equal(callees(&code, 0, &target, 1), 1);
	assert_int_equal(target, own);
	assert_true(adds(&code, own, 0x33));
	assert_int_equal(code.n, own + image_symbol(&image, "beside")->st_size / 8);
	bpfe_object_close(obj);
	image_free(&image);
}

static void no_such_program(void **state)
{
	struct image image = image_load("calls");
	struct bpfe_object *obj = image_open(&image);
	const struct bpf_insn *insns;
	uint32_t n;

	assert_int_equal(bpfe_object_program(obj, 3, &insns, &n), -ENOENT);
	bpfe_object_close(obj);
	image_free(&image);
}

static void too_many_instructions(void **state)
{
	struct image image = image_load("long");

	image_expect_refused(&image, "section xdp, symbol 'too_long': the program would have more "
				     "than 65536 instructions");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_reach_their_functions),
		cmocka_unit_test(only_what_is_called_is_appended),
		cmocka_unit_test(recursion_is_placed_once),
		cmocka_unit_test(callbacks_are_appended),
		cmocka_unit_test(function_beside_is_appended),
		cmocka_unit_test(no_such_program),
		cmocka_unit_test(too_many_instructions),
	};

	return run_tests_on_objects(tests);
}
