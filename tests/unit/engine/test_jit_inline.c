/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/inline_frame.c, inline_csum.c, inline_run.c: helpers that are compiled in place. */
#include "both_engines.h"

#define BOTH(program, how, ...) \
	both(&(struct both){.insns = (program), .n = COUNT(program), .calls = (how), ##__VA_ARGS__})

/* ---- The run -------------------------------------------------------------------------------- */

static void test_facts(void **state)
{
	const struct bpf_insn time[] = {CALL(BPF_FUNC_ktime_get_ns), EXIT()};
	const struct bpf_insn tai[] = {CALL(BPF_FUNC_ktime_get_tai_ns), EXIT()};
	const struct bpf_insn cpu[] = {CALL(BPF_FUNC_get_smp_processor_id), EXIT()};
	const struct bpf_insn node[] = {CALL(BPF_FUNC_get_numa_node_id), EXIT()};
	const struct bpf_insn len[] = {CALL(BPF_FUNC_xdp_get_buff_len), EXIT()};

	assert_int_equal(BOTH(time, CALLS_NOTHING), 0x123456789abcdef0);
	assert_int_equal(BOTH(tai, CALLS_NOTHING), 0x123456789abcdef0);
	assert_int_equal(BOTH(cpu, CALLS_NOTHING), 0x80000022);
	assert_int_equal(BOTH(node, CALLS_NOTHING), 0);
	assert_int_equal(BOTH(len, CALLS_NOTHING), 256);
}

/* Programs over plain memory have no clock. */
static void test_time_over_memory(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 1), CALL(BPF_FUNC_ktime_get_ns), EXIT()};
	const enum bpfe_engine engines[] = {BPFE_ENGINE_INTERP, BPFE_ENGINE_JIT};
	uint64_t memory = 0;

	for (size_t i = 0; i < COUNT(engines); i++) {
		struct bpfe_program *prog;
		struct load l;

		load_init(&l, insns, COUNT(insns));
		l.attr.type = BPFE_PROG_MEM;
		l.attr.mem_size = sizeof(memory);
		l.attr.engine = (uint8_t)engines[i];
		prog = load_ok(&l);
		bpfe_rcu_read_lock();
		assert_int_equal(bpfe_run_mem(prog, &memory, sizeof(memory)).r0, 0);
		bpfe_rcu_read_unlock();
		bpfe_program_put(prog);
	}
}

static void test_redirect(void **state)
{
	const struct bpf_insn plain[] = {LD64(1, 0x1234567890), MOV_K(2, 0),
					 CALL(BPF_FUNC_redirect), EXIT()};
	const struct bpf_insn flags[] = {MOV_K(1, 5), MOV_K(2, 1), CALL(BPF_FUNC_redirect), EXIT()};
	const struct bpf_insn twice[] = {MOV_K(1, 5), MOV_K(2, 0), CALL(BPF_FUNC_redirect),
					 MOV_K(1, 6), MOV_K(2, 0), CALL(BPF_FUNC_redirect),
					 EXIT()};
	const struct bpf_insn unknown[] = {LDX(BPF_W, 2, 1, 12), MOV_K(1, 5),
					   CALL(BPF_FUNC_redirect), EXIT()};

	assert_int_equal(BOTH(plain, CALLS_NOTHING), XDP_REDIRECT);
	assert_int_equal(BOTH(twice, CALLS_NOTHING), XDP_REDIRECT);
	assert_int_equal(BOTH(flags, CALLS_HELPER), XDP_ABORTED);
	assert_int_equal(BOTH(unknown, CALLS_HELPER), XDP_ABORTED);
}

/* ---- The frame's head ----------------------------------------------------------------------- */

struct borders {
	uint32_t headroom, meta, len;
};

static void set_borders(struct frame *f, const void *opaque)
{
	const struct borders *borders = opaque;

	f->xdp.data = f->memory + borders->headroom;
	f->xdp.data_meta = f->xdp.data - borders->meta;
	f->xdp.data_end = f->xdp.data + borders->len;
	for (uint32_t i = 0; i < borders->meta + borders->len; i++)
		f->xdp.data_meta[i] = (uint8_t)(i * 7 + 1);
}

static void test_adjust_head(void **state)
{
	static const int32_t deltas[] = {-65, -64, -63, -20, -14, -9, -8, -7, -5, -4, -3,    -2,
					 -1,  0,   1,   2,   8,   20, 50, 51, 86, 87, 65535, 65536};
	static const struct borders borders[] = {
		{256, 0, 100}, {256, 4, 100}, {256, 32, 100}, {20, 0, 64}, {20, 12, 64},
		{8, 0, 64},    {0, 0, 64},    {63, 0, 15},    {64, 0, 14}, {65, 0, 13},
	};

	for (size_t d = 0; d < COUNT(deltas); d++) {
		const struct bpf_insn insns[] = {MOV_K(2, deltas[d]),
						 CALL(BPF_FUNC_xdp_adjust_head), EXIT()};
		for (size_t i = 0; i < COUNT(borders); i++) {
			const struct borders *at = &borders[i];
			bool fits = deltas[d] >= -(int64_t)(at->headroom - at->meta) &&
				    deltas[d] <= (int64_t)at->len - 14;
			uint64_t r0 = BOTH(insns, CALLS_SLOW, .frame = set_borders, .opaque = at);

			assert_int_equal((int64_t)r0, fits ? 0 : -EINVAL);
		}
	}
}

/* What the program reads afterwards is the frame as it is then. */
static void test_adjust_head_and_read(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_W, 7, 6, 0), /* data before */
		MOV_X(1, 6),
		MOV_K(2, -20),
		CALL(BPF_FUNC_xdp_adjust_head),
		JMP_K(BPF_JNE, 0, 0, 12),
		LDX(BPF_W, 2, 6, 0),
		LDX(BPF_W, 3, 6, 4),
		MOV_X(4, 2),
		ALU64_K(BPF_ADD, 4, 40),
		JMP_X(BPF_JGT, 4, 3, 7),
		LDX(BPF_B, 0, 2, 0),
		LDX(BPF_B, 5, 2, 19),
		ALU64_X(BPF_OR, 0, 5),
		ALU64_K(BPF_LSH, 0, 8),
		LDX(BPF_B, 5, 2, 20),
		ALU64_X(BPF_OR, 0, 5),
		EXIT(),
		MOV_K(0, -1),
		EXIT(),
	};
	struct borders borders = {256, 0, 100};

	assert_int_equal(BOTH(insns, CALLS_SLOW, .frame = set_borders, .opaque = &borders), 1);
	borders.headroom = 19;
	assert_int_equal(BOTH(insns, CALLS_SLOW, .frame = set_borders, .opaque = &borders),
			 UINT64_MAX);
}

/* ---- The frame's bytes ---------------------------------------------------------------------- */

/* 64 bytes of stack are loaded into at r10 - 64, then put together in r0. */
#define MIX_STACK(size)                                                                      \
	MOV_K(3, 0), MOV_X(4, 10), ALU64_K(BPF_ADD, 4, -64), MOV_K(5, size), /* r3: where */ \
		LDX(BPF_B, 2, 4, 0), ALU64_K(BPF_MUL, 0, 31), ALU64_X(BPF_ADD, 0, 2),        \
		ALU64_K(BPF_ADD, 4, 1), ALU64_K(BPF_ADD, 3, 1), JMP_X(BPF_JLT, 3, 5, -6), EXIT()

static void test_load_bytes(void **state)
{
	static const struct borders borders = {256, 0, 100};

	for (int32_t size = 1; size <= 40; size++) {
		static const int32_t offsets[] = {0,  1,   59,  60,    67,    68,
						  99, 100, 101, 65535, 65536, -1};

		for (size_t i = 0; i < COUNT(offsets); i++) {
			const struct bpf_insn insns[] = {
				MOV_K(2, offsets[i]),          MOV_X(3, 10),
				ALU64_K(BPF_ADD, 3, -64),      MOV_K(4, size),
				CALL(BPF_FUNC_xdp_load_bytes), MIX_STACK(size),
			};

			BOTH(insns, size <= 32 ? CALLS_SLOW : CALLS_HELPER, .frame = set_borders,
			     .opaque = &borders);
		}
	}
}

/* The offset is the first byte of the frame; the result what was loaded. */
static void test_load_bytes_anywhere(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(14, 9),
		LDX(BPF_B, 2, 2, 0),
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -8),
		MOV_K(4, 2),
		CALL(BPF_FUNC_xdp_load_bytes),
		JMP_K(BPF_JNE, 0, 0, 2),
		LDX(BPF_H, 0, 10, -8),
		EXIT(),
		ALU64_K(BPF_ADD, 0, 1000),
		EXIT(),
	};
	const uint32_t lens[] = {14, 20, 100, 200};

	for (size_t i = 0; i < COUNT(lens); i++) {
		struct borders borders = {300, 0, lens[i]};
		uint64_t r0 = BOTH(insns, CALLS_SLOW, .frame = set_borders, .opaque = &borders);

		assert_int_equal(r0, 8 | 15 << 8); /* at offset 1 */
	}
}

static void test_store_bytes(void **state)
{
	static const struct borders borders = {256, 0, 100};

	for (int32_t size = 1; size <= 40; size++) {
		static const int32_t offsets[] = {0, 1, 60, 61, 68, 98, 99, 100, 65536, -1};

		for (size_t i = 0; i < COUNT(offsets); i++) {
			const struct bpf_insn insns[] = {
				LD64(5, 0x1122334455667788),
				STX(BPF_DW, 10, -40, 5),
				LD64(5, 0x99aabbccddeeff01),
				STX(BPF_DW, 10, -32, 5),
				STX(BPF_DW, 10, -24, 5),
				STX(BPF_DW, 10, -16, 5),
				ST(BPF_DW, 10, -8, 77),
				MOV_K(2, offsets[i]),
				MOV_X(3, 10),
				ALU64_K(BPF_ADD, 3, -40),
				MOV_K(4, size),
				CALL(BPF_FUNC_xdp_store_bytes),
				EXIT(),
			};
			bool fits = offsets[i] >= 0 && offsets[i] + size <= 100;
			int64_t r0 = (int64_t)BOTH(insns, size <= 32 ? CALLS_SLOW : CALLS_HELPER,
						   .frame = set_borders, .opaque = &borders);

			assert_int_equal(r0, fits                                   ? 0
					     : offsets[i] < 0 || offsets[i] > 65535 ? -EFAULT
										    : -EINVAL);
		}
	}
}

/* ---- Checksums ------------------------------------------------------------------------------ */

static uint64_t random_state = 20240301;

static uint32_t draw(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 32);
}

/* Words where carries and the two zeros matter. */
static uint32_t draw_word(void)
{
	static const uint32_t special[] = {0, 0,      0xffffffff, 0xffffffff,
					   1, 0xffff, 0xffff0000, 0x80000000};
	uint32_t r = draw();

	return r & 1 ? special[r >> 8 & 7] : draw();
}

static void check_csum(int32_t from_size, int32_t to_size, bool zeros)
{
	struct bpf_insn insns[64];
	size_t n = 0;

	for (int16_t at = -80; at < 0; at += 4)
		insns[n++] = (struct bpf_insn)ST(BPF_W, 10, at, zeros ? 0 : (int32_t)draw_word());
	insns[n++] = (struct bpf_insn)MOV_X(1, 10);
	insns[n++] = (struct bpf_insn)ALU64_K(BPF_ADD, 1, -80);
	insns[n++] = (struct bpf_insn)MOV_K(2, from_size);
	insns[n++] = (struct bpf_insn)MOV_X(3, 10);
	insns[n++] = (struct bpf_insn)ALU64_K(BPF_ADD, 3, -72);
	insns[n++] = (struct bpf_insn)MOV_K(4, to_size);
	insns[n++] = (struct bpf_insn)MOV_K(5, zeros ? 0 : (int32_t)draw_word());
	insns[n++] = (struct bpf_insn)CALL(BPF_FUNC_csum_diff);
	insns[n++] = (struct bpf_insn)EXIT();
	both(&(struct both){.insns = insns,
			    .n = n,
			    .calls = from_size + to_size <= 64 || from_size % 4 || to_size % 4
					     ? CALLS_NOTHING
					     : CALLS_HELPER});
}

static void test_csum_diff(void **state)
{
	static const int32_t sizes[] = {0, 4, 8, 12, 20, 36, 3, 72};

	for (size_t a = 0; a < COUNT(sizes); a++) {
		for (size_t b = 0; b < COUNT(sizes); b++) {
			for (unsigned i = 0; i < 6; i++)
				check_csum(sizes[a], sizes[b], i == 0);
		}
	}
}

/* Without memory where the size is 0, and over the frame. */
static void test_csum_diff_of_frame(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(20, 6),
		MOV_K(1, 0),
		MOV_X(3, 2),
		MOV_K(2, 0),
		MOV_K(4, 20),
		MOV_K(5, 9),
		CALL(BPF_FUNC_csum_diff),
		EXIT(),
	};
	struct borders borders = {256, 0, 100};

	BOTH(insns, CALLS_NOTHING, .frame = set_borders, .opaque = &borders);
	borders.len = 20;
	BOTH(insns, CALLS_NOTHING, .frame = set_borders, .opaque = &borders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_time_over_memory),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_adjust_head),
		cmocka_unit_test(test_adjust_head_and_read),
		cmocka_unit_test(test_load_bytes),
		cmocka_unit_test(test_load_bytes_anywhere),
		cmocka_unit_test(test_store_bytes),
		cmocka_unit_test(test_csum_diff),
		cmocka_unit_test(test_csum_diff_of_frame),
	};

	return cmocka_run_group_tests_name("helpers in place", tests, group_setup, group_teardown);
}
