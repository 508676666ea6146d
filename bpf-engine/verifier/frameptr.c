// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Forward pass: which registers may point into the stack, and where. Liveness needs it to tell
 * which slots an instruction reads.
 *
 * A register is at a known offset from r10, points nowhere into a stack, or may do anything. Where
 * paths disagree it may do anything. Storing a stack pointer gives up on all slots of all
 * functions, because what is loaded later is not followed.
 *
 * Imprecision: arguments of functions that may be stack pointers are "anything".
 */
#include "verifier/flow.h"

static int16_t join(int16_t a, int16_t b)
{
	if (a == BPFE_FP_UNREACHED || a == b)
		return b;
	return b == BPFE_FP_UNREACHED ? a : BPFE_FP_MAYBE;
}

static int16_t moved(int16_t fp, int64_t by)
{
	int64_t off = fp + by;

	if (fp == BPFE_FP_NOT)
		return BPFE_FP_NOT;
	if (fp == BPFE_FP_MAYBE || off < -(int64_t)BPFE_STACK_SIZE || off > 0)
		return BPFE_FP_MAYBE;
	return (int16_t)off;
}

static int16_t combine(int16_t a, int16_t b)
{
	return a == BPFE_FP_NOT && b == BPFE_FP_NOT ? BPFE_FP_NOT : BPFE_FP_MAYBE;
}

static void alu(const struct bpf_insn *insn, struct bpfe_fp_regs *r)
{
	int16_t *dst = &r->fp[insn->dst_reg];
	int16_t src = BPF_SRC(insn->code) == BPF_X ? r->fp[insn->src_reg] : (int16_t)BPFE_FP_NOT;
	bool whole = BPF_CLASS(insn->code) == BPF_ALU64;
	bool constant = BPF_SRC(insn->code) == BPF_K;

	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		*dst = src;
		break;
	case BPF_ADD:
		*dst = whole && constant ? moved(*dst, insn->imm) : combine(*dst, src);
		break;
	case BPF_SUB:
		*dst = whole && constant ? moved(*dst, -(int64_t)insn->imm) : combine(*dst, src);
		break;
	case BPF_NEG:
	case BPF_END:
		break;
	default:
		*dst = combine(*dst, src);
	}
}

static void call(struct bpfe_flow *flow, const struct bpfe_image *image, uint32_t i,
		 struct bpfe_fp_regs *r)
{
	uint32_t callee = bpfe_flow_callee(image, i);

	for (unsigned a = BPF_REG_1; callee != UINT32_MAX && a <= BPF_REG_5; a++) {
		if (r->fp[a] != BPFE_FP_NOT)
			flow->entries[callee].fp[a] = BPFE_FP_MAYBE;
	}
	for (unsigned a = BPF_REG_0; a <= BPF_REG_5; a++)
		r->fp[a] = BPFE_FP_NOT; /* a stack pointer is never returned */
}

/* A function whose address is taken may be called with anything. */
static void take_address(struct bpfe_flow *flow, uint32_t function)
{
	for (unsigned a = BPF_REG_1; function != UINT32_MAX && a <= BPF_REG_5; a++)
		flow->entries[function].fp[a] = BPFE_FP_MAYBE;
}

static void store(struct bpfe_flow *flow, const struct bpf_insn *insn, struct bpfe_fp_regs *r)
{
	if (BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm == BPFE_LOAD_ACQ) {
		r->fp[insn->dst_reg] = BPFE_FP_NOT;
		return;
	}
	if (r->fp[insn->src_reg] != BPFE_FP_NOT)
		flow->escaped = true;
	if (BPF_MODE(insn->code) != BPF_ATOMIC)
		return;
	if (insn->imm == BPF_CMPXCHG)
		r->fp[BPF_REG_0] = BPFE_FP_NOT;
	else if (insn->imm & BPF_FETCH)
		r->fp[insn->src_reg] = BPFE_FP_NOT;
}

static void transfer(struct bpfe_flow *flow, const struct bpfe_image *image, uint32_t i,
		     struct bpfe_fp_regs *r)
{
	const struct bpf_insn *insn = &image->insns[i];

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		alu(insn, r);
		break;
	case BPF_LD:
		if (BPF_MODE(insn->code) != BPF_IMM) {
			for (unsigned k = BPF_REG_0; k <= BPF_REG_5; k++)
				r->fp[k] = BPFE_FP_NOT;
			break;
		}
		take_address(flow, bpfe_flow_address(image, i));
		r->fp[insn->dst_reg] = BPFE_FP_NOT;
		break;
	case BPF_LDX:
		r->fp[insn->dst_reg] = BPFE_FP_NOT;
		break;
	case BPF_STX:
		store(flow, insn, r);
		break;
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_CALL)
			call(flow, image, i, r);
		break;
	default:
		break;
	}
}

static void flow_into(struct bpfe_flow *flow, uint32_t to, const struct bpfe_fp_regs *r)
{
	struct bpfe_fp_regs *before = &flow->before[to];
	bool changed = false;

	if (before->fp[BPF_REG_10] == BPFE_FP_UNREACHED) {
		*before = *r;
		bpfe_flow_push(flow, to);
		return;
	}
	if (!memcmp(before, r, sizeof(*r)))
		return;
	for (unsigned k = 0; k < MAX_BPF_REG; k++) {
		int16_t joined = join(before->fp[k], r->fp[k]);

		changed = changed || joined != before->fp[k];
		before->fp[k] = joined;
	}
	if (changed)
		bpfe_flow_push(flow, to);
}

int bpfe_flow_frame_pointers(struct bpfe_vf *vf, uint32_t function)
{
	const struct bpfe_subprog *subprog = &vf->image->subprogs[function];
	struct bpfe_flow *flow = vf->flow;
	struct bpfe_fp_regs r;
	uint32_t i, next[2], steps = 0;

	for (i = subprog->start; i < subprog->end; i++) {
		for (unsigned k = 0; k < MAX_BPF_REG; k++)
			flow->before[i].fp[k] = BPFE_FP_UNREACHED;
	}
	for (unsigned k = 0; k < MAX_BPF_REG; k++)
		r.fp[k] = flow->entries[function].fp[k] == BPFE_FP_MAYBE ? BPFE_FP_MAYBE
									 : BPFE_FP_NOT;
	r.fp[BPF_REG_10] = 0;
	flow_into(flow, subprog->start, &r);
	while (bpfe_flow_take(flow, &i)) {
		unsigned n = bpfe_flow_successors(vf->image, i, next);
		int err = bpfe_flow_poll(vf, &steps);

		if (err)
			return err;
		r = flow->before[i];
		transfer(flow, vf->image, i, &r);
		for (unsigned k = 0; k < n; k++)
			flow_into(flow, next[k], &r);
	}
	return 0;
}
