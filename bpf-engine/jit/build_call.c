/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Calls of helpers, of the program's own functions and of other programs. */
#include "jit/inline.h"

const struct bpfe_helper *jit_callee(const struct bpfe_image *image, uint32_t slot)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id((uint32_t)image->insns[slot].imm);
	uint32_t type = image->type == BPF_PROG_TYPE_SCHED_CLS   ? BPFE_FOR_TC
			: (uint32_t)image->type == BPFE_PROG_MEM ? BPFE_FOR_MEM
								 : BPFE_FOR_XDP;

	return helper && helper->types && !(helper->types & type) ? NULL : helper;
}

static lir_set arguments(const struct bpfe_helper *helper)
{
	lir_set set = 0;

	for (unsigned i = 0; i < 5; i++) {
		if (helper->args[i] != BPFE_ARG_NONE)
			set |= LIR_BIT(lir_home[BPF_REG_1 + i]);
	}
	return set;
}

/* Behind the call another program may run instead, so that what follows is charged for on its own.
 */
static void tail_call(struct jit_builder *b, const struct bpfe_insn_aux *aux)
{
	struct lir_op op = jit_op(LIR_TAIL_CALL, 8);
	uint32_t index;

	if (aux->const_map) {
		op.imm = (int64_t)(uintptr_t)b->image->maps[aux->const_map - 1];
		op.flags = LIR_F_SECRET;
		op.a = LIR_RCX;
		if (jit_known_u32(b, LIR_RCX, &index) && index <= INT32_MAX) {
			op.a = LIR_IMM;
			op.disp = (int32_t)index;
		}
	}
	b->lir->functions[b->function].has_tail_call = true;
	b->lir->has_tail_call = true;
	b->charges_itself = true;
	jit_check_budget(b);
	jit_emit(b, op);
	jit_new_charge(b);
}

static void call(struct jit_builder *b, const struct bpfe_helper *helper)
{
	struct lir_op op = jit_op(LIR_CALL_HELPER, 8);

	op.imm = (int64_t)(uintptr_t)helper->fn;
	op.disp = (int32_t)arguments(helper);
	op.flags = LIR_F_SECRET;
	if (helper->plain)
		op.flags |= LIR_F_PLAIN;
	else
		b->charges_itself = b->lir->may_abort = true;
	if (helper->calls_back)
		op.flags |= LIR_F_CALLBACK;
	jit_emit(b, op);
	if (helper->calls_back)
		jit_new_charge(b); /* may_goto in the callback asks for what was executed */
}

void jit_build_call_helper(struct jit_builder *b, const struct bpf_insn *insn,
			   const struct bpfe_insn_aux *aux)
{
	const struct bpfe_helper *helper = jit_callee(b->image, b->slot);

	if (!helper) {
		jit_emit_trap(b);
		return;
	}
	for (unsigned arg = BPF_REG_1; arg <= BPF_REG_5; arg++) {
		if (aux->args_unset >> arg & 1)
			jit_emit_const(b, lir_home[arg], 0);
	}
	if (helper->id == BPF_FUNC_tail_call)
		tail_call(b, aux);
	else if (!jit_inline_call(b, helper, aux))
		call(b, helper);
}

void jit_build_call_local(struct jit_builder *b, const struct bpf_insn *insn,
			  const struct bpfe_insn_aux *aux)
{
	int64_t target = bpfe_jump_target(insn, BPFE_FORM_CALL_LOCAL, b->slot);
	struct lir_op op = jit_op(LIR_CALL_LOCAL, 8);

	op.target = b->image->aux[target].subprog;
	jit_emit(b, op);
	jit_new_charge(b);
}

void jit_build_callx(struct jit_builder *b, const struct bpf_insn *insn,
		     const struct bpfe_insn_aux *aux)
{
	struct lir_op op = jit_op(LIR_CALLX, 8);

	op.a = lir_home[insn->dst_reg];
	b->lir->may_abort = true; /* a number that is no function's is a trap */
	jit_emit(b, op);
	jit_new_charge(b);
}
