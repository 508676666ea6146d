/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The instruction set (RFC 9669) as one table. A row is
 *
 *   X(name, opcode byte, value of the selecting field, form, text)
 *
 * Rows with the same opcode byte differ in the field that their form selects by. Where an
 * instruction computes, its effect stands in the row as an expression of a (destination) and b
 * (source), and isa/effects.h turns it into functions: there is no second list of opcodes.
 */
#ifndef BPFE_OPCODES_H
#define BPFE_OPCODES_H

#include <linux/bpf.h>

/* Newer than the oldest linux/bpf.h we build with. */
enum {
	BPFE_MEMSX = 0x80,       /* mode of sign-extending loads */
	BPFE_JCOND = 0xe0,       /* may_goto */
	BPFE_LOAD_ACQ = 0x100,   /* imm of an atomic */
	BPFE_STORE_REL = 0x110,  /* imm of an atomic */
	BPFE_ADDR_SPACE_CAST = 1 /* off of a move */
};

/*
 * Arithmetic: R(X, name, operation, off, text, effect); each gives four rows (64 and 32 bits,
 * immediate and register). In the 32-bit form a and b are uint32_t and the result is
 * zero-extended.
 */
#define BPFE_ALU_OPS(R, X)                                                                 \
	R(X, ADD, BPF_ADD, 0, "+=", a + b)                                                 \
	R(X, SUB, BPF_SUB, 0, "-=", a - b)                                                 \
	R(X, MUL, BPF_MUL, 0, "*=", a *b)                                                  \
	R(X, DIV, BPF_DIV, 0, "/=", b ? a / b : 0)                                         \
	R(X, SDIV, BPF_DIV, 1, "s/=", b == 0 ? 0 : sb == -1 ? 0 - a : (uint64_t)(sa / sb)) \
	R(X, OR, BPF_OR, 0, "|=", a | b)                                                   \
	R(X, AND, BPF_AND, 0, "&=", a &b)                                                  \
	R(X, LSH, BPF_LSH, 0, "<<=", a << (b & mask))                                      \
	R(X, RSH, BPF_RSH, 0, ">>=", a >> (b & mask))                                      \
	R(X, MOD, BPF_MOD, 0, "%=", b ? a % b : a)                                         \
	R(X, SMOD, BPF_MOD, 1, "s%=", b == 0 ? a : sb == -1 ? 0 : (uint64_t)(sa % sb))     \
	R(X, XOR, BPF_XOR, 0, "^=", a ^ b)                                                 \
	R(X, MOV, BPF_MOV, 0, "=", b)                                                      \
	R(X, ARSH, BPF_ARSH, 0, "s>>=", (uint64_t)(sa >> (b & mask)))

/* Operations of one operand: R(X, name, opcode byte, selecting value, form, text, effect on a). */
#define BPFE_UNARY_OPS(R, X)                                                                    \
	R(X, NEG64, BPF_ALU64 | BPF_NEG, 0, NEG, "-", 0 - a)                                    \
	R(X, NEG32, BPF_ALU | BPF_NEG, 0, NEG, "-", (uint32_t)(0 - a))                          \
	R(X, MOVSX64_8, BPF_ALU64 | BPF_MOV | BPF_X, 8, MOVSX, "s8", (uint64_t)(int8_t)a)       \
	R(X, MOVSX64_16, BPF_ALU64 | BPF_MOV | BPF_X, 16, MOVSX, "s16", (uint64_t)(int16_t)a)   \
	R(X, MOVSX64_32, BPF_ALU64 | BPF_MOV | BPF_X, 32, MOVSX, "s32", (uint64_t)(int32_t)a)   \
	R(X, MOVSX32_8, BPF_ALU | BPF_MOV | BPF_X, 8, MOVSX, "s8", (uint32_t)(int8_t)a)         \
	R(X, MOVSX32_16, BPF_ALU | BPF_MOV | BPF_X, 16, MOVSX, "s16", (uint32_t)(int16_t)a)     \
	R(X, LE16, BPF_ALU | BPF_END | BPF_TO_LE, 16, SWAP, "le16", (uint16_t)a)                \
	R(X, LE32, BPF_ALU | BPF_END | BPF_TO_LE, 32, SWAP, "le32", (uint32_t)a)                \
	R(X, LE64, BPF_ALU | BPF_END | BPF_TO_LE, 64, SWAP, "le64", a)                          \
	R(X, BE16, BPF_ALU | BPF_END | BPF_TO_BE, 16, SWAP, "be16",                             \
	  __builtin_bswap16((uint16_t)a))                                                       \
	R(X, BE32, BPF_ALU | BPF_END | BPF_TO_BE, 32, SWAP, "be32",                             \
	  __builtin_bswap32((uint32_t)a))                                                       \
	R(X, BE64, BPF_ALU | BPF_END | BPF_TO_BE, 64, SWAP, "be64", __builtin_bswap64(a))       \
	R(X, BSWAP16, BPF_ALU64 | BPF_END, 16, SWAP, "bswap16", __builtin_bswap16((uint16_t)a)) \
	R(X, BSWAP32, BPF_ALU64 | BPF_END, 32, SWAP, "bswap32", __builtin_bswap32((uint32_t)a)) \
	R(X, BSWAP64, BPF_ALU64 | BPF_END, 64, SWAP, "bswap64", __builtin_bswap64(a))

/* Conditions: R(X, name, operation, text, condition); each gives four rows as above. */
#define BPFE_JUMP_OPS(R, X)                     \
	R(X, JEQ, BPF_JEQ, "==", a == b)        \
	R(X, JGT, BPF_JGT, ">", a > b)          \
	R(X, JGE, BPF_JGE, ">=", a >= b)        \
	R(X, JSET, BPF_JSET, "&", (a & b) != 0) \
	R(X, JNE, BPF_JNE, "!=", a != b)        \
	R(X, JSGT, BPF_JSGT, "s>", sa > sb)     \
	R(X, JSGE, BPF_JSGE, "s>=", sa >= sb)   \
	R(X, JLT, BPF_JLT, "<", a < b)          \
	R(X, JLE, BPF_JLE, "<=", a <= b)        \
	R(X, JSLT, BPF_JSLT, "s<", sa < sb)     \
	R(X, JSLE, BPF_JSLE, "s<=", sa <= sb)

/* Loads: R(X, name, size, mode, C type of the cell, text of it). */
#define BPFE_LOAD_OPS(R, X)                             \
	R(X, LDX8, BPF_B, BPF_MEM, uint8_t, "u8")       \
	R(X, LDX16, BPF_H, BPF_MEM, uint16_t, "u16")    \
	R(X, LDX32, BPF_W, BPF_MEM, uint32_t, "u32")    \
	R(X, LDX64, BPF_DW, BPF_MEM, uint64_t, "u64")   \
	R(X, LDSX8, BPF_B, BPFE_MEMSX, int8_t, "s8")    \
	R(X, LDSX16, BPF_H, BPFE_MEMSX, int16_t, "s16") \
	R(X, LDSX32, BPF_W, BPFE_MEMSX, int32_t, "s32")

/* Stores: R(X, size in bits, size, C type, text); an immediate and a register row each. */
#define BPFE_STORE_OPS(R, X)             \
	R(X, 8, BPF_B, uint8_t, "u8")    \
	R(X, 16, BPF_H, uint16_t, "u16") \
	R(X, 32, BPF_W, uint32_t, "u32") \
	R(X, 64, BPF_DW, uint64_t, "u64")

/* Atomics that compute: R(X, name, operation, text, builtin); plain and fetching, 64 and 32. */
#define BPFE_ATOMIC_OPS(R, X)                         \
	R(X, ADD, BPF_ADD, "add", __atomic_fetch_add) \
	R(X, OR, BPF_OR, "or", __atomic_fetch_or)     \
	R(X, AND, BPF_AND, "and", __atomic_fetch_and) \
	R(X, XOR, BPF_XOR, "xor", __atomic_fetch_xor)

/* Ordered loads and stores: R(X, size in bits, size, C type, text); an acquiring load, a releasing
 * store. */
#define BPFE_ORDERED_OPS(R, X)           \
	R(X, 8, BPF_B, uint8_t, "u8")    \
	R(X, 16, BPF_H, uint16_t, "u16") \
	R(X, 32, BPF_W, uint32_t, "u32") \
	R(X, 64, BPF_DW, uint64_t, "u64")

/* Legacy packet access: R(X, size in bits, size, C type, text, network to host order). */
#define BPFE_PACKET_OPS(R, X)                               \
	R(X, 8, BPF_B, uint8_t, "u8", )                     \
	R(X, 16, BPF_H, uint16_t, "u16", __builtin_bswap16) \
	R(X, 32, BPF_W, uint32_t, "u32", __builtin_bswap32)

/* What has no operands to compute with. */
#define BPFE_CONTROL_OPS(X)                                                                 \
	X(XCHG64, BPF_STX | BPF_ATOMIC | BPF_DW, BPF_XCHG, XCHG, "xchg")                    \
	X(XCHG32, BPF_STX | BPF_ATOMIC | BPF_W, BPF_XCHG, XCHG, "xchg")                     \
	X(CMPXCHG64, BPF_STX | BPF_ATOMIC | BPF_DW, BPF_CMPXCHG, CMPXCHG, "cmpxchg")        \
	X(CMPXCHG32, BPF_STX | BPF_ATOMIC | BPF_W, BPF_CMPXCHG, CMPXCHG, "cmpxchg")         \
	X(JA, BPF_JMP | BPF_JA, 0, JA, "goto")                                              \
	X(GOTOL, BPF_JMP32 | BPF_JA, 0, GOTOL, "gotol")                                     \
	X(MAY_GOTO, BPF_JMP | BPFE_JCOND, 0, MAY_GOTO, "may_goto")                          \
	X(CALL_HELPER, BPF_JMP | BPF_CALL, 0, CALL_HELPER, "call")                          \
	X(CALL_LOCAL, BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, CALL_LOCAL, "call")              \
	X(CALL_KFUNC, BPF_JMP | BPF_CALL, BPF_PSEUDO_KFUNC_CALL, CALL_KFUNC, "call")        \
	X(CALLX, BPF_JMP | BPF_CALL | BPF_X, 0, CALLX, "callx")                             \
	X(EXIT, BPF_JMP | BPF_EXIT, 0, EXIT, "exit")                                        \
	X(LD_IMM64, BPF_LD | BPF_IMM | BPF_DW, 0, LD_IMM64, "=")                            \
	X(LD_FUNC, BPF_LD | BPF_IMM | BPF_DW, BPF_PSEUDO_FUNC, LD_FUNC, "subprog")          \
	X(LD_MAP_FD, BPF_LD | BPF_IMM | BPF_DW, BPF_PSEUDO_MAP_FD, LD_MAP, "fd")            \
	X(LD_MAP_IDX, BPF_LD | BPF_IMM | BPF_DW, BPF_PSEUDO_MAP_IDX, LD_MAP, "idx")         \
	X(LD_VALUE_FD, BPF_LD | BPF_IMM | BPF_DW, BPF_PSEUDO_MAP_VALUE, LD_MAP_VALUE, "fd") \
	X(LD_VALUE_IDX, BPF_LD | BPF_IMM | BPF_DW, BPF_PSEUDO_MAP_IDX_VALUE, LD_MAP_VALUE, "idx")

/* Known, and refused by name: Y(opcode byte, selecting field, its value, what it is). */
#define BPFE_REFUSED_OPS(Y)                                                                  \
	Y(BPF_LD | BPF_IMM | BPF_DW, SRC, BPF_PSEUDO_BTF_ID, "address of a kernel variable") \
	Y(BPF_JMP | BPF_JA | BPF_X, NONE, 0, "indirect jump (gotox)")                        \
	Y(BPF_ALU64 | BPF_MOV | BPF_X, OFF, BPFE_ADDR_SPACE_CAST, "address space cast")

/* ---- Expansion of the lists above into rows ------------------------------------------------- */

#define BPFE_ALU_ROWS(X, name, bits, off, text, effect)             \
	X(name##64_K, BPF_ALU64 | BPF_K | (bits), off, ALU_K, text) \
	X(name##64_X, BPF_ALU64 | BPF_X | (bits), off, ALU_X, text) \
	X(name##32_K, BPF_ALU | BPF_K | (bits), off, ALU_K, text)   \
	X(name##32_X, BPF_ALU | BPF_X | (bits), off, ALU_X, text)
#define BPFE_UNARY_ROWS(X, name, code, select, form, text, effect) X(name, code, select, form, text)
#define BPFE_JUMP_ROWS(X, name, bits, text, condition)             \
	X(name##64_K, BPF_JMP | BPF_K | (bits), 0, JUMP_K, text)   \
	X(name##64_X, BPF_JMP | BPF_X | (bits), 0, JUMP_X, text)   \
	X(name##32_K, BPF_JMP32 | BPF_K | (bits), 0, JUMP_K, text) \
	X(name##32_X, BPF_JMP32 | BPF_X | (bits), 0, JUMP_X, text)
#define BPFE_LOAD_ROWS(X, name, size, mode, type, text) \
	X(name, BPF_LDX | (size) | (mode), 0, LOAD, text)
#define BPFE_STORE_ROWS(X, width, size, type, text)               \
	X(ST##width, BPF_ST | BPF_MEM | (size), 0, STORE_K, text) \
	X(STX##width, BPF_STX | BPF_MEM | (size), 0, STORE_X, text)
#define BPFE_ATOMIC_ROWS(X, name, bits, text, builtin)                                      \
	X(ATOMIC_##name##64, BPF_STX | BPF_ATOMIC | BPF_DW, bits, ATOMIC, text)             \
	X(ATOMIC_##name##32, BPF_STX | BPF_ATOMIC | BPF_W, bits, ATOMIC, text)              \
	X(FETCH_##name##64, BPF_STX | BPF_ATOMIC | BPF_DW, (bits) | BPF_FETCH, FETCH, text) \
	X(FETCH_##name##32, BPF_STX | BPF_ATOMIC | BPF_W, (bits) | BPF_FETCH, FETCH, text)

#define BPFE_ORDERED_ROWS(X, width, size, type, text)                                    \
	X(LOAD_ACQ##width, BPF_STX | BPF_ATOMIC | (size), BPFE_LOAD_ACQ, LOAD_ACQ, text) \
	X(STORE_REL##width, BPF_STX | BPF_ATOMIC | (size), BPFE_STORE_REL, STORE_REL, text)
#define BPFE_PACKET_ROWS(X, width, size, type, text, order)          \
	X(LD_ABS##width, BPF_LD | BPF_ABS | (size), 0, LD_ABS, text) \
	X(LD_IND##width, BPF_LD | BPF_IND | (size), 0, LD_IND, text)

#define BPFE_OPCODES(X)                        \
	BPFE_ALU_OPS(BPFE_ALU_ROWS, X)         \
	BPFE_UNARY_OPS(BPFE_UNARY_ROWS, X)     \
	BPFE_JUMP_OPS(BPFE_JUMP_ROWS, X)       \
	BPFE_LOAD_OPS(BPFE_LOAD_ROWS, X)       \
	BPFE_STORE_OPS(BPFE_STORE_ROWS, X)     \
	BPFE_ATOMIC_OPS(BPFE_ATOMIC_ROWS, X)   \
	BPFE_ORDERED_OPS(BPFE_ORDERED_ROWS, X) \
	BPFE_PACKET_OPS(BPFE_PACKET_ROWS, X)   \
	BPFE_CONTROL_OPS(X)

#endif
