/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Loads, stores and atomics of RFC 9669 section 5, the context, and the stack. */
#include "harness.h"

/* Load @insn (from r2, the frame) with the frame starting with @bytes; all 64 bits of r6. */
static uint64_t load_value(struct bpf_insn insn, uint64_t bytes)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(24, 4), MOV_K(6, -1), insn, STX(BPF_DW, 2, 8, 6), MOV_K(0, 1), EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct frame f;
	uint64_t value;

	frame_init(&f);
	memcpy(f.xdp.data, &bytes, 8);
	assert_int_equal(run(prog, &f).retval, 1);
	memcpy(&value, f.xdp.data + 8, 8);
	bpfe_program_put(prog);
	return value;
}

static void test_loads(void **state)
{
	const uint64_t bytes = 0x8877665584838281ull;

	assert_true(load_value(LDX(BPF_B, 6, 2, 0), bytes) == 0x81);
	assert_true(load_value(LDX(BPF_H, 6, 2, 0), bytes) == 0x8281);
	assert_true(load_value(LDX(BPF_W, 6, 2, 0), bytes) == 0x84838281);
	assert_true(load_value(LDX(BPF_DW, 6, 2, 0), bytes) == bytes);
	assert_true(load_value(LDX(BPF_B, 6, 2, 7), bytes) == 0x88);
	assert_true(load_value(LDX(BPF_W, 6, 2, 1), bytes) == 0x55848382);
	assert_true(load_value(LDSX(BPF_B, 6, 2, 0), bytes) == 0xffffffffffffff81);
	assert_true(load_value(LDSX(BPF_H, 6, 2, 0), bytes) == 0xffffffffffff8281);
	assert_true(load_value(LDSX(BPF_W, 6, 2, 0), bytes) == 0xffffffff84838281);
	assert_true(load_value(LDSX(BPF_B, 6, 2, 4), bytes) == 0x55);
	assert_true(load_value(LDSX(BPF_H, 6, 2, 4), bytes) == 0x6655);
	assert_true(load_value(LDSX(BPF_W, 6, 2, 3), bytes) == 0x77665584);
}

/* The frame's first 8 bytes, all ones, after @insn stored to it. */
static uint64_t store_value(struct bpf_insn insn)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(8, 4), LD64(6, 0x1122334455667788), insn, MOV_K(0, 1), EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct frame f;
	uint64_t value;

	frame_init(&f);
	memset(f.xdp.data, 0xff, 8);
	assert_int_equal(run(prog, &f).retval, 1);
	memcpy(&value, f.xdp.data, 8);
	bpfe_program_put(prog);
	return value;
}

static void test_stores(void **state)
{
	assert_true(store_value(STX(BPF_B, 2, 0, 6)) == 0xffffffffffffff88);
	assert_true(store_value(STX(BPF_H, 2, 0, 6)) == 0xffffffffffff7788);
	assert_true(store_value(STX(BPF_W, 2, 0, 6)) == 0xffffffff55667788);
	assert_true(store_value(STX(BPF_DW, 2, 0, 6)) == 0x1122334455667788);
	assert_true(store_value(STX(BPF_W, 2, 3, 6)) == 0xff55667788ffffff);
	assert_true(store_value(ST(BPF_B, 2, 7, 0x1234)) == 0x34ffffffffffffff);
	assert_true(store_value(ST(BPF_H, 2, 0, 0x12345)) == 0xffffffffffff2345);
	assert_true(store_value(ST(BPF_W, 2, 0, -2)) == 0xfffffffffffffffe);
	assert_true(store_value(ST(BPF_DW, 2, 0, -2)) == 0xfffffffffffffffe);
	assert_true(store_value(ST(BPF_DW, 2, 0, 2)) == 2);
}

struct atomic_row {
	uint8_t size;
	int32_t op;
	uint64_t memory, r0, r6;                   /* before */
	uint64_t memory_after, r0_after, r6_after; /* after */
};

/* clang-format off */
#define M 0x1111111122222222ull
#define S 0x3333333344444444ull
static const struct atomic_row atomics[] = {
	{BPF_DW, BPF_ADD, M, 9, S, 0x4444444466666666, 9, S},
	{BPF_DW, BPF_OR, M, 9, S, 0x3333333366666666, 9, S},
	{BPF_DW, BPF_AND, M, 9, S, 0x1111111100000000, 9, S},
	{BPF_DW, BPF_XOR, M, 9, S, 0x2222222266666666, 9, S},
	{BPF_W, BPF_ADD, M, 9, S, 0x1111111166666666, 9, S},
	{BPF_W, BPF_ADD, 0x11111111ffffffff, 9, 1, 0x1111111100000000, 9, 1},
	{BPF_W, BPF_OR, M, 9, S, 0x1111111166666666, 9, S},
	{BPF_W, BPF_AND, M, 9, S, 0x1111111100000000, 9, S},
	{BPF_W, BPF_XOR, M, 9, S, 0x1111111166666666, 9, S},
	{BPF_DW, BPF_ADD | BPF_FETCH, M, 9, S, 0x4444444466666666, 9, M},
	{BPF_DW, BPF_OR | BPF_FETCH, M, 9, S, 0x3333333366666666, 9, M},
	{BPF_DW, BPF_AND | BPF_FETCH, M, 9, S, 0x1111111100000000, 9, M},
	{BPF_DW, BPF_XOR | BPF_FETCH, M, 9, S, 0x2222222266666666, 9, M},
	{BPF_W, BPF_ADD | BPF_FETCH, M, 9, S, 0x1111111166666666, 9, 0x22222222},
	{BPF_W, BPF_OR | BPF_FETCH, M, 9, S, 0x1111111166666666, 9, 0x22222222},
	{BPF_W, BPF_AND | BPF_FETCH, M, 9, S, 0x1111111100000000, 9, 0x22222222},
	{BPF_W, BPF_XOR | BPF_FETCH, M, 9, S, 0x1111111166666666, 9, 0x22222222},
	{BPF_DW, BPF_XCHG, M, 9, S, S, 9, M},
	{BPF_W, BPF_XCHG, M, 9, S, 0x1111111144444444, 9, 0x22222222},
	{BPF_DW, BPF_CMPXCHG, M, M, S, S, M, S},
	{BPF_DW, BPF_CMPXCHG, M, M + 1, S, M, M, S},
	{BPF_W, BPF_CMPXCHG, M, 0xffffffff22222222, S, 0x1111111144444444, 0x22222222, S},
	{BPF_W, BPF_CMPXCHG, M, 0xffffffff22222223, S, M, 0x22222222, S},
};
#undef M
#undef S
/* clang-format on */

/* Operands at 0, 8, 16 of a map value; the cell worked on is the first; results at the same. */
static void run_atomic(size_t i, uint32_t flags)
{
	const struct atomic_row *row = &atomics[i];
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 6),
		MOV_X(7, 0),
		LDX(BPF_DW, 0, 7, 8),
		LDX(BPF_DW, 6, 7, 16),
		ATOMIC(row->size, row->op, 7, 0, 6),
		STX(BPF_DW, 7, 8, 0),
		STX(BPF_DW, 7, 16, 6),
		MOV_K(0, 1),
		EXIT(),
	};
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_ARRAY, 4, 24, 1, NULL);
	struct bpfe_program *prog = LOAD(insns, map, flags);
	uint64_t cells[3] = {row->memory, row->r0, row->r6};
	const uint32_t key = 0;

	assert_int_equal(bpfe_map_update(map, &key, cells, BPF_ANY), 0);
	assert_int_equal(run_value(prog), 1);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, cells), 0);
	if (cells[0] != row->memory_after || cells[1] != row->r0_after || cells[2] != row->r6_after)
		fail_msg("row %zu: %#llx %#llx %#llx", i, (unsigned long long)cells[0],
			 (unsigned long long)cells[1], (unsigned long long)cells[2]);
	bpfe_program_put(prog);
	bpfe_map_put(map);
}

static void test_atomics(void **state)
{
	for (size_t i = 0; i < COUNT(atomics); i++) {
		run_atomic(i, 0);
		run_atomic(i, BPFE_LOAD_CHECKED);
	}
}

/* r0 = the field at @offset, shown whole by storing 64 bits of it. */
static uint64_t context_value(int16_t offset, uint32_t flags)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_W, 6, 1, offset),
		NEED_PACKET(8, 2),
		STX(BPF_DW, 2, 0, 6),
		MOV_K(0, 1),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, flags);
	struct frame f;
	uint64_t value;

	frame_init(&f);
	assert_int_equal(run(prog, &f).retval, 1);
	memcpy(&value, f.xdp.data, 8);
	bpfe_program_put(prog);
	return value;
}

static void test_context_scalars(void **state)
{
	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		assert_true(context_value(offsetof(struct xdp_md, ingress_ifindex), flags) ==
			    0x80000011);
		assert_true(context_value(offsetof(struct xdp_md, rx_queue_index), flags) ==
			    0x80000022);
	}
}

static void test_context_pointers(void **state)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 0),
		LDX(BPF_W, 3, 1, 4),
		LDX(BPF_W, 5, 1, 8),
		MOV_K(0, 0),
		MOV_X(4, 5),
		ALU64_K(BPF_ADD, 4, 4),
		JMP_X(BPF_JGT, 4, 2, 7),
		LDX(BPF_W, 6, 5, 0),
		MOV_X(4, 2),
		ALU64_K(BPF_ADD, 4, 4),
		JMP_X(BPF_JGT, 4, 3, 3),
		LDX(BPF_W, 7, 2, 0),
		ALU64_X(BPF_ADD, 6, 7),
		MOV_X(0, 6),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct frame f;

	frame_init(&f);
	f.xdp.data_meta -= 4;
	memcpy(f.xdp.data_meta, &(uint32_t){1000}, 4);
	memcpy(f.xdp.data, &(uint32_t){77}, 4);
	assert_int_equal(run(prog, &f).retval, 1077);
	f.xdp.data_meta += 4;
	assert_int_equal(run(prog, &f).retval, 0);
	bpfe_program_put(prog);
}

/* A frame smaller than the program wants: data_end is where the frame ends. */
static void test_short_frame(void **state)
{
	const struct bpf_insn insns[] = {NEED_PACKET(20, 1), MOV_K(0, 1), EXIT()};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct frame f;

	frame_init(&f);
	f.xdp.data_end = f.xdp.data + 19;
	assert_int_equal(run(prog, &f).retval, 0);
	f.xdp.data_end = f.xdp.data + 20;
	assert_int_equal(run(prog, &f).retval, 1);
	bpfe_program_put(prog);
}

/* Only the low half of r0 leaves. */
static void test_retval_is_32_bits(void **state)
{
	const struct bpf_insn insns[] = {LD64(0, 0x1234567800000002), EXIT()};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);

	assert_int_equal(run_value(prog), 2);
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_stores),
		cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_context_scalars),
		cmocka_unit_test(test_context_pointers),
		cmocka_unit_test(test_short_frame),
		cmocka_unit_test(test_retval_is_32_bits),
	};

	return cmocka_run_group_tests_name("memory", tests, group_setup, group_teardown);
}
