/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Instructions as C expressions, for tests that write programs by hand. */
#ifndef TEST_INSN_H
#define TEST_INSN_H

#include <linux/bpf.h>

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (int)(i)})

/* op: BPF_ADD ... */
#define ALU64_K(op, dst, imm) INSN(BPF_ALU64 | BPF_K | (op), dst, 0, 0, imm)
#define ALU64_X(op, dst, src) INSN(BPF_ALU64 | BPF_X | (op), dst, src, 0, 0)
#define ALU32_K(op, dst, imm) INSN(BPF_ALU | BPF_K | (op), dst, 0, 0, imm)
#define ALU32_X(op, dst, src) INSN(BPF_ALU | BPF_X | (op), dst, src, 0, 0)
#define MOV_K(dst, imm)       ALU64_K(BPF_MOV, dst, imm)
#define MOV_X(dst, src)       ALU64_X(BPF_MOV, dst, src)

/* size: BPF_B, BPF_H, BPF_W, BPF_DW */
#define LDX(size, dst, src, off)        INSN(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define LDSX(size, dst, src, off)       INSN(BPF_LDX | 0x80 | (size), dst, src, off, 0)
#define STX(size, dst, off, src)        INSN(BPF_STX | BPF_MEM | (size), dst, src, off, 0)
#define ST(size, dst, off, imm)         INSN(BPF_ST | BPF_MEM | (size), dst, 0, off, imm)
#define ATOMIC(size, op, dst, off, src) INSN(BPF_STX | BPF_ATOMIC | (size), dst, src, off, op)

#define JMP_K(op, dst, imm, off)       INSN(BPF_JMP | BPF_K | (op), dst, 0, off, imm)
#define JMP_X(op, dst, src, off)       INSN(BPF_JMP | BPF_X | (op), dst, src, off, 0)
#define JMP32_K(op, dst, imm, off)     INSN(BPF_JMP32 | BPF_K | (op), dst, 0, off, imm)
#define JMP32_X(op, dst, src, off)     INSN(BPF_JMP32 | BPF_X | (op), dst, src, off, 0)
#define JA(off)                        INSN(BPF_JMP | BPF_JA, 0, 0, off, 0)
#define GOTOL(imm)                     INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, imm)
#define CALL(id)                       INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define CALL_LOCAL(imm)                INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm)
#define CALL_KFUNC(id)                 INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id)
#define CALLX(dst)                     INSN(BPF_JMP | BPF_CALL | BPF_X, dst, 0, 0, 0)
#define MAY_GOTO(off)                  INSN(BPF_JMP | 0xe0, 0, 0, off, 0)
#define LD_ABS(size, imm)              INSN(BPF_LD | BPF_ABS | (size), 0, 0, 0, imm)
#define LD_IND(size, src, imm)         INSN(BPF_LD | BPF_IND | (size), 0, src, 0, imm)
#define LOAD_ACQ(size, dst, src, off)  ATOMIC(size, 0x100, dst, off, src)
#define STORE_REL(size, dst, off, src) ATOMIC(size, 0x110, dst, off, src)
#define EXIT()                         INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Two slots each. */
#define LD64(dst, imm)                                               \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (uint64_t)(imm)), \
		INSN(0, 0, 0, 0, (uint64_t)(imm) >> 32)
#define LD_MAP_IDX(dst, index) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_IDX, 0, index), INSN(0, 0, 0, 0, 0)
#define LD_MAP_FD(dst, id) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, id), INSN(0, 0, 0, 0, 0)
#define LD_FUNC(dst, imm) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_FUNC, 0, imm), INSN(0, 0, 0, 0, 0)
#define LD_VALUE_IDX(dst, index, off)                                             \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_IDX_VALUE, 0, index), \
		INSN(0, 0, 0, 0, off)
#define LD_VALUE_FD(dst, id, off) \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, 0, id), INSN(0, 0, 0, 0, off)

/* r2 = data, r3 = data_end; leaves with r0 = 0 unless the frame has @bytes. Uses r4; six slots. */
#define NEED_PACKET(bytes, slots_to_exit)                                   \
	LDX(BPF_W, 2, 1, 0), LDX(BPF_W, 3, 1, 4), MOV_K(0, 0), MOV_X(4, 2), \
		ALU64_K(BPF_ADD, 4, bytes), JMP_X(BPF_JGT, 4, 3, slots_to_exit)

#endif
