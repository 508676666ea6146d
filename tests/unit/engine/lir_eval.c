/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Runs programs in the JIT's intermediate form; lir_eval.h says what for. */
#include <string.h>
#include "lir_eval.h"

/* Any function that spreads its input over all bits will do. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
	return x ^ (x >> 29);
}

static uint64_t junk(struct lir_eval *e)
{
	e->junk = mix(e->junk + 1);
	return e->junk;
}

static uint64_t low(uint64_t value, unsigned size)
{
	return size >= 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

static int64_t signed_low(uint64_t value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (int64_t)(value << shift) >> shift;
}

static uint64_t swap(uint64_t value, unsigned bytes)
{
	return __builtin_bswap64(value) >> (64 - 8 * bytes);
}

/* ---- Operands -------------------------------------------------------------------------------- */

static uint64_t address(const struct lir_eval *e, const struct lir_op *op)
{
	uint64_t at = (uint64_t)(int64_t)op->disp;

	if (op->base != LIR_NONE)
		at += e->regs[op->base];
	if (op->index != LIR_NONE)
		at += e->regs[op->index] * op->scale;
	return at;
}

static uint64_t read_memory(const struct lir_eval *e, const struct lir_op *op, unsigned size)
{
	uint64_t at = address(e, op), value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)e->memory[op->mem_kind][(at + i) % LIR_EVAL_MEMORY] << (8 * i);
	return value;
}

static void write_memory(struct lir_eval *e, const struct lir_op *op, unsigned size, uint64_t value)
{
	uint64_t at = address(e, op);

	for (unsigned i = 0; i < size; i++)
		e->memory[op->mem_kind][(at + i) % LIR_EVAL_MEMORY] = (uint8_t)(value >> (8 * i));
}

static uint64_t operand_b(const struct lir_eval *e, const struct lir_op *op)
{
	if (op->b == LIR_IMM)
		return op->code == LIR_BRANCH ? (uint64_t)(int64_t)op->imm32 : (uint64_t)op->imm;
	if (op->b == LIR_MEM)
		return read_memory(e, op, op->size);
	return e->regs[op->b];
}

/* ---- Values ---------------------------------------------------------------------------------- */

static uint64_t shift(const struct lir_op *op, uint64_t a, uint64_t b)
{
	unsigned bits = 8 * op->size, n = (unsigned)(b % bits);

	a = low(a, op->size);
	switch (op->code) {
	case LIR_SHL:
		return a << n;
	case LIR_SHR:
		return a >> n;
	case LIR_ROL:
		return n ? a << n | a >> (bits - n) : a;
	default:
		return (uint64_t)(signed_low(a, op->size) >> n);
	}
}

static uint64_t divide(const struct lir_op *op, uint64_t a, uint64_t b)
{
	bool modulo = op->code == LIR_UMOD || op->code == LIR_SMOD;

	a = low(a, op->size);
	b = low(b, op->size);
	if (!b)
		return modulo ? a : 0;
	if (op->code == LIR_UDIV || op->code == LIR_UMOD)
		return modulo ? a % b : a / b;
	if (signed_low(b, op->size) == -1)
		return modulo ? 0 : -a;
	return (uint64_t)(modulo ? signed_low(a, op->size) % signed_low(b, op->size)
				 : signed_low(a, op->size) / signed_low(b, op->size));
}

static uint64_t arithmetic(uint8_t code, uint64_t a, uint64_t b)
{
	switch (code) {
	case LIR_ADD:
		return a + b;
	case LIR_SUB:
		return a - b;
	case LIR_MUL:
		return a * b;
	case LIR_AND:
		return a & b;
	case LIR_OR:
		return a | b;
	default:
		return a ^ b;
	}
}

bool lir_eval_cond(uint8_t cond, uint8_t size, uint64_t a, uint64_t b)
{
	int64_t sa = signed_low(a, size), sb = signed_low(b, size);

	a = low(a, size);
	b = low(b, size);
	switch (cond) {
	case LIR_B:
		return a < b;
	case LIR_AE:
		return a >= b;
	case LIR_E:
		return a == b;
	case LIR_NE:
		return a != b;
	case LIR_BE:
		return a <= b;
	case LIR_A:
		return a > b;
	case LIR_S:
		return signed_low(a - b, size) < 0;
	case LIR_NS:
		return signed_low(a - b, size) >= 0;
	case LIR_L:
		return sa < sb;
	case LIR_GE:
		return sa >= sb;
	case LIR_LE:
		return sa <= sb;
	case LIR_G:
		return sa > sb;
	case LIR_TESTZ:
		return !(a & b);
	default:
		return a & b;
	}
}

static bool condition(const struct lir_eval *e, const struct lir_op *op)
{
	uint64_t a = op->a == LIR_MEM ? read_memory(e, op, op->size) : e->regs[op->a];

	return lir_eval_cond(op->cond, op->size, a, operand_b(e, op));
}

/* ZEXT, SEXT, BSWAP: of imm bytes. */
static uint64_t narrow(const struct lir_eval *e, const struct lir_op *op)
{
	unsigned bytes = (unsigned)op->imm;
	uint64_t value = op->b == LIR_MEM ? read_memory(e, op, bytes) : e->regs[op->a];

	if (op->code == LIR_BSWAP)
		return swap(value, bytes);
	if (op->code == LIR_ZEXT)
		return low(value, bytes);
	return low((uint64_t)signed_low(value, bytes), op->size);
}

static uint64_t load(const struct lir_eval *e, const struct lir_op *op)
{
	uint64_t value = read_memory(e, op, op->size);

	return op->flags & LIR_F_SIGNED ? (uint64_t)signed_low(value, op->size) : value;
}

static uint64_t sum(const struct lir_eval *e, const struct lir_op *op)
{
	struct lir_op number = *op;
	uint64_t total = e->regs[op->a];

	for (int64_t i = 0; i < op->imm; i++) {
		total += read_memory(e, &number, op->alu);
		number.disp += op->alu;
	}
	return total;
}

static uint64_t shift_double(const struct lir_eval *e, const struct lir_op *op)
{
	unsigned bits = 8 * op->size, n = (unsigned)op->imm % bits;
	uint64_t a = low(e->regs[op->a], op->size), b = low(e->regs[op->b], op->size);

	return n ? a << n | b >> (bits - n) : a;
}

/* LIR_MASK: a, or 0. */
static uint64_t masked(const struct lir_eval *e, const struct lir_op *op)
{
	uint64_t a = e->regs[op->a];

	return (op->flags & LIR_F_SIGNED ? -a : a) <= (uint64_t)op->imm ? a : 0;
}

/* What a pure operation gives; false: it is none. Frames have no end here: LIR_CLAMP is a move. */
static bool value_of(const struct lir_eval *e, const struct lir_op *op, uint64_t *value)
{
	switch (op->code) {
	case LIR_MOV:
		*value = low(operand_b(e, op), op->size);
		return true;
	case LIR_ADD:
	case LIR_SUB:
	case LIR_MUL:
	case LIR_AND:
	case LIR_OR:
	case LIR_XOR:
		*value = low(arithmetic(op->code, e->regs[op->a], operand_b(e, op)), op->size);
		return true;
	case LIR_SHL:
	case LIR_SHR:
	case LIR_SAR:
	case LIR_ROL:
		*value = low(shift(op, e->regs[op->a], operand_b(e, op)), op->size);
		return true;
	case LIR_SHLD:
		*value = low(shift_double(e, op), op->size);
		return true;
	case LIR_UDIV:
	case LIR_UMOD:
	case LIR_SDIV:
	case LIR_SMOD:
		*value = low(divide(op, e->regs[op->a], operand_b(e, op)), op->size);
		return true;
	case LIR_NEG:
		*value = low(-e->regs[op->a], op->size);
		return true;
	case LIR_BSWAP:
	case LIR_ZEXT:
	case LIR_SEXT:
		*value = narrow(e, op);
		return true;
	case LIR_LEA:
		*value = low(address(e, op), op->size);
		return true;
	case LIR_LOAD:
		*value = load(e, op);
		return true;
	case LIR_SUM:
		*value = low(sum(e, op), op->size);
		return true;
	case LIR_SELECT:
		*value = low(e->regs[condition(e, op) ? op->dst : op->index], op->size);
		return true;
	case LIR_SETCC:
		*value = condition(e, op);
		return true;
	case LIR_MASK:
		*value = masked(e, op);
		return true;
	case LIR_GUARD:
		*value = condition(e, op) ? e->regs[op->dst] : LIR_NOWHERE;
		return true;
	case LIR_CLAMP:
		*value = e->regs[op->a];
		return true;
	default:
		return false;
	}
}

/* ---- Effects --------------------------------------------------------------------------------- */

static void modify(struct lir_eval *e, const struct lir_op *op)
{
	uint64_t old = read_memory(e, op, op->size);
	uint64_t value = operand_b(e, op);

	write_memory(e, op, op->size, arithmetic(op->alu, old, value));
	if (op->code == LIR_FETCH)
		e->regs[op->dst] = old;
}

static void exchange(struct lir_eval *e, const struct lir_op *op)
{
	uint64_t old = read_memory(e, op, op->size);

	if (op->code == LIR_XCHG || old == low(e->regs[LIR_RAX], op->size))
		write_memory(e, op, op->size, e->regs[op->b]);
	e->regs[op->code == LIR_XCHG ? op->dst : (uint8_t)LIR_RAX] = old;
}

static const uint8_t arguments[] = {LIR_RSI, LIR_RDX, LIR_RCX, LIR_R8, LIR_R9};

/* What is called is a hash of all it may look at: which registers those are, lir_uses() says. */
static void call(struct lir_eval *e, const struct lir_op *op)
{
	lir_set uses = lir_uses(op);

	e->trace = mix(e->trace ^ op->code ^ (op->code == LIR_TAIL_CALL ? 0 : (uint64_t)op->imm));
	for (unsigned i = 0; i < sizeof(arguments); i++) {
		if (uses & LIR_BIT(arguments[i]))
			e->trace = mix(e->trace ^ e->regs[arguments[i]]);
	}
	for (unsigned i = 0; i < sizeof(e->memory); i++) {
		if (i / LIR_EVAL_MEMORY != BPFE_MEM_STACK || i % LIR_EVAL_MEMORY >= e->hidden)
			e->trace = mix(e->trace ^ (&e->memory[0][0])[i]);
	}
	for (unsigned reg = 0; reg < LIR_NONE; reg++) {
		if (LIR_CALLER_SAVED & LIR_BIT(reg))
			e->regs[reg] = junk(e);
	}
	e->regs[LIR_RAX] = mix(e->trace);
}

/* One operation that does not end a block. */
static enum lir_eval_end step(struct lir_eval *e, const struct lir_op *op)
{
	uint64_t value;

	if (value_of(e, op, &value)) {
		e->regs[op->dst] = value;
		return LIR_EVAL_EXIT;
	}
	switch (op->code) {
	case LIR_NOP:
	case LIR_FENCE:
	case LIR_OBJECT:
		break;
	case LIR_STORE:
		write_memory(e, op, op->size, operand_b(e, op));
		break;
	case LIR_RMW:
	case LIR_ATOMIC:
	case LIR_FETCH:
		modify(e, op);
		break;
	case LIR_XCHG:
	case LIR_CMPXCHG:
		exchange(e, op);
		break;
	case LIR_CALL_HELPER:
	case LIR_CALL_DIRECT:
	case LIR_TAIL_CALL:
		call(e, op);
		break;
	case LIR_CHARGE:
		e->budget += (uint64_t)op->imm;
		break;
	default:
		return LIR_EVAL_ERROR;
	}
	return LIR_EVAL_EXIT;
}

/* Up to the operation that ends the block, which is *end, or NULL. */
static enum lir_eval_end run_block(const struct lir_block *block, struct lir_eval *e,
				   const struct lir_op **end)
{
	*end = NULL;
	for (uint32_t i = 0; i < block->n_ops; i++) {
		const struct lir_op *op = &block->ops[i];

		if (!e->steps)
			return LIR_EVAL_STEPS;
		e->steps--;
		if (lir_ends_block(op)) {
			*end = op;
			return i + 1 == block->n_ops ? LIR_EVAL_EXIT : LIR_EVAL_ERROR;
		}
		if (step(e, op) != LIR_EVAL_EXIT)
			return LIR_EVAL_ERROR;
	}
	return LIR_EVAL_EXIT;
}

enum lir_eval_end lir_eval_block(const struct lir *lir, uint32_t block, struct lir_eval *eval)
{
	const struct lir_op *end;

	return run_block(&lir->blocks[block], eval, &end);
}

enum lir_eval_end lir_eval_run(const struct lir *lir, struct lir_eval *eval)
{
	uint32_t b = lir->functions[0].entry;

	for (;;) {
		const struct lir_block *block = &lir->blocks[b];
		const struct lir_op *op;
		enum lir_eval_end end = run_block(block, eval, &op);

		if (end != LIR_EVAL_EXIT)
			return end;
		if (op && op->code == LIR_EXIT)
			return LIR_EVAL_EXIT;
		if (op && op->code == LIR_TRAP)
			return LIR_EVAL_TRAP;
		if (op && (op->code == LIR_JUMP || (op->code == LIR_BRANCH && condition(eval, op))))
			b = op->target;
		else
			b = block->next;
		if (b >= lir->n_blocks)
			return LIR_EVAL_ERROR;
		if (!eval->steps) /* blocks may be empty */
			return LIR_EVAL_STEPS;
		eval->steps--;
	}
}
