/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the block being filled tells of a helper's arguments (jit/inline.h). */
#include "jit/inline.h"

/* One step back from what @op leaves in its dst: false, nothing is known. *reg + *add is what it
 * was before, or *constant. */
static bool step_back(const struct lir_op *op, uint8_t *reg, int64_t *add, bool *constant)
{
	bool imm = op->b == LIR_IMM;

	switch (op->code) {
	case LIR_MOV:
		if (imm) {
			*add += op->size == 8 ? op->imm : (int64_t)(uint32_t)op->imm;
			*constant = true;
			return true;
		}
		*reg = op->b;
		return op->size == 8 && op->b < LIR_NONE;
	case LIR_ADD:
	case LIR_SUB:
		*add += op->code == LIR_ADD ? op->imm : -op->imm;
		*reg = op->a;
		return op->size == 8 && imm && op->a < LIR_NONE;
	case LIR_LEA:
		*add += op->disp;
		*reg = op->base;
		return op->size == 8 && !op->scale && op->base < LIR_NONE;
	default:
		return false;
	}
}

struct jit_known jit_known(const struct jit_builder *b, uint8_t reg)
{
	const struct lir_block *block = &b->lir->blocks[b->block];
	bool constant = false;
	int64_t add = 0;

	for (uint32_t i = block->n_ops; i-- > 0 && reg != LIR_FP && !constant;) {
		const struct lir_op *op = &block->ops[i];

		if ((lir_defs(op) & LIR_BIT(reg)) && !step_back(op, &reg, &add, &constant))
			return (struct jit_known){0};
	}
	if (constant)
		return (struct jit_known){JIT_KNOWN_CONST, add};
	return (struct jit_known){reg == LIR_FP ? JIT_KNOWN_STACK : JIT_KNOWN_NOT, add};
}

bool jit_known_u32(const struct jit_builder *b, uint8_t reg, uint32_t *value)
{
	struct jit_known known = jit_known(b, reg);

	*value = (uint32_t)known.value;
	return known.kind == JIT_KNOWN_CONST;
}

struct jit_place jit_place(const struct jit_builder *b, uint8_t pointer)
{
	struct jit_known known = jit_known(b, pointer);

	if (known.kind == JIT_KNOWN_STACK)
		return (struct jit_place){LIR_FP, BPFE_MEM_STACK, (int32_t)known.value};
	return (struct jit_place){pointer, BPFE_MEM_NONE, 0};
}

/* May @op write to the stack? Not asked of stores relative to r10. */
static bool may_write_stack(const struct lir_op *op)
{
	return lir_is_call(op) || (lir_writes_memory(op) && (op->mem_kind == BPFE_MEM_STACK ||
							     op->mem_kind == BPFE_MEM_NONE));
}

static bool is_frame_store(const struct lir_op *op)
{
	return op->code == LIR_STORE && op->base == LIR_FP && !op->scale;
}

/* The operation of the block that stored the 4 bytes at @disp of the stack, UINT32_MAX if it is not
 * known. */
static uint32_t find_store(const struct lir_block *block, int32_t disp)
{
	for (uint32_t i = block->n_ops; i-- > 0;) {
		const struct lir_op *op = &block->ops[i];

		if (is_frame_store(op)) {
			if (op->disp == disp && op->size == 4)
				return i;
			if (op->disp < disp + 4 && disp < op->disp + op->size)
				return UINT32_MAX;
		} else if (may_write_stack(op)) {
			return UINT32_MAX;
		}
	}
	return UINT32_MAX;
}

/* The registers that operations behind @at of @block read or change. */
static lir_set touched_since(const struct lir_block *block, uint32_t at)
{
	lir_set set = 0;

	for (uint32_t i = at + 1; i < block->n_ops; i++)
		set |= lir_defs(&block->ops[i]) | lir_uses(&block->ops[i]);
	return set;
}

/* Is @reg what it was behind operation @at of @block? */
static bool unchanged_since(const struct lir_block *block, uint32_t at, uint8_t reg)
{
	for (uint32_t i = at + 1; i < block->n_ops; i++) {
		if (lir_defs(&block->ops[i]) & LIR_BIT(reg))
			return false;
	}
	return true;
}

/*
 * The register that operation @at stored has another value by now, mostly that of the next
 * argument: keep the one it had in a register that the call loses and nothing uses until then.
 * LIR_NONE: there is none. Look-ups have no argument in these.
 */
static uint8_t keep_stored(struct jit_builder *b, uint32_t at)
{
	static const uint8_t candidates[] = {LIR_R9, LIR_R8, LIR_RCX};
	const struct lir_block *block = &b->lir->blocks[b->block];
	const lir_set touched = touched_since(block, at);
	struct lir_op move = jit_op(LIR_MOV, 4);

	move.b = block->ops[at].b;
	move.slot = block->ops[at].slot;
	for (size_t i = 0; i < sizeof(candidates); i++) {
		if ((touched & LIR_BIT(candidates[i])) || candidates[i] == move.b)
			continue;
		move.dst = candidates[i];
		if (!lir_insert(b->lir, b->block, at + 1, &move))
			return LIR_NONE;
		if (b->charge_block == b->block && b->charge_op > at)
			b->charge_op++;
		return move.dst;
	}
	return LIR_NONE;
}

/* What @reg was before operation @at. */
static bool const_before(const struct jit_builder *b, uint32_t at, uint8_t reg, uint32_t *value)
{
	struct lir_block *block = &b->lir->blocks[b->block];
	const uint32_t n_ops = block->n_ops;
	bool known;

	block->n_ops = at;
	known = jit_known_u32(b, reg, value);
	block->n_ops = n_ops;
	return known;
}

bool jit_load_u32(struct jit_builder *b, uint8_t dst, const struct jit_place *place,
		  uint32_t *value)
{
	const struct lir_block *block = &b->lir->blocks[b->block];
	uint32_t at = place->base == LIR_FP ? find_store(block, place->disp) : UINT32_MAX;
	const struct lir_op *store = at == UINT32_MAX ? NULL : &block->ops[at];

	if (store && store->b == LIR_IMM) {
		*value = (uint32_t)store->imm;
		return true;
	}
	if (store && store->b < LIR_FP) {
		uint8_t reg = store->b;

		if (const_before(b, at, reg, value))
			return true;
		if (!unchanged_since(block, at, reg))
			reg = keep_stored(b, at);
		if (reg != LIR_NONE) {
			jit_emit_mov(b, 4, dst, reg);
			return false;
		}
	}
	jit_place_load(b, 4, dst, place, 0);
	return false;
}

void jit_move_pointer(struct jit_builder *b, uint8_t dst, uint8_t pointer)
{
	const struct jit_place place = jit_place(b, pointer);
	struct lir_op op = jit_op(LIR_LEA, 8);

	if (place.mem_kind != BPFE_MEM_STACK) {
		jit_emit_mov(b, 8, dst, pointer);
		return;
	}
	op.dst = dst;
	op.base = LIR_FP;
	op.disp = place.disp;
	jit_emit(b, op);
}
