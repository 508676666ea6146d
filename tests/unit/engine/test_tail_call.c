/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Tail calls: the limit of 33 counted over the whole run, from functions too; which frame is
 * replaced; slots that are empty; programs that must not run; the budget of the first program.
 */
#include "harness.h"
#include "interp/interp.h"

#define ENTRIES 4

static struct bpfe_map *programs;

static int map_setup(void **state)
{
	programs = map_new(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, ENTRIES, NULL);
	return group_setup(state);
}

static int map_teardown(void **state)
{
	bpfe_map_put(programs);
	bpfe_rcu_barrier();
	return group_teardown(state);
}

static struct bpfe_program *load_flags(const struct bpf_insn *insns, size_t n, uint32_t flags,
				       uint32_t budget)
{
	const struct bpfe_map_binding binding = {.id = 7, .map = programs};
	struct load l;

	load_init(&l, insns, n);
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	l.attr.flags |= flags;
	l.attr.budget = budget;
	return load_ok(&l);
}

/* Put @insns at @index; the map keeps it. */
static void put(uint32_t index, const struct bpf_insn *insns, size_t n)
{
	struct bpfe_program *prog = load_flags(insns, n, 0, 0);

	assert_int_equal(bpfe_map_set_program(programs, index, prog, 1), 0);
	bpfe_program_put(prog);
}

static void clear(void)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		bpfe_map_set_program(programs, i, NULL, 0);
}

/* Run over a frame; checked or not comes to the same. */
static struct bpfe_result run_both(const struct bpf_insn *insns, size_t n, uint32_t budget,
				   struct frame *f)
{
	/* A prog array holds programs of one engine. */
	const uint32_t last = test_engine() == BPFE_ENGINE_INTERP ? BPFE_LOAD_CHECKED : 0;
	struct bpfe_result results[2];

	for (uint32_t flags = 0; flags <= last; flags++) {
		struct bpfe_program *prog = load_flags(insns, n, flags, budget);

		frame_init(f);
		results[flags] = run(prog, f);
		bpfe_program_put(prog);
	}
	if (last == 0)
		return results[0];
	assert_int_equal(results[0].abort, results[1].abort);
	assert_int_equal(results[0].r0, results[1].r0);
	assert_int_equal(results[0].insns, results[1].insns);
	if (results[0].abort != BPFE_ABORT_NONE)
		assert_abort_at(&results[0], results[1].abort_insn);
	return results[0];
}
#define RUN(insns, budget, f) run_both(insns, COUNT(insns), budget, f)

/* The context is in @ctx; four slots. */
#define TAIL_CALL(ctx, index) \
	MOV_X(1, ctx), LD_MAP_IDX(2, 0), MOV_K(3, index), CALL(BPF_FUNC_tail_call)

/* One more in the first byte of the frame; the context in r6. Nine slots. */
#define COUNT_RUN                                                                     \
	MOV_X(6, 1), LDX(BPF_W, 2, 1, 0), LDX(BPF_W, 3, 1, 4), MOV_X(4, 2),           \
		ALU64_K(BPF_ADD, 4, 1), JMP_X(BPF_JGT, 4, 3, 3), LDX(BPF_B, 5, 2, 0), \
		ALU64_K(BPF_ADD, 5, 1), STX(BPF_B, 2, 0, 5)

static const struct bpf_insn returns_5[] = {MOV_K(0, 5), EXIT()};

static void test_replaces(void **state)
{
	const struct bpf_insn insns[] = {MOV_X(6, 1), TAIL_CALL(6, 2), MOV_K(0, 1), EXIT()};
	struct bpfe_result result;
	struct frame f;

	put(2, returns_5, COUNT(returns_5));
	result = RUN(insns, 0, &f);
	assert_int_equal(result.retval, 5);
	assert_int_equal(result.insns, 7);
	clear();
	result = RUN(insns, 0, &f);
	assert_int_equal(result.retval, 1);
	assert_int_equal(result.insns, 7);
}

static void test_falls_through(void **state)
{
	const struct bpf_insn beyond[] = {MOV_X(6, 1), TAIL_CALL(6, ENTRIES), MOV_K(0, 1), EXIT()};
	/* The index counts with 32 bits. */
	const struct bpf_insn wide[] = {MOV_X(1, 1),           LD_MAP_IDX(2, 0),
					LD64(3, 0xff00000001), CALL(BPF_FUNC_tail_call),
					MOV_K(0, 1),           EXIT()};
	struct frame f;

	put(1, returns_5, COUNT(returns_5));
	assert_int_equal(RUN(beyond, 0, &f).retval, 1);
	assert_int_equal(RUN(wide, 0, &f).retval, 5);
	clear();
}

/* A program that calls itself runs once and then 33 times. */
static void test_limit(void **state)
{
	const struct bpf_insn insns[] = {COUNT_RUN, TAIL_CALL(6, 0), MOV_K(0, 7), EXIT()};
	struct bpfe_result result;
	struct frame f;

	put(0, insns, COUNT(insns));
	result = RUN(insns, 0, &f);
	assert_int_equal(result.retval, 7);
	assert_int_equal(f.xdp.data[0], 34);
	assert_int_equal(result.insns, 34 * 13 + 2);
	clear();
}

/* The count is kept where the call is in a function, and each frame left behind goes on. */
static void test_limit_from_function(void **state)
{
	const struct bpf_insn insns[] = {
		COUNT_RUN,
		/* 9: */ MOV_X(1, 6),
		ST(BPF_DW, 10, -200, 3),
		CALL_LOCAL(4),
		LDX(BPF_DW, 1, 10, -200),
		ALU64_X(BPF_ADD, 0, 1),
		MOV_X(6, 0),
		EXIT(),
		/* 16: */ MOV_X(6, 1),
		TAIL_CALL(6, 0),
		MOV_K(0, 1),
		EXIT(),
	};
	struct frame f;
	struct bpfe_result result;

	put(0, insns, COUNT(insns));
	result = RUN(insns, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(f.xdp.data[0], 34);
	/* 1 at the end of the chain, 3 from each of 34 frames. */
	assert_int_equal(result.retval, 1 + 34 * 3);
	clear();
}

/* As many frames as can come together, seven left behind by each tail call. */
static void test_most_frames(void **state)
{
	struct bpf_insn insns[64] = {COUNT_RUN};
	struct bpfe_result result;
	struct frame f;
	size_t n = 9;

	/* Main and six functions call the next, the last tail calls. */
	for (unsigned depth = 0; depth < BPFE_MAX_FRAMES - 1; depth++) {
		insns[n++] = MOV_X(1, 6);
		insns[n++] = CALL_LOCAL(2);
		insns[n++] = ALU64_K(BPF_ADD, 0, 1);
		insns[n++] = EXIT();
		insns[n++] = MOV_X(6, 1);
	}
	memcpy(&insns[n], (struct bpf_insn[]){TAIL_CALL(6, 0), MOV_K(0, 0), EXIT()},
	       7 * sizeof(insns[0]));
	n += 7;
	put(0, insns, n);
	result = run_both(insns, n, 0, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(f.xdp.data[0], 34);
	assert_int_equal(result.retval, 34 * (BPFE_MAX_FRAMES - 1));
	clear();
}

/* The caller of the function whose frame is replaced goes on with its own registers and maps. */
static void test_returns_to_caller(void **state)
{
	const struct bpf_insn target[] = {MOV_K(6, 0), MOV_K(7, 0), ST(BPF_DW, 10, -8, 0),
					  MOV_K(0, 40), EXIT()};
	const struct bpf_insn insns[] = {
		ST(BPF_DW, 10, -8, 300),
		MOV_K(7, 1000),
		CALL_LOCAL(4),
		ALU64_X(BPF_ADD, 0, 7),
		LDX(BPF_DW, 1, 10, -8),
		ALU64_X(BPF_ADD, 0, 1),
		EXIT(),
		/* 7: */ MOV_X(6, 1),
		MOV_K(7, 5),
		TAIL_CALL(6, 3),
		MOV_K(0, 0),
		EXIT(),
	};
	struct frame f;

	put(3, target, COUNT(target));
	assert_int_equal(RUN(insns, 0, &f).retval, 1340);
	clear();
	assert_int_equal(RUN(insns, 0, &f).retval, 1300);
}

/* What the program behind the tail call executes counts, and a fault in it is found there. */
static void test_budget(void **state)
{
	const struct bpf_insn target[] = {MOV_K(0, 1), MOV_K(0, 2), MOV_K(0, 3), EXIT()};
	const struct bpf_insn insns[] = {MOV_X(6, 1), TAIL_CALL(6, 0), MOV_K(0, 9), EXIT()};
	struct bpfe_result result;
	struct frame f;

	put(0, target, COUNT(target));
	for (uint32_t budget = 1; budget < 9; budget++) {
		result = RUN(insns, budget, &f);
		assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
		assert_int_equal(result.insns, budget);
		assert_abort_at(&result, budget < 5 ? budget + (budget > 2) : budget - 5);
	}
	result = RUN(insns, 9, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.retval, 3);
	assert_int_equal(result.insns, 9);
	clear();
}

/* A long program behind a short one must not run past the budget of the run. */
static void test_longer_target(void **state)
{
	const struct bpf_insn insns[] = {MOV_X(6, 1), TAIL_CALL(6, 0), MOV_K(0, 9), EXIT()};
	struct bpf_insn target[400];
	struct bpfe_result result;
	struct frame f;

	for (size_t i = 0; i < COUNT(target); i++)
		target[i] = i + 1 < COUNT(target) ? MOV_K(0, 1) : EXIT();
	put(0, target, COUNT(target));
	result = RUN(insns, 100, &f);
	assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
	assert_int_equal(result.insns, 100);
	assert_abort_at(&result, 95);
	result = RUN(insns, 405, &f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.insns, 405);
	clear();
}

/* A program loaded to be checked is, whoever calls it; compiled ones cannot. */
static void test_checked_target(void **state)
{
	const struct bpf_insn insns[] = {MOV_X(6, 1), TAIL_CALL(6, 0), MOV_K(0, 9), EXIT()};
	struct bpfe_program *target = load_flags(returns_5, COUNT(returns_5), BPFE_LOAD_CHECKED, 0);
	struct frame f;

	if (test_engine() != BPFE_ENGINE_INTERP) {
		assert_int_equal(bpfe_map_set_program(programs, 0, target, 1), -EINVAL);
		bpfe_program_put(target);
		return;
	}
	assert_int_equal(bpfe_map_set_program(programs, 0, target, 1), 0);
	assert_int_equal(RUN(insns, 0, &f).retval, 5);
	/* What the verifier never lets through: the target jumps to a wild address. */
	target->code[0].op = BPFE_OP_LDX64;
	target->code[0].src = BPF_REG_0;
	assert_int_equal(RUN(insns, 0, &f).abort, BPFE_ABORT_MEMORY);
	clear();
	bpfe_program_put(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaces),       cmocka_unit_test(test_falls_through),
		cmocka_unit_test(test_limit),          cmocka_unit_test(test_limit_from_function),
		cmocka_unit_test(test_most_frames),    cmocka_unit_test(test_returns_to_caller),
		cmocka_unit_test(test_budget),         cmocka_unit_test(test_longer_target),
		cmocka_unit_test(test_checked_target),
	};

	return cmocka_run_group_tests_name("tail_call", tests, map_setup, map_teardown);
}
