// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The program's own functions: calls, and the way back; and may_goto.
 *
 * A function is followed at each call with what the caller passes, in a frame of its own. It may
 * use pointers into the caller's stack; none into its own may get out. Global functions are
 * different, see global.c.
 *
 * Imprecision: a function called twice is followed twice.
 */
#include "verifier/verifier.h"

static int call(struct bpfe_vf *vf, uint32_t function)
{
	struct bpfe_frame *caller = bpfe_top(vf->cur), *callee;
	int err = bpfe_vf_enter(vf, vf->cur, function, vf->pc + 1);

	if (err)
		return err;
	callee = bpfe_top(vf->cur);
	for (unsigned r = BPF_REG_1; r <= BPF_REG_5; r++)
		callee->regs[r] = caller->regs[r];
	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		caller->regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
	vf->next = vf->image->subprogs[function].start;
	return 0;
}

int bpfe_vf_call_local(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	uint32_t function = vf->image->aux[(int64_t)vf->pc + 1 + insn->imm].subprog;

	if (bpfe_is_global(vf->image, function))
		return bpfe_vf_call_global(vf, function);
	return call(vf, function);
}

int bpfe_vf_callx(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[insn->dst_reg];
	uint32_t function = reg->map;
	int err = bpfe_check_reg(vf, insn->dst_reg);

	if (err)
		return err;
	if (reg->type != BPFE_REG_FUNC || reg->nullable)
		return bpfe_vf_refuse(vf, BPFE_BAD_CONTROL, insn->dst_reg,
				      "the address of a function of the program",
				      "indirect call of R%d, which is a %s", insn->dst_reg,
				      bpfe_reg_type_name(reg));
	err = bpfe_flow_note_call(vf, function);
	return err ? err : call(vf, function);
}

/* ---- Exit ---------------------------------------------------------------------------------- */

static int return_to_caller(struct bpfe_vf *vf)
{
	struct bpfe_frame *frame = bpfe_top(vf->cur);
	struct bpfe_reg r0 = frame->regs[BPF_REG_0];
	int err = bpfe_held_check_frame(vf);

	if (err)
		return err;
	if (r0.type == BPFE_REG_STACK)
		return bpfe_vf_refuse(vf, BPFE_BAD_RETURN, BPF_REG_0,
				      "a scalar, or a pointer to something other than stack",
				      "function returns a stack pointer");
	vf->next = frame->return_to;
	bpfe_state_pop(vf, vf->cur);
	bpfe_top(vf->cur)->regs[BPF_REG_0] = r0;
	return 0;
}

int bpfe_vf_exit(struct bpfe_vf *vf)
{
	struct bpfe_frame *frame = bpfe_top(vf->cur);
	const struct bpfe_reg *r0 = &frame->regs[BPF_REG_0];
	int err;

	if (frame->callback)
		return bpfe_vf_callback_exit(vf);
	if (vf->cur->depth > 1)
		return return_to_caller(vf);
	err = bpfe_held_check_none(vf, "the program ends");
	if (err)
		return err;
	if (bpfe_is_global(vf->image, frame->subprog) &&
	    vf->image->subprogs[frame->subprog].info->returns_void) {
		vf->path_ends = true;
		return 0;
	}
	if (r0->type != BPFE_REG_SCALAR)
		return bpfe_vf_refuse(vf, BPFE_BAD_RETURN, BPF_REG_0, "a scalar, the XDP verdict",
				      r0->type == BPFE_REG_UNINIT
					      ? "the program ends and R0 holds nothing"
					      : "the program ends and R0 holds a pointer");
	vf->path_ends = true;
	return 0;
}

/* ---- may_goto ------------------------------------------------------------------------------ */

int bpfe_vf_may_goto(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_state *other = bpfe_state_copy(vf, vf->cur);
	int err;

	if (!other)
		return bpfe_vf_no_memory(vf);
	err = bpfe_explore_later(vf, other, (uint32_t)((int64_t)vf->pc + 1 + insn->off));
	vf->cur->rounds++;
	vf->endless = true;
	return err ? err : bpfe_path_note(vf, vf->next);
}
