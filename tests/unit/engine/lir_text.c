/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Reads programs as lir_print() writes them; lir_text.h. */
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lir_text.h"

struct reader {
	const char *at;
	const char *line;
	char word[32];
};

static void fail_line(const struct reader *r)
{
	fail_msg("not understood from \"%.*s\" on: %.*s", (int)strcspn(r->at, "\n"), r->at,
		 (int)strcspn(r->line, "\n"), r->line);
}

static void blanks(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
}

static bool accept(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	blanks(r);
	if (strncmp(r->at, text, n))
		return false;
	r->at += n;
	return true;
}

/* Only if the name ends there. */
static bool accept_name(struct reader *r, const char *name)
{
	const char *start = r->at;

	if (accept(r, name) && !isalnum((unsigned char)*r->at))
		return true;
	r->at = start;
	return false;
}

static void expect(struct reader *r, const char *text)
{
	if (!accept(r, text))
		fail_line(r);
}

/* Letters only: a size may follow without a blank. */
static const char *word(struct reader *r)
{
	size_t n = 0;

	blanks(r);
	while (isalpha((unsigned char)*r->at) && n + 1 < sizeof(r->word))
		r->word[n++] = *r->at++;
	r->word[n] = '\0';
	return r->word;
}

static int64_t number(struct reader *r)
{
	char *end;
	int64_t value;

	blanks(r);
	value = *r->at == '-' ? strtoll(r->at, &end, 0) : (int64_t)strtoull(r->at, &end, 0);
	if (end == r->at)
		fail_line(r);
	r->at = end;
	return value;
}

/* LIR_NONE if there is none here. */
static uint8_t maybe_reg(struct reader *r)
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
		"r9",  "r10", "r11", "r12", "r13", "r14", "r15", "fp",
	};

	for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (accept_name(r, names[i]))
			return i;
	}
	return LIR_NONE;
}

static uint8_t reg(struct reader *r)
{
	uint8_t found = maybe_reg(r);

	if (found == LIR_NONE)
		fail_line(r);
	return found;
}

/* ---- Operands -------------------------------------------------------------------------------- */

static bool maybe_memory(struct reader *r, struct lir_op *op)
{
	static const char *const kinds[] = {
		[BPFE_MEM_NONE] = "[",         [BPFE_MEM_STACK] = "stack[",
		[BPFE_MEM_PACKET] = "packet[", [BPFE_MEM_MAP_VALUE] = "map[",
		[BPFE_MEM_CTX] = "ctx[",       [BPFE_MEM_OTHER] = "other[",
	};
	uint8_t found = 0;

	while (found < sizeof(kinds) / sizeof(kinds[0]) && !accept(r, kinds[found]))
		found++;
	if (found == sizeof(kinds) / sizeof(kinds[0]))
		return false;
	op->mem_kind = found;
	do {
		uint8_t some = maybe_reg(r);

		if (some == LIR_NONE) {
			op->disp = (int32_t)number(r);
		} else if (accept(r, "*")) {
			op->index = some;
			op->scale = (uint8_t)number(r);
		} else {
			op->base = some;
		}
	} while (accept(r, "+"));
	if (accept(r, "-"))
		op->disp = -(int32_t)number(r);
	expect(r, "]");
	return true;
}

static void memory(struct reader *r, struct lir_op *op)
{
	if (!maybe_memory(r, op))
		fail_line(r);
}

/* b: a register, memory or a number. */
static void operand(struct reader *r, struct lir_op *op)
{
	if (maybe_memory(r, op)) {
		op->b = LIR_MEM;
		return;
	}
	op->b = maybe_reg(r);
	if (op->b != LIR_NONE)
		return;
	op->b = LIR_IMM;
	if (op->code == LIR_BRANCH)
		op->imm32 = (int32_t)number(r);
	else
		op->imm = number(r);
}

static void condition(struct reader *r, struct lir_op *op)
{
	static const struct {
		const char *name;
		uint8_t cond;
	} names[] = {
		{"u<=", LIR_BE},     {"u>=", LIR_AE},         {"u<", LIR_B},
		{"u>", LIR_A},       {"s<=", LIR_LE},         {"s>=", LIR_GE},
		{"s<", LIR_L},       {"s>", LIR_G},           {"==", LIR_E},
		{"!=", LIR_NE},      {"testz", LIR_TESTZ},    {"testnz", LIR_TESTNZ},
		{"negative", LIR_S}, {"nonnegative", LIR_NS},
	};

	op->a = maybe_memory(r, op) ? (uint8_t)LIR_MEM : reg(r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (accept(r, names[i].name)) {
			op->cond = names[i].cond;
			operand(r, op);
			return;
		}
	}
	fail_line(r);
}

static uint32_t block_number(struct reader *r)
{
	expect(r, "-> b");
	return (uint32_t)number(r);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static uint8_t code_of(const char *name)
{
	static const struct {
		const char *name;
		uint8_t code;
	} names[] = {
		{"mov", LIR_MOV},   {"add", LIR_ADD},     {"sub", LIR_SUB},
		{"mul", LIR_MUL},   {"and", LIR_AND},     {"or", LIR_OR},
		{"xor", LIR_XOR},   {"shl", LIR_SHL},     {"shr", LIR_SHR},
		{"sar", LIR_SAR},   {"rol", LIR_ROL},     {"shld", LIR_SHLD},
		{"udiv", LIR_UDIV}, {"umod", LIR_UMOD},   {"sdiv", LIR_SDIV},
		{"smod", LIR_SMOD}, {"neg", LIR_NEG},     {"bswap", LIR_BSWAP},
		{"zext", LIR_ZEXT}, {"sext", LIR_SEXT},   {"lea", LIR_LEA},
		{"load", LIR_LOAD}, {"setcc", LIR_SETCC}, {"fetch", LIR_FETCH},
		{"sum", LIR_SUM},   {"xchg", LIR_XCHG},   {"cmpxchg", LIR_CMPXCHG},
		{"mask", LIR_MASK},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, name))
			return names[i].code;
	}
	return LIR_NOP;
}

/* "dst = dst if8 a == b else c", behind the second dst. */
static void read_select(struct reader *r, struct lir_op *op)
{
	op->code = LIR_SELECT;
	if (strcmp(word(r), "if"))
		fail_line(r);
	op->size = (uint8_t)number(r);
	condition(r, op);
	expect(r, "else");
	op->index = reg(r);
}

static void read_narrow(struct reader *r, struct lir_op *op)
{
	op->imm = number(r);
	op->size = 8;
	if (op->code == LIR_SEXT) {
		expect(r, "to");
		op->size = (uint8_t)number(r);
	}
	if (maybe_memory(r, op))
		op->b = LIR_MEM;
	else
		op->a = reg(r);
}

static void read_modify(struct reader *r, struct lir_op *op)
{
	op->alu = code_of(word(r));
	op->size = (uint8_t)number(r);
	memory(r, op);
	expect(r, ",");
	operand(r, op);
}

static void read_exchange(struct reader *r, struct lir_op *op)
{
	op->size = (uint8_t)number(r);
	memory(r, op);
	expect(r, ",");
	if (op->code == LIR_CMPXCHG) {
		op->a = reg(r);
		expect(r, ",");
	}
	op->b = reg(r);
}

/* "a, b"; "a, b, count" of SHLD. */
static void read_binary(struct reader *r, struct lir_op *op)
{
	op->a = reg(r);
	expect(r, ",");
	operand(r, op);
	if (op->code == LIR_SHLD) {
		expect(r, ",");
		op->imm = number(r);
	}
}

/* "a, count of bytes memory". */
static void read_sum(struct reader *r, struct lir_op *op)
{
	op->a = reg(r);
	expect(r, ",");
	op->imm = number(r);
	expect(r, "of");
	op->alu = (uint8_t)number(r);
	memory(r, op);
}

static void read_load(struct reader *r, struct lir_op *op)
{
	op->flags |= accept(r, "s ") ? LIR_F_SIGNED : 0;
	op->flags |= accept(r, ".acquire") ? LIR_F_ACQUIRE : 0;
	memory(r, op);
}

/* Behind "dst =". */
static void read_value(struct reader *r, struct lir_op *op)
{
	uint8_t first = maybe_reg(r);

	if (first != LIR_NONE) {
		read_select(r, op);
		return;
	}
	op->code = code_of(word(r));
	if (op->code == LIR_NOP)
		fail_line(r);
	if (op->code == LIR_MASK) {
		op->size = 8;
		op->a = reg(r);
		expect(r, ",");
		op->flags |= accept(r, "-") ? LIR_F_SIGNED : 0;
		op->imm = number(r);
	} else if (op->code == LIR_ZEXT || op->code == LIR_SEXT || op->code == LIR_BSWAP) {
		read_narrow(r, op);
	} else if (op->code == LIR_FETCH) {
		read_modify(r, op);
	} else if (op->code == LIR_XCHG || op->code == LIR_CMPXCHG) {
		read_exchange(r, op);
	} else {
		op->size = (uint8_t)number(r);
		op->flags |= accept(r, ".safe") ? LIR_F_SAFE : 0;
		if (op->code == LIR_LOAD || op->code == LIR_LEA)
			read_load(r, op);
		else if (op->code == LIR_MOV)
			operand(r, op);
		else if (op->code == LIR_SUM)
			read_sum(r, op);
		else if (op->code == LIR_NEG)
			op->a = reg(r);
		else if (op->code == LIR_SETCC)
			condition(r, op);
		else
			read_binary(r, op);
	}
}

static void read_call(struct reader *r, struct lir_op *op)
{
	op->code = accept(r, "direct") ? LIR_CALL_DIRECT : LIR_CALL_HELPER;
	if (op->code == LIR_CALL_HELPER && !accept(r, "helper")) {
		op->code = LIR_CALL_LOCAL;
		expect(r, "f");
		op->target = (uint32_t)number(r);
		return;
	}
	op->flags |= accept(r, "plain") ? LIR_F_PLAIN : 0;
	op->disp = LIR_ARGUMENTS;
	op->imm = number(r);
}

static void read_branch(struct reader *r, struct lir_op *op)
{
	op->code = LIR_BRANCH;
	op->size = (uint8_t)number(r);
	condition(r, op);
	op->target = block_number(r);
}

static void read_jump(struct reader *r, struct lir_op *op)
{
	op->code = LIR_JUMP;
	op->target = block_number(r);
}

static void read_charge(struct reader *r, struct lir_op *op)
{
	op->code = LIR_CHARGE;
	op->imm = number(r);
	op->flags |= accept(r, ", check") ? LIR_F_CHECK : 0;
}

static void read_store(struct reader *r, struct lir_op *op)
{
	op->code = LIR_STORE;
	op->size = (uint8_t)number(r);
	op->flags |= accept(r, ".release") ? LIR_F_RELEASE : 0;
	memory(r, op);
	expect(r, ",");
	operand(r, op);
}

static void read_object(struct reader *r, struct lir_op *op)
{
	op->code = LIR_OBJECT;
	op->dst = reg(r);
	expect(r, ",");
	op->imm = number(r);
}

static void read_effect(struct reader *r, struct lir_op *op)
{
	static const struct {
		const char *name;
		void (*read)(struct reader *r, struct lir_op *op);
		uint8_t code;
	} names[] = {
		{"exit", NULL, LIR_EXIT},
		{"trap", NULL, LIR_TRAP},
		{"fence", NULL, LIR_FENCE},
		{"branch", read_branch, LIR_BRANCH},
		{"jump", read_jump, LIR_JUMP},
		{"call", read_call, LIR_CALL_HELPER},
		{"charge", read_charge, LIR_CHARGE},
		{"store", read_store, LIR_STORE},
		{"lock", read_modify, LIR_ATOMIC},
		{"object", read_object, LIR_OBJECT},
	};
	const char *start = r->at;
	const char *name;

	if (accept(r, "tail call")) {
		op->code = LIR_TAIL_CALL;
		return;
	}
	name = word(r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, name)) {
			op->code = names[i].code;
			if (names[i].read)
				names[i].read(r, op);
			return;
		}
	}
	r->at = start;
	op->code = LIR_RMW;
	read_modify(r, op);
	if (op->alu == LIR_NOP)
		fail_line(r);
}

static void read_op(struct reader *r, struct lir *lir, uint32_t block)
{
	struct lir_op op = {.a = LIR_NONE, .b = LIR_NONE, .base = LIR_NONE, .index = LIR_NONE};

	op.dst = maybe_reg(r);
	if (op.dst != LIR_NONE) {
		expect(r, "=");
		read_value(r, &op);
	} else {
		read_effect(r, &op);
	}
	assert_non_null(lir_append(lir, block, &op));
}

/* ---- Programs -------------------------------------------------------------------------------- */

static void need_block(struct lir *lir, uint32_t block)
{
	uint32_t function = lir->n_functions ? lir->n_functions - 1 : 0;

	while (lir->n_blocks <= block)
		assert_int_not_equal(lir_block_new(lir, function, 0), LIR_NO_BLOCK);
}

static void begin_function(struct lir *lir)
{
	lir->functions = realloc(lir->functions, (lir->n_functions + 1) * sizeof(*lir->functions));
	assert_non_null(lir->functions);
	lir->functions[lir->n_functions] = (struct lir_function){
		.entry = lir->n_blocks,
		.first = lir->n_blocks,
		.last = lir->n_blocks,
		.is_main = !lir->n_functions,
	};
	lir->n_functions++;
}

static void read_line(struct reader *r, struct lir *lir)
{
	blanks(r);
	if (*r->at == 'b' && isdigit((unsigned char)r->at[1])) {
		r->at++;
		need_block(lir, (uint32_t)number(r));
		lir->functions[lir->n_functions - 1].last = lir->n_blocks;
		expect(r, ":");
	} else if (*r->at == 'f' && isdigit((unsigned char)r->at[1])) {
		begin_function(lir);
		r->at += strcspn(r->at, "\n");
	} else if (!strncmp(r->at, "->", 2)) {
		lir->blocks[lir->n_blocks - 1].next = block_number(r);
	} else {
		read_op(r, lir, lir->n_blocks - 1);
	}
	blanks(r);
	if (*r->at && *r->at != '\n')
		fail_line(r);
}

void lir_from_text(struct lir *lir, const char *text)
{
	static const struct bpfe_image image;
	struct reader r = {.at = text};

	lir_init(lir, &image);
	begin_function(lir);
	while (*r.at) {
		r.line = r.at;
		if (*r.at != '\n')
			read_line(&r, lir);
		r.at += *r.at == '\n';
	}
	assert_false(lir->failed);
}

const char *lir_to_text(const struct lir *lir)
{
	static char text[1 << 16];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};

	text[0] = '\0';
	lir_print(lir, &log);
	return text;
}

void lir_assert_pass(void (*pass)(struct lir *lir), const char *before, const char *after)
{
	struct lir lir;

	lir_from_text(&lir, before);
	pass(&lir);
	assert_false(lir.failed);
	assert_string_equal(lir_to_text(&lir), after);
	lir_free(&lir);
}
