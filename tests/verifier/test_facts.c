// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What the verifier tells the compiler, to the bit. That it is true: test_claims.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "corpus.h"

static struct corpus_maps maps;

static void verify(struct bpfe_image *image, const struct bpf_insn *insns, uint32_t n)
{
	static char text[4096];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	int err = corpus_verify(&maps, insns, n, NULL, image, &log);

	if (err)
		fail_msg("returned %d: %s", err, text);
}

#define VERIFY(image, insns) verify(image, insns, COUNT_OF(insns))

/* ---- Edges --------------------------------------------------------------------------------- */

static void test_edges(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 16),    /* 0 */
		MOV_K(0, 0),             /* 1 */
		JMP_K(BPF_JGT, 2, 7, 1), /* 2: both */
		JMP_K(BPF_JGT, 2, 9, 1), /* 3: never */
		JMP_K(BPF_JNE, 0, 1, 1), /* 4: always */
		MOV_K(0, 1),             /* 5 */
		EXIT(),                  /* 6 */
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[2].edges, BPFE_EDGE_FALL | BPFE_EDGE_JUMP);
	assert_int_equal(image.aux[3].edges, BPFE_EDGE_FALL);
	assert_int_equal(image.aux[4].edges, BPFE_EDGE_JUMP);
	assert_int_equal(image.aux[1].edges, 0);
	bpfe_image_close(&image);
}

/* The same comparison comes out so here and otherwise there. */
static void test_edges_of_paths(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 16),    /* 0 */
		MOV_K(3, 0),             /* 1 */
		JMP_K(BPF_JEQ, 2, 0, 1), /* 2 */
		MOV_K(3, 1),             /* 3 */
		MOV_K(0, 0),             /* 4 */
		JMP_K(BPF_JEQ, 3, 0, 1), /* 5 */
		MOV_K(0, 1),             /* 6 */
		EXIT(),                  /* 7 */
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[5].edges, BPFE_EDGE_FALL | BPFE_EDGE_JUMP);
	bpfe_image_close(&image);
}

static void test_edges_null(void **state)
{
	static const struct bpf_insn insns[] = {
		LOOKUP(HASH),            /* 0 */
		JMP_K(BPF_JEQ, 0, 0, 3), /* 6 */
		JMP_K(BPF_JNE, 0, 0, 1), /* 7: always */
		MOV_K(1, 0),             /* 8 */
		JMP_X(BPF_JEQ, 0, 10, 0) /* 9, replaced */,
		RETURN(0),
	};
	struct bpf_insn copy[COUNT_OF(insns)];
	struct bpfe_image image;

	memcpy(copy, insns, sizeof(copy));
	copy[9] = MOV_K(0, 0);
	VERIFY(&image, copy);
	assert_int_equal(image.aux[6].edges, BPFE_EDGE_FALL | BPFE_EDGE_JUMP);
	assert_int_equal(image.aux[7].edges, BPFE_EDGE_JUMP);
	bpfe_image_close(&image);
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static void test_const_map(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16), /* 0 */
		LOOKUP(ARRAY),        /* 1, the call is 6 */
		LD_MAP_IDX(1, HASH),  /* 7 */
		JMP_K(BPF_JEQ, 7, 0, 2),
		LD_MAP_IDX(1, ARRAY),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		CALL(BPF_FUNC_map_lookup_elem), /* 14 */
		LOOKUP(MAPS),                   /* 15, the call is 20 */
		JMP_K(BPF_JEQ, 0, 0, 4),        /* 21 */
		MOV_X(1, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		CALL(BPF_FUNC_map_lookup_elem),      /* 25 */
		CALL(BPF_FUNC_get_smp_processor_id), /* 26 */
		RETURN(0),
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[6].const_map, 1 + image.aux[4].map_index);
	assert_int_equal(image.aux[14].const_map, 0); /* one of two */
	assert_int_equal(image.aux[20].const_map, 1 + image.aux[18].map_index);
	assert_int_equal(image.aux[25].const_map, 0); /* an inner map */
	assert_int_equal(image.aux[26].const_map, 0); /* takes none */
	assert_int_not_equal(image.aux[6].const_map, image.aux[20].const_map);
	bpfe_image_close(&image);
}

/* ---- Moved pointers ------------------------------------------------------------------------ */

static void test_sanitize(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		LDX(BPF_W, 8, 1, 12),     /* 0 */
		LOOKUP(ARRAY),            /* 2 */
		JMP_K(BPF_JEQ, 0, 0, 15), /* 8 */
		MOV_X(9, 0),              /* 9 */
		JMP_K(BPF_JGT, 7, 3, 13), /* 10 */
		ALU64_K(BPF_AND, 8, 3),   /* 11 */
		ALU64_X(BPF_ADD, 9, 7),   /* 12: up by at most 3, in src */
		MOV_X(1, 9),
		ALU64_X(BPF_SUB, 1, 7), /* 14: down by at most 3 */
		MOV_X(2, 8),
		ALU64_X(BPF_ADD, 2, 1), /* 16: up by at most 3, in dst */
		LDX(BPF_B, 0, 2, 3),    /* 17 */
		ALU64_K(BPF_ADD, 9, 1), /* 18: a constant */
		ALU64_X(BPF_ADD, 8, 7), /* 19: no pointer */
		LDX(BPF_B, 0, 9, 0),    /* 20 */
		MOV_K(3, -8),
		ALU64_X(BPF_ADD, 3, 10), /* 22: down by 8, in dst */
		ST(BPF_DW, 3, 0, 1),     /* 23 */
		RETURN(0),
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[12].sanitize, BPFE_SANITIZE_SRC);
	assert_int_equal(image.aux[12].limit, 3);
	assert_int_equal(image.aux[14].sanitize, BPFE_SANITIZE_SRC | BPFE_SANITIZE_NEGATIVE);
	assert_int_equal(image.aux[14].limit, 3);
	assert_int_equal(image.aux[16].sanitize, BPFE_SANITIZE_DST);
	assert_int_equal(image.aux[16].limit, 3);
	assert_int_equal(image.aux[18].sanitize, BPFE_SANITIZE_NONE);
	assert_int_equal(image.aux[19].sanitize, BPFE_SANITIZE_NONE);
	assert_int_equal(image.aux[22].sanitize, BPFE_SANITIZE_DST | BPFE_SANITIZE_NEGATIVE);
	assert_int_equal(image.aux[22].limit, 8);
	bpfe_image_close(&image);
}

/* The widest of all paths; and none if they disagree about what is moved, or where to. */
static void test_sanitize_of_paths(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		LDX(BPF_W, 6, 1, 0), /* 0 */
		LDX(BPF_W, 8, 1, 4),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -8), /* 2 */
		ST(BPF_DW, 10, -8, 0),   /* 5 */
		MOV_K(3, 2),
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_K(3, 5),            /* 6 */
		ALU64_X(BPF_ADD, 2, 3), /* 9: up by 2 or 5 */
		LDX(BPF_B, 0, 2, 0),    /* 10 */
		MOV_X(2, 10),
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_X(2, 6),             /* 11 */
		ALU64_X(BPF_ADD, 2, 3),  /* 14: a pointer or a number */
		MOV_X(2, 10),            /* 15 */
		ALU64_K(BPF_ADD, 2, -4), /* 16 */
		MOV_K(3, -2),
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_K(3, 2),            /* 17 */
		ALU64_X(BPF_ADD, 2, 3), /* 20: up or down */
		LDX(BPF_B, 0, 2, 0),
		RETURN(0),
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[9].sanitize, BPFE_SANITIZE_SRC);
	assert_int_equal(image.aux[9].limit, 5);
	assert_int_equal(image.aux[14].sanitize, BPFE_SANITIZE_NONE);
	assert_int_equal(image.aux[14].limit, 0);
	assert_int_equal(image.aux[20].sanitize, BPFE_SANITIZE_NONE);
	bpfe_image_close(&image);
}

/* It does not depend on which path is followed first. */
static void test_limit_of_paths(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -8), /* 0 */
		ST(BPF_DW, 10, -8, 0),   /* 3 */
		MOV_K(3, 5),
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_K(3, 2),            /* 4 */
		ALU64_X(BPF_ADD, 2, 3), /* 7 */
		LDX(BPF_B, 0, 2, 0),    /* 8 */
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -8), /* 9 */
		MOV_K(3, 2),
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_K(3, 5),            /* 11 */
		ALU64_X(BPF_ADD, 2, 3), /* 14 */
		LDX(BPF_B, 0, 2, 0),
		RETURN(0),
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[7].limit, 5);
	assert_int_equal(image.aux[14].limit, 5);
	bpfe_image_close(&image);
}

/* ---- Kinds of memory ------------------------------------------------------------------------ */

/* One that differs by path is none: it may touch anything. */
static void test_mem_kinds(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		LOOKUP(ARRAY), /* 0 */
		JMP_K(BPF_JEQ, 0, 0, 7),
		LDX(BPF_B, 3, 0, 0),   /* 7: map value */
		LDX(BPF_B, 3, 10, -4), /* 9: stack */
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4), /* 10 */
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_X(2, 0),         /* 12 */
		LDX(BPF_B, 3, 2, 0), /* 14: either */
		RETURN(0),
	};
	struct bpfe_image image;

	VERIFY(&image, insns);
	assert_int_equal(image.aux[8].mem_kind, BPFE_MEM_MAP_VALUE);
	assert_int_equal(image.aux[9].mem_kind, BPFE_MEM_STACK);
	assert_int_equal(image.aux[14].mem_kind, BPFE_MEM_NONE);
	bpfe_image_close(&image);
}

/* ---- The longest run ----------------------------------------------------------------------- */

static void check_longest(const struct bpf_insn *insns, uint32_t n, uint64_t longest)
{
	struct bpfe_image image;

	verify(&image, insns, n);
	assert_int_equal(image.longest_run, longest);
	bpfe_image_close(&image);
}

#define LONGEST(insns, longest) check_longest(insns, COUNT_OF(insns), longest)

static void test_longest_branch(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 16),
		JMP_K(BPF_JEQ, 2, 0, 3),
		MOV_K(3, 1),
		MOV_K(4, 1),
		JA(1),
		MOV_K(3, 2),
		LD64(5, 1),
		RETURN(0),
	};

	/* 0 to 4, a wide one, two. */
	LONGEST(insns, 8);
}

/* Ways that meet again are covered, one after the other. */
static void test_longest_diamonds(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 16),
		LDX(BPF_W, 3, 1, 12),
		JMP_K(BPF_JEQ, 2, 0, 2),
		MOV_K(4, 0),
		MOV_K(4, 0),
		MOV_K(4, 0),
		JMP_K(BPF_JEQ, 3, 0, 2),
		MOV_K(4, 0),
		MOV_K(4, 0),
		JMP_K(BPF_JGT, 2, 70, 1),
		MOV_K(4, 0),
		RETURN(0),
	};

	LONGEST(insns, 13);
}

/* The longer way is followed last, and covered by what was followed of the shorter. */
static void test_longest_covered(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 16), JMP_K(BPF_JNE, 2, 0, 3),
		MOV_K(4, 0),          MOV_K(4, 0),
		MOV_K(4, 0),          MOV_K(5, 0),
		MOV_K(5, 0),          RETURN(0),
	};

	LONGEST(insns, 9);
}

static void test_longest_loop(void **state)
{
	static const struct bpf_insn insns[] = {
		MOV_K(0, 0),
		ALU64_K(BPF_ADD, 0, 1),
		JMP_K(BPF_JLT, 0, 100, -2),
		EXIT(),
	};

	LONGEST(insns, 1 + 2 * 100 + 1);
}

static void test_longest_call(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 6, 1, 16),
		JMP_K(BPF_JEQ, 6, 0, 1),
		CALL_LOCAL(2),
		CALL_LOCAL(1),
		EXIT(),
		MOV_K(0, 1),
		MOV_K(0, 2),
		EXIT(),
	};

	/* 0 and 1, two calls of three instructions, the exit. */
	LONGEST(insns, 2 + 2 * 4 + 1);
}

/* What bounds these is not the program. */
static void test_longest_unknown(void **state)
{
	static const struct bpf_insn may_goto[] = {
		MOV_K(0, 0), MAY_GOTO(2), ALU64_K(BPF_ADD, 0, 1), JA(-3), EXIT(),
	};
	static const struct bpf_insn tail_call[] = {
		LD_MAP_IDX(2, PROGS),
		MOV_K(3, 0),
		CALL(BPF_FUNC_tail_call),
		RETURN(0),
	};
	static const struct bpf_insn callback[] = {
		MOV_K(1, 4),         LD_FUNC(2, 6), MOV_K(3, 0), MOV_K(4, 0),
		CALL(BPF_FUNC_loop), RETURN(0),     MOV_K(0, 0), EXIT(),
	};

	LONGEST(may_goto, UINT64_MAX);
	LONGEST(tail_call, UINT64_MAX);
	LONGEST(callback, UINT64_MAX);
}

/* A loop that is too long to be followed round by round is joined. */
static void test_longest_joined(void **state)
{
	static const struct bpf_insn insns[] = {
		MOV_K(0, 0),
		ALU64_K(BPF_ADD, 0, 1),
		JMP_K(BPF_JLT, 0, 1000000, -2),
		EXIT(),
	};

	LONGEST(insns, UINT64_MAX);
}

static int setup(void **state)
{
	bpfe_thread_register();
	return corpus_maps_create(&maps);
}

static int teardown(void **state)
{
	corpus_maps_destroy(&maps);
	bpfe_thread_unregister();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),           cmocka_unit_test(test_edges_of_paths),
		cmocka_unit_test(test_edges_null),      cmocka_unit_test(test_const_map),
		cmocka_unit_test(test_sanitize),        cmocka_unit_test(test_sanitize_of_paths),
		cmocka_unit_test(test_limit_of_paths),  cmocka_unit_test(test_mem_kinds),
		cmocka_unit_test(test_longest_branch),  cmocka_unit_test(test_longest_diamonds),
		cmocka_unit_test(test_longest_covered), cmocka_unit_test(test_longest_loop),
		cmocka_unit_test(test_longest_call),    cmocka_unit_test(test_longest_unknown),
		cmocka_unit_test(test_longest_joined),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
