/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The opcode table as the decoder, the disassembler and the translator read it. */
#ifndef BPFE_ISA_H
#define BPFE_ISA_H

#include "internal.h"
#include "isa/opcodes.h"

/* Every instruction of the set, one number each. */
enum bpfe_op {
#define BPFE_OP_NAME(name, code, select, form, text) BPFE_OP_##name,
	BPFE_OPCODES(BPFE_OP_NAME)
#undef BPFE_OP_NAME
	BPFE_OP_MAX
};

/* Fields of an instruction, as a set. */
enum bpfe_field {
	BPFE_FIELD_NONE = 0,
	BPFE_FIELD_DST = 1,
	BPFE_FIELD_SRC = 2,
	BPFE_FIELD_OFF = 4,
	BPFE_FIELD_IMM = 8,
};

/* Shapes instructions come in: which fields they use and which tells rows apart. */
enum bpfe_form {
	BPFE_FORM_ALU_K = 0, /* dst OP= imm */
	BPFE_FORM_ALU_X,     /* dst OP= src */
	BPFE_FORM_NEG,       /* dst = -dst */
	BPFE_FORM_MOVSX,     /* dst = (type)src */
	BPFE_FORM_SWAP,      /* dst = OP dst */
	BPFE_FORM_JUMP_K,    /* if dst OP imm goto off */
	BPFE_FORM_JUMP_X,    /* if dst OP src goto off */
	BPFE_FORM_JA,        /* goto off */
	BPFE_FORM_GOTOL,     /* goto imm */
	BPFE_FORM_MAY_GOTO,  /* goto off once the frame has gone round often enough */
	BPFE_FORM_CALL_HELPER,
	BPFE_FORM_CALL_LOCAL,
	BPFE_FORM_CALL_KFUNC,
	BPFE_FORM_CALLX, /* call of the function dst points to */
	BPFE_FORM_EXIT,
	BPFE_FORM_LOAD,    /* dst = *(type *)(src + off) */
	BPFE_FORM_STORE_K, /* *(type *)(dst + off) = imm */
	BPFE_FORM_STORE_X, /* *(type *)(dst + off) = src */
	BPFE_FORM_ATOMIC,  /* *(dst + off) OP= src */
	BPFE_FORM_FETCH,   /* the same, src = what was there */
	BPFE_FORM_XCHG,
	BPFE_FORM_CMPXCHG,
	BPFE_FORM_LOAD_ACQ,     /* dst = *(type *)(src + off), acquire */
	BPFE_FORM_STORE_REL,    /* *(type *)(dst + off) = src, release */
	BPFE_FORM_LD_ABS,       /* r0 = frame[imm]; the program's exit with 0 if not there */
	BPFE_FORM_LD_IND,       /* r0 = frame[src + imm] */
	BPFE_FORM_LD_IMM64,     /* two slots, as the next three */
	BPFE_FORM_LD_FUNC,      /* dst = function at the slot after this one + imm */
	BPFE_FORM_LD_MAP,       /* dst = map */
	BPFE_FORM_LD_MAP_VALUE, /* dst = the map's one value + imm of the second slot */
	BPFE_FORM_REFUSED,      /* known and not offered; text says what it is */
	BPFE_FORM_MAX
};

struct bpfe_form_info {
	uint8_t uses;   /* set of enum bpfe_field; all others are reserved */
	uint8_t select; /* the enum bpfe_field that tells rows with one opcode byte apart */
	bool writes_dst;
};

struct bpfe_opcode {
	uint8_t code;
	uint8_t form;   /* enum bpfe_form */
	uint8_t op;     /* enum bpfe_op */
	uint8_t select; /* enum bpfe_field */
	int32_t value;  /* of the selecting field */
	const char *text;
};

/* Facts of a form. */
const struct bpfe_form_info *bpfe_form_info(uint8_t form);

/* The row @insn matches (reserved fields not looked at), or NULL. */
const struct bpfe_opcode *bpfe_opcode_find(const struct bpf_insn *insn);

/* Any row with the opcode byte @code, or NULL: tells an unknown opcode from an unknown variant. */
const struct bpfe_opcode *bpfe_opcode_first(uint8_t code);

/* Value of one field of @insn. */
int32_t bpfe_field_value(const struct bpf_insn *insn, uint8_t field);

static inline bool bpfe_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* Bytes that a load, store, atomic or legacy packet access moves. */
static inline unsigned bpfe_insn_size(const struct bpf_insn *insn)
{
	static const uint8_t sizes[] = {
		[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8};

	return sizes[BPF_SIZE(insn->code) >> 3];
}

/*
 * Slot @insn (at slot @i, of form @form) jumps or calls to, or that it takes the address of,
 * unchecked, so it may lie anywhere; -1 if it names no place in the program.
 */
int64_t bpfe_jump_target(const struct bpf_insn *insn, uint8_t form, uint32_t i);

/* Does a conditional or unconditional jump of this form lead to bpfe_jump_target()? */
bool bpfe_form_jumps(uint8_t form);

/* decode_flow.c: the passes over the whole image that bpfe_decode() runs after the encodings. */
int bpfe_decode_flow(struct bpfe_image *image, struct bpfe_log *log);

/* Refuse instruction @i, with its source line in front if that is known. */
int bpfe_decode_refuse(const struct bpfe_image *image, struct bpfe_log *log, uint32_t i,
		       enum bpfe_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 5, 6), nonnull(5)));

#endif
