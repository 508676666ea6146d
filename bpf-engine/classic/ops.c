// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "classic/classic.h"

#define ALU(op, text)                                                   \
	{BPF_ALU | BPF_K | (op), BPFE_CLASSIC_ALU_K, false, text},      \
	{                                                               \
		BPF_ALU | BPF_X | (op), BPFE_CLASSIC_ALU_X, false, text \
	}
#define JUMP(op, text)                                                   \
	{BPF_JMP | BPF_K | (op), BPFE_CLASSIC_JUMP_K, false, text},      \
	{                                                                \
		BPF_JMP | BPF_X | (op), BPFE_CLASSIC_JUMP_X, false, text \
	}

static const struct bpfe_classic_op ops[] = {
	{BPF_LD | BPF_W | BPF_ABS, BPFE_CLASSIC_LOAD_ABS, false, "ld"},
	{BPF_LD | BPF_H | BPF_ABS, BPFE_CLASSIC_LOAD_ABS, false, "ldh"},
	{BPF_LD | BPF_B | BPF_ABS, BPFE_CLASSIC_LOAD_ABS, false, "ldb"},
	{BPF_LD | BPF_W | BPF_IND, BPFE_CLASSIC_LOAD_IND, false, "ld"},
	{BPF_LD | BPF_H | BPF_IND, BPFE_CLASSIC_LOAD_IND, false, "ldh"},
	{BPF_LD | BPF_B | BPF_IND, BPFE_CLASSIC_LOAD_IND, false, "ldb"},
	{BPF_LDX | BPF_B | BPF_MSH, BPFE_CLASSIC_LOAD_MSH, true, "ldxb"},
	{BPF_LD | BPF_W | BPF_LEN, BPFE_CLASSIC_LOAD_LEN, false, "ld"},
	{BPF_LDX | BPF_W | BPF_LEN, BPFE_CLASSIC_LOAD_LEN, true, "ldx"},
	{BPF_LD | BPF_IMM, BPFE_CLASSIC_LOAD_IMM, false, "ld"},
	{BPF_LDX | BPF_IMM, BPFE_CLASSIC_LOAD_IMM, true, "ldx"},
	{BPF_LD | BPF_MEM, BPFE_CLASSIC_LOAD_MEM, false, "ld"},
	{BPF_LDX | BPF_MEM, BPFE_CLASSIC_LOAD_MEM, true, "ldx"},
	{BPF_ST, BPFE_CLASSIC_STORE, false, "st"},
	{BPF_STX, BPFE_CLASSIC_STORE, true, "stx"},
	ALU(BPF_ADD, "add"),
	ALU(BPF_SUB, "sub"),
	ALU(BPF_MUL, "mul"),
	ALU(BPF_DIV, "div"),
	ALU(BPF_MOD, "mod"),
	ALU(BPF_AND, "and"),
	ALU(BPF_OR, "or"),
	ALU(BPF_XOR, "xor"),
	ALU(BPF_LSH, "lsh"),
	ALU(BPF_RSH, "rsh"),
	{BPF_ALU | BPF_NEG, BPFE_CLASSIC_NEG, false, "neg"},
	{BPF_JMP | BPF_JA, BPFE_CLASSIC_JA, false, "ja"},
	JUMP(BPF_JEQ, "jeq"),
	JUMP(BPF_JGT, "jgt"),
	JUMP(BPF_JGE, "jge"),
	JUMP(BPF_JSET, "jset"),
	{BPF_RET | BPF_K, BPFE_CLASSIC_RET_K, false, "ret"},
	{BPF_RET | BPF_A, BPFE_CLASSIC_RET_A, false, "ret"},
	{BPF_MISC | BPF_TAX, BPFE_CLASSIC_TAX, false, "tax"},
	{BPF_MISC | BPF_TXA, BPFE_CLASSIC_TXA, false, "txa"},
};

static const struct bpfe_ancillary_row ancillary[] = {
	{SKF_AD_PROTOCOL, BPFE_ANCILLARY_PROTOCOL, "protocol"},
	{SKF_AD_PKTTYPE, BPFE_ANCILLARY_REFUSED, "packet type"},
	{SKF_AD_IFINDEX, BPFE_ANCILLARY_IFINDEX, "interface index"},
	{SKF_AD_NLATTR, BPFE_ANCILLARY_REFUSED, "netlink attribute"},
	{SKF_AD_NLATTR_NEST, BPFE_ANCILLARY_REFUSED, "nested netlink attribute"},
	{SKF_AD_MARK, BPFE_ANCILLARY_REFUSED, "mark"},
	{SKF_AD_QUEUE, BPFE_ANCILLARY_QUEUE, "queue"},
	{SKF_AD_HATYPE, BPFE_ANCILLARY_ETHER, "hardware type"},
	{SKF_AD_RXHASH, BPFE_ANCILLARY_REFUSED, "receive hash"},
	{SKF_AD_CPU, BPFE_ANCILLARY_QUEUE, "processor"},
	{SKF_AD_ALU_XOR_X, BPFE_ANCILLARY_XOR_X, "exclusive or"},
	{SKF_AD_VLAN_TAG, BPFE_ANCILLARY_ZERO, "VLAN tag"},
	{SKF_AD_VLAN_TAG_PRESENT, BPFE_ANCILLARY_ZERO, "VLAN tag present"},
	{SKF_AD_PAY_OFFSET, BPFE_ANCILLARY_REFUSED, "payload offset"},
	{SKF_AD_RANDOM, BPFE_ANCILLARY_REFUSED, "random number"},
	{SKF_AD_VLAN_TPID, BPFE_ANCILLARY_ZERO, "VLAN tag protocol"},
};

const struct bpfe_classic_op *bpfe_classic_op(uint16_t code)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].code == code)
			return &ops[i];
	}
	return NULL;
}

const struct bpfe_ancillary_row *bpfe_classic_ancillary(uint32_t k)
{
	for (size_t i = 0; i < sizeof(ancillary) / sizeof(ancillary[0]); i++) {
		if (ancillary[i].offset == k - (uint32_t)SKF_AD_OFF)
			return &ancillary[i];
	}
	return NULL;
}
