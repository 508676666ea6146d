/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The opcode table and look-ups in it. */
#include <pthread.h>
#include "isa/isa.h"

static const struct bpfe_form_info form_infos[BPFE_FORM_MAX] = {
	[BPFE_FORM_ALU_K] = {BPFE_FIELD_DST | BPFE_FIELD_IMM, BPFE_FIELD_OFF, true},
	[BPFE_FORM_ALU_X] = {BPFE_FIELD_DST | BPFE_FIELD_SRC, BPFE_FIELD_OFF, true},
	[BPFE_FORM_NEG] = {BPFE_FIELD_DST, BPFE_FIELD_NONE, true},
	[BPFE_FORM_MOVSX] = {BPFE_FIELD_DST | BPFE_FIELD_SRC, BPFE_FIELD_OFF, true},
	[BPFE_FORM_SWAP] = {BPFE_FIELD_DST, BPFE_FIELD_IMM, true},
	[BPFE_FORM_JUMP_K] = {BPFE_FIELD_DST | BPFE_FIELD_OFF | BPFE_FIELD_IMM, BPFE_FIELD_NONE,
			      false},
	[BPFE_FORM_JUMP_X] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_NONE,
			      false},
	[BPFE_FORM_JA] = {BPFE_FIELD_OFF, BPFE_FIELD_NONE, false},
	[BPFE_FORM_GOTOL] = {BPFE_FIELD_IMM, BPFE_FIELD_NONE, false},
	[BPFE_FORM_MAY_GOTO] = {BPFE_FIELD_OFF, BPFE_FIELD_NONE, false},
	[BPFE_FORM_CALL_HELPER] = {BPFE_FIELD_IMM, BPFE_FIELD_SRC, false},
	[BPFE_FORM_CALL_LOCAL] = {BPFE_FIELD_IMM, BPFE_FIELD_SRC, false},
	[BPFE_FORM_CALL_KFUNC] = {BPFE_FIELD_IMM, BPFE_FIELD_SRC, false},
	[BPFE_FORM_CALLX] = {BPFE_FIELD_DST, BPFE_FIELD_NONE, false},
	[BPFE_FORM_EXIT] = {BPFE_FIELD_NONE, BPFE_FIELD_NONE, false},
	[BPFE_FORM_LOAD] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_NONE,
			    true},
	[BPFE_FORM_STORE_K] = {BPFE_FIELD_DST | BPFE_FIELD_OFF | BPFE_FIELD_IMM, BPFE_FIELD_NONE,
			       false},
	[BPFE_FORM_STORE_X] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_NONE,
			       false},
	[BPFE_FORM_ATOMIC] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_IMM,
			      false},
	[BPFE_FORM_FETCH] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_IMM,
			     false},
	[BPFE_FORM_XCHG] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_IMM,
			    false},
	[BPFE_FORM_CMPXCHG] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_IMM,
			       false},
	[BPFE_FORM_LOAD_ACQ] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_IMM,
				true},
	[BPFE_FORM_STORE_REL] = {BPFE_FIELD_DST | BPFE_FIELD_SRC | BPFE_FIELD_OFF, BPFE_FIELD_IMM,
				 false},
	[BPFE_FORM_LD_ABS] = {BPFE_FIELD_IMM, BPFE_FIELD_NONE, false},
	[BPFE_FORM_LD_IND] = {BPFE_FIELD_SRC | BPFE_FIELD_IMM, BPFE_FIELD_NONE, false},
	[BPFE_FORM_LD_IMM64] = {BPFE_FIELD_DST | BPFE_FIELD_IMM, BPFE_FIELD_SRC, true},
	[BPFE_FORM_LD_MAP] = {BPFE_FIELD_DST | BPFE_FIELD_IMM, BPFE_FIELD_SRC, true},
	[BPFE_FORM_LD_FUNC] = {BPFE_FIELD_DST | BPFE_FIELD_IMM, BPFE_FIELD_SRC, true},
	[BPFE_FORM_LD_MAP_VALUE] = {BPFE_FIELD_DST | BPFE_FIELD_IMM, BPFE_FIELD_SRC, true},
	[BPFE_FORM_REFUSED] = {BPFE_FIELD_NONE, BPFE_FIELD_NONE, false},
};

/* The selecting field stands in the row too, because refused rows have one each. */
static struct bpfe_opcode opcodes[] = {
#define BPFE_ROW(name, opcode, value, form, text) \
	{(opcode), BPFE_FORM_##form, BPFE_OP_##name, BPFE_FIELD_NONE, (value), (text)},
	BPFE_OPCODES(BPFE_ROW)
#undef BPFE_ROW
#define BPFE_ROW(opcode, field, value, text) \
	{(opcode), BPFE_FORM_REFUSED, BPFE_OP_MAX, BPFE_FIELD_##field, (value), (text)},
		BPFE_REFUSED_OPS(BPFE_ROW)
#undef BPFE_ROW
};

#define N_OPCODES (sizeof(opcodes) / sizeof(opcodes[0]))
_Static_assert(N_OPCODES < 255, "row numbers fit the index");

/* Rows by opcode byte: head and chain, as row number + 1. */
static uint8_t first_row[256];
static uint8_t next_row[N_OPCODES];
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void build_index(void)
{
	for (size_t i = N_OPCODES; i-- > 0;) {
		struct bpfe_opcode *row = &opcodes[i];

		if (row->form != BPFE_FORM_REFUSED)
			row->select = form_infos[row->form].select;
		next_row[i] = first_row[row->code];
		first_row[row->code] = (uint8_t)(i + 1);
	}
}

const struct bpfe_form_info *bpfe_form_info(uint8_t form)
{
	return &form_infos[form];
}

int32_t bpfe_field_value(const struct bpf_insn *insn, uint8_t field)
{
	switch (field) {
	case BPFE_FIELD_DST:
		return insn->dst_reg;
	case BPFE_FIELD_SRC:
		return insn->src_reg;
	case BPFE_FIELD_OFF:
		return insn->off;
	case BPFE_FIELD_IMM:
		return insn->imm;
	default:
		return 0;
	}
}

const struct bpfe_opcode *bpfe_opcode_first(uint8_t code)
{
	pthread_once(&index_once, build_index);
	return first_row[code] ? &opcodes[first_row[code] - 1] : NULL;
}

const struct bpfe_opcode *bpfe_opcode_find(const struct bpf_insn *insn)
{
	pthread_once(&index_once, build_index);
	for (uint8_t row = first_row[insn->code]; row; row = next_row[row - 1]) {
		const struct bpfe_opcode *opcode = &opcodes[row - 1];

		if (opcode->select == BPFE_FIELD_NONE ||
		    bpfe_field_value(insn, opcode->select) == opcode->value)
			return opcode;
	}
	return NULL;
}

int64_t bpfe_jump_target(const struct bpf_insn *insn, uint8_t form, uint32_t i)
{
	switch (form) {
	case BPFE_FORM_JUMP_K:
	case BPFE_FORM_JUMP_X:
	case BPFE_FORM_JA:
	case BPFE_FORM_MAY_GOTO:
		return (int64_t)i + 1 + insn->off;
	case BPFE_FORM_GOTOL:
	case BPFE_FORM_CALL_LOCAL:
	case BPFE_FORM_LD_FUNC:
		return (int64_t)i + 1 + insn->imm;
	default:
		return -1;
	}
}

bool bpfe_form_jumps(uint8_t form)
{
	return form == BPFE_FORM_JUMP_K || form == BPFE_FORM_JUMP_X || form == BPFE_FORM_JA ||
	       form == BPFE_FORM_GOTOL || form == BPFE_FORM_MAY_GOTO;
}
