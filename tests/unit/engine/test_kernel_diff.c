/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The same programs in the host's kernel and here: random arithmetic, conditional jumps and atomics
 * on operands from the frame must leave the same frame and the same verdict. Skipped where bpf()
 * does not work.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "harness.h"

enum {
	PROGRAMS = 150,
	STEPS = 60,
	FRAME = 64,
};

/* Registers that hold operands; r2 is the frame, r10 the stack. */
static const uint8_t operands[] = {0, 3, 6, 7, 8, 9};

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % below;
}

static uint8_t reg(void)
{
	return operands[draw(COUNT(operands))];
}

static int32_t immediate(void)
{
	static const int32_t special[] = {0, 1, -1, 2, 31, 32, 63, 127, 255, INT32_MAX, INT32_MIN};

	if (draw(3))
		return special[draw(COUNT(special))];
	return (int32_t)(draw(1u << 16) << 16 | draw(1u << 16));
}

static struct bpf_insn random_alu(void)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
				      BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH};
	const uint8_t op = ops[draw(COUNT(ops))];
	const uint8_t class = draw(2) ? BPF_ALU64 : BPF_ALU;
	const bool divides = op == BPF_DIV || op == BPF_MOD;
	const bool shifts = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	const int16_t off = divides ? (int16_t)draw(2) : 0;
	int32_t imm = immediate();

	if (draw(2)) {
		if (op == BPF_MOV && draw(2))
			return INSN(class | BPF_X | op, reg(), reg(),
				    8 << draw(class == BPF_ALU64 ? 3 : 2), 0);
		return INSN(class | BPF_X | op, reg(), reg(), off, 0);
	}
	/* The kernel refuses these two, which are defined all the same. */
	if (shifts)
		imm &= class == BPF_ALU64 ? 63 : 31;
	if (divides && imm == 0)
		imm = 7;
	return INSN(class | BPF_K | op, reg(), 0, off, imm);
}

static struct bpf_insn random_unary(void)
{
	static const int widths[] = {16, 32, 64};
	static const uint8_t codes[] = {BPF_ALU | BPF_END | BPF_TO_LE,
					BPF_ALU | BPF_END | BPF_TO_BE, BPF_ALU64 | BPF_END};

	if (draw(4) == 0)
		return INSN((draw(2) ? BPF_ALU64 : BPF_ALU) | BPF_NEG, reg(), 0, 0, 0);
	return INSN(codes[draw(3)], reg(), 0, 0, widths[draw(3)]);
}

static struct bpf_insn random_jump(void)
{
	static const uint8_t ops[] = {BPF_JEQ,  BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT,
				      BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE};
	const uint8_t code = ops[draw(COUNT(ops))] | (draw(2) ? BPF_JMP : BPF_JMP32);
	const int16_t off = (int16_t)draw(4);

	return draw(2) ? INSN(code | BPF_X, reg(), reg(), off, 0)
		       : INSN(code | BPF_K, reg(), 0, off, immediate());
}

static struct bpf_insn random_memory(void)
{
	static const int32_t ops[] = {BPF_ADD,
				      BPF_OR,
				      BPF_AND,
				      BPF_XOR,
				      BPF_ADD | BPF_FETCH,
				      BPF_OR | BPF_FETCH,
				      BPF_AND | BPF_FETCH,
				      BPF_XOR | BPF_FETCH,
				      BPF_XCHG,
				      BPF_CMPXCHG};
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
	const uint8_t size = sizes[draw(4)];
	const int16_t off = (int16_t)draw(FRAME - 8);

	switch (draw(5)) {
	case 0:
		return LDX(size, reg(), 2, off);
	case 1:
		return LDSX(sizes[draw(3)], reg(), 2, off);
	case 2:
		return STX(size, 2, off, reg());
	case 3:
		return ST(size, 2, off, immediate());
	default:
		return ATOMIC(sizes[2 + draw(2)], ops[draw(COUNT(ops))], 10, -8, reg());
	}
}

static size_t random_program(struct bpf_insn *insns)
{
	const struct bpf_insn prologue[] = {
		LDX(BPF_W, 2, 1, 0),        LDX(BPF_W, 3, 1, 4),     MOV_K(0, 0), MOV_X(4, 2),
		ALU64_K(BPF_ADD, 4, FRAME), JMP_X(BPF_JLE, 4, 3, 1), EXIT(),
	};
	size_t n = 0;

	memcpy(insns, prologue, sizeof(prologue));
	n = COUNT(prologue);
	for (size_t i = 0; i < COUNT(operands); i++)
		insns[n++] = LDX(BPF_DW, operands[i], 2, (int)i * 8);
	insns[n++] = STX(BPF_DW, 10, -8, 6);
	for (unsigned step = 0; step < STEPS; step++) {
		switch (draw(8)) {
		case 0:
			insns[n++] = random_jump();
			break;
		case 1:
			insns[n++] = random_unary();
			break;
		case 2:
		case 3:
			insns[n++] = random_memory();
			break;
		default:
			insns[n++] = random_alu();
		}
	}
	/* Where the last jumps may land; then all that was computed goes into the frame. */
	for (unsigned i = 0; i < 3; i++)
		insns[n++] = ALU64_K(BPF_ADD, 6, 1);
	for (size_t i = 0; i < COUNT(operands); i++)
		insns[n++] = STX(BPF_DW, 2, (int)i * 8, operands[i]);
	insns[n++] = LDX(BPF_DW, 3, 10, -8);
	insns[n++] = STX(BPF_DW, 2, COUNT(operands) * 8, 3);
	insns[n++] = ALU32_K(BPF_AND, 0, 0xffff);
	insns[n++] = EXIT();
	return n;
}

static void show(const struct bpf_insn *insns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[80];

		bpfe_disasm(&insns[i], 1, text, sizeof(text));
		print_error("%zu: %s\n", i, text);
	}
}

static void compare(unsigned number, const struct bpf_insn *insns, size_t n, int fd,
		    const uint8_t *input)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpfe_result result;
	uint8_t output[FRAME];
	struct frame f;

	opts.data_in = input;
	opts.data_size_in = FRAME;
	opts.data_out = output;
	opts.data_size_out = FRAME;
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	for (uint32_t flags = 0; flags <= BPFE_LOAD_CHECKED; flags++) {
		struct bpfe_program *prog = load_program(insns, n, NULL, flags);

		frame_init(&f);
		memcpy(f.xdp.data, input, FRAME);
		f.xdp.data_end = f.xdp.data + FRAME;
		result = run(prog, &f);
		bpfe_program_put(prog);
		if (result.abort == BPFE_ABORT_NONE && result.retval == opts.retval &&
		    memcmp(f.xdp.data, output, FRAME) == 0)
			continue;
		show(insns, n);
		fail_msg("program %u: kernel returns %u, we %u (abort %d)", number, opts.retval,
			 result.retval, result.abort);
	}
}

static int kernel_load(const struct bpf_insn *insns, size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "diff", "GPL", insns, n, &opts);
}

static void test_random_programs(void **state)
{
	struct bpf_insn insns[STEPS + 64];
	unsigned refused = 0;

	random_state = 20240229;
	for (unsigned number = 0; number < PROGRAMS; number++) {
		size_t n = random_program(insns);
		int fd = kernel_load(insns, n);
		uint8_t input[FRAME];

		for (size_t i = 0; i < FRAME; i++)
			input[i] = (uint8_t)(draw(3) ? draw(256) : draw(2) * 255);
		if (fd < 0) {
			refused++;
			continue;
		}
		compare(number, insns, n, fd, input);
		close(fd);
	}
	/* A kernel that refuses what we generate would make this test idle. */
	assert_in_range(refused, 0, PROGRAMS / 10);
}

/* Does bpf() work here, with everything the programs use? Says why if not. */
static bool kernel_works(void)
{
	const struct bpf_insn simple[] = {MOV_K(0, 2), EXIT()};
	const struct bpf_insn v4[] = {MOV_K(0, 2), INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 0, 8, 0),
				      EXIT()};
	int fd = kernel_load(simple, COUNT(simple));

	if (fd < 0) {
		print_message("# skipped: bpf() does not load XDP programs here: %s\n",
			      strerror(-fd));
		return false;
	}
	close(fd);
	fd = kernel_load(v4, COUNT(v4));
	if (fd < 0) {
		print_message("# skipped: the kernel has no sign-extending moves (before 6.6)\n");
		return false;
	}
	close(fd);
	return true;
}

static void test_or_skip(void **state)
{
	if (!kernel_works())
		skip();
	test_random_programs(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_or_skip),
	};

	return cmocka_run_group_tests_name("kernel", tests, group_setup, group_teardown);
}
