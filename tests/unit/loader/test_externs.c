// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LD_IMM64 (BPF_LD | BPF_IMM | BPF_DW)
#define CALL     (BPF_JMP | BPF_CALL)

/* The instructions of a program, and the @nth with @code. */
static const struct bpf_insn *find_insn(const struct bpfe_object *obj, const char *program,
					uint8_t code, unsigned nth)
{
	const struct bpf_insn *insns;
	uint32_t n;

	assert_int_equal(bpfe_object_program(obj, object_program(obj, program), &insns, &n), 0);
	for (uint32_t i = 0; i < n; i++) {
		if (insns[i].code == code && !nth--)
			return &insns[i];
		i += insns[i].code == LD_IMM64;
	}
	fail_msg("program %s lacks an instruction %#x", program, code);
	return NULL;
}

static void kfuncs_by_name(void **state)
{
	struct image image = image_load("externs");
	struct bpfe_object *obj = image_open(&image);
	const struct bpf_insn *known = find_insn(obj, "calls_known", CALL, 0);
	const struct bpf_insn *flavour = find_insn(obj, "calls_flavour", CALL, 0);

	assert_int_equal(known->src_reg, BPF_PSEUDO_KFUNC_CALL);
	assert_int_equal(known->off, 0);
	assert_true(known->imm >= 0x10000);
	assert_int_equal(flavour->src_reg, BPF_PSEUDO_KFUNC_CALL);
	assert_true(flavour->imm >= 0x10000);
	assert_int_not_equal(flavour->imm, known->imm);
	/* Its address says that it is there. */
	assert_int_equal(find_insn(obj, "calls_flavour", LD_IMM64, 0)->imm, 1);
	assert_int_equal(find_insn(obj, "calls_flavour", LD_IMM64, 0)->src_reg, 0);
	bpfe_object_close(obj);
	image_free(&image);
}

static void weak_and_missing(void **state)
{
	struct image image = image_load("externs");
	struct bpfe_object *obj = image_open(&image);

	for (unsigned nth = 0; nth < 2; nth++) {
		const struct bpf_insn *address = find_insn(obj, "asks_first", LD_IMM64, nth);

		assert_int_equal(address[0].src_reg, 0);
		assert_int_equal(address[0].imm, 0);
		assert_int_equal(address[1].imm, 0);
	}
	assert_int_equal(find_insn(obj, "asks_first", CALL, 0)->src_reg, BPF_PSEUDO_KFUNC_CALL);
	assert_int_equal(find_insn(obj, "asks_first", CALL, 0)->imm, 0x7fffffff);
	bpfe_object_close(obj);
	image_free(&image);
	object_expect_loads("externs", "asks_first");
}

/* The verifier sees the call that nothing keeps the program from. */
static void weak_and_called_anyway(void **state)
{
	struct image image = image_load("externs");
	struct bpfe_object *obj = image_open(&image);
	const struct bpfe_load_attr attr = {0};
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_program *prog;
	struct bpfe_map **maps;

	assert_int_equal(
		bpfe_object_load(obj, object_program(obj, "calls_weak"), &attr, &prog, &maps, &log),
		-EACCES);
	assert_int_equal(log.reason, BPFE_BAD_HELPER);
	assert_non_null(strstr(text, "the kfunc is not built into this device\n"));
	assert_non_null(strstr(text, "accepted: asking bpf_ksym_exists() first, of a __weak "
				     "function\n"));
	assert_non_null(strstr(text, "source: externs.bpf.c:"));
	bpfe_object_close(obj);
	image_free(&image);
}

#define NO_KFUNC                                                                           \
	"'kernel_function': the NIC has no kfunc of this name; declare it __weak and ask " \
	"bpf_ksym_exists() to do without it"

static void strong_and_missing(void **state)
{
	object_expect_blocked("externs", "calls_unknown", "xdp", "calls_unknown", NO_KFUNC);
	object_expect_blocked("externs", "calls_unknown_below", ".text", "indirect", NO_KFUNC);
}

static void variables_of_a_kernel(void **state)
{
	object_expect_blocked("externs", "reads_variable", "xdp", "reads_variable",
			      "'kernel_variable': a variable of a kernel's, which the NIC has not; "
			      "declare it __weak to do without it");
	object_expect_blocked("externs", "reads_config", "xdp", "reads_config",
			      "'CONFIG_HZ': a value of a kernel's configuration (.kconfig), which "
			      "the NIC has not; use a `const volatile` variable");
}

static void extern_that_btf_does_not_know(void **state)
{
	object_expect_blocked("globals_extern_without_btf", "uses_variable", "xdp", "uses_variable",
			      "'variable': not defined in the object; link it with the object that "
			      "does (bpftool gen object)");
}

static void function_that_btf_does_not_know(void **state)
{
	object_expect_blocked("externs_without_btf", "calls_unknown", "xdp", "calls_unknown",
			      NO_KFUNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kfuncs_by_name),
		cmocka_unit_test(weak_and_missing),
		cmocka_unit_test(weak_and_called_anyway),
		cmocka_unit_test(strong_and_missing),
		cmocka_unit_test(variables_of_a_kernel),
		cmocka_unit_test(extern_that_btf_does_not_know),
		cmocka_unit_test(function_that_btf_does_not_know),
	};
	int failed;

	bpfe_thread_register();
	failed = run_tests_on_objects(tests);
	bpfe_thread_unregister();
	return failed;
}
