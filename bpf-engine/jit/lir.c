/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The intermediate form's storage and what each operation reads and writes. Operations live in
 * chunks that are freed together; a block that outgrows its room moves to a larger piece.
 */
#include <stdlib.h>
#include <string.h>
#include "jit/lir.h"

#define CHUNK_OPS 1024u
#define FIRST_OPS 8u /* room of a block that gets its first operation */

struct lir_chunk {
	struct lir_chunk *next;
	uint32_t used, room;
	struct lir_op ops[];
};

const uint8_t lir_home[MAX_BPF_REG] = {
	[BPF_REG_0] = LIR_RAX, [BPF_REG_1] = LIR_RSI, [BPF_REG_2] = LIR_RDX, [BPF_REG_3] = LIR_RCX,
	[BPF_REG_4] = LIR_R8,  [BPF_REG_5] = LIR_R9,  [BPF_REG_6] = LIR_RBX, [BPF_REG_7] = LIR_RBP,
	[BPF_REG_8] = LIR_R14, [BPF_REG_9] = LIR_R15, [BPF_REG_10] = LIR_FP,
};

void lir_init(struct lir *lir, const struct bpfe_image *image)
{
	memset(lir, 0, sizeof(*lir));
	lir->image = image;
}

void lir_free(struct lir *lir)
{
	while (lir->chunks) {
		struct lir_chunk *next = lir->chunks->next;

		free(lir->chunks);
		lir->chunks = next;
	}
	free(lir->blocks);
	free(lir->functions);
	free(lir->order);
	free(lir->flow);
	memset(lir, 0, sizeof(*lir));
}

static struct lir_op *take(struct lir *lir, uint32_t n)
{
	struct lir_chunk *chunk = lir->chunks;

	if (!chunk || chunk->room - chunk->used < n) {
		uint32_t room = n > CHUNK_OPS ? n : CHUNK_OPS;

		chunk = malloc(sizeof(*chunk) + room * sizeof(chunk->ops[0]));
		if (!chunk) {
			lir->failed = true;
			return NULL;
		}
		chunk->used = 0;
		chunk->room = room;
		chunk->next = lir->chunks;
		lir->chunks = chunk;
	}
	chunk->used += n;
	return &chunk->ops[chunk->used - n];
}

uint32_t lir_block_new(struct lir *lir, uint32_t function, uint32_t slot)
{
	if (lir->n_blocks == lir->room_blocks) {
		uint32_t room = lir->room_blocks ? 2 * lir->room_blocks : 64;
		struct lir_block *blocks = realloc(lir->blocks, room * sizeof(*blocks));

		if (!blocks) {
			lir->failed = true;
			return LIR_NO_BLOCK;
		}
		lir->blocks = blocks;
		lir->room_blocks = room;
	}
	lir->blocks[lir->n_blocks] =
		(struct lir_block){.next = LIR_NO_BLOCK, .function = function, .slot = slot};
	lir->flow_known = JIT_FLOW_NOTHING;
	return lir->n_blocks++;
}

struct lir_op *lir_insert(struct lir *lir, uint32_t block, uint32_t at, const struct lir_op *op)
{
	struct lir_block *b = block < lir->n_blocks ? &lir->blocks[block] : NULL;
	const struct lir_op copy = *op; /* it may be one of the block's own */

	if (!b) {
		lir->failed = true;
		return NULL;
	}
	if (b->n_ops == b->room) {
		uint32_t room = b->room ? 2 * b->room : FIRST_OPS;
		struct lir_op *ops = take(lir, room);

		if (!ops)
			return NULL;
		if (b->n_ops)
			memcpy(ops, b->ops, b->n_ops * sizeof(*ops));
		b->ops = ops;
		b->room = room;
	}
	if (at < b->n_ops)
		memmove(&b->ops[at + 1], &b->ops[at], (b->n_ops - at) * sizeof(*b->ops));
	b->ops[at] = copy;
	b->n_ops++;
	return &b->ops[at];
}

struct lir_op *lir_append(struct lir *lir, uint32_t block, const struct lir_op *op)
{
	return lir_insert(lir, block, block < lir->n_blocks ? lir->blocks[block].n_ops : 0, op);
}

void lir_compact(struct lir *lir)
{
	for (uint32_t i = 0; i < lir->n_blocks; i++) {
		struct lir_block *b = &lir->blocks[i];
		uint32_t n = 0;

		for (uint32_t o = 0; o < b->n_ops; o++) {
			if (b->ops[o].code != LIR_NOP)
				b->ops[n++] = b->ops[o];
		}
		b->n_ops = n;
	}
}

/* ---- What operations read and write --------------------------------------------------------- */

#define ARITHMETIC (LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_PURE)

const uint16_t lir_traits[LIR_CODES] = {
	[LIR_MOV] = LIR_USES_B | LIR_SETS_DST | LIR_PURE,
	[LIR_ADD] = ARITHMETIC,
	[LIR_SUB] = ARITHMETIC,
	[LIR_MUL] = ARITHMETIC,
	[LIR_AND] = ARITHMETIC,
	[LIR_OR] = ARITHMETIC,
	[LIR_XOR] = ARITHMETIC,
	[LIR_SHL] = ARITHMETIC,
	[LIR_SHR] = ARITHMETIC,
	[LIR_SAR] = ARITHMETIC,
	[LIR_ROL] = ARITHMETIC,
	[LIR_SHLD] = ARITHMETIC,
	[LIR_UDIV] = ARITHMETIC,
	[LIR_UMOD] = ARITHMETIC,
	[LIR_SDIV] = ARITHMETIC,
	[LIR_SMOD] = ARITHMETIC,
	[LIR_NEG] = LIR_USES_A | LIR_SETS_DST | LIR_PURE,
	[LIR_BSWAP] = LIR_USES_A | LIR_SETS_DST | LIR_PURE,
	[LIR_ZEXT] = ARITHMETIC,
	[LIR_SEXT] = ARITHMETIC,
	[LIR_LEA] = LIR_SETS_DST | LIR_ADDRESS | LIR_PURE,
	[LIR_LOAD] = LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_PURE,
	[LIR_STORE] = LIR_USES_B | LIR_MEMORY | LIR_WRITES,
	[LIR_RMW] = LIR_USES_B | LIR_MEMORY | LIR_READS | LIR_WRITES,
	[LIR_SUM] = LIR_USES_A | LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_PURE,
	[LIR_ATOMIC] = LIR_USES_B | LIR_MEMORY | LIR_READS | LIR_WRITES,
	[LIR_FETCH] = LIR_USES_B | LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_WRITES,
	[LIR_XCHG] = LIR_USES_B | LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_WRITES,
	[LIR_CMPXCHG] = LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_MEMORY | LIR_READS |
			LIR_WRITES | LIR_IMPLIES,
	[LIR_SELECT] =
		LIR_USES_A | LIR_USES_B | LIR_USES_DST | LIR_SETS_DST | LIR_PURE | LIR_IMPLIES,
	[LIR_SETCC] = LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_PURE,
	[LIR_MASK] = LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_PURE,
	[LIR_GUARD] = LIR_USES_A | LIR_USES_B | LIR_USES_DST | LIR_SETS_DST,
	[LIR_CLAMP] = LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_READS,
	[LIR_OBJECT] = LIR_USES_DST,
	[LIR_CTX_LOAD] = LIR_USES_A | LIR_SETS_DST | LIR_READS | LIR_PURE,
	[LIR_CTX_STORE] = LIR_USES_A | LIR_USES_B | LIR_WRITES,
	[LIR_CALL_HELPER] = LIR_CALLS | LIR_READS | LIR_WRITES | LIR_IMPLIES,
	[LIR_CALL_DIRECT] = LIR_CALLS | LIR_READS | LIR_WRITES | LIR_USES_A | LIR_IMPLIES,
	[LIR_CALL_LOCAL] = LIR_CALLS | LIR_READS | LIR_WRITES | LIR_IMPLIES,
	[LIR_CALLX] = LIR_CALLS | LIR_READS | LIR_WRITES | LIR_USES_A | LIR_IMPLIES,
	[LIR_JUMP] = LIR_ENDS,
	[LIR_BRANCH] = LIR_USES_A | LIR_USES_B | LIR_ENDS,
	[LIR_MAY_GOTO] = LIR_ENDS,
	[LIR_TAIL_CALL] = LIR_CALLS | LIR_READS | LIR_WRITES | LIR_IMPLIES,
	[LIR_EXIT] = LIR_ENDS | LIR_IMPLIES,
	[LIR_TRAP] = LIR_ENDS,
};

uint8_t lir_cond_swap(uint8_t cond)
{
	switch (cond) {
	case LIR_B:
		return LIR_A;
	case LIR_A:
		return LIR_B;
	case LIR_AE:
		return LIR_BE;
	case LIR_BE:
		return LIR_AE;
	case LIR_L:
		return LIR_G;
	case LIR_G:
		return LIR_L;
	case LIR_GE:
		return LIR_LE;
	case LIR_LE:
		return LIR_GE;
	default: /* equality and tests are symmetric */
		return cond;
	}
}

uint8_t lir_cond_not(uint8_t cond)
{
	return cond ^ 1; /* as in encodings; LIR_TESTZ and LIR_TESTNZ follow suit */
}
