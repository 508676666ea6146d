/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Helpers that call back: what callbacks execute counts, what ends one ends the run, and a run that
 * is cut short lets go of what it holds. Also what helpers cost.
 */
#include "harness.h"

/* Checked or not comes to the same; the result of the latter. */
static struct bpfe_result run_budget(const struct bpf_insn *insns, size_t n, struct bpfe_map *map,
				     uint32_t budget)
{
	const struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct bpfe_result results[2];

	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		struct bpfe_program *prog;
		struct load l;
		struct frame f;

		load_init(&l, insns, n);
		l.attr.maps = &binding;
		l.attr.n_maps = map != NULL;
		l.attr.flags |= flags;
		l.attr.budget = budget;
		prog = load_ok(&l);
		frame_init(&f);
		results[flags] = run(prog, &f);
		bpfe_program_put(prog);
	}
	assert_int_equal(results[0].abort, results[1].abort);
	assert_int_equal(results[0].r0, results[1].r0);
	assert_int_equal(results[0].insns, results[1].insns);
	if (results[0].abort != BPFE_ABORT_NONE)
		assert_abort_at(&results[0], results[1].abort_insn);
	return results[0];
}
#define RUN(insns, map, budget) run_budget(insns, COUNT(insns), map, budget)

/* Adds the numbers below 10 through a function of the callback's; r6 to r9 survive. */
static const struct bpf_insn sums[] = {
	/* 0: */ MOV_K(6, 1000),
	ST(BPF_DW, 10, -8, 0),
	MOV_K(1, 10),
	/* 3: */ LD_FUNC(2, 8),
	MOV_X(3, 10),
	ALU64_K(BPF_ADD, 3, -8),
	MOV_K(4, 0),
	CALL(BPF_FUNC_loop),
	LDX(BPF_DW, 0, 10, -8),
	ALU64_X(BPF_ADD, 0, 6),
	EXIT(),
	/* 12, the callback: */ MOV_X(6, 2),
	CALL_LOCAL(6),
	LDX(BPF_DW, 1, 6, 0),
	ALU64_X(BPF_ADD, 1, 0),
	ALU64_K(BPF_AND, 1, 63),
	STX(BPF_DW, 6, 0, 1),
	MOV_K(0, 0),
	EXIT(),
	/* 20: */ MOV_X(0, 1),
	EXIT(),
};

/* The slots in the order a run executes them. */
static unsigned trace(uint32_t *slots)
{
	static const uint32_t before[] = {0, 1, 2, 3, 5, 6, 7, 8};
	static const uint32_t round[] = {12, 13, 20, 21, 14, 15, 16, 17, 18, 19};
	unsigned n = 0;

	for (unsigned i = 0; i < COUNT(before); i++)
		slots[n++] = before[i];
	for (unsigned i = 0; i < 10 * COUNT(round); i++)
		slots[n++] = round[i % COUNT(round)];
	for (uint32_t slot = 9; slot <= 11; slot++)
		slots[n++] = slot;
	return n;
}

static void test_counts(void **state)
{
	uint32_t slots[128];
	unsigned n = trace(slots);
	struct bpfe_result result = RUN(sums, NULL, 0);

	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 1045);
	assert_int_equal(result.insns, n);
	result = RUN(sums, NULL, n);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.insns, n);
}

/* Wherever the budget ends, the run does, on the spot. */
static void test_every_budget(void **state)
{
	uint32_t slots[128];
	unsigned n = trace(slots);

	for (uint32_t budget = 1; budget < n; budget++) {
		struct bpfe_result result = RUN(sums, NULL, budget);

		assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
		assert_int_equal(result.retval, XDP_ABORTED);
		assert_int_equal(result.insns, budget);
		assert_abort_at(&result, slots[budget]);
	}
}

/* A loop in a loop: 20 * 30 rounds of the inner one. */
static void test_nested(void **state)
{
	const struct bpf_insn insns[] = {
		/* 0: */ MOV_K(1, 20), LD_FUNC(2, 5), MOV_K(3, 0), MOV_K(4, 0),
		CALL(BPF_FUNC_loop),   EXIT(),
		/* 7: */ MOV_K(1, 30), LD_FUNC(2, 6), MOV_K(3, 0), MOV_K(4, 0),
		CALL(BPF_FUNC_loop),   MOV_K(0, 0),   EXIT(),
		/* 15: */ MOV_K(0, 0), EXIT(),
	};
	struct bpfe_result result = RUN(insns, NULL, 0);

	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 20);
	assert_int_equal(result.insns, 6 + 20 * (7 + 30 * 2));
	result = RUN(insns, NULL, 1000);
	assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
	assert_int_equal(result.insns, 1000);
}

static int count_record(void *opaque, uint32_t cpu, const void *data, size_t size)
{
	++*(unsigned *)opaque;
	return 0;
}

/* A record that a run held when it was cut short does not stop the consumer. */
static void test_record_dropped(void **state)
{
	const struct bpf_insn insns[] = {
		/* 0: */ LD_MAP_IDX(1, 0),
		MOV_K(2, 8),
		MOV_K(3, 0),
		CALL(BPF_FUNC_ringbuf_reserve),
		JMP_K(BPF_JEQ, 0, 0, 6),
		/* 6: */ MOV_K(7, 100),
		ALU64_K(BPF_SUB, 7, 1),
		JMP_K(BPF_JNE, 7, 0, -2),
		MOV_X(1, 0),
		MOV_K(2, 0),
		CALL(BPF_FUNC_ringbuf_submit),
		MOV_K(0, 0),
		EXIT(),
	};
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, NULL);
	struct bpfe_result result;
	unsigned records = 0;

	result = RUN(insns, map, 50);
	assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
	assert_int_equal(bpfe_map_consume(map, 0, count_record, &records), 0);
	result = RUN(insns, map, 0);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(bpfe_map_consume(map, 0, count_record, &records), 2);
	assert_int_equal(records, 2);
	bpfe_map_put(map);
}

/* A lock that a run held when it was cut short is free for the next. */
static void test_lock_released(void **state)
{
	const struct bpf_insn insns[] = {
		/* 0: */ ST(BPF_W, 10, -4, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 9),
		/* 7: */ MOV_X(6, 0),
		MOV_X(1, 6),
		CALL(BPF_FUNC_spin_lock),
		MOV_K(7, 100),
		ALU64_K(BPF_SUB, 7, 1),
		JMP_K(BPF_JNE, 7, 0, -2),
		ST(BPF_W, 6, 4, 9),
		MOV_X(1, 6),
		CALL(BPF_FUNC_spin_unlock),
		MOV_K(0, 0),
		EXIT(),
	};
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_ARRAY,
					   .key_size = 4,
					   .value_size = 8,
					   .max_entries = 1,
					   .has_spin_lock = true};
	const uint32_t key = 0;
	struct bpfe_map *map = NULL;
	struct bpfe_result result;
	const uint32_t *value;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	bpfe_rcu_read_lock();
	value = bpfe_map_lookup(map, &key);
	result = RUN(insns, map, 50);
	assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
	assert_int_equal(value[0], 0);
	assert_int_equal(value[1], 0);
	result = RUN(insns, map, 0);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(value[0], 0);
	assert_int_equal(value[1], 9);
	bpfe_rcu_read_unlock();
	bpfe_map_put(map);
}

/* Copying 256 bytes counts as 32 instructions beside the call. */
static void test_cost(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(2, 0),
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -256),
		MOV_K(4, 256),
		CALL(BPF_FUNC_xdp_load_bytes),
		EXIT(),
	};
	struct bpfe_result result = RUN(insns, NULL, 0);

	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, 0);
	assert_int_equal(result.insns, 6 + 32);
	result = RUN(insns, NULL, 38);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	for (uint32_t budget = 5; budget < 38; budget++) {
		result = RUN(insns, NULL, budget);
		assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
		assert_int_equal(result.insns, budget);
		assert_abort_at(&result, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),        cmocka_unit_test(test_every_budget),
		cmocka_unit_test(test_nested),        cmocka_unit_test(test_record_dropped),
		cmocka_unit_test(test_lock_released), cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests_name("callback", tests, group_setup, group_teardown);
}
