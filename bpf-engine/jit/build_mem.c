/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Instructions that touch memory, the context's fields and legacy packet access among them. */
#include "context.h"
#include "jit/build.h"

/*
 * The row of a context field whose @size bytes at its byte ctx_byte lie in struct bpfe_xdp_buff as
 * the program sees them, which the context pointer leads to; NULL: they are computed.
 */
static const struct bpfe_ctx_row *plain_field(const struct jit_builder *b,
					      const struct bpfe_insn_aux *aux)
{
	const struct bpfe_ctx_row *row = bpfe_ctx_row(b->image->type, aux->ctx_field);

	return row && row->source == BPFE_CTX_FROM_U32 && !(row->access & BPFE_CTX_MASKED) ? row
											   : NULL;
}

static void load_field(struct jit_builder *b, const struct bpf_insn *insn,
		       const struct bpfe_insn_aux *aux)
{
	const struct bpfe_ctx_row *row = bpfe_ctx_row(b->image->type, aux->ctx_field);
	uint8_t dst = lir_home[insn->dst_reg], src = lir_home[insn->src_reg];
	bool sign = BPF_MODE(insn->code) == BPFE_MEMSX;
	unsigned size = bpfe_insn_size(insn);
	struct lir_op op = jit_op(LIR_CTX_LOAD, 8);

	if (!row) {
		jit_emit_trap(b);
		return;
	}
	if (row->source == BPFE_CTX_FROM_POINTER) {
		jit_emit_load(b, 8, dst, src, row->at, BPFE_MEM_CTX, 0);
		return;
	}
	if (plain_field(b, aux)) {
		jit_emit_load(b, size, dst, src, row->at + aux->ctx_byte, BPFE_MEM_CTX,
			      sign ? LIR_F_SIGNED : 0);
		return;
	}
	op.dst = dst;
	op.a = src;
	op.disp = lir_ctx_part(aux->ctx_field, aux->ctx_byte, size, sign);
	jit_emit(b, op);
}

static void store_field(struct jit_builder *b, const struct bpf_insn *insn,
			const struct bpfe_insn_aux *aux)
{
	const struct bpfe_ctx_row *row = plain_field(b, aux);
	struct lir_op op = jit_op(row ? LIR_STORE : LIR_CTX_STORE, bpfe_insn_size(insn));

	op.b = aux->form == BPFE_FORM_STORE_K ? (uint8_t)LIR_IMM : lir_home[insn->src_reg];
	op.imm = aux->form == BPFE_FORM_STORE_K ? insn->imm : 0;
	if (row) {
		op.base = lir_home[insn->dst_reg];
		op.disp = row->at + aux->ctx_byte;
		op.mem_kind = BPFE_MEM_CTX;
	} else {
		op.a = lir_home[insn->dst_reg];
		op.disp = lir_ctx_part(aux->ctx_field, aux->ctx_byte, op.size, false);
	}
	jit_emit(b, op);
}

void jit_build_load(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux)
{
	if (aux->ctx_field)
		load_field(b, insn, aux);
	else
		jit_emit_load(b, bpfe_insn_size(insn), lir_home[insn->dst_reg],
			      lir_home[insn->src_reg], insn->off, aux->mem_kind,
			      BPF_MODE(insn->code) == BPFE_MEMSX ? LIR_F_SIGNED : 0);
}

void jit_build_store(struct jit_builder *b, const struct bpf_insn *insn,
		     const struct bpfe_insn_aux *aux)
{
	struct lir_op op = jit_op(LIR_STORE, bpfe_insn_size(insn));

	if (aux->ctx_field) {
		store_field(b, insn, aux);
		return;
	}
	op.base = lir_home[insn->dst_reg];
	op.disp = insn->off;
	op.mem_kind = aux->mem_kind;
	op.b = aux->form == BPFE_FORM_STORE_K ? (uint8_t)LIR_IMM : lir_home[insn->src_reg];
	op.imm = aux->form == BPFE_FORM_STORE_K ? insn->imm : 0;
	jit_emit(b, op);
}

/* x86's own order is as strong as acquire and release need. */
void jit_build_ordered(struct jit_builder *b, const struct bpf_insn *insn,
		       const struct bpfe_insn_aux *aux)
{
	uint8_t dst = lir_home[insn->dst_reg], src = lir_home[insn->src_reg];

	if (aux->form == BPFE_FORM_LOAD_ACQ)
		jit_emit_load(b, bpfe_insn_size(insn), dst, src, insn->off, aux->mem_kind,
			      LIR_F_ACQUIRE);
	else
		jit_emit_store(b, bpfe_insn_size(insn), dst, insn->off, src, aux->mem_kind,
			       LIR_F_RELEASE);
}

static uint8_t atomic_alu(const struct bpf_insn *insn)
{
	switch (insn->imm & ~BPF_FETCH) {
	case BPF_OR:
		return LIR_OR;
	case BPF_AND:
		return LIR_AND;
	case BPF_XOR:
		return LIR_XOR;
	default:
		return LIR_ADD;
	}
}

void jit_build_atomic(struct jit_builder *b, const struct bpf_insn *insn,
		      const struct bpfe_insn_aux *aux)
{
	static const uint8_t codes[BPFE_FORM_MAX] = {
		[BPFE_FORM_ATOMIC] = LIR_ATOMIC,
		[BPFE_FORM_FETCH] = LIR_FETCH,
		[BPFE_FORM_XCHG] = LIR_XCHG,
		[BPFE_FORM_CMPXCHG] = LIR_CMPXCHG,
	};
	struct lir_op op = jit_op(codes[aux->form], bpfe_insn_size(insn));

	op.base = lir_home[insn->dst_reg];
	op.disp = insn->off;
	op.mem_kind = aux->mem_kind;
	op.b = lir_home[insn->src_reg];
	if (op.code == LIR_ATOMIC || op.code == LIR_FETCH)
		op.alu = atomic_alu(insn);
	if (op.code == LIR_FETCH || op.code == LIR_XCHG)
		op.dst = op.b;
	if (op.code == LIR_CMPXCHG)
		op.dst = op.a = LIR_RAX;
	jit_emit(b, op);
}

/*
 * A call that gives the value or JIT_NO_PACKET, which no value is. The verifier counts r1 to r5 for
 * lost here. Where the frame has no such bytes, the function returns 0.
 */
void jit_build_packet(struct jit_builder *b, const struct bpf_insn *insn,
		      const struct bpfe_insn_aux *aux)
{
	struct lir_op op = jit_op(LIR_CALL_HELPER, 8);
	uint32_t missing = jit_new_block(b), next = jit_new_block(b);

	if (aux->form == BPFE_FORM_LD_IND)
		jit_emit_ri(b, LIR_ADD, 4, LIR_RSI, lir_home[insn->src_reg], insn->imm);
	else
		jit_emit_const(b, LIR_RSI, (uint32_t)insn->imm);
	jit_emit_const(b, LIR_RDX, bpfe_insn_size(insn));
	op.imm = (int64_t)(uintptr_t)jit_load_packet;
	op.disp = LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX);
	op.flags = LIR_F_PLAIN | LIR_F_SECRET;
	jit_emit(b, op);
	jit_check_budget(b); /* for it may be an exit */
	jit_emit_branch_i(b, 8, LIR_E, LIR_RAX, JIT_NO_PACKET, missing, next);
	jit_enter_block(b, missing);
	jit_emit_const(b, LIR_RAX, 0);
	jit_emit(b, jit_op(LIR_EXIT, 8));
	jit_enter_block(b, next);
	jit_new_charge(b);
}
