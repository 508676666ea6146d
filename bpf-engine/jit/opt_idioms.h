/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The parts of opt_idioms: each looks at one operation and those that made its operands. */
#ifndef BPFE_OPT_IDIOMS_H
#define BPFE_OPT_IDIOMS_H

#include "jit/local.h"

/* A block whose operations are looked at in order. What an operation is made into defines the same
 * register; what it no longer needs becomes a NOP or is left to jit_opt_dead(). */
struct jit_idioms {
	struct jit_local local;
};

/* The operation that gave @value, if it is one of the block with code @code and an immediate b. */
struct lir_op *jit_idiom_made_by(struct jit_idioms *id, jit_value value, uint8_t code);

/* Would @reg hold @value in front of operation @at if operation @without were not there? (-1: it
 * stays.) False too if that takes long to tell. */
bool jit_idiom_holds(const struct jit_idioms *id, uint8_t reg, jit_value value, uint32_t at,
		     jit_value without);

/* Is the one operation that reads @value the one that is looked at? Then it can be left out. */
bool jit_idiom_only_use(const struct jit_idioms *id, jit_value value);

/* @op is nothing but a move of all of @reg, or nothing at all. */
void jit_idiom_move(struct lir_op *op, uint8_t reg);

/* opt_idioms_rotate.c: shifts that are or'ed. opt_idioms_address.c: shifts, sums and products that
 * are addresses' arithmetic. opt_idioms.c: the rest. */
void jit_idiom_rotate(struct jit_idioms *id, uint32_t at);
void jit_idiom_sum(struct jit_idioms *id, uint32_t at);
void jit_idiom_product(struct jit_idioms *id, uint32_t at);
void jit_idiom_shift_left(struct jit_idioms *id, uint32_t at);

#endif
