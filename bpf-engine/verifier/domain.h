/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Value domains of the verifier: what is known of a number.
 *
 *   tnum    which bits are known, and their values
 *   word    a tnum with an unsigned and a signed range, of any width up to 64 bits
 *   scalar  a 64-bit word and the word of its low half, kept consistent
 *
 * Each operator returns a value that contains every concrete result of its operands' concrete
 * values. Widths are parameters so that the tests can enumerate small ones.
 */
#ifndef BPFE_DOMAIN_H
#define BPFE_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

/* ---- tnum.c: bit i is unknown where mask has it, else equal to value's; value & mask == 0. */

struct bpfe_tnum {
	uint64_t value;
	uint64_t mask;
};

struct bpfe_tnum bpfe_tnum_add(struct bpfe_tnum a, struct bpfe_tnum b);
struct bpfe_tnum bpfe_tnum_sub(struct bpfe_tnum a, struct bpfe_tnum b);
struct bpfe_tnum bpfe_tnum_mul(struct bpfe_tnum a, struct bpfe_tnum b);
struct bpfe_tnum bpfe_tnum_and(struct bpfe_tnum a, struct bpfe_tnum b);
struct bpfe_tnum bpfe_tnum_or(struct bpfe_tnum a, struct bpfe_tnum b);
struct bpfe_tnum bpfe_tnum_xor(struct bpfe_tnum a, struct bpfe_tnum b);
struct bpfe_tnum bpfe_tnum_lsh(struct bpfe_tnum a, unsigned shift);
struct bpfe_tnum bpfe_tnum_rsh(struct bpfe_tnum a, unsigned shift);
struct bpfe_tnum bpfe_tnum_arsh(struct bpfe_tnum a, unsigned shift, unsigned width);
struct bpfe_tnum bpfe_tnum_sext(struct bpfe_tnum a, unsigned from, unsigned width);
struct bpfe_tnum bpfe_tnum_bswap(struct bpfe_tnum a, unsigned width);
struct bpfe_tnum bpfe_tnum_union(struct bpfe_tnum a, struct bpfe_tnum b);
bool bpfe_tnum_contains(struct bpfe_tnum t, uint64_t value);
/* Move @bound up to the least value of @t, of @width bits, that is not below it, or down to the
 * greatest that is not above it. False if @t has none there. */

/* ---- range.c: words. Signed bounds are kept sign-extended to 64 bits. */

struct bpfe_word {
	struct bpfe_tnum bits;
	uint64_t umin, umax;
	int64_t smin, smax;
};

/* Let bits and ranges inform one another; false when no value is left. */
bool bpfe_word_deduce(struct bpfe_word *x, unsigned width);
struct bpfe_word bpfe_word_union(struct bpfe_word a, struct bpfe_word b);
bool bpfe_word_intersect(struct bpfe_word *a, const struct bpfe_word *b, unsigned width);
bool bpfe_word_contains(const struct bpfe_word *x, uint64_t value, unsigned width);

/* ---- transfer.c: arithmetic on words. Results are not yet deduced. */

enum bpfe_word_op {
	BPFE_W_ADD,
	BPFE_W_SUB,
	BPFE_W_MUL,
	BPFE_W_AND,
	BPFE_W_OR,
	BPFE_W_XOR,
	BPFE_W_LSH,
	BPFE_W_RSH,
	BPFE_W_ARSH,
	BPFE_W_DIV,
	BPFE_W_MOD,
	BPFE_W_SDIV,
	BPFE_W_SMOD,
	BPFE_W_OPS
};

struct bpfe_word bpfe_word_alu(enum bpfe_word_op op, const struct bpfe_word *a,
			       const struct bpfe_word *b, unsigned width);
struct bpfe_word bpfe_word_sext(const struct bpfe_word *a, unsigned from, unsigned width);

/* ---- assume.c: what a comparison tells of its operands. */

enum bpfe_cond {
	BPFE_C_EQ,
	BPFE_C_NE,
	BPFE_C_LT,
	BPFE_C_GE,
	BPFE_C_GT,
	BPFE_C_LE,
	BPFE_C_SLT,
	BPFE_C_SGE,
	BPFE_C_SGT,
	BPFE_C_SLE,
	BPFE_C_SET,
	BPFE_C_NSET,
	BPFE_CONDS
};

enum bpfe_cond bpfe_cond_not(enum bpfe_cond cond);
/* Narrow @a and @b to values for which @cond can hold; false when it never holds. */
bool bpfe_word_assume(enum bpfe_cond cond, struct bpfe_word *a, struct bpfe_word *b,
		      unsigned width);

/* ---- scalar.c: 64-bit values with their low halves. */

struct bpfe_scalar {
	struct bpfe_word x;  /* all 64 bits */
	struct bpfe_word lo; /* low 32 bits */
};

/* Unknown value of @bytes bytes, zero-extended or (@sign) sign-extended. */
struct bpfe_scalar bpfe_scalar_loaded(unsigned bytes, bool sign);
bool bpfe_scalar_deduce(struct bpfe_scalar *s);
struct bpfe_scalar bpfe_scalar_alu(enum bpfe_word_op op, const struct bpfe_scalar *a,
				   const struct bpfe_scalar *b, bool is64);
struct bpfe_scalar bpfe_scalar_zext(const struct bpfe_scalar *a, unsigned from);
struct bpfe_scalar bpfe_scalar_sext(const struct bpfe_scalar *a, unsigned from, bool is64);
struct bpfe_scalar bpfe_scalar_bswap(const struct bpfe_scalar *a, unsigned width);
bool bpfe_scalar_assume(enum bpfe_cond cond, struct bpfe_scalar *a, struct bpfe_scalar *b,
			bool is64);
struct bpfe_scalar bpfe_scalar_union(const struct bpfe_scalar *a, const struct bpfe_scalar *b);
bool bpfe_scalar_contains(const struct bpfe_scalar *s, uint64_t value);

#include "verifier/domain_inline.h"

#endif
