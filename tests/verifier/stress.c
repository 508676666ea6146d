// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Each shape is what makes one way of verifying explode: paths that double, values that differ on
 * each, loops in loops, calls in calls, stacks that have to be copied.
 */
#include "stress.h"
#include "helpers/kfuncs.h"

static void put(struct stress_program *p, struct bpf_insn insn)
{
	if (p->n < BPFE_MAX_INSNS)
		p->insns[p->n++] = insn;
}

static void put_all(struct stress_program *p, const struct bpf_insn *insns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(p, insns[i]);
}

#define PUT(p, ...)                                        \
	put_all(p, (const struct bpf_insn[]){__VA_ARGS__}, \
		sizeof((const struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))

/* Let the jump at slot @at lead to the next one that is put. */
static void land(struct stress_program *p, uint32_t at)
{
	p->insns[at].off = (int16_t)(p->n - at - 1);
}

/* r0 = value in the array, r6 too, or the end. */
static void look_up(struct stress_program *p)
{
	PUT(p, LOOKUP_KEY(ARRAY, 1), MOV_X(6, 0));
}

/* Use r7 to reach a byte of the value at r6, if it is small. */
static void use_offset(struct stress_program *p)
{
	PUT(p, JMP_K(BPF_JGT, 7, 15, 2), ALU64_X(BPF_ADD, 6, 7), ST(BPF_B, 6, 0, 1), RETURN(2));
}

/* ---- Paths --------------------------------------------------------------------------------- */

static void rules(struct stress_program *p)
{
	PUT(p, PACKET(20, 1), JA(2), RETURN(2), LDX(BPF_W, 5, 2, 0), LDX(BPF_W, 6, 2, 4),
	    LDX(BPF_H, 7, 2, 8), LDX(BPF_B, 8, 2, 10));
	for (int rule = 0; rule < 512; rule++)
		PUT(p, JMP32_K(BPF_JNE, 5, 7 * rule, 6), JMP32_K(BPF_JNE, 6, 5 * rule, 5),
		    JMP_K(BPF_JLT, 7, rule, 4), JMP_K(BPF_JGT, 7, rule + 90, 3),
		    JMP_K(BPF_JNE, 8, 6, 2), RETURN(1));
	PUT(p, RETURN(2));
}

/* Each diamond doubles the values r7 may have, and r7 is an offset in the end. */
static void diamonds(struct stress_program *p)
{
	look_up(p);
	PUT(p, MOV_K(7, 0));
	for (int i = 0; i < 16000; i++)
		PUT(p, CALL(BPF_FUNC_get_prandom_u32), JMP_K(BPF_JSET, 0, 1, 1),
		    ALU64_K(BPF_ADD, 7, 1 + i % 1000));
	use_offset(p);
}

/* A switch over many constants, whose cases all come to one place with another value. */
static void merge_of_many(struct stress_program *p)
{
	enum {
		CASES = 5000
	};

	look_up(p);
	PUT(p, CALL(BPF_FUNC_get_prandom_u32));
	for (int i = 0; i < CASES; i++)
		PUT(p, JMP_K(BPF_JNE, 0, i, 2), MOV_K(7, 3 * i), GOTOL(0));
	PUT(p, MOV_K(7, 1));
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->insns[i].code == (BPF_JMP32 | BPF_JA))
			p->insns[i].imm = (int)(p->n - i - 1);
	}
	for (int i = 0; i < 20000; i++)
		PUT(p, ALU64_K(BPF_XOR, 7, i));
	use_offset(p);
}

/* All jumps lead to one place far away, and differ in what is known there. */
static void one_way_out(struct stress_program *p)
{
	uint32_t first;

	look_up(p);
	PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_K(7, 0));
	first = p->n;
	for (int i = 0; i < 10000; i++)
		PUT(p, JMP_K(BPF_JEQ, 0, i, 0), ALU64_K(BPF_ADD, 7, 1), STX(BPF_DW, 10, -8, 7));
	for (uint32_t i = first; i < p->n; i += 3)
		land(p, i);
	use_offset(p);
}

/* ---- Stacks -------------------------------------------------------------------------------- */

/* As long as can be, all of the stack in use and another slot changed on each path. */
static void straight_with_stack(struct stress_program *p)
{
	PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_X(6, 0));
	for (int slot = 1; slot <= 64; slot++)
		PUT(p, STX(BPF_DW, 10, -8 * slot, 6));
	for (int i = 0; p->n + 140 < BPFE_MAX_INSNS; i++)
		PUT(p, LDX(BPF_DW, 1, 10, -8 * (i % 64 + 1)), JMP_K(BPF_JGT, 1, i, 1),
		    ST(BPF_DW, 10, -8 * (i * 7 % 64 + 1), i));
	PUT(p, MOV_K(0, 0));
	for (int slot = 1; slot <= 64; slot++)
		PUT(p, LDX(BPF_DW, 1, 10, -8 * slot), ALU64_X(BPF_ADD, 0, 1));
	put(p, EXIT());
}

/* One number in all slots and registers: what a comparison tells is told to all. */
static void spilled_copies(struct stress_program *p)
{
	PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_X(6, 0), MOV_X(7, 0), MOV_X(8, 0), MOV_X(9, 0));
	for (int slot = 1; slot <= 64; slot++)
		PUT(p, STX(BPF_DW, 10, -8 * slot, 6));
	for (int i = 0; p->n + 8 < BPFE_MAX_INSNS; i++)
		PUT(p, JMP_K(BPF_JGT, 6 + i % 4, 60000 - i, 0),
		    LDX(BPF_DW, 1, 10, -8 * (i % 64 + 1)),
		    STX(BPF_DW, 10, -8 * (i * 5 % 64 + 1), 1));
	PUT(p, RETURN(2));
}

/* Eight frames, each with all the stack it may have, and many paths in the last. */
static void full_frames(struct stress_program *p)
{
	for (int frame = 0; frame < 7; frame++) {
		PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_X(6, 0));
		for (int slot = 1; slot <= 8; slot++)
			PUT(p, STX(BPF_DW, 10, -8 * slot, 6));
		PUT(p, MOV_X(1, 10), CALL_LOCAL(1), EXIT());
	}
	PUT(p, MOV_X(6, 1));
	for (int i = 0; i < 9000; i++)
		PUT(p, CALL(BPF_FUNC_get_prandom_u32), JMP_K(BPF_JSET, 0, 1, 1),
		    ST(BPF_DW, 6, -8 * (i % 8 + 1), i), LDX(BPF_DW, 1, 6, -8 * (i * 3 % 8 + 1)),
		    JMP_K(BPF_JGT, 1, i, 0));
	PUT(p, RETURN(2));
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static void variable_shifts(struct stress_program *p)
{
	look_up(p);
	PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_X(7, 0), CALL(BPF_FUNC_get_prandom_u32),
	    MOV_X(8, 0));
	for (int i = 0; p->n + 20 < BPFE_MAX_INSNS; i++)
		PUT(p, MOV_X(1, 8), ALU64_K(BPF_AND, 1, 63), ALU64_X(BPF_LSH, 7, 1),
		    ALU64_X(BPF_RSH, 7, 1), ALU64_X(BPF_ARSH, 8, 1), JMP_X(BPF_JGT, 7, 8, 1),
		    ALU64_X(BPF_MUL, 7, 8));
	use_offset(p);
}

/* ---- Loops --------------------------------------------------------------------------------- */

/* Three loops in one another, whose counters are offsets too. */
static void nested_loops(struct stress_program *p)
{
	look_up(p);
	PUT(p, MOV_K(7, 0), MOV_K(8, 0), MOV_K(9, 0), MOV_X(1, 6), MOV_X(2, 7),
	    ALU64_K(BPF_AND, 2, 7), ALU64_X(BPF_ADD, 1, 2), ST(BPF_B, 1, 0, 1),
	    ALU64_K(BPF_ADD, 9, 1), JMP_K(BPF_JLT, 9, 1000, -7), ALU64_K(BPF_ADD, 8, 1),
	    JMP_K(BPF_JLT, 8, 1000, -10), ALU64_K(BPF_ADD, 7, 1), JMP_K(BPF_JLT, 7, 1000, -13),
	    RETURN(2));
}

/* while (p + 4 <= data_end && i++ < 100000) sum += *p, p += 4 */
static void packet_loop(struct stress_program *p)
{
	PUT(p, LDX(BPF_W, 2, 1, 0), LDX(BPF_W, 3, 1, 4), MOV_K(0, 0), MOV_K(5, 0), MOV_X(4, 2),
	    ALU64_K(BPF_ADD, 4, 4), JMP_X(BPF_JGT, 4, 3, 5), LDX(BPF_W, 6, 2, 0),
	    ALU64_X(BPF_ADD, 0, 6), MOV_X(2, 4), ALU64_K(BPF_ADD, 5, 1),
	    JMP_K(BPF_JLT, 5, 100000, -8), EXIT());
}

/* Type, length, value until the end of the frame, with a flag for each type seen. */
static void packet_tlvs(struct stress_program *p)
{
	PUT(p, LDX(BPF_W, 2, 1, 0), LDX(BPF_W, 3, 1, 4), MOV_K(0, 0), MOV_K(5, 0), MOV_X(4, 2),
	    ALU64_K(BPF_ADD, 4, 2), JMP_X(BPF_JGT, 4, 3, 11), LDX(BPF_B, 6, 2, 0),
	    LDX(BPF_B, 7, 2, 1), JMP_K(BPF_JNE, 6, 5, 1), ALU64_K(BPF_OR, 0, 1),
	    JMP_K(BPF_JNE, 6, 6, 1), ALU64_K(BPF_OR, 0, 2), JMP_K(BPF_JEQ, 6, 0, 4), MOV_X(2, 4),
	    ALU64_X(BPF_ADD, 2, 7), ALU64_K(BPF_ADD, 5, 1), JMP_K(BPF_JLT, 5, 100000, -14), EXIT());
}

/* Jumps backwards and forwards to anywhere, on numbers that differ on each path. */
static void tangle(struct stress_program *p)
{
	uint32_t seed = 1, n;

	PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_X(6, 0), MOV_K(7, 0));
	for (int i = 0; i < 6000; i++)
		PUT(p, ALU64_K(BPF_ADD, 7, i % 17), JMP_K(BPF_JSGT, 7, 1000 * i, 0),
		    JMP_K(BPF_JGT, 6, i, 0), ALU64_X(BPF_XOR, 6, 7));
	n = p->n;
	PUT(p, RETURN(2));
	for (uint32_t i = 3; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		if (BPF_CLASS(p->insns[i].code) == BPF_JMP)
			p->insns[i].off = (int16_t)((int)(3 + (seed >> 8) % (n - 3)) - (int)i - 1);
	}
}

/* ---- Calls --------------------------------------------------------------------------------- */

/* Each function calls the next eight times: two million ways to the last. */
static void call_fan(struct stress_program *p)
{
	for (int level = 0; level < 7; level++) {
		for (int k = 0; k < 8; k++)
			PUT(p, CALL(BPF_FUNC_get_prandom_u32), MOV_X(1, 0),
			    CALL_LOCAL(8 * 3 + 2 - 3 * k - 3));
		PUT(p, MOV_K(0, 0), EXIT());
	}
	PUT(p, JMP_K(BPF_JGT, 1, 7, 1), ALU64_K(BPF_ADD, 1, 1), MOV_X(0, 1), EXIT());
}

/* Callbacks in callbacks, each counting in its caller's stack and in its own. */
static void nested_callbacks(struct stress_program *p)
{
	for (int level = 0; level < 6; level++) {
		PUT(p, MOV_X(6, 1), ST(BPF_DW, 10, -8, 0), MOV_K(1, 1000), LD_FUNC(2, 9),
		    MOV_X(3, 10), ALU64_K(BPF_ADD, 3, -8), MOV_K(4, 0), CALL(BPF_FUNC_loop),
		    LDX(BPF_DW, 1, 10, -8), JMP_K(BPF_JGT, 1, 5, 0), MOV_K(0, 0), EXIT());
	}
	PUT(p, LDX(BPF_DW, 1, 2, 0), ALU64_K(BPF_ADD, 1, 1), STX(BPF_DW, 2, 0, 1), RETURN(0));
}

static void nested_iterators(struct stress_program *p)
{
	enum {
		LEVELS = 8
	};
	uint32_t next[LEVELS], done[LEVELS];

	PUT(p, MOV_K(6, 0));
	for (int i = 0; i < LEVELS; i++) {
		PUT(p, MOV_X(1, 10), ALU64_K(BPF_ADD, 1, -8 * (i + 1)), MOV_K(2, 0), MOV_K(3, 1000),
		    CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEW));
		next[i] = p->n;
		PUT(p, MOV_X(1, 10), ALU64_K(BPF_ADD, 1, -8 * (i + 1)),
		    CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEXT));
		done[i] = p->n;
		PUT(p, JMP_K(BPF_JEQ, 0, 0, 0), ALU64_K(BPF_ADD, 6, 1), JMP_K(BPF_JGT, 6, 1000, 0));
	}
	for (int i = LEVELS - 1; i >= 0; i--) {
		PUT(p, JA((int)next[i] - (int)p->n - 1));
		land(p, done[i]);
		PUT(p, MOV_X(1, 10), ALU64_K(BPF_ADD, 1, -8 * (i + 1)),
		    CALL_KFUNC(BPFE_KFUNC_ITER_NUM_DESTROY));
	}
	PUT(p, RETURN(2));
}

/* Every slot of all frames holds a number of its own, and states differ in the last one only. */
static void many_ids(struct stress_program *p)
{
	enum {
		FRAMES = 8,
		SLOTS = BPFE_STACK_SIZE / 8
	};

	PUT(p, MOV_X(7, 10));
	for (int frame = 0; frame < FRAMES; frame++) {
		for (int i = 1; i <= SLOTS; i++)
			PUT(p, CALL(BPF_FUNC_get_prandom_u32), STX(BPF_DW, 10, -8 * i, 0));
		if (frame + 1 < FRAMES)
			PUT(p, MOV_X(1, 7), MOV_X(2, 10), CALL_LOCAL(2), RETURN(2), MOV_X(7, 1));
	}
	for (int i = 0; i < 400; i++)
		PUT(p, CALL(BPF_FUNC_get_prandom_u32), JMP_K(BPF_JEQ, 0, 0, 1),
		    ST(BPF_DW, 7, -8 * SLOTS, i));
	PUT(p, RETURN(2));
}

/* Loads from anywhere in a full frame, round and round, and an end that joining is too coarse for.
 */
static void variable_loads(struct stress_program *p)
{
	uint32_t loop;

	for (int i = 1; i <= 64; i++)
		PUT(p, CALL(BPF_FUNC_get_prandom_u32), STX(BPF_DW, 10, -8 * i, 0));
	PUT(p, CALL(BPF_FUNC_get_prandom_u32), ALU64_K(BPF_AND, 0, 504), MOV_X(6, 10),
	    ALU64_X(BPF_SUB, 6, 0), MOV_K(7, 0));
	loop = p->n;
	for (int i = 0; i < 200; i++)
		PUT(p, LDX(BPF_DW, 2, 6, -8));
	PUT(p, ALU64_K(BPF_ADD, 7, 1), JMP_K(BPF_JLT, 7, 2000000, (int)loop - (int)p->n - 2),
	    ALU64_K(BPF_SUB, 7, 2000000), LD_VALUE_IDX(1, DATA, 0), ALU64_X(BPF_ADD, 1, 7),
	    LDX(BPF_B, 0, 1, 15), RETURN(0));
}

/* ---- All ----------------------------------------------------------------------------------- */

#define MIB (UINT64_C(1) << 20)

const struct stress_shape stress_shapes[] = {
	{"512 rules", rules, true, 8000, 8 * MIB},
	{"ladder of diamonds", diamonds, true, 150000, 96 * MIB},
	{"merge of many", merge_of_many, true, 180000, 32 * MIB},
	{"one way out", one_way_out, true, 100000, 64 * MIB},
	{"straight with all of the stack", straight_with_stack, true, 220000, 160 * MIB},
	{"spilled copies", spilled_copies, true, 200000, 200 * MIB},
	{"full frames", full_frames, true, 180000, 200 * MIB},
	{"many ids", many_ids, false, 8000, 32 * MIB},
	{"variable loads", variable_loads, false, 300000, 32 * MIB},
	{"variable shifts", variable_shifts, true, 100000, 64 * MIB},
	{"nested loops", nested_loops, true, 40000, 8 * MIB},
	{"packet loop", packet_loop, true, 40000, 24 * MIB},
	{"packet TLVs", packet_tlvs, true, 40000, 32 * MIB},
	{"tangle", tangle, false, 600000, 128 * MIB},
	{"call fan", call_fan, false, 500000, 200 * MIB},
	{"nested callbacks", nested_callbacks, true, 50000, 32 * MIB},
	{"nested iterators", nested_iterators, true, 50000, 16 * MIB},
};

const size_t n_stress_shapes = sizeof(stress_shapes) / sizeof(stress_shapes[0]);
