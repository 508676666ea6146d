// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "generate.h"

#include <string.h>

static const uint16_t codes[] = {BPF_LD | BPF_W | BPF_ABS,
				 BPF_LD | BPF_H | BPF_ABS,
				 BPF_LD | BPF_B | BPF_ABS,
				 BPF_LD | BPF_W | BPF_IND,
				 BPF_LD | BPF_H | BPF_IND,
				 BPF_LD | BPF_B | BPF_IND,
				 BPF_LDX | BPF_B | BPF_MSH,
				 BPF_LD | BPF_W | BPF_LEN,
				 BPF_LDX | BPF_W | BPF_LEN,
				 BPF_LD | BPF_IMM,
				 BPF_LDX | BPF_IMM,
				 BPF_LD | BPF_MEM,
				 BPF_LDX | BPF_MEM,
				 BPF_ST,
				 BPF_STX,
				 BPF_ALU | BPF_ADD,
				 BPF_ALU | BPF_ADD | BPF_X,
				 BPF_ALU | BPF_SUB,
				 BPF_ALU | BPF_SUB | BPF_X,
				 BPF_ALU | BPF_MUL,
				 BPF_ALU | BPF_MUL | BPF_X,
				 BPF_ALU | BPF_DIV,
				 BPF_ALU | BPF_DIV | BPF_X,
				 BPF_ALU | BPF_MOD,
				 BPF_ALU | BPF_MOD | BPF_X,
				 BPF_ALU | BPF_AND,
				 BPF_ALU | BPF_AND | BPF_X,
				 BPF_ALU | BPF_OR,
				 BPF_ALU | BPF_OR | BPF_X,
				 BPF_ALU | BPF_XOR,
				 BPF_ALU | BPF_XOR | BPF_X,
				 BPF_ALU | BPF_LSH,
				 BPF_ALU | BPF_LSH | BPF_X,
				 BPF_ALU | BPF_RSH,
				 BPF_ALU | BPF_RSH | BPF_X,
				 BPF_ALU | BPF_NEG,
				 BPF_JMP | BPF_JA,
				 BPF_JMP | BPF_JEQ,
				 BPF_JMP | BPF_JEQ | BPF_X,
				 BPF_JMP | BPF_JGT,
				 BPF_JMP | BPF_JGT | BPF_X,
				 BPF_JMP | BPF_JGE,
				 BPF_JMP | BPF_JGE | BPF_X,
				 BPF_JMP | BPF_JSET,
				 BPF_JMP | BPF_JSET | BPF_X,
				 BPF_RET | BPF_K,
				 BPF_RET | BPF_A,
				 BPF_MISC | BPF_TAX,
				 BPF_MISC | BPF_TXA};

#define CODES (sizeof(codes) / sizeof(codes[0]))

/* Values at which something changes, more often than any other. */
static uint32_t operand(const uint8_t *c)
{
	static const uint32_t edges[] = {0,      1,          2,          4,          0x45,
					 0x7f,   0x80,       0xff,       0x100,      0x800,
					 0x7fff, 0x8000,     0xfffe,     0xffff,     0x10000,
					 0xfffb, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

	if (c[0] < 160)
		return c[1] % 80;
	if (c[0] < 220)
		return edges[c[1] % (sizeof(edges) / sizeof(edges[0]))];
	return (uint32_t)c[1] << 24 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 8 | c[0];
}

static uint32_t operand_of(uint16_t code, const uint8_t *c)
{
	uint32_t k = operand(c);

	switch (code) {
	case BPF_ST:
	case BPF_STX:
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		return k % 4; /* few words, so that one stored is loaded */
	case BPF_ALU | BPF_LSH:
	case BPF_ALU | BPF_RSH:
		return k % 32;
	case BPF_ALU | BPF_DIV:
	case BPF_ALU | BPF_MOD:
		return k ? k : 1;
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
		return k & 0x7fffffff; /* no ancillary data */
	default:
		return k;
	}
}

static struct sock_filter instruction(const uint8_t *c, uint32_t left)
{
	struct sock_filter insn = {.code = codes[c[0] % CODES]};

	/* Returns in the middle end too many programs early. */
	if (BPF_CLASS(insn.code) == BPF_RET && c[1] & 3)
		insn.code = BPF_LD | BPF_B | BPF_ABS;
	insn.k = operand_of(insn.code, c + 1);
	if (insn.code == (BPF_JMP | BPF_JA)) {
		insn.k = left ? c[1] % (left < 4 ? left : 4) : 0;
	} else if (BPF_CLASS(insn.code) == BPF_JMP) {
		insn.jt = left ? c[4] % (left < 8 ? left : 8) : 0;
		insn.jf = left ? c[5] % (left < 8 ? left : 8) : 0;
	}
	return insn;
}

uint32_t generate_classic(const uint8_t *choices, size_t size, struct sock_filter *insns)
{
	uint32_t n = (uint32_t)(size / 6), i = 0;

	if (n > GENERATE_MAX - 5)
		n = GENERATE_MAX - 5;
	/* The words of M[] that operands name are stored first, mostly. */
	if (size && choices[0] % 8) {
		for (; i < 4; i++)
			insns[i] = (struct sock_filter)BPF_STMT(i & 1 ? BPF_STX : BPF_ST, i);
	}
	n += i;
	for (uint32_t at = 0; i < n; i++, at += 6) {
		uint8_t c[6];

		memcpy(c, choices + at, sizeof(c));
		insns[i] = instruction(c, n - i);
	}
	insns[n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	return n + 1;
}
