/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Tail calls of compiled code: an array known or looked up, an index known or not. */
#include "harness.h"

#define ENTRIES 4

static struct bpfe_program *load(struct bpfe_map *map, const struct bpf_insn *insns, size_t n,
				 uint32_t flags)
{
	const struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct load l;

	load_init(&l, insns, n);
	l.attr.engine = BPFE_ENGINE_JIT;
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	l.attr.flags = flags;
	return load_ok(&l);
}

/* Program i of the array returns 10 + i; the one at 2 is missing. */
static struct bpfe_map *array_new(uint32_t flags)
{
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, ENTRIES, NULL);

	for (uint32_t i = 0; i < ENTRIES; i++) {
		const struct bpf_insn insns[] = {MOV_K(0, (int)(10 + i)), EXIT()};
		struct bpfe_program *prog;

		if (i == 2)
			continue;
		prog = load(map, insns, COUNT(insns), flags);
		assert_int_equal(bpfe_map_set_program(map, i, prog, i), 0);
		bpfe_program_put(prog);
	}
	return map;
}

static void array_put(struct bpfe_map *map)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		bpfe_map_set_program(map, i, NULL, 0);
	bpfe_map_put(map);
}

/* Run @insns over a frame whose first word is @index. */
static struct bpfe_result run_index(struct bpfe_program *prog, uint32_t index)
{
	struct frame f;

	frame_init(&f);
	memcpy(f.xdp.data, &index, sizeof(index));
	return run(prog, &f);
}

static void test_variable_index(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(4, 5),        LDX(BPF_W, 3, 2, 0), LD_MAP_FD(2, 7),
		CALL(BPF_FUNC_tail_call), MOV_K(0, 1),         EXIT(),
	};
	struct bpfe_map *map = array_new(BPFE_LOAD_COUNTED);
	struct bpfe_program *prog = load(map, insns, COUNT(insns), 0);

	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct bpfe_result result = run_index(prog, i);

		assert_int_equal(result.r0, i == 2 ? 1 : 10 + i);
		assert_int_equal(result.insns, 11);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(
			run_index(prog, ((const uint32_t[]){ENTRIES, INT32_MAX, UINT32_MAX})[i]).r0,
			1);
	bpfe_program_put(prog);
	array_put(map);
}

/* A program that does not count leaves the run without a number. */
static void test_uncounted(void **state)
{
	const struct bpf_insn insns[] = {
		LD_MAP_FD(2, 7), MOV_K(3, 3), CALL(BPF_FUNC_tail_call), MOV_K(0, 1), EXIT(),
	};
	const uint32_t flags[] = {0, BPFE_LOAD_COUNTED};

	for (size_t i = 0; i < COUNT(flags); i++) {
		struct bpfe_map *map = array_new(flags[i]);
		struct bpfe_program *prog = load(map, insns, COUNT(insns), 0);
		struct bpfe_result result = run_index(prog, 0);

		assert_int_equal(result.r0, 13);
		assert_int_equal(result.insns, flags[i] ? 5 : 0);
		bpfe_map_set_program(map, 3, NULL, 0);
		result = run_index(prog, 0);
		assert_int_equal(result.r0, 1);
		assert_int_equal(result.insns, 5);
		bpfe_program_put(prog);
		array_put(map);
	}
}

/* Which of two arrays it is, is not known where it is called. */
static void test_unknown_array(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(4, 9),
		LDX(BPF_W, 5, 2, 0),
		LD_MAP_IDX(2, 0),
		MOV_K(3, 0),
		JMP_K(BPF_JSET, 5, 1, 2),
		LD_MAP_IDX(2, 1),
		CALL(BPF_FUNC_tail_call),
		MOV_K(0, 1),
		EXIT(),
	};
	struct bpfe_map *map[2] = {array_new(0), map_new(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, NULL)};
	const struct bpfe_map_binding bindings[] = {{1, map[0]}, {2, map[1]}};
	struct bpfe_program *prog;
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.engine = BPFE_ENGINE_JIT;
	l.attr.maps = bindings;
	l.attr.n_maps = 2;
	prog = load_ok(&l);
	assert_int_equal(run_index(prog, 1).r0, 10);
	assert_int_equal(run_index(prog, 0).r0, 1);
	bpfe_program_put(prog);
	array_put(map[0]);
	bpfe_map_put(map[1]);
}

/* What one engine runs cannot call what the other does. */
static void test_engines_apart(void **state)
{
	const struct bpf_insn insns[] = {
		LD_MAP_FD(2, 7), MOV_K(3, 3), CALL(BPF_FUNC_tail_call), MOV_K(0, 1), EXIT(),
	};
	struct bpfe_map *map = array_new(0);
	const struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.engine = BPFE_ENGINE_INTERP;
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MAP, 0,
		     "prog array '' is for programs that are compiled, this one is interpreted\n");
	array_put(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variable_index),
		cmocka_unit_test(test_uncounted),
		cmocka_unit_test(test_unknown_array),
		cmocka_unit_test(test_engines_apart),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
