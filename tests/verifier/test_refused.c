// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Each rule of the verifier has a program that breaks it, and only it, and is told so exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "corpus.h"

static struct corpus_maps maps;

static void check_log(const struct corpus_case *c, const char *text)
{
	char insn[128], want[1024];
	int n;

	bpfe_disasm(&c->insns[c->insn], corpus_length(c) - c->insn, insn, sizeof(insn));
	/* The decoder names maps by index, as the disassembler of the original does. */
	n = snprintf(want, sizeof(want), "%u: (%s) %s\n", c->insn, insn, c->message);
	if (c->reg)
		n += snprintf(want + n, sizeof(want) - (size_t)n, "    %s\n", c->reg);
	if (strncmp(text, want, (size_t)n))
		fail_msg("expected:\n%sgot:\n%s", want, text);
	if (!c->reg && strstr(text, "\n    R"))
		fail_msg("register shown, none expected:\n%s", text);
}

static void test_case(void **state)
{
	const struct corpus_case *c = *state;
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;
	int err = corpus_verify(&maps, c->insns, corpus_length(c), NULL, &image, &log);

	bpfe_image_close(&image);
	if (err != c->err)
		fail_msg("returned %d, expected %d: %s", err, c->err, text);
	check_log(c, text);
	assert_string_equal(bpfe_reason_name(log.reason), bpfe_reason_name(c->reason));
	assert_int_equal(log.insn, c->insn);
	assert_non_null(strstr(text, "\n    path: 0"));
}

/* The same without a log, and with one that has no room, must be refused the same. */
static void test_case_without_log(void **state)
{
	const struct corpus_case *c = *state;
	char text[16];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(corpus_verify(&maps, c->insns, corpus_length(c), NULL, &image, NULL),
			 c->err);
	bpfe_image_close(&image);
	assert_int_equal(corpus_verify(&maps, c->insns, corpus_length(c), NULL, &image, &log),
			 c->err);
	bpfe_image_close(&image);
	assert_true(log.truncated);
}

static void test_profile_without_helper(void **state)
{
	static const struct bpf_insn insns[] = {CALL(BPF_FUNC_get_prandom_u32), EXIT()};
	static const uint64_t none[4];
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(corpus_verify(&maps, insns, 2, none, &image, &log), -EACCES);
	bpfe_image_close(&image);
	assert_int_equal(log.reason, BPFE_BAD_HELPER);
	assert_string_equal(text,
			    "0: (call bpf_get_prandom_u32#7) helper bpf_get_prandom_u32 is not "
			    "offered by this device's profile\n    path: 0\n");
}

/*
 * The iterator lies in one of two slots, nothing reads either, and the program does not end, so
 * that nobody misses it. Where the one way may store, the other may not: through the number that
 * the iterator hands out the program would read half of an address.
 */
static void test_forgotten_iterator(void **state)
{
	static const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		CALL(BPF_FUNC_get_prandom_u32),
		JMP_K(BPF_JEQ, 0, 0, 9),
		AT(1, -16),
		MOV_K(2, 0),
		MOV_K(3, 9),
		CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEW),
		AT(1, -16),
		CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEXT),
		JA(8),
		AT(1, -8),
		MOV_K(2, 0),
		MOV_K(3, 9),
		CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEW),
		AT(1, -8),
		CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEXT),
		JMP_K(BPF_JEQ, 0, 0, 5),
		STX(BPF_DW, 10, -8, 6),
		LDX(BPF_W, 8, 0, 0),
		LD_VALUE_IDX(1, DATA, 0),
		STX(BPF_W, 1, 0, 8),
		MOV_K(8, 0),
		ALU64_K(BPF_ADD, 8, 2),
		JMP_K(BPF_JEQ, 8, 1, 1),
		JA(-3),
		RETURN(2),
	};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(corpus_verify(&maps, insns, COUNT_OF(insns), NULL, &image, &log), -E2BIG);
	bpfe_image_close(&image);
	assert_int_equal(log.insn, 21);
	assert_non_null(strstr(text, "store to r10-8 overwrites part of an iterator that must be "
				     "released first"));
}

/* Seven ways to where the pointers meet, the last one below the value: joined, the offset's lower
 * bound is let go, and must not wrap to pass for a large one. */
static void test_joined_offset(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 8, 1, 16),
		LDX(BPF_W, 9, 1, 12),
		LOOKUP(ARRAY),
		MOV_X(6, 0),
		CALL(BPF_FUNC_get_prandom_u32),
		MOV_X(7, 0),
		/* Too long to follow round by round. */
		MOV_K(1, 0),
		ALU64_K(BPF_ADD, 1, 1),
		JMP_X(BPF_JEQ, 9, 7, 1),
		JMP_K(BPF_JLT, 1, 2000000, -3),
		MOV_X(0, 6),
		JMP_K(BPF_JEQ, 8, 1, 9),
		JMP_K(BPF_JEQ, 8, 2, 12),
		JMP_K(BPF_JEQ, 8, 3, 14),
		JMP_K(BPF_JEQ, 8, 4, 16),
		JMP_K(BPF_JEQ, 8, 5, 18),
		JMP_K(BPF_JEQ, 8, 6, 20),
		ALU64_K(BPF_AND, 7, 1),
		ALU64_K(BPF_ADD, 7, 13),
		ALU64_X(BPF_ADD, 0, 7),
		JA(21),
		ALU64_K(BPF_AND, 7, 255),
		ALU64_K(BPF_SUB, 7, 250),
		ALU64_X(BPF_ADD, 0, 7),
		JA(17),
		ALU64_K(BPF_AND, 7, 1),
		ALU64_K(BPF_ADD, 7, 8),
		JA(12),
		ALU64_K(BPF_AND, 7, 1),
		ALU64_K(BPF_ADD, 7, 9),
		JA(9),
		ALU64_K(BPF_AND, 7, 1),
		ALU64_K(BPF_ADD, 7, 10),
		JA(6),
		ALU64_K(BPF_AND, 7, 1),
		ALU64_K(BPF_ADD, 7, 11),
		JA(3),
		ALU64_K(BPF_AND, 7, 1),
		ALU64_K(BPF_ADD, 7, 12),
		JA(0),
		ALU64_X(BPF_ADD, 0, 7),
		JA(0),
		LDX(BPF_B, 0, 0, -8),
		EXIT(),
	};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(corpus_verify(&maps, insns, COUNT_OF(insns), NULL, &image, &log), -E2BIG);
	bpfe_image_close(&image);
	assert_int_equal(log.insn, COUNT_OF(insns) - 2);
	assert_non_null(strstr(text, "(r0 = *(u8 *)(r0 -8)) map value access of 1 bytes at offset "
				     "-258 to "));
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
	const struct corpus *const all[] = {&refused_pointers, &refused_memory, &refused_stack,
					    &refused_calls,    &refused_maps,   &refused_held,
					    &refused_dynptr,   &refused_loops};
	static struct CMUnitTest tests[1000];
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		for (size_t k = 0; k < all[i]->n; k++) {
			void *c = (void *)(uintptr_t)&all[i]->cases[k];

			tests[n++] = (struct CMUnitTest){all[i]->cases[k].name, test_case, NULL,
							 NULL, c};
			tests[n++] = (struct CMUnitTest){"the same without room for a log",
							 test_case_without_log, NULL, NULL, c};
		}
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_profile_without_helper);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_joined_offset);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_forgotten_iterator);
	return _cmocka_run_group_tests("refused", tests, n, setup, teardown);
}
