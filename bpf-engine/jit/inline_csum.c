// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * bpf_csum_diff() of constant sizes, as helpers/bytes.c has it: sums of 32-bit words in 64 bits,
 * which do not overflow, folded where it folds.
 */
#include <errno.h>
#include "jit/inline.h"

#define MAX_WORDS 16u /* of both together, unrolled */

/* sum += the words at @place. */
static void add_words(struct jit_builder *b, uint8_t sum, const struct jit_place *place,
		      uint32_t size, uint8_t scratch)
{
	for (uint32_t at = 0; at < size; at += 4) {
		jit_place_load(b, 4, scratch, place, at);
		jit_emit_rr(b, LIR_ADD, 8, sum, sum, scratch);
	}
}

/*
 * The upper half of reg added to the lower, with the carry, into the lower: behind a rotation by
 * half the sum of both has that in its upper half, as the lower half's carry is the same.
 */
static void fold(struct jit_builder *b, unsigned size, uint8_t reg, uint8_t scratch)
{
	jit_emit_ri(b, LIR_ROL, size, scratch, reg, (int32_t)size * 4);
	jit_emit_rr(b, LIR_ADD, size, reg, reg, scratch);
	jit_emit_ri(b, LIR_SHR, size, reg, reg, (int32_t)size * 4);
}

static void invert(struct jit_builder *b, uint8_t reg)
{
	jit_emit_ri(b, LIR_XOR, 4, reg, reg, -1);
}

/* rax = the sum, not folded to 16 bits: to - from + seed (r9). */
static void emit_sum(struct jit_builder *b, uint32_t from_size, uint32_t to_size)
{
	const struct jit_place from = jit_place(b, LIR_RSI), to = jit_place(b, LIR_RCX);

	jit_emit_mov(b, 4, LIR_RAX, LIR_R9);
	if (to_size) {
		add_words(b, LIR_RAX, &to, to_size, LIR_RDX);
		fold(b, 8, LIR_RAX, LIR_RDX);
	}
	if (from_size && to_size) {
		jit_emit_const(b, LIR_R8, 0);
		add_words(b, LIR_R8, &from, from_size, LIR_RDX);
		fold(b, 8, LIR_R8, LIR_RDX);
		invert(b, LIR_R8);
		jit_emit_rr(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, LIR_R8);
		fold(b, 8, LIR_RAX, LIR_RDX);
	} else if (from_size) {
		invert(b, LIR_RAX);
		add_words(b, LIR_RAX, &from, from_size, LIR_RDX);
		fold(b, 8, LIR_RAX, LIR_RDX);
		invert(b, LIR_RAX);
	}
}

bool jit_inline_csum_diff(struct jit_builder *b, struct bpfe_map *map)
{
	uint32_t from_size, to_size;

	if (!jit_known_u32(b, LIR_RDX, &from_size) || !jit_known_u32(b, LIR_R8, &to_size))
		return false;
	if ((from_size | to_size) % 4) {
		jit_emit_const(b, LIR_RAX, (uint64_t)-EINVAL);
		return true;
	}
	if (from_size > MAX_WORDS * 4 || to_size > MAX_WORDS * 4 - from_size)
		return false;
	jit_charge(b, (from_size + to_size) / 8);
	emit_sum(b, from_size, to_size);
	fold(b, 4, LIR_RAX, LIR_RDX);
	return true;
}
