/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The effects and conditions of opcodes.h as functions: bpfe_ADD64(a, b), bpfe_ADD32(a, b),
 * bpfe_BE16(a), bpfe_JGT64(a, b), ... 32-bit results come back zero-extended.
 */
#ifndef BPFE_EFFECTS_H
#define BPFE_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>
#include "isa/opcodes.h"

/* Not every effect uses every view of its operands. */
#define BPFE_OPERANDS(bits)                                                \
	const int##bits##_t sa __attribute__((unused)) = (int##bits##_t)a; \
	const int##bits##_t sb __attribute__((unused)) = (int##bits##_t)b; \
	const unsigned mask __attribute__((unused)) = (bits) - 1

#define BPFE_ALU_EFFECT(X, name, code, off, text, effect)              \
	static inline uint64_t bpfe_##name##64(uint64_t a, uint64_t b) \
	{                                                              \
		BPFE_OPERANDS(64);                                     \
		return effect;                                         \
	}                                                              \
	static inline uint64_t bpfe_##name##32(uint32_t a, uint32_t b) \
	{                                                              \
		BPFE_OPERANDS(32);                                     \
		return (uint32_t)(effect);                             \
	}

#define BPFE_UNARY_EFFECT(X, name, code, select, form, text, effect) \
	static inline uint64_t bpfe_##name(uint64_t a)               \
	{                                                            \
		return effect;                                       \
	}

#define BPFE_JUMP_CONDITION(X, name, code, text, condition)        \
	static inline bool bpfe_##name##64(uint64_t a, uint64_t b) \
	{                                                          \
		BPFE_OPERANDS(64);                                 \
		return condition;                                  \
	}                                                          \
	static inline bool bpfe_##name##32(uint32_t a, uint32_t b) \
	{                                                          \
		BPFE_OPERANDS(32);                                 \
		return condition;                                  \
	}

BPFE_ALU_OPS(BPFE_ALU_EFFECT, )
BPFE_UNARY_OPS(BPFE_UNARY_EFFECT, )
BPFE_JUMP_OPS(BPFE_JUMP_CONDITION, )

#undef BPFE_ALU_EFFECT
#undef BPFE_UNARY_EFFECT
#undef BPFE_JUMP_CONDITION
#undef BPFE_OPERANDS

#endif
