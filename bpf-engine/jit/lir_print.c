/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Operations and programs as text, for people and tests:
 *
 *	b0:
 *		rsi = load4 packet[rbx + rcx*4 + 12]
 *		rsi = add8 rsi, rdx
 *		branch8 rsi u> 34 -> b2
 *		-> b1
 *
 * A number behind a name is the size in bytes; numbers are decimal if they are small. A word before
 * the brackets says what memory it is, if that is known.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "jit/lir.h"

struct text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	size_t room = t->size > t->len ? t->size - t->len : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room ? t->buf + t->len : NULL, room, fmt, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n;
}

static const char *reg_name(uint8_t reg)
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
		"r9",  "r10", "r11", "r12", "r13", "r14", "r15", "fp",
	};

	return reg < sizeof(names) / sizeof(names[0]) ? names[reg] : "none";
}

static const char *code_name(uint8_t code)
{
	static const char *const names[LIR_CODES] = {
		[LIR_NOP] = "nop",
		[LIR_MOV] = "mov",
		[LIR_ADD] = "add",
		[LIR_SUB] = "sub",
		[LIR_MUL] = "mul",
		[LIR_AND] = "and",
		[LIR_OR] = "or",
		[LIR_XOR] = "xor",
		[LIR_SHL] = "shl",
		[LIR_SHR] = "shr",
		[LIR_SAR] = "sar",
		[LIR_ROL] = "rol",
		[LIR_SHLD] = "shld",
		[LIR_UDIV] = "udiv",
		[LIR_UMOD] = "umod",
		[LIR_SDIV] = "sdiv",
		[LIR_SMOD] = "smod",
		[LIR_NEG] = "neg",
		[LIR_BSWAP] = "bswap",
		[LIR_ZEXT] = "zext",
		[LIR_SEXT] = "sext",
		[LIR_LEA] = "lea",
		[LIR_LOAD] = "load",
		[LIR_STORE] = "store",
		[LIR_FENCE] = "fence",
		[LIR_XCHG] = "xchg",
		[LIR_CMPXCHG] = "cmpxchg",
		[LIR_SELECT] = "select",
		[LIR_SETCC] = "setcc",
		[LIR_CALL_HELPER] = "call helper",
		[LIR_EXIT] = "exit",
		[LIR_TRAP] = "trap",
		[LIR_CALL_DIRECT] = "call direct",
		[LIR_TAIL_CALL] = "tail call",
	};

	return code < LIR_CODES && names[code] ? names[code] : "unknown";
}

static const char *cond_name(uint8_t cond)
{
	switch (cond) {
	case LIR_B:
		return "u<";
	case LIR_AE:
		return "u>=";
	case LIR_E:
		return "==";
	case LIR_NE:
		return "!=";
	case LIR_BE:
		return "u<=";
	case LIR_A:
		return "u>";
	case LIR_S:
		return "negative";
	case LIR_NS:
		return "nonnegative";
	case LIR_L:
		return "s<";
	case LIR_GE:
		return "s>=";
	case LIR_LE:
		return "s<=";
	case LIR_G:
		return "s>";
	case LIR_TESTZ:
		return "testz";
	case LIR_TESTNZ:
		return "testnz";
	default:
		return "unknown";
	}
}

static void put_number(struct text *t, int64_t v)
{
	if (v >= -0xffff && v <= 0xffff)
		put(t, "%" PRId64, v);
	else
		put(t, "0x%" PRIx64, (uint64_t)v);
}

static void put_memory(struct text *t, const struct lir_op *op)
{
	static const char *const kinds[] = {
		[BPFE_MEM_NONE] = "",   [BPFE_MEM_STACK] = "stack",   [BPFE_MEM_PACKET] = "packet",
		[BPFE_MEM_CTX] = "ctx", [BPFE_MEM_MAP_VALUE] = "map", [BPFE_MEM_OTHER] = "other",
	};
	const char *sep = "";

	if (op->code != LIR_LEA && op->mem_kind < sizeof(kinds) / sizeof(kinds[0]))
		put(t, "%s", kinds[op->mem_kind]);
	put(t, "[");
	if (op->base != LIR_NONE) {
		put(t, "%s", reg_name(op->base));
		sep = " + ";
	}
	if (op->index != LIR_NONE && op->scale) {
		put(t, "%s%s*%u", sep, reg_name(op->index), op->scale);
		sep = " + ";
	}
	if (!*sep)
		put_number(t, op->disp);
	else if (op->disp)
		put(t, " %c %" PRId64, op->disp < 0 ? '-' : '+',
		    op->disp < 0 ? -(int64_t)op->disp : op->disp);
	put(t, "]");
}

static void put_b(struct text *t, const struct lir_op *op, int64_t imm)
{
	if (op->b == LIR_IMM)
		put_number(t, imm);
	else if (op->b == LIR_MEM)
		put_memory(t, op);
	else
		put(t, "%s", reg_name(op->b));
}

static void put_binary(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s%u%s %s, ", reg_name(op->dst), code_name(op->code), op->size,
	    op->flags & LIR_F_SAFE ? ".safe" : "", reg_name(op->a));
	put_b(t, op, op->imm);
}

static void put_shld(struct text *t, const struct lir_op *op)
{
	put(t, "%s = shld%u %s, %s, %" PRId64, reg_name(op->dst), op->size, reg_name(op->a),
	    reg_name(op->b), op->imm);
}

static void put_mov(struct text *t, const struct lir_op *op)
{
	put(t, "%s = mov%u ", reg_name(op->dst), op->size);
	put_b(t, op, op->imm);
}

static void put_unary(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s%u %s", reg_name(op->dst), code_name(op->code), op->size, reg_name(op->a));
}

/* BSWAP, ZEXT and SEXT are of imm bytes. */
static void put_narrow(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s%" PRId64, reg_name(op->dst), code_name(op->code), op->imm);
	if (op->code == LIR_SEXT)
		put(t, "to%u", op->size);
	put(t, " ");
	if (op->b == LIR_MEM)
		put_memory(t, op);
	else
		put(t, "%s", reg_name(op->a));
}

static void put_load(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s%u%s%s ", reg_name(op->dst), code_name(op->code), op->size,
	    op->flags & LIR_F_SIGNED ? "s" : "", op->flags & LIR_F_ACQUIRE ? ".acquire" : "");
	put_memory(t, op);
}

static void put_store(struct text *t, const struct lir_op *op)
{
	put(t, "store%u%s ", op->size, op->flags & LIR_F_RELEASE ? ".release" : "");
	put_memory(t, op);
	put(t, ", ");
	put_b(t, op, op->imm);
}

static void put_modify(struct text *t, const struct lir_op *op)
{
	if (op->code == LIR_FETCH)
		put(t, "%s = fetch ", reg_name(op->dst));
	else if (op->code == LIR_ATOMIC)
		put(t, "lock ");
	put(t, "%s%u ", code_name(op->alu), op->size);
	put_memory(t, op);
	put(t, ", ");
	put_b(t, op, op->imm);
}

static void put_sum(struct text *t, const struct lir_op *op)
{
	put(t, "%s = sum%u %s, %" PRId64 " of %u ", reg_name(op->dst), op->size, reg_name(op->a),
	    op->imm, op->alu);
	put_memory(t, op);
}

static void put_exchange(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s%u ", reg_name(op->dst), code_name(op->code), op->size);
	put_memory(t, op);
	if (op->code == LIR_CMPXCHG)
		put(t, ", %s", reg_name(op->a));
	put(t, ", %s", reg_name(op->b));
}

static void put_condition(struct text *t, const struct lir_op *op, int64_t imm)
{
	if (op->a == LIR_MEM)
		put_memory(t, op);
	else
		put(t, "%s", reg_name(op->a));
	put(t, " %s ", cond_name(op->cond));
	put_b(t, op, imm);
}

static void put_select(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s if%u ", reg_name(op->dst), reg_name(op->dst), op->size);
	put_condition(t, op, op->imm);
	put(t, " else %s", reg_name(op->index));
}

static void put_setcc(struct text *t, const struct lir_op *op)
{
	put(t, "%s = setcc%u ", reg_name(op->dst), op->size);
	put_condition(t, op, op->imm);
}

static void put_mask(struct text *t, const struct lir_op *op)
{
	put(t, "%s = mask %s, %s%" PRId64, reg_name(op->dst), reg_name(op->a),
	    op->flags & LIR_F_SIGNED ? "-" : "", op->imm);
}

static void put_guard(struct text *t, const struct lir_op *op)
{
	put(t, "%s = %s if%u ", reg_name(op->dst), reg_name(op->dst), op->size);
	put_condition(t, op, op->imm);
	put(t, " else nowhere");
}

static void put_clamp(struct text *t, const struct lir_op *op)
{
	put(t, "%s = clamp%s %s, %d, %" PRId64, reg_name(op->dst),
	    op->flags & LIR_F_SAFE ? ".safe" : "", reg_name(op->a), op->disp, op->imm);
	if (op->b != LIR_NONE)
		put(t, ", %s", reg_name(op->b));
}

static void put_object(struct text *t, const struct lir_op *op)
{
	put(t, "object %s, %" PRId64, reg_name(op->dst), op->imm);
}

/* The part of the context's field: lir_ctx_part(). */
static void put_part(struct text *t, const struct lir_op *op)
{
	uint32_t part = (uint32_t)op->disp;

	put(t, "ctx%u%s %s, field %u, byte %u", part >> 16 & 0xff, part >> 24 ? "s" : "",
	    reg_name(op->a), part & 0xff, part >> 8 & 0xff);
}

static void put_ctx_load(struct text *t, const struct lir_op *op)
{
	put(t, "%s = load ", reg_name(op->dst));
	put_part(t, op);
}

static void put_ctx_store(struct text *t, const struct lir_op *op)
{
	put(t, "store ");
	put_part(t, op);
	put(t, ", ");
	put_b(t, op, op->imm);
}

static void put_branch(struct text *t, const struct lir_op *op)
{
	put(t, "branch%u ", op->size);
	put_condition(t, op, op->imm32);
	put(t, " -> b%u", op->target);
}

static void put_call(struct text *t, const struct lir_op *op)
{
	put(t, "%s%s 0x%" PRIx64, code_name(op->code), op->flags & LIR_F_PLAIN ? " plain" : "",
	    (uint64_t)op->imm);
}

static void put_control(struct text *t, const struct lir_op *op)
{
	switch (op->code) {
	case LIR_CALL_LOCAL:
		put(t, "call f%u", op->target);
		break;
	case LIR_CALLX:
		put(t, "call f[%s]", reg_name(op->a));
		break;
	case LIR_CHARGE:
		put(t, "charge %" PRId64 "%s", op->imm, op->flags & LIR_F_CHECK ? ", check" : "");
		break;
	case LIR_MAY_GOTO:
		put(t, "may_goto -> b%u, cell %d", op->target, op->imm32);
		break;
	case LIR_JUMP:
		put(t, "jump -> b%u", op->target);
		break;
	default:
		put(t, "%s", code_name(op->code));
		break;
	}
}

static void (*printer(uint8_t code))(struct text *t, const struct lir_op *op)
{
	static void (*const printers[LIR_CODES])(struct text *, const struct lir_op *) = {
		[LIR_MOV] = put_mov,           [LIR_SUM] = put_sum,
		[LIR_ADD] = put_binary,        [LIR_SUB] = put_binary,
		[LIR_MUL] = put_binary,        [LIR_AND] = put_binary,
		[LIR_OR] = put_binary,         [LIR_XOR] = put_binary,
		[LIR_SHL] = put_binary,        [LIR_SHR] = put_binary,
		[LIR_SAR] = put_binary,        [LIR_ROL] = put_binary,
		[LIR_UDIV] = put_binary,       [LIR_UMOD] = put_binary,
		[LIR_SDIV] = put_binary,       [LIR_SMOD] = put_binary,
		[LIR_SHLD] = put_shld,         [LIR_NEG] = put_unary,
		[LIR_BSWAP] = put_narrow,      [LIR_ZEXT] = put_narrow,
		[LIR_SEXT] = put_narrow,       [LIR_LEA] = put_load,
		[LIR_LOAD] = put_load,         [LIR_STORE] = put_store,
		[LIR_RMW] = put_modify,        [LIR_ATOMIC] = put_modify,
		[LIR_FETCH] = put_modify,      [LIR_XCHG] = put_exchange,
		[LIR_CMPXCHG] = put_exchange,  [LIR_SELECT] = put_select,
		[LIR_SETCC] = put_setcc,       [LIR_CALL_HELPER] = put_call,
		[LIR_CALL_DIRECT] = put_call,  [LIR_BRANCH] = put_branch,
		[LIR_MASK] = put_mask,         [LIR_GUARD] = put_guard,
		[LIR_CLAMP] = put_clamp,       [LIR_OBJECT] = put_object,
		[LIR_CTX_LOAD] = put_ctx_load, [LIR_CTX_STORE] = put_ctx_store,
	};

	return code < LIR_CODES && printers[code] ? printers[code] : put_control;
}

void lir_print_op(const struct lir_op *op, char *buf, size_t size)
{
	struct text t = {.buf = buf, .size = size};

	if (size)
		buf[0] = '\0';
	printer(op->code)(&t, op);
}

static void print_block(const struct lir *lir, uint32_t b, struct bpfe_log *log)
{
	const struct lir_block *block = &lir->blocks[b];
	char text[160];

	if (!block->n_ops && block->next == LIR_NO_BLOCK)
		return;
	bpfe_log(log, "b%u:\n", b);
	for (uint32_t i = 0; i < block->n_ops; i++) {
		if (block->ops[i].code == LIR_NOP)
			continue;
		lir_print_op(&block->ops[i], text, sizeof(text));
		bpfe_log(log, "\t%s\n", text);
	}
	if (block->next != LIR_NO_BLOCK)
		bpfe_log(log, "\t-> b%u\n", block->next);
}

void lir_print(const struct lir *lir, struct bpfe_log *log)
{
	uint32_t n = lir->n_order ? lir->n_order : lir->n_blocks;
	uint32_t function = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t b = lir->n_order ? lir->order[i] : i;

		if (lir->blocks[b].function != function) {
			function = lir->blocks[b].function;
			bpfe_log(log, "f%u:\n", function);
		}
		print_block(lir, b, log);
	}
}
