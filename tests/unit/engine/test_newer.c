/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What came after the first conformance groups, as programs that pass the verifier: load-acquire
 * and store-release, may_goto, callx, addresses of a map's value, legacy packet access.
 */
#include <stdio.h>
#include "harness.h"

/* Run a program of type @type; checked or not comes to the same. */
static struct bpfe_result run_type(const struct bpf_insn *insns, size_t n, uint32_t type,
				   struct bpfe_map *map, uint32_t budget, struct frame *f)
{
	const struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct bpfe_result results[2];

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		struct bpfe_program *prog;
		struct load l;

		load_init(&l, insns, n);
		l.attr.type = type;
		l.attr.flags |= flags;
		l.attr.maps = &binding;
		l.attr.n_maps = map != NULL;
		l.attr.budget = budget;
		prog = load_ok(&l);
		frame_init(f);
		for (unsigned i = 0; i < 256; i++)
			f->xdp.data[i] = (uint8_t)(i + 0x80);
		results[flags] = run(prog, f);
		bpfe_program_put(prog);
	}
	assert_int_equal(results[0].abort, results[1].abort);
	assert_int_equal(results[0].r0, results[1].r0);
	assert_int_equal(results[0].insns, results[1].insns);
	return results[0];
}

static uint64_t value_of(const struct bpf_insn *insns, size_t n)
{
	struct bpfe_result result;
	struct frame f;

	result = run_type(insns, n, BPF_PROG_TYPE_XDP, NULL, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	return result.r0;
}
#define VALUE(...) \
	value_of((struct bpf_insn[]){__VA_ARGS__}, COUNT(((struct bpf_insn[]){__VA_ARGS__})))

/* ---- Ordered ------------------------------------------------------------------------------- */

static void test_ordered(void **state)
{
	const uint64_t word = 0xf1f2f3f4f5f6f7f8;

	/* Loads zero-extend. */
	assert_int_equal(
		VALUE(LD64(1, word), STX(BPF_DW, 10, -8, 1), LOAD_ACQ(BPF_DW, 0, 10, -8), EXIT()),
		word);
	assert_int_equal(VALUE(LD64(1, word), STX(BPF_DW, 10, -8, 1), MOV_K(0, -1),
			       LOAD_ACQ(BPF_W, 0, 10, -4), EXIT()),
			 0xf1f2f3f4);
	assert_int_equal(VALUE(LD64(1, word), STX(BPF_DW, 10, -8, 1), MOV_K(0, -1),
			       LOAD_ACQ(BPF_H, 0, 10, -6), EXIT()),
			 0xf5f6);
	assert_int_equal(VALUE(LD64(1, word), STX(BPF_DW, 10, -8, 1), MOV_K(0, -1),
			       LOAD_ACQ(BPF_B, 0, 10, -1), EXIT()),
			 0xf1);
	/* The base may be the destination. */
	assert_int_equal(VALUE(ST(BPF_DW, 10, -8, 7), MOV_X(1, 10), LOAD_ACQ(BPF_DW, 1, 1, -8),
			       MOV_X(0, 1), EXIT()),
			 7);
	/* Stores take the low bytes and leave the others. */
	assert_int_equal(VALUE(LD64(1, word), ST(BPF_DW, 10, -8, 0), STORE_REL(BPF_DW, 10, -8, 1),
			       LDX(BPF_DW, 0, 10, -8), EXIT()),
			 word);
	assert_int_equal(VALUE(LD64(1, word), ST(BPF_DW, 10, -8, 0), STORE_REL(BPF_W, 10, -8, 1),
			       LDX(BPF_DW, 0, 10, -8), EXIT()),
			 0xf5f6f7f8);
	assert_int_equal(VALUE(LD64(1, word), ST(BPF_DW, 10, -8, 0), STORE_REL(BPF_H, 10, -6, 1),
			       LDX(BPF_DW, 0, 10, -8), EXIT()),
			 0xf7f80000);
	assert_int_equal(VALUE(LD64(1, word), ST(BPF_DW, 10, -8, 0), STORE_REL(BPF_B, 10, -3, 1),
			       LDX(BPF_DW, 0, 10, -8), EXIT()),
			 0xf80000000000);
	/* A spilled pointer stays one. */
	assert_int_equal(VALUE(MOV_X(1, 10), STORE_REL(BPF_DW, 10, -8, 1), ST(BPF_DW, 10, -16, 9),
			       LOAD_ACQ(BPF_DW, 2, 10, -8), LDX(BPF_DW, 0, 2, -16), EXIT()),
			 9);
}

/* The first line of the refusal of a program, without the path. */
static void refused(const struct bpf_insn *insns, size_t n, uint32_t type, int err,
		    const char *expected)
{
	struct bpfe_program *prog = NULL;
	struct load l;

	load_init(&l, insns, n);
	l.attr.type = type;
	assert_int_equal(bpfe_program_load(&l.attr, &prog, &l.log), err);
	*strchrnul(l.text, '\n') = '\0';
	assert_string_equal(l.text, expected);
}
#define REFUSED(type, err, expected, ...)                                                          \
	refused((struct bpf_insn[]){__VA_ARGS__}, COUNT(((struct bpf_insn[]){__VA_ARGS__})), type, \
		err, expected)

static void test_ordered_refused(void **state)
{
	REFUSED(BPF_PROG_TYPE_XDP, -EACCES,
		"0: (w0 = load_acquire((u32 *)(r1 +16))) atomic operation on ctx",
		LOAD_ACQ(BPF_W, 0, 1, 16), EXIT());
	REFUSED(BPF_PROG_TYPE_XDP, -EACCES,
		"6: (w0 = load_acquire((u8 *)(r2 +0))) atomic operation on pkt", NEED_PACKET(8, 1),
		LOAD_ACQ(BPF_B, 0, 2, 0), EXIT());
	REFUSED(BPF_PROG_TYPE_XDP, -EACCES,
		"0: (r0 = load_acquire((u64 *)(r10 -8))) stack byte at r10-8 is read but was never "
		"written",
		LOAD_ACQ(BPF_DW, 0, 10, -8), EXIT());
	REFUSED(BPF_PROG_TYPE_XDP, -EACCES,
		"1: (store_release((u64 *)(r10 -12), r0)) misaligned stack access of 8 bytes at "
		"r10-12",
		MOV_K(0, 0), STORE_REL(BPF_DW, 10, -12, 0), EXIT());
	REFUSED(BPF_PROG_TYPE_XDP, -EACCES,
		"0: (store_release((u64 *)(r10 -8), r2)) R2 is read but holds nothing",
		STORE_REL(BPF_DW, 10, -8, 2), MOV_K(0, 0), EXIT());
}

/* ---- may_goto ------------------------------------------------------------------------------ */

/* A loop without an end of its own goes on for half of the budget and ends in good order. */
static void test_may_goto_budget(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 0), MAY_GOTO(2), ALU64_K(BPF_ADD, 0, 1), JA(-3),
					 EXIT()};
	struct bpfe_result result;
	struct frame f;

	result = run_type(insns, COUNT(insns), BPF_PROG_TYPE_XDP, NULL, 1000, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	/* The 168th may_goto finds 1 + 167 * 3 instructions executed, of 500. */
	assert_int_equal(result.r0, 167);
	assert_int_equal(result.insns, 1 + 167 * 3 + 2);
	result = run_type(insns, COUNT(insns), BPF_PROG_TYPE_XDP, NULL, 2, &f);
	assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
}

/* Each frame has 2^23 rounds, and its caller's are not touched by it. */
static void test_may_goto_count(void **state)
{
	const struct bpf_insn insns[] = {
		/* Two rounds, in each a function that goes round until it may not. */
		MOV_K(6, 0),
		MOV_K(7, 0),
		MAY_GOTO(4),
		CALL_LOCAL(5),
		ALU64_X(BPF_ADD, 6, 0),
		ALU64_K(BPF_ADD, 7, 1),
		JMP_K(BPF_JLT, 7, 2, -5),
		MOV_X(0, 6),
		EXIT(),
		/* 9: */ MOV_K(0, 0),
		MAY_GOTO(2),
		ALU64_K(BPF_ADD, 0, 1),
		JA(-3),
		EXIT(),
	};
	struct bpfe_program *prog;
	struct bpfe_result result;
	struct load l;
	struct frame f;

	load_init(&l, insns, COUNT(insns));
	l.attr.budget = UINT32_MAX;
	prog = load_ok(&l);
	frame_init(&f);
	result = run(prog, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 2 * 8388608);
	bpfe_program_put(prog);
}

/* ---- callx, addresses ---------------------------------------------------------------------- */

static void test_callx(void **state)
{
	/* Which function depends on the queue, 0x80000022; both get 20 in r1. */
	const struct bpf_insn insns[] = {
		/* 0: */ LDX(BPF_W, 6, 1, 16),
		LD_FUNC(7, 7),
		JMP_K(BPF_JEQ, 6, 0, 2),
		/* 4: */ LD_FUNC(7, 6),
		/* 6: */ MOV_K(1, 20),
		CALLX(7),
		EXIT(),
		/* 9: */ MOV_K(0, 9),
		EXIT(),
		/* 11: */ MOV_X(0, 1),
		ALU64_K(BPF_MUL, 0, 3),
		EXIT(),
	};
	struct bpfe_result result;
	struct frame f;

	result = run_type(insns, COUNT(insns), BPF_PROG_TYPE_XDP, NULL, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 60);
}

static void test_map_value(void **state)
{
	const struct bpf_insn insns[] = {
		LD_VALUE_FD(1, 7, 8),
		LDX(BPF_DW, 0, 1, 0),
		LD_VALUE_IDX(2, 0, 0),
		LDX(BPF_DW, 3, 2, 0),
		ALU64_X(BPF_ADD, 0, 3),
		ST(BPF_DW, 2, 8, 77),
		EXIT(),
	};
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_ARRAY, 4, 16, 1, NULL);
	uint64_t value[2] = {1000, 77};
	const uint32_t key = 0;
	struct bpfe_result result;
	struct frame f;

	assert_int_equal(bpfe_map_update(map, &key, value, 0), 0);
	result = run_type(insns, COUNT(insns), BPF_PROG_TYPE_XDP, map, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 1077);
	bpfe_map_put(map);
}

/* ---- Legacy packet access ------------------------------------------------------------------ */

/* r0 of a tc program that loads, plus 2^32, or 0 if the load ended it. Frame byte i is 0x80 + i. */
static uint64_t packet(struct bpf_insn load, uint64_t r7)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1), LD64(7, r7), load, LD64(1, 1ull << 32), ALU64_X(BPF_ADD, 0, 1), EXIT(),
	};
	struct bpfe_result result;
	struct frame f;

	result = run_type(insns, COUNT(insns), BPF_PROG_TYPE_SCHED_CLS, NULL, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.insns, result.r0 ? 6 : 3);
	return result.r0;
}

#define THERE(value) ((value) | 1ull << 32)

static void test_packet(void **state)
{
	assert_int_equal(packet(LD_ABS(BPF_B, 0), 0), THERE(0x80));
	assert_int_equal(packet(LD_ABS(BPF_H, 3), 0), THERE(0x8384));
	assert_int_equal(packet(LD_ABS(BPF_W, 12), 0), THERE(0x8c8d8e8f));
	assert_int_equal(packet(LD_ABS(BPF_B, 255), 0), THERE(0x7f));
	assert_int_equal(packet(LD_ABS(BPF_B, 256), 0), 0);
	assert_int_equal(packet(LD_ABS(BPF_H, 254), 0), THERE(0x7e7f));
	assert_int_equal(packet(LD_ABS(BPF_H, 255), 0), 0);
	assert_int_equal(packet(LD_ABS(BPF_W, 252), 0), THERE(0x7c7d7e7f));
	assert_int_equal(packet(LD_ABS(BPF_W, 253), 0), 0);
	assert_int_equal(packet(LD_ABS(BPF_B, INT32_MAX), 0), 0);
	assert_int_equal(packet(LD_IND(BPF_B, 7, 4), 3), THERE(0x87));
	assert_int_equal(packet(LD_IND(BPF_H, 7, -2), 12), THERE(0x8a8b));
	assert_int_equal(packet(LD_IND(BPF_W, 7, 0), 253), 0);
	assert_int_equal(packet(LD_IND(BPF_W, 7, 1), UINT64_MAX), THERE(0x80818283));
	/* The offset counts with 32 bits. */
	assert_int_equal(packet(LD_IND(BPF_B, 7, 0), 0x100000001), THERE(0x81));
	/* Negative: from the network header, from the link layer header, or nowhere. */
	assert_int_equal(packet(LD_ABS(BPF_B, -0x100000), 0), THERE(0x8e));
	assert_int_equal(packet(LD_ABS(BPF_B, -0x100000 + 241), 0), THERE(0x7f));
	assert_int_equal(packet(LD_ABS(BPF_B, -0x100000 + 242), 0), 0);
	assert_int_equal(packet(LD_ABS(BPF_H, -0x200000 + 12), 0), THERE(0x8c8d));
	assert_int_equal(packet(LD_ABS(BPF_B, -0x200001), 0), 0);
	assert_int_equal(packet(LD_ABS(BPF_B, -1), 0), 0);
	assert_int_equal(packet(LD_ABS(BPF_B, INT32_MIN), 0), 0);
}

/* In a function it is the function that returns 0, as in Linux. */
static void test_packet_in_function(void **state)
{
	const struct bpf_insn insns[] = {
		CALL_LOCAL(2),        ALU64_K(BPF_ADD, 0, 5), EXIT(),
		/* 3: */ MOV_X(6, 1), LD_ABS(BPF_B, 1000),    MOV_K(0, 100), EXIT(),
	};
	struct bpfe_result result;
	struct frame f;

	result = run_type(insns, COUNT(insns), BPF_PROG_TYPE_SCHED_CLS, NULL, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 5);
	assert_int_equal(result.insns, 5);
}

static void test_packet_refused(void **state)
{
	REFUSED(BPF_PROG_TYPE_XDP, -EINVAL,
		"1: (r0 = *(u8 *)skb[0]) legacy packet access is for tc programs only", MOV_X(6, 1),
		LD_ABS(BPF_B, 0), EXIT());
	REFUSED(BPF_PROG_TYPE_SCHED_CLS, -EACCES,
		"0: (r0 = *(u8 *)skb[0]) R6 is read but holds nothing", LD_ABS(BPF_B, 0), EXIT());
	REFUSED(BPF_PROG_TYPE_SCHED_CLS, -EACCES,
		"1: (r0 = *(u8 *)skb[0]) legacy packet access takes the context from R6",
		MOV_X(6, 10), LD_ABS(BPF_B, 0), EXIT());
	REFUSED(BPF_PROG_TYPE_SCHED_CLS, -EACCES,
		"1: (r0 = *(u16 *)skb[r2 + 0]) R2 is read but holds nothing", MOV_X(6, 1),
		LD_IND(BPF_H, 2, 0), EXIT());
	REFUSED(BPF_PROG_TYPE_SCHED_CLS, -EACCES,
		"1: (r0 = *(u16 *)skb[r10 + 0]) R10 is a pointer (fp), using it as a packet offset "
		"would reveal it",
		MOV_X(6, 1), LD_IND(BPF_H, 10, 0), EXIT());
	/* r1 to r5 are lost, as by a call. */
	REFUSED(BPF_PROG_TYPE_SCHED_CLS, -EACCES,
		"2: (r0 = *(u32 *)(r1 +0)) R1 is read but holds nothing", MOV_X(6, 1),
		LD_ABS(BPF_B, 0), LDX(BPF_W, 0, 1, 0), EXIT());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordered),         cmocka_unit_test(test_ordered_refused),
		cmocka_unit_test(test_may_goto_budget), cmocka_unit_test(test_may_goto_count),
		cmocka_unit_test(test_callx),           cmocka_unit_test(test_map_value),
		cmocka_unit_test(test_packet),          cmocka_unit_test(test_packet_in_function),
		cmocka_unit_test(test_packet_refused),
	};

	return cmocka_run_group_tests_name("newer", tests, group_setup, group_teardown);
}
