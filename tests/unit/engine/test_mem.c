/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Programs over plain memory (BPFE_PROG_MEM), verified and not. */
#include "harness.h"

static struct bpfe_program *load_mem(const struct bpf_insn *insns, size_t n, uint32_t size,
				     uint32_t flags)
{
	struct load l;

	load_init(&l, insns, n);
	l.attr.type = BPFE_PROG_MEM;
	l.attr.mem_size = size;
	l.attr.flags |= flags;
	l.attr.budget = 1000;
	return load_ok(&l);
}

static struct bpfe_result run_mem(const struct bpfe_program *prog, void *mem, size_t size)
{
	struct bpfe_result result;

	bpfe_rcu_read_lock();
	result = bpfe_run_mem(prog, mem, size);
	bpfe_rcu_read_unlock();
	return result;
}

static void test_verified(void **state)
{
	/* Sums the bytes, as many as r2 says, and leaves the sum in the last eight. */
	const struct bpf_insn insns[] = {
		MOV_K(0, 0),
		JMP_K(BPF_JNE, 2, 16, 6),
		LDX(BPF_B, 3, 1, 0),
		ALU64_X(BPF_ADD, 0, 3),
		LDX(BPF_B, 3, 1, 15),
		ALU64_X(BPF_ADD, 0, 3),
		STX(BPF_DW, 1, 8, 0),
		EXIT(),
		EXIT(),
	};
	uint32_t flags[] = {0, BPFE_LOAD_CHECKED, BPFE_LOAD_CHECKED | BPFE_LOAD_UNVERIFIED};

	for (size_t i = 0; i < COUNT(flags); i++) {
		struct bpfe_program *prog = load_mem(insns, COUNT(insns), 16, flags[i]);
		_Alignas(8) uint8_t mem[16] = {200, [15] = 100};
		struct bpfe_result result;
		struct frame f;

		result = run_mem(prog, mem, sizeof(mem));
		assert_int_equal(result.abort, BPFE_ABORT_NONE);
		assert_int_equal(result.r0, 300);
		assert_int_equal(mem[8], 44);
		assert_int_equal(mem[9], 1);
		/* With other memory, or over a frame, it does not run. */
		assert_int_equal(run_mem(prog, mem, 8).abort, BPFE_ABORT_TRAP);
		frame_init(&f);
		assert_int_equal(run(prog, &f).abort, BPFE_ABORT_TRAP);
		bpfe_program_put(prog);
	}
}

static void test_not_xdp(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 0), EXIT()};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);

	assert_int_equal(run_mem(prog, NULL, 0).abort, BPFE_ABORT_TRAP);
	bpfe_program_put(prog);
}

static void test_bounds_proven(void **state)
{
	const struct bpf_insn insns[] = {LDX(BPF_W, 0, 1, 13), EXIT()};
	struct bpfe_program *prog = NULL;
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.type = BPFE_PROG_MEM;
	l.attr.mem_size = 16;
	assert_int_equal(bpfe_program_load(&l.attr, &prog, &l.log), -EACCES);
	assert_int_equal(l.log.reason, BPFE_BAD_MEMORY);
}

/* What the verifier would refuse runs, within the stack and the memory. */
static enum bpfe_abort unverified(const struct bpf_insn *insns, size_t n, uint64_t *r0)
{
	struct bpfe_program *prog =
		load_mem(insns, n, 16, BPFE_LOAD_CHECKED | BPFE_LOAD_UNVERIFIED);
	_Alignas(8) uint8_t mem[16] = {1, 2, 3, 4};
	struct bpfe_result result = run_mem(prog, mem, sizeof(mem));

	*r0 = result.r0;
	bpfe_program_put(prog);
	return result.abort;
}
#define UNVERIFIED(r0, ...) \
	unverified((struct bpf_insn[]){__VA_ARGS__}, COUNT(((struct bpf_insn[]){__VA_ARGS__})), r0)

static void test_unverified(void **state)
{
	uint64_t r0;

	/* RFC 9669 gives meanings to what Linux refuses. */
	assert_int_equal(UNVERIFIED(&r0, MOV_K(0, 1), ALU64_K(BPF_LSH, 0, 65), EXIT()),
			 BPFE_ABORT_NONE);
	assert_int_equal(r0, 2);
	assert_int_equal(UNVERIFIED(&r0, MOV_K(0, 7), ALU64_K(BPF_DIV, 0, 0), EXIT()),
			 BPFE_ABORT_NONE);
	assert_int_equal(r0, 0);
	assert_int_equal(UNVERIFIED(&r0, MOV_K(0, 7), ALU64_K(BPF_MOD, 0, 0), EXIT()),
			 BPFE_ABORT_NONE);
	assert_int_equal(r0, 7);
	/* The stack is 512 bytes, and zero. */
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_DW, 0, 10, -512), EXIT()), BPFE_ABORT_NONE);
	assert_int_equal(r0, 0);
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_B, 0, 10, -513), EXIT()), BPFE_ABORT_MEMORY);
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_B, 0, 10, 0), EXIT()), BPFE_ABORT_MEMORY);
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_DW, 0, 1, 8), EXIT()), BPFE_ABORT_NONE);
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_DW, 0, 1, 9), EXIT()), BPFE_ABORT_MEMORY);
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_DW, 0, 1, -1), EXIT()), BPFE_ABORT_MEMORY);
	assert_int_equal(UNVERIFIED(&r0, LDX(BPF_DW, 0, 3, 0), EXIT()), BPFE_ABORT_MEMORY);
	/* Legacy packet access finds the memory. */
	assert_int_equal(UNVERIFIED(&r0, LD_ABS(BPF_H, 1), EXIT()), BPFE_ABORT_NONE);
	assert_int_equal(r0, 0x0203);
	/* Loops end with the budget, calls with the frames, wild functions at once. */
	assert_int_equal(UNVERIFIED(&r0, JA(-1), EXIT()), BPFE_ABORT_BUDGET);
	assert_int_equal(UNVERIFIED(&r0, CALL_LOCAL(1), EXIT(), CALL_LOCAL(-1), EXIT()),
			 BPFE_ABORT_TRAP);
	assert_int_equal(UNVERIFIED(&r0, MOV_K(1, 1), CALLX(1), EXIT()), BPFE_ABORT_TRAP);
	assert_int_equal(UNVERIFIED(&r0, LD64(1, UINT64_MAX), CALLX(1), EXIT()), BPFE_ABORT_TRAP);
	assert_int_equal(UNVERIFIED(&r0, LD_FUNC(3, 3), CALLX(3), EXIT(), MOV_K(0, 5), EXIT()),
			 BPFE_ABORT_NONE);
	assert_int_equal(r0, 5);
	/* There is no context to pass; helpers that do not exist, or not for it, are traps. */
	assert_int_equal(UNVERIFIED(&r0, CALL(BPF_FUNC_fib_lookup), EXIT()), BPFE_ABORT_MEMORY);
	assert_int_equal(UNVERIFIED(&r0, CALL(BPF_FUNC_xdp_adjust_head), EXIT()), BPFE_ABORT_TRAP);
	assert_int_equal(UNVERIFIED(&r0, CALL(1000), EXIT()), BPFE_ABORT_TRAP);
	/* So is what writes r10. */
	assert_int_equal(UNVERIFIED(&r0, MOV_K(10, 1), EXIT()), BPFE_ABORT_TRAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verified),
		cmocka_unit_test(test_not_xdp),
		cmocka_unit_test(test_bounds_proven),
		cmocka_unit_test(test_unverified),
	};

	return cmocka_run_group_tests_name("mem", tests, group_setup, group_teardown);
}
