/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Rotations. BPF has none, so that they come as a shift to either side and an OR (or XOR, or ADD:
 * no bit is in both). By the time of the OR the number that is rotated is often gone, since one of
 * the shifts was done in place. So one of the shifts becomes the rotation, where it stands, and the
 * OR a move, or nothing.
 */
#include "jit/opt_idioms.h"

struct halves {
	jit_value left, right; /* SHL, SHR */
};

static bool find_halves(struct jit_idioms *id, uint32_t at, struct halves *h)
{
	const struct jit_operands *operands = &id->local.operands[at];

	h->left = operands->a;
	h->right = operands->b;
	if (jit_idiom_made_by(id, h->left, LIR_SHR)) {
		h->left = operands->b;
		h->right = operands->a;
	}
	return jit_idiom_made_by(id, h->left, LIR_SHL) && jit_idiom_made_by(id, h->right, LIR_SHR);
}

/* What is shifted by the operation that gave @value; a move of the bytes that count keeps it. */
static jit_value shifted(const struct jit_idioms *id, jit_value value)
{
	const struct lir_op *shift = &id->local.ops[value];
	jit_value of = id->local.operands[value].a;

	if (of >= 0 && id->local.ops[of].code == LIR_MOV && id->local.ops[of].b < LIR_NONE &&
	    id->local.ops[of].size >= shift->size)
		of = id->local.operands[of].b;
	return of;
}

static bool is_rotation(const struct jit_idioms *id, const struct lir_op *op,
			const struct halves *h)
{
	const struct lir_op *left = &id->local.ops[h->left], *right = &id->local.ops[h->right];

	return left->size == right->size && op->size >= left->size &&
	       left->imm + right->imm == 8 * left->size && left->imm && right->imm &&
	       shifted(id, h->left) == shifted(id, h->right);
}

/* The shift that can be the rotation: nobody else wants what it was. Rather one that already puts
 * it where it belongs. */
static jit_value choose(const struct jit_idioms *id, const struct lir_op *op,
			const struct halves *h)
{
	bool left = jit_idiom_only_use(id, h->left), right = jit_idiom_only_use(id, h->right);

	if (left && (id->local.ops[h->left].dst == op->dst || !right))
		return h->left;
	return right ? h->right : JIT_NO_VALUE;
}

void jit_idiom_rotate(struct jit_idioms *id, uint32_t at)
{
	struct lir_op *op = &id->local.ops[at];
	struct halves h;
	jit_value chosen;
	int64_t count;

	if (!find_halves(id, at, &h) || !is_rotation(id, op, &h))
		return;
	chosen = choose(id, op, &h);
	if (chosen == JIT_NO_VALUE)
		return;
	count = id->local.ops[h.left].imm;
	id->local.ops[chosen].code = LIR_ROL;
	id->local.ops[chosen].imm = count;
	id->local.n_uses[chosen] = id->local.n_uses[at];
	jit_idiom_move(op, id->local.ops[chosen].dst);
}
