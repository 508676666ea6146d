/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <capstone.h>
#include "asm_decode.h"

static const char *const names[4][16] = {
	{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
	 "r13b", "r14b", "r15b"},
	{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w",
	 "r13w", "r14w", "r15w"},
	{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
	 "r12d", "r13d", "r14d", "r15d"},
	{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
	 "r13", "r14", "r15"},
};

const char *reg_name(unsigned size, uint8_t reg)
{
	assert_true(reg < 16);
	return names[size == 8 ? 3 : size >> 1][reg];
}

/* How often each register is part of an address. */
struct address {
	unsigned times[16];
	int64_t disp;
};

static void address_add(struct address *a, uint8_t reg, unsigned times)
{
	if (reg < 16)
		a->times[reg] += times;
}

static int address_text(char *buf, size_t room, unsigned size, const struct address *a)
{
	int n = snprintf(buf, room, "m%u[", size);

	for (uint8_t reg = 0; reg < 16; reg++) {
		if (a->times[reg])
			n += snprintf(buf + n, room - (size_t)n, "%s*%u+", reg_name(8, reg),
				      a->times[reg]);
	}
	return n + snprintf(buf + n, room - (size_t)n, "%" PRId64 "]", a->disp);
}

static struct address mem_address(struct jit_mem mem)
{
	struct address a = {.disp = mem.disp};

	address_add(&a, mem.base, 1);
	address_add(&a, mem.index, mem.scale);
	return a;
}

const char *mem_text(unsigned size, struct jit_mem mem)
{
	static char bufs[8][96];
	static unsigned next;
	struct address a = mem_address(mem);
	char *buf = bufs[next++ % 8];

	address_text(buf, sizeof(bufs[0]), size, &a);
	return buf;
}

/* Bytes of one way to write an address, as it is. */
static unsigned plain_mem_bytes(struct jit_mem mem)
{
	if (mem.base == LIR_NONE)
		return 6;
	unsigned bytes = 1 + (mem.index != LIR_NONE || (mem.base & 7) == LIR_RSP);

	if (!mem.disp && (mem.base & 7) != LIR_RBP)
		return bytes;
	return bytes + (mem.disp >= -128 && mem.disp <= 127 ? 1 : 4);
}

static bool same_address(struct jit_mem x, struct jit_mem y)
{
	struct address a = mem_address(x), b = mem_address(y);

	return !memcmp(a.times, b.times, sizeof(a.times));
}

unsigned mem_bytes(struct jit_mem mem)
{
	struct jit_mem way = {.disp = mem.disp};
	unsigned fewest = 100, bytes;

	for (unsigned n = 0; n < 17 * 17 * 4; n++) {
		way.base = (uint8_t)(n % 17);
		way.index = (uint8_t)(n / 17 % 17);
		way.scale = (uint8_t)(1 << n / 289);
		way.base = way.base == 16 ? LIR_NONE : way.base;
		way.index = way.index == 16 ? LIR_NONE : way.index;
		if (way.index == LIR_RSP || !same_address(way, mem))
			continue;
		bytes = plain_mem_bytes(way);
		fewest = bytes < fewest ? bytes : fewest;
	}
	return fewest;
}

bool mem_extended(struct jit_mem mem)
{
	return (mem.base != LIR_NONE && mem.base >= LIR_R8) ||
	       (mem.index != LIR_NONE && mem.index >= LIR_R8);
}

static uint8_t reg_number(csh cs, x86_reg reg)
{
	const char *name = cs_reg_name(cs, reg);

	for (uint8_t i = 0; name && i < 64; i++) {
		if (!strcmp(names[i / 16][i % 16], name))
			return i % 16;
	}
	return LIR_NONE;
}

static int operand_mem(csh cs, const cs_x86_op *op, const cs_insn *insn, char *buf, size_t room)
{
	struct address a = {.disp = op->mem.disp};

	if (op->mem.base == X86_REG_RIP)
		return snprintf(buf, room, "m%u[rip:%#" PRIx64 "]", op->size,
				insn->address + insn->size + (uint64_t)op->mem.disp);
	address_add(&a, reg_number(cs, op->mem.base), 1);
	address_add(&a, reg_number(cs, op->mem.index), (unsigned)op->mem.scale);
	return address_text(buf, room, op->size, &a);
}

static int64_t truncated(int64_t imm, unsigned size)
{
	if (size >= 8)
		return imm;
	return (int64_t)((uint64_t)imm << (64 - 8 * size)) >> (64 - 8 * size);
}

static int operand_text(csh cs, const cs_x86_op *op, const cs_insn *insn, char *buf, size_t room)
{
	bool branch = cs_insn_group(cs, insn, CS_GRP_JUMP) || cs_insn_group(cs, insn, CS_GRP_CALL);

	if (op->type == X86_OP_REG)
		return snprintf(buf, room, "%s", cs_reg_name(cs, op->reg));
	if (op->type == X86_OP_MEM)
		return operand_mem(cs, op, insn, buf, room);
	if (branch)
		return snprintf(buf, room, "%#" PRIx64, op->imm);
	return snprintf(buf, room, "%" PRId64,
			truncated(op->imm, insn->detail->x86.operands[0].size));
}

static void insn_text(csh cs, const cs_insn *insn, char *text, size_t room)
{
	const cs_x86 *x86 = &insn->detail->x86;
	size_t n = (size_t)snprintf(text, room, "%s", insn->mnemonic);

	for (unsigned i = 0; i < x86->op_count; i++) {
		n += (size_t)snprintf(text + n, room - n, "%s", i ? ", " : " ");
		n += (size_t)operand_text(cs, &x86->operands[i], insn, text + n, room - n);
	}
}

unsigned asm_decode(const uint8_t *code, size_t size, uint64_t address, char *text, size_t room)
{
	static csh cs;
	cs_insn *insn;
	unsigned bytes = 0;

	if (!cs) {
		assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &cs), CS_ERR_OK);
		cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	}
	text[0] = '\0';
	if (cs_disasm(cs, code, size, address, 1, &insn) == 1) {
		bytes = insn->size;
		insn_text(cs, insn, text, room);
		cs_free(insn, 1);
	}
	return bytes;
}

void asm_expect(struct jit_asm *as, unsigned bytes, const char *fmt, ...)
{
	char expected[160], got[160];
	uint8_t code[64];
	va_list args;
	size_t size;

	va_start(args, fmt);
	vsnprintf(expected, sizeof(expected), fmt, args);
	va_end(args);
	assert_false(as->failed);
	assert_true(jit_asm_bound(as) <= sizeof(code));
	size = jit_asm_finish(as, ASM_ADDRESS, code);
	jit_asm_free(as);
	jit_asm_init(as);
	if (!bytes) {
		assert_int_equal(size, 0);
		return;
	}
	if (asm_decode(code, size, ASM_ADDRESS, got, sizeof(got)) != size || strcmp(got, expected))
		fail_msg("%zu bytes read \"%s\", expected \"%s\"", size, got, expected);
	if (size != bytes)
		fail_msg("\"%s\" has %zu bytes, expected %u", expected, size, bytes);
}
