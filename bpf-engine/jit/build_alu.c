/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Instructions that compute, and 64-bit immediates. */
#include "jit/build.h"

/* By the operation's bits; the second row is for off 1 (signed division). */
static const uint8_t arithmetic[2][16] = {
	{
		[BPF_ADD >> 4] = LIR_ADD,
		[BPF_SUB >> 4] = LIR_SUB,
		[BPF_MUL >> 4] = LIR_MUL,
		[BPF_DIV >> 4] = LIR_UDIV,
		[BPF_OR >> 4] = LIR_OR,
		[BPF_AND >> 4] = LIR_AND,
		[BPF_LSH >> 4] = LIR_SHL,
		[BPF_RSH >> 4] = LIR_SHR,
		[BPF_MOD >> 4] = LIR_UMOD,
		[BPF_XOR >> 4] = LIR_XOR,
		[BPF_MOV >> 4] = LIR_MOV,
		[BPF_ARSH >> 4] = LIR_SAR,
	},
	{
		[BPF_DIV >> 4] = LIR_SDIV,
		[BPF_MOD >> 4] = LIR_SMOD,
	},
};

static unsigned width(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU64 ? 8 : 4;
}

void jit_build_alu(struct jit_builder *b, const struct bpf_insn *insn,
		   const struct bpfe_insn_aux *aux)
{
	uint8_t code = arithmetic[insn->off == 1][BPF_OP(insn->code) >> 4];
	uint8_t dst = lir_home[insn->dst_reg];
	unsigned size = width(insn);

	if (aux->form == BPFE_FORM_ALU_X) {
		jit_emit_rr(b, code, size, dst, code == LIR_MOV ? LIR_NONE : dst,
			    lir_home[insn->src_reg]);
	} else if (code == LIR_MOV) {
		jit_emit_const(b, dst,
			       size == 8 ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm);
	} else {
		jit_emit_ri(b, code, size, dst, dst, insn->imm);
	}
}

void jit_build_neg(struct jit_builder *b, const struct bpf_insn *insn,
		   const struct bpfe_insn_aux *aux)
{
	struct lir_op op = jit_op(LIR_NEG, width(insn));

	op.dst = op.a = lir_home[insn->dst_reg];
	jit_emit(b, op);
}

void jit_build_movsx(struct jit_builder *b, const struct bpf_insn *insn,
		     const struct bpfe_insn_aux *aux)
{
	struct lir_op op = jit_op(LIR_SEXT, width(insn));

	op.dst = lir_home[insn->dst_reg];
	op.a = lir_home[insn->src_reg];
	op.imm = insn->off / 8;
	jit_emit(b, op);
}

void jit_build_swap(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux)
{
	bool swap = BPF_CLASS(insn->code) == BPF_ALU64 || BPF_SRC(insn->code) == BPF_TO_BE;
	struct lir_op op = jit_op(swap ? LIR_BSWAP : LIR_ZEXT, 8);

	if (!swap && insn->imm == 64)
		return;
	op.dst = op.a = lir_home[insn->dst_reg];
	op.imm = insn->imm / 8;
	jit_emit(b, op);
}

void jit_build_wide(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux)
{
	uint64_t imm = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;
	uint8_t dst = lir_home[insn->dst_reg];
	const uint32_t first = 0;
	struct bpfe_map *map;

	switch (aux->form) {
	case BPFE_FORM_LD_MAP:
		jit_emit_secret(b, dst, (uintptr_t)b->image->maps[aux->map_index]);
		break;
	case BPFE_FORM_LD_MAP_VALUE:
		map = b->image->maps[aux->map_index];
		imm = (uintptr_t)bpfe_map_ops(bpfe_map_attr(map)->type)->lookup(map, &first, 0) +
		      (uint32_t)insn[1].imm;
		jit_emit_secret(b, dst, imm);
		break;
	case BPFE_FORM_LD_FUNC:
		jit_emit_const(b, dst, aux->callee);
		break;
	default:
		jit_emit_const(b, dst, imm);
		break;
	}
}
