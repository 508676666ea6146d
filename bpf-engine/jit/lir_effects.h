/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What operations read and write, for lir.h, which says what each of these tells: every pass asks
 * it of every operation, so it is in line and without branches.
 */
#ifndef BPFE_LIR_EFFECTS_H
#define BPFE_LIR_EFFECTS_H

enum {
	LIR_USES_A = 1 << 0,
	LIR_USES_B = 1 << 1,
	LIR_USES_DST = 1 << 2,
	LIR_SETS_DST = 1 << 3,
	LIR_MEMORY = 1 << 4,   /* always has base, index, scale, disp */
	LIR_READS = 1 << 5,    /* memory, always */
	LIR_WRITES = 1 << 6,   /* memory */
	LIR_ENDS = 1 << 7,     /* its block */
	LIR_PURE = 1 << 8,     /* nothing but dst comes of it */
	LIR_CALLS = 1 << 9,    /* loses LIR_CALLER_SAVED */
	LIR_ADDRESS = 1 << 10, /* base and index are used, memory is not touched */
	LIR_IMPLIES =
		1 << 11, /* reads what is in no field for registers, or in one of another use */
};

extern const uint16_t lir_traits[LIR_CODES];

/* The set of @reg; of what is no register, none. LIR_IMM and LIR_MEM stay above those. */
static inline lir_set lir_one(uint8_t reg)
{
	return LIR_BIT(reg & 31) & (LIR_BIT(LIR_NONE) - 1);
}

/* All ones if @bit (one of the traits) is in @traits, else 0. */
static inline lir_set lir_if(uint16_t traits, uint16_t bit)
{
	return -(lir_set) !!(traits & bit);
}

static inline bool lir_has_memory(const struct lir_op *op)
{
	uint16_t t = lir_traits[op->code];
	lir_set has = lir_if(t, LIR_MEMORY | LIR_ADDRESS);

	has |= lir_if(t, LIR_USES_B) & (lir_set)(op->b == LIR_MEM);
	has |= lir_if(t, LIR_USES_A) & (lir_set)(op->a == LIR_MEM);
	return has;
}

/* What of the operands' registers that are not in fields for registers is read. */
static inline lir_set lir_uses_implied(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_SELECT:
		return lir_one(op->index);
	case LIR_CALL_HELPER:
	case LIR_CALL_DIRECT:
		return (lir_set)op->disp;
	case LIR_TAIL_CALL:
		return LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX) | LIR_BIT(LIR_RCX);
	case LIR_CALL_LOCAL:
	case LIR_CALLX:
		return LIR_ARGUMENTS;
	case LIR_CMPXCHG:
	case LIR_EXIT:
		return LIR_BIT(LIR_RAX);
	default:
		return 0;
	}
}

static inline lir_set lir_uses(const struct lir_op *op)
{
	uint16_t t = lir_traits[op->code];
	lir_set uses = 0;

	uses |= lir_one(op->a) & lir_if(t, LIR_USES_A);
	uses |= lir_one(op->b) & lir_if(t, LIR_USES_B);
	uses |= lir_one(op->dst) & lir_if(t, LIR_USES_DST);
	uses |= (lir_one(op->base) | (lir_one(op->index) & -(lir_set) !!op->scale)) &
		-(lir_set)lir_has_memory(op);
	if (t & LIR_IMPLIES)
		uses |= lir_uses_implied(op);
	return uses;
}

static inline lir_set lir_defs(const struct lir_op *op)
{
	uint16_t t = lir_traits[op->code];
	lir_set defs = 0;

	defs |= lir_one(op->dst) & lir_if(t, LIR_SETS_DST);
	defs |= LIR_CALLER_SAVED & lir_if(t, LIR_CALLS);
	defs |= LIR_BIT(LIR_RAX) & -(lir_set)(op->code == LIR_CMPXCHG);
	return defs;
}

static inline bool lir_reads_memory(const struct lir_op *op)
{
	uint16_t t = lir_traits[op->code];

	return (t & LIR_READS) || (lir_has_memory(op) && !(t & (LIR_MEMORY | LIR_ADDRESS)));
}

static inline bool lir_writes_memory(const struct lir_op *op)
{
	return lir_traits[op->code] & LIR_WRITES;
}

static inline bool lir_is_pure(const struct lir_op *op)
{
	return op->code == LIR_NOP ||
	       ((lir_traits[op->code] & LIR_PURE) && !(op->flags & LIR_F_ACQUIRE));
}

static inline bool lir_is_call(const struct lir_op *op)
{
	return lir_traits[op->code] & LIR_CALLS;
}

static inline bool lir_ends_block(const struct lir_op *op)
{
	return lir_traits[op->code] & LIR_ENDS;
}

#endif
