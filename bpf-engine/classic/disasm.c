// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include "classic/classic.h"

static bool is_bitwise(uint16_t code)
{
	return BPF_OP(code) == BPF_AND || BPF_OP(code) == BPF_OR || BPF_OP(code) == BPF_XOR;
}

static void operand(const struct bpfe_classic_op *op, const struct sock_filter *insn,
		    uint32_t index, char *buf, size_t size)
{
	uint32_t k = insn->k;

	buf[0] = '\0';
	switch (op->kind) {
	case BPFE_CLASSIC_LOAD_ABS:
		if (bpfe_classic_is_ancillary(op, k) && bpfe_classic_ancillary(k))
			snprintf(buf, size, " [%s]", bpfe_classic_ancillary(k)->name);
		else
			snprintf(buf, size, " [%d]", (int32_t)k);
		break;
	case BPFE_CLASSIC_LOAD_IND:
		snprintf(buf, size, " [x + %d]", (int32_t)k);
		break;
	case BPFE_CLASSIC_LOAD_MSH:
		snprintf(buf, size, " 4*([%d]&0xf)", (int32_t)k);
		break;
	case BPFE_CLASSIC_LOAD_LEN:
		snprintf(buf, size, " #pktlen");
		break;
	case BPFE_CLASSIC_LOAD_MEM:
	case BPFE_CLASSIC_STORE:
		snprintf(buf, size, " M[%u]", k);
		break;
	case BPFE_CLASSIC_LOAD_IMM:
		snprintf(buf, size, " #0x%x", k);
		break;
	case BPFE_CLASSIC_ALU_K:
		snprintf(buf, size, is_bitwise(insn->code) ? " #0x%x" : " #%d", (int32_t)k);
		break;
	case BPFE_CLASSIC_RET_K:
		snprintf(buf, size, " #%d", (int32_t)k);
		break;
	case BPFE_CLASSIC_ALU_X:
		snprintf(buf, size, " x");
		break;
	case BPFE_CLASSIC_RET_A:
		snprintf(buf, size, " a");
		break;
	case BPFE_CLASSIC_JA:
		snprintf(buf, size, " %u", index + 1 + k);
		break;
	case BPFE_CLASSIC_JUMP_K:
		snprintf(buf, size, " #0x%x jt %u jf %u", k, index + 1 + insn->jt,
			 index + 1 + insn->jf);
		break;
	case BPFE_CLASSIC_JUMP_X:
		snprintf(buf, size, " x jt %u jf %u", index + 1 + insn->jt, index + 1 + insn->jf);
		break;
	default:
		break;
	}
}

bool bpfe_classic_disasm(const struct sock_filter *insn, uint32_t index, char *buf, size_t size)
{
	const struct bpfe_classic_op *op = bpfe_classic_op(insn->code);
	char text[64];

	if (!op)
		return false;
	operand(op, insn, index, text, sizeof(text));
	snprintf(buf, size, "%s%s", op->text, text);
	return true;
}
