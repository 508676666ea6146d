/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The parts of opt_values: what is known of registers, of edges, and what follows for operations.
 */
#ifndef BPFE_OPT_VALUES_H
#define BPFE_OPT_VALUES_H

#include "jit/lir.h"
#include "verifier/domain.h"

#pragma GCC visibility push(hidden) /* see lir.h */

#define JIT_VALUE_REGS (LIR_FP + 1)

/* ---- opt_values_domain.c: facts of a number. ------------------------------------------------- */

/* Known bits and unsigned bounds. The verifier's words know signed bounds too and are tighter, at
 * many times the cost: this runs on every operation of every program. */
struct jit_fact {
	struct bpfe_tnum bits;
	uint64_t min, max;
};

static inline uint64_t jit_low_bits(unsigned bytes)
{
	return bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * bytes)) - 1;
}

/* Bits that may be set. */
static inline uint64_t jit_fact_ones(const struct jit_fact *f)
{
	return f->bits.value | f->bits.mask;
}

static inline bool jit_fact_is_const(const struct jit_fact *f)
{
	return !f->bits.mask;
}

struct jit_fact jit_fact_const(uint64_t value);
struct jit_fact jit_fact_unknown(unsigned bytes); /* of so many bytes, zero-extended */
/* Let bits and bounds inform one another; false when no value is left. */
bool jit_fact_settle(struct jit_fact *f);
/* The low @bytes of it, zero-extended. */
struct jit_fact jit_fact_low(struct jit_fact f, unsigned bytes);
struct jit_fact jit_fact_sext(struct jit_fact f, unsigned from, unsigned to);
struct jit_fact jit_fact_join(const struct jit_fact *a, const struct jit_fact *b);
bool jit_fact_equal(const struct jit_fact *a, const struct jit_fact *b);
/* What a OP b of @bytes is, @code one of LIR_ADD to LIR_SMOD but SHLD. */
struct jit_fact jit_fact_binary(uint8_t code, unsigned bytes, struct jit_fact a, struct jit_fact b);

/* ---- opt_values_edge.c: what comparisons tell. ----------------------------------------------- */

enum jit_known {
	JIT_MAYBE,
	JIT_NEVER,
	JIT_ALWAYS
};

enum jit_known jit_decide(uint8_t cond, unsigned bytes, const struct jit_fact *a,
			  const struct jit_fact *b);
/* cond(a, b) of @bytes holds: narrow both. False: it cannot. */
bool jit_assume(uint8_t cond, unsigned bytes, struct jit_fact *a, struct jit_fact *b);

/* ---- opt_values_state.c: facts of all registers at one place. -------------------------------- */

struct jit_values {
	struct jit_fact of[JIT_VALUE_REGS];
	/* Register with the same value that stands for all that have it: its own is itself. */
	uint8_t same[JIT_VALUE_REGS];
	lir_set copies; /* those whose same is another */
};

void jit_values_unknown(struct jit_values *v);
/* @reg gets a new value. */
void jit_values_set(struct jit_values *v, uint8_t reg, struct jit_fact fact);
/* What operand b is; of memory: unknown. */
struct jit_fact jit_values_b(const struct jit_values *v, const struct lir_op *op);
/* What dst of @op becomes; of one that has none: unknown. */
struct jit_fact jit_values_result(const struct jit_values *v, const struct lir_op *op);
/* Go past @op, whose dst becomes @fact. */
void jit_values_step(struct jit_values *v, const struct lir_op *op, const struct jit_fact *fact);
/* What is known behind the branch @op if its condition @holds. False: it cannot. */
bool jit_values_branch(struct jit_values *v, const struct lir_op *op, bool holds);
/* @into: what is known where control comes from either. With @widen, what changes loses all but its
 * size, so that loops end. True if @into changed. */
bool jit_values_join(struct jit_values *into, const struct jit_values *from, bool widen);

/* ---- opt_values_pairs.c ---------------------------------------------------------------------- */

/* Pairs of shifts in @block that are extensions become those. */
void jit_values_pairs(struct lir_block *block);

/* ---- opt_values_rewrite.c -------------------------------------------------------------------- */

/* Make @op, whose dst becomes @fact, cheaper by what is known in front of it. */
void jit_values_rewrite(const struct jit_values *v, struct lir_op *op, const struct jit_fact *fact);

#pragma GCC visibility pop

#endif
