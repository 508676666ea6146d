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
		1 << 11,     /* reads what is in no field for registers, or in one of another use */
	LIR_NAMES = 1 << 12, /* that depends on the operation, not on its code alone */
};

/* In sets while they are put together: a memory operand is there. Above every register. */
#define LIR_HAS_MEMORY ((lir_set)1 << 31)

/* What operations of a code do, in the form in which it is asked most: sets, all or nothing for
 * each field, and what is the same whatever the fields are. */
struct lir_effects {
	lir_set a, b, dst; /* all ones if the field is read */
	lir_set uses;      /* read by all, and LIR_HAS_MEMORY */
	lir_set sets;      /* all ones if dst is set */
	lir_set defs;      /* set by all */
	uint32_t traits;   /* set of the above */
	uint32_t unused;
};

extern const struct lir_effects lir_effects[LIR_CODES];

/* The set of each register; of LIR_MEM, LIR_HAS_MEMORY; of what is no register, none. */
extern const lir_set lir_one_of[256];

static inline uint32_t lir_traits(const struct lir_op *op)
{
	return lir_effects[op->code].traits;
}

static inline lir_set lir_one(uint8_t reg)
{
	return lir_one_of[reg] & ~LIR_HAS_MEMORY;
}

static inline bool lir_has_memory(const struct lir_op *op)
{
	const struct lir_effects *e = &lir_effects[op->code];

	return (e->uses | (lir_one_of[op->a] & e->a) | (lir_one_of[op->b] & e->b)) & LIR_HAS_MEMORY;
}

/* What is read of registers that are not in fields for registers, and not the same for all of a
 * code. */
static inline lir_set lir_uses_named(const struct lir_op *op)
{
	return op->code == LIR_SELECT ? lir_one(op->index) : (lir_set)op->disp;
}

static inline lir_set lir_uses(const struct lir_op *op)
{
	const struct lir_effects *e = &lir_effects[op->code];
	lir_set uses = e->uses, address;

	uses |= lir_one_of[op->a] & e->a;
	uses |= lir_one_of[op->b] & e->b;
	uses |= lir_one_of[op->dst] & e->dst;
	address = lir_one_of[op->base] | (lir_one_of[op->index] & -(lir_set) !!op->scale);
	uses |= address & -(uses >> 31);
	if (e->traits & LIR_NAMES)
		uses |= lir_uses_named(op);
	return uses & ~LIR_HAS_MEMORY;
}

static inline lir_set lir_defs(const struct lir_op *op)
{
	const struct lir_effects *e = &lir_effects[op->code];

	return (lir_one_of[op->dst] & e->sets) | e->defs;
}

static inline bool lir_reads_memory(const struct lir_op *op)
{
	uint32_t t = lir_traits(op);

	return (t & LIR_READS) || (lir_has_memory(op) && !(t & (LIR_MEMORY | LIR_ADDRESS)));
}

static inline bool lir_writes_memory(const struct lir_op *op)
{
	return lir_traits(op) & LIR_WRITES;
}

static inline bool lir_is_pure(const struct lir_op *op)
{
	return op->code == LIR_NOP || ((lir_traits(op) & LIR_PURE) && !(op->flags & LIR_F_ACQUIRE));
}

static inline bool lir_is_call(const struct lir_op *op)
{
	return lir_traits(op) & LIR_CALLS;
}

static inline bool lir_ends_block(const struct lir_op *op)
{
	return lir_traits(op) & LIR_ENDS;
}

#endif
