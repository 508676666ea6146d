// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Global functions: verified on their own, calls held against their types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "corpus.h"

static struct corpus_maps maps;

/* Verify @insns, whose global function begins at slot @start; the text of a refusal to @text. */
static int verify(const struct bpf_insn *insns, uint32_t n, struct bpfe_func_info info,
		  uint32_t start, char *text, size_t size)
{
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = n, .funcs = &info, .n_funcs = 1};
	struct bpfe_log log = {.buf = text, .size = size};
	struct bpfe_image image;
	int err;

	text[0] = 0;
	info.start = start;
	info.name = "callee";
	info.is_global = true;
	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	err = bpfe_decode(&image, maps.bindings, N_MAPS, &log);
	assert_int_equal(err, 0);
	err = bpfe_verify(&image, &log);
	bpfe_image_close(&image);
	return err;
}

#define ACCEPT(info, start, ...)                                                                  \
	do {                                                                                      \
		static const struct bpf_insn insns[] = {__VA_ARGS__};                             \
		char text[2048];                                                                  \
                                                                                                  \
		assert_int_equal(verify(insns, COUNT_OF(insns), info, start, text, sizeof(text)), \
				 0);                                                              \
	} while (0)

/* The first line is @message. */
#define REFUSE(info, start, message, ...)                                                         \
	do {                                                                                      \
		static const struct bpf_insn insns[] = {__VA_ARGS__};                             \
		char text[2048];                                                                  \
                                                                                                  \
		assert_int_equal(verify(insns, COUNT_OF(insns), info, start, text, sizeof(text)), \
				 -EACCES);                                                        \
		*strchr(text, '\n') = 0;                                                          \
		assert_string_equal(text, message);                                               \
	} while (0)

static const struct bpfe_func_info number = {.n_args = 1, .args = {{BPFE_FUNC_ARG_SCALAR}}};
static const struct bpfe_func_info memory = {.n_args = 1, .args = {{BPFE_FUNC_ARG_MEM, false, 8}}};
static const struct bpfe_func_info some_memory = {.n_args = 1,
						  .args = {{BPFE_FUNC_ARG_MEM, true, 8}}};
static const struct bpfe_func_info context = {.n_args = 1, .args = {{BPFE_FUNC_ARG_CTX}}};

static void test_numbers(void **state)
{
	ACCEPT(number, 3, MOV_K(1, 7), CALL_LOCAL(1), EXIT(), MOV_X(0, 1), EXIT());
	/* It may be called with any number, whatever the call has. */
	REFUSE(number, 3,
	       "5: (r0 = *(u8 *)(r10 -8)) stack byte at r10-8 is read but was never written",
	       MOV_K(1, 1), CALL_LOCAL(1), EXIT(), MOV_K(0, 0), JMP_K(BPF_JEQ, 1, 1, 1),
	       LDX(BPF_B, 0, 10, -8), EXIT());
}

static void test_result(void **state)
{
	/* The function returns 0, and its caller does not know. */
	REFUSE(number, 13,
	       "9: (r6 += r0) pointer arithmetic may leave the range of offsets, -536870912 to "
	       "8589934592",
	       LOOKUP_KEY(ARRAY, 1), MOV_X(6, 0), MOV_K(1, 7), CALL_LOCAL(4),
	       ALU64_X(BPF_ADD, 6, 0), ST(BPF_B, 6, 0, 1), RETURN(2), RETURN(0));
}

static void test_memory(void **state)
{
	ACCEPT(memory, 6, ST(BPF_DW, 10, -8, 0), MOV_X(1, 10), ALU64_K(BPF_ADD, 1, -8),
	       CALL_LOCAL(2), LDX(BPF_DW, 0, 10, -8), EXIT(), MOV_K(0, 0), JMP_K(BPF_JEQ, 1, 0, 1),
	       ST(BPF_DW, 1, 0, 5), EXIT());
	ACCEPT(memory, 3, MOV_K(1, 0), CALL_LOCAL(1), EXIT(), RETURN(0));
	REFUSE(memory, 3, "4: (r0 = *(u64 *)(r1 +0)) R1 may be NULL", MOV_K(1, 0), CALL_LOCAL(1),
	       EXIT(), MOV_K(0, 0), LDX(BPF_DW, 0, 1, 0), EXIT());
	ACCEPT(some_memory, 6, ST(BPF_DW, 10, -8, 0), MOV_X(1, 10), ALU64_K(BPF_ADD, 1, -8),
	       CALL_LOCAL(2), LDX(BPF_DW, 0, 10, -8), EXIT(), LDX(BPF_DW, 0, 1, 0), EXIT());
	REFUSE(some_memory, 3, "1: (call pc+1) argument 1 of callee is a scalar", MOV_K(1, 0),
	       CALL_LOCAL(1), EXIT(), RETURN(0));
	REFUSE(memory, 4, "2: (call pc+1) stack byte at r10-8 is read but was never written",
	       MOV_X(1, 10), ALU64_K(BPF_ADD, 1, -8), CALL_LOCAL(1), EXIT(), RETURN(0));
}

static void test_context(void **state)
{
	ACCEPT(context, 2, CALL_LOCAL(1), EXIT(), LDX(BPF_W, 0, 1, 12), EXIT());
	REFUSE(context, 3, "1: (call pc+1) argument 1 of callee is a ctx", ALU64_K(BPF_ADD, 1, 4),
	       CALL_LOCAL(1), EXIT(), RETURN(0));
	/* What it does to the packet its caller has to know. */
	REFUSE(context, 10, "8: (r0 = *(u8 *)(r6 +0)) R6 is read but holds nothing", PACKET(14, 4),
	       MOV_X(6, 2), MOV_X(7, 1), CALL_LOCAL(2), LDX(BPF_B, 0, 6, 0), EXIT(), MOV_K(2, -4),
	       CALL(BPF_FUNC_xdp_adjust_head), EXIT());
}

/* Memory in the frame would be elsewhere when the function has moved the packet. */
static void test_memory_that_moves(void **state)
{
	static const struct bpfe_func_info both = {
		.n_args = 2, .args = {{BPFE_FUNC_ARG_CTX}, {BPFE_FUNC_ARG_MEM, true, 8}}};

	ACCEPT(both, 9, PACKET(14, 2), CALL_LOCAL(3), EXIT(), RETURN(2), LDX(BPF_DW, 0, 2, 0),
	       EXIT());
	REFUSE(both, 9,
	       "5: (call pc+3) argument 2 of callee lies in the frame, which the function may move",
	       PACKET(14, 2), CALL_LOCAL(3), EXIT(), RETURN(2), MOV_X(6, 2), MOV_K(2, 4),
	       CALL(BPF_FUNC_xdp_adjust_head), LDX(BPF_DW, 0, 6, 0), EXIT());
}

static void test_nobody_calls_it(void **state)
{
	ACCEPT(number, 2, RETURN(2), LDX(BPF_DW, 0, 1, 0), EXIT());
}

static void test_void(void **state)
{
	struct bpfe_func_info none = {.returns_void = true};

	ACCEPT(none, 3, CALL_LOCAL(2), RETURN(2), EXIT());
	REFUSE(none, 2, "1: (exit) the program ends and R0 holds nothing", CALL_LOCAL(1), EXIT(),
	       EXIT());
}

static int setup(void **state)
{
	return corpus_maps_create(&maps);
}

static int teardown(void **state)
{
	corpus_maps_destroy(&maps);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_memory_that_moves),
		cmocka_unit_test(test_void),
		cmocka_unit_test(test_nobody_calls_it),
	};

	return cmocka_run_group_tests_name("global", tests, setup, teardown);
}
