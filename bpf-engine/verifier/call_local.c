// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The program's own functions: calls, and the way back.
 *
 * A function is followed at each call with what the caller passes, in a frame of its own. It may
 * use pointers into the caller's stack; none into its own may get out.
 *
 * Imprecision: a function called twice is followed twice.
 */
#include "verifier/verifier.h"

int bpfe_vf_call_local(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	uint32_t target = (uint32_t)((int64_t)vf->pc + 1 + insn->imm);
	struct bpfe_frame *caller = bpfe_top(vf->cur), *callee;
	int err;

	if (vf->cur->depth == BPFE_MAX_FRAMES)
		return bpfe_vf_refuse_err(vf, -E2BIG, BPFE_TOO_LARGE, "at most 8 frames",
					  "calls nest deeper than %u frames", BPFE_MAX_FRAMES);
	err = bpfe_state_push(vf, vf->cur, vf->image->aux[target].subprog, vf->pc + 1);
	if (err)
		return err;
	callee = bpfe_top(vf->cur);
	for (unsigned r = BPF_REG_1; r <= BPF_REG_5; r++)
		callee->regs[r] = caller->regs[r];
	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		caller->regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
	vf->next = target;
	return 0;
}

int bpfe_vf_exit(struct bpfe_vf *vf)
{
	struct bpfe_frame *frame = bpfe_top(vf->cur);
	struct bpfe_reg r0 = frame->regs[BPF_REG_0];
	int err;

	if (vf->cur->depth > 1) {
		if (r0.type == BPFE_REG_STACK)
			return bpfe_vf_refuse(
				vf, BPFE_BAD_RETURN, BPF_REG_0,
				"a scalar, or a pointer to something other than stack",
				"function returns a stack pointer");
		vf->next = frame->return_to;
		bpfe_state_pop(vf, vf->cur);
		bpfe_top(vf->cur)->regs[BPF_REG_0] = r0;
		return 0;
	}
	err = bpfe_held_check_none(vf, "the program ends");
	if (err)
		return err;
	if (r0.type != BPFE_REG_SCALAR)
		return bpfe_vf_refuse(vf, BPFE_BAD_RETURN, BPF_REG_0, "a scalar, the XDP verdict",
				      r0.type == BPFE_REG_UNINIT
					      ? "the program ends and R0 holds nothing"
					      : "the program ends and R0 holds a pointer");
	vf->path_ends = true;
	return 0;
}
