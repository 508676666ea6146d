/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The checked interpreter (interp/check.c) and the traps: what stops a run if a proof was wrong. */
#include "unverified.h"

enum {
	STACK = 16
};

static enum bpfe_abort outcome(const struct bpf_insn *insns, size_t n, struct bpfe_map *map,
			       uint32_t slot)
{
	struct bpfe_result result;
	struct unverified u;
	struct frame f;

	frame_init(&f);
	f.xdp.data_meta -= 4;
	unverified_open(&u, insns, n, map, STACK);
	/* Context loads are what the first two instructions of each program are. */
	if (insns[0].code == (BPF_LDX | BPF_MEM | BPF_W)) {
		u.image.aux[0].ctx_field = BPFE_CTX_DATA;
		u.image.aux[1].ctx_field = BPFE_CTX_DATA_END;
	}
	result = unverified_run(&u, &f, BPFE_LOAD_CHECKED);
	if (result.abort != BPFE_ABORT_NONE) {
		assert_int_equal(result.abort_insn, slot);
		assert_int_equal(result.retval, XDP_ABORTED);
	}
	unverified_close(&u);
	return result.abort;
}

#define PACKET(insn)                                                   \
	(struct bpf_insn[])                                            \
	{                                                              \
		LDX(BPF_W, 2, 1, 0), LDX(BPF_W, 3, 1, 4), insn, EXIT() \
	}
#define packet(insn) outcome(PACKET(insn), 4, NULL, 2)

static void test_packet(void **state)
{
	assert_int_equal(packet(LDX(BPF_DW, 0, 2, 0)), BPFE_ABORT_NONE);
	assert_int_equal(packet(LDX(BPF_DW, 0, 2, 248)), BPFE_ABORT_NONE);
	assert_int_equal(packet(LDX(BPF_DW, 0, 2, 249)), BPFE_ABORT_MEMORY);
	assert_int_equal(packet(LDX(BPF_B, 0, 2, 255)), BPFE_ABORT_NONE);
	assert_int_equal(packet(LDX(BPF_B, 0, 2, 256)), BPFE_ABORT_MEMORY);
	assert_int_equal(packet(LDX(BPF_B, 0, 3, -1)), BPFE_ABORT_NONE);
	assert_int_equal(packet(LDX(BPF_B, 0, 3, 0)), BPFE_ABORT_MEMORY);
	assert_int_equal(packet(LDX(BPF_W, 0, 2, -4)), BPFE_ABORT_NONE);
	assert_int_equal(packet(LDX(BPF_W, 0, 2, -5)), BPFE_ABORT_MEMORY);
	assert_int_equal(packet(ST(BPF_W, 2, 252, 1)), BPFE_ABORT_NONE);
	assert_int_equal(packet(ST(BPF_W, 2, 253, 1)), BPFE_ABORT_MEMORY);
	assert_int_equal(packet(STX(BPF_H, 2, 254, 3)), BPFE_ABORT_NONE);
	assert_int_equal(packet(STX(BPF_H, 2, 255, 3)), BPFE_ABORT_MEMORY);
	assert_int_equal(packet(LDSX(BPF_W, 0, 2, 253)), BPFE_ABORT_MEMORY);
}

static void test_stack(void **state)
{
#define stack(insn) outcome((struct bpf_insn[]){insn, EXIT()}, 2, NULL, 0)
	assert_int_equal(stack(ST(BPF_DW, 10, -8, 1)), BPFE_ABORT_NONE);
	assert_int_equal(stack(ST(BPF_DW, 10, -16, 1)), BPFE_ABORT_NONE);
	assert_int_equal(stack(ST(BPF_DW, 10, -17, 1)), BPFE_ABORT_MEMORY);
	assert_int_equal(stack(ST(BPF_DW, 10, -7, 1)), BPFE_ABORT_MEMORY);
	assert_int_equal(stack(ST(BPF_B, 10, 0, 1)), BPFE_ABORT_MEMORY);
	assert_int_equal(stack(LDX(BPF_B, 0, 10, 0)), BPFE_ABORT_MEMORY);
	assert_int_equal(stack(ATOMIC(BPF_DW, BPF_ADD, 10, -8, 1)), BPFE_ABORT_NONE);
	assert_int_equal(stack(ATOMIC(BPF_W, BPF_XCHG, 10, -10, 1)), BPFE_ABORT_MEMORY);
	assert_int_equal(stack(ATOMIC(BPF_W, BPF_CMPXCHG, 10, 0, 1)), BPFE_ABORT_MEMORY);
#undef stack
}

/* The stack of a function ends with it; while it runs, its caller's is in reach. */
static void test_frames(void **state)
{
	const struct bpf_insn upward[] = {CALL_LOCAL(1), EXIT(), ST(BPF_DW, 10, 8, 1), EXIT()};
	const struct bpf_insn downward[] = {CALL_LOCAL(2), ST(BPF_DW, 10, -24, 1), EXIT(),
					    ST(BPF_DW, 10, -8, 1), EXIT()};

	assert_int_equal(outcome(upward, COUNT(upward), NULL, 2), BPFE_ABORT_NONE);
	assert_int_equal(outcome(downward, COUNT(downward), NULL, 1), BPFE_ABORT_MEMORY);
}

static void test_wild_addresses(void **state)
{
	const uint64_t addresses[] = {0, 8, UINT64_MAX, UINT64_MAX - 7, 1ull << 63, 0x1000};

	for (size_t i = 0; i < COUNT(addresses); i++) {
		const struct bpf_insn load[] = {LD64(1, addresses[i]), LDX(BPF_DW, 0, 1, 0),
						EXIT()};
		const struct bpf_insn store[] = {LD64(1, addresses[i]), ST(BPF_B, 1, 4, 0), EXIT()};
		const struct bpf_insn context[] = {STX(BPF_DW, 1, 0, 10), EXIT()};

		assert_int_equal(outcome(load, COUNT(load), NULL, 2), BPFE_ABORT_MEMORY);
		assert_int_equal(outcome(store, COUNT(store), NULL, 2), BPFE_ABORT_MEMORY);
		assert_int_equal(outcome(context, COUNT(context), NULL, 0), BPFE_ABORT_MEMORY);
	}
}

/* A context load through something that is not the context. */
static void test_false_context(void **state)
{
	const struct bpf_insn insns[] = {LDX(BPF_W, 2, 10, 0), EXIT()};
	struct bpfe_result result;
	struct unverified u;
	struct frame f;

	for (uint8_t field = BPFE_CTX_DATA; field <= BPFE_CTX_EGRESS_IFINDEX; field++) {
		frame_init(&f);
		unverified_open(&u, insns, COUNT(insns), NULL, 0);
		u.image.aux[0].ctx_field = field;
		result = unverified_run(&u, &f, BPFE_LOAD_CHECKED);
		assert_int_equal(result.abort, BPFE_ABORT_MEMORY);
		unverified_close(&u);
	}
}

/* @insn with r6 at the value of key 0. */
static enum bpfe_abort value_access(struct bpfe_map *map, struct bpf_insn insn)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		MOV_X(6, 0),
		insn,
		EXIT(),
	};

	return outcome(insns, COUNT(insns), map, 7);
}

static void test_values(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH};
	const uint8_t value[12] = {0};
	const uint32_t key = 0;

	for (size_t t = 0; t < COUNT(types); t++) {
		struct bpfe_map *map = map_new(types[t], 4, 12, 2, NULL);

		assert_int_equal(bpfe_map_update(map, &key, value, BPF_ANY), 0);
		assert_int_equal(value_access(map, LDX(BPF_W, 0, 6, 8)), BPFE_ABORT_NONE);
		assert_int_equal(value_access(map, ST(BPF_B, 6, 11, 1)), BPFE_ABORT_NONE);
		assert_int_equal(value_access(map, ST(BPF_B, 6, 12, 1)), BPFE_ABORT_MEMORY);
		assert_int_equal(value_access(map, LDX(BPF_DW, 0, 6, 8)), BPFE_ABORT_MEMORY);
		assert_int_equal(value_access(map, LDX(BPF_B, 0, 6, -1)), BPFE_ABORT_MEMORY);
		assert_int_equal(value_access(map, LDX(BPF_B, 0, 6, 30000)), BPFE_ABORT_MEMORY);
		bpfe_map_put(map);
	}
}

static void test_value_flags(void **state)
{
	static const struct {
		uint32_t flags;
		enum bpfe_abort load, store, atomic;
	} cases[] = {
		{0, BPFE_ABORT_NONE, BPFE_ABORT_NONE, BPFE_ABORT_NONE},
		{BPF_F_RDONLY_PROG, BPFE_ABORT_NONE, BPFE_ABORT_MEMORY, BPFE_ABORT_MEMORY},
		{BPF_F_WRONLY_PROG, BPFE_ABORT_MEMORY, BPFE_ABORT_NONE, BPFE_ABORT_MEMORY},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_ARRAY,
						   .key_size = 4,
						   .value_size = 8,
						   .max_entries = 1,
						   .flags = cases[i].flags};
		struct bpfe_map *map;

		assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
		assert_int_equal(value_access(map, LDX(BPF_DW, 0, 6, 0)), cases[i].load);
		assert_int_equal(value_access(map, ST(BPF_DW, 6, 0, 0)), cases[i].store);
		assert_int_equal(value_access(map, ATOMIC(BPF_DW, BPF_ADD, 6, 0, 6)),
				 cases[i].atomic);
		bpfe_map_put(map);
	}
}

static void test_helper_arguments(void **state)
{
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, NULL);
	const struct bpf_insn no_map[] = {MOV_X(2, 10), ALU64_K(BPF_ADD, 2, -4), MOV_X(1, 10),
					  CALL(1), EXIT()};
	const struct bpf_insn short_key[] = {MOV_X(2, 10), ALU64_K(BPF_ADD, 2, -3),
					     LD_MAP_IDX(1, 0), CALL(1), EXIT()};
	const struct bpf_insn bad_value[] = {MOV_X(2, 10),     ALU64_K(BPF_ADD, 2, -4),
					     MOV_X(3, 10),     ALU64_K(BPF_ADD, 3, -7),
					     LD_MAP_IDX(1, 0), MOV_K(4, 0),
					     CALL(2),          EXIT()};
	const struct bpf_insn no_context[] = {MOV_X(1, 10), MOV_K(2, 0),
					      CALL(BPF_FUNC_xdp_adjust_head), EXIT()};
	const struct bpf_insn no_bytes[] = {MOV_X(1, 10), MOV_K(2, 0), CALL(BPF_FUNC_trace_printk),
					    EXIT()};

	assert_int_equal(outcome(no_map, COUNT(no_map), map, 3), BPFE_ABORT_MEMORY);
	assert_int_equal(outcome(short_key, COUNT(short_key), map, 4), BPFE_ABORT_MEMORY);
	assert_int_equal(outcome(bad_value, COUNT(bad_value), map, 7), BPFE_ABORT_MEMORY);
	assert_int_equal(outcome(no_context, COUNT(no_context), map, 2), BPFE_ABORT_MEMORY);
	assert_int_equal(outcome(no_bytes, COUNT(no_bytes), map, 2), BPFE_ABORT_MEMORY);
	bpfe_map_put(map);
}

static void test_unseen_traps(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 2), LD64(1, 1),  JMP_K(BPF_JEQ, 0, 2, 1),
					 EXIT(),      MOV_K(0, 3), EXIT()};
	struct bpfe_result result;
	struct unverified u;
	struct frame f;

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		frame_init(&f);
		unverified_open(&u, insns, COUNT(insns), NULL, 0);
		u.image.aux[5].seen = false;
		result = unverified_run(&u, &f, flags);
		assert_int_equal(result.abort, BPFE_ABORT_TRAP);
		assert_int_equal(result.abort_insn, 5);
		assert_int_equal(result.insns, 3);
		assert_int_equal(result.retval, XDP_ABORTED);
		unverified_close(&u);
	}
}

static void test_recursion_traps(void **state)
{
	const struct bpf_insn insns[] = {CALL_LOCAL(1), EXIT(), CALL_LOCAL(-1), EXIT()};
	struct bpfe_result result;
	struct unverified u;
	struct frame f;

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		frame_init(&f);
		unverified_open(&u, insns, COUNT(insns), NULL, BPFE_STACK_SIZE);
		result = unverified_run(&u, &f, flags);
		assert_int_equal(result.abort, BPFE_ABORT_TRAP);
		assert_int_equal(result.abort_insn, 2);
		assert_int_equal(result.insns, BPFE_RUN_STACK / BPFE_STACK_SIZE - 1);
		unverified_close(&u);
		unverified_open(&u, insns, COUNT(insns), NULL, 0);
		result = unverified_run(&u, &f, flags);
		assert_int_equal(result.abort, BPFE_ABORT_TRAP);
		assert_int_equal(result.abort_insn, 2);
		assert_int_equal(result.insns, BPFE_RUN_FRAMES - 1);
		unverified_close(&u);
	}
}

/* Nothing an earlier run or call left is in a stack when a function begins. */
static void test_stack_is_zeroed(void **state)
{
	const struct bpf_insn insns[] = {
		/* Fill the stack of the main program, having summed it up first. */
		LDX(BPF_DW, 6, 10, -8),
		LDX(BPF_DW, 0, 10, -16),
		ALU64_X(BPF_OR, 6, 0),
		ST(BPF_DW, 10, -8, -1),
		ST(BPF_DW, 10, -16, -1),
		CALL_LOCAL(5),
		ALU64_X(BPF_OR, 6, 0),
		CALL_LOCAL(3),
		ALU64_X(BPF_OR, 6, 0),
		MOV_X(0, 6),
		EXIT(),
		/* 11: the same in a function. */
		LDX(BPF_DW, 0, 10, -8),
		LDX(BPF_DW, 1, 10, -16),
		ALU64_X(BPF_OR, 0, 1),
		ST(BPF_DW, 10, -8, -1),
		ST(BPF_DW, 10, -16, -1),
		EXIT(),
	};
	struct bpfe_result result;
	struct unverified u;
	struct frame f;

	frame_init(&f);
	unverified_open(&u, insns, COUNT(insns), NULL, STACK);
	for (unsigned i = 0; i < 3; i++) {
		result = unverified_run(&u, &f, 0);
		assert_int_equal(result.abort, BPFE_ABORT_NONE);
		assert_int_equal(result.retval, 0);
	}
	unverified_close(&u);
}

/* Registers start as zeros, but for the context and the frame pointer. */
static void test_registers_are_zeroed(void **state)
{
	struct bpf_insn insns[12];
	struct unverified u;
	struct frame f;
	size_t n = 0;

	for (unsigned reg = 2; reg < 10; reg++)
		insns[n++] = ALU64_X(BPF_OR, 0, reg);
	insns[n++] = EXIT();
	frame_init(&f);
	unverified_open(&u, insns, n, NULL, 0);
	assert_int_equal(unverified_run(&u, &f, 0).retval, 0);
	unverified_close(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet),          cmocka_unit_test(test_stack),
		cmocka_unit_test(test_frames),          cmocka_unit_test(test_wild_addresses),
		cmocka_unit_test(test_false_context),   cmocka_unit_test(test_values),
		cmocka_unit_test(test_value_flags),     cmocka_unit_test(test_helper_arguments),
		cmocka_unit_test(test_unseen_traps),    cmocka_unit_test(test_recursion_traps),
		cmocka_unit_test(test_stack_is_zeroed), cmocka_unit_test(test_registers_are_zeroed),
	};

	return cmocka_run_group_tests_name("checked", tests, group_setup, group_teardown);
}
