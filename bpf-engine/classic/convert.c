// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Classic BPF to XDP instructions, one by one in order.
 *
 * A and X live in 32-bit registers, whose upper halves stay zero; M[] on the stack. Every load
 * checks its own bounds, whatever was checked before it, so that the verifier needs to know no more
 * of a path than that, and has nothing to follow beyond where paths meet.
 */
#include <errno.h>
#include <stdlib.h>
#include "classic/classic.h"
#include "internal.h"

#define MAX_FRAME 0xffffu /* the farthest a packet comparison proves anything */

/* The program's registers. R1 stays the context: nothing is called. */
enum {
	R_RESULT = BPF_REG_0,
	R_CTX = BPF_REG_1,
	R_OFFSET = BPF_REG_2, /* scratch */
	R_AT = BPF_REG_3,
	R_LIMIT = BPF_REG_4,
	R_END = BPF_REG_6, /* data_end */
	R_A = BPF_REG_7,
	R_X = BPF_REG_8,
	R_DATA = BPF_REG_9,
};

#define PROLOGUE     4u
#define MAX_PER_INSN 14u /* of an indexed load */

_Static_assert(PROLOGUE + MAX_PER_INSN * BPFE_CLASSIC_MAX_INSNS <= BPFE_MAX_INSNS,
	       "whatever is valid can be loaded");

/* A jump whose distance is known when all is emitted. */
struct fixup {
	uint32_t at;
	uint32_t target; /* classic instruction */
};

struct converter {
	const struct bpfe_classic_attr *attr;
	struct bpf_insn *out;
	uint32_t n;
	uint32_t *starts; /* where each classic instruction begins */
	struct fixup *fixups;
	uint32_t n_fixups;
};

static void emit(struct converter *c, uint8_t code, uint8_t dst, uint8_t src, int16_t off,
		 uint32_t imm)
{
	c->out[c->n++] = (struct bpf_insn){.code = code,
					   .dst_reg = dst & 15,
					   .src_reg = src & 15,
					   .off = off,
					   .imm = (int)imm};
}

static void emit_jump(struct converter *c, uint8_t code, uint8_t src, uint32_t imm, uint32_t target)
{
	c->fixups[c->n_fixups++] = (struct fixup){c->n, target};
	emit(c, code, code == (BPF_JMP | BPF_JA) ? 0 : R_A, src, 0, imm);
}

static void mov32(struct converter *c, uint8_t dst, uint8_t src)
{
	emit(c, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void mov32_imm(struct converter *c, uint8_t dst, uint32_t imm)
{
	emit(c, BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void mov64(struct converter *c, uint8_t dst, uint8_t src)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void add64_imm(struct converter *c, uint8_t dst, uint32_t imm)
{
	if (imm)
		emit(c, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

/* Leave: the filter matched, or it did not. */
static void leave(struct converter *c, bool match)
{
	uint32_t value = match ? c->attr->match : c->attr->no_match;

	mov32_imm(c, R_RESULT, c->attr->raw ? 0 : value);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

#define LEAVE_SLOTS 2

/* ---- Loads ---------------------------------------------------------------------------------- */

static uint32_t bytes_of(uint8_t size)
{
	switch (size) {
	case BPF_W:
		return 4;
	case BPF_H:
		return 2;
	default:
		return 1;
	}
}

/* dst = what lies at R_AT, if it lies in the frame, in the host's byte order. @size: BPF_B, ... */
static void load_checked(struct converter *c, uint8_t dst, uint8_t size)
{
	mov64(c, R_LIMIT, R_AT);
	add64_imm(c, R_LIMIT, bytes_of(size));
	emit(c, BPF_JMP | BPF_JLE | BPF_X, R_LIMIT, R_END, LEAVE_SLOTS, 0);
	leave(c, false);
	emit(c, BPF_LDX | BPF_MEM | size, dst, R_AT, 0, 0);
	if (size != BPF_B)
		emit(c, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, 8 * bytes_of(size));
}

static void load_at(struct converter *c, uint8_t dst, uint32_t k, uint8_t size)
{
	if (k > MAX_FRAME - bytes_of(size)) {
		leave(c, false);
		return;
	}
	mov64(c, R_AT, R_DATA);
	add64_imm(c, R_AT, k);
	load_checked(c, dst, size);
}

static void load_indexed(struct converter *c, uint32_t k, uint8_t size)
{
	const uint32_t last = MAX_FRAME - bytes_of(size);

	if (k > last) {
		leave(c, false);
		return;
	}
	mov32(c, R_OFFSET, R_X);
	emit(c, BPF_JMP | BPF_JLE | BPF_K, R_OFFSET, 0, LEAVE_SLOTS, last - k);
	leave(c, false);
	mov64(c, R_AT, R_DATA);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, R_AT, R_OFFSET, 0, 0);
	add64_imm(c, R_AT, k);
	load_checked(c, R_A, size);
}

static void load_context(struct converter *c, size_t offset)
{
	emit(c, BPF_LDX | BPF_MEM | BPF_W, R_A, R_CTX, (int16_t)offset, 0);
}

static void load_ancillary(struct converter *c, uint32_t k)
{
	switch (bpfe_classic_ancillary(k)->kind) {
	case BPFE_ANCILLARY_PROTOCOL:
		load_at(c, R_A, 12, BPF_H);
		break;
	case BPFE_ANCILLARY_IFINDEX:
		load_context(c, offsetof(struct xdp_md, ingress_ifindex));
		break;
	case BPFE_ANCILLARY_QUEUE:
		load_context(c, offsetof(struct xdp_md, rx_queue_index));
		break;
	case BPFE_ANCILLARY_ETHER:
		mov32_imm(c, R_A, 1); /* ARPHRD_ETHER */
		break;
	case BPFE_ANCILLARY_XOR_X:
		emit(c, BPF_ALU | BPF_XOR | BPF_X, R_A, R_X, 0, 0);
		break;
	default:
		mov32_imm(c, R_A, 0);
		break;
	}
}

static void load_length(struct converter *c, uint8_t dst)
{
	mov64(c, R_AT, R_END);
	emit(c, BPF_ALU64 | BPF_SUB | BPF_X, R_AT, R_DATA, 0, 0);
	mov32(c, dst, R_AT);
}

/* X = 4 * (frame[k] & 15) */
static void load_header_length(struct converter *c, uint32_t k)
{
	load_at(c, R_X, k, BPF_B);
	emit(c, BPF_ALU | BPF_AND | BPF_K, R_X, 0, 0, 15);
	emit(c, BPF_ALU | BPF_LSH | BPF_K, R_X, 0, 0, 2);
}

static int16_t scratch_offset(uint32_t k)
{
	return (int16_t)(-4 * ((int)k + 1));
}

/* ---- Arithmetic ----------------------------------------------------------------------------- */

static void alu_x(struct converter *c, uint8_t op)
{
	if (op == BPF_DIV || op == BPF_MOD) {
		emit(c, BPF_JMP32 | BPF_JNE | BPF_K, R_X, 0, LEAVE_SLOTS, 0);
		leave(c, false);
	}
	if (op == BPF_LSH || op == BPF_RSH) {
		/* All bits are shifted out by 32 and more; the instruction would take X modulo 32.
		 */
		emit(c, BPF_JMP32 | BPF_JLT | BPF_K, R_X, 0, 1, 32);
		mov32_imm(c, R_A, 0);
	}
	emit(c, BPF_ALU | BPF_X | op, R_A, R_X, 0, 0);
}

/* ---- Control -------------------------------------------------------------------------------- */

static void jump(struct converter *c, const struct sock_filter *insn, uint32_t i)
{
	uint8_t code = BPF_JMP32 | BPF_OP(insn->code) | BPF_SRC(insn->code);
	bool by_x = BPF_SRC(insn->code) == BPF_X;

	if (insn->jt != insn->jf)
		emit_jump(c, code, by_x ? R_X : 0, by_x ? 0 : insn->k, i + 1 + insn->jt);
	if (insn->jf)
		emit_jump(c, BPF_JMP | BPF_JA, 0, 0, i + 1 + insn->jf);
}

static void return_a(struct converter *c)
{
	if (c->attr->raw) {
		mov32(c, R_RESULT, R_A);
		emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		return;
	}
	emit(c, BPF_JMP32 | BPF_JNE | BPF_K, R_A, 0, LEAVE_SLOTS, 0);
	leave(c, false);
	leave(c, true);
}

static void return_k(struct converter *c, uint32_t k)
{
	if (c->attr->raw) {
		mov32_imm(c, R_RESULT, k);
		emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		return;
	}
	leave(c, k != 0);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static void convert_insn(struct converter *c, uint32_t i)
{
	const struct sock_filter *insn = &c->attr->insns[i];
	const struct bpfe_classic_op *op = bpfe_classic_op(insn->code);
	uint8_t reg = op->to_x ? R_X : R_A;

	switch (op->kind) {
	case BPFE_CLASSIC_LOAD_ABS:
		if (bpfe_classic_is_ancillary(op, insn->k))
			load_ancillary(c, insn->k);
		else
			load_at(c, R_A, insn->k, BPF_SIZE(insn->code));
		break;
	case BPFE_CLASSIC_LOAD_IND:
		load_indexed(c, insn->k, BPF_SIZE(insn->code));
		break;
	case BPFE_CLASSIC_LOAD_MSH:
		load_header_length(c, insn->k);
		break;
	case BPFE_CLASSIC_LOAD_LEN:
		load_length(c, reg);
		break;
	case BPFE_CLASSIC_LOAD_IMM:
		mov32_imm(c, reg, insn->k);
		break;
	case BPFE_CLASSIC_LOAD_MEM:
		emit(c, BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_10, scratch_offset(insn->k), 0);
		break;
	case BPFE_CLASSIC_STORE:
		emit(c, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, reg, scratch_offset(insn->k), 0);
		break;
	case BPFE_CLASSIC_ALU_K:
		emit(c, BPF_ALU | BPF_K | BPF_OP(insn->code), R_A, 0, 0, insn->k);
		break;
	case BPFE_CLASSIC_ALU_X:
		alu_x(c, BPF_OP(insn->code));
		break;
	case BPFE_CLASSIC_NEG:
		emit(c, BPF_ALU | BPF_NEG, R_A, 0, 0, 0);
		break;
	case BPFE_CLASSIC_JA:
		emit_jump(c, BPF_JMP | BPF_JA, 0, 0, i + 1 + insn->k);
		break;
	case BPFE_CLASSIC_JUMP_K:
	case BPFE_CLASSIC_JUMP_X:
		jump(c, insn, i);
		break;
	case BPFE_CLASSIC_RET_K:
		return_k(c, insn->k);
		break;
	case BPFE_CLASSIC_RET_A:
		return_a(c);
		break;
	case BPFE_CLASSIC_TAX:
		mov32(c, R_X, R_A);
		break;
	case BPFE_CLASSIC_TXA:
		mov32(c, R_A, R_X);
		break;
	}
}

/* Conditional jumps reach 255 classic instructions, which 16 bits hold; a ja may need more. */
static void resolve(struct converter *c)
{
	for (uint32_t f = 0; f < c->n_fixups; f++) {
		struct bpf_insn *insn = &c->out[c->fixups[f].at];
		uint32_t distance = c->starts[c->fixups[f].target] - c->fixups[f].at - 1;

		if (distance <= INT16_MAX) {
			insn->off = (int16_t)distance;
		} else {
			insn->code = BPF_JMP32 | BPF_JA;
			insn->imm = (int)distance;
		}
	}
}

static void convert(struct converter *c)
{
	emit(c, BPF_LDX | BPF_MEM | BPF_W, R_DATA, R_CTX, offsetof(struct xdp_md, data), 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, R_END, R_CTX, offsetof(struct xdp_md, data_end), 0);
	mov32_imm(c, R_A, 0);
	mov32_imm(c, R_X, 0);
	for (uint32_t i = 0; i < c->attr->n_insns; i++) {
		c->starts[i] = c->n;
		convert_insn(c, i);
	}
	resolve(c);
}

int bpfe_classic_convert(const struct bpfe_classic_attr *attr, struct bpf_insn **insns,
			 uint32_t *n_insns, struct bpfe_log *log)
{
	struct converter c = {.attr = attr};
	int err = bpfe_classic_validate(attr->insns, attr->n_insns, log);

	if (err)
		return err;
	c.out = calloc(PROLOGUE + (size_t)MAX_PER_INSN * attr->n_insns, sizeof(*c.out));
	c.starts = calloc(attr->n_insns, sizeof(*c.starts));
	c.fixups = calloc(2 * (size_t)attr->n_insns, sizeof(*c.fixups));
	if (c.out && c.starts && c.fixups) {
		convert(&c);
		*insns = c.out;
		*n_insns = c.n;
	} else {
		free(c.out);
		err = bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
				  "no memory for a filter of %u instructions", attr->n_insns);
	}
	free(c.starts);
	free(c.fixups);
	return err;
}
