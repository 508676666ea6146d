/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Sums of consecutive numbers in machine code (jit/lower_sum.c): of all sizes, numbers of them and
 * places, up to the last byte there is, compiled and interpreted.
 */
#include <string.h>
#include "harness.h"

#define BYTES 512u

struct shape {
	uint8_t size; /* BPF_B, BPF_H, BPF_W */
	uint8_t bytes;
	uint32_t n;
	uint32_t from; /* the first number's byte */
	bool wide;     /* added as 64 bits */
	bool indexed;  /* by the counter, not by a pointer that goes along */
};

static struct bpfe_program *load(const struct shape *s, enum bpfe_engine engine)
{
	uint32_t end = s->from + s->n * s->bytes;
	const struct bpf_insn by_index[] = {
		MOV_K(0, 0x12345678),
		MOV_K(3, s->from),
		MOV_X(4, 1),
		ALU64_X(BPF_ADD, 4, 3),
		LDX(s->size, 4, 4, 0),
		s->wide ? ALU64_X(BPF_ADD, 0, 4) : ALU32_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 3, s->bytes),
		JMP_K(BPF_JNE, 3, end, -6),
		STX(BPF_DW, 1, 0, 3),
		EXIT(),
	};
	const struct bpf_insn by_pointer[] = {
		MOV_K(0, 0x12345678),
		MOV_X(2, 1),
		ALU64_K(BPF_ADD, 2, s->from),
		MOV_K(3, s->n),
		LDX(s->size, 4, 2, 0),
		s->wide ? ALU64_X(BPF_ADD, 0, 4) : ALU32_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 2, s->bytes),
		ALU32_K(BPF_ADD, 3, -1),
		JMP32_K(BPF_JNE, 3, 0, -5),
		STX(BPF_DW, 2, -(int)s->bytes, 3),
		EXIT(),
	};
	struct load l;

	if (s->indexed)
		load_init(&l, by_index, COUNT(by_index));
	else
		load_init(&l, by_pointer, COUNT(by_pointer));
	l.attr.type = BPFE_PROG_MEM;
	l.attr.mem_size = BYTES + 8;
	l.attr.engine = engine;
	l.attr.relax = BPFE_RELAX_ALL;
	return load_ok(&l);
}

static uint64_t run_shape(const struct shape *s, enum bpfe_engine engine, uint8_t *memory)
{
	struct bpfe_program *prog = load(s, engine);
	struct bpfe_result result;

	for (unsigned i = 0; i < BYTES + 8; i++)
		memory[i] = (uint8_t)(i * 151 + (i >> 3) + 200);
	bpfe_rcu_read_lock();
	result = bpfe_run_mem(prog, memory, BYTES + 8);
	bpfe_rcu_read_unlock();
	bpfe_program_put(prog);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	return result.r0;
}

static void check(const struct shape *s)
{
	_Alignas(8) uint8_t one[BYTES + 8], two[BYTES + 8];
	uint64_t sum = run_shape(s, BPFE_ENGINE_INTERP, one);

	assert_int_equal(run_shape(s, BPFE_ENGINE_JIT, two), sum);
	assert_memory_equal(one, two, sizeof(one));
}

static void test_sums(void **state)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W};

	for (unsigned size = 0; size < 3; size++) {
		for (uint32_t n = 14; n < 70; n++) {
			struct shape s = {
				.size = sizes[size], .bytes = (uint8_t)(1 << size), .n = n};

			s.from = n % 3 ? 5 * s.bytes : BYTES - n * s.bytes;
			s.wide = n % 2;
			check(&s);
			s.indexed = true;
			check(&s);
		}
	}
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
