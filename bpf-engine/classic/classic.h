/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The classic instruction set as one table, which validator, converter and disassembler read. */
#ifndef BPFE_CLASSIC_H
#define BPFE_CLASSIC_H

#include "bpf_classic.h"

enum bpfe_classic_kind {
	BPFE_CLASSIC_LOAD_ABS = 0, /* A = frame[k] */
	BPFE_CLASSIC_LOAD_IND,     /* A = frame[X + k] */
	BPFE_CLASSIC_LOAD_MSH,     /* X = 4 * (frame[k] & 15), the length of an IPv4 header */
	BPFE_CLASSIC_LOAD_LEN,     /* A or X = length of the frame */
	BPFE_CLASSIC_LOAD_IMM,     /* A or X = k */
	BPFE_CLASSIC_LOAD_MEM,     /* A or X = M[k] */
	BPFE_CLASSIC_STORE,        /* M[k] = A or X */
	BPFE_CLASSIC_ALU_K,        /* A OP= k */
	BPFE_CLASSIC_ALU_X,        /* A OP= X */
	BPFE_CLASSIC_NEG,          /* A = -A */
	BPFE_CLASSIC_JA,
	BPFE_CLASSIC_JUMP_K, /* if (A OP k) goto jt else goto jf */
	BPFE_CLASSIC_JUMP_X,
	BPFE_CLASSIC_RET_K,
	BPFE_CLASSIC_RET_A,
	BPFE_CLASSIC_TAX, /* X = A */
	BPFE_CLASSIC_TXA, /* A = X */
};

struct bpfe_classic_op {
	uint16_t code;
	uint8_t kind;     /* enum bpfe_classic_kind */
	bool to_x;        /* loads and stores: X, not A */
	const char *text; /* tcpdump's mnemonic */
};

/* The row of an opcode, or NULL if there is no such instruction. */
const struct bpfe_classic_op *bpfe_classic_op(uint16_t code);

/* Linux's ancillary loads: k of an absolute load at or above SKF_AD_OFF. */
enum bpfe_ancillary {
	BPFE_ANCILLARY_REFUSED = 0, /* known to Linux, not to a NIC */
	BPFE_ANCILLARY_PROTOCOL,    /* EtherType at its place in the frame */
	BPFE_ANCILLARY_IFINDEX,
	BPFE_ANCILLARY_QUEUE, /* queue and processor: the same here */
	BPFE_ANCILLARY_ETHER, /* ARPHRD_ETHER */
	BPFE_ANCILLARY_ZERO,  /* VLAN tags stay in the frame */
	BPFE_ANCILLARY_XOR_X, /* A ^= X */
};

struct bpfe_ancillary_row {
	uint32_t offset; /* k - SKF_AD_OFF */
	uint8_t kind;    /* enum bpfe_ancillary */
	const char *name;
};

/* The row of the absolute load's @k, or NULL; bpfe_classic_is_ancillary() tells if it needs one. */
const struct bpfe_ancillary_row *bpfe_classic_ancillary(uint32_t k);

static inline bool bpfe_classic_is_ancillary(const struct bpfe_classic_op *op, uint32_t k)
{
	return op->kind == BPFE_CLASSIC_LOAD_ABS && k >= (uint32_t)SKF_AD_OFF;
}

#endif
