/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "mem_programs.h"
#include "../unit/engine/insn.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void mem_program_memory(uint8_t memory[1514])
{
	static const uint8_t headers[] = {
		2,  0, 0,  0,    0, 1, 2,  0,  0,  0,  0, 2,    8,  0, /* Ethernet */
		69, 0, 5,  0xdc, 0, 1, 64, 0,  64, 17, 0, 0,    10, 0,
		0,  1, 10, 0,    0, 2, 48, 57, 0,  53, 5, 0xc8, 0,  0};

	for (int i = 0; i < 1514; i++)
		memory[i] = (uint8_t)(i * 7 + (i >> 8));
	memcpy(memory, headers, sizeof(headers));
}

/* Four instructions a byte. */
static const struct bpf_insn byte_sum[] = {
	MOV_K(0, 0),
	MOV_K(5, 64),
	LDX(BPF_B, 6, 1, 0),
	ALU64_X(BPF_ADD, 0, 6),
	ALU64_K(BPF_ADD, 1, 1),
	ALU64_K(BPF_SUB, 5, 1),
	JMP_K(BPF_JNE, 5, 0, -5),
	EXIT(),
};

/* RFC 1071 over the 1480 bytes after the IPv4 header, the sum folded and inverted. */
static const struct bpf_insn checksum[] = {
	MOV_K(0, 0),
	MOV_K(5, 740),
	ALU64_K(BPF_ADD, 1, 34),
	LDX(BPF_H, 6, 1, 0),
	ALU64_X(BPF_ADD, 0, 6),
	ALU64_K(BPF_ADD, 1, 2),
	ALU64_K(BPF_SUB, 5, 1),
	JMP_K(BPF_JNE, 5, 0, -5),
	MOV_X(6, 0),
	ALU64_K(BPF_RSH, 6, 16),
	ALU64_K(BPF_AND, 0, 0xffff),
	ALU64_X(BPF_ADD, 0, 6),
	MOV_X(6, 0),
	ALU64_K(BPF_RSH, 6, 16),
	ALU64_X(BPF_ADD, 0, 6),
	ALU64_K(BPF_XOR, 0, -1),
	ALU64_K(BPF_AND, 0, 0xffff),
	EXIT(),
};

/* Ethernet, a VLAN tag if there is one, IPv4, UDP: the destination port. */
static const struct bpf_insn parse[] = {
	MOV_K(0, 0),
	JMP_K(BPF_JLT, 2, 42, 18),
	LDX(BPF_H, 3, 1, 12),
	INSN(BPF_ALU | BPF_END | BPF_TO_BE, 3, 0, 0, 16),
	JMP_K(BPF_JNE, 3, 0x8100, 3),
	LDX(BPF_H, 3, 1, 16),
	INSN(BPF_ALU | BPF_END | BPF_TO_BE, 3, 0, 0, 16),
	ALU64_K(BPF_ADD, 1, 4),
	JMP_K(BPF_JNE, 3, 0x800, 11),
	LDX(BPF_B, 4, 1, 14),
	MOV_X(5, 4),
	ALU64_K(BPF_RSH, 5, 4),
	JMP_K(BPF_JNE, 5, 4, 7),
	ALU64_K(BPF_AND, 4, 15),
	ALU64_K(BPF_LSH, 4, 2),
	LDX(BPF_B, 5, 1, 23),
	JMP_K(BPF_JNE, 5, 17, 3),
	ALU64_X(BPF_ADD, 1, 4),
	LDX(BPF_H, 0, 1, 16),
	INSN(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 16),
	EXIT(),
};

/* FNV-1a, 64 bits, over 64 bytes. */
static const struct bpf_insn hash[] = {
	LD64(0, 0xcbf29ce484222325),
	LD64(7, 0x100000001b3),
	MOV_K(5, 64),
	LDX(BPF_B, 6, 1, 0),
	ALU64_X(BPF_XOR, 0, 6),
	ALU64_X(BPF_MUL, 0, 7),
	ALU64_K(BPF_ADD, 1, 1),
	ALU64_K(BPF_SUB, 5, 1),
	JMP_K(BPF_JNE, 5, 0, -6),
	EXIT(),
};

/* Registers alone: xorshift64, 256 rounds. */
static const struct bpf_insn xorshift[] = {
	LD64(0, 0x9e3779b97f4a7c15),
	MOV_K(5, 256),
	MOV_X(6, 0),
	ALU64_K(BPF_LSH, 6, 13),
	ALU64_X(BPF_XOR, 0, 6),
	MOV_X(6, 0),
	ALU64_K(BPF_RSH, 6, 7),
	ALU64_X(BPF_XOR, 0, 6),
	MOV_X(6, 0),
	ALU64_K(BPF_LSH, 6, 17),
	ALU64_X(BPF_XOR, 0, 6),
	ALU64_K(BPF_SUB, 5, 1),
	JMP_K(BPF_JNE, 5, 0, -11),
	EXIT(),
};

/* 64 bytes to the stack as words, and back added up; 32-bit arithmetic. */
static const struct bpf_insn words[] = {
	LDX(BPF_DW, 3, 1, 0),
	LDX(BPF_DW, 4, 1, 8),
	STX(BPF_DW, 10, -64, 3),
	STX(BPF_DW, 10, -56, 4),
	LDX(BPF_DW, 3, 1, 16),
	LDX(BPF_DW, 4, 1, 24),
	STX(BPF_DW, 10, -48, 3),
	STX(BPF_DW, 10, -40, 4),
	LDX(BPF_DW, 3, 1, 32),
	LDX(BPF_DW, 4, 1, 40),
	STX(BPF_DW, 10, -32, 3),
	STX(BPF_DW, 10, -24, 4),
	LDX(BPF_DW, 3, 1, 48),
	LDX(BPF_DW, 4, 1, 56),
	STX(BPF_DW, 10, -16, 3),
	STX(BPF_DW, 10, -8, 4),
	MOV_K(0, 0),
	LDX(BPF_W, 3, 10, -64),
	ALU32_X(BPF_ADD, 0, 3),
	LDX(BPF_W, 3, 10, -52),
	ALU32_X(BPF_ADD, 0, 3),
	LDX(BPF_W, 3, 10, -40),
	ALU32_X(BPF_XOR, 0, 3),
	LDX(BPF_W, 3, 10, -28),
	ALU32_X(BPF_ADD, 0, 3),
	LDX(BPF_W, 3, 10, -16),
	ALU32_X(BPF_XOR, 0, 3),
	LDX(BPF_W, 3, 10, -4),
	ALU32_X(BPF_SUB, 0, 3),
	EXIT(),
};

#define PROGRAM(name, insns, size, result) {name, insns, COUNT(insns), size, result}

/* Results are worked out apart from any engine. */
const struct mem_program mem_programs[] = {
	PROGRAM("byte sum, 64 bytes", byte_sum, 64, 3294),
	PROGRAM("checksum, 1480 bytes", checksum, 1514, 0xd1f1),
	PROGRAM("parse to UDP port", parse, 1514, 53),
	PROGRAM("FNV-1a, 64 bytes", hash, 64, 0x7deda4d911eb7b25),
	PROGRAM("xorshift, 256 rounds", xorshift, 64, 0x9ddbcc9adadfe798),
	PROGRAM("words over the stack", words, 64, 0xf357b6b6),
};
const size_t n_mem_programs = COUNT(mem_programs);
