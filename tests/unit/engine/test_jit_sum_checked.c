/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/opt_sum_checked.c: loops that add up memory, as loops and at once. */
#include "both_engines.h"

static void fill(struct frame *f, const void *opaque)
{
	for (unsigned i = 0; i < 256; i++)
		f->xdp.data[i] = (uint8_t)(i * 167 + 201);
}

static void fill_high(struct frame *f, const void *opaque)
{
	memset(f->xdp.data, 0xff, 256);
}

/* A frame that ends within what the loop would add up. */
static void fill_short(struct frame *f, const void *opaque)
{
	fill(f, opaque);
	f->xdp.data_end = f->xdp.data + *(const int *)opaque;
}

/* Is there a sum in what the compiler made of it? */
static bool sums(const struct bpf_insn *insns, size_t n, uint32_t relax)
{
	static char text[1 << 16];
	struct bpfe_log lir = {.buf = text, .size = sizeof(text)};
	struct load l;

	memset(text, 0, sizeof(text));
	load_init(&l, insns, n);
	l.attr.engine = BPFE_ENGINE_JIT;
	l.attr.relax = relax;
	l.attr.lir = &lir;
	bpfe_program_put(load_ok(&l));
	assert_true(text[0]);
	return strstr(text, " = sum") != NULL;
}

static const uint8_t sizes[] = {[1] = BPF_B, [2] = BPF_H, [4] = BPF_W};

/* Elements of @size bytes from byte @from of the frame to @to, to a sum of @width bits. */
static uint64_t check_sum(unsigned size, int from, int to, unsigned width, bool summed,
			  void (*frame)(struct frame *f, const void *opaque))
{
	struct bpf_insn insns[] = {
		NEED_PACKET(256, 8),
		MOV_K(0, 77),
		MOV_K(5, from),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(sizes[size], 4, 4, 0),
		width == 64 ? ALU64_X(BPF_ADD, 0, 4) : ALU32_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, (int)size),
		JMP_K(BPF_JNE, 5, to, -6),
		EXIT(),
	};
	const struct both t = {
		.insns = insns, .n = COUNT(insns), .frame = frame, .calls = CALLS_ANY};

	assert_int_equal(sums(insns, COUNT(insns), BPFE_RELAX_ALL), summed);
	assert_int_equal(sums(insns, COUNT(insns), 0), summed);
	return both(&t);
}

static void test_sizes(void **state)
{
	assert_int_equal(check_sum(1, 0, 256, 32, true, fill), 77 + 255 * 128);
	assert_int_equal(check_sum(2, 0, 256, 32, true, fill_high), 77 + 128 * 0xffff);
	assert_int_equal(check_sum(4, 0, 256, 32, true, fill_high), (uint32_t)(77 - 64));
	assert_int_equal(check_sum(4, 0, 256, 64, false, fill_high), 77 + 64 * 0xffffffffull);
}

static void test_lengths(void **state)
{
	for (unsigned size = 1; size <= 4; size *= 2) {
		for (unsigned n = 14; n <= 256 / size - 1; n += size == 1 ? 7 : 3) {
			for (unsigned width = 32; width <= 64; width += 32) {
				int from = (int)size * (int)(n % 2);

				check_sum(size, from, from + (int)(n * size), width,
					  n >= 16 && !(size == 4 && width == 64), fill);
			}
		}
	}
}

/* Each access is checked: the frame may end in front of the loop, in it, behind it. */
static void test_checked(void **state)
{
	const struct bpf_insn insns[] = {
		MOV_K(0, 0),
		MOV_K(5, 0),
		LDX(BPF_W, 2, 1, 0),
		LDX(BPF_W, 3, 1, 4),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		MOV_X(1, 4),
		ALU64_K(BPF_ADD, 1, 9),
		JMP_X(BPF_JGT, 1, 3, 4),
		LDX(BPF_B, 4, 4, 8),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, 1),
		JMP_K(BPF_JNE, 5, 100, -9),
		EXIT(),
	};

	assert_true(sums(insns, COUNT(insns), BPFE_RELAX_ALL));
	assert_true(sums(insns, COUNT(insns), 0));
	for (int len = 0; len <= 256; len += len > 100 && len < 115 ? 1 : 12) {
		uint64_t expected = 0;
		const struct both t = {.insns = insns,
				       .n = COUNT(insns),
				       .frame = fill_short,
				       .opaque = &len,
				       .calls = CALLS_ANY};

		for (int i = 8; i < len && i < 108; i++)
			expected += (uint8_t)(i * 167 + 201);
		assert_int_equal(both(&t), expected);
	}
}

/* What looks like it and is not: the last element, or the address, is wanted behind the loop. */
static void test_not(void **state)
{
	const struct bpf_insn last[] = {
		NEED_PACKET(256, 9),
		MOV_K(0, 0),
		MOV_K(5, 0),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(BPF_B, 4, 4, 0),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, 1),
		JMP_K(BPF_JNE, 5, 200, -6),
		ALU64_X(BPF_ADD, 0, 4),
		EXIT(),
	};
	const struct bpf_insn apart[] = {
		NEED_PACKET(256, 8),
		MOV_K(0, 0),
		MOV_K(5, 0),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(BPF_B, 4, 4, 0),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, 2),
		JMP_K(BPF_JNE, 5, 200, -6),
		EXIT(),
	};
	const struct bpf_insn xored[] = {
		NEED_PACKET(256, 8),
		MOV_K(0, 0),
		MOV_K(5, 0),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(BPF_B, 4, 4, 0),
		ALU64_X(BPF_XOR, 0, 4),
		ALU64_K(BPF_ADD, 5, 1),
		JMP_K(BPF_JNE, 5, 200, -6),
		EXIT(),
	};
	/* It begins anew in each round. */
	const struct bpf_insn anew[] = {
		NEED_PACKET(256, 10),
		LDX(BPF_W, 7, 2, 0),
		MOV_K(5, 0),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(BPF_B, 4, 4, 0),
		MOV_X(0, 7),
		ALU64_K(BPF_ADD, 0, 5),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, 1),
		JMP_K(BPF_JNE, 5, 200, -8),
		EXIT(),
	};
	/* What is checked is a number, which begins again at 0. */
	const struct bpf_insn number[] = {
		NEED_PACKET(256, 12),
		LDX(BPF_DW, 7, 2, 0),
		LDX(BPF_W, 8, 2, 8),
		MOV_K(5, 0),
		MOV_X(9, 7),
		ALU64_X(BPF_ADD, 9, 5),
		JMP_X(BPF_JGT, 9, 8, 6),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(BPF_B, 4, 4, 0),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, 1),
		JMP_K(BPF_JNE, 5, 64, -9),
		EXIT(),
	};
	const struct both t[] = {
		{.insns = anew, .n = COUNT(anew), .frame = fill, .calls = CALLS_ANY},
		{.insns = number, .n = COUNT(number), .frame = fill_high, .calls = CALLS_ANY},
		{.insns = last, .n = COUNT(last), .frame = fill, .calls = CALLS_ANY},
		{.insns = apart, .n = COUNT(apart), .frame = fill, .calls = CALLS_ANY},
		{.insns = xored, .n = COUNT(xored), .frame = fill, .calls = CALLS_ANY},
	};

	for (size_t i = 0; i < COUNT(t); i++) {
		assert_false(sums(t[i].insns, t[i].n, BPFE_RELAX_ALL));
		both(&t[i]);
	}
}

/* A budget that ends in the loop ends the run. */
static void test_budget(void **state)
{
	const struct bpf_insn insns[] = {
		NEED_PACKET(256, 8),
		MOV_K(0, 0),
		MOV_K(5, 0),
		MOV_X(4, 2),
		ALU64_X(BPF_ADD, 4, 5),
		LDX(BPF_B, 4, 4, 0),
		ALU64_X(BPF_ADD, 0, 4),
		ALU64_K(BPF_ADD, 5, 1),
		JMP_K(BPF_JNE, 5, 200, -6),
		EXIT(),
	};
	const uint32_t executed = 6 + 2 + 200 * 6 + 1;

	for (uint32_t budget = executed - 3; budget < executed + 2; budget++) {
		struct bpfe_result result;
		struct bpfe_program *prog;
		struct frame f;
		struct load l;

		load_init(&l, insns, COUNT(insns));
		l.attr.engine = BPFE_ENGINE_JIT;
		l.attr.flags = BPFE_LOAD_COUNTED;
		l.attr.budget = budget;
		prog = load_ok(&l);
		frame_init(&f);
		result = run(prog, &f);
		assert_int_equal(result.abort,
				 budget < executed ? BPFE_ABORT_BUDGET : BPFE_ABORT_NONE);
		assert_int_equal(result.insns, budget < executed ? budget : executed);
		bpfe_program_put(prog);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),   cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_checked), cmocka_unit_test(test_not),
		cmocka_unit_test(test_budget),
	};

	if (!__builtin_cpu_supports("sse4.1")) {
		print_message("1..0 # SKIP the processor has no SSE4.1\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
