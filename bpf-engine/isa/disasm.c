/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Instructions as text, in the style of the kernel's verifier log (kernel/bpf/disasm.c). */
#include <inttypes.h>
#include <stdio.h>
#include "isa/isa.h"

/* Where text goes; what does not fit is cut. */
struct sink {
	char *buf;
	size_t size;
};

static bool is_32bit(uint8_t code)
{
	return BPF_CLASS(code) == BPF_ALU || BPF_CLASS(code) == BPF_JMP32;
}

static const char *cell_type(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return "u8";
	case BPF_H:
		return "u16";
	case BPF_W:
		return "u32";
	default:
		return "u64";
	}
}

static void disasm_alu(const struct bpf_insn *in, const struct bpfe_opcode *row, struct sink out)
{
	char r = is_32bit(in->code) ? 'w' : 'r';

	switch (row->form) {
	case BPFE_FORM_ALU_K:
		snprintf(out.buf, out.size, "%c%u %s %d", r, in->dst_reg, row->text, in->imm);
		break;
	case BPFE_FORM_ALU_X:
		snprintf(out.buf, out.size, "%c%u %s %c%u", r, in->dst_reg, row->text, r,
			 in->src_reg);
		break;
	case BPFE_FORM_NEG:
		snprintf(out.buf, out.size, "%c%u = -%c%u", r, in->dst_reg, r, in->dst_reg);
		break;
	case BPFE_FORM_MOVSX:
		snprintf(out.buf, out.size, "%c%u = (%s)%c%u", r, in->dst_reg, row->text, r,
			 in->src_reg);
		break;
	default:
		snprintf(out.buf, out.size, "r%u = %s r%u", in->dst_reg, row->text, in->dst_reg);
	}
}

static void disasm_call(const struct bpf_insn *in, const struct bpfe_opcode *row, struct sink out)
{
	const struct bpfe_helper *kfunc;

	switch (row->form) {
	case BPFE_FORM_CALL_LOCAL:
		snprintf(out.buf, out.size, "call pc%+d", in->imm);
		break;
	case BPFE_FORM_CALLX:
		snprintf(out.buf, out.size, "callx r%u", in->dst_reg);
		break;
	case BPFE_FORM_CALL_KFUNC:
		kfunc = bpfe_helper_by_id((uint32_t)in->imm);
		snprintf(out.buf, out.size, "call %s#%d", kfunc ? kfunc->name : "kernel-function",
			 in->imm);
		break;
	default:
		snprintf(out.buf, out.size, "call %s#%d", bpfe_linux_helper_name((uint32_t)in->imm),
			 in->imm);
	}
}

static void disasm_jump(const struct bpf_insn *in, const struct bpfe_opcode *row, struct sink out)
{
	char r = is_32bit(in->code) ? 'w' : 'r';

	switch (row->form) {
	case BPFE_FORM_JUMP_K:
		snprintf(out.buf, out.size, "if %c%u %s 0x%x goto pc%+d", r, in->dst_reg, row->text,
			 (uint32_t)in->imm, in->off);
		break;
	case BPFE_FORM_JUMP_X:
		snprintf(out.buf, out.size, "if %c%u %s %c%u goto pc%+d", r, in->dst_reg, row->text,
			 r, in->src_reg, in->off);
		break;
	case BPFE_FORM_JA:
		snprintf(out.buf, out.size, "goto pc%+d", in->off);
		break;
	case BPFE_FORM_GOTOL:
		snprintf(out.buf, out.size, "gotol pc%+d", in->imm);
		break;
	case BPFE_FORM_MAY_GOTO:
		snprintf(out.buf, out.size, "may_goto pc%+d", in->off);
		break;
	default:
		snprintf(out.buf, out.size, "exit");
	}
}

static void disasm_memory(const struct bpf_insn *in, const struct bpfe_opcode *row, struct sink out)
{
	switch (row->form) {
	case BPFE_FORM_LOAD:
		snprintf(out.buf, out.size, "r%u = *(%s *)(r%u %+d)", in->dst_reg, row->text,
			 in->src_reg, in->off);
		break;
	case BPFE_FORM_STORE_K:
		snprintf(out.buf, out.size, "*(%s *)(r%u %+d) = %d", row->text, in->dst_reg,
			 in->off, in->imm);
		break;
	case BPFE_FORM_LD_ABS:
		snprintf(out.buf, out.size, "r0 = *(%s *)skb[%d]", row->text, in->imm);
		break;
	case BPFE_FORM_LD_IND:
		snprintf(out.buf, out.size, "r0 = *(%s *)skb[r%u + %d]", row->text, in->src_reg,
			 in->imm);
		break;
	default:
		snprintf(out.buf, out.size, "*(%s *)(r%u %+d) = r%u", row->text, in->dst_reg,
			 in->off, in->src_reg);
	}
}

static void disasm_ordered(const struct bpf_insn *in, const struct bpfe_opcode *row,
			   struct sink out)
{
	char r = BPF_SIZE(in->code) == BPF_DW ? 'r' : 'w';

	if (row->form == BPFE_FORM_LOAD_ACQ)
		snprintf(out.buf, out.size, "%c%u = load_acquire((%s *)(r%u %+d))", r, in->dst_reg,
			 row->text, in->src_reg, in->off);
	else
		snprintf(out.buf, out.size, "store_release((%s *)(r%u %+d), %c%u)", row->text,
			 in->dst_reg, in->off, r, in->src_reg);
}

static const char *atomic_sign(const struct bpf_insn *in)
{
	switch (BPF_OP(in->imm)) {
	case BPF_ADD:
		return "+=";
	case BPF_OR:
		return "|=";
	case BPF_AND:
		return "&=";
	default:
		return "^=";
	}
}

static void disasm_atomic(const struct bpf_insn *in, const struct bpfe_opcode *row, struct sink out)
{
	const char *type = cell_type(in->code);
	const char *width = BPF_SIZE(in->code) == BPF_DW ? "64" : "";

	switch (row->form) {
	case BPFE_FORM_ATOMIC:
		snprintf(out.buf, out.size, "lock *(%s *)(r%u %+d) %s r%u", type, in->dst_reg,
			 in->off, atomic_sign(in), in->src_reg);
		break;
	case BPFE_FORM_FETCH:
		snprintf(out.buf, out.size, "r%u = atomic%s_fetch_%s((%s *)(r%u %+d), r%u)",
			 in->src_reg, width, row->text, type, in->dst_reg, in->off, in->src_reg);
		break;
	case BPFE_FORM_XCHG:
		snprintf(out.buf, out.size, "r%u = atomic%s_xchg((%s *)(r%u %+d), r%u)",
			 in->src_reg, width, type, in->dst_reg, in->off, in->src_reg);
		break;
	default:
		snprintf(out.buf, out.size, "r0 = atomic%s_cmpxchg((%s *)(r%u %+d), r0, r%u)",
			 width, type, in->dst_reg, in->off, in->src_reg);
	}
}

static void disasm_wide(const struct bpf_insn *in, const struct bpfe_opcode *row, struct sink out)
{
	uint64_t imm = (uint32_t)in[0].imm | (uint64_t)(uint32_t)in[1].imm << 32;

	switch (row->form) {
	case BPFE_FORM_LD_MAP:
		snprintf(out.buf, out.size, "r%u = map[%s:%d]", in->dst_reg, row->text, in->imm);
		break;
	case BPFE_FORM_LD_MAP_VALUE:
		snprintf(out.buf, out.size, "r%u = map[%s:%d][0]+%u", in->dst_reg, row->text,
			 in->imm, (uint32_t)in[1].imm);
		break;
	case BPFE_FORM_LD_FUNC:
		snprintf(out.buf, out.size, "r%u = subprog[%+d]", in->dst_reg, in->imm);
		break;
	default:
		snprintf(out.buf, out.size, "r%u = 0x%" PRIx64, in->dst_reg, imm);
	}
}

unsigned bpfe_disasm(const struct bpf_insn *insn, uint32_t slots_left, char *buf, size_t size)
{
	const struct bpfe_opcode *row = slots_left ? bpfe_opcode_find(insn) : NULL;
	struct sink out = {buf, size};

	if (size)
		buf[0] = '\0';
	if (!row || row->form == BPFE_FORM_REFUSED || (bpfe_is_wide(insn) && slots_left < 2))
		return 0;
	switch (row->form) {
	case BPFE_FORM_ALU_K:
	case BPFE_FORM_ALU_X:
	case BPFE_FORM_NEG:
	case BPFE_FORM_MOVSX:
	case BPFE_FORM_SWAP:
		disasm_alu(insn, row, out);
		return 1;
	case BPFE_FORM_CALL_HELPER:
	case BPFE_FORM_CALL_LOCAL:
	case BPFE_FORM_CALL_KFUNC:
	case BPFE_FORM_CALLX:
		disasm_call(insn, row, out);
		return 1;
	case BPFE_FORM_LOAD:
	case BPFE_FORM_STORE_K:
	case BPFE_FORM_STORE_X:
	case BPFE_FORM_LD_ABS:
	case BPFE_FORM_LD_IND:
		disasm_memory(insn, row, out);
		return 1;
	case BPFE_FORM_ATOMIC:
	case BPFE_FORM_FETCH:
	case BPFE_FORM_XCHG:
	case BPFE_FORM_CMPXCHG:
		disasm_atomic(insn, row, out);
		return 1;
	case BPFE_FORM_LOAD_ACQ:
	case BPFE_FORM_STORE_REL:
		disasm_ordered(insn, row, out);
		return 1;
	case BPFE_FORM_LD_IMM64:
	case BPFE_FORM_LD_FUNC:
	case BPFE_FORM_LD_MAP:
	case BPFE_FORM_LD_MAP_VALUE:
		disasm_wide(insn, row, out);
		return 2;
	default:
		disasm_jump(insn, row, out);
		return 1;
	}
}
