/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* helpers/: results, limits and what a program gets to see. */
#include <linux/if_ether.h>
#include "harness.h"

/* Call helper @id with (ctx, @delta) over @f; its result. */
static int32_t adjust(uint32_t id, int32_t delta, struct frame *f)
{
	const struct bpf_insn insns[] = {MOV_K(2, delta), CALL(id), EXIT()};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct bpfe_result result = run(prog, f);

	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	bpfe_program_put(prog);
	return (int32_t)result.retval;
}

/* Where the frame's borders are, from hard_start. */
static void assert_borders(const struct frame *f, long meta, long data, long end)
{
	assert_int_equal(f->xdp.data_meta - f->memory, meta);
	assert_int_equal(f->xdp.data - f->memory, data);
	assert_int_equal(f->xdp.data_end - f->memory, end);
}

static void assert_all(const uint8_t *bytes, uint8_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], value);
}

static void test_adjust_head_limits(void **state)
{
	static const struct {
		int32_t delta;
		int32_t result;
	} cases[] = {
		{0, 0},
		{-1, 0},
		{1, 0},
		{-256, 0},
		{-257, -EINVAL},
		{256 - ETH_HLEN, 0},
		{257 - ETH_HLEN, -EINVAL},
		{256, -EINVAL},
		{INT32_MAX, -EINVAL},
		{INT32_MIN, -EINVAL},
	};
	struct frame f;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const long data = 256 + (cases[i].result ? 0 : cases[i].delta);

		frame_init(&f);
		assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, cases[i].delta, &f),
				 cases[i].result);
		assert_borders(&f, data, data, 512);
	}
}

static void test_adjust_head_zeroes(void **state)
{
	struct frame f;

	frame_init(&f);
	f.xdp.data[0] = 0x11;
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, -20, &f), 0);
	assert_all(f.memory, 0xee, 236);
	assert_all(f.memory + 236, 0, 20);
	assert_int_equal(f.memory[256], 0x11);
}

/* Metadata moves along, and limits how far the head may go. */
static void test_adjust_head_with_metadata(void **state)
{
	struct frame f;

	frame_init(&f);
	f.xdp.data_meta -= 8;
	memcpy(f.xdp.data_meta, "metadata", 8);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, -249, &f), -EINVAL);
	assert_borders(&f, 248, 256, 512);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, -4, &f), 0);
	assert_borders(&f, 244, 252, 512);
	assert_memory_equal(f.xdp.data_meta, "metadata", 8);
	assert_all(f.xdp.data, 0, 4);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, -244, &f), 0);
	assert_borders(&f, 0, 8, 512);
	assert_memory_equal(f.xdp.data_meta, "metadata", 8);
	assert_all(f.xdp.data, 0, 244);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, 100, &f), 0);
	assert_borders(&f, 100, 108, 512);
	assert_memory_equal(f.xdp.data_meta, "metadata", 8);
}

static void test_adjust_meta(void **state)
{
	static const struct {
		int32_t delta;
		int32_t result;
	} cases[] = {
		{0, 0},
		{-4, 0},
		{-252, 0},
		{-1, -EACCES},
		{-2, -EACCES},
		{-256, -EACCES},
		{-257, -EINVAL},
		{1, -EINVAL},
		{4, -EINVAL},
		{INT32_MAX, -EINVAL},
		{INT32_MIN, -EINVAL},
	};
	struct frame f;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const long meta = 256 + (cases[i].result ? 0 : cases[i].delta);

		frame_init(&f);
		assert_int_equal(adjust(BPF_FUNC_xdp_adjust_meta, cases[i].delta, &f),
				 cases[i].result);
		assert_borders(&f, meta, 256, 512);
		assert_all(f.memory, 0xee, (size_t)meta);
		assert_all(f.xdp.data_meta, 0, (size_t)(256 - meta));
	}
	frame_init(&f);
	f.xdp.data_meta -= 8;
	memcpy(f.xdp.data_meta, "metadata", 8);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_meta, -4, &f), 0);
	assert_memory_equal(f.xdp.data_meta, "\0\0\0\0metadata", 12);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_meta, 8, &f), 0);
	assert_borders(&f, 252, 256, 512);
	assert_memory_equal(f.xdp.data_meta, "data", 4);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_meta, 8, &f), -EINVAL);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_meta, 4, &f), 0);
	assert_borders(&f, 256, 256, 512);
}

static void test_adjust_tail(void **state)
{
	static const struct {
		int32_t delta;
		int32_t result;
	} cases[] = {
		{0, 0},
		{1, 0},
		{256, 0},
		{257, -EINVAL},
		{-1, 0},
		{ETH_HLEN - 256, 0},
		{ETH_HLEN - 257, -EINVAL},
		{INT32_MAX, -EINVAL},
		{INT32_MIN, -EINVAL},
	};
	struct frame f;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const int32_t moved = cases[i].result ? 0 : cases[i].delta;

		frame_init(&f);
		assert_int_equal(adjust(BPF_FUNC_xdp_adjust_tail, cases[i].delta, &f),
				 cases[i].result);
		assert_borders(&f, 256, 256, 512 + moved);
		if (moved > 0) {
			assert_all(f.memory + 512, 0, (size_t)moved);
			assert_all(f.memory + 512 + moved, 0xee, (size_t)(256 - moved));
		} else {
			assert_all(f.memory + 512, 0xee, 256);
		}
	}
}

/* A frame that shrinks and grows again shows zeros, not what it held. */
static void test_no_stale_bytes(void **state)
{
	struct frame f;

	frame_init(&f);
	memset(f.xdp.data, 0x77, 256);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_tail, -100, &f), 0);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_tail, 100, &f), 0);
	assert_all(f.xdp.data, 0x77, 156);
	assert_all(f.xdp.data + 156, 0, 100);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, 50, &f), 0);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, -50, &f), 0);
	assert_all(f.xdp.data, 0, 50);
	assert_all(f.xdp.data + 50, 0x77, 106);
}

/* A frame shorter than an Ethernet header can only grow. */
static void test_runt(void **state)
{
	struct frame f;

	frame_init(&f);
	f.xdp.data_end = f.xdp.data + 10;
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, 0, &f), -EINVAL);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_head, -4, &f), 0);
	assert_int_equal(adjust(BPF_FUNC_xdp_adjust_tail, -1, &f), -EINVAL);
	assert_borders(&f, 252, 252, 266);
}

/* Run @insns, which leave 64 bits at the start of the frame. */
static uint64_t value_in_frame(const struct bpf_insn *insns, size_t n)
{
	struct bpfe_program *prog = load_program(insns, n, NULL, 0);
	struct frame f;
	uint64_t value;

	frame_init(&f);
	assert_int_equal(run(prog, &f).retval, 1);
	memcpy(&value, f.xdp.data, 8);
	bpfe_program_put(prog);
	return value;
}

static uint64_t helper_value(uint32_t id)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),          CALL(id),    MOV_X(7, 0), MOV_X(1, 6), NEED_PACKET(8, 2),
		STX(BPF_DW, 2, 0, 7), MOV_K(0, 1), EXIT(),
	};

	return value_in_frame(insns, COUNT(insns));
}

static void test_basic(void **state)
{
	assert_true(helper_value(BPF_FUNC_ktime_get_ns) == 0x123456789abcdef0);
	assert_true(helper_value(BPF_FUNC_get_smp_processor_id) == 0x80000022);
}

/* 32 bits, and not the same again and again: 2^-480 for 16 equal draws of a fair source. */
static void test_random(void **state)
{
	uint64_t first = helper_value(BPF_FUNC_get_prandom_u32);
	bool differs = false;

	assert_true(first <= UINT32_MAX);
	for (unsigned i = 0; i < 15; i++) {
		uint64_t value = helper_value(BPF_FUNC_get_prandom_u32);

		assert_true(value <= UINT32_MAX);
		differs |= value != first;
	}
	assert_true(differs);
}

/* update(key 5, value 50 + 1); value = lookup(5); delete(5); value | lookup(5) missing. */
static void test_map_helpers(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 5),
		ST(BPF_DW, 10, -16, 51),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -16),
		MOV_K(4, 0),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_update_elem),
		JMP_K(BPF_JNE, 0, 0, 21),
		/* 11: */ MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 15),
		/* 17: */ LDX(BPF_DW, 6, 0, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_delete_elem),
		JMP_K(BPF_JNE, 0, 0, 8),
		/* 24: */ MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JNE, 0, 0, 2),
		/* 30: */ MOV_X(0, 6),
		EXIT(),
		/* 32: */ MOV_K(0, -1),
		EXIT(),
	};
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 4, NULL);
	struct bpfe_program *prog = LOAD(insns, map, 0);

	assert_int_equal(run_value(prog), 51);
	assert_int_equal(bpfe_map_count(map), 0);
	bpfe_program_put(prog);
	bpfe_map_put(map);
}

/* Errors reach the program as negative 64-bit values. */
static void test_map_helper_errors(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 5),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_delete_elem),
		ALU64_K(BPF_ARSH, 0, 1),
		EXIT(),
	};
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 4, NULL);
	struct bpfe_program *prog = LOAD(insns, map, 0);

	assert_int_equal((int32_t)run_value(prog), -ENOENT / 2);
	bpfe_program_put(prog);
	bpfe_map_put(map);
}

static void test_table(void **state)
{
	uint64_t bitmap[4];

	bpfe_helpers_supported(bitmap);
	for (uint32_t id = 0; id < 256; id++)
		assert_int_equal(bitmap[id / 64] >> (id % 64) & 1, bpfe_helper_name(id) != NULL);
	assert_true(bitmap[0] & 1ull << BPF_FUNC_map_lookup_elem);
	assert_string_equal(bpfe_helper_name(44), "bpf_xdp_adjust_head");
	assert_null(bpfe_helper_name(0));
	assert_null(bpfe_helper_name(4));
	assert_null(bpfe_helper_name(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adjust_head_limits),
		cmocka_unit_test(test_adjust_head_zeroes),
		cmocka_unit_test(test_adjust_head_with_metadata),
		cmocka_unit_test(test_adjust_meta),
		cmocka_unit_test(test_adjust_tail),
		cmocka_unit_test(test_no_stale_bytes),
		cmocka_unit_test(test_runt),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_map_helpers),
		cmocka_unit_test(test_map_helper_errors),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("helpers", tests, group_setup, group_teardown);
}
