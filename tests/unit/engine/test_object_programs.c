/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Maps of objects and streams as programs use them: verified, and run by both interpreters. */
#include "harness.h"

static const uint32_t loads[] = {0, BPFE_LOAD_CHECKED};

struct seen {
	unsigned n;
	uint64_t first;
	size_t size;
};

static int see(void *opaque, uint32_t cpu, const void *data, size_t size)
{
	struct seen *seen = opaque;

	seen->n++;
	seen->size = size;
	if (size >= sizeof(seen->first))
		memcpy(&seen->first, data, sizeof(seen->first));
	return 0;
}

static struct seen consume(struct bpfe_map *map)
{
	struct seen seen = {0};
	int n = bpfe_map_consume(map, 0, see, &seen);

	assert_int_equal(n, seen.n);
	return seen;
}

/* r0 = 16 bytes of the ring buffer; leaves with 0 if there are none. */
#define RESERVE(slots_to_exit)                                                       \
	LD_MAP_IDX(1, 0), MOV_K(2, 16), MOV_K(3, 0), CALL(BPF_FUNC_ringbuf_reserve), \
		JMP_K(BPF_JEQ, 0, 0, slots_to_exit)

static void test_ringbuf(void **state)
{
	const struct bpf_insn insns[] = {
		RESERVE(7),
		LDX(BPF_DW, 6, 0, 8), /* not written by the program: zero */
		ST(BPF_DW, 0, 0, 77),
		MOV_X(1, 0),
		MOV_K(2, 0),
		CALL(BPF_FUNC_ringbuf_submit),
		MOV_X(0, 6),
		EXIT(),
		EXIT(),
	};

	for (size_t i = 0; i < COUNT(loads); i++) {
		struct bpfe_map *map = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, NULL);
		struct bpfe_program *prog = LOAD(insns, map, loads[i]);
		struct seen seen;

		for (unsigned run = 0; run < 500; run++) {
			assert_int_equal(run_value(prog), 0);
			seen = consume(map);
			assert_int_equal(seen.n, 1);
			assert_int_equal(seen.first, 77);
			assert_int_equal(seen.size, 16);
		}
		bpfe_program_put(prog);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* A run out of budget with a record reserved: the record does not hold back those after it. */
static void test_ringbuf_cut_short(void **state)
{
	const struct bpf_insn insns[] = {
		RESERVE(5),  ST(BPF_DW, 0, 0, 88),           MOV_X(1, 0),
		MOV_K(2, 0), CALL(BPF_FUNC_ringbuf_discard), MOV_K(0, 0),
		EXIT(),
	};
	const struct bpf_insn output[] = {
		ST(BPF_DW, 10, -8, 99),        LD_MAP_IDX(1, 0), MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -8),       MOV_K(3, 8),      MOV_K(4, 0),
		CALL(BPF_FUNC_ringbuf_output), EXIT(),
	};

	for (size_t i = 0; i < COUNT(loads); i++) {
		struct bpfe_map *map = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, NULL);
		struct bpfe_program *writer = LOAD(output, map, loads[i]), *prog;
		struct bpfe_result result;
		struct frame f;
		struct load l;

		frame_init(&f);
		load_init(&l, insns, COUNT(insns));
		l.attr.maps = &(struct bpfe_map_binding){1, map};
		l.attr.n_maps = 1;
		l.attr.flags |= loads[i];
		l.attr.budget = 6;
		prog = load_ok(&l);
		result = run(prog, &f);
		assert_int_equal(result.abort, BPFE_ABORT_BUDGET);
		assert_int_equal(run_value(writer), 0);
		assert_int_equal(consume(map).n, 1);
		assert_int_equal(bpfe_map_lost(map), 0);
		bpfe_program_put(prog);
		bpfe_program_put(writer);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* outer[2][1], 0 where there is nothing. */
static void test_map_in_map(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 2),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JNE, 0, 0, 2),
		MOV_K(0, 0),
		EXIT(),
		ST(BPF_W, 10, -4, 1),
		MOV_X(1, 0),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 1),
		LDX(BPF_DW, 0, 0, 0),
		EXIT(),
	};
	const struct bpfe_map_attr inner_attr = {
		.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2};
	const uint32_t types[] = {BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS};
	const uint32_t outer_key = 2, inner_key = 1;

	for (size_t i = 0; i < COUNT(types) * COUNT(loads); i++) {
		const struct bpfe_map_attr attr = {.type = types[i / 2],
						   .key_size = 4,
						   .value_size = 4,
						   .max_entries = 4,
						   .inner = &inner_attr};
		struct bpfe_map *outer = NULL, *inner = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 2, NULL);
		struct bpfe_program *prog;

		assert_int_equal(bpfe_map_create(&attr, NULL, &outer, NULL), 0);
		prog = LOAD(insns, outer, loads[i % 2]);
		assert_int_equal(run_value(prog), 0);
		assert_int_equal(bpfe_map_update(inner, &inner_key, &(uint64_t){33}, BPF_ANY), 0);
		assert_int_equal(bpfe_map_set_inner(outer, &outer_key, inner, 1, BPF_ANY), 0);
		assert_int_equal(run_value(prog), 33);
		bpfe_map_put(inner);
		assert_int_equal(bpfe_map_set_inner(outer, &outer_key, NULL, 0, BPF_ANY), 0);
		assert_int_equal(run_value(prog), 0);
		bpfe_program_put(prog);
		bpfe_map_put(outer);
	}
	bpfe_rcu_barrier();
}

/* 8 bytes of the program's and the frame's first 4. */
static void test_perf_event_output(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_DW, 10, -8, 55),
		LD_MAP_IDX(2, 0),
		LD64(3, 4ull << 32 | BPF_F_CURRENT_CPU),
		MOV_X(4, 10),
		ALU64_K(BPF_ADD, 4, -8),
		MOV_K(5, 8),
		CALL(BPF_FUNC_perf_event_output),
		EXIT(),
	};

	for (size_t i = 0; i < COUNT(loads); i++) {
		struct bpfe_map *map = map_new(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 8, NULL);
		struct bpfe_program *prog = LOAD(insns, map, loads[i]);
		struct bpfe_result result;
		struct seen seen;
		struct frame f;

		frame_init(&f);
		f.xdp.rx_queue_index = 3;
		result = run(prog, &f);
		assert_int_equal(result.abort, BPFE_ABORT_NONE);
		assert_int_equal(result.r0, 0);
		seen = consume(map);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.size, 12);
		assert_int_equal(seen.first, 55);
		bpfe_program_put(prog);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ringbuf),
		cmocka_unit_test(test_ringbuf_cut_short),
		cmocka_unit_test(test_map_in_map),
		cmocka_unit_test(test_perf_event_output),
	};

	return cmocka_run_group_tests_name("object programs", tests, group_setup, group_teardown);
}
