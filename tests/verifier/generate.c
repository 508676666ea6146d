// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdbool.h>
#include <string.h>
#include "generate.h"
#include "insn.h"

#define BODY_MAX  200u /* slots before the end is written */
#define PROVEN    40   /* bytes of the packet compared at the start */
#define FUNCTIONS 3

/*
 * r6 context, r7 data, r8 data_end, r9 an array's value stay what they are, as a rule; r0 to r5 are
 * numbers. The stack from r10 - 64 up is written.
 */
struct generator {
	const uint8_t *in;
	size_t left;
	struct bpf_insn *out;
	uint32_t n;
	uint32_t calls[BODY_MAX]; /* slots of calls to be pointed at functions */
	uint32_t n_calls;
};

static uint8_t byte(struct generator *g)
{
	if (!g->left)
		return 0;
	g->left--;
	return *g->in++;
}

static unsigned pick(struct generator *g, unsigned n)
{
	return byte(g) % n;
}

static bool rarely(struct generator *g)
{
	return byte(g) > 250;
}

static void put(struct generator *g, struct bpf_insn insn)
{
	g->out[g->n++] = insn;
}

static int32_t constant(struct generator *g)
{
	static const int32_t seams[] = {0,  1,  -1,  2,      7,      8,          15,          16,
					31, 32, 255, 0x7fff, 0xffff, 0x7fffffff, -0x7fffffff, -8};
	uint8_t b = byte(g);

	if (b < 200)
		return seams[b % 16];
	return (int32_t)((uint32_t)byte(g) << 24 | (uint32_t)byte(g) << 16 | byte(g));
}

static uint8_t number(struct generator *g)
{
	return rarely(g) ? (uint8_t)pick(g, 11) : (uint8_t)pick(g, 6);
}

static uint8_t size(struct generator *g)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

	return sizes[pick(g, 4)];
}

static int bytes_of(uint8_t bpf_size)
{
	return bpf_size == BPF_B ? 1 : bpf_size == BPF_H ? 2 : bpf_size == BPF_W ? 4 : 8;
}

/* ---- Steps --------------------------------------------------------------------------------- */

static void arithmetic(struct generator *g)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,   BPF_AND,
				      BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_ARSH, BPF_MOV};
	uint8_t op = ops[pick(g, 12)], class = pick(g, 2) ? BPF_ALU64 : BPF_ALU, dst = number(g);
	int16_t off = (op == BPF_DIV || op == BPF_MOD) && pick(g, 2);

	if (pick(g, 2))
		put(g, INSN(class | op | BPF_X, dst, number(g), off, 0));
	else
		put(g, INSN(class | op | BPF_K, dst, 0, off, constant(g)));
}

static void unary(struct generator *g)
{
	static const int widths[] = {16, 32, 64};
	static const int16_t extensions[] = {8, 16, 32};
	uint8_t dst = number(g);

	switch (pick(g, 4)) {
	case 0:
		put(g, INSN((pick(g, 2) ? BPF_ALU64 : BPF_ALU) | BPF_NEG, dst, 0, 0, 0));
		break;
	case 1:
		put(g, INSN(BPF_ALU | BPF_END | (pick(g, 2) ? BPF_TO_BE : BPF_TO_LE), dst, 0, 0,
			    widths[pick(g, 3)]));
		break;
	case 2:
		put(g, INSN(BPF_ALU64 | BPF_END, dst, 0, 0, widths[pick(g, 3)]));
		break;
	default:
		put(g,
		    INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, number(g), extensions[pick(g, 3)], 0));
	}
}

static void stack(struct generator *g)
{
	uint8_t sz = size(g);
	int16_t off = (int16_t)(-64 + (int)pick(g, 64) / bytes_of(sz) * bytes_of(sz));

	if (rarely(g))
		off = (int16_t)(off - pick(g, 200));
	switch (pick(g, 3)) {
	case 0:
		put(g, STX(sz, 10, off, rarely(g) ? (uint8_t)pick(g, 11) : number(g)));
		break;
	case 1:
		put(g, ST(sz, 10, off, constant(g)));
		break;
	default:
		put(g, LDX(sz, number(g), 10, off));
	}
}

static void pointer_spill(struct generator *g)
{
	int16_t off = (int16_t)(-64 + 8 * (int)pick(g, 8));
	uint8_t reg = (uint8_t)(6 + pick(g, 4));

	put(g, STX(BPF_DW, 10, off, reg));
	put(g, LDX(rarely(g) ? BPF_W : BPF_DW, reg, 10, off));
	if (!rarely(g))
		put(g, ST(BPF_DW, 10, off, constant(g)));
}

/* Memory behind r7 or r9 at a constant offset. */
static void memory(struct generator *g)
{
	uint8_t base = pick(g, 2) ? 7 : 9, sz = size(g);
	int16_t off = (int16_t)pick(g, (unsigned)((base == 7 ? PROVEN : 16) - bytes_of(sz) + 1));

	if (rarely(g))
		off = (int16_t)(off + pick(g, 64) - 20);
	switch (pick(g, 4)) {
	case 0:
		put(g, STX(sz, base, off, rarely(g) ? (uint8_t)pick(g, 11) : number(g)));
		break;
	case 1:
		put(g, ST(sz, base, off, constant(g)));
		break;
	case 2:
		if (sz != BPF_DW) {
			put(g, LDSX(sz, number(g), base, off));
			break;
		}
		/* fallthrough */
	default:
		put(g, LDX(sz, number(g), base, off));
	}
}

static void bound(struct generator *g, uint8_t reg, int limit)
{
	switch (pick(g, 4)) {
	case 0:
		put(g, ALU64_K(BPF_AND, reg, limit - 1));
		break;
	case 1:
		put(g, ALU32_K(BPF_AND, reg, limit - 1));
		break;
	case 2:
		put(g, JMP_K(BPF_JLT, reg, limit, 1));
		put(g, MOV_K(reg, 0));
		break;
	default:
		put(g, ALU64_K(BPF_MOD, reg, limit));
	}
}

/* Through a pointer moved by a number that is bounded first, as a rule so that it stays inside. */
static void variable_memory(struct generator *g)
{
	static const uint8_t bases[] = {7, 9, 10};
	uint8_t base = bases[pick(g, 3)], index = number(g), p = number(g), sz = size(g);
	int displacement = base == 10 ? -64 : 0;

	if (!rarely(g))
		bound(g, index, rarely(g) ? 64 : 8);
	if (base == 10)
		put(g, ALU64_K(BPF_LSH, index, rarely(g) ? 2 : 3));
	put(g, MOV_X(p, base));
	put(g, ALU64_X(rarely(g) ? BPF_SUB : BPF_ADD, p, index));
	if (base == 7) {
		static const uint8_t ops[] = {BPF_JLE, BPF_JLT, BPF_JGE, BPF_JGT};

		put(g, ALU64_K(BPF_ADD, p, 8 + (int)pick(g, 20)));
		put(g, JMP_X(rarely(g) ? ops[pick(g, 4)] : ops[pick(g, 2)], p, 8, 1));
		put(g, JA(1));
		displacement = -bytes_of(sz);
	}
	if (pick(g, 2))
		put(g, STX(sz, p, displacement, index));
	else
		put(g, LDX(sz, index, p, displacement));
	put(g, MOV_K(p, constant(g)));
}

static void simple(struct generator *g)
{
	static void (*const steps[])(struct generator *) = {arithmetic, unary, stack, memory,
							    arithmetic};

	steps[pick(g, 5)](g);
}

/* Over a few simple instructions; rarely to anywhere behind. */
static void branch(struct generator *g)
{
	static const uint8_t ops[] = {BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				      BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET};
	uint8_t op = ops[pick(g, 11)], class = pick(g, 2) ? BPF_JMP : BPF_JMP32;
	uint32_t at = g->n;

	if (pick(g, 2))
		put(g, INSN(class | op | BPF_X, number(g), number(g), 0, 0));
	else
		put(g, INSN(class | op | BPF_K, number(g), 0, 0, constant(g)));
	for (unsigned i = 1 + pick(g, 4); i > 0; i--)
		simple(g);
	g->out[at].off = (int16_t)(rarely(g) ? 1 + pick(g, 8) : g->n - at - 1);
}

/* A copy and a constant, compared; what that tells of the other is used afterwards. */
static void linked_copy(struct generator *g)
{
	static const uint8_t ops[] = {BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JLT, BPF_JSGT, BPF_JSLE};
	uint8_t from = number(g), copy = number(g);
	bool whole = pick(g, 2);

	if (pick(g, 2))
		bound(g, from, 64);
	put(g, INSN((whole ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, copy, from, 0, 0));
	put(g, INSN((pick(g, 3) ? BPF_ALU64 : BPF_ALU) | (pick(g, 2) ? BPF_ADD : BPF_SUB) | BPF_K,
		    copy, 0, 0, constant(g)));
	put(g, INSN((pick(g, 2) ? BPF_JMP : BPF_JMP32) | ops[pick(g, 6)] | BPF_K,
		    pick(g, 3) ? copy : from, 0, 2, constant(g)));
	arithmetic(g);
	arithmetic(g);
}

static void loop(struct generator *g)
{
	uint8_t counter = number(g);
	uint32_t start;

	put(g, MOV_K(counter, 0));
	start = g->n;
	for (unsigned i = pick(g, 3) + 1; i > 0; i--)
		simple(g);
	put(g, ALU64_K(BPF_ADD, counter, 1));
	put(g, JMP_K(pick(g, 2) ? BPF_JLT : BPF_JNE, counter, 1 + (int)pick(g, 20),
		     (int)start - (int)g->n - 1));
}

static void numbers_again(struct generator *g)
{
	for (uint8_t r = 1; r <= 5; r++)
		put(g, LDX(BPF_W, r, 9, pick(g, 13)));
}

static void key_on_stack(struct generator *g)
{
	if (pick(g, 2))
		put(g, ST(BPF_W, 10, -68, (int)pick(g, 10)));
	else
		put(g, STX(BPF_W, 10, -68, number(g)));
	put(g, MOV_X(2, 10));
	put(g, ALU64_K(BPF_ADD, 2, -68));
}

static void map_argument(struct generator *g)
{
	struct bpf_insn pair[] = {LD_MAP_IDX(1, (int)pick(g, GENERATED_MAPS))};

	put(g, pair[0]);
	put(g, pair[1]);
}

static void look_up(struct generator *g)
{
	uint8_t sz = size(g);

	key_on_stack(g);
	map_argument(g);
	put(g, CALL(BPF_FUNC_map_lookup_elem));
	if (!rarely(g))
		put(g, JMP_K(BPF_JEQ, 0, 0, 1));
	put(g,
	    pick(g, 2) ? ST(sz, 0, (int)pick(g, 9), constant(g)) : LDX(sz, 0, 0, (int)pick(g, 9)));
	put(g, MOV_K(0, constant(g)));
	numbers_again(g);
}

static void update(struct generator *g)
{
	key_on_stack(g);
	put(g, MOV_X(3, 10));
	put(g, ALU64_K(BPF_ADD, 3, -64 + (int)pick(g, 49)));
	put(g, MOV_K(4, (int)pick(g, 4)));
	map_argument(g);
	put(g, CALL(BPF_FUNC_map_update_elem));
	numbers_again(g);
}

static void delete(struct generator *g)
{
	key_on_stack(g);
	map_argument(g);
	put(g, CALL(BPF_FUNC_map_delete_elem));
	numbers_again(g);
}

static void atomic(struct generator *g)
{
	static const int ops[] = {BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, BPF_XCHG, BPF_CMPXCHG};
	uint8_t sz = pick(g, 2) ? BPF_W : BPF_DW;
	int op = ops[pick(g, 6)] | (pick(g, 2) ? BPF_FETCH : 0);

	int16_t off = (int16_t)(bytes_of(sz) * (int)pick(g, 16 / (unsigned)bytes_of(sz)));

	if (rarely(g))
		off = (int16_t)(off + 4);
	if (pick(g, 2))
		put(g, ATOMIC(sz, op, 9, off, number(g)));
	else
		put(g, ATOMIC(sz, op, 10, off - 64, number(g)));
}

static void packet_length(struct generator *g)
{
	uint8_t dst = number(g);

	put(g, MOV_X(dst, 8));
	put(g, INSN((pick(g, 2) ? BPF_ALU64 : BPF_ALU) | BPF_SUB | BPF_X, dst, 7, 0, 0));
}

static void move_packet(struct generator *g)
{
	put(g, MOV_X(1, 6));
	put(g, MOV_K(2, (int)pick(g, 64) - 32));
	put(g, CALL(pick(g, 2) ? BPF_FUNC_xdp_adjust_head : BPF_FUNC_xdp_adjust_tail));
	put(g, LDX(BPF_W, 7, 6, 0));
	put(g, LDX(BPF_W, 8, 6, 4));
	put(g, MOV_X(1, 7));
	put(g, ALU64_K(BPF_ADD, 1, PROVEN));
	put(g, JMP_X(BPF_JLE, 1, 8, 2));
	put(g, MOV_K(0, 1));
	put(g, EXIT());
	numbers_again(g);
}

static void call_function(struct generator *g)
{
	static const uint8_t pointers[] = {7, 9, 10, 6};

	put(g, MOV_X(1, pointers[pick(g, 4)]));
	put(g, MOV_X(2, 10));
	g->calls[g->n_calls++] = g->n;
	put(g, CALL_LOCAL((int)pick(g, FUNCTIONS)));
	numbers_again(g);
}

static void anything(struct generator *g)
{
	struct bpf_insn insn = {0};

	if (!rarely(g))
		return;
	insn.code = byte(g);
	insn.dst_reg = byte(g) & 15;
	insn.src_reg = byte(g) & 15;
	insn.off = (int16_t)((int)byte(g) - 128);
	insn.imm = constant(g);
	put(g, insn);
}

/* ---- Program ------------------------------------------------------------------------------- */

static void prologue(struct generator *g)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_W, 7, 6, 0),
		LDX(BPF_W, 8, 6, 4),
		MOV_X(1, 7),
		ALU64_K(BPF_ADD, 1, PROVEN),
		JMP_X(BPF_JLE, 1, 8, 2),
		MOV_K(0, 1),
		EXIT(),
		ST(BPF_W, 10, -4, 1),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, GENERATED_ARRAY),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JNE, 0, 0, 2),
		MOV_K(0, 1),
		EXIT(),
		MOV_X(9, 0),
	};

	for (size_t i = 0; i < sizeof(insns) / sizeof(insns[0]); i++)
		put(g, insns[i]);
	for (int16_t off = -64; off < 0; off = (int16_t)(off + 8))
		put(g, ST(BPF_DW, 10, off, constant(g)));
	put(g, LDX(size(g), 0, 7, 0));
	for (uint8_t r = 1; r <= 5; r++)
		put(g, LDX(size(g), r, pick(g, 2) ? 7 : 9, pick(g, 8)));
}

static void step(struct generator *g)
{
	static void (*const steps[])(struct generator *) = {
		arithmetic,      arithmetic,    arithmetic,
		unary,           stack,         stack,
		memory,          memory,        variable_memory,
		variable_memory, branch,        branch,
		branch,          loop,          look_up,
		update,          atomic,        packet_length,
		delete,          call_function, move_packet,
		pointer_spill,   anything,      linked_copy,
	};

	steps[pick(g, sizeof(steps) / sizeof(steps[0]))](g);
}

static void function(struct generator *g)
{
	put(g, STX(BPF_DW, 10, -8, 1));
	if (pick(g, 2))
		put(g, LDX(BPF_DW, 0, 2, -64 + 8 * (int)pick(g, 8)));
	else
		put(g, MOV_K(0, constant(g)));
	if (pick(g, 2))
		put(g, STX(BPF_DW, 2, -64 + 8 * (int)pick(g, 8), 0));
	if (pick(g, 2))
		put(g, LDX(BPF_B, 0, 1, pick(g, 2) ? (int)pick(g, 16) : -(int)pick(g, 64)));
	for (unsigned i = pick(g, 4); i > 0; i--)
		put(g, ALU64_K(BPF_XOR, 0, constant(g)));
	put(g, EXIT());
}

/* Those that are called, each once: the kernel refuses code that nothing reaches. */
static void functions(struct generator *g)
{
	uint32_t starts[FUNCTIONS] = {0};

	for (uint32_t i = 0; i < g->n_calls; i++) {
		struct bpf_insn *call = &g->out[g->calls[i]];
		uint32_t *start = &starts[call->imm];

		if (!*start) {
			*start = g->n;
			function(g);
		}
		call->imm = (int)*start - (int)g->calls[i] - 1;
	}
}

/* Jumps beyond the program's end go to its end. */
static void clamp_jumps(struct generator *g, uint32_t end)
{
	for (uint32_t i = 0; i < end; i++) {
		uint8_t class = BPF_CLASS(g->out[i].code), op = BPF_OP(g->out[i].code);

		if ((class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT &&
		    i + 1 + g->out[i].off >= end)
			g->out[i].off = (int16_t)(end - 2 - i);
	}
}

uint32_t generate_program(const uint8_t *bytes, size_t n, struct bpf_insn *insns)
{
	struct generator g = {.in = bytes, .left = n, .out = insns};
	uint32_t end;

	prologue(&g);
	while (g.left && g.n < BODY_MAX)
		step(&g);
	put(&g, MOV_X(0, number(&g)));
	put(&g, EXIT());
	end = g.n;
	functions(&g);
	clamp_jumps(&g, end);
	return g.n;
}
