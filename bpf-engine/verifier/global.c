// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Global functions: verified once, on their own, for whatever arguments their types allow; a call
 * only has to hold its arguments against the types, and knows of the result that it is a number.
 *
 * The types are BTF's (struct bpfe_func_info). Memory a call hands over must be data that may be
 * read and written; what of the stack is handed over is of unknown value afterwards. A function
 * that moves the packet, itself or in what it calls, leaves its caller no packet pointers.
 *
 * As in Linux a global function that nothing reached calls is not looked at: it never runs.
 */
#include "verifier/call.h"
#include "verifier/flow.h"

bool bpfe_is_global(const struct bpfe_image *image, uint32_t function)
{
	const struct bpfe_func_info *info = image->subprogs[function].info;

	return function && info && info->is_global;
}

/* ---- Calls --------------------------------------------------------------------------------- */

static bool is_null(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_SCALAR && !reg->val.x.umax;
}

static bool in_frame(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_PACKET || reg->type == BPFE_REG_PACKET_META ||
	       (reg->type == BPFE_REG_MEM && reg->kind == BPFE_OF_FRAME);
}

/* To the function it is memory, not part of the frame. */
static int check_stays(struct bpfe_vf *vf, int regno, uint32_t function,
		       const struct bpfe_call *call)
{
	if (!vf->flow->moves_packet[function] || !in_frame(&bpfe_top(vf->cur)->regs[regno]))
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "memory outside of the frame",
			      "argument %d of %s lies in the frame, which the function may move",
			      regno, call->helper->name);
}

static int check_memory(struct bpfe_vf *vf, int regno, const struct bpfe_func_arg *arg,
			struct bpfe_call *call)
{
	struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	bool nullable = reg->nullable;
	int err;

	if (!arg->nonnull && is_null(reg))
		return 0;
	if (!arg->nonnull)
		reg->nullable = false;
	err = bpfe_check_memory(vf, regno, arg->mem_size, arg->mem_size, BPFE_USE_BOTH, call);
	reg->nullable = nullable;
	return err;
}

static int check_argument(struct bpfe_vf *vf, int regno, const struct bpfe_func_arg *arg,
			  struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int err = bpfe_check_reg(vf, (unsigned)regno);

	if (err)
		return err;
	switch (arg->kind) {
	case BPFE_FUNC_ARG_SCALAR:
		return bpfe_check_scalar(vf, (unsigned)regno, "passing it to a global function");
	case BPFE_FUNC_ARG_CTX:
		if (reg->type == BPFE_REG_CTX && !reg->off)
			return 0;
		return bpfe_refuse_arg(vf, BPFE_BAD_CONTEXT, regno,
				       "the context as the program was given it", call);
	case BPFE_FUNC_ARG_MEM:
		return check_memory(vf, regno, arg, call);
	case BPFE_FUNC_ARG_DYNPTR:
		return bpfe_check_dynptr_arg(vf, regno, BPFE_ARG_DYNPTR, call);
	default:
		return bpfe_refuse_arg(vf, BPFE_BAD_REGISTER, regno,
				       "a function with numbers, the context and pointers to "
				       "plain memory, or a static one",
				       call);
	}
}

static int fill_stack(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	int err = 0;

	for (int i = 0; !err && i < 5; i++) {
		const struct bpfe_fill *fill = &call->fill[i];

		if (fill->pending)
			err = bpfe_stack_clobber(vf, i + 1, fill->frame, fill->lo, fill->sure,
						 fill->hi);
	}
	return err;
}

int bpfe_vf_call_global(struct bpfe_vf *vf, uint32_t function)
{
	const struct bpfe_func_info *info = vf->image->subprogs[function].info;
	const struct bpfe_helper row = {.name = info->name};
	struct bpfe_call call = {.helper = &row};
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	int err = bpfe_held_check_unlocked(vf, "a global function is called");

	for (int i = 0; !err && i < info->n_args && i < 5; i++)
		err = check_argument(vf, BPF_REG_1 + i, &info->args[i], &call);
	for (int i = 0; !err && i < info->n_args && i < 5; i++)
		err = check_stays(vf, BPF_REG_1 + i, function, &call);
	if (!err)
		err = fill_stack(vf, &call);
	if (!err && vf->flow->moves_packet[function])
		err = bpfe_state_drop_packet(vf, vf->cur);
	if (err)
		return err;
	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
	if (!info->returns_void)
		regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_unknown());
	vf->since.calls++;
	if (!vf->flow->global[function])
		vf->flow->global[function] = BPFE_GLOBAL_CALLED;
	return 0;
}

/* ---- On its own ---------------------------------------------------------------------------- */

uint32_t bpfe_next_global(struct bpfe_vf *vf)
{
	for (uint32_t f = 1; f < vf->image->n_subprogs; f++) {
		if (vf->flow->global[f] != BPFE_GLOBAL_CALLED)
			continue;
		vf->flow->global[f] = BPFE_GLOBAL_VERIFIED;
		return f;
	}
	return 0;
}

void bpfe_give_global_arguments(struct bpfe_vf *vf, uint32_t function, struct bpfe_reg *regs)
{
	const struct bpfe_func_info *info = vf->image->subprogs[function].info;

	for (unsigned i = 0; i < info->n_args && i < 5; i++) {
		const struct bpfe_func_arg *arg = &info->args[i];
		struct bpfe_reg *reg = &regs[BPF_REG_1 + i];

		if (arg->kind == BPFE_FUNC_ARG_SCALAR) {
			*reg = bpfe_reg_scalar(bpfe_scalar_unknown());
		} else if (arg->kind == BPFE_FUNC_ARG_CTX) {
			*reg = bpfe_reg_pointer(BPFE_REG_CTX);
		} else if (arg->kind == BPFE_FUNC_ARG_MEM) {
			*reg = bpfe_reg_pointer(BPFE_REG_MEM);
			reg->size = arg->mem_size;
			reg->nullable = !arg->nonnull;
			reg->id = reg->nullable ? ++vf->ids : 0;
		} else if (arg->kind == BPFE_FUNC_ARG_DYNPTR) {
			*reg = bpfe_reg_pointer(BPFE_REG_DYNPTR_PTR);
		}
	}
}

/* ---- Which functions move the packet ------------------------------------------------------- */

static bool moves_packet(const struct bpfe_image *image, const struct bpfe_flow *flow, uint32_t i)
{
	uint8_t form = image->aux[i].form;
	uint32_t callee = bpfe_flow_callee(image, i);
	const struct bpfe_helper *helper;

	if (callee == UINT32_MAX)
		callee = bpfe_flow_address(image, i);
	if (callee != UINT32_MAX)
		return flow->moves_packet[callee];
	if (form == BPFE_FORM_CALLX)
		return true;
	if (form != BPFE_FORM_CALL_HELPER && form != BPFE_FORM_CALL_KFUNC)
		return false;
	helper = bpfe_helper_by_id((uint32_t)image->insns[i].imm);
	return helper &&
	       (helper->moves_packet || helper->calls_back || helper->id == BPF_FUNC_tail_call);
}

int bpfe_flow_find_globals(struct bpfe_vf *vf)
{
	const struct bpfe_image *image = vf->image;
	struct bpfe_flow *flow = vf->flow;

	flow->moves_packet = calloc(image->n_subprogs, sizeof(*flow->moves_packet));
	flow->global = calloc(image->n_subprogs, sizeof(*flow->global));
	flow->longest = calloc(image->n_subprogs, sizeof(*flow->longest));
	if (!flow->moves_packet || !flow->global || !flow->longest)
		return bpfe_vf_no_memory(vf);
	for (uint32_t k = flow->n_order; k > 0; k--) {
		uint32_t f = flow->order[k - 1];

		for (uint32_t i = image->subprogs[f].start; i < image->subprogs[f].end; i++) {
			flow->moves_packet[f] |= moves_packet(image, flow, i);
			i += bpfe_is_wide(&image->insns[i]);
		}
	}
	return 0;
}
